//! Which addresses are public: those that are not handed out to the public lead to this machine, its neighbours, or nowhere
//! (IANA's registries of special addresses).
//!
//! ```
//! assert!(networks::is_private("10.0.0.7".parse().unwrap()));
//! assert!(!networks::is_private("8.8.8.8".parse().unwrap()));
//! ```

#![deny(missing_docs)]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether an address is none that is handed out to the public. Of addresses that carry one of the old kind, that one counts.
#[must_use]
pub fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_private_v4(address),
        IpAddr::V6(address) => carried(address).map_or_else(|| is_private_v6(address), is_private_v4),
    }
}

/// Whether nobody offers a service at an address that somebody else is to connect to: none at all, many at once, or those
/// of one wire, where clouds keep the credentials of their machines (169.254.169.254).
#[must_use]
pub fn is_nowhere(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_nowhere_v4(address),
        IpAddr::V6(address) => carried(address).map_or_else(
            || address.is_unspecified() || address.is_unicast_link_local() || address.is_multicast(),
            is_nowhere_v4,
        ),
    }
}

fn is_private_v4(address: Ipv4Addr) -> bool {
    let [first, second, third, _] = address.octets();
    first == 0
        || address.is_loopback()
        || address.is_private()
        || address.is_link_local()
        || (first == 100 && (64..128).contains(&second))
        || (first, second, third) == (192, 0, 0)
        || address.is_documentation()
        || (first == 198 && (second == 18 || second == 19))
        || first >= 224
}

fn is_nowhere_v4(address: Ipv4Addr) -> bool {
    let [first, ..] = address.octets();
    first == 0 || address.is_link_local() || first >= 224
}

fn is_private_v6(address: Ipv6Addr) -> bool {
    match address.segments() {
        [0x64, 0xff9b, 1, ..] | [0x2001, 0xdb8, ..] | [0x100, 0, 0, 0, ..] => true,
        [0x2001, second, ..] if second < 0x200 => true,
        // Documentation, segment routing.
        [0x3fff, second, ..] if second < 0x1000 => true,
        [0x5f00, ..] => true,
        [0xfec0..=0xfeff, ..] => true,
        _ => {
            address.is_loopback()
                || address.is_unspecified()
                || address.is_unique_local()
                || address.is_unicast_link_local()
                || address.is_multicast()
        }
    }
}

/// The address of the old kind that one of the new kind stands for. `::` and `::1` stand for themselves.
fn carried(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let of = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Ipv4Addr::new(a, b, c, d)
    };
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => None,
        // Mapped, compatible, and translated.
        [0, 0, 0, 0, 0, 0xffff | 0, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some(of(high, low)),
        // 6to4.
        [0x2002, high, low, ..] => Some(of(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(address: &str, private: bool, nowhere: bool) {
        let address: IpAddr = address.parse().unwrap();
        assert_eq!(
            (is_private(address), is_nowhere(address)),
            (private, nowhere),
            "{address}"
        );
    }

    #[test]
    fn what_is_not_handed_out_is_private() {
        for address in [
            "127.0.0.1",
            "127.255.255.254",
            "10.1.2.3",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "100.64.0.1",
            "192.0.0.1",
            "192.0.2.1",
            "198.18.0.1",
            "198.51.100.1",
            "203.0.113.1",
            "::1",
            "fd00::1",
            "fc00::1",
            "fec0::1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "64:ff9b::10.0.0.1",
            "64:ff9b:1::1",
            "2002:a00:1::1",
            "2001:db8::1",
            "2001::1",
            "100::1",
            "3fff::1",
            "5f00::1",
        ] {
            check(address, true, false);
        }
    }

    #[test]
    fn nobody_connects_to_nowhere() {
        for address in [
            "0.0.0.0",
            "0.1.2.3",
            "169.254.169.254",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "fe80::1",
            "ff02::1",
            "::ffff:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
        ] {
            check(address, true, true);
        }
    }

    #[test]
    fn all_others_are_public() {
        for address in [
            "8.8.8.8",
            "172.32.0.1",
            "100.128.0.1",
            "198.20.0.1",
            "2606:4700::1111",
            "::ffff:8.8.8.8",
            "2001:200::1",
            "64:ff9b::8.8.8.8",
        ] {
            check(address, false, false);
        }
    }

    proptest! {
        #[test]
        fn an_address_within_another_is_judged_alike(bytes: [u8; 4]) {
            let address = Ipv4Addr::from(bytes);
            let mapped = IpAddr::V6(address.to_ipv6_mapped());
            prop_assert_eq!(is_private(address.into()), is_private(mapped));
            prop_assert_eq!(is_nowhere(address.into()), is_nowhere(mapped));
        }

        #[test]
        fn nowhere_is_never_public(bits: u128, old: u32) {
            for address in [IpAddr::from(Ipv6Addr::from(bits)), IpAddr::from(Ipv4Addr::from(old))] {
                prop_assert!(is_private(address) || !is_nowhere(address));
            }
        }
    }
}
