//! What the command makes of each certificate and each `sslmode`.

use db::{Authentication, DbError, ErrorKind, SafeUrl, connect};
use dial::{Authority, Link};
use integration_tests::certificates::{CertificateAuthority, Identity, admit_by, configure, encrypt};
use integration_tests::{DedicatedServer, test_versions};

use crate::room::{Room, address, dialled, plain};

const ENCRYPTED: Option<Link> = Some(Link {
    encrypted: true,
    authentication: Authentication::Scram,
});
const PLAIN: Option<Link> = Some(Link {
    encrypted: false,
    authentication: Authentication::Scram,
});

/// How the connection was made, and nothing where TLS is the reason that there is none.
#[track_caller]
fn link(outcome: Result<Link, DbError>) -> Option<Link> {
    match outcome {
        Ok(link) => Some(link),
        Err(error) if error.kind == ErrorKind::Tls => None,
        Err(error) => panic!("{error}: {:?}", std::error::Error::source(&error)),
    }
}

#[track_caller]
fn check_refused(outcome: Result<Link, DbError>, hint: &str) {
    let error = outcome.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Tls, "{error:?}");
    let found = error.hint.clone().unwrap_or_default();
    assert!(found.contains(hint), "{found}\n{error:?}");
}

#[tokio::test]
async fn every_sslmode_means_what_libpq_means_by_it_and_is_never_more_trusting() {
    for version in test_versions() {
        let room = Room::new(version).await;
        let without_tls = DedicatedServer::start(version).await.unwrap();
        integration_tests::monitored::admit(&plain(&without_tls))
            .await
            .unwrap();
        let authority = room.authority.pem();
        // A server without TLS; one with an authority that is not known; one with an authority that is.
        let table = [
            ("", PLAIN, None, ENCRYPTED),
            ("?sslmode=disable", PLAIN, PLAIN, PLAIN),
            ("?sslmode=allow", PLAIN, PLAIN, PLAIN),
            ("?sslmode=prefer", PLAIN, PLAIN, ENCRYPTED),
            ("?sslmode=require", None, None, ENCRYPTED),
            ("?sslmode=verify-ca", None, None, ENCRYPTED),
            ("?sslmode=verify-full", None, None, ENCRYPTED),
            ("?sslrootcert=system", None, None, None),
        ];
        for (query, plain, unknown, known) in table {
            let found = dialled(&address(&without_tls, "localhost", query), "").await;
            assert_eq!(link(found), plain, "{query} without TLS on {version}");
            let found = room.connect(query, "").await;
            assert_eq!(link(found), unknown, "{query}, authority unknown on {version}");
            let found = room.connect(query, authority).await;
            assert_eq!(link(found), known, "{query}, authority known on {version}");
        }
    }
}

#[tokio::test]
async fn where_the_server_asks_for_tls_or_refuses_it_allow_and_prefer_follow() {
    let room = Room::new(test_versions()[0]).await;
    let authority = room.authority.pem();
    admit_by(&room.server, "hostssl all all all scram-sha-256")
        .await
        .unwrap();
    assert_eq!(link(room.connect("?sslmode=allow", authority).await), ENCRYPTED);
    check_refused(room.connect("?sslmode=allow", "").await, "--certificate FILE");
    check_refused(room.connect("?sslmode=prefer", "").await, "--certificate FILE");
    let refused = room.connect("?sslmode=disable", authority).await.unwrap_err();
    assert_eq!(refused.kind, ErrorKind::AuthenticationFailed);
    assert!(refused.hint.unwrap().contains("leave sslmode out"));

    admit_by(&room.server, "hostnossl all all all scram-sha-256")
        .await
        .unwrap();
    assert_eq!(link(room.connect("?sslmode=prefer", authority).await), PLAIN);
    let refused = room.connect("", authority).await.unwrap_err();
    assert_eq!(refused.kind, ErrorKind::AuthenticationFailed);
}

#[tokio::test]
async fn a_certificate_that_cannot_be_verified_is_refused_with_what_is_wrong_with_it() {
    let room = Room::new(test_versions()[0]).await;
    let authority = &room.authority;
    check_refused(room.connect("", "").await, "ssl-cert-snakeoil.pem");
    let stranger = CertificateAuthority::new("Somebody else").unwrap();
    check_refused(room.connect("", stranger.pem()).await, "target_certificates");

    room.show(&authority.sign_expired(&["localhost"]).unwrap()).await;
    check_refused(room.connect("?sslmode=require", authority.pem()).await, "renewed");

    room.show(&authority.sign(&["db.example.com"]).unwrap()).await;
    for mode in [
        "",
        "?sslmode=require",
        "?sslmode=verify-ca",
        "?sslmode=verify-full",
    ] {
        check_refused(room.connect(mode, authority.pem()).await, "subjectAltName");
    }

    room.show(&authority.sign(&["127.0.0.1"]).unwrap()).await;
    assert_eq!(
        link(room.connect_to("127.0.0.1", "", authority.pem()).await),
        ENCRYPTED,
        "a number is a name too"
    );
    check_refused(
        room.connect_to("localhost", "", authority.pem()).await,
        "subjectAltName",
    );
}

#[tokio::test]
async fn a_certificate_may_come_by_way_of_an_intermediate_authority() {
    let room = Room::new(test_versions()[0]).await;
    let authority = &room.authority;
    let intermediate = authority.intermediate("Between").unwrap();
    let identity = intermediate.sign(&["localhost"]).unwrap();
    room.show(&identity).await;
    check_refused(room.connect("", authority.pem()).await, "--certificate FILE");
    room.show(&identity.with(intermediate.pem())).await;
    assert_eq!(link(room.connect("", authority.pem()).await), ENCRYPTED);
    // As OpenSSL has it: what is signed by another is no root.
    assert!(!Authority::from_pem(intermediate.pem()).unwrap().is_root());
    check_refused(room.connect("", intermediate.pem()).await, "--certificate FILE");
    // Of several the one that fits is found; that is how one authority follows another.
    let stranger = CertificateAuthority::new("Somebody else").unwrap();
    let both = [stranger.pem(), authority.pem()].concat();
    assert_eq!(link(room.connect("?sslmode=verify-full", &both).await), ENCRYPTED);
}

#[tokio::test]
async fn certificates_as_the_manual_of_postgresql_has_them_made_are_accepted() {
    let room = Room::new(test_versions()[0]).await;
    let own = Identity::self_signed(&["localhost"]).unwrap();
    room.show(&own).await;
    assert_eq!(link(room.connect("", &own.certificates).await), ENCRYPTED);
    check_refused(room.connect("", "").await, "--certificate FILE");
    check_refused(
        room.connect_to("127.0.0.1", "", &own.certificates).await,
        "subjectAltName",
    );
    let other = Identity::self_signed(&["localhost"]).unwrap();
    check_refused(room.connect("", &other.certificates).await, "--certificate FILE");

    room.show(&room.authority.sign_common_name("localhost").unwrap())
        .await;
    assert_eq!(link(room.connect("", room.authority.pem()).await), ENCRYPTED);
    check_refused(
        room.connect_to("127.0.0.1", "", room.authority.pem()).await,
        "subjectAltName",
    );
    room.show(&room.authority.sign_common_name("db.example.com").unwrap())
        .await;
    check_refused(room.connect("", room.authority.pem()).await, "subjectAltName");
}

#[tokio::test]
async fn a_server_that_has_tls_1_2_alone_is_spoken_to() {
    for version in test_versions() {
        let room = Room::new(version).await;
        configure(
            &room.server,
            &["alter system set ssl_max_protocol_version = 'TLSv1.2'"],
        )
        .await
        .unwrap();
        let url: SafeUrl = room.address("localhost", "?sslmode=verify-full").parse().unwrap();
        let url = url.with_certificates(room.authority.pem().parse().unwrap());
        let client = connect(&url).await.unwrap();
        let sql = "select version::text as version from pg_stat_ssl where pid = pg_backend_pid()";
        let rows = db::Client::query(&client, sql, &[]).await.unwrap();
        let found: String = rows.one().unwrap().get("version").unwrap();
        assert_eq!(found, "TLSv1.2");
    }
}

#[tokio::test]
async fn scram_is_bound_to_the_encrypted_connection() {
    let room = Room::new(test_versions()[0]).await;
    let bound = "?channel_binding=require";
    assert_eq!(link(room.connect(bound, room.authority.pem()).await), ENCRYPTED);
    configure(&room.server, &["alter system set ssl = off"])
        .await
        .unwrap();
    let error = room.connect(bound, room.authority.pem()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::AuthenticationFailed);
}

#[tokio::test]
async fn a_server_that_wants_a_client_certificate_is_told_of() {
    let room = Room::new(test_versions()[0]).await;
    let root = room.authority.pem();
    // A server asks for a certificate only where it could check one.
    encrypt(&room.server, &room.authority.sign(&["localhost"]).unwrap())
        .await
        .unwrap();
    configure(&room.server, &["alter system set ssl_ca_file = 'tests.crt'"])
        .await
        .unwrap();
    admit_by(
        &room.server,
        "hostssl all all all scram-sha-256 clientcert=verify-ca",
    )
    .await
    .unwrap();
    let error = room.connect("", root).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::AuthenticationFailed, "{error:?}");
    assert!(error.hint.unwrap().contains("client certificate"));
}
