//! Which endpoints the application server is willing to talk to.

use std::fmt::Debug;
use std::net::{IpAddr, Ipv4Addr};

use thiserror::Error;

use super::Endpoint;
use super::address::is_public;

/// Decides which endpoints are acceptable. Endpoints come from users: without a policy they are a way to make a
/// server send requests into its own network (SSRF).
///
/// An allow-list of the big services' hosts would be the strictest policy, but it shuts out self-hosted services and UnifiedPush; so it is the caller's choice:
///
/// ```
/// use reveille_webpush::target::{Endpoint, EndpointPolicy, PublicHttps, RefusedEndpoint};
///
/// #[derive(Debug)]
/// struct BigServices;
///
/// impl EndpointPolicy for BigServices {
///     fn check(&self, endpoint: &Endpoint) -> Result<(), RefusedEndpoint> {
///         PublicHttps.check(endpoint)?;
///         let known = ["fcm.googleapis.com", "updates.push.services.mozilla.com", "web.push.apple.com"];
///         let windows = endpoint.host().ends_with(".notify.windows.com");
///         if windows || known.contains(&endpoint.host()) { Ok(()) } else { Err(RefusedEndpoint::NotAllowed) }
///     }
/// }
///
/// assert!(Endpoint::new("https://web.push.apple.com/Q", &BigServices).is_ok());
/// assert!(Endpoint::new("https://push.example/Q", &BigServices).is_err());
/// ```
///
/// # DNS rebinding
/// A policy sees names, not addresses: a public name may resolve to `127.0.0.1`, and to something else the next time.
/// Only the HTTP client can close that hole. It must check the address **it connects to** (resolve once, check with
/// [`PublicHttps::check_address`], connect to that very address), follow no redirects, and bound the answer's body (16 KiB is ample).
pub trait EndpointPolicy: Debug + Send + Sync {
    /// Accepts or refuses a well-formed endpoint.
    ///
    /// # Errors
    /// [`RefusedEndpoint`], which says why.
    fn check(&self, endpoint: &Endpoint) -> Result<(), RefusedEndpoint>;
}

/// Why a policy refused an endpoint. Policies of your own use [`NotAllowed`](Self::NotAllowed).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RefusedEndpoint {
    /// RFC 8030 §8 requires https.
    #[error("scheme must be https")]
    NotHttps,
    /// User name or password in the URL.
    #[error("URL carries credentials")]
    Credentials,
    /// A literal address that is not public, or a name that always means this machine or network.
    #[error("host is a private, loopback, link-local or otherwise special address")]
    SpecialAddress,
    /// A host like `127.1`, `0x7f000001` or `2130706433`, which some resolvers take for an IPv4 address.
    #[error("host ends in a number but is not an IPv4 address in dotted decimal")]
    AmbiguousNumber,
    /// A port below 1024 other than 443.
    #[error("port is neither 443 nor above 1023")]
    Port,
    /// Not on the caller's list.
    #[error("host is not allowed")]
    NotAllowed,
}

/// The default policy for endpoints; use it unless you know all your push services. It wants https, no credentials,
/// no literal private, loopback, link-local or metadata address, no name that never leaves a machine or network, and
/// port 443 or one above 1023.
///
/// The ports are a choice. Push services that users host themselves stand behind ports such as 8443, so those are allowed; below
/// 1024 there are mail servers, name servers and directories, which nobody should make a server talk to. Who
/// wants port 443 only writes a policy that asks this one and then looks at [`Endpoint::port`].
#[derive(Clone, Copy, Debug, Default)]
#[allow(clippy::exhaustive_structs, reason = "it holds nothing")]
pub struct PublicHttps;

impl PublicHttps {
    /// Whether a connection to `address` is acceptable: for the HTTP client, after it resolved a name.
    ///
    /// # Errors
    /// [`RefusedEndpoint::SpecialAddress`].
    pub fn check_address(self, address: IpAddr) -> Result<(), RefusedEndpoint> {
        if is_public(address) { Ok(()) } else { Err(RefusedEndpoint::SpecialAddress) }
    }
}

impl EndpointPolicy for PublicHttps {
    fn check(&self, endpoint: &Endpoint) -> Result<(), RefusedEndpoint> {
        if !endpoint.is_https() {
            return Err(RefusedEndpoint::NotHttps);
        }
        if endpoint.has_credentials() {
            return Err(RefusedEndpoint::Credentials);
        }
        if endpoint.port().is_some_and(|port| port < 1024) {
            return Err(RefusedEndpoint::Port);
        }
        match literal_address(endpoint.host())? {
            Some(address) => self.check_address(address),
            None if is_local_name(endpoint.host()) => Err(RefusedEndpoint::SpecialAddress),
            None => Ok(()),
        }
    }
}

/// For tests: as [`PublicHttps`], but also http and https to loopback addresses and `localhost`.
#[derive(Clone, Copy, Debug, Default)]
#[allow(clippy::exhaustive_structs, reason = "it holds nothing")]
pub struct AllowLoopback;

impl EndpointPolicy for AllowLoopback {
    fn check(&self, endpoint: &Endpoint) -> Result<(), RefusedEndpoint> {
        let loopback = match literal_address(endpoint.host())? {
            Some(address) => address.is_loopback(),
            None => endpoint.host().eq_ignore_ascii_case("localhost"),
        };
        if loopback && !endpoint.has_credentials() { Ok(()) } else { PublicHttps.check(endpoint) }
    }
}

/// The host's address if it is a literal one.
fn literal_address(host: &str) -> Result<Option<IpAddr>, RefusedEndpoint> {
    if let Some(v6) = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return v6.parse().map(|ip| Some(IpAddr::V6(ip))).map_err(|_| RefusedEndpoint::AmbiguousNumber);
    }
    let host = host.strip_suffix('.').unwrap_or(host);
    let last = host.rsplit('.').next().unwrap_or_default();
    // The rule of the URL standard ("ends in a number"): such a host is an IPv4 address or nothing.
    let hexadecimal = last.strip_prefix("0x").or_else(|| last.strip_prefix("0X"));
    let numeric = !last.is_empty() && last.bytes().all(|b| b.is_ascii_digit());
    if numeric || hexadecimal.is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit())) {
        return host
            .parse::<Ipv4Addr>()
            .map(|ip| Some(ip.into()))
            .map_err(|_| RefusedEndpoint::AmbiguousNumber);
    }
    Ok(None)
}

/// Names that never leave the machine or the network, or that no resolver knows: RFC 6761 (`test`, `localhost`, `invalid`,
/// and the reverse names below `arpa`, where RFC 8375's `home.arpa` is, too, and no push service), RFC 6762 (`local`), RFC 7686
/// (`onion`), RFC 9476 (`alt`); `internal`, which ICANN reserved and metadata services use; Kubernetes' own; and those that
/// networks at home and at work use (ICANN's name collision list).
///
/// `example` is not among them: it resolves like any other name (RFC 6761 §6.5).
pub(crate) fn is_local_name(host: &str) -> bool {
    const LOCAL: [&str; 16] = [
        "localhost",
        "test",
        "invalid",
        "arpa",
        "local",
        "onion",
        "alt",
        "internal",
        "localdomain",
        "localnet",
        "svc",
        "lan",
        "corp",
        "home",
        "intranet",
        "private",
    ];
    let host = host.strip_suffix('.').unwrap_or(host);
    let last = host.rsplit('.').next();
    !host.contains('.')
        || LOCAL.into_iter().any(|name| last.is_some_and(|last| last.eq_ignore_ascii_case(name)))
}

#[cfg(test)]
mod tests {
    use super::super::InvalidEndpoint;
    use super::*;

    fn refusal(url: &str, policy: &dyn EndpointPolicy) -> Option<RefusedEndpoint> {
        match Endpoint::new(url, policy) {
            Ok(_) => None,
            Err(InvalidEndpoint::Refused(refused)) => Some(refused),
            Err(other) => panic!("{url}: {other}"),
        }
    }

    #[test]
    fn special_addresses_are_refused_in_every_spelling() {
        for host in [
            "127.0.0.1",
            "127.9.9.9",
            "10.0.0.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "0.0.0.0",
            "100.64.0.1",
            "192.0.0.8",
            "168.63.129.16",
            "198.18.0.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "127.0.0.1.",
            "[::1]",
            "[::]",
            "[fe80::1]",
            "[fd00::1]",
            "[fd00:ec2::254]",
            "[fec0::1]",
            "[ff02::1]",
            "[::ffff:127.0.0.1]",
            "[::127.0.0.1]",
            "[64:ff9b::7f00:1]",
            "[2002:7f00:1::]",
            "[2001:db8::1]",
            "[2001::1]",
            "localhost",
            "LOCALHOST.",
            "a.localhost",
            "printer.local",
            "metadata.google.internal",
            "router.home.arpa",
            "4.3.2.1.in-addr.arpa",
            "1.0.0.0.ip6.arpa",
            "push.test",
            "push.TEST.",
            "push.invalid",
            "abcdefghijklmnop.onion",
            "a.b.localnet",
            "push.localdomain",
            "push.alt",
            "push.default.svc",
            "intranet",
        ] {
            let url = format!("https://{host}/x");
            assert_eq!(refusal(&url, &PublicHttps), Some(RefusedEndpoint::SpecialAddress), "{url}");
        }
    }

    #[test]
    fn numbers_that_some_resolvers_take_for_addresses_are_refused() {
        for host in [
            "127.1",
            "2130706433",
            "0x7f000001",
            "0x7f.0.0.1",
            "0177.0.0.1",
            "1.2.3.4.5",
            "a.0x1",
            "256.1.1.1",
        ] {
            let url = format!("https://{host}/x");
            assert_eq!(refusal(&url, &PublicHttps), Some(RefusedEndpoint::AmbiguousNumber), "{url}");
            assert_eq!(refusal(&url, &AllowLoopback), Some(RefusedEndpoint::AmbiguousNumber), "{url}");
        }
    }

    #[test]
    fn public_hosts_pass() {
        for host in [
            "push.example",
            "8.8.8.8",
            "[2606:4700::1111]",
            "xn--bcher-kva.example:8443",
            "a_b.example",
            "172.32.0.1",
        ] {
            assert_eq!(refusal(&format!("https://{host}/x"), &PublicHttps), None, "{host}");
        }
    }

    #[test]
    fn ports() {
        for port in [1, 22, 25, 53, 80, 389, 1023] {
            let url = format!("https://push.example:{port}/x");
            assert_eq!(refusal(&url, &PublicHttps), Some(RefusedEndpoint::Port), "{url}");
        }
        for port in [443, 1024, 8443, 65_535] {
            assert_eq!(refusal(&format!("https://push.example:{port}/x"), &PublicHttps), None, "{port}");
        }
    }

    #[test]
    fn http_and_credentials() {
        assert_eq!(refusal("http://push.example/", &PublicHttps), Some(RefusedEndpoint::NotHttps));
        assert_eq!(refusal("https://u:p@push.example/", &PublicHttps), Some(RefusedEndpoint::Credentials));
        assert_eq!(refusal("http://u@127.0.0.1/", &AllowLoopback), Some(RefusedEndpoint::NotHttps));
        assert_eq!(refusal("http://push.example/", &AllowLoopback), Some(RefusedEndpoint::NotHttps));
        assert_eq!(refusal("https://10.0.0.1/", &AllowLoopback), Some(RefusedEndpoint::SpecialAddress));
        for url in ["http://127.0.0.1:1/", "http://[::1]:1/", "http://localhost/", "https://localhost/"] {
            assert_eq!(refusal(url, &AllowLoopback), None, "{url}");
        }
    }
}
