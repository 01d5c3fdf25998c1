//! Debounced invalidation: how much work it saves, and that no change is ever lost.

use crate::clinic::{Clinic, rows, run};

const PATIENTS: &str = "select made.patient('p' || n) from generate_series(1, 50) as n";
/// A load as an import makes it: every row a statement, 40 rows for each of 50 patients.
const LOAD: &str = "
    do $$ begin
      for n in 1 .. 2000 loop
        insert into guardian.lab_results (patient_id, code, display, value, unit, taken_at)
        values (made.id('patient p' || n % 50 + 1), '2345-7', 'glucose', n % 100, 'mg/dl', now());
      end loop;
    end $$";
/// What the application would do without the queue: the dashboard computed anew for each row.
const TRIGGER_PER_ROW: &str = "
    create function made.refresh_now() returns trigger language plpgsql as $$
    begin
      perform guardian.refresh_dashboard(new.patient_id);
      return null;
    end $$;
    create trigger refresh_now after insert on guardian.lab_results for each row execute function made.refresh_now();
    alter table guardian.lab_results disable trigger invalidate_after_insert";
const BACK: &str = "
    alter table guardian.lab_results enable trigger invalidate_after_insert, disable trigger refresh_now;
    truncate guardian.lab_results, guardian.dashboard_cache, guardian.invalidation_queue";
const REFRESHES: &str = "select coalesce(sum(refreshes), 0)::int8 from guardian.dashboard_cache";
const BOARDS: &str = "select patient_id, content - 'lab_results', content #>> '{lab_results,recent}'
                      from guardian.dashboard_cache order by patient_id";

#[tokio::test]
async fn it_saves_nine_tenths_of_the_refreshes_of_a_trigger_per_row_for_the_same_dashboards() {
    for clinic in Clinic::on_each_version("invalidation::saved").await {
        clinic.run(PATIENTS).await;
        clinic.run(TRIGGER_PER_ROW).await;
        clinic.run(LOAD).await;
        let per_row = clinic.number(REFRESHES).await;
        let boards = clinic.rows(BOARDS).await;
        assert_eq!(per_row, 2000);
        assert_eq!(boards.len(), 50);

        clinic.run(BACK).await;
        clinic.run(LOAD).await;
        assert_eq!(
            clinic
                .number("select count(*) from guardian.invalidation_queue")
                .await,
            50,
            "one for each patient"
        );
        let processed = clinic
            .rows("select refreshed, failed, waiting from guardian.process_invalidations()")
            .await;
        assert_eq!(processed, ["50|0|0"]);
        let debounced = clinic.number(REFRESHES).await;
        assert_eq!(clinic.rows(BOARDS).await, boards);
        assert!(
            debounced * 10 <= per_row,
            "{debounced} refreshes instead of {per_row}"
        );
    }
}

#[tokio::test]
async fn every_kind_of_change_makes_a_dashboard_out_of_date() {
    for clinic in Clinic::on_each_version("invalidation::kinds").await {
        clinic
            .run("select made.patient('ada'), made.patient('ben')")
            .await;
        let take = "delete from guardian.invalidation_queue where true returning key = made.id('patient ada'), reason";
        for (change, expected) in [
            (
                "select made.timeline('ada', 10)",
                vec!["t|timeline_events insert"],
            ),
            (
                "update guardian.timeline_events set importance = 5",
                vec!["t|timeline_events update"],
            ),
            (
                "update guardian.timeline_events set patient_id = made.id('patient ben') where title = 'event 1'",
                vec!["f|timeline_events update", "t|timeline_events update"],
            ),
            (
                "update guardian.timeline_events set importance = 5 where false",
                vec![],
            ),
            (
                "delete from guardian.timeline_events",
                vec!["f|timeline_events delete", "t|timeline_events delete"],
            ),
        ] {
            clinic.run(change).await;
            let mut queued = clinic.rows(take).await;
            queued.sort();
            assert_eq!(queued, expected, "{change}");
        }
    }
}

#[tokio::test]
async fn a_change_that_comes_while_its_dashboard_is_computed_is_computed_later() {
    for clinic in Clinic::on_each_version("invalidation::race").await {
        clinic
            .run("select made.patient('ada'); select made.timeline('ada', 1)")
            .await;
        let writer = clinic.session().await;
        run(&writer, "begin; select made.records('ada')").await;
        // The writer holds the row of the queue, and what it wrote is not to be seen yet.
        clinic.run("set lock_timeout = '5s'").await;
        let process = "select refreshed, waiting from guardian.process_invalidations()";
        assert_eq!(clinic.rows(process).await, ["1|1"], "it stays in the queue");
        let events = "select content #>> '{timeline,events}' from guardian.dashboard_cache";
        assert_eq!(clinic.value(events).await, "1");
        run(&writer, "commit").await;
        assert_eq!(clinic.rows(process).await, ["1|0"]);
        assert_eq!(clinic.value(events).await, "2");
    }
}

#[tokio::test]
async fn who_changes_a_record_does_not_wait_for_a_processor_that_is_busy_with_others() {
    for clinic in Clinic::on_each_version("invalidation::waits").await {
        clinic.run("select made.patient('ada'), made.patient('ben'); select made.timeline('ada', 1), made.timeline('ben', 1)").await;
        // A processor that has computed Ada's dashboard and now takes its time with Ben's.
        clinic
            .run(
                "update guardian.invalidation_queue set queued_at = now() - interval '1 hour' where key = made.id('patient ada');
                 create function made.be_slow() returns trigger language plpgsql as $$
                 begin
                   perform pg_advisory_xact_lock(4711);
                   return new;
                 end $$;
                 create trigger be_slow before insert on guardian.dashboard_cache for each row
                   when (new.patient_id = md5('patient ben')::uuid) execute function made.be_slow()",
            )
            .await;
        let gate = clinic.session().await;
        run(&gate, "select pg_advisory_lock(4711)").await;
        let processor = clinic.session().await;
        let processing = tokio::spawn(async move {
            rows(
                &processor,
                "select refreshed, waiting from guardian.process_invalidations()",
            )
            .await
            .unwrap()
        });
        clinic
            .wait_for("select exists (select 1 from pg_locks where locktype = 'advisory' and objid = 4711 and not granted)")
            .await;
        clinic
            .run("set lock_timeout = '5s'; select made.records('ada')")
            .await;
        // Another processor passes by what this one holds.
        assert_eq!(
            clinic
                .rows("select refreshed, failed, waiting from guardian.process_invalidations()")
                .await,
            ["0|0|2"]
        );
        run(&gate, "select pg_advisory_unlock(4711)").await;
        assert_eq!(processing.await.unwrap(), ["2|1"], "Ada's changed meanwhile");
    }
}

#[tokio::test]
async fn one_that_fails_holds_up_no_other_and_is_tried_again_later() {
    for clinic in Clinic::on_each_version("invalidation::failures").await {
        clinic
            .run(
                "select made.patient('ada'), made.patient('ben');
                 alter table guardian.dashboard_cache add constraint not_ada check (patient_id <> md5('patient ada')::uuid);
                 select made.timeline('ada', 1), made.timeline('ben', 1)",
            )
            .await;
        let process = "select refreshed, failed, waiting from guardian.process_invalidations()";
        assert_eq!(clinic.rows(process).await, ["1|1|1"]);
        let trouble = "select attempts, last_error like '%not_ada%', retry_after > now() from guardian.invalidation_queue";
        assert_eq!(clinic.rows(trouble).await, ["1|t|t"]);
        assert_eq!(clinic.rows(process).await, ["0|0|1"], "not before its time");
        clinic
            .run("alter table guardian.dashboard_cache drop constraint not_ada; update guardian.invalidation_queue set retry_after = now()")
            .await;
        assert_eq!(clinic.rows(process).await, ["1|0|0"]);
    }
}

#[tokio::test]
async fn a_round_keeps_to_its_limits_and_begins_with_what_waits_longest() {
    for clinic in Clinic::on_each_version("invalidation::limits").await {
        clinic.run(PATIENTS).await;
        clinic.run(LOAD).await;
        clinic
            .run("update guardian.invalidation_queue set queued_at = now() - interval '1 day' where key = made.id('patient p7')")
            .await;
        assert_eq!(
            clinic
                .rows("select refreshed, waiting from guardian.process_invalidations(1)")
                .await,
            ["1|49"]
        );
        assert_eq!(
            clinic
                .value("select patient_id = made.id('patient p7') from guardian.dashboard_cache")
                .await,
            "t"
        );
        let no_time = "select refreshed, waiting from guardian.process_invalidations(100, -1)";
        assert_eq!(clinic.rows(no_time).await, ["0|49"]);
        clinic.run("delete from guardian.patients").await;
        let removed = "select refreshed, failed, waiting from guardian.process_invalidations()";
        assert_eq!(
            clinic.rows(removed).await,
            ["50|0|0"],
            "there is nothing to compute for who is gone"
        );
        assert_eq!(
            clinic
                .number("select count(*) from guardian.dashboard_cache")
                .await,
            0
        );
    }
}
