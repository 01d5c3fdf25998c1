use super::*;
use crate::native::NativeHost;

fn complete() -> NativeHost {
    NativeHost::default()
        .monitoring("postgres://pgvitals_writer:hunter2@127.0.0.1/postgres")
        .variable("api_token", "hunter3")
}

#[tokio::test]
async fn what_is_left_out_has_a_default() {
    let config = Config::load(&complete()).await.unwrap();
    assert!(config.metrics_open);
    assert_eq!(config.external_url, "http://127.0.0.1:3000");
    let shown = format!("{config:?}");
    assert!(!shown.contains("hunter"), "{shown}");
}

fn row<'a>(address: &'a str, secret: &'a str) -> TargetRow<'a> {
    TargetRow {
        name: "shop",
        address,
        secret,
    }
}

#[track_caller]
fn check_refused(error: &ConfigError, expected: &str, hint: &str) {
    assert_eq!(error.to_string(), expected);
    assert!(error.hint.contains(hint), "{}", error.hint);
    assert!(!format!("{error:?}").contains("hunter"), "{error:?}");
}

#[tokio::test]
async fn a_variable_that_cannot_be_used_is_named_and_not_repeated() {
    let cases = [
        (
            complete().variable("monitoring_url", " "),
            "variable monitoring_url is not set",
            "SPIN_VARIABLE_MONITORING_URL",
        ),
        (
            complete().variable("monitoring_url", "host=x password=hunter2"),
            "variable monitoring_url cannot be used: the address is not a URL of the form \
             postgres://user@host:port/database",
            "postgres://HOST",
        ),
        (
            complete().variable("monitoring_url", "postgres://u:hunter2@h/d"),
            "variable monitoring_url cannot be used: the address has a user or a password in it",
            "pgvitals up",
        ),
        (
            complete().variable("monitoring_login", ""),
            "variable monitoring_login is not set",
            "spin.toml",
        ),
        (
            complete().variable("monitoring_password", ""),
            "variable monitoring_password is not set",
            "SPIN_VARIABLE_WRITER_PASSWORD",
        ),
        (
            complete().variable(
                "maintenance_passwords",
                r#"{"orders": {"password": "hunter2", "hosts": []}}"#,
            ),
            "variable maintenance_passwords has hosts under the name \"orders\" that cannot be used: write HOST, \
             HOST:PORT, *.DOMAIN or *.DOMAIN:PORT",
            "hosts",
        ),
        (
            complete().variable("target_passwords", "hunter2"),
            "variable target_passwords is not a JSON object of texts or of {\"password\": \"…\", \"hosts\": [\"…\"]}",
            "orders",
        ),
        (
            complete().variable("target_certificates", "ca.pem"),
            "variable target_certificates is not a JSON object of texts",
            "orders",
        ),
        (
            complete().variable("monitoring_certificate", "ca.pem"),
            "variable monitoring_certificate cannot be used: there is no certificate in PEM form \
             (-----BEGIN CERTIFICATE-----)",
            "PEM file",
        ),
        (
            complete().variable("weak_authentication", "md5"),
            "variable weak_authentication cannot be used: `md5` is not HOST=md5, HOST:PORT=md5, HOST=password or \
             HOST:PORT=password",
            "old.internal",
        ),
        (
            complete().variable("metrics_labels", "[1]"),
            "variable metrics_labels is not a JSON object of texts",
            "environment",
        ),
        (
            complete().variable("metrics_open", "yes"),
            "variable metrics_open is neither true nor false",
            "true",
        ),
        (
            complete().variable("external_url", "example.com"),
            "variable external_url is not an address of the form https://host/path, without a user and a password",
            "people",
        ),
        (
            complete().variable("heartbeat_url", "hunter2"),
            "variable heartbeat_url is not an address of the form https://host/path, without a user and a password",
            "asked for",
        ),
        (
            complete()
                .variable("fallback_channel_url", "https://example.com/hunter2")
                .variable("fallback_channel_kind", "pagerduty"),
            "variable fallback_channel_kind is no kind of channel that needs nothing but an address",
            "slack",
        ),
    ];
    for (host, expected, hint) in cases {
        check_refused(&Config::load(&host).await.unwrap_err(), expected, hint);
    }
}

#[tokio::test]
async fn without_a_token_nobody_may_call() {
    let config = Config::load(&complete().variable("api_token", "")).await.unwrap();
    check_refused(
        &config.token().unwrap_err(),
        "variable api_token is not set",
        "SPIN_VARIABLE_API_TOKEN",
    );
    let config = Config::load(&complete()).await.unwrap();
    assert!(config.token().unwrap().matches("hunter3"));
}

#[tokio::test]
async fn every_kind_that_needs_nothing_but_an_address_can_be_the_fallback() {
    for kind in ["webhook", "slack", "discord", "teams", "alertmanager"] {
        let host = complete()
            .variable("fallback_channel_url", "https://example.com/hunter2")
            .variable("fallback_channel_kind", kind);
        let fallback = Config::load(&host).await.unwrap().fallback.unwrap();
        assert_eq!(fallback.kind.as_str(), kind);
        assert!(!format!("{fallback:?}").contains("hunter"), "{fallback:?}");
    }
    assert_eq!(Config::load(&complete()).await.unwrap().fallback, None);
}

#[tokio::test]
async fn nothing_may_be_done_to_a_target_without_a_password_of_its_own_for_that() {
    let host = complete().variable("maintenance_passwords", r#"{"orders": "hunter5"}"#);
    let config = Config::load(&host).await.unwrap();
    let url = config
        .maintenance_url(row("postgres://collector@h/d", "orders"))
        .unwrap();
    assert_eq!(url.user(), "pgvitals_maintenance");
    assert_eq!(url.expose_password(), Some("hunter5"));
    // The collector's own password is not the maintenance login's.
    assert_eq!(
        config.monitoring_maintenance_url(),
        Err(TargetError::MaintenanceSecret("default".to_owned()))
    );
}

#[tokio::test]
async fn a_target_gets_the_authority_its_row_names() {
    let pem = |text: &str| format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n");
    let certificates = serde_json::json!({"orders": pem("AA=="), "broken": "none"}).to_string();
    let host = complete()
        .variable(
            "target_passwords",
            r#"{"orders": "a", "broken": "b", "plain": "c", "default": "d"}"#,
        )
        .variable("target_certificates", &certificates)
        .variable("maintenance_passwords", r#"{"orders": "d"}"#)
        .variable("monitoring_certificate", &pem("BB=="));
    let config = Config::load(&host).await.unwrap();
    assert_eq!(config.monitoring_url.certificates(), [pem("BB==")]);
    let certificates = |secret| {
        config
            .target_url(row("postgres://u@h/d", secret))
            .map(|url| url.certificates().concat())
    };
    assert_eq!(certificates("orders"), Ok(pem("AA==")));
    assert_eq!(certificates("plain"), Ok(String::new()));
    assert_eq!(certificates("default"), Ok(pem("BB==")));
    assert!(matches!(
        certificates("broken"),
        Err(TargetError::Certificate { .. })
    ));
    let url = config.maintenance_url(row("postgres://u@h/d", "orders")).unwrap();
    assert_eq!(url.certificates(), [pem("AA==")]);
}

#[tokio::test]
async fn a_target_gets_the_password_its_row_names() {
    let host = complete().variable("target_passwords", r#"{"orders": "hunter4"}"#);
    let config = Config::load(&host).await.unwrap();
    let password = |secret| {
        config
            .target_url(row("postgres://u@h/d", secret))
            .map(|url| url.expose_password().map(str::to_owned))
    };
    assert_eq!(password("orders"), Ok(Some("hunter4".to_owned())));
    // The login of the monitoring database is for no target.
    for unknown in ["default", "other"] {
        assert_eq!(password(unknown), Err(TargetError::Secret(unknown.to_owned())));
    }
}

#[tokio::test]
async fn a_secret_goes_to_the_hosts_it_is_bound_to_and_to_no_other() {
    let bound = r#"{"orders": {"password": "hunter4", "hosts": ["db.internal:5432"]}}"#;
    let host = complete()
        .variable("target_passwords", bound)
        .variable("maintenance_passwords", bound);
    let config = Config::load(&host).await.unwrap();
    let ours = row("postgres://u@db.internal/d", "orders");
    assert_eq!(
        config.target_url(ours).unwrap().expose_password(),
        Some("hunter4")
    );
    assert!(config.maintenance_url(ours).is_ok());
    let theirs = row("postgres://u@db.evil:5432/d", "orders");
    let errors = [
        (config.target_url(theirs).unwrap_err(), "target_passwords"),
        (
            config.maintenance_url(theirs).unwrap_err(),
            "maintenance_passwords",
        ),
    ];
    for (error, variable) in errors {
        assert_eq!(
            error.to_string(),
            format!(
                "target shop is at db.evil:5432, and its secret orders is bound to other hosts; if it is for this one \
                 too, add it to the hosts of orders in variable {variable}"
            )
        );
    }
}
