//! Which addresses belong to the public internet.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The address that a host stands for, if it is one. `url` has turned decimal, octal and hex forms into this one.
pub(super) fn literal(host: &str) -> Option<IpAddr> {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    bare.parse().ok()
}

/// Is it one that anybody may reach? By the special-purpose registries of IANA; whatever embeds an IPv4 address is
/// judged by that, or refused as a whole.
pub(super) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = matches!(
        (a, b, c),
        (0 | 10 | 127, _, _)                     // this network, private, loopback
            | (100, 64..=127, _)                 // carrier-grade NAT
            | (169, 254, _)                      // link-local, cloud metadata
            | (172, 16..=31, _)                  // private
            | (192, 0, 0 | 2)                    // protocol assignments, documentation
            | (192, 31, 196) | (192, 52, 193)    // AS112, AMT
            | (192, 88, 99)                      // 6to4 relays
            | (192, 168, _)                      // private
            | (192, 175, 48)                     // AS112
            | (198, 18..=19, _)                  // benchmarks
            | (198, 51, 100) | (203, 0, 113)     // documentation
            | (224..=255, _, _) // multicast, reserved, broadcast
    );
    !special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let s = address.segments();
    // Only 2000::/3 is given out as public at all: this leaves out ::/8 (loopback, mapped, compatible, NAT64),
    // fc00::/7, fe80::/10, fec0::/10 and ff00::/8.
    if s[0] & 0xe000 != 0x2000 {
        return false;
    }
    // ISATAP: tunnels to the IPv4 address in its last half, under any prefix.
    if matches!((s[4], s[5]), (0x0000 | 0x0200, 0x5efe)) {
        return false;
    }
    let special = matches!(
        (s[0], s[1]),
        (0x2001, 0..=0x01ff)           // Teredo, ORCHID, benchmarks and other protocol assignments
            | (0x2001, 0x0db8)         // documentation
            | (0x2002, _)              // 6to4: embeds any IPv4 address
            | (0x3fff, 0..=0x0fff)     // documentation
            | (0x2620, 0x004f) // AS112
    );
    !special
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_special_form_is_refused() {
        for host in [
            "127.0.0.1",
            "127.1",
            "2130706433",
            "0x7f000001",
            "0x7f.1",
            "0177.0.0.1",
            "0",
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "192.0.0.1",
            "192.0.2.1",
            "192.88.99.1",
            "198.18.0.1",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "[::]",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "[::ffff:8.8.8.8]",
            "[::127.0.0.1]",
            "[64:ff9b::7f00:1]",
            "[64:ff9b:1::1]",
            "[100::1]",
            "[2001::1]",
            "[2001:20::1]",
            "[2001:db8::1]",
            "[2002:7f00:1::]",
            "[3fff::1]",
            "[fc00::1]",
            "[fd12::1]",
            "[fe80::1]",
            "[fec0::1]",
            "[ff02::1]",
            "[4000::1]",
            "[5f00::1]",
            "[2001:0:7f00:1::1]",
            "[2001:1ff:ffff::1]",
            "[3fff:fff::1]",
            "[2a00:1450::5efe:7f00:1]",
            "[2a00:1450::200:5efe:a00:1]",
        ] {
            let url = url::Url::parse(&format!("https://{host}/")).unwrap();
            let address =
                literal(url.host_str().unwrap()).unwrap_or_else(|| panic!("{host} is read as a name"));
            assert!(!is_public(address), "{host}");
        }
        // Just beside them the public internet goes on.
        for host in [
            "8.8.8.8",
            "1.0.0.0",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.1",
            "126.255.255.255",
            "128.0.0.1",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.1",
            "192.0.1.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "[2606:4700::1111]",
            "[2a00:1450::1]",
            "[2001:200::1]",
            "[2001:db7::1]",
            "[2001:db9::1]",
            "[2003::1]",
            "[3fff:1000::1]",
        ] {
            assert!(is_public(literal(host).unwrap()), "{host}");
        }
        assert_eq!(literal("acme.pipedrive.com"), None);
    }
}
