//! The derived views on histories of which the right answer is known.
//!
//! Histories are made by `fixture.sql`: rows in the tables of samples, as if they had been collected then. Each test runs
//! on every version of the run, because the monitoring database may be on any of them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod connections;
mod end_to_end;
mod growth;
mod indexes;
mod resources;
mod statements;
mod upkeep;

use db::{Client, Connection, SafeUrl};
use integration_tests::monitored::admit_logins;
use integration_tests::{Database, Server, test_versions};
use serde_json::{Map, Value};
use store::logins::Login;
use store::views::{self, View};

const PASSWORD: &str = "collector-of-the-tests";

/// A row of a view.
type Row = Map<String, Value>;

/// A migrated database with room for a history.
struct Room {
    /// Keeps the database for as long as the test runs.
    _database: Database,
    admin: Connection,
    operator: Connection,
}

/// A room on each version of the run, with the target `shop` and room for so many days.
async fn rooms(test: &str, days: u32) -> Vec<Room> {
    let mut rooms = Vec::new();
    for version in test_versions() {
        let server = Server::shared(version).await.unwrap();
        let database = Database::new(&server, &format!("views::{test}::{version}"))
            .await
            .unwrap();
        let admin = connect(&database.url()).await;
        admit_logins(&admin, PASSWORD).await.unwrap();
        store::migrations::migrate(&admin).await.unwrap();
        database.batch(include_str!("fixture.sql")).await.unwrap();
        let operator = connect(&database.url_as(Login::Operator.role(), PASSWORD)).await;
        let room = Room {
            _database: database,
            admin,
            operator,
        };
        room.run(&format!("select made.room_for({days})")).await;
        room.run("select made.target('shop')").await;
        rooms.push(room);
    }
    rooms
}

impl Room {
    /// A statement of the superuser.
    async fn run(&self, sql: &str) {
        if let Err(error) = self.admin.execute(sql, &[]).await {
            panic!("{sql}: {error}");
        }
    }

    /// What a view says now, as the command reads it.
    async fn shown(&self, view: &str) -> Vec<Row> {
        self.shown_at(view, None).await
    }

    /// What a view said at a moment, written as PostgreSQL reads it.
    async fn shown_at(&self, view: &str, at: Option<&str>) -> Vec<Row> {
        let view = View::named(view).unwrap();
        views::read(&self.operator, view, Some("shop"), at)
            .await
            .unwrap()
            .rows
    }

    /// A moment that the database knows, as text.
    async fn moment(&self, expression: &str) -> String {
        let statement = format!("select ({expression})::text");
        let rows = self.admin.query(&statement, &[]).await.unwrap();
        rows.one().unwrap().at(0).unwrap()
    }

    /// Rolls up what is complete.
    async fn roll_up(&self) {
        self.run("select made.roll_up()").await;
    }
}

/// The texts of some columns, for a comparison of whole answers.
fn texts<const N: usize>(rows: &[Row], columns: [&str; N]) -> Vec<[String; N]> {
    rows.iter()
        .map(|row| {
            columns.map(|column| match &row[column] {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            })
        })
        .collect()
}

/// The row that has a text in a column.
fn row<'rows>(rows: &'rows [Row], column: &str, text: &str) -> &'rows Row {
    rows.iter()
        .find(|row| row[column] == text)
        .unwrap_or_else(|| panic!("no {column} is {text}: {rows:#?}"))
}

/// Checks that a number is as expected, give or take a share of it.
#[track_caller]
fn assert_near(row: &Row, column: &str, expected: f64, share: f64) {
    let found = row[column]
        .as_f64()
        .unwrap_or_else(|| panic!("{column} is no number: {row:#?}"));
    assert!(
        (found - expected).abs() <= (expected * share).abs(),
        "{column} is {found}, not {expected}: {row:#?}"
    );
}

async fn connect(url: &str) -> Connection {
    db::connect(&url.parse::<SafeUrl>().unwrap()).await.unwrap()
}

#[tokio::test]
async fn every_view_answers_on_an_empty_schema_and_says_nothing_good_of_it() {
    for room in rooms("empty", 1).await {
        for view in views::ALL {
            for row in room.shown(view.name).await {
                assert_eq!(row["severity"], "unknown", "{}: {row:#?}", view.name);
            }
        }
    }
}

#[tokio::test]
async fn every_view_has_the_columns_that_all_have_and_those_that_say_what_to_do() {
    for room in rooms("columns", 1).await {
        for view in views::ALL {
            let shown = views::read(&room.operator, view, None, Some("2020-01-01"))
                .await
                .unwrap();
            let names: Vec<&str> = shown.columns.iter().map(|column| column.name.as_str()).collect();
            assert_eq!(names[..2], ["target", "severity"], "{}", view.name);
            assert_eq!(names.last(), Some(&"advice"), "{}", view.name);
            assert_eq!(shown.rows, [], "{} of a time before the target", view.name);
        }
    }
}

#[tokio::test]
async fn views_are_made_anew_by_every_migration_and_what_is_no_view_stays() {
    for room in rooms("again", 1).await {
        room.run("create function monitoring.of_the_operator() returns int4 language sql as 'select 1'")
            .await;
        room.run("alter function monitoring.of_the_operator() owner to pgvitals_owner")
            .await;
        room.run("drop function monitoring.growth").await;
        store::migrations::migrate(&room.admin).await.unwrap();
        assert_eq!(room.shown("growth").await, []);
        room.run("select monitoring.of_the_operator()").await;
    }
}
