//! Against servers that misbehave: each is a script of a few lines.

use std::sync::Arc;
use std::time::{Duration, Instant};

use reveille_core::UnixTime;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;

use super::*;

/// How a server behaves.
#[derive(Clone, Copy, Default)]
struct Way {
    /// What it says instead of the usual to a command that begins so.
    says: Option<(&'static str, &'static str)>,
    /// It says nothing any more to a command that begins so.
    stalls: Option<&'static str>,
    /// It closes the connection then.
    closes: Option<&'static str>,
    starttls: bool,
    implicit: bool,
    endless: bool,
}

struct Server {
    port: u16,
    certificate: CertificateDer<'static>,
    /// Commands and the e-mail itself.
    heard: mpsc::UnboundedReceiver<String>,
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

async fn server(way: Way) -> Server {
    let identity = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let certificate = identity.cert.der().clone();
    let key = PrivateKeyDer::try_from(identity.signing_key.serialize_der()).unwrap();
    let tls = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .unwrap();
    let tls = TlsAcceptor::from(Arc::new(tls));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (tell, heard) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            let (tls, tell) = (tls.clone(), tell.clone());
            tokio::spawn(async move {
                let stream: Box<dyn Stream> = match way.implicit {
                    true => match tls.accept(tcp).await {
                        Ok(stream) => Box::new(stream),
                        Err(_) => return,
                    },
                    false => Box::new(tcp),
                };
                let mut stream = BufReader::new(stream);
                let _ = stream.write_all(b"220 localhost ESMTP\r\n").await;
                if talk(&mut stream, way, way.implicit, &tell).await.is_some() {
                    let Ok(secure) = tls.accept(stream.into_inner()).await else { return };
                    let mut secure: BufReader<Box<dyn Stream>> = BufReader::new(Box::new(secure));
                    let _ = talk(&mut secure, way, true, &tell).await;
                }
            });
        }
    });
    Server { port, certificate, heard }
}

/// Until the end; or until STARTTLS.
async fn talk(
    stream: &mut BufReader<Box<dyn Stream>>,
    way: Way,
    is_secure: bool,
    tell: &mpsc::UnboundedSender<String>,
) -> Option<()> {
    let mut line = String::new();
    let mut in_mail = false;
    loop {
        line.clear();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        let _ = tell.send(line.trim_end().to_owned());
        if in_mail {
            if line == ".\r\n" {
                line = "END".to_owned();
            } else {
                continue;
            }
        }
        let is = |wanted: Option<&str>| wanted.is_some_and(|wanted| line.starts_with(wanted));
        if is(way.stalls) {
            std::future::pending::<()>().await;
        }
        if is(way.closes) {
            return None;
        }
        if way.endless && line.starts_with("EHLO") {
            let line = format!("250-{}\r\n", "x".repeat(400));
            while stream.write_all(line.as_bytes()).await.is_ok() {}
            return None;
        }
        let said = match &*line {
            line if way.says.is_some_and(|(to, _)| line.starts_with(to)) => way.says?.1,
            line if line.starts_with("EHLO") && way.starttls && !is_secure => "250-localhost\r\n250 STARTTLS",
            line if line.starts_with("EHLO") => "250-localhost\r\n250-8BITMIME\r\n250 AUTH PLAIN",
            line if line.starts_with("STARTTLS") => "220 go on",
            line if line.starts_with("AUTH") => "235 2.7.0 welcome",
            line if line.starts_with("DATA") => "354 go on",
            line if line.starts_with("QUIT") => "221 bye",
            _ => "250 2.0.0 good",
        };
        in_mail = line.starts_with("DATA") && said.starts_with("354");
        stream.write_all(format!("{said}\r\n").as_bytes()).await.ok()?;
        if line.starts_with("STARTTLS") && said.starts_with("220") {
            return Some(());
        }
    }
}

fn settings(server: &Server, tls: &str, more: &str) -> SmtpSettings {
    let text = format!(
        "host = \"localhost\"\nport = {}\ntls = \"{tls}\"\nfrom = \"Shop <push@shop.example>\"\n\
         patience_ms = 800\n{more}",
        server.port
    );
    toml::from_str(&text).unwrap()
}

async fn sent(server: &Server, tls: &str) -> Verdict {
    let email = Email::new(&settings(server, tls, ""), std::slice::from_ref(&server.certificate)).unwrap();
    send(&email).await
}

async fn send(email: &Email) -> Verdict {
    let text = Templates::text();
    email.send("kate@shop.example", text, "7c1e", UnixTime::from_secs(1_800_000_000)).await
}

struct Templates;

impl Templates {
    /// A text as the templates make it.
    fn text() -> Text {
        use reveille_conversation::event::{Event, What};
        use reveille_core::Machine as _;
        let now = UnixTime::from_secs(1_800_000_000);
        let seed = reveille_conversation::Seed::new([7; 16]);
        let rules = reveille_conversation::rules::Rules::default();
        let mut machine = reveille_conversation::Conversations::new(rules, seed).unwrap();
        let offer = serde_json::from_str(r#"{"person":"kate","caller_name":"Zoë"}"#).unwrap();
        let event = Event::new("c1".parse().unwrap(), What::CallOffered(offer), now);
        let intent = machine.apply(event.into(), now).find_map(|output| match output {
            reveille_conversation::Output::Intent(intent) => Some(intent),
            _ => None,
        });
        let texts = reveille_conversation::content::Texts::english().unwrap();
        let settings = reveille_content::ContentSettings::default();
        let templates = reveille_content::Templates::new("https://shop.example", texts, settings).unwrap();
        templates.email(&intent.unwrap()).unwrap()
    }
}

fn heard(server: &mut Server) -> Vec<String> {
    std::iter::from_fn(|| server.heard.try_recv().ok()).collect()
}

#[tokio::test]
async fn an_email_arrives_by_each_kind_of_connection_with_its_name() {
    for (tls, way) in [
        ("starttls", Way { starttls: true, ..Way::default() }),
        ("implicit", Way { implicit: true, ..Way::default() }),
        ("none", Way::default()),
    ] {
        let mut server = server(way).await;
        assert_eq!(sent(&server, tls).await, Verdict::Accepted { status: 250 }, "{tls}");
        let heard = heard(&mut server);
        for line in [
            "EHLO shop.example",
            "MAIL FROM:<push@shop.example>",
            "RCPT TO:<kate@shop.example>",
            "From: Shop <push@shop.example>",
            "To: kate@shop.example",
            "Subject: Incoming call",
            "Message-ID: <7c1e@shop.example>",
            "Auto-Submitted: auto-generated",
            "Date: Fri, 15 Jan 2027 08:00:00 +0000",
        ] {
            assert!(heard.iter().any(|said| said.starts_with(line)), "{tls}: {line} in {heard:#?}");
        }
        assert!(heard.iter().any(|said| said.contains("https://shop.example/")), "{tls}: {heard:#?}");
    }
}

#[tokio::test]
async fn nothing_is_said_without_tls() {
    // A server that has no STARTTLS, one that refuses it, and one whose certificate nobody knows.
    for (way, known) in [
        (Way::default(), true),
        (Way { starttls: true, says: Some(("STARTTLS", "454 4.7.0 not now")), ..Way::default() }, true),
        (Way { starttls: true, ..Way::default() }, false),
    ] {
        let mut server = server(way).await;
        let certificates = if known { vec![server.certificate.clone()] } else { Vec::new() };
        let verdict = send(&Email::new(&settings(&server, "starttls", ""), &certificates).unwrap()).await;
        assert!(!matches!(verdict, Verdict::Accepted { .. }), "{verdict:?}");
        let heard = heard(&mut server);
        assert!(!heard.iter().any(|said| said.starts_with("MAIL") || said.starts_with("AUTH")), "{heard:?}");
    }
}

#[tokio::test]
async fn what_a_server_says_is_the_reason() {
    for (to, says, action, reason) in [
        ("MAIL", "421 4.3.2 going down", "retry", "4.3.2"),
        ("RCPT", "450 4.2.0 <kate@shop.example> is greylisted", "retry", "4.2.0"),
        ("RCPT", "451 later", "retry", "smtp_451"),
        ("RCPT", "550 5.1.1 <kate@shop.example> unknown", "give_up", "5.1.1"),
        ("RCPT", "550 <kate@shop.example> unknown", "give_up", "smtp_550"),
        ("MAIL", "552 5.3.4 too large", "fix_request", "5.3.4"),
        ("MAIL", "530 5.7.0 log in first", "fix_credential", "5.7.0"),
        ("END", "554 5.7.1 spam", "give_up", "5.7.1"),
    ] {
        let server = server(Way { says: Some((to, says)), ..Way::default() }).await;
        let verdict = sent(&server, "none").await;
        assert_eq!(verdict.name(), action, "{says}: {verdict:?}");
        let Verdict::Refused { reason: given, .. } = verdict else { panic!("{says}") };
        assert_eq!(given.as_deref(), Some(reason), "{says}: and no address");
    }
}

#[tokio::test]
async fn a_wrong_password_is_the_operators_to_mend() {
    let way = Way { implicit: true, says: Some(("AUTH", "535 5.7.8 no")), ..Way::default() };
    let server = server(way).await;
    let path = std::env::temp_dir().join(format!("reveille-smtp-{}", std::process::id()));
    std::fs::write(&path, "secret\n").unwrap();
    let more = format!("user = \"push\"\npassword = {{ file = {:?} }}\n", path.display().to_string());
    let settings = settings(&server, "implicit", &more);
    assert!(!format!("{settings:?}").contains("push"), "{settings:?}");
    let email = Email::new(&settings, std::slice::from_ref(&server.certificate)).unwrap();
    assert_eq!(send(&email).await.name(), "fix_credential");
    std::fs::remove_file(path).unwrap();
}

#[tokio::test]
async fn stalls_resets_and_endless_answers_end() {
    for (what, way, verdict) in [
        ("says nothing", Way { stalls: Some("EHLO"), ..Way::default() }, Verdict::NoAnswer),
        ("stalls after the e-mail", Way { stalls: Some("END"), ..Way::default() }, Verdict::NoAnswer),
        ("closes after the e-mail", Way { closes: Some("END"), ..Way::default() }, Verdict::NoAnswer),
        ("closes at once", Way { closes: Some("EHLO"), ..Way::default() }, Verdict::NoAnswer),
        ("never ends", Way { endless: true, ..Way::default() }, Verdict::NoAnswer),
    ] {
        let begun = Instant::now();
        let server = server(way).await;
        assert_eq!(sent(&server, "none").await, verdict, "{what}");
        assert!(begun.elapsed() < Duration::from_secs(5), "{what}");
    }
    // Nobody is there.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let gone = Server { port, ..server(Way::default()).await };
    assert_eq!(sent(&gone, "none").await, Verdict::NoAnswer);
}

#[test]
fn plain_connections_are_for_loopback() {
    let read = |host: &str, tls: &str, more: &str| {
        let text = format!("host = {host:?}\ntls = {tls:?}\nfrom = \"a@b.example\"\n{more}");
        let settings: SmtpSettings = toml::from_str(&text).unwrap();
        settings.check().map_err(|error| error.to_string())
    };
    for host in ["localhost", "127.0.0.1", "::1"] {
        assert_eq!(read(host, "none", ""), Ok(()));
    }
    for host in ["mail.shop.example", "10.0.0.1", "localhost.shop.example"] {
        assert_eq!(read(host, "none", ""), Err("smtp.tls: none is for loopback only".to_owned()));
        assert_eq!(read(host, "starttls", ""), Ok(()));
    }
    let half = Err("smtp: give user and password, or neither".to_owned());
    assert_eq!(read("localhost", "none", "user = \"x\""), half);
}

#[test]
fn a_reason_names_no_address() {
    assert_eq!(enhanced("5.1.1 <kate@shop.example>: unknown").as_deref(), Some("5.1.1"));
    for text in ["", "<kate@shop.example> 5.1.1", "5.1", "5.1.1.1 x", "5..1", "5.1.kate"] {
        assert_eq!(enhanced(text), None, "{text}");
    }
}
