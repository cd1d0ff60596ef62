//! Outputs on their way out, and answers on their way back.

use std::time::Duration;

use bytes::Bytes;
use http::Response;
use reveille_conversation::lookup::Answer as Found;
use reveille_delivery::{DeviceId, JobId, LegId, Verdict};
use reveille_gateway::{Deferred, Input, Job, LookUp, Note, Outcome, Output, Recipient, Target};
use reveille_writer::credential::{Credential, WriterOutput};
use reveille_writer::{Answer as Picked, Leg, Written};

use super::Faults;
use super::next::Next;
use super::post::{Cargo, Flight, push, text_message};
use super::services::{Answer, Service, Services};
use super::wire::{End, PATIENCE, Record, Seen, Wire, wire};
use super::world::World;

/// How a request ended, as its sender sees it.
pub(super) enum How {
    /// The service's words.
    Response(Response<Bytes>),
    /// Whoever sends text messages says so.
    Verdict(Verdict),
}

impl World {
    pub(super) fn let_go(&mut self, process: u32, shard: usize, number: u64, committed: u64, output: Output) {
        let hell = self.plan.faults == Faults::Hell;
        match output {
            Output::LookUp(LookUp::Audience(wanted)) => self.turn_page(process, shard, &wanted),
            Output::LookUp(LookUp::Name(lookup)) => {
                let wait = self.draw.ms(1, if hell { 600 } else { 200 });
                let answer = Found { of: lookup.of, text: Some("Carol".into()) };
                self.after(wait, Next::Answer { process, shard, input: Box::new(Input::Answer(answer)) });
            }
            Output::LookUp(LookUp::Devices(recipient)) => {
                let wait = self.draw.ms(1, 60);
                if hell && self.draw.per_mille(5) {
                    return self.oracle.disturbed(self.truth);
                }
                // Some drivers let first attempts go at once, and some wait for the commit: here both.
                if self.draw.per_mille(700)
                    && let Some(node) = &mut self.node
                {
                    node.post.at_once.ask(&recipient);
                }
                let (recipient, cause) = (Box::new(recipient), (number, committed));
                self.after(wait, Next::Resolve { process, shard, recipient, cause });
            }
            Output::CallOff { job } => self.call_off(process, shard, job),
            Output::Attempt { job, device, attempt } => {
                let input = Box::new(Input::Attempt { job, device, attempt });
                let wait = self.draw.ms(0, 20);
                self.after(wait, Next::Answer { process, shard, input });
            }
            Output::Send(job) | Output::FallBack(job) => {
                self.oracle.offered(number, committed);
                self.offer(process, shard, *job);
            }
            Output::Withdraw { job, device } => self.withdraw(process, shard, job, device),
            Output::Note(Note::Settled { job, .. }) => {
                if let Some(node) = &mut self.node {
                    node.post.at_once.settled(job);
                }
            }
            Output::Note(Note::LegSettled { job, device, .. }) if !self.meddle.ignores_withdrawals() => {
                if let Some(node) = &mut self.node {
                    node.post.pacer.settled(LegId::of(job, device));
                }
            }
            Output::Device { device, for_calls, effect, at } => {
                self.people.apply(device, for_calls, effect, at, self.truth);
            }
            Output::Resume(effect) => self.tokens.effect(&effect, self.truth),
            Output::DeadLetter { job, .. } => self.oracle.dead_lettered(job, self.truth),
            _ => {}
        }
    }

    /// The devices are picked, and what may leave at once leaves.
    pub(super) fn resolve(
        &mut self,
        process: u32,
        shard: usize,
        recipient: &Recipient,
        (number, committed): (u64, u64),
    ) {
        let mut person = self.people.load(&recipient.person);
        let answer = self.writer.pick(recipient, &mut person, self.now()).answer;
        let Some(mut at_once) = self.node.as_mut().map(|node| std::mem::take(&mut node.post.at_once)) else {
            return;
        };
        let jobs = match answer {
            Picked::Deferred(deferred) => {
                at_once.defer(recipient.job);
                self.answer(process, shard, deferred.into());
                Vec::new()
            }
            Picked::Devices(devices) => {
                at_once.let_go(recipient, devices, |devices| self.answer(process, shard, devices.into()))
            }
        };
        if let Some(node) = &mut self.node {
            node.post.at_once = at_once;
        }
        for job in jobs {
            self.oracle.offered(number, committed);
            self.offer(process, shard, job);
        }
    }

    fn call_off(&mut self, process: u32, shard: usize, job: JobId) {
        if self.meddle.ignores_withdrawals() {
            return;
        }
        let Some(node) = &mut self.node else { return };
        for device in node.post.at_once.call_off(job) {
            self.withdraw(process, shard, job, device);
        }
    }

    /// Written, and then it is the pacer's.
    fn offer(&mut self, process: u32, shard: usize, job: Job) {
        let job = self.meddle.job(job);
        let now = self.now();
        let offer = match job.target {
            Target::Device(_) => {
                let person = self.people.load(&job.person);
                let written = self.writer.write(&[Leg { job: &job, person: &person }], now).pop();
                self.credentials();
                match written {
                    Some(Written::Ready(ready)) => push(shard, job, *ready, self.truth),
                    Some(other) => {
                        if let Some(input) = other.input() {
                            self.answer(process, shard, input);
                        }
                        return;
                    }
                    None => return self.oracle.violated("a leg of which the writer says nothing"),
                }
            }
            _ => text_message(shard, job, self.truth),
        };
        let Some(node) = &mut self.node else { return };
        if let Err(held) = node.post.pacer.offer(offer, now) {
            let deferred = Deferred::attempt(&held.content.job, held.until, held.by);
            self.answer(process, shard, deferred.into());
        }
    }

    /// What credentials ask for.
    pub(super) fn credentials(&mut self) {
        while let Some(output) = self.writer.poll_output() {
            if let WriterOutput::Fetch { credential, fetch, .. } = output {
                let wait = self.draw.ms(20, 300);
                let well = self.plan.faults != Faults::Hell || !self.draw.per_mille(100);
                if !well {
                    self.oracle.disturbed(self.truth);
                }
                self.after(wait, Next::Fetched { credential, fetch, well });
            }
        }
    }

    pub(super) fn fetched(
        &mut self,
        credential: Credential,
        fetch: reveille_fcm::credential::FetchId,
        well: bool,
    ) {
        let now = self.now();
        if well {
            let token = format!("ya29.access-token-{}", self.granted.len());
            self.services.allow(&token, self.truth + Duration::from_secs(3_600));
            let body = format!(r#"{{"access_token":"{token}","expires_in":3599,"token_type":"Bearer"}}"#);
            self.granted.push(token);
            self.writer.handle_fetched(credential, fetch, &Response::new(body), now);
        } else {
            self.writer.handle_fetch_failure(credential, fetch, now);
        }
        self.credentials();
    }

    fn withdraw(&mut self, process: u32, shard: usize, job: JobId, device: DeviceId) {
        if self.meddle.ignores_withdrawals() {
            return;
        }
        let Some(node) = &mut self.node else { return };
        if let Some(cargo) = node.post.pacer.withdraw(LegId::of(job, device)) {
            self.answer(process, shard, Outcome::of(&cargo.job, Verdict::NotSent).into());
        }
    }

    /// Lets go whatever the pacer lets go.
    pub(super) fn pump(&mut self) {
        let now = self.now();
        loop {
            let Some(node) = &mut self.node else { return };
            let (process, leave) = (node.number, node.post.pacer.next(now));
            let Some(leave) = leave else { break };
            self.start(process, leave.ticket, leave.content);
        }
        while let Some(held) = self.node.as_mut().and_then(|node| node.post.pacer.poll_held()) {
            let Some(process) = self.node.as_ref().map(|node| node.number) else { return };
            let deferred = Deferred::attempt(&held.content.job, held.until, held.by);
            self.answer(process, held.content.shard, deferred.into());
        }
        while self.node.as_mut().and_then(|node| node.post.pacer.poll_alert()).is_some() {}
    }

    /// The first byte leaves, unless it is too late.
    fn start(&mut self, process: u32, ticket: reveille_delivery::pacer::Ticket, cargo: Cargo) {
        let now = self.now();
        if cargo.job.not_after <= now {
            if let Some(node) = &mut self.node {
                node.post.pacer.give_back(ticket, now);
            }
            return self.answer(process, cargo.shard, Outcome::of(&cargo.job, Verdict::NotSent).into());
        }
        if self.meddle.retries_by_itself() && self.draw.per_mille(200) {
            let Cargo { shard, lane, offered, .. } = cargo;
            let copy = Cargo { shard, job: cargo.job.clone(), letter: None, lane, offered };
            if let Some((request, _)) = &cargo.letter {
                self.transmit(process, &copy, Some(request));
            }
        }
        let answers = self.transmit(process, &cargo, cargo.letter.as_ref().map(|(request, _)| request));
        self.queued += 1;
        let flight = self.queued;
        let Some(node) = &mut self.node else { return };
        let sent = cargo.letter.map(|(_, sent)| sent);
        node.post
            .flights
            .insert(flight, Flight { shard: cargo.shard, job: cargo.job, ticket: Some(ticket), sent });
        for (wait, how) in answers {
            self.after(wait, Next::Answered { process, flight, how: Box::new(how) });
        }
    }

    /// Over the wire, or into it. Gives what comes back, and when.
    pub(super) fn transmit(
        &mut self,
        process: u32,
        cargo: &Cargo,
        request: Option<&http::Request<Bytes>>,
    ) -> Vec<(Duration, How)> {
        let service = request.map(Services::of);
        let fate = wire(self.plan.faults, self.weather, service, &mut self.draw);
        let instead = if let Wire::Instead(answer, _) = fate { Some(answer) } else { None };
        let arrives = !matches!(fate, Wire::NotSent | Wire::RequestLost);
        let mut refused_us = false;
        let (mut end, mut taken, mut answer) =
            (End::Accepted, None, How::Verdict(Verdict::Accepted { status: 201 }));
        if let Some(request) = request.filter(|_| arrives) {
            let (response, opened) = self.services.handle(request, instead, self.truth);
            end = match response.status().as_u16() {
                200..=299 => End::Accepted,
                401 | 403 | 429 | 500.. => End::Failed,
                _ => End::Refused,
            };
            if service == Some(Service::Fcm) && instead == Some(Answer::NotFound) {
                // Google's word for a token that is none is final, and here it is wrong.
                self.people.is_said_to_be_gone(cargo.job.target.id(), self.truth);
            }
            refused_us = matches!(response.status().as_u16(), 401 | 403);
            (taken, answer) = (opened, How::Response(response));
        } else if let Some(instead) = instead {
            end = End::Failed;
            answer = How::Verdict(refused(instead, self.now()));
        }
        let silence = || How::Verdict(Verdict::NoAnswer);
        let answers = match fate {
            Wire::Well(wait) | Wire::Instead(_, wait) => vec![(wait, answer)],
            Wire::NotSent => {
                end = End::Failed;
                vec![(Duration::from_millis(5), How::Verdict(Verdict::NotSent))]
            }
            Wire::RequestLost => {
                end = End::Lost;
                vec![(PATIENCE, silence())]
            }
            Wire::AnswerLost => vec![(PATIENCE, silence())],
            Wire::Late(wait) => vec![(PATIENCE, silence()), (wait, answer)],
            Wire::Twice(first, second) => {
                let again = match &answer {
                    How::Response(response) => How::Response(response.clone()),
                    How::Verdict(verdict) => How::Verdict(verdict.clone()),
                };
                vec![(first, answer), (second, again)]
            }
        };
        let started = fate != Wire::NotSent;
        self.report.requests += usize::from(started);
        self.report.accepted += usize::from(started && end == End::Accepted);
        self.report.fallbacks += usize::from(started && cargo.job.target == Target::Sms);
        let (seq, seen) = (self.next_seq(), Seen::of(&cargo.job, taken));
        if started && end == End::Accepted {
            self.plan_resume(&cargo.job);
        }
        let lane = service.map(|service| (service, cargo.lane));
        let record = Record {
            seq,
            at: self.truth,
            job: cargo.job.clone(),
            offered: cargo.offered,
            started,
            end,
            silent: fate.is_silent(),
            refused_us,
            seen,
            process,
            lane,
        };
        self.report.repeated += usize::from(self.oracle.received(record));
        answers
    }

    pub(super) fn answered(&mut self, process: u32, flight: u64, how: How) {
        let now = self.now();
        let awake = self.node.as_mut().filter(|node| node.number == process);
        let Some(node) = awake.or_else(|| self.sleeper.as_mut().filter(|node| node.number == process)) else {
            return;
        };
        let Some(found) = node.post.flights.get_mut(&flight) else { return };
        let mut verdict = match (how, &found.sent) {
            (How::Verdict(verdict), _) => verdict,
            (How::Response(response), Some(sent)) => self.writer.read(sent, &response, now).outcome.verdict,
            (How::Response(_), None) => Verdict::NoAnswer,
        };
        // Of an answer that comes late, or again, the pacer knows nothing: it is handed in all the same.
        if let Some(ticket) = found.ticket.take() {
            verdict = node.post.pacer.report(ticket, verdict, now).verdict;
        }
        let accepted = matches!(verdict, Verdict::Accepted { .. }).then_some(found.job.leg);
        let (shard, outcome) = (found.shard, Outcome::of(&found.job, verdict));
        self.credentials();
        if self.node.as_ref().is_some_and(|node| node.number == process) {
            self.hears(shard, accepted);
        }
        self.answer(process, shard, outcome.into());
    }
}

fn refused(answer: Answer, now: reveille_core::UnixTime) -> Verdict {
    use reveille_core::{Action, RetrySource};
    let action = Action::Retry { not_before: now, source: RetrySource::Guess };
    let status = if answer == Answer::NotFound { 404 } else { 503 };
    Verdict::Refused { status, reason: None, action }
}
