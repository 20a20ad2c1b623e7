//! Where a redirect leads. Whoever follows it still shows an access token: no app may lead that into Keyhaven itself.

use http::HeaderValue;
use url::{Host, Position, Url};

/// What was asked, and where else the connection may go.
pub(super) struct Asked<'a> {
    /// The connection's id.
    pub connection: &'a str,
    /// The host that was asked, with its port unless that is the usual one, and the path and query there.
    pub host: &'a str,
    pub path_and_query: &'a str,
    /// The connection's host that is meant where none is named, in the same way, and what its paths begin with.
    pub first: (&'a str, &'a str),
    /// Name and port by which the caller reached Keyhaven, where it did and meant the first host. The others see the
    /// app's own addresses.
    pub reached: Option<&'a str>,
}

impl Asked<'_> {
    /// What is below the connection's address is named as the caller reaches it. What leads elsewhere stays as the app
    /// wrote it, but for what leads to this machine or to Keyhaven, which is left out.
    pub(super) fn leads(&self, told: &HeaderValue) -> Option<HeaderValue> {
        let to = self.led(told.to_str().ok()?)?;
        HeaderValue::try_from(to).ok()
    }

    fn led(&self, told: &str) -> Option<String> {
        let url = |host: &str, path: &str| Url::parse(&format!("https://{host}{path}")).ok();
        let asked = url(self.host, self.path_and_query)?;
        let first = url(self.first.0, "")?;
        let to = asked.join(told).ok().filter(|to| matches!(to.scheme(), "http" | "https"))?;
        // Another port or scheme is another place.
        if self.reached.is_some()
            && to.origin() == first.origin()
            && let Some(below) = self.below(&to)
        {
            return Some(below);
        }
        let is_apps = [asked, first].iter().any(|one| one.host() == to.host());
        if !is_apps && self.is_here(&to) {
            return None;
        }
        // Written in another way, two readers could take it for two places.
        Some(if is_plain(told) { told.to_owned() } else { to.into() })
    }

    /// The path here of what is below the connection's address.
    fn below(&self, to: &Url) -> Option<String> {
        let (_, prefix) = self.first;
        let rest = to.path().strip_prefix(prefix).filter(|rest| rest.is_empty() || rest.starts_with('/'))?;
        Some(format!("/proxy/{}{rest}{}", self.connection, &to[Position::AfterPath..]))
    }

    /// Is it Keyhaven, or something else on this machine or the caller's?
    fn is_here(&self, to: &Url) -> bool {
        let names_it = self.reached.is_some_and(|reached| {
            let reached = Url::parse(&format!("{}://{reached}", to.scheme())).ok();
            reached.is_some_and(|it| it.host_str() == to.host_str())
        });
        names_it
            || match to.host() {
                Some(Host::Domain(name)) => {
                    let name = name.trim_end_matches('.');
                    name == "localhost" || name.ends_with(".localhost")
                }
                Some(Host::Ipv4(ip)) => ip.is_loopback() || ip.is_unspecified(),
                Some(Host::Ipv6(ip)) => {
                    ip.is_loopback()
                        || ip.is_unspecified()
                        || ip.to_ipv4_mapped().is_some_and(|ip| ip.is_loopback() || ip.is_unspecified())
                }
                None => true,
            }
    }
}

/// A whole address, in letters that everybody reads alike.
fn is_plain(told: &str) -> bool {
    (told.starts_with("https://") || told.starts_with("http://"))
        && told.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn led(reached: Option<&str>, told: &str) -> Option<String> {
        led_from("acme.pipedrive.com", reached, told)
    }

    fn led_from(host: &str, reached: Option<&str>, told: &str) -> Option<String> {
        let asked = Asked {
            connection: "conn_1",
            host,
            path_and_query: "/api/v2/deals?limit=1",
            first: (host, "/api"),
            reached,
        };
        asked.leads(&told.parse().unwrap()).map(|it| it.to_str().unwrap().to_owned())
    }

    #[test]
    fn a_redirect_leads_below_the_connection_or_away_and_never_into_keyhaven() {
        for (told, to) in [
            ("/api/v1/users", Some("/proxy/conn_1/v1/users")),
            ("deals/2?a=b", Some("/proxy/conn_1/v2/deals/2?a=b")),
            ("https://acme.pipedrive.com/api/v1/x", Some("/proxy/conn_1/v1/x")),
            ("/api/../api/v1/tokens", Some("/proxy/conn_1/v1/tokens")),
            ("/proxy/other/api", Some("https://acme.pipedrive.com/proxy/other/api")),
            ("/apiary", Some("https://acme.pipedrive.com/apiary")),
            ("https:/proxy/other", Some("https://acme.pipedrive.com/proxy/other")),
            ("https://files.example?a='b'#c", Some("https://files.example?a='b'#c")),
            ("deals/2#c", Some("/proxy/conn_1/v2/deals/2#c")),
            ("\\\\evil.example/x", Some("https://evil.example/x")),
            ("http://keyhaven:8787/api/v1/tokens", None),
            ("https://KEYHAVEN/api/v1/tokens", None),
            ("http://127.1:8787/api/v1/tokens", None),
            ("http://[::ffff:127.0.0.1]/api", None),
            ("http://localhost./api", None),
            ("javascript:alert(1)", None),
            ("http://", None),
        ] {
            assert_eq!(led(Some("keyhaven:8787"), told).as_deref(), to, "{told}");
        }
        for (told, to) in [
            ("https://acme.pipedrive.com:443/api/v1/x", "/proxy/conn_1/v1/x"),
            ("https://acme.pipedrive.com:8443/api/v1/x", "https://acme.pipedrive.com:8443/api/v1/x"),
            ("http://acme.pipedrive.com/api/v1/x", "http://acme.pipedrive.com/api/v1/x"),
            ("http://acme.pipedrive.com:443/api/v1/x", "http://acme.pipedrive.com:443/api/v1/x"),
        ] {
            assert_eq!(led(Some("keyhaven:8787"), told).as_deref(), Some(to), "{told}");
        }
        for (told, to) in [
            ("/api/v1/users", "/proxy/conn_1/v1/users"),
            ("/other", "https://acme.test:8443/other"),
            ("https://acme.test:8443/api/x", "/proxy/conn_1/x"),
            ("https://acme.test/api/x", "https://acme.test/api/x"),
        ] {
            assert_eq!(led_from("acme.test:8443", Some("keyhaven"), told).as_deref(), Some(to), "{told}");
        }
        // Whoever sees the app's own addresses goes on to see them.
        assert_eq!(led(None, "/api/v1/users").as_deref(), Some("https://acme.pipedrive.com/api/v1/users"));
        assert_eq!(led(None, "http://127.0.0.1:8787/").as_deref(), None);
    }
}
