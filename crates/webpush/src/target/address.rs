//! Which IP addresses belong to nobody's own network.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether an address is reachable from the whole Internet: not private, loopback, link-local (where cloud metadata
/// services live), shared, benchmarking, multicast, reserved, nor an IPv6 form that carries such an IPv4 address.
pub(super) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

/// In Microsoft's public range, but on every machine of Azure the host's own service for its guests.
const AZURE_WIRE_SERVER: Ipv4Addr = Ipv4Addr::new(168, 63, 129, 16);

/// IANA IPv4 Special-Purpose Address Registry (RFC 6890).
fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !(address == AZURE_WIRE_SERVER
        || address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_broadcast()
        || address.is_documentation()
        || address.is_multicast()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && (b == 18 || b == 19)))
}

/// IANA IPv6 Special-Purpose Address Registry. Only 2000::/3 is global unicast.
fn is_public_v6(address: Ipv6Addr) -> bool {
    if let Some(v4) = embedded_v4(address) {
        return is_public_v4(v4);
    }
    let [a, b, ..] = address.segments();
    let global_unicast = a & 0xe000 == 0x2000;
    let documentation = (a == 0x2001 && b == 0x0db8) || (a & 0xfff0 == 0x3ff0);
    let protocol_assignments = a == 0x2001 && b < 0x0200;
    global_unicast && !documentation && !protocol_assignments
}

/// The IPv4 address inside a mapped (`::ffff:`), compatible (`::`), NAT64 (`64:ff9b::`) or 6to4 (`2002:`) address.
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let v4 = |high: u16, low: u16| Ipv4Addr::from(u32::from(high) << 16 | u32::from(low));
    match address.segments() {
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] => Some(v4(high, low)),
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some(v4(high, low)),
        [0x2002, high, low, ..] => Some(v4(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An IPv4 address is as public, or as private, in all its spellings.
    #[test]
    fn an_embedded_address_is_judged_as_itself() {
        let mut draws = reveille_core::Jitter::new(1);
        let special = [
            [8, 8, 8, 8],
            [9, 9, 9, 9],
            [127, 0, 0, 1],
            [10, 1, 2, 3],
            [169, 254, 169, 254],
            [192, 168, 0, 1],
        ];
        let random = (0..20_000).map(|_| {
            let [a, b, c, d, ..] = draws.next_u64().to_be_bytes();
            [a, b, c, d]
        });
        let mut public = 0;
        for v4 in special.into_iter().chain(random).map(Ipv4Addr::from) {
            let [a, b, c, d] = v4.octets().map(u16::from);
            let (high, low) = (a << 8 | b, c << 8 | d);
            let expected = is_public_v4(v4);
            public += u32::from(expected);
            for v6 in [
                v4.to_ipv6_mapped(),
                v4.to_ipv6_compatible(),
                Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low),
                Ipv6Addr::new(0x2002, high, low, 1, 2, 3, 4, 5),
            ] {
                assert_eq!(is_public_v6(v6), expected, "{v6} for {v4}");
            }
        }
        assert!(public > 15_000, "{public}");
        assert!(is_public_v4(Ipv4Addr::new(8, 8, 8, 8)) && !is_public_v4(Ipv4Addr::new(127, 0, 0, 1)));
    }

    /// Each range of the IANA registries at both its ends, and what lies beside it.
    #[test]
    fn special_ranges_end_where_they_end() {
        for (first, last) in [
            ("0.0.0.0", "0.255.255.255"),
            ("10.0.0.0", "10.255.255.255"),
            ("100.64.0.0", "100.127.255.255"),
            ("127.0.0.0", "127.255.255.255"),
            ("169.254.0.0", "169.254.255.255"),
            ("172.16.0.0", "172.31.255.255"),
            ("192.0.0.0", "192.0.0.255"),
            ("192.0.2.0", "192.0.2.255"),
            ("192.88.99.0", "192.88.99.255"),
            ("192.168.0.0", "192.168.255.255"),
            ("198.18.0.0", "198.19.255.255"),
            ("198.51.100.0", "198.51.100.255"),
            ("203.0.113.0", "203.0.113.255"),
            ("224.0.0.0", "255.255.255.255"),
        ] {
            let [first, last] = [first, last].map(|address| u32::from(address.parse::<Ipv4Addr>().unwrap()));
            assert!(!is_public_v4(first.into()) && !is_public_v4(last.into()));
            for beside in [first.checked_sub(1), last.checked_add(1)].into_iter().flatten() {
                assert!(is_public_v4(beside.into()), "{}", Ipv4Addr::from(beside));
            }
        }
        for (address, public) in [
            ("2001:200::1", true),
            ("2001:1ff::1", false),
            ("2001::1", false),
            ("2001:db7::1", true),
            ("2001:db8::1", false),
            ("2001:db9::1", true),
            ("2000::1", true),
            ("1fff::1", false),
            ("3fef::1", true),
            ("3ff0::1", false),
            ("3fff::1", false),
            ("4000::1", false),
            ("::1", false),
            ("fe80::1", false),
            ("fc00::1", false),
            ("ff02::1", false),
        ] {
            assert_eq!(is_public_v6(address.parse().unwrap()), public, "{address}");
        }
    }
}
