use super::header::{File, HeaderError};
use super::*;

const WHOLE: &str = "-- name: some_thing
-- reads: something
-- scope: instance
-- interval: 60s
-- timeout: 2s
-- versions: 13-18
-- privileges: none
-- columns: database=key sessions=gauge commits=counter
--
-- A remark: for people.

select 1";

fn parse(text: &str) -> Result<File, HeaderError> {
    File::parse("some_thing", text)
}

#[track_caller]
fn check_refused(from: &str, to: &str, expected: &str) {
    assert!(WHOLE.contains(from));
    assert_eq!(parse(&WHOLE.replace(from, to)).unwrap_err().to_string(), expected);
}

#[test]
fn a_whole_header_is_read() {
    let file = parse(WHOLE).unwrap();
    assert_eq!((file.keeps.as_str(), file.target.as_str()), ("all", "postgres"));
    assert_eq!((file.interval_seconds, file.timeout_seconds), (Some(60), 2));
    assert_eq!(file.sql, "select 1");
    assert_eq!(file.columns.len(), 3);
    assert!(file.privileges.is_empty() && file.needs.is_empty() && file.percentiles.is_empty());
}

#[test]
fn a_header_says_what_is_wrong_with_it() {
    check_refused("-- scope: instance\n", "", "the header has no line `scope`");
    check_refused(
        "-- name: some_thing",
        "-- name: another",
        "the header line `name` cannot be read: another",
    );
    check_refused("60s", "often", "the header line `interval` cannot be read: often");
    check_refused("2s", "0s", "the header line `timeout` cannot be read: 0s");
    check_refused("2s", "31s", "the header line `timeout` cannot be read: 31s");
    check_refused(
        "instance",
        "galaxy",
        "the header line `scope` cannot be read: galaxy",
    );
    check_refused(
        "privileges: none",
        "privileges: superuser",
        "the header line `privileges` cannot be read: superuser",
    );
    check_refused(
        "commits=counter",
        "commits=number",
        "the header line `columns` cannot be read: commits=number",
    );
    check_refused(
        "commits=counter",
        "sessions=counter",
        "the header line `columns` cannot be read: sessions=counter",
    );
    check_refused(
        "commits=counter",
        "sampled_at=gauge",
        "the header line `columns` cannot be read: sampled_at=gauge",
    );
    check_refused(
        "-- scope",
        "-- colour: red\n-- scope",
        "no header has a line `colour`",
    );
    check_refused(
        "-- scope",
        "-- reads: twice\n-- scope",
        "the header has the line `reads` twice",
    );
    check_refused(
        "-- scope",
        "-- needs: pg_stat_io\n-- scope",
        "the header line `needs` cannot be read: pg_stat_io",
    );
    check_refused(
        "-- scope",
        "-- percentiles: commits\n-- scope",
        "the header line `percentiles` cannot be read: commits",
    );
    check_refused(
        "select 1",
        "select 1;",
        "the statement has a semicolon: it must be one statement",
    );
    check_refused(
        "select 1",
        "select now()",
        "the statement asks for the time of the transaction: write clock_timestamp()",
    );
    for column in ["s.reset", "null", "now($1)", "(select 1)", "x1::text", "$1::int8"] {
        check_refused(
            "select 1",
            &format!("select $1::timestamptz < $12::text::timestamptz, {column}::timestamptz as at"),
            "the statement casts a column to timestamptz: write (... at time zone 'UTC')::timestamp",
        );
    }
    check_refused(
        "select 1",
        "delete from x",
        "the statement does not begin with select or with",
    );
    check_refused(
        "\n\nselect",
        "\nselect",
        "the statement does not follow the header after an empty line",
    );
}

#[test]
fn every_file_is_there_once() {
    let mut files: Vec<&str> = ALL
        .iter()
        .flat_map(|one| one.variants)
        .map(|one| one.file)
        .collect();
    let count = files.len();
    files.sort_unstable();
    files.dedup();
    assert_eq!(files.len(), count);
    assert!(count >= 9, "{files:?}");
}

#[test]
fn what_is_stored_as_samples_has_numbers_or_texts() {
    for collector in ALL.iter().filter(|collector| collector.keeps != Keeps::Own) {
        let stored = collector.columns_of(&[
            ColumnKind::Counter,
            ColumnKind::Gauge,
            ColumnKind::Text,
            ColumnKind::Expression,
            ColumnKind::Setting,
        ]);
        assert!(stored.count() > 0, "{} stores nothing", collector.name);
    }
}

/// Every statement that is sent to a server and stands in a file.
fn statements() -> Vec<(std::path::PathBuf, String)> {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let folders = ["sql/collectors", "sql/metrics", "sql/views", "shared/store/sql"];
    let mut waiting: Vec<std::path::PathBuf> = folders
        .iter()
        .map(|folder| std::path::Path::new(root).join(folder))
        .collect();
    let mut found = Vec::new();
    while let Some(path) = waiting.pop() {
        if path.is_dir() {
            waiting.extend(
                std::fs::read_dir(path)
                    .unwrap()
                    .map(|entry| entry.unwrap().path()),
            );
        } else {
            let text = std::fs::read_to_string(&path).unwrap();
            found.push((path, text));
        }
    }
    found
}

#[test]
fn no_plain_literal_has_a_backslash() {
    let statements = statements();
    assert!(statements.len() > 150, "{}", statements.len());
    for (path, text) in statements {
        let text = text.replace("e'\\\\1***'", "");
        assert!(
            !text.contains('\\'),
            "{}: standard_conforming_strings decides what a backslash means; write a bracket expression or e'...'",
            path.display()
        );
    }
}
