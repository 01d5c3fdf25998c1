//! Prometheus itself takes the page, in both formats.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use integration_tests::{Answer, Receiver, http, test_versions};

use crate::{Collected, promtool};

/// What Prometheus is told to scrape, and a port to ask it at.
struct Prometheus {
    process: Child,
    port: u16,
    _home: tempfile::TempDir,
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Prometheus {
    /// Debian's, with a job for each address.
    fn start(jobs: &[(&str, &str)]) -> Self {
        let home = tempfile::tempdir().unwrap();
        let mut config = "global: {scrape_interval: 1s}\nscrape_configs:\n".to_owned();
        for (job, address) in jobs {
            config += &format!("- {{job_name: {job}, static_configs: [{{targets: [\"{address}\"]}}]}}\n");
        }
        let file = home.path().join("prometheus.yml");
        std::fs::write(&file, config).unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let process = Command::new("prometheus")
            .arg(format!("--config.file={}", file.display()))
            .arg(format!(
                "--storage.tsdb.path={}",
                home.path().join("data").display()
            ))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("prometheus is missing: apt-get install prometheus");
        Self {
            process,
            port,
            _home: home,
        }
    }

    /// The value of a query that gives one series.
    async fn ask(&self, query: &str) -> Option<f64> {
        let encoded: String = query.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let url = format!("http://127.0.0.1:{}/api/v1/query?query={encoded}", self.port);
        let answer = http::get(&url).await.ok()?;
        let answer = answer.json().ok()?;
        let result = answer["data"]["result"].as_array()?;
        assert!(result.len() <= 1, "{query}: {result:?}");
        result.first()?["value"][1].as_str()?.parse().ok()
    }

    async fn wait_for(&self, query: &str) -> f64 {
        for _ in 0..120 {
            if let Some(value) = self.ask(query).await {
                return value;
            }
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
        panic!("prometheus knows no {query}");
    }
}

#[tokio::test]
async fn prometheus_takes_both_formats() {
    let newest = *test_versions().iter().max().unwrap();
    let collected = Collected::on(newest, "prometheus", &[]).await;
    let page = collected.page_after_collecting().await;
    promtool(&page.text);

    let url = collected.application.url("/metrics");
    let accept = [("accept", "application/openmetrics-text; version=1.0.0")];
    let openmetrics = http::send(hyper::Method::GET, &url, &accept, "").await.unwrap();
    assert_eq!(
        openmetrics.header("content-type"),
        "application/openmetrics-text; version=1.0.0; charset=utf-8"
    );
    assert!(openmetrics.body.ends_with("\n# EOF\n"));
    let samples = |text: &str| text.lines().filter(|line| !line.starts_with('#')).count();
    assert_eq!(
        samples(&openmetrics.body),
        page.series.len(),
        "both have the same series"
    );

    // Prometheus asks for OpenMetrics first, and gets it from us. The other format it gets from who has nothing else.
    let plain = Receiver::start().await.unwrap();
    let answer = Answer::status(200).with_header("content-type", "text/plain; version=0.0.4; charset=utf-8");
    plain.answer_always(answer.with_body(&page.text));
    let address = url
        .trim_start_matches("http://")
        .trim_end_matches("/metrics")
        .to_owned();
    let plain_address = plain
        .url("")
        .trim_start_matches("http://")
        .trim_end_matches('/')
        .to_owned();
    let prometheus = Prometheus::start(&[("openmetrics", &address), ("plain", &plain_address)]);
    for job in ["openmetrics", "plain"] {
        let job = format!("job=\"{job}\"");
        prometheus.wait_for(&format!("up{{{job}}} == 1")).await;
        assert_eq!(
            prometheus
                .wait_for(&format!("scrape_samples_scraped{{{job}}}"))
                .await,
            page.series.len() as f64
        );
        for name in [
            "pg_up",
            "pg_settings_max_connections",
            "pg_stat_bgwriter_buffers_alloc",
            "pg_stat_bgwriter_buffers_alloc_total",
            "pg_stat_checkpointer_num_timed_total",
        ] {
            let value = prometheus.wait_for(&format!("{name}{{{job}}}")).await;
            assert_eq!(value, page.value(name, &[]), "{name}{{{job}}}");
        }
        let deleted = format!("pg_stat_user_tables_n_tup_ins{{{job},relname=\"goods\"}}");
        assert_eq!(
            prometheus.wait_for(&deleted).await,
            page.value("pg_stat_user_tables_n_tup_ins", &[("relname", "goods")])
        );
    }
    collected.application.stop().await.unwrap();
}
