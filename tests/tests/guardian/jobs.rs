//! The job queue: every job is done once, whoever dies on the way.

use std::collections::BTreeSet;

use crate::clinic::{Clinic, rows, run, value};

#[tokio::test]
async fn workers_that_claim_at_once_get_every_job_exactly_once() {
    for clinic in Clinic::on_each_version("jobs::workers").await {
        clinic
            .run("select guardian.enqueue_job('work') from generate_series(1, 200)")
            .await;
        let mut workers = Vec::new();
        for number in 0..8 {
            let session = clinic.session().await;
            workers.push(tokio::spawn(async move {
                let mut done = Vec::new();
                loop {
                    let claim = format!("select job_id from guardian.claim_job('worker {number}')");
                    let claimed = rows(&session, &claim).await.unwrap();
                    let Some(job) = claimed.first() else { return done };
                    let complete = format!("select guardian.complete_job({job}, 'worker {number}')");
                    assert_eq!(value(&session, &complete).await, "t");
                    done.push(job.clone());
                }
            }));
        }
        let mut done = Vec::new();
        for worker in workers {
            done.extend(worker.await.unwrap());
        }
        assert_eq!(done.len(), 200);
        assert_eq!(done.into_iter().collect::<BTreeSet<_>>().len(), 200);
        let left = "select count(*) from guardian.jobs where state <> 'done' or attempts <> 1 or locked_by is not null";
        assert_eq!(clinic.number(left).await, 0);
    }
}

#[tokio::test]
async fn a_worker_does_not_wait_for_a_job_that_another_is_claiming() {
    for clinic in Clinic::on_each_version("jobs::waiting").await {
        clinic
            .run("select guardian.enqueue_job('first', priority => 1), guardian.enqueue_job('second')")
            .await;
        let other = clinic.session().await;
        run(&other, "begin; select guardian.claim_job('slow')").await;
        clinic.run("set lock_timeout = '2s'").await;
        assert_eq!(
            clinic.value("select kind from guardian.claim_job('quick')").await,
            "second"
        );
        run(&other, "rollback").await;
        assert_eq!(
            clinic.value("select kind from guardian.claim_job('quick')").await,
            "first"
        );
    }
}

#[tokio::test]
async fn priority_age_kind_and_time_decide_which_is_next() {
    for clinic in Clinic::on_each_version("jobs::order").await {
        clinic
            .run(
                "select guardian.enqueue_job('old'), guardian.enqueue_job('older', run_after => now() - interval '1 hour'),
                        guardian.enqueue_job('urgent', priority => 9), guardian.enqueue_job('slow', priority => -1),
                        guardian.enqueue_job('later', priority => 99, run_after => now() + interval '1 hour')",
            )
            .await;
        let mut order = Vec::new();
        order.extend(
            clinic
                .rows("select kind from guardian.claim_job('w', array['slow', 'later'])")
                .await,
        );
        for _ in 0..4 {
            order.extend(clinic.rows("select kind from guardian.claim_job('w')").await);
        }
        assert_eq!(order, ["slow", "urgent", "older", "old"]);
    }
}

#[tokio::test]
async fn a_job_that_fails_waits_longer_each_time_and_is_dead_after_its_last_attempt() {
    for clinic in Clinic::on_each_version("jobs::failures").await {
        clinic
            .run("select guardian.enqueue_job('bad', maximum_attempts => 3)")
            .await;
        let mut waits = Vec::new();
        for attempt in 1..=3 {
            assert_eq!(
                clinic.value("select attempts from guardian.claim_job('w')").await,
                attempt.to_string()
            );
            let state = clinic.value("select guardian.fail_job(1, 'w', 'no paper')").await;
            assert_eq!(state, if attempt < 3 { "queued" } else { "dead" });
            if attempt < 3 {
                waits.push(
                    clinic
                        .value("select round(extract(epoch from run_after - now())) from guardian.jobs")
                        .await,
                );
                assert_eq!(
                    clinic.rows("select 1 from guardian.claim_job('w')").await,
                    [""; 0],
                    "not before its time"
                );
                clinic.run("update guardian.jobs set run_after = now()").await;
            }
        }
        assert_eq!(waits, ["10", "20"]);
        let dead = "select state, attempts, last_error, finished_at is not null from guardian.jobs";
        assert_eq!(clinic.rows(dead).await, ["dead|3|no paper|t"]);
        assert_eq!(
            clinic
                .rows("select kind, state, jobs, most_attempts from guardian.job_summary")
                .await,
            ["bad|dead|1|3"]
        );
        assert_eq!(
            clinic.value("select guardian.revive_dead_jobs('other')").await,
            "0"
        );
        assert_eq!(clinic.value("select guardian.revive_dead_jobs('bad')").await, "1");
        assert_eq!(
            clinic.value("select attempts from guardian.claim_job('w')").await,
            "1"
        );
    }
}

#[tokio::test]
async fn a_job_whose_worker_died_is_done_by_another_and_not_ended_by_the_first() {
    for clinic in Clinic::on_each_version("jobs::leases").await {
        clinic
            .run("select guardian.enqueue_job('work', maximum_attempts => 2)")
            .await;
        let claim = "select attempts from guardian.claim_job('first', lease_seconds => 3600)";
        assert_eq!(clinic.value(claim).await, "1");
        assert_eq!(
            clinic.rows("select 1 from guardian.claim_job('second')").await,
            [""; 0],
            "it is leased"
        );
        let expire = "update guardian.jobs set locked_until = now() - interval '1 second'";
        clinic.run(expire).await;
        assert_eq!(
            clinic
                .value("select attempts from guardian.claim_job('second')")
                .await,
            "2"
        );
        assert_eq!(
            clinic.value("select guardian.complete_job(1, 'first')").await,
            "f"
        );
        assert_eq!(
            clinic.rows("select guardian.fail_job(1, 'first', 'x')").await,
            [""],
            "null: it is not the first's"
        );
        clinic.run(expire).await;
        assert_eq!(clinic.value("select guardian.release_expired_jobs()").await, "1");
        let dead = "select state, last_error from guardian.jobs";
        assert_eq!(
            clinic.rows(dead).await,
            ["dead|the lease of worker second ran out"]
        );
    }
}

#[tokio::test]
async fn jobs_that_are_done_are_removed_in_bites_and_dead_ones_stay() {
    for clinic in Clinic::on_each_version("jobs::removal").await {
        clinic
            .run(
                "insert into guardian.jobs (kind, state, finished_at)
                 select 'old', 'done', now() - interval '8 days' from generate_series(1, 30)
                 union all select 'new', 'done', now() union all select 'dead', 'dead', now() - interval '80 days'",
            )
            .await;
        assert_eq!(
            clinic.value("select guardian.remove_finished_jobs(7, 20)").await,
            "20"
        );
        assert_eq!(
            clinic.value("select guardian.remove_finished_jobs(7, 20)").await,
            "10"
        );
        assert_eq!(
            clinic.rows("select kind from guardian.jobs order by kind").await,
            ["dead", "new"]
        );
    }
}
