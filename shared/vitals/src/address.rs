//! Where messages may go: not into private networks, unless somebody named the place.
//!
//! Who may add a channel must not be able to make the application ask its neighbours (server-side request forgery). What
//! the host permits is a pattern (`https://*:*`); this is the second check, which a pattern that stands for every host
//! does not pass. It goes by the address as it is written. A name that leads into a private network is only known to whoever
//! looks it up, which is the host: the built-in runner refuses it then, and so does Spin that is told to
//! (`block_networks`).

use std::net::IpAddr;

use ipnet::IpNet;

/// Where a request goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place<'a> {
    /// `http` or `https`.
    pub scheme: &'a str,
    /// The host, as it is written.
    pub host: &'a str,
    /// The port.
    pub port: u16,
}

impl Place<'_> {
    /// Whether a message may go there: it is public, or one of the patterns names it.
    ///
    /// A pattern is an entry of `allowed_outbound_hosts`, `scheme://host:port`. One with the host `*` names nobody.
    pub fn is_allowed<'p>(&self, patterns: impl IntoIterator<Item = &'p str>) -> bool {
        !is_private(self.host) || patterns.into_iter().any(|pattern| self.is_named_by(pattern))
    }

    fn is_named_by(&self, pattern: &str) -> bool {
        let Some((scheme, rest)) = pattern.trim().split_once("://") else {
            return false;
        };
        let (host, port) = split_port(rest.trim_end_matches('/'));
        (scheme == "*" || scheme.eq_ignore_ascii_case(self.scheme))
            && self.is_host(host)
            && self.is_port(scheme, port)
    }

    fn is_host(&self, pattern: &str) -> bool {
        let host = plain(self.host);
        let pattern = plain(pattern);
        if pattern == "*" {
            return false;
        }
        if let Ok(network) = pattern.parse::<IpNet>() {
            return host
                .parse::<IpAddr>()
                .is_ok_and(|address| network.contains(&address));
        }
        match pattern.strip_prefix('*') {
            Some(ending) => ending.len() > 1 && host.ends_with(ending),
            None => host == pattern,
        }
    }

    fn is_port(&self, scheme: &str, pattern: Option<&str>) -> bool {
        let usual = if scheme.eq_ignore_ascii_case("http") {
            80
        } else {
            443
        };
        let number = |text: &str| text.parse::<u16>().ok();
        match pattern {
            None => self.port == usual,
            Some("*") => true,
            Some(range) => match range.split_once("..") {
                Some((first, end)) => {
                    number(first).is_some_and(|first| first <= self.port)
                        && number(end).is_some_and(|end| self.port < end)
                }
                None => number(range) == Some(self.port),
            },
        }
    }
}

/// Whether a text is an address of the web that every reader takes apart alike: `https://host:port/path?query`, without a
/// user or a password, of which a part could be taken for the host (`https://user:p#ss@host/`) and be shown.
pub fn is_web_address(text: &str) -> bool {
    let rest = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    let Some(rest) = rest else { return false };
    let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    let after = rest.get(authority.len()..).unwrap_or_default();
    let (host, port) = split_port(authority);
    // What seems to be a port may be the beginning of a password.
    let is_port = port.is_none_or(|port| port.parse::<u16>().is_ok() && !after.contains('@'));
    !host.is_empty()
        && is_port
        && !authority.contains('@')
        && !text.contains(['#', '\\'])
        && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// `host:port`, `[address]:port`, or a host alone.
fn split_port(text: &str) -> (&str, Option<&str>) {
    match text.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (text, None),
    }
}

/// A host for comparison: in lower case, without the brackets of an address and the dot of the root.
fn plain(host: &str) -> String {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host.trim_end_matches('.').to_ascii_lowercase()
}

/// Whether a host is, by the way it is written, one of this machine or of a private network.
///
/// A name that is none of the public ones counts as private: `localhost`, one without a dot, those that end in `.local`,
/// `.internal` and their like. So does what some resolvers take for an address although it is not written as one, such as
/// `127.1` or `0x7f000001`.
pub fn is_private(host: &str) -> bool {
    const ENDINGS: [&str; 7] = [
        ".localhost",
        ".local",
        ".internal",
        ".intranet",
        ".lan",
        ".home.arpa",
        ".localdomain",
    ];
    let host = plain(host);
    // What stands behind `%` is the network that a local address is of.
    let address = host.split('%').next().unwrap_or_default();
    if let Ok(address) = address.parse::<IpAddr>() {
        return networks::is_private(address);
    }
    let last = host.rsplit('.').next().unwrap_or_default();
    let is_number = last.starts_with("0x") || last.bytes().all(|byte| byte.is_ascii_digit());
    !host.contains('.') || is_number || ENDINGS.iter().any(|ending| host.ends_with(ending))
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_private_host_is_known_however_it_is_written() {
        for host in [
            "127.0.0.1",
            "127.255.255.254",
            "0.0.0.0",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "[::1]",
            "::",
            "[::ffff:10.0.0.1]",
            "[::127.0.0.1]",
            "[64:ff9b::10.0.0.1]",
            "[2002:0a00:0001::1]",
            "[fe80::1%eth0]",
            "[fd00::1]",
            "[ff02::1]",
            "localhost",
            "LOCALHOST.",
            "db",
            "db.localhost",
            "printer.local",
            "metadata.google.internal",
            "127.1",
            "2130706433",
            "0x7f000001",
            "0x7f.1",
            "1.2.3.0x4",
            "",
        ] {
            assert!(is_private(host), "{host}");
        }
        for host in [
            "8.8.8.8",
            "172.32.0.1",
            "100.128.0.1",
            "[2606:4700::1111]",
            "[::ffff:8.8.8.8]",
            "hooks.slack.com",
            "example.com.",
            "10.example.com",
            "local.example.com",
        ] {
            assert!(!is_private(host), "{host}");
        }
    }

    #[test]
    fn a_private_place_is_allowed_where_a_pattern_names_it() {
        let place = |scheme, host, port| Place { scheme, host, port };
        let here = place("http", "127.0.0.1", 9093);
        for pattern in [
            "http://127.0.0.1:*",
            "*://127.0.0.1:9093",
            "http://127.0.0.0/8:9000..9100",
            " http://127.0.0.1:9093/ ",
        ] {
            assert!(here.is_allowed([pattern]), "{pattern}");
        }
        for pattern in [
            "https://*:*",
            "*://*:*",
            "http://*:*",
            "https://127.0.0.1:*",
            "http://127.0.0.1",
            "http://127.0.0.1:9094",
            "http://127.0.0.0/8:9000..9093",
            "http://10.0.0.0/8:*",
            "http://localhost:*",
            "127.0.0.1",
            "",
        ] {
            assert!(!here.is_allowed([pattern]), "{pattern}");
        }
        assert!(place("https", "alerts.corp.internal", 443).is_allowed(["https://*.corp.internal"]));
        assert!(!place("https", "alerts.corp.internal", 443).is_allowed(["https://*"]));
        assert!(place("http", "[::1]", 80).is_allowed(["http://[::1]"]));
        assert!(place("https", "hooks.slack.com", 443).is_allowed([]));
    }

    #[test]
    fn an_address_of_the_web_has_no_password_that_could_be_taken_for_a_host() {
        for text in [
            "https://hooks.slack.com/services/x",
            "http://127.0.0.1:9093",
            "http://[::1]:9093/",
            "https://[2606:4700::1111]/x",
            "https://example.webhook.office.com/webhookb2/a@b/IncomingWebhook/c",
            "https://host/?to=ada@example.com",
        ] {
            assert!(is_web_address(text), "{text}");
        }
        for text in [
            "ftp://host/",
            "https://",
            "https:///path",
            "https://user:hunter2@host/",
            "https://user@host/",
            "https://user:hunter2#x@host/",
            "https://user:12#x@host/",
            "https://user:12/x@host/",
            "https://user:12?x@host/",
            "https://user:12\\x@host/",
            "https://user:hunter2/x@host/",
            "https://host:99999/",
            "https://host/a b",
            "https://host/\nx",
            "hooks.slack.com",
        ] {
            assert!(!is_web_address(text), "{text}");
        }
    }

    proptest! {
        #[test]
        fn an_address_within_another_is_judged_alike(bytes: [u8; 4]) {
            let address = Ipv4Addr::from(bytes);
            prop_assert_eq!(
                is_private(&address.to_string()),
                is_private(&address.to_ipv6_mapped().to_string())
            );
        }

        #[test]
        fn no_host_breaks_the_check(host: String, pattern: String) {
            let place = Place { scheme: "https", host: &host, port: 443 };
            prop_assert!(place.is_allowed([pattern.as_str()]) || is_private(&host));
        }
    }
}
