//! Who may see and change what.

use crate::clinic::{Clinic, rows, run, value};

/// Three patients with a record each; Dee may read Ada's and write Ben's, and could once see Cleo's.
const PEOPLE: &str = "
    select made.patient('ada'), made.patient('ben'), made.patient('cleo'), made.provider('dee'), made.provider('eve');
    select made.records('ada'), made.records('ben'), made.records('cleo');
    select made.access('ada', 'dee', 'read'), made.access('ben', 'dee', 'write', '30 days'),
           made.access('cleo', 'dee', 'write', '1 day');
    select made.access('cleo', 'eve', 'write', null, true);
    insert into guardian.profiles (profile_id, role, full_name, email) values (made.id('root'), 'admin', 'Root', 'root@example.org')";

/// The tables of a record, of which each of the three patients has one row.
const RECORD: [&str; 7] = [
    "clinical_events",
    "documents",
    "timeline_events",
    "medications",
    "conditions",
    "allergies",
    "lab_results",
];

async fn clinics(test: &str) -> Vec<Clinic> {
    let clinics = Clinic::on_each_version(&format!("policies::{test}")).await;
    for clinic in &clinics {
        clinic.run(PEOPLE).await;
    }
    clinics
}

#[tokio::test]
async fn a_patient_sees_the_own_record_and_a_provider_those_that_are_granted_now() {
    for clinic in clinics("reading").await {
        let id = async |name: &str| clinic.value(&format!("select made.id('patient {name}')")).await;
        let (ada, ben) = (id("ada").await, id("ben").await);
        let mut granted = vec![ada.clone(), ben.clone()];
        granted.sort();
        for table in RECORD.into_iter().chain(["patients"]) {
            let all = format!("select patient_id from guardian.{table} order by patient_id");
            assert_eq!(clinic.seen("ada", &all).await.join(" "), ada, "{table}");
            assert_eq!(clinic.seen("dee", &all).await, granted, "{table}");
            assert_eq!(
                clinic.seen("eve", &all).await,
                [""; 0],
                "{table}: a revoked grant"
            );
            assert_eq!(
                clinic.seen("root", &all).await,
                [""; 0],
                "{table}: an administrator"
            );
            assert_eq!(clinic.seen("nobody", &all).await, [""; 0], "{table}: a stranger");
        }
    }
}

#[tokio::test]
async fn a_request_without_a_token_sees_nothing_and_anonymous_ones_may_not_ask() {
    for clinic in clinics("anonymous").await {
        let session = clinic.session().await;
        run(&session, "begin; set local role authenticated").await;
        assert_eq!(
            value(&session, "select count(*) from guardian.patients").await,
            "0"
        );
        run(&session, "rollback; begin; set local role anon").await;
        let refused = rows(&session, "select count(*) from guardian.patients")
            .await
            .unwrap_err();
        assert_eq!(refused.code().unwrap().code(), "42501", "{refused}");
    }
}

#[tokio::test]
async fn only_who_may_write_adds_to_a_record_and_nobody_moves_it() {
    let note = |patient: &str| {
        format!(
            "insert into guardian.allergies (patient_id, substance, reaction, severity, noted_at)
             values (md5('patient {patient}')::uuid, 'nuts', 'rash', 'mild', now())"
        )
    };
    for clinic in clinics("writing").await {
        clinic.seen("ada", &note("ada")).await;
        clinic.seen("dee", &note("ben")).await;
        for (user, patient) in [
            ("ada", "ben"),
            ("dee", "ada"),
            ("dee", "cleo"),
            ("eve", "cleo"),
            ("root", "ada"),
        ] {
            let refusal = clinic.refused(user, &note(patient)).await;
            assert!(
                refusal.starts_with("42501 new row violates"),
                "{user} for {patient}: {refusal}"
            );
        }
        let change = "update guardian.allergies set reaction = 'none' returning 1";
        assert_eq!(clinic.seen("dee", change).await.len(), 2, "those of ben");
        let moved = "update guardian.allergies set patient_id = md5('patient ben')::uuid";
        assert!(clinic.refused("ada", moved).await.starts_with("42501"));
        let removed = "delete from guardian.allergies";
        assert!(
            clinic
                .refused("ada", removed)
                .await
                .starts_with("42501 permission denied")
        );
        assert_eq!(clinic.number("select count(*) from guardian.allergies").await, 5);
    }
}

#[tokio::test]
async fn grants_are_given_and_revoked_by_the_patient_and_work_at_once() {
    for clinic in clinics("grants").await {
        let grant = "insert into guardian.access_grants (patient_id, provider_id, level)
                     values (md5('patient ada')::uuid, md5('provider eve')::uuid, 'read')";
        assert!(
            clinic.refused("eve", grant).await.starts_with("42501"),
            "eve helps herself"
        );
        clinic.seen("ada", grant).await;
        let count = "select count(*) from guardian.lab_results";
        assert_eq!(clinic.seen("eve", count).await, ["1"]);
        let longer = "update guardian.access_grants set level = 'write' returning 1";
        assert_eq!(
            clinic.seen("eve", longer).await,
            [""; 0],
            "she sees the grant and cannot change it"
        );
        let revoke = "update guardian.access_grants set revoked_at = now() where provider_id = md5('provider eve')::uuid";
        clinic.seen("ada", revoke).await;
        assert_eq!(clinic.seen("eve", count).await, ["0"]);
    }
}

#[tokio::test]
async fn nobody_changes_the_own_role_and_the_machinery_is_closed() {
    for clinic in clinics("closed").await {
        let promote = "update guardian.profiles set role = 'admin'";
        assert!(
            clinic
                .refused("ada", promote)
                .await
                .starts_with("42501 permission denied")
        );
        let rename = "update guardian.profiles set full_name = 'Ada L.' returning email";
        assert_eq!(clinic.seen("ada", rename).await, ["ada@example.org"]);
        for closed in [
            "jobs",
            "invalidation_queue",
            "view_refresh_queue",
            "bulk_operations",
            "data_quality",
            "job_summary",
        ] {
            let refusal = clinic
                .refused("dee", &format!("select * from guardian.{closed}"))
                .await;
            assert!(refusal.starts_with("42501"), "{closed}: {refusal}");
        }
        for closed in [
            "claim_job('x')",
            "begin_bulk('x')",
            "remove_orphans()",
            "refresh_dashboard(null)",
        ] {
            let refusal = clinic.refused("dee", &format!("select guardian.{closed}")).await;
            assert!(refusal.starts_with("42501"), "{closed}: {refusal}");
        }
    }
}

#[tokio::test]
async fn an_administrator_sees_people_and_the_audit_log_that_names_who_changed_what() {
    for clinic in clinics("audit").await {
        clinic.run("truncate guardian.audit_log").await;
        clinic
            .seen(
                "dee",
                "update guardian.conditions set severity = 'severe', status = 'chronic'",
            )
            .await;
        let log = "select actor_id = md5('dee')::uuid, action, table_name, record_id = md5('conditions ben')::uuid, details
                   from guardian.audit_log";
        let expected = ["t|update|conditions|t|{\"columns\": [\"severity\", \"status\"]}"];
        assert_eq!(clinic.seen("root", log).await, expected);
        assert_eq!(clinic.seen("dee", log).await, [""; 0]);
        assert_eq!(
            clinic
                .seen("root", "select count(*) from guardian.profiles")
                .await,
            ["6"]
        );
        assert_eq!(
            clinic.seen("ada", "select count(*) from guardian.profiles").await,
            ["3"],
            "herself and the providers"
        );
    }
}

/// The fault of most policies: a function that is called for each row.
#[tokio::test]
async fn a_policy_asks_once_for_each_statement_however_many_rows_there_are() {
    for clinic in clinics("once").await {
        clinic.run("select made.timeline('ada', 2000), made.timeline('ben', 2000); analyze guardian.timeline_events").await;
        let session = clinic.session().await;
        let dee = clinic.value("select made.id('dee')").await;
        run(
            &session,
            &format!(
                "set track_functions = 'all'; begin; set local role authenticated;
                 select set_config('request.jwt.claims', '{{\"sub\":\"{dee}\"}}', true)"
            ),
        )
        .await;
        assert_eq!(
            value(&session, "select count(*) from guardian.timeline_events").await,
            "4002"
        );
        run(&session, "reset role").await;
        let calls = "select string_agg(funcname || ' ' || calls, ', ') from pg_stat_xact_user_functions
                     where schemaname = 'guardian' and funcname = 'readable_patients'";
        assert_eq!(value(&session, calls).await, "readable_patients 1");
    }
}

#[tokio::test]
async fn the_application_s_back_end_sees_and_changes_everything() {
    for clinic in clinics("service").await {
        let session = clinic.session().await;
        run(&session, "set role service_role").await;
        for table in RECORD {
            assert_eq!(
                value(&session, &format!("select count(*) from guardian.{table}")).await,
                "3"
            );
        }
        run(
            &session,
            "select guardian.enqueue_job('x'); select guardian.claim_job('w'); select guardian.complete_job(1, 'w');
             select guardian.process_invalidations(); select guardian.process_view_refreshes();
             select guardian.remove_orphans(); select guardian.shard_balance(); select guardian.ensure_partitions(4);
             delete from guardian.patients",
        )
        .await;
        assert_eq!(
            value(&session, "select count(*) from guardian.timeline_events").await,
            "0"
        );
    }
}
