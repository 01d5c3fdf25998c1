//! The functions of the schema `monitoring` look their names up in the catalog, whoever calls them.

use integration_tests::{Database, Monitored, Server, test_versions};

/// Functions without a search path of their own: PostgreSQL plans them as a part of the statement that calls them, which
/// it does for plain SQL functions without a `set` only. See `sql/search_paths.sql`.
const PLANNED_WITH_THE_CALLER: [&str; 13] = [
    "activity_hours_between",
    "database_hours_between",
    "histogram_bucket",
    "histogram_value",
    "label_fits",
    "last_samples",
    "number_of",
    "raw_from",
    "sample_days_between",
    "sample_hours_between",
    "statement_days_between",
    "statement_hours_between",
    "statement_hours_of",
];

#[tokio::test]
async fn every_function_has_a_search_path_or_is_planned_with_its_caller() {
    for version in test_versions() {
        let server = Server::shared(version).await.unwrap();
        let database = Database::new(&server, "hostile::functions").await.unwrap();
        Monitored::on(&database).await.unwrap();
        let client = database.connect().await.unwrap();
        let rows = client
            .query(
                "select p.proname::text, p.prosecdef or l.lanname <> 'sql', p.proowner::regrole::text
                   from pg_proc as p join pg_language as l on l.oid = p.prolang
                  where p.pronamespace = 'monitoring'::regnamespace
                    and not coalesce('search_path=pg_catalog, pg_temp' = any (p.proconfig), false)
                  order by 1",
                &[],
            )
            .await
            .unwrap();
        let found: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        assert_eq!(found, PLANNED_WITH_THE_CALLER, "PostgreSQL {version}");
        for row in &rows {
            let (name, may_not, owner): (&str, bool, &str) = (row.get(0), row.get(1), row.get(2));
            assert!(!may_not, "{name} cannot be planned with its caller");
            assert_eq!(owner, "pgvitals_owner", "{name}");
        }
    }
}

#[tokio::test]
async fn nothing_of_ours_is_in_a_schema_that_others_may_write_to() {
    for version in test_versions() {
        let server = Server::shared(version).await.unwrap();
        let database = Database::new(&server, "hostile::schemas").await.unwrap();
        Monitored::on(&database).await.unwrap();
        let client = database.connect().await.unwrap();
        let outside = client
            .query_one(
                "select count(*) from (
                   select relnamespace, relowner from pg_class
                   union all select pronamespace, proowner from pg_proc
                   union all select typnamespace, typowner from pg_type
                 ) as object (schema, owner)
                 where owner = 'pgvitals_owner'::regrole and schema <> 'monitoring'::regnamespace
                   and schema not in (select oid from pg_namespace where nspname ~ '^pg_toast')",
                &[],
            )
            .await
            .unwrap();
        assert_eq!(outside.get::<_, i64>(0), 0);
        let open = "select has_schema_privilege('public', 'monitoring', 'create')";
        assert!(!client.query_one(open, &[]).await.unwrap().get::<_, bool>(0));
    }
}
