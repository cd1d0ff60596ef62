//! E-mails, by SMTP (RFC 5321). The server is the operator's; nothing of it is checked but its certificate.

use std::error::Error as _;
use std::time::{SystemTime, UNIX_EPOCH};

use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::PoolConfig;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};
use reveille_content::Email as Text;
use reveille_core::{Action, RetrySource, Scope, UnixTime};
use reveille_delivery::Verdict;
use rustls::pki_types::CertificateDer;

use super::settings::{SmtpSettings, SmtpTls};
use crate::settings::{InvalidSettings, wrong};

/// Who sends e-mails.
pub(super) struct Email {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    patience: std::time::Duration,
}

impl Email {
    /// Connects when there is something to send.
    pub(super) fn new(
        settings: &SmtpSettings,
        certificates: &[CertificateDer<'static>],
    ) -> Result<Self, InvalidSettings> {
        settings.check()?;
        let from: Mailbox = settings.from.parse().map_err(|_| wrong("smtp.from", "is no address"))?;
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&settings.host)
            .port(settings.port())
            .timeout(Some(settings.patience()))
            // What a server is greeted with says where the e-mails are from, and nothing of this machine.
            .hello_name(ClientId::Domain(from.email.domain().to_owned()))
            .pool_config(PoolConfig::new().max_size(settings.connections));
        if settings.tls != SmtpTls::None {
            let mut tls = TlsParameters::builder(settings.host.clone());
            for certificate in certificates {
                let certificate = Certificate::from_der(certificate.to_vec());
                tls = tls.add_root_certificate(certificate.map_err(|error| wrong("certificates", error))?);
            }
            let tls = tls.build_rustls().map_err(|error| wrong("smtp.tls", error))?;
            builder = builder.tls(match settings.tls {
                SmtpTls::Implicit => Tls::Wrapper(tls),
                _ => Tls::Required(tls),
            });
        }
        if let (Some(user), Some(password)) = (&settings.user, settings.password()?) {
            builder = builder.credentials(Credentials::new(user.clone(), password.expose().clone()));
        }
        Ok(Self { transport: builder.build(), from, patience: settings.patience() })
    }

    /// Sends one. `Message-ID` is the job's name, so that a second one can be told from another one (RFC 5322 §3.6.4).
    pub(super) async fn send(&self, to: &str, text: Text, name: &str, now: UnixTime) -> Verdict {
        let Some(message) = self.message(to, text, name, now) else {
            return refused(0, "no_message", Action::FixRequest { field: None });
        };
        match tokio::time::timeout(self.patience, self.transport.send(message)).await {
            Ok(Ok(response)) => Verdict::Accepted { status: response.code().into() },
            Ok(Err(error)) => self.verdict(&error, now),
            // It may be on its way to the server, or there.
            Err(_) => Verdict::NoAnswer,
        }
    }

    fn message(&self, to: &str, text: Text, name: &str, now: UnixTime) -> Option<Message> {
        let date: SystemTime = UNIX_EPOCH.checked_add(now.since(UnixTime::EPOCH))?;
        let mut message = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to.parse().ok()?))
            .subject(text.subject)
            .date(date)
            .message_id(Some(format!("<{name}@{}>", self.from.email.domain())))
            .header(ContentType::TEXT_PLAIN)
            .body(text.body)
            .ok()?;
        // Nobody's out-of-office answers it (RFC 3834 §5).
        let header = HeaderName::new_from_ascii_str("Auto-Submitted");
        message.headers_mut().insert_raw(HeaderValue::new(header, "auto-generated".to_owned()));
        Some(message)
    }

    fn verdict(&self, error: &lettre::transport::smtp::Error, now: UnixTime) -> Verdict {
        let Some(status) = error.status().map(u16::from) else {
            // Without TLS nothing is said, and what cannot be said is not begun.
            let unsaid = error.is_tls() || error.is_client() || error.is_transport_shutdown();
            return if unsaid { Verdict::NotSent } else { Verdict::NoAnswer };
        };
        let detail = error.source().map(ToString::to_string).and_then(|text| enhanced(&text));
        let reason = detail.unwrap_or_else(|| format!("smtp_{status}"));
        let action = match status {
            // RFC 4954 §6: the log-in is refused, or asked for.
            454 | 530 | 534 | 535 | 538 => Action::FixCredential { scope: Scope::Credential },
            400..500 => Action::Retry { not_before: now, source: RetrySource::Guess },
            // Too large: another one may be smaller.
            552 => Action::FixRequest { field: None },
            _ => Action::GiveUp,
        };
        refused(status, &reason, action)
    }
}

fn refused(status: u16, reason: &str, action: Action) -> Verdict {
    Verdict::Refused { status, reason: Some(reason.into()), action }
}

/// The enhanced status code (RFC 2034), if the text begins with one. The rest may name the address.
fn enhanced(text: &str) -> Option<String> {
    let code = text.split_ascii_whitespace().next()?;
    let mut parts = code.split('.');
    let number = |part: &str| (1..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    let good = parts.by_ref().take(3).filter(|part| number(part)).count() == 3 && parts.next().is_none();
    good.then(|| code.to_owned())
}

#[cfg(test)]
mod tests;
