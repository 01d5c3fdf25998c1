//! Routes, silences and maintenance windows.

use std::time::Duration;

use store::channels::{self, Address};
use store::routes::{self, NewRoute, NewStep};
use store::silences::{self, NewSilence};
use store::windows::{self, NewWindow};
use vitals::level::Level;
use vitals::matcher::Matcher;

use crate::{Monitoring, refusal};

fn matchers(texts: &[&str]) -> Vec<Matcher> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

fn route(name: &str, channels: &[&str]) -> NewRoute {
    let steps = channels.iter().zip(1..).map(|(channel, step)| NewStep {
        step,
        after_seconds: 600 * (i64::from(step) - 1),
        channel: (*channel).to_owned(),
    });
    NewRoute {
        name: name.to_owned(),
        matchers: matchers(&["severity=critical"]),
        continues: false,
        reminder: Some(Duration::from_secs(3_600)),
        position: None,
        steps: steps.collect(),
    }
}

#[tokio::test]
async fn a_route_is_what_it_was_last_written_as() {
    let room = Monitoring::new("routes").await;
    let client = &room.store;
    for name in ["chat", "pager"] {
        let url = Address::Url("https://example.com/hook".to_owned());
        channels::add(client, name, "webhook", &url, Level::Warning)
            .await
            .unwrap();
    }
    assert_eq!(
        routes::add(client, &route("a", &["chat", "nobody"]))
            .await
            .unwrap(),
        ["nobody"]
    );
    assert_eq!(routes::all(client).await.unwrap(), []);

    routes::add(client, &route("a", &["chat", "pager"]))
        .await
        .unwrap();
    routes::add(client, &route("b", &["pager"])).await.unwrap();
    routes::add(client, &route("a", &["pager"])).await.unwrap();
    let stored = routes::all(client).await.unwrap();
    let names: Vec<_> = stored
        .iter()
        .map(|route| (route.name.as_str(), route.position))
        .collect();
    assert_eq!(names, [("a", 1), ("b", 2)]);
    let steps: Vec<_> = stored[0]
        .steps
        .iter()
        .map(|step| (step.step, step.channel.as_str()))
        .collect();
    assert_eq!(steps, [(1, "pager")]);

    routes::add(
        client,
        &NewRoute {
            position: Some(0),
            ..route("b", &["chat", "pager"])
        },
    )
    .await
    .unwrap();
    let (routing, faults) = routes::routing(client).await.unwrap();
    assert_eq!(faults, []);
    assert_eq!(routing.routes[0].name, "b");
    assert_eq!(routing.routes[0].steps[1].after, Duration::from_secs(600));
    assert_eq!(routing.routes[0].reminder, Some(Duration::from_secs(3_600)));
    assert!(routes::set_enabled(client, "b", false).await.unwrap());
    assert!(channels::set_enabled(client, "chat", false).await.unwrap());
    let (routing, _) = routes::routing(client).await.unwrap();
    assert_eq!((routing.routes.len(), routing.channels.len()), (1, 1));
    assert!(routes::remove(client, "b").await.unwrap());
    assert!(!routes::remove(client, "b").await.unwrap());
}

#[tokio::test]
async fn a_channel_that_keeps_failing_is_known_to() {
    let room = Monitoring::new("failing_channel").await;
    let client = &room.store;
    let url = Address::Url("https://example.com/hook".to_owned());
    channels::add(client, "chat", "webhook", &url, Level::Warning)
        .await
        .unwrap();
    room.target("t").await;
    room.run(
        "with alert as (
           insert into monitoring.alerts (rule_id, target_id, subject, subject_label, state, level, value, threshold, opened_at)
           select 'target_down', target_id, '', 't', 'firing', 'critical', 40, 30, now() from monitoring.targets
           returning alert_id
         )
         insert into monitoring.outbox (alert_id, sequence, channel_id, event, payload, attempts)
         select alert_id, 1, channel_id, 'firing', '{}', 2 from alert cross join monitoring.channels",
    )
    .await;
    let is_failing = async || {
        let (routing, _) = routes::routing(client).await.unwrap();
        routing.channels.values().any(|channel| channel.is_failing)
    };
    assert!(!is_failing().await);
    room.run("update monitoring.outbox set attempts = 3").await;
    assert!(is_failing().await);
    room.run("update monitoring.outbox set delivered_at = now()")
        .await;
    assert!(!is_failing().await);
}

#[tokio::test]
async fn a_silence_lasts_until_it_is_over_or_ended() {
    let room = Monitoring::new("silences").await;
    let client = &room.store;
    let silence = |starts_in: u64| NewSilence {
        matchers: matchers(&["target=shop", "severity!=emergency"]),
        starts_in: Duration::from_secs(starts_in),
        lasts: Duration::from_secs(3_600),
        reason: "deployment".to_owned(),
        created_by: "ada".to_owned(),
    };
    let (now, _) = silences::add(client, &silence(0)).await.unwrap();
    let (later, ends_at) = silences::add(client, &silence(600)).await.unwrap();
    let listed = silences::list(client).await.unwrap();
    assert_eq!(
        listed.iter().map(|silence| silence.is_active).collect::<Vec<_>>(),
        [true, false]
    );
    assert_eq!((listed[1].ends_at, listed[1].matchers.len()), (ends_at, 2));
    let (usable, faults) = silences::usable(client).await.unwrap();
    assert_eq!((usable.len(), faults.len()), (2, 0));
    for silence_id in [now, later] {
        assert!(silences::remove(client, silence_id).await.unwrap());
        assert!(!silences::remove(client, silence_id).await.unwrap());
    }
    assert_eq!(silences::list(client).await.unwrap(), []);
    let kept = "select count(*) from monitoring.silences";
    assert_eq!(
        room.number(kept).await,
        1,
        "one that was never in force leaves nothing"
    );
    room.run("update monitoring.silences set starts_at = now() - interval '1 year', ends_at = now() - interval '91 days'")
        .await;
    silences::add(client, &silence(0)).await.unwrap();
    assert_eq!(room.number(kept).await, 1, "what ended long ago is forgotten");
}

#[tokio::test]
async fn a_window_is_open_on_the_clocks_of_its_time_zone() {
    let room = Monitoring::new("windows").await;
    let client = &room.store;
    let hour = "select extract(hour from now() at time zone 'Asia/Kathmandu')::int8";
    let hour = room.number(hour).await;
    let window = |time_zone: &str| NewWindow {
        name: time_zone.to_lowercase().replace('/', "-"),
        matchers: Vec::new(),
        // Two hours, so that a test that runs at the full hour does not fail.
        schedule: format!("0 {} * * *", (hour + 23) % 24),
        time_zone: time_zone.to_owned(),
        duration_seconds: 3 * 3_600,
        reason: "backups".to_owned(),
    };
    windows::add(client, &window("Asia/Kathmandu")).await.unwrap();
    windows::add(client, &window("America/New_York")).await.unwrap();
    let names = async || {
        let (open, faults) = windows::open(client).await.unwrap();
        assert_eq!(faults, []);
        open.into_iter().map(|window| window.name).collect::<Vec<_>>()
    };
    assert_eq!(names().await, ["asia-kathmandu"]);
    assert!(
        windows::set_enabled(client, "asia-kathmandu", false)
            .await
            .unwrap()
    );
    assert!(names().await.is_empty());
    assert!(windows::remove(client, "asia-kathmandu").await.unwrap());
    assert_eq!(windows::all(client).await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_is_malformed_is_refused_where_it_is_written() {
    let room = Monitoring::new("malformed_quiet").await;
    let silence = |matchers: &str, ends: &str, reason: &str| {
        format!(
            "insert into monitoring.silences (matchers, ends_at, reason, created_by)
             values ('{matchers}', {ends}, '{reason}', 'ada')"
        )
    };
    let window = |schedule: &str, time_zone: &str, seconds: i64| {
        format!(
            "insert into monitoring.maintenance_windows (name, schedule, time_zone, duration_seconds, reason)
             values ('w', '{schedule}', '{time_zone}', {seconds}, 'backups')"
        )
    };
    let fits = r#"[{"label": "target", "operator": "=", "value": "shop"}]"#;
    let hour = "now() + interval '1 hour'";
    for (statement, code) in [
        (silence("[]", hour, "why"), "23514"),
        (silence("{}", hour, "why"), "23514"),
        (
            silence(
                r#"[{"label": "target", "operator": "=", "value": 1}]"#,
                hour,
                "why",
            ),
            "23514",
        ),
        (
            silence(
                r#"[{"label": "a b", "operator": "=", "value": "x"}]"#,
                hour,
                "why",
            ),
            "23514",
        ),
        (
            silence(
                r#"[{"label": "a", "operator": "like", "value": "x"}]"#,
                hour,
                "why",
            ),
            "23514",
        ),
        (
            silence(r#"[{"operator": "=", "value": "x"}]"#, hour, "why"),
            "23514",
        ),
        (silence(fits, "now() - interval '1 hour'", "why"), "23514"),
        (silence(fits, hour, " "), "23514"),
        (window("daily", "UTC", 60), "23514"),
        (window("0 2 * * * *", "UTC", 60), "23514"),
        (window("0 2 * * *", "Mars/Base", 60), "22023"),
        (window("0 2 * * *", "UTC", 59), "23514"),
        (window("0 2 * * *", "UTC", 604_801), "23514"),
    ] {
        assert_eq!(refusal(&room.store, &statement).await, code, "{statement}");
    }
}

#[tokio::test]
async fn one_that_cannot_be_used_is_named_and_the_others_go_on() {
    let room = Monitoring::new("faulty_quiet").await;
    let client = &room.store;
    let pattern = r#"[{"label": "target", "operator": "=~", "value": "("}]"#;
    room.run(&format!(
        "insert into monitoring.routes (name, position, matchers) values ('broken', 1, '{pattern}'), ('whole', 2, '[]')"
    ))
    .await;
    room.run(&format!(
        "insert into monitoring.silences (matchers, ends_at, reason, created_by)
         values ('{pattern}', now() + interval '1 hour', 'why', 'ada')"
    ))
    .await;
    room.run(
        "insert into monitoring.maintenance_windows (name, schedule, duration_seconds, reason)
         values ('never', '99 2 * * *', 60, 'why')",
    )
    .await;
    let (routing, faults) = routes::routing(client).await.unwrap();
    assert_eq!(routing.routes.len(), 1);
    assert!(
        faults[0]
            .to_string()
            .starts_with(r#"cannot use route broken: "(" is no pattern: "#),
        "{}",
        faults[0]
    );
    let (silences, faults) = silences::usable(client).await.unwrap();
    assert_eq!((silences.len(), faults[0].what.as_str()), (0, "silence 1"));
    let (windows, faults) = windows::open(client).await.unwrap();
    assert_eq!(
        (windows.len(), faults[0].what.as_str()),
        (0, "maintenance window never")
    );
}
