//! Every database of a server as a target of its own.

use std::collections::BTreeSet;

use anyhow::Result;
use db::{Client, DbError, Preamble, SafeUrl, connect, unit_of_work};

use super::{APPLICATION_NAME, CHECK_DEADLINE, look};
use crate::failure::{self, Failure};
use crate::output::Output;

/// The longest name of a target.
const NAME_LIMIT: usize = 63;

/// A database that can be watched.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// The name of its target.
    pub(super) name: String,
    /// Its address.
    pub(super) url: SafeUrl,
}

/// The databases of the server at `url` that its login may connect to and that answer, each with a name that begins
/// with `prefix`. Those of a provider are in the list of the server and refuse all the same: they are said and left out.
pub(super) async fn find(prefix: &str, url: &SafeUrl, output: &Output) -> Result<Vec<Found>> {
    let names = {
        let _step = output.step(&format!("looking for the databases of {}", url.server()));
        tokio::time::timeout(CHECK_DEADLINE, list(url))
            .await
            .map_err(|_| unanswered(url))?
            .map_err(|error| cannot_list(url, error))?
    };
    let mut found = Vec::new();
    let mut taken = BTreeSet::new();
    for database in names {
        let url = url.clone().with_database(&database);
        match tokio::time::timeout(CHECK_DEADLINE, look(&url)).await {
            Ok(Ok(())) => found.push(Found {
                name: target_name(prefix, &database, &mut taken),
                url,
            }),
            Ok(Err(error)) => {
                let why = failure::chain(&error.into()).join(": ");
                output.say(&format!("note: {database} is left out: {why}"));
            }
            Err(_) => output.say(&format!("note: {database} is left out: it does not answer")),
        }
    }
    if found.is_empty() {
        return Err(Failure::new(
            format!("no database of {} can be watched", url.server()),
            "grant connect on the databases to the login",
        )
        .into());
    }
    Ok(found)
}

async fn list(url: &SafeUrl) -> Result<Vec<String>, DbError> {
    let client = connect(&url.clone().with_application_name(APPLICATION_NAME)).await?;
    let preamble = Preamble::new(APPLICATION_NAME).read_only();
    unit_of_work(&client, &preamble, async |client| {
        let rows = client.query(include_str!("../../sql/databases.sql"), &[]).await?;
        rows.iter().map(|row| row.get("database")).collect()
    })
    .await
}

fn unanswered(url: &SafeUrl) -> anyhow::Error {
    Failure::new(
        format!(
            "{} does not answer within {} s",
            url.server(),
            CHECK_DEADLINE.as_secs()
        ),
        "mend it first: without an answer its databases are not known",
    )
    .into()
}

fn cannot_list(url: &SafeUrl, error: DbError) -> anyhow::Error {
    let hint = error
        .hint
        .clone()
        .unwrap_or_else(|| "mend it first: without an answer its databases are not known".to_owned());
    Failure::new(format!("cannot list the databases of {}", url.server()), hint)
        .because(error)
        .into()
}

/// `PREFIX-DATABASE` in the letters that the name of a target may have, and unlike those that are taken: databases
/// whose names differ only in other letters are counted.
fn target_name(prefix: &str, database: &str, taken: &mut BTreeSet<String>) -> String {
    let plain = database.chars().map(|letter| match letter.to_ascii_lowercase() {
        letter @ ('a'..='z' | '0'..='9' | '_' | '.' | '-') => letter,
        _ => '-',
    });
    let whole: String = format!("{prefix}-").chars().chain(plain).collect();
    let mut name: String = whole.chars().take(NAME_LIMIT).collect();
    let mut number = 1;
    while !taken.insert(name.clone()) {
        number += 1;
        let suffix = format!("-{number}");
        let kept = NAME_LIMIT.saturating_sub(suffix.len());
        name = whole.chars().take(kept).collect::<String>() + &suffix;
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain_and_differ() {
        let mut taken = BTreeSet::new();
        let mut name = |database: &str| target_name("shop", database, &mut taken);
        assert_eq!(name("orders"), "shop-orders");
        assert_eq!(name("Orders"), "shop-orders-2");
        assert_eq!(name("Größe 1"), "shop-gr--e-1");
        let long = "x".repeat(63);
        assert_eq!(name(&long), format!("shop-{}", "x".repeat(58)));
        assert_eq!(name(&long), format!("shop-{}-2", "x".repeat(56)));
    }
}
