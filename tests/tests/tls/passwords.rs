//! Servers that ask for a password in a way that gives it away.

use db::{Authentication, DbError, ErrorKind, SafeUrl, WeakAuthentication, connect};
use dial::Link;
use integration_tests::certificates::{admit_by, configure};
use integration_tests::monitored::COLLECTOR_PASSWORD;
use integration_tests::test_versions;

use crate::fake::{CLEAR_TEXT, Fake, MD5};
use crate::room::Room;

#[tokio::test]
async fn a_server_that_asks_for_the_password_gets_nothing() {
    for request in [CLEAR_TEXT, MD5] {
        let fake = Fake::asking(request).await;
        for mode in ["", "?sslmode=disable", "?sslmode=allow", "?sslmode=prefer"] {
            let address = format!("postgres://u:hunter2@127.0.0.1:{}/d{mode}", fake.port);
            let url: SafeUrl = address.parse().unwrap();
            let error = connect(&url).await.unwrap_err();
            assert_eq!(error.kind, ErrorKind::AuthenticationFailed, "{error:?}");
            assert!(error.hint.unwrap().contains("scram-sha-256"));
        }
        let given = fake.given();
        assert!(!given.is_empty() && given.iter().all(Vec::is_empty), "{given:?}");

        // Named, it gets what it asks for: the server is the operator's own.
        let weak = format!("127.0.0.1:{}=password", fake.port).parse().unwrap();
        let url: SafeUrl = format!("postgres://u:hunter2@127.0.0.1:{}/d", fake.port)
            .parse()
            .unwrap();
        connect(&url.with_weak_authentication(&weak)).await.unwrap_err();
        assert!(fake.given().iter().any(|given| given.starts_with(b"p")));
    }
}

async fn with(room: &Room, query: &str, weak: &str) -> Result<Link, DbError> {
    let url: SafeUrl = room.address("localhost", query).parse().unwrap();
    let weak: WeakAuthentication = weak.parse().unwrap();
    let url = url
        .with_certificates(room.authority.pem().parse().unwrap())
        .with_weak_authentication(&weak);
    Ok(connect(&url).await?.link().unwrap())
}

#[tokio::test]
async fn over_verified_tls_and_where_it_is_named_an_old_way_works() {
    let room = Room::new(test_versions()[0]).await;
    // A password that is kept in the old way, as servers of ten years ago have them.
    let old = format!("alter role pgvitals_collector password '{COLLECTOR_PASSWORD}'");
    configure(&room.server, &["set password_encryption = 'md5'; ", &old])
        .await
        .unwrap();
    for (rule, named, asked) in [
        ("md5", "localhost=md5", Authentication::Md5),
        ("password", "localhost=password", Authentication::Password),
    ] {
        admit_by(&room.server, &format!("host all all all {rule}"))
            .await
            .unwrap();
        let refused = with(&room, "?sslmode=disable", "").await.unwrap_err();
        assert_eq!(refused.kind, ErrorKind::AuthenticationFailed);
        assert!(refused.hint.unwrap().contains("weak_authentication"));
        assert!(
            with(&room, "?sslmode=disable", "otherhost=password")
                .await
                .is_err()
        );
        for (query, weak, encrypted) in [("?sslmode=disable", named, false), ("", "", true)] {
            let expected = Link {
                encrypted,
                authentication: asked,
            };
            assert_eq!(with(&room, query, weak).await, Ok(expected), "{rule} {query}");
        }
    }
}
