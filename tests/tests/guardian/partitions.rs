//! Partitions by month: made ahead, also when rows came first.

use crate::clinic::Clinic;

const MONTHS: &str =
    "select count(*) from pg_class where relnamespace = 'guardian'::regnamespace and relispartition
                      and relkind = 'r' and relname ~ '^audit_log_[0-9]{6}$'";

#[tokio::test]
async fn months_are_made_ahead_once_and_back_to_a_day() {
    for clinic in Clinic::on_each_version("partitions::ahead").await {
        assert_eq!(clinic.number(MONTHS).await, 4, "this month and three more");
        assert_eq!(clinic.value("select guardian.ensure_partitions(3)").await, "0");
        assert_eq!(
            clinic.value("select guardian.ensure_partitions(5)").await,
            "4",
            "two months of two tables"
        );
        // The first of a month, so that no day of the month is missing.
        clinic.run("select guardian.ensure_partitions(0, date_trunc('month', now(), 'UTC') - interval '24 months')").await;
        assert_eq!(clinic.number(MONTHS).await, 24 + 6);
        assert!(
            clinic
                .refusal("select guardian.ensure_partitions(-1)")
                .await
                .contains("-1 months ahead")
        );
    }
}

#[tokio::test]
async fn rows_without_a_month_are_kept_and_moved_to_it_when_it_is_made() {
    for clinic in Clinic::on_each_version("partitions::moved").await {
        clinic
            .run(
                "insert into guardian.audit_log (occurred_at, action, table_name)
                 select timestamptz '2020-03-31 23:59:59.999999+00' + n * interval '1 microsecond', 'x', n::text
                   from generate_series(0, 1) as n",
            )
            .await;
        let places = "select tableoid::regclass, table_name from guardian.audit_log order by table_name";
        assert_eq!(
            clinic.rows(places).await,
            ["guardian.audit_log_default|0", "guardian.audit_log_default|1"]
        );
        // Whatever the session's zone: months are those of UTC.
        clinic
            .run("set timezone = 'Pacific/Auckland'; select guardian.ensure_partitions(0, '2020-03-15')")
            .await;
        assert_eq!(
            clinic.rows(places).await,
            ["guardian.audit_log_202003|0", "guardian.audit_log_202004|1"]
        );
    }
}

#[tokio::test]
async fn a_partition_cannot_be_read_past_the_policies_of_its_table() {
    for clinic in Clinic::on_each_version("partitions::secured").await {
        clinic
            .run("select made.patient('ada'); select guardian.ensure_partitions(6)")
            .await;
        let partitions = clinic
            .rows("select relname from pg_class where relnamespace = 'guardian'::regnamespace and relispartition and relkind = 'r'")
            .await;
        assert!(partitions.len() >= 16, "{partitions:?}");
        for partition in partitions {
            let refusal = clinic
                .refused("ada", &format!("select * from guardian.{partition}"))
                .await;
            assert!(refusal.starts_with("42501"), "{partition}: {refusal}");
        }
    }
}
