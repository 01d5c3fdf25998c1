//! Orphans: all that were planted are found, and nothing else is; nothing else is removed.

use crate::clinic::{Clinic, run};

/// For every relationship type six relationships that are whole, and an orphan of each sort. Beside them is kept what was
/// planted.
const PLANT: &str = "
    select made.patient('ada');
    select made.records('r' || n, 'ada') from generate_series(1, 6) as n;
    create table made.planted as
    select t.relationship_type, p.missing,
           made.id(case when p.missing in ('source', 'both') then 'no source ' || t.relationship_type || p.missing
                        else t.source_table || ' ' || p.record end) as source_id,
           made.id(case when p.missing in ('target', 'both') then 'no target ' || t.relationship_type || p.missing
                        else t.target_table || ' ' || p.record end) as target_id
      from guardian.relationship_types as t
      cross join (
        select 'r' || n as record, 'nothing' as missing from generate_series(1, 6) as n
        union all values ('r1', 'source'), ('r2', 'target'), ('r3', 'both')
      ) as p;
    select guardian.begin_bulk('plants orphans');
    insert into guardian.record_relationships (relationship_type, patient_id, source_id, target_id)
    select relationship_type, made.id('patient ada'), source_id, target_id from made.planted;
    select guardian.end_bulk()";
const FOUND: &str = "select relationship_type, missing, source_id, target_id from guardian.find_orphans() order by 1, 2, 3, 4";
const PLANTED: &str = "select relationship_type, missing, source_id, target_id from made.planted
                       where missing <> 'nothing' order by 1, 2, 3, 4";
const LEFT: &str =
    "select relationship_type, source_id, target_id from guardian.record_relationships order by 1, 2, 3";
const WHOLE: &str = "select relationship_type, source_id, target_id from made.planted where missing = 'nothing' order by 1, 2, 3";

async fn planted(test: &str) -> Vec<Clinic> {
    let clinics = Clinic::on_each_version(&format!("orphans::{test}")).await;
    for clinic in &clinics {
        clinic.run(PLANT).await;
    }
    clinics
}

#[tokio::test]
async fn exactly_the_orphans_that_were_planted_are_found_over_all_relationship_types() {
    for clinic in planted("found").await {
        let types = clinic
            .number("select count(*) from guardian.relationship_types")
            .await;
        assert!(types >= 8);
        let found = clinic.rows(FOUND).await;
        assert_eq!(i64::try_from(found.len()).unwrap(), 3 * types);
        assert_eq!(found, clinic.rows(PLANTED).await);
        let tables = "select count(*) from guardian.find_orphans() join guardian.relationship_types as t using (relationship_type)
                      where (t.source_table, t.target_table) is distinct from (find_orphans.source_table, find_orphans.target_table)";
        assert_eq!(clinic.number(tables).await, 0);
    }
}

#[tokio::test]
async fn a_record_that_is_removed_makes_orphans_of_all_its_relationships() {
    for clinic in planted("removed").await {
        let before = clinic.rows(FOUND).await.len();
        clinic
            .run("delete from guardian.conditions where condition_id = made.id('conditions r5')")
            .await;
        let types = clinic
            .number("select count(*) from guardian.relationship_types where 'conditions' in (source_table, target_table)")
            .await;
        assert!(types >= 3);
        let found = clinic.rows(FOUND).await.len() - before;
        assert_eq!(i64::try_from(found).unwrap(), types);
    }
}

#[tokio::test]
async fn the_clean_up_removes_orphans_in_batches_and_only_orphans() {
    for clinic in planted("clean_up").await {
        let remove = "select removed, batches, finished from guardian.remove_orphans(2)";
        // Eight types with three orphans each: two batches for a type.
        assert_eq!(clinic.rows(remove).await, ["24|16|t"]);
        assert_eq!(clinic.rows(LEFT).await, clinic.rows(WHOLE).await);
        assert_eq!(clinic.rows(FOUND).await, [""; 0]);
        assert_eq!(clinic.rows(remove).await, ["0|8|t"]);
        let journal = "select count(*), sum((details ->> 'rows')::int8) from guardian.audit_log where action = 'remove_orphans'";
        assert_eq!(clinic.rows(journal).await, ["8|24"]);
    }
}

#[tokio::test]
async fn the_clean_up_stops_when_its_time_is_over_and_goes_on_the_next_time() {
    for clinic in planted("budget").await {
        let no_time = "select removed, finished from guardian.remove_orphans(10, -1)";
        assert_eq!(clinic.rows(no_time).await, ["0|f"]);
        // A removal that takes longer than the time that there is: what is begun is finished, and nothing else begun.
        clinic
            .run(
                "create function made.be_slow() returns trigger language plpgsql as $$
                 begin
                   perform pg_sleep(0.2);
                   return old;
                 end $$;
                 create trigger be_slow before delete on guardian.record_relationships for each row execute function made.be_slow()",
            )
            .await;
        let short = "select removed, batches, finished from guardian.remove_orphans(1, 100)";
        assert_eq!(clinic.rows(short).await, ["1|1|f"]);
        clinic
            .run("drop trigger be_slow on guardian.record_relationships")
            .await;
        assert_eq!(
            clinic
                .rows("select removed, finished from guardian.remove_orphans()")
                .await,
            ["23|t"]
        );
        assert!(
            clinic
                .refusal("select guardian.remove_orphans(0)")
                .await
                .contains("in batches of 0")
        );
    }
}

#[tokio::test]
async fn nothing_is_removed_while_a_load_may_still_bring_the_other_end() {
    for clinic in planted("open_bulk").await {
        let loader = clinic.session().await;
        run(&loader, "select guardian.begin_bulk('a load')").await;
        let remove = "select removed, finished from guardian.remove_orphans()";
        assert_eq!(clinic.rows(remove).await, ["0|f"]);
        run(&loader, "select guardian.end_bulk()").await;
        assert_eq!(clinic.rows(remove).await, ["24|t"]);
    }
}

#[tokio::test]
async fn the_summary_counts_them_by_type_and_end_once_it_is_refreshed() {
    for clinic in planted("summary").await {
        let refreshed = "select view_name, refreshed from guardian.process_view_refreshes()";
        assert_eq!(
            clinic.rows(refreshed).await,
            ["orphan_summary|t"],
            "the end of the load noted it"
        );
        let summary = "select count(*), sum(orphans), min(orphans), count(distinct missing) from guardian.orphan_summary";
        assert_eq!(clinic.rows(summary).await, ["24|24|1|3"]);
        clinic.run("select guardian.remove_orphans()").await;
        assert_eq!(clinic.rows(refreshed).await, ["orphan_summary|t"]);
        assert_eq!(clinic.rows(summary).await, ["0|||0"]);
    }
}

#[tokio::test]
async fn a_relationship_is_made_only_between_records_of_its_tables_and_patient() {
    for clinic in planted("checks").await {
        clinic
            .run("select made.patient('ben'); select made.records('ben')")
            .await;
        let relate = |patient: &str, source: &str, target: &str| {
            format!(
                "insert into guardian.record_relationships (relationship_type, patient_id, source_id, target_id)
                 values ('medication_treats_condition', made.id('patient {patient}'), made.id('{source}'), made.id('{target}'))"
            )
        };
        clinic
            .run(&relate("ben", "medications ben", "conditions ben"))
            .await;
        for (patient, source, target, refused) in [
            (
                "ben",
                "nothing",
                "conditions ben",
                "no source in table medications",
            ),
            (
                "ben",
                "medications ben",
                "nothing",
                "no target in table conditions",
            ),
            (
                "ben",
                "conditions ben",
                "medications ben",
                "no source in table medications",
            ),
            (
                "ben",
                "medications r1",
                "conditions ben",
                "no source in table medications of its patient",
            ),
        ] {
            let refusal = clinic.refusal(&relate(patient, source, target)).await;
            assert!(
                refusal.starts_with("23503") && refusal.contains(refused),
                "{refusal}"
            );
        }
        for table in ["jobs", "audit_log", "profiles", "nowhere"] {
            let declare =
                format!("insert into guardian.relationship_types values ('x', 'documents', '{table}', 'x')");
            let refusal = clinic.refusal(&declare).await;
            assert!(
                refusal.starts_with("23514 relationship type x cannot join table"),
                "{refusal}"
            );
        }
    }
}
