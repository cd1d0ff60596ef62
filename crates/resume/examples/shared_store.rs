//! Single use in a real store: `shared_store redis PORT` or `shared_store postgres PORT USER`, on loopback.
//!
//! Runs the very commands of [`StoreCommand`], over many connections at once, and fails where two attempts are let in on
//! one token, an entry outlives or underlives its time, or an answer is not what the docs of [`ExternalStore`] say.

#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "it speaks to servers, by the clock")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a tool, not a library")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitCode, Stdio};
use std::sync::Barrier;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use reveille_core::UnixTime;
use reveille_crypto_ring::PROVIDER;
use reveille_resume::replay::Reservation;
use reveille_resume::store::{POSTGRES_SWEEP, POSTGRES_TABLE, StoreCommand, StoreReply};
use reveille_resume::*;

type Failure = Box<dyn std::error::Error + Send + Sync>;

const MINE: Bindings<'static> =
    Bindings { contact: "c-1", conversation: "k-1", device: "d-1", channel: "web" };

/// A connection to a store.
trait Store: Send {
    fn reserve(&mut self, command: &StoreCommand) -> Result<Option<String>, Failure>;
    fn change(&mut self, command: &StoreCommand) -> Result<u64, Failure>;
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let result = match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["redis", port] => run("redis", || Ok(Box::new(Redis::connect(port)?))),
        ["postgres", port, user] => Postgres::connect(port, user)
            .and_then(|mut first| first.run(POSTGRES_TABLE).map(|_| ()))
            .and_then(|()| run("postgres", || Ok(Box::new(Postgres::connect(port, user)?))))
            .and_then(|()| sweep(port, user)),
        _ => Err("shared_store redis PORT | shared_store postgres PORT USER".into()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("shared_store: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(name: &str, connect: impl Fn() -> Result<Box<dyn Store>, Failure>) -> Result<(), Failure> {
    let desk = Desk::new()?;
    let mut one = connect()?;
    let mut other = connect()?;
    desk.one_token(&mut *one, &mut *other)?;
    desk.clocks_apart(&mut *one, &mut *other)?;
    desk.expiry(&mut *one)?;
    let won = desk.race(&connect)?;
    println!(
        "{name}: reserve, commit, abort and expiry as documented; {won} tokens, 8 connections, one let in on each"
    );
    Ok(())
}

struct Desk {
    keys: KeyRing<CompactKey>,
    verifier: Verifier,
    store: ExternalStore,
    now: UnixTime,
}

impl Desk {
    fn new() -> Result<Self, Failure> {
        let mut secret = [0; 32];
        PROVIDER.random.fill(&mut secret)?;
        let keys = KeyRing::new(KeyId(1), CompactKey::new(PROVIDER, &TokenSecret::from_bytes(&secret)?)?);
        let since = SystemTime::now().duration_since(UNIX_EPOCH)?;
        let now = UnixTime::from_millis(u64::try_from(since.as_millis())?);
        let verifier = Verifier::default();
        Ok(Self { keys, store: ExternalStore::new(verifier.policy), verifier, now })
    }

    fn token(&self) -> Result<String, Failure> {
        Ok(Issuer::new(PROVIDER).issue(&self.keys, &MINE, self.now)?)
    }

    /// What a node with this clock makes of a token.
    fn verify(
        &self,
        connection: &mut dyn Store,
        store: &ExternalStore,
        token: &str,
        attempt: u64,
        now: UnixTime,
    ) -> Result<Verdict, Failure> {
        let authentic = match self.verifier.check(&self.keys, token, &MINE, now) {
            Ok(authentic) => authentic,
            Err(verdict) => return Ok(verdict),
        };
        let attempt = Attempt::new(attempt);
        let command = store.reserve(&authentic, attempt, now).map_err(|reason| reason.name())?;
        let there = connection.reserve(&command)?;
        let reply = there.as_deref().map_or(StoreReply::Stored, StoreReply::Held);
        Ok(store.settle(authentic, attempt, reply, now))
    }

    fn one_token(&self, one: &mut dyn Store, other: &mut dyn Store) -> Result<(), Failure> {
        let (token, store, now) = (self.token()?, &self.store, self.now);
        let first = held(self.verify(one, store, &token, 1, now)?)?;
        expect("a second attempt", self.verify(other, store, &token, 2, now)?.reason(), Some(Reason::InUse))?;
        let again = held(self.verify(other, store, &token, 1, now)?)?;
        expect("the same attempt", again, Reservation { repeated: true, ..first })?;
        expect("abort", one.change(&store.abort(&first))?, 1)?;
        expect("abort again", one.change(&store.abort(&first))?, 0)?;
        expect("commit after abort", one.change(&store.commit(&first))?, 0)?;
        let second = held(self.verify(other, store, &token, 2, now)?)?;
        expect("commit", other.change(&store.commit(&second))?, 1)?;
        expect("commit again", one.change(&store.commit(&second))?, 1)?;
        expect("abort after commit", one.change(&store.abort(&second))?, 0)?;
        expect("replay", self.verify(one, store, &token, 1, now)?.reason(), Some(Reason::Replayed))?;
        expect("the winner", held(self.verify(one, store, &token, 2, now)?)?.repeated, true)
    }

    /// The node that commits thinks that the token ends in a millisecond; another one takes it for five minutes.
    fn clocks_apart(&self, one: &mut dyn Store, other: &mut dyn Store) -> Result<(), Failure> {
        let token = self.token()?;
        let ahead = self.now + Duration::from_millis(304_999);
        let first = held(self.verify(one, &self.store, &token, 1, ahead)?)?;
        expect("commit ahead", one.change(&self.store.commit(&first))?, 1)?;
        std::thread::sleep(Duration::from_millis(50));
        let verdict = self.verify(other, &self.store, &token, 2, self.now)?;
        expect("the node behind", verdict.reason(), Some(Reason::Replayed))
    }

    fn expiry(&self, one: &mut dyn Store) -> Result<(), Failure> {
        let store = self.store.clone().with_lease(Duration::from_millis(300));
        let token = self.token()?;
        let slow = held(self.verify(one, &store, &token, 1, self.now)?)?;
        std::thread::sleep(Duration::from_millis(400));
        expect("commit after the lease", one.change(&store.commit(&slow))?, 0)?;
        let quick = held(self.verify(one, &store, &token, 2, self.now)?)?;
        expect("the one who was quick", quick.repeated, false)?;
        expect("commit after somebody else", one.change(&store.commit(&slow))?, 0)?;
        expect("abort of what is lost", one.change(&store.abort(&slow))?, 0)?;
        expect("commit", one.change(&store.commit(&quick))?, 1)?;
        // A use is kept for its time and no longer.
        let short = ExternalStore::new(
            Policy::default().with_max_lifetime(Duration::from_millis(300)).with_leeway(Duration::ZERO),
        )
        .with_skew(Duration::ZERO);
        let token = self.token()?;
        let used = held(self.verify(one, &short, &token, 1, self.now)?)?;
        expect("commit", one.change(&short.commit(&used))?, 1)?;
        expect("used", self.verify(one, &short, &token, 2, self.now)?.reason(), Some(Reason::Replayed))?;
        std::thread::sleep(Duration::from_millis(400));
        expect("forgotten", held(self.verify(one, &short, &token, 2, self.now)?)?.repeated, false)
    }

    /// Everybody wants every token at the same moment.
    fn race(&self, connect: &impl Fn() -> Result<Box<dyn Store>, Failure>) -> Result<usize, Failure> {
        const NODES: usize = 8;
        let tokens = (0..200).map(|_| self.token()).collect::<Result<Vec<_>, _>>()?;
        let barrier = Barrier::new(NODES);
        let connections = (0..NODES).map(|_| connect()).collect::<Result<Vec<_>, _>>()?;
        let winners = std::thread::scope(|scope| {
            let nodes: Vec<_> = connections
                .into_iter()
                .enumerate()
                .map(|(node, mut connection)| {
                    let (tokens, barrier) = (&tokens, &barrier);
                    scope.spawn(move || -> Result<Vec<bool>, Failure> {
                        let play = |token: &String| {
                            barrier.wait();
                            let verdict =
                                self.verify(&mut *connection, &self.store, token, node as u64, self.now)?;
                            let Verdict::Resume { reservation, .. } = verdict else { return Ok(false) };
                            Ok(connection.change(&self.store.commit(&reservation))? == 1)
                        };
                        // Everybody comes to every barrier, whatever happened.
                        tokens.iter().map(play).collect::<Vec<Result<bool, Failure>>>().into_iter().collect()
                    })
                })
                .collect();
            nodes
                .into_iter()
                .map(|node| node.join().map_err(|_| Failure::from("a thread panicked"))?)
                .collect()
        });
        let winners: Result<Vec<Vec<bool>>, Failure> = winners;
        let winners = winners?;
        for at in 0..tokens.len() {
            let won = winners.iter().filter(|node| node.get(at) == Some(&true)).count();
            expect("nodes let in on one token", won, 1)?;
        }
        Ok(tokens.len())
    }
}

fn held(verdict: Verdict) -> Result<Reservation, Failure> {
    match verdict {
        Verdict::Resume { reservation, .. } => Ok(reservation),
        other => Err(format!("expected a reservation, got {other:?}").into()),
    }
}

fn expect<T: PartialEq + std::fmt::Debug>(what: &str, given: T, expected: T) -> Result<(), Failure> {
    if given == expected {
        Ok(())
    } else {
        Err(format!("{what}: expected {expected:?}, got {given:?}").into())
    }
}

/// RESP, as much of it as these commands need.
struct Redis(BufReader<TcpStream>);

impl Redis {
    fn connect(port: &str) -> Result<Self, Failure> {
        let stream = TcpStream::connect(("127.0.0.1", port.parse()?))?;
        stream.set_nodelay(true)?;
        Ok(Self(BufReader::new(stream)))
    }

    fn command(&mut self, words: &[String]) -> Result<(u8, Option<String>), Failure> {
        let mut request = format!("*{}\r\n", words.len());
        for word in words {
            request.push_str(&format!("${}\r\n{word}\r\n", word.len()));
        }
        self.0.get_mut().write_all(request.as_bytes())?;
        let mut line = String::new();
        self.0.read_line(&mut line)?;
        let line = line.trim_end();
        let (kind, rest) = line.split_at_checked(1).ok_or("Redis closed the connection")?;
        match kind {
            "$" if rest == "-1" => Ok((b'$', None)),
            "$" => {
                let mut text = vec![0; rest.parse::<usize>()? + 2];
                self.0.read_exact(&mut text)?;
                text.truncate(text.len() - 2);
                Ok((b'$', Some(String::from_utf8(text)?)))
            }
            ":" => Ok((b':', Some(rest.to_owned()))),
            _ => Err(format!("Redis says {line}").into()),
        }
    }
}

impl Store for Redis {
    fn reserve(&mut self, command: &StoreCommand) -> Result<Option<String>, Failure> {
        Ok(self.command(&command.redis())?.1)
    }

    fn change(&mut self, command: &StoreCommand) -> Result<u64, Failure> {
        Ok(self.command(&command.redis())?.1.ok_or("no number")?.parse()?)
    }
}

/// One psql process, which prepares each statement as a driver would.
struct Postgres {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Postgres {
    fn connect(port: &str, user: &str) -> Result<Self, Failure> {
        let mut child = Command::new("psql")
            .args([
                "-h",
                "127.0.0.1",
                "-p",
                port,
                "-U",
                user,
                "-d",
                "postgres",
                "-XAtq",
                "-v",
                "ON_ERROR_STOP=1",
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let input = child.stdin.take().ok_or("no stdin")?;
        let output = BufReader::new(child.stdout.take().ok_or("no stdout")?);
        Ok(Self { child, input, output })
    }

    /// The lines that a statement prints.
    fn run(&mut self, statement: &str) -> Result<Vec<String>, Failure> {
        writeln!(self.input, "{statement};\n\\echo END :ROW_COUNT")?;
        self.input.flush()?;
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            if self.output.read_line(&mut line)? == 0 {
                return Err("psql ended".into());
            }
            let line = line.trim_end().to_owned();
            let done = line.starts_with("END ");
            lines.push(line);
            if done {
                return Ok(lines);
            }
        }
    }

    fn execute(&mut self, command: &StoreCommand) -> Result<Vec<String>, Failure> {
        let (statement, parameters) = command.postgres();
        let quoted: Vec<String> =
            parameters.iter().map(|text| format!("'{}'", text.replace('\'', "''"))).collect();
        self.run(&format!("DEALLOCATE ALL; PREPARE it AS {statement}"))?;
        self.run(&format!("EXECUTE it({})", quoted.join(", ")))
    }
}

impl Store for Postgres {
    fn reserve(&mut self, command: &StoreCommand) -> Result<Option<String>, Failure> {
        let lines = self.execute(command)?;
        let (granted, value) = lines.first().and_then(|row| row.split_once('|')).ok_or("no row")?;
        Ok(match StoreReply::from_postgres(granted == "t", value) {
            StoreReply::Held(value) => Some(value.to_owned()),
            StoreReply::Stored | StoreReply::Unavailable => None,
        })
    }

    fn change(&mut self, command: &StoreCommand) -> Result<u64, Failure> {
        let lines = self.execute(command)?;
        Ok(lines.last().and_then(|end| end.strip_prefix("END ")).ok_or("no count")?.parse()?)
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let _ = writeln!(self.input, "\\q");
        let _ = self.child.wait();
    }
}

/// What has expired can be removed, and nothing else goes.
fn sweep(port: &str, user: &str) -> Result<(), Failure> {
    let mut connection = Postgres::connect(port, user)?;
    let count = |connection: &mut Postgres, filter: &str| -> Result<String, Failure> {
        let lines = connection.run(&format!("SELECT count(*) FROM reveille_resume WHERE {filter}"))?;
        Ok(lines.first().cloned().unwrap_or_default())
    };
    let live = count(&mut connection, "expires_at > statement_timestamp()")?;
    connection.run(POSTGRES_SWEEP)?;
    expect("rows after the sweep", count(&mut connection, "true")?, live.clone())?;
    println!("postgres: {live} rows left after the sweep");
    Ok(())
}
