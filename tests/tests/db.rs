//! The native door to PostgreSQL, on real servers. The door of components keeps the same promises; they are checked
//! by running the components.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::time::Duration;

use anyhow::Result;
use chrono::{DateTime, Utc};
use db::{Client, DbError, ErrorKind, FromValue, Preamble, Row, SafeUrl, Value, unit_of_work};
use integration_tests::{Blackhole, Database, Server, test_versions};
use serde_json::json;

async fn database(server: &Server, test: &str) -> Result<(Database, SafeUrl)> {
    let database = Database::new(server, &format!("db::{test}")).await?;
    let url = database.url().parse()?;
    Ok((database, url))
}

async fn on_each_version(test: &str, check: impl AsyncFn(&Database, SafeUrl) -> Result<()>) -> Result<()> {
    for version in test_versions() {
        let server = Server::shared(version).await?;
        let (database, url) = database(&server, test).await?;
        check(&database, url).await?;
    }
    Ok(())
}

/// Sends each value as a parameter and as a literal, and reads both back.
async fn check_type<T>(client: &impl Client, sql_type: &str, cases: &[(T, &str)]) -> Result<()>
where
    T: FromValue + Into<Value> + Clone + PartialEq + std::fmt::Debug,
{
    let columns = |literal: &str| {
        format!("select $1 as bare, $1::{sql_type} as cast_to, {literal}::{sql_type} as literal")
    };
    check_columns(client, columns, cases).await
}

/// The same of columns that are written in another way.
async fn check_columns<T>(
    client: &impl Client,
    columns: impl Fn(&str) -> String,
    cases: &[(T, &str)],
) -> Result<()>
where
    T: FromValue + Into<Value> + Clone + PartialEq + std::fmt::Debug,
{
    for (value, literal) in cases {
        let sql = columns(literal);
        let rows = client.query(&sql, &[value.clone().into()]).await?;
        let row = rows.one()?;
        for column in ["bare", "cast_to", "literal"] {
            assert_eq!(&row.get::<T>(column)?, value, "{column} of {sql} ({value:?})");
        }
    }
    Ok(())
}

fn time(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

#[tokio::test]
async fn every_type_survives_the_way_there_and_back() -> Result<()> {
    on_each_version("types", async |_, url| {
        let client = db::connect(&url).await?;
        check_type(&client, "bool", &[(true, "true"), (false, "false")]).await?;
        let integers = [
            (0, "0"),
            (-1, "-1"),
            (i64::MAX, "9223372036854775807"),
            (i64::MIN, "'-9223372036854775808'"),
        ];
        check_type(&client, "int8", &integers).await?;
        check_type(&client, "float8", &[(0.0, "0"), (-1.5, "-1.5"), (1e300, "1e300")]).await?;
        let texts = ["", "it's", "käse \u{1f9c0}", "a\\b\n$1"];
        let texts: Vec<(String, String)> = texts
            .iter()
            .map(|text| ((*text).to_owned(), format!("$q${text}$q$")))
            .collect();
        let texts: Vec<(String, &str)> = texts
            .iter()
            .map(|(text, literal)| (text.clone(), literal.as_str()))
            .collect();
        check_type(&client, "text", &texts).await?;
        let times = [
            (time("1970-01-01T00:00:00Z"), "'1970-01-01 00:00:00+00'"),
            (
                time("2026-03-29T01:30:00.000001Z"),
                "'2026-03-29 03:30:00.000001+02'",
            ),
            (time("1883-11-18T12:00:00Z"), "'1883-11-18 12:00:00+00'"),
            (time("0001-01-01T00:00:00Z"), "'0001-01-01 00:00:00+00'"),
        ];
        let columns = |literal: &str| {
            format!(
                "select ($1 at time zone 'UTC')::timestamp as bare, ($1::timestamptz at time zone 'UTC') as cast_to,
                        ({literal}::timestamptz at time zone 'UTC')::timestamp as literal"
            )
        };
        check_columns(&client, columns, &times).await?;
        let documents = [
            (json!({"a": [1, null, "x"]}), "'{\"a\": [1, null, \"x\"]}'"),
            (json!(null), "'null'"),
        ];
        check_type(&client, "jsonb", &documents).await?;
        check_type(
            &client,
            "int8[]",
            &[(vec![1_i64, -2], "'{1,-2}'"), (vec![], "'{}'")],
        )
        .await?;
        check_type(&client, "int8[]", &[(vec![Some(1_i64), None], "'{1,null}'")]).await?;
        check_type(
            &client,
            "text[]",
            &[(vec![Some("a,\"b".to_owned()), None], "array['a,\"b', null]")],
        )
        .await?;
        check_type(&client, "bytea", &[(vec![0_u8, 255], "'\\x00ff'")]).await?;
        check_type(&client, "int8", &[(Some(1_i64), "1")]).await?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn narrow_columns_are_widened_and_a_bare_timestamp_is_utc() -> Result<()> {
    on_each_version("narrow", async |_, url| {
        let client = db::connect(&url).await?;
        let sql =
            "select 7::int2 as a, 7::int4 as b, 1.5::float4 as c, 'x'::varchar as d, '{7,null}'::int4[] as e,
                          timestamp '2026-01-02 03:04:05' as f, null::int8 as g, 'y'::char(2) as h";
        let rows = client.query(sql, &[]).await?;
        let expected = [
            Value::Int(7),
            Value::Int(7),
            Value::Float(1.5),
            "x".into(),
            vec![Some(7_i64), None].into(),
            time("2026-01-02T03:04:05Z").into(),
            Value::Null,
            "y ".into(),
        ];
        assert_eq!(rows.one()?.values(), expected);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_parameter_fits_wherever_it_stands() -> Result<()> {
    on_each_version("places", async |_, url| {
        let client = db::connect(&url).await?;
        client
            .execute("create temporary table kept (small int4, at timestamptz, document jsonb, id uuid, note text)", &[])
            .await?;
        let at = time("2026-02-03T04:05:06.000007Z");
        let id = "11111111-2222-3333-4444-555555555555";
        let inserted = client
            .execute(
                "insert into kept values ($1, $2, $3, $4::uuid, $5)",
                &[7_i64.into(), at.into(), json!({"a": 1}).into(), id.into(), Value::Null],
            )
            .await?;
        assert_eq!(inserted, 1);
        let sql = "select small::int8 as small, (at at time zone 'UTC')::timestamp as at, document, id::text as id, note from kept
                   where at between $1 and $1::timestamptz + $2 * interval '1 second' and small = any($3) and note is
                   not distinct from $4::text order by small limit $5";
        let parameters = [at.into(), 1.5.into(), vec![1_i64, 7].into(), Value::Null, 10_i64.into()];
        let rows = client.query(sql, &parameters).await?;
        let row = rows.one()?;
        assert_eq!(row.get::<i32>("small")?, 7);
        assert_eq!(row.get::<DateTime<Utc>>("at")?, at);
        assert_eq!(row.get::<String>("id")?, id);
        assert_eq!(row.get::<Option<String>>("note")?, None);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_time_does_not_depend_on_the_session() -> Result<()> {
    on_each_version("time_zone", async |_, url| {
        let client = db::connect(&url).await?;
        let at = time("2026-07-08T09:10:11.000012Z");
        for (zone, style) in [
            ("Asia/Kathmandu", "SQL, DMY"),
            ("America/New_York", "German"),
            ("UTC", "ISO, MDY"),
        ] {
            let settings = "select set_config('timezone', $1, false), set_config('datestyle', $2, false)";
            client.query(settings, &[zone.into(), style.into()]).await?;
            let sql =
                "select ($1 at time zone 'UTC')::timestamp as at, extract(epoch from $1)::float8 as epoch";
            let rows = client.query(sql, &[at.into()]).await?;
            assert_eq!(rows.one()?.get::<DateTime<Utc>>("at")?, at, "{zone} {style}");
            assert_eq!(
                rows.one()?.get::<f64>("epoch")?,
                1_783_501_811.000_012,
                "{zone} {style}"
            );
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_column_that_a_component_could_not_read_is_refused() -> Result<()> {
    on_each_version("refused", async |_, url| {
        let client = db::connect(&url).await?;
        for column in [
            "1::numeric",
            "'x'::name",
            "1::oid",
            "'{}'::json",
            "'0/0'::pg_lsn",
            "interval '1s'",
            "gen_random_uuid()",
        ] {
            // Also without a row: a statement that gives none today gives one tomorrow.
            for condition in ["true", "false"] {
                let error = client
                    .query(&format!("select {column} as odd where {condition}"), &[])
                    .await
                    .unwrap_err();
                assert_eq!(error.code(), "decode", "{column}");
                assert!(error.to_string().starts_with("column odd is of type"), "{error}");
            }
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_time_with_a_zone_is_refused_with_the_cast_to_write() -> Result<()> {
    on_each_version("zones", async |_, url| {
        let client = db::connect(&url).await?;
        for rest in [
            "null::timestamptz as at",
            "now() as at",
            "null::timestamptz as at where false",
            "now() as at where false",
            "1::int8 as other, current_timestamp as at",
        ] {
            let error = client.query(&format!("select {rest}"), &[]).await.unwrap_err();
            assert_eq!(error.code(), "decode", "{rest}");
            assert_eq!(
                error.to_string(),
                "column at is of type timestamptz, which cannot be carried",
                "{rest}"
            );
            assert_eq!(
                error.hint.as_deref(),
                Some("write (... at time zone 'UTC')::timestamp as at")
            );
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_time_without_an_end_is_an_error_and_not_a_time() -> Result<()> {
    on_each_version("infinite", async |_, url| {
        let client = db::connect(&url).await?;
        for time in [
            "'infinity'::timestamp",
            "'-infinity'::timestamp",
            "('infinity'::timestamptz at time zone 'UTC')::timestamp",
            "'294276-12-31 23:59:59'::timestamp",
        ] {
            let error = client
                .query(&format!("select 1::int8 as other, {time} as ends_at"), &[])
                .await
                .unwrap_err();
            assert_eq!(error.code(), "decode", "{time}");
            assert_eq!(error.to_string(), "column ends_at cannot be read", "{time}");
            assert!(error.hint.is_some_and(|hint| hint.contains("infinite")), "{time}");
        }
        let sql = "select '262142-01-01'::timestamp as late, '4713-01-01 00:00:00 BC'::timestamp as early";
        let rows = client.query(sql, &[]).await?;
        assert!(rows.one()?.get::<DateTime<Utc>>("early")? < rows.one()?.get("late")?);
        Ok(())
    })
    .await
}

async fn failure(client: &impl Client, sql: &str) -> DbError {
    client.execute(sql, &[]).await.unwrap_err()
}

#[tokio::test]
async fn a_failure_has_the_code_of_its_sqlstate() -> Result<()> {
    on_each_version("codes", async |_, url| {
        let client = db::connect(&url).await?;
        for sql in [
            "select * from nothing",
            "select nothing from pg_class",
            "select nothing()",
            "set role nothing_role",
        ] {
            let error = failure(&client, sql).await;
            let expected = if sql.starts_with("set") { "22023" } else { "42" };
            assert!(
                error
                    .sqlstate
                    .as_deref()
                    .is_some_and(|state| state.starts_with(expected)),
                "{sql}: {error:?}"
            );
            assert_eq!(error.is_missing_object(), !sql.starts_with("set"), "{sql}");
        }
        client.execute("set role pg_monitor", &[]).await?;
        let error = failure(&client, "select pg_catalog.pg_read_file('PG_VERSION')").await;
        assert!(error.is_privilege() && error.hint.is_some(), "{error:?}");
        client.execute("reset role", &[]).await?;
        client.execute("set statement_timeout = '20ms'", &[]).await?;
        assert_eq!(
            failure(&client, "select pg_sleep(5)").await.kind,
            ErrorKind::StatementTimeout
        );
        client.execute("reset statement_timeout", &[]).await?;
        let error = failure(&client, "select pg_terminate_backend(pg_backend_pid())").await;
        assert_eq!(error.kind, ErrorKind::ConnectionLost);
        assert_eq!(failure(&client, "select 1").await.kind, ErrorKind::ConnectionLost);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_connection_that_cannot_be_made_says_why_and_hides_the_password() -> Result<()> {
    on_each_version("connect", async |database, url| {
        let refused = |url: SafeUrl| async move { db::connect(&url).await.unwrap_err() };
        let wrong = refused(url.clone().with_password("hunter2")).await;
        assert_eq!(
            (wrong.code(), wrong.sqlstate.as_deref()),
            ("authentication_failed", Some("28P01"))
        );
        let missing = refused(url.clone().with_database("no such database")).await;
        assert_eq!(missing.code(), "authentication_failed");
        database
            .batch(
                "create role nobody_here login; alter role nobody_here connection limit 0 password 'hunter2'",
            )
            .await?;
        let full = refused(url.clone().with_user("nobody_here").with_password("hunter2")).await;
        database.batch("drop role nobody_here").await?;
        assert_eq!(full.code(), "too_many_connections");
        for error in [wrong, missing, full] {
            assert!(error.is_connection() && error.hint.is_some(), "{error:?}");
            assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
        }
        Ok(())
    })
    .await?;
    // A port that was free a moment ago, and is again.
    let blackhole = Blackhole::start().await?;
    let url: SafeUrl = blackhole.postgres_url().parse()?;
    let hanging = tokio::time::timeout(Duration::from_millis(50), db::connect(&url)).await;
    assert!(
        hanging.is_err(),
        "a server that never answers is waited for until the caller gives up"
    );
    drop(blackhole);
    tokio::task::yield_now().await;
    let error = db::connect(&url).await.unwrap_err();
    assert_eq!(error.code(), "connect_failed");
    assert_eq!(
        error.to_string(),
        format!("cannot connect to 127.0.0.1:{}", url.port())
    );
    Ok(())
}

fn preamble() -> Preamble {
    Preamble::new("pgvitals/test").with_statement_timeout(Duration::from_millis(1500))
}

const SETTINGS: &str =
    "select current_setting('application_name') as name, current_setting('statement_timeout') as statement,
    current_setting('lock_timeout') as lock, current_setting('transaction_read_only') as read_only,
    current_setting('timezone') as zone, current_setting('idle_in_transaction_session_timeout') as idle";

fn settings(row: &Row) -> Result<Vec<String>, DbError> {
    ["name", "statement", "lock", "read_only", "zone", "idle"]
        .iter()
        .map(|column| row.get(column))
        .collect()
}

#[tokio::test]
async fn a_unit_has_its_own_settings_and_leaves_none_behind() -> Result<()> {
    on_each_version("settings", async |_, url| {
        let client = db::connect(&url).await?;
        client.execute("set timezone = 'Asia/Kathmandu'", &[]).await?;
        let before = settings(client.query(SETTINGS, &[]).await?.one()?)?;
        for (unit, read_only) in [(preamble(), "off"), (preamble().read_only(), "on")] {
            let within: Vec<String> = unit_of_work(&client, &unit, async |client| {
                settings(client.query(SETTINGS, &[]).await?.one()?)
            })
            .await?;
            assert_eq!(within, ["pgvitals/test", "1500ms", "1s", read_only, "UTC", "30s"]);
            assert_eq!(settings(client.query(SETTINGS, &[]).await?.one()?)?, before);
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_unit_is_committed_whole_or_not_at_all() -> Result<()> {
    on_each_version("whole", async |_, url| {
        let client = db::connect(&url).await?;
        client
            .execute("create table public.kept (number int8)", &[])
            .await?;
        let write = async |client: &db::Connection, number: i64| {
            client
                .execute("insert into public.kept values ($1)", &[number.into()])
                .await
        };
        unit_of_work(&client, &preamble(), async |client| write(client, 1).await).await?;
        let failed: Result<(), DbError> = unit_of_work(&client, &preamble(), async |client| {
            write(client, 2).await?;
            client.execute("select 1 / 0", &[]).await.map(|_| ())
        })
        .await;
        assert_eq!(failed.unwrap_err().sqlstate.as_deref(), Some("22012"));
        let refused: Result<u64, DbError> = unit_of_work(&client, &preamble().read_only(), async |client| {
            write(client, 3).await
        })
        .await;
        assert_eq!(refused.unwrap_err().sqlstate.as_deref(), Some("25006"));
        let rows = client
            .query("select array_agg(number)::int8[] as kept from public.kept", &[])
            .await?;
        assert_eq!(rows.one()?.get::<Vec<i64>>("kept")?, [1]);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_unit_is_not_harmed_by_what_an_earlier_run_left_open() -> Result<()> {
    on_each_version("abandoned", async |_, url| {
        let client = db::connect(&url).await?;
        client
            .execute("create table public.kept (number int8)", &[])
            .await?;
        let leftovers: [&[&str]; 4] = [
            &["begin", "insert into public.kept values (1)"],
            &["begin read only", "select 1"],
            &["begin", "select 1 / 0"],
            &[
                "begin",
                "select pg_advisory_xact_lock(7)",
                "lock table public.kept",
            ],
        ];
        for leftover in leftovers {
            for statement in leftover {
                // The one that fails is meant to.
                let _ = client.execute(statement, &[]).await;
            }
            let kept: i64 = unit_of_work(&client, &preamble(), async |client| {
                client.execute("insert into public.kept values (2)", &[]).await?;
                client
                    .query(
                        "select count(*)::int8 as kept from public.kept where number = 1",
                        &[],
                    )
                    .await?
                    .one()?
                    .get("kept")
            })
            .await?;
            assert_eq!(kept, 0, "after {leftover:?}");
        }
        let rows = client
            .query("select array_agg(number)::int8[] as kept from public.kept", &[])
            .await?;
        assert_eq!(rows.one()?.get::<Vec<i64>>("kept")?, [2, 2, 2, 2]);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_transaction_that_was_left_before_its_first_query_gets_a_new_clock() -> Result<()> {
    on_each_version("stale", async |_, url| {
        let client = db::connect(&url).await?;
        client.execute("begin", &[]).await?;
        tokio::time::sleep(Duration::from_millis(1100)).await;
        let fresh: bool = unit_of_work(&client, &preamble(), async |client| {
            client
                .query(
                    "select now() > clock_timestamp() - interval '1 second' as fresh",
                    &[],
                )
                .await?
                .one()?
                .get("fresh")
        })
        .await?;
        assert!(fresh);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_usual_unit_leaves_no_warning_in_the_log() -> Result<()> {
    on_each_version("quiet", async |database, url| {
        let client = db::connect(&url.with_application_name("quiet_unit")).await?;
        for _ in 0..3 {
            let outcome: Result<u64, DbError> = unit_of_work(&client, &preamble(), async |client| {
                client.execute("select 1", &[]).await
            })
            .await;
            outcome?;
        }
        let log = database.server().log();
        let told: Vec<&str> = log
            .lines()
            .filter(|line| line.contains(database.name()) && line.contains("WARNING"))
            .collect();
        assert!(told.is_empty(), "{told:#?}");
        Ok(())
    })
    .await
}
