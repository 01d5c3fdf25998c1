//! Bulk mode: what it leaves out, what it never leaves out, and that it is found out when nobody ends it.

use crate::clinic::{Clinic, rows, run, value};

const PEOPLE: &str =
    "select made.patient('ada'); select made.records('ada'); delete from guardian.invalidation_queue;
                      truncate guardian.audit_log";
/// A load with two documents that wait for their processing, and a relationship to nowhere.
const LOAD: &str = "
    insert into guardian.documents (patient_id, kind, title, body, file_size_bytes)
    select made.id('patient ada'), 'letter', 'loaded', 'loaded', 1 from generate_series(1, 2);
    insert into guardian.record_relationships (relationship_type, patient_id, source_id, target_id)
    values ('medication_treats_condition', made.id('patient ada'), made.id('nowhere'), made.id('conditions ada'))";

#[tokio::test]
async fn it_leaves_out_what_is_done_for_each_row_and_reports_what_came_of_it() {
    for clinic in Clinic::on_each_version("bulk::reported").await {
        clinic.run(PEOPLE).await;
        assert!(
            clinic.refusal(LOAD).await.starts_with("23503"),
            "not without bulk mode"
        );

        let operation = clinic.value("select guardian.begin_bulk('an import')").await;
        clinic.run(LOAD).await;
        clinic.run("delete from guardian.conditions").await;
        let ended = clinic
            .rows("select bulk_operation_id, rows_changed, orphans from guardian.end_bulk()")
            .await;
        assert_eq!(ended, [format!("{operation}|4|1")]);
        assert_eq!(clinic.number("select count(*) from guardian.jobs").await, 0);
        let audit = "select action, table_name, details from guardian.audit_log";
        let details = format!("{{\"rows\": 4, \"orphans\": 1, \"bulk_operation_id\": {operation}}}");
        assert_eq!(
            clinic.rows(audit).await,
            [format!("bulk|bulk_operations|{details}")]
        );
        assert_eq!(
            clinic.value("select missing from guardian.find_orphans()").await,
            "both"
        );
        let journal = "select outcome, rows_changed, orphans, seconds >= 0, rows_per_second > 0, advice from guardian.bulk_performance";
        let advice = "remove its orphans: select * from guardian.remove_orphans()";
        assert_eq!(clinic.rows(journal).await, [format!("finished|4|1|t|t|{advice}")]);
        // The dashboards are noted all the same.
        assert_eq!(
            clinic
                .number("select count(*) from guardian.invalidation_queue")
                .await,
            1
        );

        // And the session is as it was before.
        assert!(clinic.refusal(LOAD).await.starts_with("23503"));
    }
}

#[tokio::test]
async fn it_belongs_to_one_session_and_is_not_begun_twice_or_ended_by_another() {
    for clinic in Clinic::on_each_version("bulk::sessions").await {
        clinic.run(PEOPLE).await;
        let first = clinic.value("select guardian.begin_bulk('first')").await;
        let refusal = clinic.refusal("select guardian.begin_bulk('again')").await;
        assert_eq!(
            refusal,
            format!("55006 the session is in bulk mode already, for operation {first}")
        );
        let other = clinic.session().await;
        let refused = rows(&other, "select guardian.end_bulk()").await.unwrap_err();
        assert_eq!(refused.code().unwrap().code(), "55000", "{refused}");
        assert!(
            rows(&other, LOAD).await.is_err(),
            "the other session is not in bulk mode"
        );
        let wrong = clinic.refusal("select guardian.end_bulk(4711)").await;
        assert_eq!(wrong, "55000 the session is not in bulk mode for operation 4711");
        assert_eq!(
            clinic
                .value("select outcome from guardian.bulk_performance")
                .await,
            "running"
        );
        clinic.run("select guardian.end_bulk()").await;
    }
}

#[tokio::test]
async fn what_is_rolled_back_leaves_the_session_out_of_bulk_mode() {
    for clinic in Clinic::on_each_version("bulk::rolled_back").await {
        clinic.run(PEOPLE).await;
        clinic
            .run("begin; select guardian.begin_bulk('undone'); rollback")
            .await;
        assert_eq!(clinic.value("select guardian.in_bulk_mode()").await, "f");
        assert_eq!(
            clinic
                .number("select count(*) from guardian.bulk_operations")
                .await,
            0
        );
        clinic
            .run("select guardian.begin_bulk('done'); select guardian.end_bulk()")
            .await;
    }
}

#[tokio::test]
async fn a_load_whose_session_is_gone_is_closed_with_its_orphans_counted() {
    for clinic in Clinic::on_each_version("bulk::abandoned").await {
        clinic.run(PEOPLE).await;
        let loader = clinic.session().await;
        let backend = value(&loader, "select pg_backend_pid()").await;
        run(&loader, "select guardian.begin_bulk('interrupted')").await;
        run(&loader, LOAD).await;
        assert_eq!(
            clinic.number("select guardian.close_abandoned_bulk()").await,
            0,
            "it is there"
        );
        drop(loader);
        clinic
            .wait_for(&format!(
                "select not exists (select 1 from pg_stat_activity where pid = {backend})"
            ))
            .await;
        assert_eq!(
            clinic
                .value("select outcome from guardian.bulk_performance")
                .await,
            "abandoned"
        );
        // The next load closes it, and so does the clean-up.
        clinic
            .run("select guardian.begin_bulk('next'); select guardian.end_bulk()")
            .await;
        let journal = "select reason, outcome, orphans from guardian.bulk_operations order by 1";
        assert_eq!(
            clinic.rows(journal).await,
            ["interrupted|abandoned|1", "next|finished|1"]
        );
        assert_eq!(
            clinic
                .rows("select removed, finished from guardian.remove_orphans()")
                .await,
            ["1|t"]
        );
    }
}

#[tokio::test]
async fn a_user_who_sets_the_switch_bypasses_nothing() {
    for clinic in Clinic::on_each_version("bulk::spoofed").await {
        clinic.run(PEOPLE).await;
        let relate = "insert into guardian.record_relationships (relationship_type, patient_id, source_id, target_id)
                      values ('medication_treats_condition', md5('patient ada')::uuid, md5('nowhere')::uuid, md5('conditions ada')::uuid)";
        let note = "insert into guardian.allergies (patient_id, substance, reaction, severity, noted_at)
                    values (md5('patient ada')::uuid, 'nuts', 'rash', 'mild', now())";
        let switch = "select set_config('guardian.bulk_operation', '1', true)";
        assert!(
            clinic
                .refused("ada", &format!("{switch}; {relate}"))
                .await
                .starts_with("23503")
        );
        clinic.seen("ada", &format!("{switch}; {note}")).await;
        assert_eq!(
            clinic
                .value("select action || ' ' || table_name from guardian.audit_log")
                .await,
            "insert allergies"
        );
    }
}
