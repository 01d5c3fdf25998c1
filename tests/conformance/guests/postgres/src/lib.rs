//! A guest that holds the host to every word of `spin:postgres@4.2.0`.
//!
//! `CHECK` in its environment says what to do, the variable `address` where the server is. 200 means that all was as
//! it should be; 500 and a reason that it was not.

mod addresses;
mod errors;
mod rows;
mod sessions;
mod types;
mod values;

use anyhow::{Context as _, Result, bail};
use http_body_util::BodyExt as _;
use spin_sdk::http::{Request, StatusCode};
use spin_sdk::pg::wit::postgres::{Connection, DbValue, Error, ParameterValue, QueryError};
use spin_sdk::{http_service, variables};

#[http_service]
async fn handle(request: Request) -> (StatusCode, String) {
    match check(request).await {
        Ok(found) => (StatusCode::OK, found),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error:#}")),
    }
}

async fn check(request: Request) -> Result<String> {
    let address = variables::get("address")
        .await
        .context("no address of a server")?;
    match std::env::var("CHECK").unwrap_or_default().as_str() {
        "values" => values::check(&address).await,
        "rows" => rows::check(&address).await,
        "no-rows" => rows::no_rows(&address).await,
        "errors" => errors::check(&address).await,
        "one-backend" => sessions::one_backend(&address).await,
        "after-trap" if request.uri().query() == Some("trap") => {
            sessions::trap_in_transaction(&address).await
        }
        "after-trap" => sessions::clean_session(&address).await,
        "wait-for-ever" if request.uri().query() == Some("blocking") => {
            sessions::wait_for_ever(&address, Way::Blocking).await
        }
        "wait-for-ever" => sessions::wait_for_ever(&address, Way::Async).await,
        "nobody-waits" => sessions::nobody_waits(&address).await,
        "types" => types(request, &address).await,
        "refused" => addresses::refused(request.uri().query().unwrap_or(&address)).await,
        check => bail!("there is no check {check:?}"),
    }
}

/// What the path asks about the type, the expression or the statement in the body.
async fn types(request: Request, address: &str) -> Result<String> {
    let path = request.uri().path().to_owned();
    let body = request
        .into_body()
        .collect()
        .await
        .context("cannot read the body")?
        .to_bytes();
    let asked = std::str::from_utf8(&body).context("the body is no text")?;
    match path.as_str() {
        "/column" => types::column(address, asked).await,
        "/parameter" => types::parameter(address, asked).await,
        "/execute" => types::execute(address, asked).await,
        _ => bail!("nothing is asked by {path}"),
    }
}

/// Which of the two ways of the interface is taken: both must give the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Blocking,
    Async,
}

impl Way {
    const BOTH: [Self; 2] = [Self::Blocking, Self::Async];

    async fn open(self, address: &str) -> Result<Connection, Error> {
        match self {
            Self::Blocking => Connection::open(address),
            Self::Async => Connection::open_async(address.to_owned()).await,
        }
    }

    /// The names and types of the columns as text, and the rows.
    async fn query(
        self,
        connection: &Connection,
        statement: &str,
        parameters: &[ParameterValue],
    ) -> Result<(Vec<String>, Vec<Vec<DbValue>>), Error> {
        let (columns, rows) = match self {
            Self::Blocking => {
                let set = connection.query(statement, parameters)?;
                (set.columns, set.rows)
            }
            Self::Async => {
                let (columns, mut stream, outcome) = connection
                    .query_async(statement.to_owned(), parameters.to_vec())
                    .await?;
                let mut rows = Vec::new();
                while let Some(row) = stream.next().await {
                    rows.push(row);
                }
                outcome.await?;
                (columns, rows)
            }
        };
        let columns = columns
            .iter()
            .map(|column| format!("{} {:?}", column.name, column.data_type))
            .collect();
        Ok((columns, rows))
    }

    async fn execute(
        self,
        connection: &Connection,
        statement: &str,
        parameters: &[ParameterValue],
    ) -> Result<u64, Error> {
        match self {
            Self::Blocking => connection.execute(statement, parameters),
            Self::Async => {
                connection
                    .execute_async(statement.to_owned(), parameters.to_vec())
                    .await
            }
        }
    }

    /// The only value of the only row.
    async fn value(
        self,
        connection: &Connection,
        statement: &str,
        parameters: &[ParameterValue],
    ) -> Result<DbValue> {
        let (_, mut rows) = self
            .query(connection, statement, parameters)
            .await
            .map_err(plain)
            .with_context(|| format!("{self:?} `{statement}`"))?;
        match (rows.pop(), rows.is_empty()) {
            (Some(mut row), true) if row.len() == 1 => Ok(row.remove(0)),
            _ => bail!("`{statement}` gave something else than one value"),
        }
    }
}

/// An error of the host in one line.
fn plain(error: Error) -> anyhow::Error {
    anyhow::anyhow!(match error {
        Error::ConnectionFailed(text) => format!("connection failed: {text}"),
        Error::BadParameter(text) => format!("bad parameter: {text}"),
        Error::QueryFailed(QueryError::Text(text)) => format!("query failed: {text}"),
        Error::QueryFailed(QueryError::DbError(error)) => format!("{}: {}", error.code, error.message),
        Error::ValueConversionFailed(text) => format!("value conversion failed: {text}"),
        Error::Other(text) => format!("other: {text}"),
    })
}

/// Compares by the debug form: the generated types know no equality.
fn expect(what: &str, found: &impl std::fmt::Debug, expected: &impl std::fmt::Debug) -> Result<()> {
    let (found, expected) = (format!("{found:?}"), format!("{expected:?}"));
    if found != expected {
        bail!("{what}: expected {expected}, found {found}");
    }
    Ok(())
}
