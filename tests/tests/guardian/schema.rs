//! The schema as a whole: it installs where it must, and every object keeps the rules of the house.

use integration_tests::database::connect;
use integration_tests::{DedicatedServer, test_versions};

use crate::clinic::{Clinic, install, run, value};

/// The tables that the application has, without partitions.
const TABLES: &str = "select c.oid, c.relname from pg_class as c \
                      where c.relnamespace = 'guardian'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition";

#[tokio::test]
async fn it_needs_no_superuser_and_keeps_the_roles_that_are_there() {
    for version in test_versions() {
        let server = DedicatedServer::start(version).await.unwrap();
        let admin = connect(&server.url("postgres")).await.unwrap();
        // Apart: a database is not made within the transaction that several statements at once are.
        for statement in [
            "create role maker login createrole password 'maker'",
            "create database bare owner maker",
        ] {
            run(&admin, statement).await;
        }
        install(&server.url_as("maker", "maker", "bare")).await;
        let roles = "select string_agg(rolname || ' ' || rolcanlogin, ', ' order by rolname) from pg_roles
                     where rolname in ('anon', 'authenticated', 'service_role')";
        let expected = "anon false, authenticated false, service_role false";
        assert_eq!(value(&admin, roles).await, expected);

        // Supabase: the roles are there, the service role bypasses row-level security, and who installs may take them.
        for statement in [
            "alter role service_role bypassrls",
            "create role supabase login password 'supabase'",
            "grant anon, authenticated, service_role to supabase",
            "create database supabase owner supabase",
        ] {
            run(&admin, statement).await;
        }
        install(&server.url_as("supabase", "supabase", "supabase")).await;
        let bypasses = "select rolbypassrls from pg_roles where rolname = 'service_role'";
        assert_eq!(value(&admin, bypasses).await, "t");
        for (maker, database) in [("maker", "bare"), ("supabase", "supabase")] {
            let session = connect(&server.url_as(maker, maker, database)).await.unwrap();
            run(
                &session,
                "set role authenticated; reset role; set role service_role",
            )
            .await;
            assert_eq!(value(&session, "select count(*) from guardian.jobs").await, "0");
            run(
                &session,
                "select guardian.begin_bulk('as the application'); select guardian.end_bulk()",
            )
            .await;
        }
    }
}

#[tokio::test]
async fn every_table_is_secured_dated_and_has_a_key() {
    for clinic in Clinic::on_each_version("tables").await {
        assert!(
            clinic
                .number(&format!("select count(*) from ({TABLES}) as t"))
                .await
                >= 20
        );
        let open = "select c.relname from pg_class as c
                    where c.relnamespace = 'guardian'::regnamespace and c.relkind in ('r', 'p') and not c.relrowsecurity";
        assert_eq!(clinic.rows(open).await, [""; 0], "without row-level security");
        let undated = format!(
            "select relname from ({TABLES}) as t where not exists (
               select 1 from pg_attribute where attrelid = t.oid and attname = 'created_at' and atttypid = 'timestamptz'::regtype
             )"
        );
        assert_eq!(clinic.rows(&undated).await, [""; 0], "without created_at");
        let keyless = format!(
            "select relname from ({TABLES}) as t where not exists (select 1 from pg_index where indrelid = t.oid and indisprimary)"
        );
        assert_eq!(clinic.rows(&keyless).await, [""; 0], "without a primary key");
    }
}

#[tokio::test]
async fn every_foreign_key_and_every_policy_has_an_index_that_begins_with_it() {
    for clinic in Clinic::on_each_version("indexes").await {
        let foreign_keys = "select conrelid::regclass || ' ' || attname
             from pg_constraint
             join pg_attribute on attrelid = conrelid and attnum = conkey[1]
            where contype = 'f' and connamespace = 'guardian'::regnamespace and conparentid = 0
              -- A handful of types, which are not removed.
              and confrelid <> 'guardian.relationship_types'::regclass
              and not exists (select 1 from pg_index where indrelid = conrelid and indkey[0] = conkey[1])";
        let bare: Vec<String> = clinic.rows(foreign_keys).await;
        assert_eq!(bare, [""; 0], "foreign keys without an index");
        let patients = format!(
            "select relname from ({TABLES}) as t
               join pg_attribute as a on a.attrelid = t.oid and a.attname = 'patient_id'
              where not exists (select 1 from pg_index where indrelid = t.oid and indkey[0] = a.attnum)"
        );
        assert_eq!(
            clinic.rows(&patients).await,
            [""; 0],
            "tables of patients without an index on them"
        );
    }
}

#[tokio::test]
async fn functions_with_the_owner_s_rights_fix_their_search_path_and_are_not_for_everybody() {
    for clinic in Clinic::on_each_version("functions").await {
        let all = "from pg_proc where pronamespace = 'guardian'::regnamespace";
        assert!(
            clinic
                .number(&format!("select count(*) {all} and prosecdef"))
                .await
                >= 20
        );
        let movable = format!(
            "select proname {all} and prosecdef and not coalesce(proconfig::text like '%search_path=pg_catalog, pg_temp%', false)"
        );
        assert_eq!(clinic.rows(&movable).await, [""; 0]);
        let open = format!("select proname {all} and has_function_privilege('anon', oid, 'execute')");
        assert_eq!(clinic.rows(&open).await, [""; 0], "for everybody");
        let relations = "select relname from pg_class
                         where relnamespace = 'guardian'::regnamespace and relkind in ('r', 'p', 'v', 'm')";
        let open = format!("{relations} and has_table_privilege('anon', oid, 'select')");
        assert_eq!(clinic.rows(&open).await, [""; 0], "for everybody");
        // Views are read with the rights of their owner, so none is for users.
        let views = format!(
            "{relations} and relkind in ('v', 'm') and has_table_privilege('authenticated', oid, 'select')"
        );
        assert_eq!(clinic.rows(&views).await, [""; 0], "views for users");
    }
}
