//! The whole stack from a shell: JSON lines in, one JSON line out for each.
//!
//! `cargo run --release --example pushtool -- --help`

mod apns;
mod classify;
mod digest;
mod fcm;
mod gateway;
mod line;
mod options;
mod policy;
mod simulate;
mod token;
mod vapid;
mod webpush;

use std::process::ExitCode;

use options::Options;

const USAGE: &str = "\
usage: pushtool [--provider ring|rustcrypto] [--allow-loopback] COMMAND

  vapid generate         a VAPID key pair in every format
  webpush keys           a user agent's key pair and secret
  webpush request        a message and a subscription -> an HTTP request
  webpush open           a body and a user agent's keys -> the plaintext
  webpush verify-vapid   an Authorization header -> its claims
  fcm request            an FCM message with its target -> an HTTP request
  apns request           a notification and a device token -> an HTTP request
  classify               a push service's answer -> what to do next
  token issue            claims -> a resume token
  token verify           a resume token -> its verdict; used tokens are remembered
  digest replay [FILE]   a policy, then events -> notifications, in virtual time; or the log of a service, from its
                         first entry, or from a snapshot on -> its outputs, one line each
      --seed SEED          for a log: the engine's seed; all zero if absent (a script has it in its first line)
      --snapshot FILE      for a log: the engine as it was then: what the log has before that is passed over
  gateway replay LOG     a shard's log from its first group, or from a snapshot on -> its outputs, one line each
      --seed SEED          the shard's seed; all zero if absent
      --snapshot FILE      the shard as it was then: what the log has before that is passed over
      --rules FILE         other rules (TOML): what they would have done; whoever answered then answers again
      --settings FILE      other settings (JSON: {\"digests\":{…the first line of digest replay},\"fallbacks\":{kind:
                           \"webhook\"|\"email\"|\"sms\"}}): the same
  simulate               a whole gateway under a virtual clock -> one line
      --seed N --events N --recipients N --faults none|some|hell

Commands that read take JSON lines from standard input and write one JSON line for each. Bytes are base64url
without padding, times are Unix milliseconds, unknown fields are an error. A SEED is 16 bytes, as 32 hexadecimal digits
too. A bad line gives {\"error\":{\"kind\":…,\"message\":…}} and the run goes on. Exit status: 0, 1 if any line failed, 2
for bad arguments.
";

/// A command: what it does, and how it gets its input.
type Command = fn(Options) -> ExitCode;

const COMMANDS: &[(&[&str], Command)] = &[
    (&["vapid", "generate"], vapid::generate),
    (&["webpush", "keys"], webpush::keys),
    (&["webpush", "request"], webpush::request),
    (&["webpush", "open"], webpush::open),
    (&["webpush", "verify-vapid"], webpush::verify_vapid),
    (&["fcm", "request"], fcm::request),
    (&["classify"], classify::classify),
    (&["token", "issue"], token::issue),
    (&["token", "verify"], token::verify),
    (&["apns", "request"], apns::request),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "--help" || argument == "-h") {
        print!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    run(&arguments).unwrap_or_else(|problem| {
        eprintln!("pushtool: {problem}\n\n{USAGE}");
        ExitCode::from(2)
    })
}

fn run(arguments: &[String]) -> Result<ExitCode, String> {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match options::own(&words)? {
        // These have options of their own.
        ["simulate", rest @ ..] => simulate::simulate(rest),
        ["digest", "replay", rest @ ..] => digest::replay(rest),
        ["gateway", "replay", rest @ ..] => gateway::replay(rest),
        _ => {
            let (options, command) = options::parse(arguments)?;
            Ok(find(&command)?(options))
        }
    }
}

fn find(words: &[&str]) -> Result<Command, String> {
    let found = COMMANDS.iter().find(|(name, _)| *name == words);
    found.map(|(_, command)| *command).ok_or_else(|| format!("unknown command {:?}", words.join(" ")))
}
