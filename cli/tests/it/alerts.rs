//! `pgvitals alerts`, `silences`, `routes` and `windows`.

use crate::support::{Installed, assert_answer};

/// An alert that fires, one that is pending, and one of which nothing is known.
async fn with_alerts() -> Installed {
    let installed = Installed::new().await;
    let client = integration_tests::database::connect(&installed.server.url("postgres"))
        .await
        .unwrap();
    client
        .batch_execute(
            "insert into monitoring.targets (name, address) values ('shop', 'postgres://u@h/d');
             insert into monitoring.alerts
               (rule_id, target_id, subject, subject_label, labels, state, level, value, threshold, pending_since, opened_at,
                no_data_since, suppressed_by, notification)
             select 'cache_hit', target_id, 'app', 'app', '{\"database\": \"app\"}', state, 'critical', value, 90,
               now() - interval '90 seconds', now() - interval '90 seconds',
               case when state = 'no_data' then now() end, case when state = 'firing' then 'silence 3' end,
               case when state = 'firing' then '{\"unit\": \"percent\", \"summary\": \"shop: cache hit ratio is 85 %\"}'::jsonb end
             from monitoring.targets, (values ('firing', 85.0)) as known (state, value);
             insert into monitoring.alerts
               (rule_id, target_id, subject, subject_label, state, level, threshold, no_data_since)
             select 'connection_use', target_id, '', 'shop', 'no_data', 'warning', 70, now() from monitoring.targets;
             insert into monitoring.alert_transitions (alert_id, sequence, at, from_level, to_level, value)
             values (1, 1, '2026-11-21 10:00:00+00', 'ok', 'critical', 85)",
        )
        .await
        .unwrap();
    installed
}

#[tokio::test]
async fn an_alert_is_listed_shown_and_taken_up() {
    let installed = with_alerts().await;
    let project = &installed.project;
    let listed = project.json(&["alerts", "list"]);
    assert_eq!(listed.as_array().unwrap().len(), 1);
    assert_eq!(
        (&listed[0]["alert_id"], &listed[0]["suppressed_by"]),
        (&1.into(), &"silence 3".into())
    );
    let text = project.run(&["alerts", "list"]);
    assert!(text.contains("ALERT  STATE   LEVEL     TARGET  RULE"), "{text}");
    assert!(
        text.contains("85 %") && text.contains("not told: silence 3"),
        "{text}"
    );
    let all = project.run(&["alerts", "list", "--all"]);
    assert!(all.contains("no_data") && all.contains("unknown"), "{all}");

    assert_answer!(project.run(&["alerts", "acknowledge", "1", "--by", "ada", "--note", "on it"]), @r"
    exit code: 0
    ----- stdout -----
    ada takes care of alert 1; it is escalated again if it gets worse
    ----- stderr -----
    ");
    let shown = project.run(&["alerts", "show", "1"]);
    for words in [
        "alert 1: cache_hit on shop, firing (critical)",
        "shop: cache hit ratio is 85 %",
        "threshold      90 %",
        "labels         database=app",
        ": on it",
        "2026-11-21 10:00:00 UTC  ok → critical",
    ] {
        assert!(shown.contains(words), "{words}:\n{shown}");
    }
    assert_eq!(
        project.json(&["alerts", "show", "1"])["alert"]["acknowledged"]["by"],
        "ada"
    );
    for command in [
        &["alerts", "show", "99"][..],
        &["alerts", "acknowledge", "99", "--by", "ada"],
    ] {
        let refused = project.run(command);
        assert!(refused.starts_with("exit code: 1"), "{refused}");
        assert!(
            refused.contains("alert 99") && refused.contains("hint: see `pgvitals alerts list"),
            "{refused}"
        );
    }
}

#[tokio::test]
async fn a_silence_begins_and_ends() {
    let installed = Installed::new().await;
    let project = &installed.project;
    let added = project.run(&[
        "silences",
        "add",
        "target=shop",
        "severity!=emergency",
        "--for",
        "2h",
        "--reason",
        "deployment",
        "--by",
        "ada",
    ]);
    assert!(
        added.contains("silence 1: nobody is told of alerts with target=shop severity!=emergency until "),
        "{added}"
    );
    let listed = project.json(&["silences", "list"]);
    assert_eq!(
        (&listed[0]["created_by"], &listed[0]["is_active"]),
        (&"ada".into(), &true.into())
    );
    assert_answer!(project.run(&["silences", "remove", "1"]), @r"
    exit code: 0
    ----- stdout -----
    silence 1 is over: what still fires is told
    ----- stderr -----
    ");
    assert_answer!(project.run(&["silences", "remove", "1"]), @r"
    exit code: 1
    ----- stdout -----

    ----- stderr -----
    error: there is no silence 1 that is not over

    hint: see `pgvitals silences list`
    ");
    assert_answer!(project.run(&["silences", "list"]), @r"
    exit code: 0
    ----- stdout -----
    nothing is silenced
    ----- stderr -----
    ");
    let refused = project.run(&[
        "silences", "add", "shop", "--for", "2h", "--reason", "why", "--by", "ada",
    ]);
    assert!(
        refused.starts_with("exit code: 2") && refused.contains("\"shop\" is no matcher"),
        "{refused}"
    );
}

#[tokio::test]
async fn a_route_leads_to_channels() {
    let installed = Installed::new().await;
    let project = &installed.project;
    assert_answer!(project.run(&["routes", "list"]), @r"
    exit code: 0
    ----- stdout -----
    there are no routes: every channel is told of every alert
    ----- stderr -----
    ");
    assert_answer!(project.run(&["routes", "add", "nights", "--to", "chat"]), @r"
    exit code: 1
    ----- stdout -----

    ----- stderr -----
    error: there is no channel chat

    hint: add it first: pgvitals channels add NAME URL
    ");
    for channel in ["chat", "pager"] {
        project.run(&["channels", "add", channel, "https://example.com/hook"]);
    }
    assert_answer!(project.run(&["routes", "add", "nights", "severity=~critical|emergency", "--to", "pager@15m", "--to", "chat", "--remind", "4h"]), @r"
    exit code: 0
    ----- stdout -----
    alerts with severity=~critical|emergency go to pager after 15 min, chat
    ----- stderr -----
    ");
    project.run(&["routes", "add", "tests", "target=~test.*"]);
    assert_answer!(project.run(&["routes", "disable", "tests"]), @r"
    exit code: 0
    ----- stdout -----
    route tests is off
    ----- stderr -----
    ");
    assert_answer!(project.run(&["routes", "list"]), @r"
    exit code: 0
    ----- stdout -----
    ROUTE   ALERTS                                    TOLD                      REMINDER  THEN  STATE
    nights  alerts with severity=~critical|emergency  chat, pager after 15 min  4 h       stop  on
    tests   alerts with target=~test.*                nobody                    -         stop  off
    ----- stderr -----
    ");
    assert_answer!(project.run(&["routes", "remove", "tests", "--yes"]), @r"
    exit code: 0
    ----- stdout -----
    route tests is gone
    ----- stderr -----
    ");
    assert_answer!(project.run(&["routes", "enable", "tests"]), @r"
    exit code: 1
    ----- stdout -----

    ----- stderr -----
    error: there is no route `tests`

    hint: see `pgvitals routes list`
    ");
}

#[tokio::test]
async fn a_window_comes_again_by_its_schedule() {
    let installed = Installed::new().await;
    let project = &installed.project;
    let add = |schedule: &str, lasts: &str, time_zone: &str| {
        project.run(&[
            "windows",
            "add",
            "backups",
            "target=shop",
            "--schedule",
            schedule,
            "--lasts",
            lasts,
            "--time-zone",
            time_zone,
            "--reason",
            "backups",
        ])
    };
    assert_answer!(add("* * * * *", "2h", "Europe/Berlin"), @r"
    exit code: 0
    ----- stdout -----
    nobody is told of alerts with target=shop for 2 h from `* * * * *` (Europe/Berlin)
    ----- stderr -----
    ");
    assert_answer!(project.run(&["windows", "list"]), @r"
    exit code: 0
    ----- stdout -----
    WINDOW   STATE  ALERTS                   BEGINS     TIME ZONE      LASTS  REASON
    backups  open   alerts with target=shop  * * * * *  Europe/Berlin  2 h    backups
    ----- stderr -----
    ");
    for (schedule, lasts, time_zone, problem) in [
        ("every night", "2h", "UTC", "is no schedule of five fields"),
        (
            "0 2 * * *",
            "30s",
            "UTC",
            "a window lasts from a minute to a week, not 30 s",
        ),
        (
            "0 2 * * *",
            "2h",
            "Mars/Base",
            "time zone \"Mars/Base\" not recognized",
        ),
    ] {
        let refused = add(schedule, lasts, time_zone);
        assert!(
            refused.starts_with("exit code: 1") && refused.contains(problem),
            "{refused}"
        );
    }
    project.run(&["windows", "disable", "backups"]);
    assert_eq!(project.json(&["windows", "list"])[0]["enabled"], false);
    let removed = project.run(&["windows", "remove", "backups", "--yes"]);
    assert!(removed.contains("window backups is gone"), "{removed}");
}
