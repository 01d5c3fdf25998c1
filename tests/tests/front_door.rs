//! What the runner keeps out: connections on which nothing is asked, requests that can be read in two ways, more questions
//! than there are hands. Whatever comes, `/health` is answered.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on fails"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use integration_tests::{Application, Database, Monitored, Server, test_versions};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Longer than anything is waited for here.
const LONG: Duration = Duration::from_secs(60);

/// An application without a database, which is all that `/health` needs.
async fn application(environment: &[(&str, &str)]) -> Application {
    let mut builder =
        Application::builder("postgres://nobody:nothing@127.0.0.1:1/none").without_other_schedules();
    for (name, value) in environment {
        builder = builder.environment(name, value);
    }
    builder.start().await.unwrap()
}

async fn connect(application: &Application) -> TcpStream {
    let url = application.url("");
    let address = url.strip_prefix("http://").unwrap();
    TcpStream::connect(address).await.unwrap()
}

/// What comes until the connection ends.
async fn answer(mut stream: TcpStream) -> String {
    let mut answer = Vec::new();
    // A connection that is reset has ended as well.
    let _ = timeout(LONG, stream.read_to_end(&mut answer))
        .await
        .expect("the connection does not end");
    String::from_utf8_lossy(&answer).into_owned()
}

async fn is_healthy(application: &Application) -> bool {
    let asked = timeout(Duration::from_secs(5), application.get("/health")).await;
    asked.is_ok_and(|answer| answer.is_ok_and(|answer| answer.status == 200))
}

#[tokio::test(flavor = "multi_thread")]
async fn silent_connections_make_room_and_end() {
    let application = application(&[("PGVITALS_CONNECTIONS", "300")]).await;
    let mut silent = Vec::new();
    for number in 0..2_000 {
        let mut stream = connect(&application).await;
        let said: &[u8] = match number % 3 {
            0 => b"",
            1 => b"PRI * HTTP/2.0\r\n",
            _ => b"GET /health HTTP/1.1\r\nHost: ",
        };
        // Some are ended while they still speak.
        let _ = stream.write_all(said).await;
        silent.push(stream);
        if number % 250 == 0 {
            assert!(
                is_healthy(&application).await,
                "after {number} silent connections"
            );
        }
    }
    assert!(is_healthy(&application).await);
    // Those that are left have ten seconds, and a look every two.
    let begin = Instant::now();
    for stream in silent {
        assert_eq!(answer(stream).await, "");
    }
    assert!(begin.elapsed() < Duration::from_secs(20), "{:?}", begin.elapsed());
    assert!(is_healthy(&application).await);
    application.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn one_address_has_its_share_unless_it_is_a_proxy() {
    let application = application(&[
        ("PGVITALS_CONNECTIONS_PER_CLIENT", "5"),
        ("PGVITALS_PROXIES", "192.0.2.0/24"),
    ])
    .await;
    let mut quiet = Vec::new();
    for _ in 0..10 {
        quiet.push(connect(&application).await);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let mut ended = 0;
    for stream in &mut quiet {
        let read = timeout(Duration::from_millis(100), stream.read(&mut [0; 10])).await;
        ended += usize::from(read.is_ok());
    }
    assert_eq!(ended, 5);
    assert!(is_healthy(&application).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_can_be_read_in_two_ways_is_refused() {
    let application = application(&[]).await;
    let good = "GET /health HTTP/1.1\r\nHost: one\r\n\r\n";
    let hidden = "GET /health/hidden HTTP/1.1\r\nHost: one\r\n\r\n";
    for bad in [
        "POST /health HTTP/1.1\r\nHost: one\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST /health HTTP/1.1\r\nHost: one\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
        "POST /health HTTP/1.1\r\nHost: one\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST /health HTTP/1.1\r\nHost: one\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        "POST /health HTTP/1.1\r\nHost: one\r\nContent-Length: 0\r\nContent-Length: 4\r\n\r\n",
        "POST /health HTTP/1.1\r\nHost: one\r\nContent-Length: +4\r\n\r\nabcd",
        "GET /health HTTP/1.1\nHost: one\r\n\r\n",
        "GET /health HTTP/1.1\r\nHost: one\n\r\n",
        "GET /health HTTP/1.1\r\nHost: one\n\n",
        "GET /health HTTP/1.1\r\nHost: one\r\nX: y\rZ: z\r\n\r\n",
    ] {
        let mut stream = connect(&application).await;
        stream
            .write_all(format!("{good}{bad}{hidden}").as_bytes())
            .await
            .unwrap();
        let answer = answer(stream).await;
        let statuses: Vec<&str> = answer
            .split("HTTP/1.1 ")
            .skip(1)
            .filter_map(|answer| answer.get(..3))
            .collect();
        assert_eq!(statuses, ["200", "400"], "{bad:?} was answered {answer:?}");
    }
    // A head of its own length is too long, and is told so.
    let mut stream = connect(&application).await;
    let long = format!(
        "GET /health HTTP/1.1\r\nHost: one\r\nX: {}\r\n\r\n",
        "x".repeat(200_000)
    );
    // It is refused before all of it is sent.
    let _ = stream.write_all(long.as_bytes()).await;
    let refused = answer(stream).await;
    assert!(
        refused.is_empty() || refused.starts_with("HTTP/1.1 431"),
        "{refused}"
    );
    assert!(!application.log().contains("/health/hidden"));
    assert!(is_healthy(&application).await);
}

/// Asks for the metrics again and again, sixteen requests at a time, until it is told to stop. Gives back how many answers
/// came.
async fn scrape(application: Arc<Application>, stop: Arc<AtomicBool>) -> u64 {
    let mut answers = 0;
    let request = "GET /metrics HTTP/1.1\r\nHost: one\r\n\r\n".repeat(16);
    while !stop.load(Ordering::Relaxed) {
        let mut stream = connect(&application).await;
        if stream.write_all(request.as_bytes()).await.is_err() {
            continue;
        }
        let mut read = vec![0; 64 << 10];
        while !stop.load(Ordering::Relaxed) {
            match timeout(Duration::from_secs(1), stream.read(&mut read)).await {
                Ok(Ok(0) | Err(_)) => break,
                Ok(Ok(length)) => {
                    let text = String::from_utf8_lossy(&read[..length]);
                    let come = text.matches("HTTP/1.1 ").count();
                    answers += come as u64;
                    let more = "GET /metrics HTTP/1.1\r\nHost: one\r\n\r\n".repeat(come);
                    if stream.write_all(more.as_bytes()).await.is_err() {
                        break;
                    }
                }
                Err(_) => {}
            }
        }
    }
    answers
}

#[tokio::test(flavor = "multi_thread")]
async fn health_is_answered_while_three_hundred_wait_for_metrics() {
    let server = Server::shared(test_versions()[0]).await.unwrap();
    let database = Database::new(&server, "front_door::scrapes").await.unwrap();
    let monitored = Monitored::on(&database).await.unwrap();
    let application = Application::builder(monitored.url())
        .without_other_schedules()
        .start()
        .await
        .unwrap();
    assert_eq!(application.post("/collect-stats").await.unwrap().status, 200);
    // Every page has to wait for as long as this is held, so that all hands are full.
    let holding = database.connect().await.unwrap();
    holding
        .batch_execute("begin; lock table monitoring.targets in access exclusive mode")
        .await
        .unwrap();
    let application = Arc::new(application);
    let stop = Arc::new(AtomicBool::new(false));
    let scrapers: Vec<_> = (0..300)
        .map(|_| tokio::spawn(scrape(Arc::clone(&application), Arc::clone(&stop))))
        .collect();
    tokio::time::sleep(Duration::from_secs(1)).await;
    for asked in 0..50 {
        assert!(is_healthy(&application).await, "asked {asked} times");
    }
    holding.batch_execute("rollback").await.unwrap();
    let come = async || {
        application
            .get("/metrics")
            .await
            .is_ok_and(|page| page.status == 200)
    };
    let begin = Instant::now();
    while !come().await {
        assert!(begin.elapsed() < LONG, "no page after the lock");
    }
    for _ in 0..50 {
        assert!(is_healthy(&application).await);
    }
    stop.store(true, Ordering::Relaxed);
    let mut answers = 0;
    for scraper in scrapers {
        answers += scraper.await.unwrap();
    }
    assert!(answers > 0);
}
