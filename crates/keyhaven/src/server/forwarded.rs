//! Who calls, where a proxy in front stands between.

use std::net::{IpAddr, SocketAddr};

use axum::http::HeaderMap;
use ipnet::IpNet;

/// Each proxy adds the address that called it.
const FORWARDED_FOR: &str = "x-forwarded-for";

/// Proxies in front, whose word about who called them counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    /// `10.0.0.0/8,192.168.1.7`; or the part that is none.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let network = |part: &str| {
            let part = part.trim();
            let found = part.parse().or_else(|_| part.parse::<IpAddr>().map(IpNet::from));
            found.map_err(|_| part.to_owned())
        };
        text.split(',').map(network).collect::<Result<_, _>>().map(Self)
    }

    /// The nearest address that is none of these proxies'. What stands before it anybody could have written.
    pub(crate) fn client(&self, peer: SocketAddr, headers: &HeaderMap) -> SocketAddr {
        if !self.holds(peer.ip()) {
            return peer;
        }
        let mut client = peer.ip().to_canonical();
        let lines = headers.get_all(FORWARDED_FOR).iter().rev().filter_map(|line| line.to_str().ok());
        for told in lines.flat_map(|line| line.rsplit(',')) {
            let Some(address) = address(told.trim()) else { break };
            client = address;
            if !self.holds(client) {
                break;
            }
        }
        SocketAddr::new(client, peer.port())
    }

    fn holds(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }
}

/// Some proxies add the port.
fn address(told: &str) -> Option<IpAddr> {
    let bare = told.trim_start_matches('[').trim_end_matches(']');
    let found = bare.parse().or_else(|_| told.parse::<SocketAddr>().map(|it| it.ip()));
    found.ok().map(|it: IpAddr| it.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_word_of_trusted_proxies_counts() {
        let trusted = TrustedProxies::parse("10.0.0.0/8, 127.0.0.1,fd00::/8").unwrap();
        for (peer, told, client) in [
            ("192.0.2.1", &["203.0.113.7"][..], "192.0.2.1"),
            ("127.0.0.1", &[], "127.0.0.1"),
            ("127.0.0.1", &["203.0.113.7"], "203.0.113.7"),
            ("::ffff:127.0.0.1", &["203.0.113.7"], "203.0.113.7"),
            ("127.0.0.1", &["198.51.100.9, 203.0.113.7"], "203.0.113.7"),
            ("127.0.0.1", &["203.0.113.7, 10.1.2.3"], "203.0.113.7"),
            ("127.0.0.1", &["198.51.100.9", "203.0.113.7,10.1.2.3"], "203.0.113.7"),
            ("127.0.0.1", &["203.0.113.7:4711"], "203.0.113.7"),
            ("127.0.0.1", &["[2001:db8::7]:4711"], "2001:db8::7"),
            ("fd00::1", &["2001:db8::7"], "2001:db8::7"),
            ("127.0.0.1", &["10.9.9.9"], "10.9.9.9"),
            ("127.0.0.1", &["203.0.113.7, unknown, 10.1.2.3"], "10.1.2.3"),
            ("127.0.0.1", &[""], "127.0.0.1"),
        ] {
            let mut headers = HeaderMap::new();
            for line in told {
                headers.append(FORWARDED_FOR, line.parse().unwrap());
            }
            let peer = SocketAddr::new(peer.parse().unwrap(), 9);
            assert_eq!(
                trusted.client(peer, &headers).ip(),
                client.parse::<IpAddr>().unwrap(),
                "{peer} {told:?}"
            );
            assert_eq!(TrustedProxies::default().client(peer, &headers), peer);
        }
        assert_eq!(TrustedProxies::parse("10.0.0.0/8,nginx"), Err("nginx".into()));
    }
}
