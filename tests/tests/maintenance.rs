//! `run-maintenance` on the runner: what is complete is rolled up, what has had its day goes, and a bucket that cannot be
//! made keeps neither the others nor the next run from their work.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use integration_tests::{Application, Database, Monitored, Server, test_versions};
use serde_json::Value;

/// Activity of target 1: one sample nine days ago, and one every ten minutes from three days ago to an hour ago.
const SAMPLES: &str = "insert into monitoring.activity_samples
  select 1, at, 5, 100, 3, 1, 4, 0, 0, 0, 10, 10, 0
  from (
    select now() - interval '9 days' as at
    union all
    select generate_series(now() - interval '3 days', now() - interval '1 hour', '10 minutes')
  ) as time";
const PARTITIONS: &str = "select monitoring.make_partition('activity_samples', now() - n * interval '1 day')
  from generate_series(1, 9) as n";
const HOURS: &str = "select count(*) from monitoring.activity_samples_hourly where target_id = 1";

async fn installed(test: &str, version: u32) -> (Database, Monitored, Application) {
    let server = Server::shared(version).await.unwrap();
    let database = Database::new(&server, &format!("maintenance::{test}::{version}"))
        .await
        .unwrap();
    let monitored = Monitored::on(&database).await.unwrap();
    for statement in [
        "update monitoring.targets set created_at = now() - interval '10 days'",
        PARTITIONS,
        SAMPLES,
    ] {
        monitored.run(statement).await.unwrap();
    }
    let application = Application::builder(monitored.url())
        .without_other_schedules()
        .start()
        .await
        .unwrap();
    (database, monitored, application)
}

async fn maintain(application: &Application) -> Value {
    let answer = application.post("/run-maintenance").await.unwrap();
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json().unwrap()
}

#[tokio::test]
async fn what_is_complete_is_rolled_up_and_what_has_had_its_day_goes() {
    for version in test_versions() {
        let (_database, monitored, application) = installed("whole", version).await;
        let (first, second) = tokio::join!(maintain(&application), maintain(&application));
        for report in [&first, &second] {
            assert_eq!(report["outcome"], "ok", "{report}");
        }
        let hours = monitored.number(HOURS).await.unwrap();
        assert!((70..=73).contains(&hours), "{version}: {hours}");
        let rows = first["report"]["rows"].as_i64().unwrap() + second["report"]["rows"].as_i64().unwrap();
        let days = "select count(*) from monitoring.activity_samples_daily";
        assert_eq!(
            rows,
            hours + monitored.number(days).await.unwrap(),
            "two runs at once do nothing twice: {first} {second}"
        );
        let again = maintain(&application).await;
        assert_eq!(
            (&again["report"]["rolled_up"], &again["report"]["behind"]),
            (&0.into(), &0.into())
        );
        let old =
            "select count(*) from monitoring.activity_samples where sampled_at < now() - interval '8 days'";
        assert_eq!(monitored.number(old).await.unwrap(), 0, "{version}");
        let samples = "select sum(samples)::int8 from monitoring.activity_samples_hourly";
        let kept =
            "select count(*) from monitoring.activity_samples where sampled_at < date_trunc('hour', now())";
        assert!(
            monitored.number(samples).await.unwrap() >= monitored.number(kept).await.unwrap(),
            "what is gone is in the hours"
        );
    }
}

#[tokio::test]
async fn a_bucket_that_cannot_be_made_is_told_and_the_others_are_made() {
    let (_database, monitored, application) = installed("one_fails", test_versions()[0]).await;
    monitored
        .run(
            "alter table monitoring.activity_samples_hourly
             add constraint nothing_of_target_1 check (target_id <> 1)",
        )
        .await
        .unwrap();
    monitored
        .run(
            "insert into monitoring.targets (name, address) values ('other', 'postgres://nobody@127.0.0.1:1/x')",
        )
        .await
        .unwrap();
    monitored
        .run(
            "insert into monitoring.activity_samples
             select t.target_id, s.sampled_at, 5, 100, 3, 1, 4, 0, 0, 0, 10, 10, 0
             from monitoring.activity_samples as s, monitoring.targets as t
             where t.name = 'other' and s.target_id = 1 and s.sampled_at > now() - interval '4 days'",
        )
        .await
        .unwrap();
    let report = maintain(&application).await;
    assert_eq!(report["outcome"], "partial", "{report}");
    let failed = report["report"]["failed"].as_array().unwrap();
    assert_eq!(failed.len(), 1, "{report}");
    assert!(
        failed[0]
            .as_str()
            .unwrap()
            .starts_with("activity_samples of local:"),
        "{report}"
    );
    let others = "select count(*) from monitoring.activity_samples_hourly where target_id <> 1";
    assert!(monitored.number(others).await.unwrap() >= 70);
    assert_eq!(monitored.number(HOURS).await.unwrap(), 0);
    let old = "select count(*) from monitoring.activity_samples where sampled_at < now() - interval '8 days'";
    assert_eq!(
        monitored.number(old).await.unwrap(),
        1,
        "what is not rolled up is kept"
    );

    monitored
        .run("alter table monitoring.activity_samples_hourly drop constraint nothing_of_target_1")
        .await
        .unwrap();
    assert_eq!(maintain(&application).await["outcome"], "ok");
    assert!(monitored.number(HOURS).await.unwrap() >= 70);
}
