//! Many targets at once: shared by several collectors, each on its own terms, and none at the cost of the others.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::time::{Duration, Instant};

use integration_tests::monitored::{COLLECTOR_PASSWORD, TARGET, passwords};
use integration_tests::{
    Application, Blackhole, DedicatedServer, Monitored, Server, Workload, test_versions, workload,
};
use serde_json::{Value, json};
use store::logins::Login;

/// The statement that is counted.
const COUNTED: &str = "select count(*) as counted_by_the_fleet from pg_class";

struct Room {
    server: DedicatedServer,
    monitored: Monitored,
}

impl Room {
    /// A server of its own with a monitoring database that watches nothing yet.
    async fn new(settings: &[(&str, &str)]) -> Room {
        let server = DedicatedServer::start_with(test_versions()[0], settings)
            .await
            .unwrap();
        let monitored = Monitored::at(&server.url("postgres"), &collector_url(&server))
            .await
            .unwrap();
        let forget = format!("delete from monitoring.targets where name = '{TARGET}'");
        monitored.run(&forget).await.unwrap();
        Room { server, monitored }
    }

    fn application(&self) -> integration_tests::application::Builder {
        Application::builder(self.monitored.url()).without_other_schedules()
    }

    async fn watch(&self, name: &str) -> i32 {
        self.monitored
            .watch(name, &collector_url(&self.server))
            .await
            .unwrap()
    }

    /// From now on writes down who is claimed for which point of time, into the table `claims`.
    async fn witness(&self) {
        for statement in [
            "create table public.claims (target_id int4, due timestamptz)",
            "create function public.witness() returns trigger language plpgsql security definer as $$ begin \
             insert into public.claims values (new.target_id, new.next_collection_at); return null; end $$",
            "create trigger witness after insert or update of lease_holder on monitoring.target_state \
             for each row when (new.lease_holder is not null) execute function public.witness()",
        ] {
            self.monitored.run(statement).await.unwrap();
        }
    }

    async fn number(&self, sql: &str) -> i64 {
        self.monitored.number(sql).await.unwrap()
    }

    async fn run_counted(&self, times: usize) {
        let client = integration_tests::database::connect(&self.server.url("postgres"))
            .await
            .unwrap();
        for _ in 0..times {
            client.simple_query(COUNTED).await.unwrap();
        }
    }

    /// How many calls of the counted statement were stored, over all targets.
    async fn stored(&self) -> i64 {
        let sql = "select coalesce(sum(sample.calls), 0)::int8 from monitoring.statement_samples as sample \
                   join monitoring.statements using (statement_id) where query like '%counted_by_the_fleet%'";
        self.number(sql).await
    }

    /// The names of the targets on which a collector was read last, not skipped.
    async fn readers(&self, collector: &str) -> String {
        let sql = format!(
            "select coalesce(string_agg(name, ' ' order by name), '')::text from monitoring.collector_status \
             join monitoring.targets using (target_id) where collector = '{collector}' and outcome in ('ok', 'no_data')"
        );
        let admin = self.monitored.admin().await.unwrap();
        let rows = db::Client::query(&admin, &sql, &[]).await.unwrap();
        rows.one().unwrap().at(0).unwrap()
    }
}

fn collector_url(server: &Server) -> String {
    server.url_as(Login::Collector.role(), COLLECTOR_PASSWORD, "postgres")
}

async fn collect(application: &Application) -> Value {
    let answer = application.post("/collect-stats").await.unwrap();
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json().unwrap()
}

#[tokio::test]
async fn collectors_that_share_targets_read_each_once_in_its_interval() {
    let room = Room::new(&[]).await;
    const TARGETS: i64 = 60;
    const INTERVAL: i64 = 10;
    for number in 0..TARGETS {
        room.watch(&format!("shared-{number:03}")).await;
    }
    // What was counted before the first reading is not known, and the first takes longest.
    let first = room.application().start().await.unwrap();
    collect(&first).await;
    first.stop().await.unwrap();
    let terms = format!("update monitoring.targets set interval_seconds = {INTERVAL}, timeout_ms = 3000");
    room.monitored.run(&terms).await.unwrap();
    room.witness().await;
    let begin = Instant::now();
    let every_second = room.application().schedule("collect-stats", "* * * * * *");
    let (one, two) = (
        every_second.clone().start().await.unwrap(),
        every_second.clone().start().await.unwrap(),
    );
    let killed = every_second.start().await.unwrap();
    // Requests of another scheduler come in between.
    let mut calls = 0;
    let mut killed = Some(killed);
    while begin.elapsed() < Duration::from_secs(40) {
        room.run_counted(3).await;
        calls += 3;
        let (first, second) = tokio::join!(one.post("/collect-stats?due"), two.post("/collect-stats?due"));
        for answer in [first.unwrap(), second.unwrap()] {
            assert_eq!(answer.status, 200, "{}", answer.body);
        }
        if begin.elapsed() > Duration::from_secs(15)
            && let Some(application) = killed.take()
        {
            application.kill().await.unwrap();
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    // What the killed one held is read again when its leases are over: the timeout of a target and ten seconds.
    let all = format!(
        "select count(*) = {TARGETS} from monitoring.target_state where last_success_at > now() - interval '15 seconds'"
    );
    room.monitored
        .until("a collection from every target", &all)
        .await
        .unwrap();
    drop((one, two));

    let doubled =
        "select count(*) from (select from claims group by target_id, due having count(*) > 1) as doubled";
    assert_eq!(
        room.number(doubled).await,
        0,
        "a target was read twice in an interval"
    );
    let claims = room.number("select count(*) from claims").await;
    assert!(claims >= 3 * TARGETS, "only {claims} collections");
    let last = room.application().start().await.unwrap();
    room.monitored
        .until(
            "the end of all leases",
            "select count(*) = 0 from monitoring.target_state where lease_until > now()",
        )
        .await
        .unwrap();
    collect(&last).await;
    let stored = room.stored().await;
    assert!(stored <= calls, "{stored} calls were stored of {calls}");
    // A collector that was killed may have cost an interval.
    assert!(stored >= calls - 30, "{stored} calls were stored of {calls}");
}

#[tokio::test]
async fn each_target_has_its_own_interval_and_credentials() {
    let room = Room::new(&[]).await;
    room.witness().await;
    let admin = room.monitored.admin().await.unwrap();
    for (name, password) in [
        ("one", "password-one"),
        ("two", "password-two"),
        ("wrong", "password-wrong"),
    ] {
        let role = format!("create role reader_{name} login password '{password}' in role pg_monitor");
        room.monitored.run(&role).await.unwrap();
        let mut target = store::targets::NewTarget::new(
            name,
            format!(
                "postgres://reader_{name}@127.0.0.1:{}/postgres",
                room.server.port()
            ),
        );
        target.secret = format!("secret-{name}");
        target.interval = Duration::from_secs(if name == "two" { 5 } else { 1 });
        store::targets::add(&admin, &target).await.unwrap();
    }
    let others = [
        ("secret-one", "password-one"),
        ("secret-two", "password-two"),
        ("secret-wrong", "something else"),
    ];
    let application = room
        .application()
        .variable("target_passwords", &passwords(COLLECTOR_PASSWORD, &others))
        .schedule("collect-stats", "* * * * * *")
        .start()
        .await
        .unwrap();
    let claims = |name: &str| {
        format!("select count(*) from claims join monitoring.targets using (target_id) where name = '{name}'")
    };
    room.monitored
        .until(
            "ten collections of one",
            &format!("select ({}) >= 10", claims("one")),
        )
        .await
        .unwrap();
    application.stop().await.unwrap();
    let (one, two) = (
        room.number(&claims("one")).await,
        room.number(&claims("two")).await,
    );
    assert!(
        two >= 1 && two <= one / 2,
        "{two} collections every 5 s and {one} every second"
    );
    let up = "select count(*) from monitoring.target_state join monitoring.targets using (target_id) \
              where up and name in ('one', 'two')";
    assert_eq!(room.number(up).await, 2);
    let refused = "select count(*) from monitoring.target_state join monitoring.targets using (target_id) \
                   where name = 'wrong' and not up and error_code = 'authentication_failed'";
    assert_eq!(room.number(refused).await, 1);
}

#[tokio::test]
async fn a_target_that_never_answers_costs_its_own_timeout_and_no_connections() {
    const CYCLES: i64 = 12;
    let room = Room::new(&[]).await;
    room.witness().await;
    let blackhole = Blackhole::start().await.unwrap();
    for number in 0..20 {
        room.watch(&format!("well-{number}")).await;
    }
    let hanging = format!(
        "postgres://{}@127.0.0.1:{}/postgres",
        Login::Collector.role(),
        blackhole.port()
    );
    room.monitored.watch("hanging", &hanging).await.unwrap();
    room.monitored
        .run("update monitoring.targets set timeout_ms = 500 where name = 'hanging'")
        .await
        .unwrap();
    let application = room.application().start().await.unwrap();
    let mut most = 0;
    for _ in 0..CYCLES {
        let report = collect(&application).await;
        assert_eq!(report["report"]["down"], json!(["hanging"]), "{report}");
        most = most.max(blackhole.open());
    }
    assert!(blackhole.accepted() >= CYCLES as usize);
    assert!(most <= 2, "{most} connections to a target that never answers");
    let others = format!(
        "select count(*) from monitoring.target_state where up and {CYCLES} = \
         (select count(*) from claims where claims.target_id = target_state.target_id)"
    );
    assert_eq!(room.number(&others).await, 20);
}

#[tokio::test]
async fn a_lock_on_a_big_table_holds_up_only_what_needs_the_table() {
    let room = Room::new(&workload::SETTINGS).await;
    let small = Workload {
        tables: 100,
        statements: 100,
    };
    small.build(&room.server.url("postgres")).await.unwrap();
    room.watch("big").await;
    room.monitored
        .run("update monitoring.targets set timeout_ms = 10000")
        .await
        .unwrap();
    let application = room.application().start().await.unwrap();
    collect(&application).await;
    let mut locker = integration_tests::database::connect(&room.server.url("postgres"))
        .await
        .unwrap();
    let transaction = locker.transaction().await.unwrap();
    let lock = format!("lock table {} in access exclusive mode", workload::BIG_TABLE);
    transaction.batch_execute(&lock).await.unwrap();
    let status =
        |condition: &str| format!("select count(*) from monitoring.collector_status where {condition}");
    let (mut cycles, mut most) = (0, 0);
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_secs(30) {
        collect(&application).await;
        cycles += 1;
        let connections = "select count(*) from pg_stat_activity where usename = 'pgvitals_collector' \
                           and application_name = 'pgvitals/collect-stats'";
        most = most.max(room.number(connections).await);
        let dishonest = "outcome = 'failed' and reason !~ '^(lock_timeout|statement_timeout)'";
        assert_eq!(room.number(&status(dishonest)).await, 0);
        // A target of which only a table is locked is up, and everything else is read.
        assert_eq!(
            room.number("select count(*) from monitoring.target_state where up")
                .await,
            1
        );
        for collector in ["activity", "databases", "statements"] {
            let read = status(&format!(
                "collector = '{collector}' and outcome = 'ok' and at > now() - interval '30 seconds'"
            ));
            assert_eq!(
                room.number(&read).await,
                1,
                "{collector} was not read in cycle {cycles}"
            );
        }
    }
    assert!(cycles >= 3, "only {cycles} cycles");
    // One to the target and one to the monitoring database, which are one server here.
    assert!(
        most <= 2,
        "{most} connections of the collector after {cycles} cycles"
    );
    transaction.rollback().await.unwrap();
    collect(&application).await;
    assert_eq!(room.number(&status("outcome = 'failed'")).await, 0);
}

#[tokio::test]
async fn a_server_is_read_once_whoever_of_its_targets_is_gone() {
    let room = Room::new(&[("synchronous_commit", "on")]).await;
    for name in ["first", "second", "third"] {
        room.watch(name).await;
    }
    // The second has a login of its own, so that it can be broken alone.
    room.monitored
        .run("create role other login password 'other-password' in role pg_monitor")
        .await
        .unwrap();
    let own = format!("postgres://other@127.0.0.1:{}/postgres", room.server.port());
    let move_second =
        format!("update monitoring.targets set address = '{own}', secret = 'other' where name = 'second'");
    room.monitored.run(&move_second).await.unwrap();
    let application = room
        .application()
        .variable(
            "target_passwords",
            &passwords(COLLECTOR_PASSWORD, &[("other", "other-password")]),
        )
        .start()
        .await
        .unwrap();
    // The first cycle does not know yet who is of which server, and counts nothing.
    collect(&application).await;
    collect(&application).await;
    let broken = "do $$ begin alter role other nologin; \
                  perform pg_terminate_backend(pid) from pg_stat_activity where usename = 'other'; end $$";
    let mut calls = 0;
    for (reader, before) in [
        ("first", "select 1"),
        (
            "second",
            "update monitoring.targets set enabled = false where name = 'first'",
        ),
        ("third", broken),
        ("second", "alter role other login"),
        (
            "first",
            "update monitoring.targets set enabled = true where name = 'first'",
        ),
    ] {
        room.monitored.run(before).await.unwrap();
        // One cycle to notice, and one to read: whoever begins to read begins with a gap.
        collect(&application).await;
        collect(&application).await;
        let stored = room.stored().await;
        room.run_counted(5).await;
        collect(&application).await;
        calls += 5;
        assert_eq!(room.stored().await, stored + 5, "{reader} reads after {before}");
        for collector in ["statements", "databases"] {
            let names = room.readers(collector).await;
            let is_read_by = names.split(' ').any(|name| name == reader);
            assert!(
                is_read_by,
                "{collector} is read by {names}, not by {reader}, after {before}"
            );
        }
    }
    assert_eq!(room.stored().await, calls, "nothing is counted twice");
}
