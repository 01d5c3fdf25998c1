//! Through a pooler that refuses or ignores what the startup packet asks for, statements are pinned all the same.

use db::{Client as _, DbError, Preamble, unit_of_work};
use integration_tests::{Database, PgBouncer, Server, test_versions};

use crate::session;

const PATH: &str =
    "select pg_catalog.current_setting('search_path') as path, pg_catalog.current_setting('jit') as jit";

#[tokio::test]
async fn a_pooler_that_knows_no_options_changes_nothing() {
    for version in test_versions() {
        let server = Server::shared(version).await.unwrap();
        let database = Database::new(&server, "hostile::pooler").await.unwrap();
        let name = database.name();
        database
            .batch(&format!("alter database {name} set search_path = theirs, pg_catalog; alter database {name} set jit = on"))
            .await
            .unwrap();
        // What is refused and what is ignored.
        for ignored in ["extra_float_digits", "extra_float_digits, options"] {
            let settings = [("pool_mode", "session"), ("ignore_startup_parameters", ignored)];
            let bouncer = PgBouncer::start(&server, &settings).await.unwrap();
            let client = session(&bouncer.url(name)).await;
            let ours = ("pg_catalog, pg_temp".to_owned(), "off".to_owned());
            let read = async |client: &db::Connection| -> Result<(String, String), DbError> {
                let rows = client.query(PATH, &[]).await?;
                Ok((rows.one()?.get("path")?, rows.one()?.get("jit")?))
            };
            assert_eq!(read(&client).await.unwrap(), ours, "{ignored}");
            let unit = unit_of_work(&client, &Preamble::new("pgvitals/test"), read).await;
            assert_eq!(unit.unwrap(), ours, "{ignored}");
            client.execute("begin", &[]).await.unwrap();
            assert_eq!(read(&client).await.unwrap(), ours, "{ignored}");
            client.execute("rollback", &[]).await.unwrap();
            client
                .run_all("create table public.kept (n int8); drop table public.kept")
                .await
                .unwrap();
            client.execute("vacuum pg_catalog.pg_am", &[]).await.unwrap();
            let failed = client.execute("select 1 / 0", &[]).await.unwrap_err();
            assert_eq!(failed.sqlstate.as_deref(), Some("22012"));
            assert_eq!(read(&client).await.unwrap(), ours, "{ignored}");
        }
    }
}
