//! Materialised views and the queue of those to refresh.

use crate::clinic::{Clinic, run};

const PROCESS: &str = "select view_name, refreshed from guardian.process_view_refreshes() order by 1";

#[tokio::test]
async fn views_follow_what_was_invalidated_and_requests_never_touch_their_queue() {
    for clinic in Clinic::on_each_version("views::followed").await {
        clinic
            .run("select made.patient('ada'), made.provider('dee'); select made.records('ada')")
            .await;
        clinic
            .run(
                "insert into guardian.provider_interactions (patient_id, provider_id, kind, occurred_at, minutes)
                 values (made.id('patient ada'), made.id('provider dee'), 'visit', '2024-02-10', 20),
                        (made.id('patient ada'), made.id('provider dee'), 'call', '2024-02-20', 5)",
            )
            .await;
        assert_eq!(
            clinic
                .number("select count(*) from guardian.view_refresh_queue")
                .await,
            0
        );
        clinic.run("select guardian.process_invalidations()").await;
        assert_eq!(
            clinic.rows(PROCESS).await,
            ["data_quality|t", "provider_activity|t"]
        );
        assert_eq!(clinic.rows(PROCESS).await, [""; 0]);
        let activity = "select month at time zone 'UTC', interactions, patients, minutes from guardian.provider_activity";
        assert_eq!(clinic.rows(activity).await, ["2024-02-01 00:00:00|2|1|25"]);
        let quality = "select table_name, records from guardian.data_quality where records > 0 order by 1";
        let expected = [
            "clinical_events",
            "conditions",
            "documents",
            "lab_results",
            "medications",
            "timeline_events",
        ];
        assert_eq!(
            clinic.rows(quality).await,
            expected.map(|table| format!("{table}|1"))
        );
    }
}

#[tokio::test]
async fn a_view_that_fails_stays_in_the_queue_and_holds_up_no_other() {
    for clinic in Clinic::on_each_version("views::failures").await {
        clinic
            .run(
                "drop index guardian.data_quality_key;
                 select guardian.queue_view_refresh('data_quality', 'x'), guardian.queue_view_refresh('orphan_summary', 'x')",
            )
            .await;
        assert_eq!(clinic.rows(PROCESS).await, ["data_quality|f", "orphan_summary|t"]);
        let left =
            "select view_name, attempts, last_error like '%concurrently%' from guardian.view_refresh_queue";
        assert_eq!(clinic.rows(left).await, ["data_quality|1|t"]);
        clinic
            .run("create unique index on guardian.data_quality (table_name)")
            .await;
        assert_eq!(clinic.rows(PROCESS).await, ["data_quality|t"]);
    }
}

#[tokio::test]
async fn what_is_queued_twice_is_refreshed_once_and_what_is_no_view_is_refused() {
    for clinic in Clinic::on_each_version("views::queue").await {
        clinic
            .run(
                "select guardian.queue_view_refresh('data_quality', n::text) from generate_series(1, 5) as n",
            )
            .await;
        let queue = "select view_name, generation, reason from guardian.view_refresh_queue";
        assert_eq!(clinic.rows(queue).await, ["data_quality|5|1"]);
        let other = clinic.session().await;
        run(
            &other,
            "begin; select pg_advisory_xact_lock(hashtext('guardian view'), hashtext('data_quality'))",
        )
        .await;
        assert_eq!(
            clinic.rows(PROCESS).await,
            [""; 0],
            "another session refreshes it"
        );
        run(&other, "rollback").await;
        assert_eq!(clinic.rows(PROCESS).await, ["data_quality|t"]);
        for name in ["jobs", "nothing", "data_quality; drop table guardian.jobs"] {
            let refusal = clinic
                .refusal(&format!("select guardian.queue_view_refresh('{name}', 'x')"))
                .await;
            assert!(
                refusal.starts_with("42P01 there is no materialised view"),
                "{refusal}"
            );
        }
    }
}
