//! The life of a callback, as a table (D1–D4). The diagram in the documentation is made from it.

use crate::event::CallbackMode;
use crate::words::words;
use crate::{Kind, Reason};

words! {
    /// Where a callback stands. Give it to [`transition`] to ask what follows from an event; the machine keeps one for
    /// each callback.
    State {
        /// It waits for its turn.
        Waiting = "waiting",
        /// The wait was low when it was created: "upcoming" would say nothing new.
        WaitingLow = "waiting_low",
        /// "Upcoming" was sent.
        Told = "told",
        /// Business closes first.
        Closed = "closed",
        /// "Ready" was sent: the customer may call in.
        Ready = "ready",
        /// The number was sent.
        Accepted = "accepted",
        /// It was purged, and may still turn out to be rescheduled.
        Purging = "purging",
        /// It is over.
        Over = "over",
    }

    /// What happens to a callback. Give it to [`transition`], together with the [`State`], to learn whether the
    /// customer is told.
    On {
        /// The wait fell below the threshold.
        WaitBelow = "wait_below",
        /// The wait is not below the threshold.
        WaitNotBelow = "wait_not_below",
        /// Business closes before the callback was made.
        Closing = "closing",
        /// It is at the front of the queue.
        Ready = "ready",
        /// The customer accepted.
        Accepted = "accepted",
        /// An attempt failed, and there will be another.
        AttemptFailed = "attempt_failed",
        /// The last attempt failed.
        LastAttemptFailed = "last_attempt_failed",
        /// The platform dropped it.
        Purged = "purged",
        /// The platform dropped what was rescheduled a moment ago.
        PurgedAfterRescheduled = "purged_after_rescheduled",
        /// The purge is believed.
        Settled = "settled",
        /// It was moved to another time.
        Rescheduled = "rescheduled",
        /// The customer cancelled it.
        Cancelled = "cancelled",
        /// It was made.
        Completed = "completed",
    }
}

/// In which scenario a [`Transition`] holds: always, or only for one [`CallbackMode`]. Read it when you print or check
/// the [`TABLE`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(
    clippy::exhaustive_enums,
    reason = "users match all of it; another variant is another behaviour version"
)]
pub enum Scenario {
    /// The row holds whether the agent calls or the customer calls in.
    Any,
    /// If the contact centre calls.
    CallBack,
    /// If the customer calls in.
    CallIn,
}

/// The state that a [`Transition`] leads to. Read it when you print or check the [`TABLE`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(
    clippy::exhaustive_enums,
    reason = "users match all of it; another variant is another behaviour version"
)]
pub enum Next {
    /// The state stays what it is.
    Stay,
    /// This is the next state.
    To(State),
    /// To `told`, `waiting_low` or `waiting`: what is true of it.
    Back,
}

/// What a [`Transition`] does: tell the customer, stay silent for a reason, wait, or note it. Read it when you print or
/// check the [`TABLE`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(
    clippy::exhaustive_enums,
    reason = "users match all of it; another variant is another behaviour version"
)]
pub enum Does {
    /// The customer is told.
    Send(Kind),
    /// They are not, and why.
    Suppress(Reason),
    /// It waits for what may follow.
    Hold,
    /// It is noted.
    Note,
}

/// One row of the [`TABLE`]: from which states, at what event, what is done and where it leads. [`transition`] returns
/// the row that holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(
    clippy::exhaustive_structs,
    reason = "plain data that users make and take apart; another field is another version of the log"
)]
pub struct Transition {
    /// The states in which the row holds.
    pub from: &'static [State],
    /// The event at which the row holds.
    pub on: On,
    /// In which scenario.
    pub when: Scenario,
    /// The state after it.
    pub next: Next,
    /// What is done.
    pub does: Does,
}

const fn row(from: &'static [State], on: On, when: Scenario, next: Next, does: Does) -> Transition {
    Transition { from, on, when, next, does }
}

use Does::{Hold, Note, Send, Suppress};
use Next::{Back, Stay, To};
use Scenario::{Any, CallBack, CallIn};
use State::{Accepted, Closed, Over, Purging, Ready, Told, Waiting, WaitingLow};

/// In front of the queue's end.
const QUEUED: &[State] = &[Waiting, WaitingLow, Told, Closed];
/// Not over, and not about to be.
const OPEN: &[State] = &[Waiting, WaitingLow, Told, Closed, Ready, Accepted];
const NOT_OVER: &[State] = &[Waiting, WaitingLow, Told, Closed, Ready, Accepted, Purging];

/// The table. The first row that fits holds; every state has a row for everything that can happen.
pub const TABLE: &[Transition] = &[
    // D1: once, strictly below, not if it was low already, nor if purge or end of business comes first.
    row(&[Waiting], On::WaitBelow, Any, To(Told), Send(Kind::CallbackUpcoming)),
    row(&[WaitingLow], On::WaitBelow, Any, Stay, Suppress(Reason::LowAtCreation)),
    row(&[Told], On::WaitBelow, Any, Stay, Suppress(Reason::AlreadySent)),
    row(&[Closed], On::WaitBelow, Any, Stay, Suppress(Reason::Closed)),
    row(&[Ready, Accepted], On::WaitBelow, Any, Stay, Suppress(Reason::Late)),
    row(&[Purging], On::WaitBelow, Any, Stay, Suppress(Reason::CallbackOver)),
    row(NOT_OVER, On::WaitNotBelow, Any, Stay, Suppress(Reason::NotBelow)),
    row(&[Waiting, WaitingLow, Told], On::Closing, Any, To(Closed), Note),
    row(&[Closed, Ready, Accepted, Purging], On::Closing, Any, Stay, Note),
    // D2: call-in only; accepting leads to the number, once.
    row(QUEUED, On::Ready, CallIn, To(Ready), Send(Kind::CallbackReady)),
    row(&[Ready, Accepted], On::Ready, CallIn, Stay, Suppress(Reason::AlreadySent)),
    row(&[Purging], On::Ready, CallIn, Stay, Suppress(Reason::CallbackOver)),
    row(NOT_OVER, On::Ready, CallBack, Stay, Suppress(Reason::OtherMode)),
    row(
        &[Waiting, WaitingLow, Told, Closed, Ready],
        On::Accepted,
        CallIn,
        To(Accepted),
        Send(Kind::CallbackNumber),
    ),
    row(&[Accepted], On::Accepted, CallIn, Stay, Suppress(Reason::AlreadySent)),
    row(&[Purging], On::Accepted, CallIn, Stay, Suppress(Reason::CallbackOver)),
    row(NOT_OVER, On::Accepted, CallBack, Stay, Suppress(Reason::OtherMode)),
    // D4: per failed attempt but the last, and on the last; neither in the call-in scenario.
    row(OPEN, On::AttemptFailed, CallBack, Stay, Send(Kind::CallbackAttemptFailed)),
    row(OPEN, On::LastAttemptFailed, CallBack, To(Over), Send(Kind::CallbackFinalAttemptFailed)),
    row(&[Purging], On::AttemptFailed, CallBack, Stay, Suppress(Reason::CallbackOver)),
    row(&[Purging], On::LastAttemptFailed, CallBack, Stay, Suppress(Reason::CallbackOver)),
    row(NOT_OVER, On::AttemptFailed, CallIn, Stay, Suppress(Reason::OtherMode)),
    row(NOT_OVER, On::LastAttemptFailed, CallIn, Stay, Suppress(Reason::OtherMode)),
    // D3: only if it is not rescheduled, whichever comes first; what the customer cancels is silent.
    row(OPEN, On::Purged, Any, To(Purging), Hold),
    row(&[Purging], On::Purged, Any, Stay, Suppress(Reason::Duplicate)),
    row(NOT_OVER, On::PurgedAfterRescheduled, Any, Stay, Suppress(Reason::Rescheduled)),
    row(&[Purging], On::Settled, Any, To(Over), Send(Kind::CallbackPurged)),
    row(OPEN, On::Settled, Any, Stay, Note),
    row(&[Purging], On::Rescheduled, Any, Back, Suppress(Reason::Rescheduled)),
    row(OPEN, On::Rescheduled, Any, Back, Note),
    row(&[Over], On::Rescheduled, Any, Back, Note),
    row(NOT_OVER, On::Cancelled, Any, To(Over), Suppress(Reason::CancelledByCustomer)),
    row(NOT_OVER, On::Completed, Any, To(Over), Note),
    // Over is over.
    row(&[Over], On::WaitBelow, Any, Stay, Suppress(Reason::CallbackOver)),
    row(&[Over], On::WaitNotBelow, Any, Stay, Suppress(Reason::CallbackOver)),
    row(&[Over], On::Closing, Any, Stay, Suppress(Reason::CallbackOver)),
    row(&[Over], On::Ready, Any, Stay, Suppress(Reason::CallbackOver)),
    row(&[Over], On::Accepted, Any, Stay, Suppress(Reason::CallbackOver)),
    row(&[Over], On::AttemptFailed, Any, Stay, Suppress(Reason::CallbackOver)),
    row(&[Over], On::LastAttemptFailed, Any, Stay, Suppress(Reason::CallbackOver)),
    row(&[Over], On::Purged, Any, Stay, Suppress(Reason::CallbackOver)),
    row(&[Over], On::PurgedAfterRescheduled, Any, Stay, Suppress(Reason::CallbackOver)),
    row(&[Over], On::Settled, Any, Stay, Note),
    row(&[Over], On::Cancelled, Any, Stay, Suppress(Reason::CallbackOver)),
    row(&[Over], On::Completed, Any, Stay, Suppress(Reason::CallbackOver)),
];

/// The row that holds for this state, event and mode: the first one that fits. The [`TABLE`] has one for every case, so
/// there is always one.
#[must_use]
pub fn transition(state: State, on: On, mode: CallbackMode) -> Option<&'static Transition> {
    TABLE.iter().find(|row| {
        let scenario = match row.when {
            Any => true,
            CallBack => mode == CallbackMode::CallBack,
            CallIn => mode == CallbackMode::CallIn,
        };
        row.on == on && row.from.contains(&state) && scenario
    })
}

/// The table as a Mermaid diagram: what is sent and where it leads. What is suppressed is left out, but for its states.
#[must_use]
pub fn diagram() -> String {
    let mut lines = vec!["stateDiagram-v2".to_owned(), "    [*] --> waiting".to_owned()];
    for row in TABLE {
        let scenario = match row.when {
            Any => "",
            CallBack => " [call back]",
            CallIn => " [call in]",
        };
        let does = match row.does {
            Send(kind) => format!(" / {kind}"),
            Suppress(_) | Hold | Note => String::new(),
        };
        for from in row.from {
            let to = match row.next {
                To(to) => to.as_str(),
                Back => "waiting",
                Stay if matches!(row.does, Send(_)) => from.as_str(),
                Stay => continue,
            };
            lines.push(format!("    {from} --> {to}: {}{scenario}{does}", row.on));
        }
    }
    lines.push("    over --> [*]".to_owned());
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_has_a_row_for_everything() {
        for state in State::ALL {
            for on in On::ALL {
                for mode in CallbackMode::ALL {
                    assert!(transition(*state, *on, *mode).is_some(), "{state} {on} {mode}");
                }
            }
        }
    }

    #[test]
    fn every_row_holds_somewhere() {
        for row in TABLE {
            let holds = row.from.iter().any(|state| {
                CallbackMode::ALL.iter().any(|mode| transition(*state, row.on, *mode) == Some(row))
            });
            assert!(holds, "{row:?} is never reached");
        }
    }
}
