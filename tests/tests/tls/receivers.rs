//! Webhooks behind an authority of one's own.

use std::path::Path;
use std::time::Duration;

use integration_tests::certificates::{CertificateAuthority, Encrypted};
use integration_tests::{Application, Receiver};

/// How long an outage lasts before it is told, and a little more.
const PATIENCE: Duration = Duration::from_secs(11);

/// Has an application without a database tell its fallback channel of that; how many messages came, and its log.
async fn told(known_by: Option<&Path>) -> (usize, String) {
    let receiver = Receiver::start().await.unwrap();
    let authority = CertificateAuthority::new("Authority of the receivers").unwrap();
    let front = Encrypted::before(receiver.port(), &authority.sign(&["localhost"]).unwrap())
        .await
        .unwrap();
    let nowhere = embedded_postgres::free_port().unwrap();
    let memory = tempfile::tempdir().unwrap();
    let mut builder = Application::builder(&format!("postgres://u:p@127.0.0.1:{nowhere}/d"))
        .variable("webhook_hosts", "https://localhost:*")
        .variable(
            "fallback_channel_url",
            &format!("https://localhost:{}/hook", front.port()),
        )
        .state_folder(memory.path())
        .without_other_schedules();
    if let Some(file) = known_by {
        std::fs::write(file, authority.pem()).unwrap();
        builder = builder.environment("SSL_CERT_FILE", &file.display().to_string());
    }
    let application = builder.start().await.unwrap();
    application.post("/check-alerts").await.unwrap();
    tokio::time::sleep(PATIENCE).await;
    application.post("/check-alerts").await.unwrap();
    (receiver.received().len(), application.log())
}

#[tokio::test]
async fn a_receiver_whose_authority_the_host_was_told_of_is_reached() {
    let folder = tempfile::tempdir().unwrap();
    let (messages, log) = told(Some(&folder.path().join("roots.pem"))).await;
    assert_eq!(messages, 1, "{log}");
}

#[tokio::test]
async fn a_receiver_whose_authority_nobody_knows_is_sent_nothing() {
    let (messages, log) = told(None).await;
    assert_eq!(messages, 0);
    assert!(
        log.contains("no secure connection to the receiver could be made"),
        "{log}"
    );
}
