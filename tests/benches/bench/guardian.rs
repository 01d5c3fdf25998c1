//! What Guardian's own machinery saves: debounced invalidation against a dashboard computed for each row, bulk mode
//! against the work for each row, and the search for orphans.

use std::time::Instant;

use anyhow::{Context, Result};
use db::SafeUrl;
use integration_tests::{Database, Server};
use tokio_postgres::Client;

use crate::table::Table;

/// 200 patients with one record each, and what their relationships can join.
const PEOPLE: &str = "
    create schema made;
    insert into guardian.profiles (profile_id, role, full_name, email)
    select md5(n::text)::uuid, 'patient', 'x', n || '@example.org' from generate_series(1, 200) as n;
    insert into guardian.patients (patient_id, profile_id, date_of_birth, sex, city)
    select profile_id, profile_id, '1970-01-01', 'unknown', 'x' from guardian.profiles;
    insert into guardian.timeline_events (patient_id, occurred_at, kind, title)
    select patient_id, now(), 'visit', 'x' from guardian.patients, generate_series(1, 50);
    insert into guardian.conditions (patient_id, code_system, code, display, onset_at)
    select patient_id, 'ICD-10-CM', 'E11', 'x', now() from guardian.patients, generate_series(1, 10);
    insert into guardian.medications (patient_id, code_system, code, display, dose, started_at)
    select patient_id, 'RxNorm', '860975', 'x', 'x', now() from guardian.patients, generate_series(1, 10);
    delete from guardian.invalidation_queue;
    vacuum analyze";
/// How often the three ways to keep dashboards right are measured, in turn; the median counts.
const ROUNDS: usize = 5;
/// 5,000 laboratory results, each a transaction of its own, as an import by an application makes them.
const LOAD: &str = "
    do $$ begin
      for n in 1 .. 5000 loop
        insert into guardian.lab_results (patient_id, code, display, value, unit, taken_at)
        values (md5((n % 200 + 1)::text)::uuid, '2345-7', 'glucose', n % 100, 'mg/dl', now());
        commit;
      end loop;
    end $$";
const UNLOAD: &str = "
    truncate guardian.lab_results, guardian.dashboard_cache, guardian.invalidation_queue, guardian.audit_log;
    vacuum analyze guardian.lab_results";
const REFRESH_NOW: &str = "
    create function made.refresh_now() returns trigger language plpgsql as $$
    begin
      perform guardian.refresh_dashboard(new.patient_id);
      return null;
    end $$;
    create trigger refresh_now after insert on guardian.lab_results for each row execute function made.refresh_now()";
const WITHOUT_ANY: &str =
    "alter table guardian.lab_results disable trigger refresh_now, disable trigger invalidate_after_insert";
const TRIGGER_PER_ROW: &str =
    "alter table guardian.lab_results enable trigger refresh_now, disable trigger invalidate_after_insert";
const DEBOUNCED: &str =
    "alter table guardian.lab_results disable trigger refresh_now, enable trigger invalidate_after_insert";
const REFRESHES: &str = "select sum(refreshes)::int8 from guardian.dashboard_cache";

/// 20,000 relationships between a medication and each condition of its patient, in one statement.
const RELATIONSHIPS: &str = "
    insert into guardian.record_relationships (relationship_type, patient_id, source_id, target_id)
    select 'medication_treats_condition', m.patient_id, m.medication_id, c.condition_id
      from guardian.medications as m join guardian.conditions as c using (patient_id)";
/// A tenth of the conditions goes, and with each of them ten relationships lead nowhere.
const LEAVE_ORPHANS: &str = "
    delete from guardian.conditions where condition_id in (
      select condition_id from guardian.conditions order by condition_id limit 200
    );
    analyze guardian.record_relationships";

/// Measures all three in a database of its own.
pub(crate) async fn measure(server: &Server, table: &mut Table) -> Result<()> {
    let database = Database::new(server, "bench::guardian").await?;
    let connection = db::connect(&database.url().parse::<SafeUrl>()?).await?;
    ::guardian::schema::install(&connection, false).await?;
    let client = database.connect().await?;
    for statement in PEOPLE.split_inclusive(';') {
        client.batch_execute(statement).await?;
    }
    invalidation(&client, table).await?;
    bulk_mode(&client, table).await?;
    orphans(&client, table).await
}

/// The same load without any invalidation, with a dashboard computed for each row, and with the queue and all that is in
/// it processed.
async fn invalidation(client: &Client, table: &mut Table) -> Result<()> {
    client.batch_execute(REFRESH_NOW).await?;
    let process = "select guardian.process_invalidations(1000, 600000)";
    let (mut bare, mut per_row, mut debounced) = (Vec::new(), Vec::new(), Vec::new());
    let (mut refreshes_per_row, mut refreshes) = (0.0, 0.0);
    for _ in 0..ROUNDS {
        unload(client, WITHOUT_ANY).await?;
        bare.push(seconds(client, &[LOAD]).await?);
        unload(client, TRIGGER_PER_ROW).await?;
        per_row.push(seconds(client, &[LOAD]).await?);
        refreshes_per_row = number(client, REFRESHES).await?;
        unload(client, DEBOUNCED).await?;
        debounced.push(seconds(client, &[LOAD, process]).await?);
        refreshes = number(client, REFRESHES).await?;
    }
    let (bare, per_row, debounced) = (median(bare), median(per_row), median(debounced));

    table.plain(
        "a load of 5,000 rows for 200 patients, without any invalidation",
        bare,
        "s",
    );
    table.plain("the same, a dashboard computed for each row", per_row, "s");
    table.plain(
        "the same, debounced, with all dashboards computed at the end",
        debounced,
        "s",
    );
    table.below(
        "dashboards computed by debouncing, of those of a trigger per row",
        100.0 * refreshes / refreshes_per_row,
        15.0,
        "%",
    );
    table.below(
        "time for keeping dashboards right, of that of a trigger per row",
        100.0 * (debounced - bare) / (per_row - bare),
        15.0,
        "%",
    );
    Ok(())
}

/// The same relationships with the work for each row, and in bulk mode with the check at its end.
async fn bulk_mode(client: &Client, table: &mut Table) -> Result<()> {
    let empty = "truncate guardian.record_relationships, guardian.invalidation_queue";
    let checked = seconds(client, &[RELATIONSHIPS]).await?;
    client.batch_execute(empty).await?;
    let begin = "select guardian.begin_bulk('bench')";
    let end = "select guardian.end_bulk()";
    let bulk = seconds(client, &[begin, RELATIONSHIPS, end]).await?;
    let toggle = seconds(client, &[begin, end]).await?;
    table.plain("20,000 relationships, each checked", checked, "s");
    table.plain("the same in bulk mode, with the check at its end", bulk, "s");
    table.plain("bulk mode is faster by a factor of", checked / bulk, "");
    table.below(
        "bulk mode on and off, with 20,000 relationships checked",
        toggle * 1000.0,
        200.0,
        "ms",
    );
    Ok(())
}

/// Finding and removing 2,000 orphans of 20,000 relationships.
async fn orphans(client: &Client, table: &mut Table) -> Result<()> {
    client.batch_execute(LEAVE_ORPHANS).await?;
    let find = seconds(client, &["select count(*) from guardian.find_orphans()"]).await?;
    table.plain(
        "finding 2,000 orphans of 20,000 relationships",
        find * 1000.0,
        "ms",
    );
    let remove = seconds(client, &["select guardian.remove_orphans(500, 600000)"]).await?;
    table.plain("removing them in batches of 500", remove * 1000.0, "ms");
    let left = number(client, "select count(*) from guardian.find_orphans()").await?;
    anyhow::ensure!(left == 0.0, "{left} orphans were not removed");
    Ok(())
}

/// Back to what was before the load, with other triggers; a vacuum stands for itself.
async fn unload(client: &Client, triggers: &str) -> Result<()> {
    client.batch_execute(triggers).await?;
    for statement in UNLOAD.split_inclusive(';') {
        client.batch_execute(statement).await?;
    }
    Ok(())
}

async fn seconds(client: &Client, statements: &[&str]) -> Result<f64> {
    let begin = Instant::now();
    for statement in statements {
        client
            .batch_execute(statement)
            .await
            .with_context(|| format!("cannot run `{}`", statement.trim()))?;
    }
    Ok(begin.elapsed().as_secs_f64())
}

fn median(mut seconds: Vec<f64>) -> f64 {
    seconds.sort_by(f64::total_cmp);
    seconds[seconds.len() / 2]
}

async fn number(client: &Client, statement: &str) -> Result<f64> {
    Ok(client.query_one(statement, &[]).await?.get::<_, i64>(0) as f64)
}
