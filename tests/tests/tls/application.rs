//! The application fares as the command does: every case is tried by both.

use db::{Client as _, ErrorKind};
use integration_tests::certificates::{CertificateAuthority, Identity, admit_by};
use integration_tests::monitored::{COLLECTOR_PASSWORD, admit};
use integration_tests::{Application, Database, DedicatedServer, Monitored, Server, test_versions};
use serde_json::{Map, Value, json};
use store::targets::NewTarget;

use crate::fake::{CLEAR_TEXT, Fake, MD5};
use crate::room::{Room, address, dialled, plain};

/// One target: its name, its address, the authorities that are known of it.
struct Case {
    name: String,
    address: String,
    certificates: String,
}

/// What both are asked for.
async fn cases(rooms: &[(&str, &Room)], without_tls: &DedicatedServer) -> Vec<Case> {
    let stranger = CertificateAuthority::new("Somebody else").unwrap();
    let mut cases = Vec::new();
    let modes = [
        "default",
        "disable",
        "allow",
        "prefer",
        "require",
        "verify-ca",
        "verify-full",
    ];
    for mode in modes {
        let query = match mode {
            "default" => String::new(),
            mode => format!("?sslmode={mode}"),
        };
        cases.push(Case {
            name: format!("plain-{mode}"),
            address: address(without_tls, "localhost", &query),
            certificates: String::new(),
        });
        for (room_name, room) in rooms {
            let root = room.authority.pem();
            let known = [
                ("known", root.to_owned(), true),
                ("unknown", String::new(), ["good", "only-tls"].contains(room_name)),
                (
                    "second",
                    [stranger.pem(), root].concat(),
                    *room_name == "good" && mode == "verify-full",
                ),
            ];
            for (known, certificates, _) in known.into_iter().filter(|(_, _, tried)| *tried) {
                cases.push(Case {
                    name: format!("{room_name}-{known}-{mode}"),
                    address: room.address("localhost", &query),
                    certificates,
                });
            }
        }
    }
    cases
}

/// Has the application collect from all cases at once; the code of each, empty where it was collected from.
async fn collected(monitored: &Monitored, cases: &[Case]) -> Map<String, Value> {
    let mut passwords = Map::new();
    let mut certificates = Map::new();
    let admin = monitored.admin().await.unwrap();
    for case in cases {
        passwords.insert(case.name.clone(), json!(COLLECTOR_PASSWORD));
        if !case.certificates.is_empty() {
            certificates.insert(case.name.clone(), json!(case.certificates));
        }
        let address = case.address.replace(&format!(":{COLLECTOR_PASSWORD}@"), "@");
        let target = NewTarget {
            secret: case.name.clone(),
            ..NewTarget::new(&case.name, address)
        };
        store::targets::add(&admin, &target).await.unwrap();
    }
    passwords.insert("default".to_owned(), json!(COLLECTOR_PASSWORD));
    let application = Application::builder(monitored.url())
        .variable("target_passwords", &Value::Object(passwords).to_string())
        .variable("target_certificates", &Value::Object(certificates).to_string())
        .without_other_schedules()
        .start()
        .await
        .unwrap();
    let answer = application.post("/collect-stats").await.unwrap();
    assert_eq!(answer.status, 200, "{}\n{}", answer.body, application.log());
    let states = store::status::targets(&admin).await.unwrap();
    states
        .into_iter()
        .map(|state| (state.target, json!(state.error_code.unwrap_or_default())))
        .collect()
}

#[tokio::test]
async fn every_certificate_and_every_sslmode_fare_alike_by_the_command_and_in_the_application() {
    let version = test_versions()[0];
    let server = Server::shared(version).await.unwrap();
    let database = Database::new(&server, "tls::application").await.unwrap();
    let monitored = Monitored::on(&database).await.unwrap();
    let without_tls = DedicatedServer::start(version).await.unwrap();
    admit(&plain(&without_tls)).await.unwrap();
    let good = Room::new(version).await;
    let only_tls = Room::new(version).await;
    admit_by(&only_tls.server, "hostssl all all all scram-sha-256")
        .await
        .unwrap();
    let expired = Room::new(version).await;
    expired
        .show(&expired.authority.sign_expired(&["localhost"]).unwrap())
        .await;
    let misnamed = Room::new(version).await;
    misnamed
        .show(&misnamed.authority.sign_common_name("db.example.com").unwrap())
        .await;
    let rooms = [
        ("good", &good),
        ("only-tls", &only_tls),
        ("expired", &expired),
        ("misnamed", &misnamed),
    ];
    let mut cases = cases(&rooms, &without_tls).await;
    let own = Room::new(version).await;
    let identity = Identity::self_signed(&["localhost"]).unwrap();
    own.show(&identity).await;
    cases.push(Case {
        name: "own-authority".to_owned(),
        address: own.address("localhost", "?sslmode=verify-full"),
        certificates: identity.certificates,
    });
    let found = collected(&monitored, &cases).await;
    let mut reached = 0;
    for case in &cases {
        let expected = match dialled(&case.address, &case.certificates).await {
            Ok(_) => "",
            Err(error) => error.code(),
        };
        assert_eq!(found[&case.name], expected, "{}", case.name);
        reached += usize::from(expected.is_empty());
    }
    assert!(
        reached > 20 && reached < cases.len() - 20,
        "{reached} of {}",
        cases.len()
    );
}

#[tokio::test]
async fn a_fake_server_gets_no_password_from_the_application() {
    let version = test_versions()[0];
    let server = Server::shared(version).await.unwrap();
    let database = Database::new(&server, "tls::application::fake").await.unwrap();
    let monitored = Monitored::on(&database).await.unwrap();
    let (clear, md5) = (Fake::asking(CLEAR_TEXT).await, Fake::asking(MD5).await);
    let cases: Vec<Case> = [("clear", &clear), ("md5", &md5)]
        .iter()
        .map(|(name, fake)| Case {
            name: (*name).to_owned(),
            address: format!(
                "postgres://pgvitals_collector:{COLLECTOR_PASSWORD}@127.0.0.1:{}/postgres",
                fake.port
            ),
            certificates: String::new(),
        })
        .collect();
    let found = collected(&monitored, &cases).await;
    for (name, fake) in [("clear", &clear), ("md5", &md5)] {
        assert_eq!(found[name], ErrorKind::AuthenticationFailed.code());
        let given = fake.given();
        assert!(!given.is_empty() && given.iter().all(Vec::is_empty), "{given:?}");
    }
}

/// Whoever can write the row of a target has no password sent to a host of theirs, not even as a proof.
#[tokio::test]
async fn a_row_does_not_lead_a_secret_to_another_host() {
    let server = Server::shared(test_versions()[0]).await.unwrap();
    let database = Database::new(&server, "tls::application::bound").await.unwrap();
    let monitored = Monitored::on(&database).await.unwrap();
    let fake = Fake::asking(CLEAR_TEXT).await;
    let theirs = format!("postgres://pgvitals_collector@127.0.0.1:{}/d", fake.port);
    monitored
        .run(&format!("update monitoring.targets set address = '{theirs}'"))
        .await
        .unwrap();
    let hosts = [format!("127.0.0.1:{}", server.port()), "*.internal".to_owned()];
    let bound = json!({"default": {"password": "planted-secret", "hosts": hosts}});
    // Even where the operator would let the server see a password in clear text.
    let weak = format!("127.0.0.1:{}=password", fake.port);
    let application = Application::builder(monitored.url())
        .variable("target_passwords", &bound.to_string())
        .variable("weak_authentication", &weak)
        .environment("PGVITALS_WEAK_AUTHENTICATION", &weak)
        .without_other_schedules()
        .start()
        .await
        .unwrap();
    application.post("/collect-stats").await.unwrap();
    let admin = monitored.admin().await.unwrap();
    let states = store::status::targets(&admin).await.unwrap();
    let error = states[0].error.as_deref().unwrap_or_default();
    let expected = format!(
        "target local is at 127.0.0.1:{}, and its secret default is bound to other hosts",
        fake.port
    );
    assert!(error.contains(&expected), "{error}");
    assert_eq!(states[0].error_code.as_deref(), Some("configuration"));
    assert!(fake.given().is_empty(), "{:?}", fake.given());
    assert!(!application.log().contains("planted-secret"));
}

#[tokio::test]
async fn the_monitoring_database_may_have_an_authority_of_its_own() {
    let room = Room::new(test_versions()[0]).await;
    let monitored = Monitored::at(
        &plain(&room.server),
        &room.address("localhost", "?sslmode=verify-full"),
    )
    .await
    .unwrap();
    for (certificate, status) in [(room.authority.pem(), 200), ("", 503)] {
        let application = Application::builder(monitored.url())
            .variable("monitoring_certificate", certificate)
            .without_other_schedules()
            .start()
            .await
            .unwrap();
        let answer = application.post("/collect-stats").await.unwrap();
        assert_eq!(answer.status, status, "{}", answer.body);
        if status != 200 {
            assert!(answer.body.contains("monitoring_certificate"), "{}", answer.body);
        }
    }
    // Its first target is itself, and found by the same certificate.
    let up = "select up from monitoring.target_state";
    assert!(
        monitored
            .admin()
            .await
            .unwrap()
            .query(up, &[])
            .await
            .unwrap()
            .one()
            .unwrap()
            .at::<bool>(0)
            .unwrap()
    );
}
