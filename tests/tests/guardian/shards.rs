//! Shards: which one a patient is on, and what is advised where they are uneven.

use crate::clinic::Clinic;

/// So many patients as there are, each with one event, on whatever shard their ids lead to.
const EVEN: &str = "
    insert into guardian.profiles (profile_id, role, full_name, email)
    select made.id('even' || n), 'patient', 'x', 'even' || n from generate_series(1, 2000) as n;
    insert into guardian.patients (patient_id, profile_id, date_of_birth, sex, city)
    select made.id('patient even' || n), made.id('even' || n), '1970-01-01', 'unknown', 'x' from generate_series(1, 2000) as n;
    insert into guardian.timeline_events (patient_id, occurred_at, kind, title)
    select patient_id, now(), 'visit', 'x' from guardian.patients, generate_series(1, 10)";
const ADVICE: &str = "select shard, severity, advice from guardian.shard_balance(8)";

#[tokio::test]
async fn a_key_is_always_on_the_same_shard_and_every_shard_is_one_of_them() {
    for clinic in Clinic::on_each_version("shards::stable").await {
        // SHA-256 of 16 zero bytes begins with 37 47 08 ff: 927402239.
        let zero = "'00000000-0000-0000-0000-000000000000'";
        for (shards, expected) in [(10_i64, "10"), (7, "2"), (1, "1"), (4_000_000_000, "927402240")] {
            let shard = format!("select guardian.shard_of({zero}, {shards})");
            assert_eq!(clinic.value(&shard).await, expected, "of {shards}");
        }
        // The beginning of a hash is a number without a sign: half of them would be negative with one.
        let range = "select min(shard), max(shard), count(distinct shard)
                     from (select guardian.shard_of(made.id(n::text), 10) as shard from generate_series(1, 10000) as n) as s";
        assert_eq!(clinic.rows(range).await, ["1|10|10"]);
        // Each of ten has its tenth, give or take four standard deviations (30).
        let fewest = "select min(number) > 880 and max(number) < 1120 from (
                        select count(*) as number from generate_series(1, 10000) as n group by guardian.shard_of(made.id(n::text), 10)
                      ) as s";
        assert_eq!(clinic.value(fewest).await, "t");
        // Twice as many split each in two.
        let moved = "select count(*) from generate_series(1, 1000) as n
                     where guardian.shard_of(made.id(n::text), 20) not in (
                       guardian.shard_of(made.id(n::text), 10), guardian.shard_of(made.id(n::text), 10) + 10
                     )";
        assert_eq!(clinic.number(moved).await, 0);
    }
}

#[tokio::test]
async fn even_shards_need_nothing() {
    for clinic in Clinic::on_each_version("shards::even").await {
        let few = clinic
            .rows("select distinct severity, advice from guardian.shard_balance(8)")
            .await;
        assert_eq!(
            few,
            ["unknown|there are too few patients to judge: it takes 20 to a shard"]
        );
        clinic.run(EVEN).await;
        assert_eq!(
            clinic
                .rows("select distinct severity, advice from guardian.shard_balance(8)")
                .await,
            ["ok|nothing to do"]
        );
        let sums = "select count(*), sum(patients), sum(records), round(avg(of_mean)::numeric, 6) from guardian.shard_balance(8)";
        assert_eq!(clinic.rows(sums).await, ["8|2000|20000|1.000000"]);
        assert!(
            clinic
                .refusal("select guardian.shard_balance(1)")
                .await
                .contains("cannot compare 1 shards")
        );
    }
}

#[tokio::test]
async fn one_giant_patient_is_given_a_shard_because_splitting_would_not_help() {
    for clinic in Clinic::on_each_version("shards::giant").await {
        clinic.run(EVEN).await;
        let giant = "made.id('patient even7')";
        clinic
            .run(&format!(
                "insert into guardian.timeline_events (patient_id, occurred_at, kind, title)
                 select {giant}, now(), 'visit', 'x' from generate_series(1, 10000)"
            ))
            .await;
        let first = "select shard = guardian.shard_of(made.id('patient even7'), 8), severity, largest_patient = made.id('patient even7'), advice
                     from guardian.shard_balance(8) limit 1";
        let advised = clinic.rows(first).await;
        assert!(
            advised[0].starts_with("t|warning|t|one patient is 8"),
            "{advised:?}"
        );
        assert!(
            advised[0].contains("a shard of its own; splitting this one would not help"),
            "{advised:?}"
        );
        let others = "select count(*) from guardian.shard_balance(8) where severity <> 'ok'";
        assert_eq!(clinic.number(others).await, 1, "nothing is said of the others");
    }
}

#[tokio::test]
async fn a_crowded_shard_is_split_or_sends_patients_to_the_emptiest() {
    for clinic in Clinic::on_each_version("shards::crowd").await {
        clinic.run(EVEN).await;
        // Three times as much for each patient of shard 3, and nothing for those of shard 5.
        clinic
            .run(
                "insert into guardian.timeline_events (patient_id, occurred_at, kind, title)
                 select patient_id, now(), 'visit', 'x' from guardian.patients, generate_series(1, 20)
                  where guardian.shard_of(patient_id, 8) = 3;
                 delete from guardian.timeline_events where guardian.shard_of(patient_id, 8) = 5",
            )
            .await;
        let advised = clinic.rows(ADVICE).await;
        assert!(
            advised[0].starts_with("3|warning|split it, or move about 1"),
            "{advised:?}"
        );
        assert!(
            advised[0].ends_with("of its patients to shard 5, the emptiest"),
            "{advised:?}"
        );
        // Moving as many as advised evens it out: the mean is what is left.
        let surplus: f64 = advised[0].split(' ').nth(5).unwrap().parse().unwrap();
        let kept = format!(
            "select round((bytes * (1 - {surplus:.1} / patients) / avg_bytes)::numeric, 1)
             from (select *, avg(bytes) over () as avg_bytes from guardian.shard_balance(8)) as s where shard = 3"
        );
        assert_eq!(clinic.value(&kept).await, "1.0");
        assert!(advised[1..].iter().all(|row| row.contains("|ok|")), "{advised:?}");
    }
}

#[tokio::test]
async fn a_shard_that_is_somewhat_fuller_is_watched() {
    for clinic in Clinic::on_each_version("shards::fuller").await {
        clinic.run(EVEN).await;
        clinic
            .run(
                "insert into guardian.timeline_events (patient_id, occurred_at, kind, title)
                 select patient_id, now(), 'visit', 'x' from guardian.patients, generate_series(1, 4)
                  where guardian.shard_of(patient_id, 8) = 3",
            )
            .await;
        let advised = clinic.rows(ADVICE).await;
        assert!(
            advised[0].starts_with("3|info|watch it: to even it out, about "),
            "{advised:?}"
        );
    }
}
