//! Reads a collector as a target is read: the variant that fits, in a read-only transaction, and nothing but what the
//! header says may come back.

use std::collections::{BTreeMap, BTreeSet};

use tokio_postgres::error::SqlState;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Statement};

use integration_tests::project_root;

/// A file of `sql/collectors/`.
#[derive(Debug, Clone)]
pub(crate) struct File {
    /// Its name without `.sql`.
    pub(crate) name: String,
    header: BTreeMap<String, String>,
    statement: String,
}

/// What came back.
#[derive(Debug, Clone)]
pub(crate) struct Reading {
    /// The file that was taken.
    pub(crate) file: String,
    /// The rows.
    pub(crate) rows: Vec<Row>,
}

/// One row, by the names of the columns.
#[derive(Debug, Clone)]
pub(crate) struct Row(BTreeMap<String, Cell>);

#[derive(Debug, Clone, PartialEq)]
enum Cell {
    Text(Option<String>),
    Number(Option<i64>),
    /// A moment; only that it is one is of interest.
    Moment,
}

/// Why nothing came back.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Refusal {
    /// No variant fits what the server has.
    NotInThisVersion,
    /// The server refused.
    Failed(SqlState),
}

impl File {
    /// Every file that says its scope.
    pub(crate) fn all() -> Vec<File> {
        let folder = project_root().join("sql/collectors");
        let mut files: Vec<File> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| File::parse(&entry.unwrap().path()))
            .collect();
        files.sort_by(|one, other| one.name.cmp(&other.name));
        files
    }

    fn parse(path: &std::path::Path) -> File {
        let text = std::fs::read_to_string(path).unwrap();
        let (head, statement) = text.split_once("\n\n").unwrap();
        let mut header = BTreeMap::<String, String>::new();
        for line in head.lines().take_while(|line| *line != "--") {
            let (word, value) = line.strip_prefix("-- ").unwrap().split_once(": ").unwrap();
            let values = header.entry(word.to_owned()).or_default();
            if !values.is_empty() {
                values.push(' ');
            }
            values.push_str(value);
        }
        File {
            name: path.file_stem().unwrap().to_str().unwrap().to_owned(),
            header,
            statement: statement.to_owned(),
        }
    }

    /// The collector of which this is a variant.
    pub(crate) fn collector(&self) -> &str {
        self.name.split('@').next().unwrap()
    }

    /// A line of the header, empty where it is not there.
    pub(crate) fn line(&self, word: &str) -> &str {
        self.header.get(word).map_or("", String::as_str)
    }

    /// The versions of PostgreSQL that the header names.
    pub(crate) fn versions(&self) -> std::ops::RangeInclusive<u32> {
        let (first, last) = self
            .line("versions")
            .split_once('-')
            .unwrap_or((self.line("versions"), self.line("versions")));
        first.parse().unwrap()..=last.parse().unwrap()
    }

    /// The columns and their kinds.
    pub(crate) fn columns(&self) -> Vec<(&str, &str)> {
        let columns = self.line("columns").split_whitespace();
        columns.map(|column| column.split_once('=').unwrap()).collect()
    }

    fn keys(&self) -> Vec<&str> {
        let columns = self.columns().into_iter();
        columns
            .filter(|(_, kind)| *kind == "key")
            .map(|(name, _)| name)
            .collect()
    }

    /// Whether the server has all that this variant needs.
    async fn fits(&self, client: &Client) -> bool {
        let needs: Vec<&str> = self.line("needs").split_whitespace().collect();
        let missing = client
            .query_one(
                "select count(*) from unnest($1::text[]) as need where not exists ( \
                   select from pg_catalog.pg_attribute as a \
                   join pg_catalog.pg_class as c on c.oid = a.attrelid \
                   join pg_catalog.pg_namespace as n on n.oid = c.relnamespace \
                   where (need = c.relname || '.' || a.attname and n.nspname = 'pg_catalog') \
                   or (need = a.attname and c.relname = 'pg_stat_statements'))",
                &[&needs],
            )
            .await
            .unwrap();
        missing.get::<_, i64>(0) == 0
    }

    /// The statement as it is sent.
    async fn statement(&self, client: &Client) -> String {
        let extension = self.line("extension").split(' ').next().unwrap();
        let schema = client
            .query_opt(
                "select quote_ident(n.nspname) from pg_catalog.pg_extension as e \
                 join pg_catalog.pg_namespace as n on n.oid = e.extnamespace where e.extname = $1",
                &[&extension],
            )
            .await
            .unwrap();
        let schema: String = schema.map_or_else(String::new, |row| row.get(0));
        self.statement.replace("extension_schema.", &format!("{schema}."))
    }
}

/// Reads a collector that must be readable.
pub(crate) async fn read(client: &Client, collector: &str) -> Reading {
    try_read(client, collector)
        .await
        .unwrap_or_else(|refusal| panic!("{collector}: {refusal:?}"))
}

/// Reads a collector, or tells why it cannot be read.
pub(crate) async fn try_read(client: &Client, collector: &str) -> Result<Reading, Refusal> {
    let mut fitting = Vec::new();
    for file in File::all() {
        if file.collector() == collector && file.fits(client).await {
            fitting.push(file);
        }
    }
    // Of those that fit the one that needs most.
    fitting.sort_by_key(|file| file.line("needs").split_whitespace().count());
    let file = fitting.pop().ok_or(Refusal::NotInThisVersion)?;
    let sql = file.statement(client).await;
    let begin = format!(
        "begin read only; set local lock_timeout = '1s'; set local statement_timeout = '{}'",
        file.line("timeout")
    );
    client.batch_execute(&begin).await.unwrap();
    let outcome = run(client, &file, &sql).await;
    client.batch_execute("rollback").await.unwrap();
    outcome
}

async fn run(client: &Client, file: &File, sql: &str) -> Result<Reading, Refusal> {
    let failed = |error: tokio_postgres::Error| match error.code() {
        Some(code) => Refusal::Failed(code.clone()),
        None => panic!("{}: {error}", file.name),
    };
    let statement = client.prepare(sql).await.map_err(failed)?;
    check_columns(file, &statement);
    let rows = client.query(&statement, &[]).await.map_err(failed)?;
    let rows: Vec<Row> = rows.iter().map(Row::of).collect();
    let reading = Reading {
        file: file.name.clone(),
        rows,
    };
    check_keys(file, &reading);
    Ok(reading)
}

/// The names in their order, and to each kind its type.
fn check_columns(file: &File, statement: &Statement) {
    let found: Vec<(&str, Type)> = statement
        .columns()
        .iter()
        .map(|column| (column.name(), column.type_().clone()))
        .collect();
    let expected: Vec<(&str, Type)> = file
        .columns()
        .into_iter()
        .map(|(name, kind)| match kind {
            "key" | "label" | "text" | "statement" => (name, Type::TEXT),
            "epoch" if name == "stats_reset" => (name, Type::TIMESTAMPTZ),
            "counter" | "gauge" | "epoch" => (name, Type::INT8),
            other => panic!("{}: {other} is no kind of column", file.name),
        })
        .collect();
    assert_eq!(found, expected, "{}", file.name);
}

/// Rows are told apart by their keys, which are all known; a collector without keys has one row.
fn check_keys(file: &File, reading: &Reading) {
    let keys = file.keys();
    let distinct: BTreeSet<Vec<&str>> = reading
        .rows
        .iter()
        .map(|row| keys.iter().map(|key| row.text(key).unwrap()).collect())
        .collect();
    assert_eq!(
        distinct.len(),
        reading.rows.len(),
        "{}: {:?}",
        file.name,
        reading.rows
    );
}

impl Reading {
    /// The one row with these texts.
    #[track_caller]
    pub(crate) fn row(&self, texts: &[(&str, &str)]) -> &Row {
        match self.rows_with(texts)[..] {
            [row] => row,
            ref found => panic!(
                "{} rows of {} with {texts:?}: {:#?}",
                found.len(),
                self.file,
                self.rows
            ),
        }
    }

    /// All rows with these texts.
    pub(crate) fn rows_with(&self, texts: &[(&str, &str)]) -> Vec<&Row> {
        let fits = |row: &&Row| texts.iter().all(|(column, text)| row.text(column) == Some(*text));
        self.rows.iter().filter(fits).collect()
    }

    /// The row of a collector without keys.
    #[track_caller]
    pub(crate) fn one(&self) -> &Row {
        self.row(&[])
    }

    /// The sum of a column over the rows with these texts.
    pub(crate) fn sum(&self, column: &str, texts: &[(&str, &str)]) -> i64 {
        let rows = self.rows_with(texts);
        rows.iter().filter_map(|row| row.number(column)).sum()
    }
}

impl Row {
    fn of(row: &tokio_postgres::Row) -> Row {
        let cell = |(index, column): (usize, &tokio_postgres::Column)| {
            let cell = match *column.type_() {
                Type::TEXT => Cell::Text(row.get(index)),
                Type::INT8 => Cell::Number(row.get(index)),
                _ => Cell::Moment,
            };
            (column.name().to_owned(), cell)
        };
        Row(row.columns().iter().enumerate().map(cell).collect())
    }

    /// A text.
    #[track_caller]
    pub(crate) fn text(&self, column: &str) -> Option<&str> {
        match &self.0[column] {
            Cell::Text(text) => text.as_deref(),
            other => panic!("{column} is no text: {other:?}"),
        }
    }

    /// A number; none where it is not known.
    #[track_caller]
    pub(crate) fn number(&self, column: &str) -> Option<i64> {
        match &self.0[column] {
            Cell::Number(number) => *number,
            other => panic!("{column} is no number: {other:?}"),
        }
    }
}
