//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

pub const USAGE: &str = "\
usage: gateway [OPTIONS]

Without options it shows its main job by itself: a local push service, a user agent that subscribes, three events,
and the opened notification; then it keeps serving.

  --listen ADDRESS  where to listen (default 127.0.0.1:8030)
  --host NAME       the name under which a proxy passes requests on; only this one and localhost are then answered
                    (default: localhost only where the gateway listens on this machine, else any)
  --data FOLDER     where the VAPID key and the subscriptions are kept (default gateway-data)
  --contact URI     whom push services can reach: mailto: or https: (default mailto:ops@example.com)
  --demo            show the main job first, as without options (implies --local-push)
  --local-push      also run a push service on this machine, and accept endpoints of that one (no other port of this
                    machine)
  --receipts        let service workers report what they received (for tests): GET /v1/receipts
  --help

This is an example, and it authenticates nobody. Before anybody else can reach it, put a proxy in front that does:
  POST   /v1/events         your event source only: whoever may call it notifies anybody
  POST   /v1/subscriptions  the signed-in user only, and only with the user's own name as \"user\"
  GET    /v1/subscriptions  the same
  DELETE /v1/subscriptions  the same
  POST   /v1/resume         the same; the token alone is not enough to trust a \"user\"
  /v1/receipts              nobody (for tests)
Free for all: /, the page's files, /v1/config.
";

pub enum Arguments {
    Run(Options),
    Help,
}

pub struct Options {
    pub listen: SocketAddr,
    pub host: Option<String>,
    pub data: PathBuf,
    pub contact: String,
    pub local_push: bool,
    pub receipts: bool,
    /// Show the whole way by itself first.
    pub demo: bool,
}

pub fn parse(arguments: impl Iterator<Item = String>) -> Result<Arguments, String> {
    let mut options = Options {
        listen: SocketAddr::from(([127, 0, 0, 1], 8030)),
        host: None,
        data: PathBuf::from("gateway-data"),
        contact: "mailto:ops@example.com".to_owned(),
        local_push: false,
        receipts: false,
        demo: false,
    };
    let mut arguments = arguments.peekable();
    if arguments.peek().is_none() {
        (options.demo, options.local_push) = (true, true);
    }
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| format!("{argument} needs a value"));
        match argument.as_str() {
            "--listen" => {
                let text = value()?;
                options.listen =
                    text.parse().map_err(|_| format!("{text:?} is not an address like 127.0.0.1:8030"))?;
            }
            "--host" => options.host = Some(value()?),
            "--data" => options.data = PathBuf::from(value()?),
            "--contact" => options.contact = value()?,
            "--demo" => (options.demo, options.local_push) = (true, true),
            "--local-push" => options.local_push = true,
            "--receipts" => options.receipts = true,
            "--help" | "-h" => return Ok(Arguments::Help),
            _ => return Err(format!("unknown option {argument:?}")),
        }
    }
    Ok(Arguments::Run(options))
}
