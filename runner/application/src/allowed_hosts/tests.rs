//! What entries allow, and which of them are refused.

use super::*;
use crate::variables::VariableValue;
use proptest::prelude::*;
use std::error::Error;

fn parse(entries: &[&str]) -> Result<AllowedHosts, AllowedHostError> {
    let resolver = Resolver::new([
        ("host".to_owned(), VariableValue::new("db.example.com", false)),
        ("typo".to_owned(), VariableValue::new("https//db", false)),
        ("secret".to_owned(), VariableValue::new("hunter2", true)),
    ]);
    AllowedHosts::parse(entries, &resolver)
}

/// Checks what one entry allows and what it does not: scheme, host, and port unless it is the usual one.
#[track_caller]
fn check(entry: &str, allowed: &[(&str, &str, u16)], refused: &[(&str, &str, u16)]) {
    let hosts = parse(&[entry]).unwrap();
    let usual = |port: u16| Some(port).filter(|port| *port != 0);
    for (scheme, host, port) in allowed {
        assert!(
            hosts.allows(scheme, host, usual(*port)),
            "{entry} should allow {scheme}://{host}:{port}"
        );
    }
    for (scheme, host, port) in refused {
        assert!(
            !hosts.allows(scheme, host, usual(*port)),
            "{entry} should refuse {scheme}://{host}:{port}"
        );
    }
}

#[test]
fn an_entry_allows_its_scheme_host_and_port_only() {
    check(
        "http://spin.example",
        &[
            ("http", "spin.example", 0),
            ("http", "spin.example", 80),
            ("http", "SPIN.example", 0),
        ],
        &[
            ("https", "spin.example", 80),
            ("http", "example", 0),
            ("http", "spin.example", 81),
        ],
    );
    check("http://spin.example/", &[("http", "spin.example", 0)], &[]);
    check(
        "https://spin.example:4444/",
        &[("https", "spin.example", 4444)],
        &[("https", "spin.example", 0)],
    );
    check(
        "postgres://localhost",
        &[("postgres", "localhost", 5432)],
        &[("postgres", "localhost", 5433)],
    );
    check(" redis://a ", &[("redis", "a", 6379)], &[]);
    check(
        "http://[::1]:8001",
        &[("http", "[::1]", 8001), ("http", "::1", 8001)],
        &[("http", "::2", 8001)],
    );
}

#[test]
fn hosts_are_compared_as_in_a_url() {
    check(
        "http://Example.COM",
        &[("http", "example.com", 0), ("http", "EXAMPLE.com", 0)],
        &[],
    );
    check(
        "http://*.Example.COM/",
        &[("http", "a.EXAMPLE.com", 0)],
        &[("http", "example.com", 0)],
    );
    check(
        "http://127.0.0.1",
        &[("http", "127.0.0.1", 0), ("http", "127.1", 0)],
        &[("http", "localhost", 0)],
    );
    check("http://[::1]:80", &[("http", "[0:0::1]", 0)], &[]);
    check("http://*", &[], &[("http", "a b", 0), ("http", "", 0)]);
}

#[test]
fn a_refusal_is_in_the_words_of_spin() {
    let hosts = AllowedHosts::default();
    let refusal = hosts.check("postgres", "localhost", Some(5433)).unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "address postgres://localhost:5433 is not permitted"
    );
    let refusal = hosts.check("postgres", "localhost", None).unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "address postgres://localhost is not permitted"
    );
    assert_eq!(
        parse(&[&refusal.entry()])
            .unwrap()
            .check("postgres", "localhost", None),
        Ok(())
    );
}

#[test]
fn stars_stand_for_any_scheme_host_or_port() {
    check(
        "*://*:*",
        &[("http", "a", 1), ("tcp", "::1", 2), ("unknown", "b", 0)],
        &[],
    );
    check(
        "*://a:7777",
        &[("http", "a", 7777), ("postgres", "a", 7777)],
        &[("http", "a", 0)],
    );
    check("postgres://*:*", &[("postgres", "a", 1)], &[("mysql", "a", 1)]);
    check("https://*", &[("https", "a", 443)], &[("https", "a", 444)]);
}

#[test]
fn a_star_before_a_domain_stands_for_every_name_below_it() {
    check(
        "http://*.example.com",
        &[("http", "a.example.com", 0), ("http", "a.b.example.com", 80)],
        &[
            ("http", "example.com", 0),
            ("http", "myexample.com", 0),
            ("http", "a.example.com", 81),
        ],
    );
}

#[test]
fn a_range_of_ports_leaves_out_its_end() {
    check(
        "http://a:10..12",
        &[("http", "a", 10), ("http", "a", 11)],
        &[("http", "a", 9), ("http", "a", 12)],
    );
    check(
        "http://a:12..10",
        &[],
        &[("http", "a", 10), ("http", "a", 11), ("http", "a", 12)],
    );
}

#[test]
fn a_network_allows_the_addresses_in_it() {
    check(
        "*://127.0.0.1/24:80",
        &[("tcp", "127.0.0.9", 80)],
        &[("tcp", "127.0.1.1", 80), ("tcp", "a", 80)],
    );
    check(
        "*://ff00::/8:80",
        &[("tcp", "ff01::1", 80), ("tcp", "[ff01::1]", 80)],
        &[("tcp", "::1", 80)],
    );
}

#[test]
fn variables_are_filled_in() {
    check(
        "postgres://{{ host }}:*",
        &[("postgres", "db.example.com", 1)],
        &[("postgres", "host", 1)],
    );
}

#[test]
fn nothing_is_allowed_without_an_entry_and_any_entry_may_allow() {
    assert!(!AllowedHosts::default().allows("http", "localhost", None));
    let hosts = parse(&["http://a", "http://b"]).unwrap();
    assert!(hosts.allows("http", "a", None) && hosts.allows("http", "b", None));
}

#[test]
fn self_is_the_application_and_no_host() {
    let hosts = parse(&["http://self"]).unwrap();
    assert!(hosts.allows_self(&["http", "https"]));
    assert!(!hosts.allows_self(&["https"]));
    assert!(!hosts.allows("http", "self", None));
    assert!(parse(&["*://*:*"]).unwrap().allows_self(&["http"]));
    assert!(!parse(&["http://localhost"]).unwrap().allows_self(&["http"]));
}

#[track_caller]
fn check_refused(entry: &str, fault: &str) {
    let error = parse(&["http://before", entry]).unwrap_err();
    assert_eq!(error.entry(), entry);
    assert_eq!(error.source().unwrap().to_string(), fault, "entry {entry:?}");
}

#[test]
fn entries_that_spin_refuses_are_refused() {
    check_refused("spin.example", "it has no scheme");
    check_refused("spin.example:80", "it has no scheme");
    check_refused("*", "it would allow everything");
    check_refused("", "it would allow everything");
    check_refused("insecure:allow-all", "it would allow everything");
    check_refused("h2://a:1", "its scheme has something other than letters in it");
    check_refused("{http,https}://a:1", "lists in braces are not supported");
    check_refused("http://{a,b}", "lists in braces are not supported");
    check_refused("http://a:{1,2}", "lists in braces are not supported");
    check_refused("http://a/b", "it has a path");
    check_refused("http://a:1/b", "it has a path");
    check_refused("http://*.a/b", "it has a path");
    check_refused("http://a//", "it has a path");
    check_refused("http://::1:80", "its host is not a name or an address");
    check_refused(
        "http://*.10.0.0.1",
        "a '*' may only stand for the whole host or for its first part",
    );
    check_refused(
        "http://a.*.b",
        "a '*' may only stand for the whole host or for its first part",
    );
    check_refused(
        "http://*.*.b",
        "a '*' may only stand for the whole host or for its first part",
    );
    check_refused("tcp://a", "it has no port, and its scheme has no usual one");
    check_refused(
        "*://127.0.0.0/24",
        "it has no port, and its scheme has no usual one",
    );
    check_refused("http://:80", "its host is not a name or an address");
    check_refused("http://a b", "its host is not a name or an address");
    check_refused("http://a:b", "its port is not a number");
    check_refused("http://a:1..b", "its port is not a number");
    check_refused("http://[::1]", "its port is not a number");
    check_refused("http://a:65536", "its port is not a number");
    check_refused("http://{{ host", "template has a '{{' without a '}}' after it");
    check_refused(
        "http://{{ nobody }}",
        "template names the unknown variable \"nobody\"",
    );
}

#[test]
fn a_value_is_shown_unless_it_is_secret() {
    let shown = parse(&["{{ typo }}"]).unwrap_err();
    assert_eq!(
        shown.to_string(),
        "cannot read the allowed outbound host \"{{ typo }}\", which is \"https//db\""
    );
    let secret = parse(&["http://{{ secret }}:{{ secret }}"]).unwrap_err();
    let text = format!("{secret} {secret:?} {} {:?}", secret.hint(), secret.source());
    assert!(!text.contains("hunter2"), "{text}");
}

proptest! {
    #[test]
    fn an_entry_without_a_scheme_is_refused(entry in "[^/]{0,24}") {
        prop_assert!(parse(&[&entry]).is_err());
    }

    #[test]
    fn an_entry_allows_what_it_says_and_not_another_port(
        scheme in "[a-z]{1,6}", host in "[a-z]{1,8}(\\.[a-z]{1,4}){0,2}", port in 1u16..u16::MAX,
    ) {
        prop_assume!(host != "self" && host != "self.alt");
        let hosts = parse(&[&format!("{scheme}://{host}:{port}")]).unwrap();
        prop_assert!(hosts.allows(&scheme, &host, Some(port)));
        prop_assert!(!hosts.allows(&scheme, &host, Some(port + 1)));
        let below = format!("a.{host}");
        prop_assert!(!hosts.allows(&scheme, &below, Some(port)));
    }

    #[test]
    fn a_domain_allows_names_below_it_only(domain in "[a-z]{1,4}\\.[a-z]{2}", name in "[a-z.]{0,8}") {
        let hosts = parse(&[&format!("https://*.{domain}")]).unwrap();
        let below = format!("{name}.{domain}");
        let beside = format!("{name}{domain}");
        prop_assert!(hosts.allows("https", &below, None));
        prop_assert_eq!(hosts.allows("https", &beside, None), name.ends_with('.'));
    }
}

#[test]
fn an_entry_for_everybody_names_nobody() {
    let names = |entries: &[&str], host: &str, address: &str| {
        let allowed = AllowedHosts::parse(entries, &Resolver::default()).unwrap();
        allowed.names("https", host, None, address.parse().unwrap())
    };
    for entry in ["https://*:*", "*://*:*", "https://*", "https://self"] {
        assert!(!names(&[entry], "db.corp.example", "10.0.0.7"), "{entry}");
        assert!(!names(&[entry], "10.0.0.7", "10.0.0.7"), "{entry}");
    }
    for entry in [
        "https://db.corp.example",
        "https://*.corp.example:*",
        "*://DB.corp.example:*",
        "https://10.0.0.0/8",
        "https://10.0.0.7:443",
    ] {
        assert!(
            names(&["https://*:*", entry], "db.corp.example", "10.0.0.7"),
            "{entry}"
        );
    }
    for entry in [
        "http://db.corp.example",
        "https://db.corp.example:444",
        "https://corp.example",
        "https://10.1.0.0/16",
        "https://10.0.0.8",
    ] {
        assert!(
            !names(&["https://*:*", entry], "db.corp.example", "10.0.0.7"),
            "{entry}"
        );
    }
}
