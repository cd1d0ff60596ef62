//! Inputs as bytes: what a log holds.

use super::Codec;
use crate::{Event, Host, Input};

/// The version of this encoding, the first byte of every input.
const VERSION: u8 = 1;

impl<H: Host> Codec for Event<H>
where
    H::Key: Codec,
    H::Payload: Codec,
{
    fn encode(&self, out: &mut Vec<u8>) {
        self.key.encode(out);
        self.id.encode(out);
        (self.seq, self.actor, self.kind, self.class).encode(out);
        (self.urgent, self.rank, self.bytes, self.useful_until).encode(out);
        self.payload.encode(out);
    }

    fn decode(bytes: &mut &[u8]) -> Option<Self> {
        let (key, id) = Codec::decode(bytes)?;
        let (seq, actor, kind, class) = Codec::decode(bytes)?;
        let (urgent, rank, size, useful_until) = Codec::decode(bytes)?;
        let payload = Codec::decode(bytes)?;
        Some(Self { key, id, seq, actor, kind, class, urgent, rank, bytes: size, useful_until, payload })
    }
}

/// A byte for the version, a byte for the kind, then what it holds.
impl<H: Host> Codec for Input<H>
where
    H::Key: Codec,
    H::Payload: Codec,
    H::Calendar: Codec,
{
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(VERSION);
        match self {
            Self::Tick => out.push(0),
            Self::Event(event) => {
                out.push(1);
                event.encode(out);
            }
            Self::Read(key, read) => {
                out.push(2);
                key.encode(out);
                read.encode(out);
            }
            Self::Cancel(key, what) => {
                out.push(3);
                key.encode(out);
                what.encode(out);
            }
            Self::Response(key, generation) => {
                out.push(4);
                key.encode(out);
                generation.encode(out);
            }
            Self::Failure(key, generation) => {
                out.push(5);
                key.encode(out);
                generation.encode(out);
            }
            Self::Held(key, generation, until) => {
                out.push(6);
                key.encode(out);
                (*generation, *until).encode(out);
            }
            Self::FlushNow(key) => {
                out.push(7);
                key.encode(out);
            }
            Self::Recheck(keys, rate) => {
                out.push(8);
                rate.encode(out);
                (keys.len() as u64).encode(out);
                keys.iter().for_each(|key| key.encode(out));
            }
            Self::Policy(policy) => {
                out.push(9);
                policy.encode(out);
            }
            Self::Limits(limits) => {
                out.push(10);
                limits.encode(out);
            }
            Self::Calendar(calendar, rate) => {
                out.push(11);
                calendar.encode(out);
                rate.encode(out);
            }
            Self::Recovered(catch_up) => {
                out.push(12);
                catch_up.encode(out);
            }
            Self::ClockStep { was, is } => {
                out.push(13);
                (*was, *is).encode(out);
            }
            Self::RecheckAll(rate) => {
                out.push(14);
                rate.encode(out);
            }
        }
    }

    fn decode(bytes: &mut &[u8]) -> Option<Self> {
        let (version, kind) = <(u8, u8)>::decode(bytes)?;
        if version != VERSION {
            return None;
        }
        Some(match kind {
            0 => Self::Tick,
            1 => Self::Event(Codec::decode(bytes)?),
            2 => Self::Read(Codec::decode(bytes)?, Codec::decode(bytes)?),
            3 => Self::Cancel(Codec::decode(bytes)?, Codec::decode(bytes)?),
            4 => Self::Response(Codec::decode(bytes)?, Codec::decode(bytes)?),
            5 => Self::Failure(Codec::decode(bytes)?, Codec::decode(bytes)?),
            6 => Self::Held(Codec::decode(bytes)?, Codec::decode(bytes)?, Codec::decode(bytes)?),
            7 => Self::FlushNow(Codec::decode(bytes)?),
            8 => {
                let rate = Codec::decode(bytes)?;
                let mut keys = Vec::new();
                for _ in 0..u64::decode(bytes)? {
                    let before = bytes.len();
                    keys.push(Codec::decode(bytes)?);
                    // A key that takes no bytes could come without end; all that follow are the same.
                    if bytes.len() == before {
                        break;
                    }
                }
                Self::Recheck(keys, rate)
            }
            9 => Self::Policy(Codec::decode(bytes)?),
            10 => Self::Limits(Codec::decode(bytes)?),
            11 => Self::Calendar(Codec::decode(bytes)?, Codec::decode(bytes)?),
            12 => Self::Recovered(Codec::decode(bytes)?),
            13 => Self::ClockStep { was: Codec::decode(bytes)?, is: Codec::decode(bytes)? },
            14 => Self::RecheckAll(Codec::decode(bytes)?),
            _ => return None,
        })
    }
}
