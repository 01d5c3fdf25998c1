//! TLS to targets, by the command.

use std::fs;

use integration_tests::certificates::{CertificateAuthority, encrypt};

use crate::support::{COLLECTOR_PASSWORD, Installed, monitoring_settings};

/// A monitoring database that has TLS by now, which the settings do without, and the authority of its server.
async fn installed() -> (Installed, CertificateAuthority) {
    let mut installed = Installed::new().await;
    let authority = CertificateAuthority::new("Authority of the test").unwrap();
    encrypt(&installed.server, &authority.sign(&["localhost"]).unwrap())
        .await
        .unwrap();
    let url = installed
        .server
        .url_as("pgvitals_collector", COLLECTOR_PASSWORD, "postgres");
    installed.project.monitoring(&format!("{url}?sslmode=disable"));
    installed.project.set(
        "DATABASE_URL",
        &format!("{}?sslmode=disable", installed.server.url("postgres")),
    );
    (installed, authority)
}

#[tokio::test]
async fn a_target_is_not_added_by_which_others_could_read_along() {
    let (installed, authority) = installed().await;
    let project = &installed.project;
    let port = installed.server.port();
    let address = |query: &str| format!("postgres://pgvitals_collector@localhost:{port}/postgres{query}");
    for query in ["", "?sslmode=require", "?sslmode=verify-full"] {
        let answer = project.run(&["targets", "add", "shop", &address(query)]);
        assert!(answer.starts_with("exit code: 1"), "{answer}");
        assert!(answer.contains("UnknownIssuer"), "{answer}");
        assert!(answer.contains("--certificate FILE"), "{answer}");
        assert!(!answer.contains("sslmode=disable"), "{answer}");
    }
    let answer = project.run(&["targets", "add", "shop", &address("?sslrootcert=ca.pem")]);
    assert!(answer.contains("--certificate FILE"), "{answer}");
    let answer = project.run(&["targets", "add", "shop", &address("?sslmode=on")]);
    assert!(answer.contains("verify-full"), "{answer}");

    // A machine that keeps no secrets is told where they belong.
    let file = project.path().join("ca.pem");
    fs::write(&file, authority.pem()).unwrap();
    let answer = project.run(&["targets", "add", "shop", &address(""), "--certificate", "ca.pem"]);
    assert!(answer.contains("SPIN_VARIABLE_TARGET_CERTIFICATES"), "{answer}");
}

#[tokio::test]
async fn of_many_certificates_the_one_of_the_server_is_kept() {
    let (mut installed, authority) = installed().await;
    // As `up` leaves it: the secrets are kept in the project.
    let url = installed
        .server
        .url_as("pgvitals_collector", COLLECTOR_PASSWORD, "postgres");
    let secrets = installed.project.path().join(".pgvitals/secrets.env");
    let kept = monitoring_settings(&format!("{url}?sslmode=disable"));
    let lines: String = kept
        .iter()
        .map(|(name, value)| format!("{name}='{value}'\n"))
        .collect();
    fs::write(&secrets, lines).unwrap();
    for (name, _) in &kept {
        installed.project.set(name, "");
    }
    let project = &installed.project;
    let mut bundle: String = (0..20)
        .map(|number| {
            let other = CertificateAuthority::new(&format!("Region {number}")).unwrap();
            format!("# Region {number}\n{}", other.pem())
        })
        .collect();
    let file = project.path().join("bundle.pem");
    let address = format!(
        "postgres://pgvitals_collector@localhost:{}/postgres?sslmode=verify-full",
        installed.server.port()
    );
    let arguments = ["targets", "add", "shop", &address, "--certificate", "bundle.pem"];
    fs::write(&file, &bundle).unwrap();
    let answer = project.run(&arguments);
    assert!(answer.contains("none of the 20 certificates"), "{answer}");
    bundle.push_str(authority.pem());
    fs::write(&file, &bundle).unwrap();
    let unchecked = project.run(&[&arguments[..], &["--no-check"]].concat());
    assert!(unchecked.contains("leave out --no-check"), "{unchecked}");

    let answer = project.run(&arguments);
    assert!(answer.starts_with("exit code: 0"), "{answer}");
    let kept = fs::read_to_string(&secrets).unwrap();
    assert_eq!(kept.matches("BEGIN CERTIFICATE").count(), 1, "{kept}");
    let findings = project.json(&["doctor", "shop"]);
    let encryption = findings[1]["findings"]
        .as_array()
        .unwrap()
        .iter()
        .find(|finding| finding["check"] == "encryption")
        .unwrap();
    let found = encryption["found"].as_str().unwrap();
    assert!(found.contains("TLSv1") && found.contains("verified"), "{found}");
    let status = project.json(&["status"]);
    assert_eq!(status["monitoring"]["encrypted"], false);
    assert_eq!(status["targets"][0]["encrypted"], "always, verified");
}

#[tokio::test]
async fn the_monitoring_database_is_reached_by_its_certificate() {
    let (mut installed, authority) = installed().await;
    let port = installed.server.port();
    let url = format!("postgres://pgvitals_collector:{COLLECTOR_PASSWORD}@localhost:{port}/postgres");
    installed.project.monitoring(&url);
    let answer = installed.project.run(&["targets", "list"]);
    assert!(answer.contains("monitoring_certificate"), "{answer}");
    installed
        .project
        .set("SPIN_VARIABLE_MONITORING_CERTIFICATE", authority.pem());
    let status = installed.project.json(&["status"]);
    assert_eq!(status["monitoring"]["encrypted"], true);

    // Or by the store that the machine is said to have, as OpenSSL has it.
    installed.project.set("SPIN_VARIABLE_MONITORING_CERTIFICATE", "");
    let file = installed.project.path().join("roots.pem");
    fs::write(&file, authority.pem()).unwrap();
    installed
        .project
        .set("SSL_CERT_FILE", &file.display().to_string());
    let status = installed.project.json(&["status"]);
    assert_eq!(status["monitoring"]["encrypted"], true);
}
