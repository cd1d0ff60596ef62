//! Rates, retries and breakers: the crate `delivery`. Credentials: the crate `fcm`.

use std::time::Duration;

use reveille_core::{Action, Machine, RetrySource, UnixTime};
use reveille_delivery::pacer::{
    Breaker, BreakerChange, BreakerSettings, CredentialId, LaneId, LaneSettings, Offer, Pacer, PacerSettings,
    ServiceId,
};
use reveille_delivery::{
    Delivery, DeliverySettings, Device, DeviceId, Input, Job, JobId, Note, Output, Priority, RecipientId,
    SlotId, Verdict,
};
use reveille_fcm::{ServiceAccount, credential};
use reveille_testkit::fcm::SERVICE_ACCOUNT;

use super::Words;
use crate::support::NOW;

const SERVICE: ServiceId = ServiceId(1);

pub(crate) struct Sending {
    delivery: Delivery,
    pacer: Pacer<u64>,
    breaker: Breaker,
    offered: u64,
}

fn job(number: u64, until: Option<UnixTime>) -> Job {
    let (id, recipient) = (JobId::from_bits(number.into()), RecipientId::from_bits(number.into()));
    let job = Job::new(id, recipient, SlotId::from_bits(number.into()), 1, "content");
    let job = job.with_devices([Device::new(DeviceId::from_bits(number.into()), 1)]);
    job.with_not_after(until.unwrap_or(NOW + Duration::from_secs(86_400)))
}

fn show(output: &Output) -> String {
    match output {
        Output::Send(send) => format!("send job={} attempt={}", send.job.to_bits(), send.attempt),
        Output::Settled { job, fate } => {
            format!("settled job={} fate={} fallback={}", job.to_bits(), fate.name(), fate.failed())
        }
        Output::LegSettled { fate, .. } => format!("device_settled fate={}", fate.name()),
        Output::Note(Note::Dead { job, .. }) => format!("dead_letter job={}", job.to_bits()),
        Output::Note(Note::Redriven { started, skipped }) => {
            format!("redriven started={started} skipped={skipped}")
        }
        Output::Device { effect, .. } => format!("device {effect:?}").to_lowercase(),
        other => format!("{other:?}"),
    }
}

impl Sending {
    pub(crate) fn new() -> Self {
        let lane = LaneSettings::default().with_ramp(Duration::ZERO);
        Self {
            delivery: Delivery::new(DeliverySettings::default(), 7),
            pacer: Pacer::new(PacerSettings::default().with_lane(SERVICE, lane.unwrap()), 3),
            breaker: Breaker::new(BreakerSettings::default(), 3),
            offered: 0,
        }
    }

    pub(crate) fn step(&mut self, words: &Words<'_>) -> Option<Vec<String>> {
        let number = || words.number("job", 1);
        let input = match words.verb() {
            "submit" => Input::Submit { job: job(number(), words.time("until")).into() },
            "answered" => {
                let action = match words.word(0) {
                    "503" => {
                        let asked = words.get("retry_after").map(|_| words.time("retry_after").unwrap());
                        let source = if asked.is_some() { RetrySource::Service } else { RetrySource::Guess };
                        Action::Retry { not_before: asked.unwrap_or(words.now), source }
                    }
                    "410" => Action::DropTarget { if_registered_before: None },
                    other => panic!("{other}"),
                };
                let status = words.word(0).parse().unwrap();
                Input::Outcome {
                    job: JobId::from_bits(number().into()),
                    device: DeviceId::from_bits(number().into()),
                    attempt: words.number("attempt", 1) as u8,
                    verdict: Verdict::Refused { status, reason: None, action },
                }
            }
            "wake" => Input::Tick,
            "redrive" => Input::Redrive {
                from: words.time("from").unwrap(),
                to: words.time("to").unwrap(),
                every: Duration::from_secs(1),
                until: words.time("until").unwrap(),
            },
            "dead_letters" => return Some(vec![self.delivery.dead_letters().count().to_string()]),
            "api" => return Some(self.api(words)),
            "offer" | "leave" => return Some(self.pace(words)),
            "calls" | "admit" => return Some(self.call(words)),
            "account" => return Some(account(words)),
            "dry_run" => return Some(dry_run(words)),
            _ => return None,
        };
        Some(self.delivery.apply(input, words.now).map(|output| show(&output)).collect())
    }

    /// Calls of the platform's API, by one client.
    fn api(&mut self, words: &Words<'_>) -> Vec<String> {
        let calls = words.number("calls", 1);
        let let_through = (0..calls).filter(|_| self.pacer.take_api(1, words.now).is_ok()).count();
        vec![format!("let_through={let_through} of={calls}")]
    }

    fn pace(&mut self, words: &Words<'_>) -> Vec<String> {
        if words.verb() == "offer" {
            let priority = if words.has("urgent") { Priority::Urgent } else { Priority::Normal };
            for _ in 0..words.number("count", 1) {
                self.offered += 1;
                let mut delivery = Delivery::new(DeliverySettings::default(), 1);
                let job = job(self.offered, None).with_priority(priority);
                let outputs: Vec<_> = delivery.apply(Input::Submit { job: job.into() }, words.now).collect();
                let [Output::Send(send)] = &outputs[..] else { panic!("{outputs:?}") };
                let (lane, credential) = (LaneId::from_bits(1), CredentialId::from_bits(1));
                self.pacer
                    .offer(Offer::new(send, lane, SERVICE, credential, self.offered), words.now)
                    .unwrap();
            }
            return vec![format!("queued={}", self.pacer.len())];
        }
        let mut left = Vec::new();
        while let Some(leave) = self.pacer.next(words.now) {
            left.push(leave.content);
            self.pacer.report(leave.ticket, Verdict::Accepted { status: 200 }, words.now);
        }
        let first = left.first().map_or_else(|| "none".to_owned(), ToString::to_string);
        vec![format!("left={} first={first} queued={}", left.len(), self.pacer.len())]
    }

    fn call(&mut self, words: &Words<'_>) -> Vec<String> {
        if words.verb() == "admit" {
            return match self.breaker.admit(words.now) {
                Ok(permit) => {
                    let change = self.breaker.record(permit, !words.has("fails"), Duration::ZERO, words.now);
                    change.map_or_else(|| vec!["admitted".to_owned()], |change| vec![self::change(change)])
                }
                Err(_) => vec!["paused".to_owned()],
            };
        }
        let (good, bad) = (words.number("good", 0), words.number("bad", 0));
        let mut changes = Vec::new();
        for succeeded in (0..good).map(|_| true).chain((0..bad).map(|_| false)) {
            let Ok(permit) = self.breaker.admit(words.now) else { continue };
            changes.extend(self.breaker.record(permit, succeeded, Duration::ZERO, words.now).map(change));
        }
        changes
    }
}

fn change(change: BreakerChange) -> String {
    match change {
        BreakerChange::Opened { .. } => "opened".to_owned(),
        BreakerChange::Closed => "closed".to_owned(),
        other => format!("{other:?}"),
    }
}

/// A stored service account: what may be shown of it.
fn account(words: &Words<'_>) -> Vec<String> {
    let mut file: serde_json::Value = serde_json::from_str(SERVICE_ACCOUNT).unwrap();
    if words.has("without_key") {
        file["private_key"] = serde_json::Value::Null;
    }
    match ServiceAccount::from_json(file.to_string().as_bytes()) {
        Ok(account) => {
            let masked = account.masked();
            let secret = file["private_key"].as_str().unwrap();
            let shown = format!("{account:?} {masked:?}");
            let hidden = !secret.lines().any(|line| shown.contains(line));
            vec![format!(
                "stored project={} email={} key_hidden={hidden}",
                masked.project_id, masked.client_email
            )]
        }
        Err(error) => vec![format!("refused_{error}").replace(' ', "_")],
    }
}

/// What FCM answers to the dry run of a credential.
fn dry_run(words: &Words<'_>) -> Vec<String> {
    let status: u16 = words.get("status").unwrap().parse().unwrap();
    let body = match words.get("code") {
        None => serde_json::json!({ "name": "projects/p/messages/fake" }),
        Some(code) => {
            let said = words.get("said").unwrap();
            serde_json::json!({ "error": { "code": status, "status": code, "message": said } })
        }
    };
    let response = http::Response::builder().status(status).body(body.to_string()).unwrap();
    let verdict = credential::Verdict::from_response(None, &response, words.now);
    vec![
        match verdict {
            credential::Verdict::Configured => "configured",
            credential::Verdict::ApiDisabled => "api_disabled",
            credential::Verdict::TokenRefused => "token_refused",
            credential::Verdict::TryLater { .. } => "try_later",
            other => panic!("{other:?}"),
        }
        .to_owned(),
    ]
}
