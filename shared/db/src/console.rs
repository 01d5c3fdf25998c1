//! The second, narrow door: the administration console of a PgBouncer.
//!
//! The console looks like a database named `pgbouncer`, but takes only the simple query protocol, in every release there
//! is; `spin:postgres` and `tokio-postgres` prepare every statement and are turned away. So this module speaks the few
//! messages of a login and of `show` itself, over `wasi:sockets` in a component and over the system's sockets natively.
//!
//! Which file holds what: `login` is who we are, `exchange` frames messages, `wasi` and `native` are the sockets.
//!
//! There is no TLS on this way: a component has none for its sockets. The password is proved by SCRAM; by md5
//! or in clear text only where the console is on the same machine, or named by the operator ([`dial::WeakAuthentication`]).

mod exchange;
mod login;
#[cfg(not(target_family = "wasm"))]
#[path = "console/native.rs"]
mod socket;
#[cfg(target_family = "wasm")]
#[path = "console/wasi.rs"]
mod socket;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use fallible_iterator::FallibleIterator;
use postgres_protocol::message::backend::{DataRowBody, ErrorFields, Message, RowDescriptionBody};
use postgres_protocol::message::frontend;

use crate::error::{DbError, ErrorKind};
use crate::row::Rows;
use crate::safe_url::SafeUrl;
use crate::value::Value;
use exchange::Exchange;

/// What PgBouncer ends its version with, where a server has nothing of the kind.
const BOUNCER: &str = "/bouncer";

/// The types that the console gives numbers as: `int2`, `int4`, `int8` and `numeric`.
const NUMBERS: [u32; 4] = [21, 23, 20, 1700];

/// A connection to the console of a PgBouncer. It ends when it is dropped.
#[derive(Debug)]
pub struct Console {
    exchange: Exchange,
    version: String,
    /// An answer was not read to its end, so that the next one would begin in its middle.
    interrupted: bool,
}

impl Console {
    /// Connects and logs in. The user has to be among `stats_users` or `admin_users` of the PgBouncer.
    ///
    /// # Errors
    ///
    /// What kept the connection from being made, with the kinds of [`connect`](crate::connect).
    pub async fn open(url: &SafeUrl) -> Result<Console, DbError> {
        ensure_plain(url)?;
        let address = address(url)?;
        let exchange = Exchange::connect(address)
            .await
            .map_err(|reason| not_connected(url, &reason))?;
        let (exchange, version) = login::log_in(exchange, url, address.ip().is_loopback()).await?;
        match version.strip_suffix(BOUNCER) {
            Some(version) => Ok(Console {
                exchange,
                version: version.to_owned(),
                interrupted: false,
            }),
            None => Err(DbError::new(
                ErrorKind::ConnectFailed,
                format!("{} is no console of a PgBouncer", url.server()),
            )
            .with_hint("let the address name the database pgbouncer: postgres://USER@HOST:6432/pgbouncer")),
        }
    }

    /// The release, such as `1.18.0`.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Sends a `show` command and reads its rows. Numbers arrive as `int8`, everything else as text.
    ///
    /// # Errors
    ///
    /// What PgBouncer or the connection said.
    pub async fn show(&mut self, command: &str) -> Result<Rows, DbError> {
        if self.interrupted {
            return Err(DbError::lost(
                "the answer to the last command was not read to its end",
            ));
        }
        // Stays so if the future is dropped, at its deadline.
        self.interrupted = true;
        self.exchange
            .send(|buffer| frontend::query(command, buffer))
            .await?;
        let answer = self.answer().await;
        self.interrupted = answer.as_ref().is_err_and(DbError::is_connection);
        answer
    }

    async fn answer(&mut self) -> Result<Rows, DbError> {
        let (mut names, mut types) = (Vec::new(), Vec::new());
        let mut rows = Vec::new();
        let mut refused = None;
        loop {
            match self.exchange.receive().await? {
                Message::RowDescription(body) => (names, types) = columns(&body)?,
                Message::DataRow(body) => rows.push(values(&body, &names, &types)?),
                Message::ErrorResponse(body) => refused = Some(refusal(body.fields())?),
                Message::ReadyForQuery(_) => {
                    return match refused {
                        Some(error) => Err(error),
                        None => Ok(Rows::new(names, rows)),
                    };
                }
                _ => {}
            }
        }
    }
}

/// A component can look no names up, on Spin as here, so that the address has to be a number.
fn address(url: &SafeUrl) -> Result<SocketAddr, DbError> {
    let host = url.host().trim_start_matches('[').trim_end_matches(']');
    let host = match host {
        "localhost" => Ok(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        host => host.parse(),
    };
    let host = host.map_err(|_| {
        DbError::new(
            ErrorKind::ConnectFailed,
            format!(
                "cannot connect to {}: a PgBouncer has to be given by its IP address",
                url.server()
            ),
        )
        .with_hint("write the IP address in place of the name: components cannot look names up")
    })?;
    Ok(SocketAddr::new(host, url.port()))
}

fn ensure_plain(url: &SafeUrl) -> Result<(), DbError> {
    match url.parameter("sslmode").as_deref() {
        None | Some("disable" | "allow" | "prefer") => Ok(()),
        Some(mode) => Err(DbError::new(
            ErrorKind::ConnectFailed,
            format!("cannot connect to {} with sslmode={mode}", url.server()),
        )
        .with_hint(
            "there is no TLS to the console of a PgBouncer: let it be reached over a network you trust",
        )),
    }
}

fn not_connected(url: &SafeUrl, reason: &str) -> DbError {
    let error = DbError::connect(&url.server(), reason);
    if reason.contains(socket::NOT_PERMITTED) {
        return error
            .with_hint("add tcp://ADDRESS:PORT to allowed_outbound_hosts (variable pgbouncer_hosts)");
    }
    error
}

/// What PgBouncer reported. Most of it has one SQLSTATE, that of a protocol violation, so that the words decide.
fn refusal(fields: ErrorFields<'_>) -> Result<DbError, DbError> {
    let (mut code, mut message) = (String::new(), String::new());
    let mut fields = fields;
    while let Some(field) = fields.next().map_err(|error| malformed(&error))? {
        let text = String::from_utf8_lossy(field.value_bytes()).into_owned();
        match field.type_() {
            b'C' => code = text,
            b'M' => message = text,
            _ => {}
        }
    }
    let says = |phrase: &str| message.contains(phrase);
    let (kind, hint) = if says("authentication failed") || says("no such user") || says("wrong password") {
        let hint = "check the user and the password; PgBouncer knows them by its auth_file or auth_query";
        (ErrorKind::AuthenticationFailed, Some(hint))
    } else if says("not allowed") {
        let hint = "add the user to stats_users in pgbouncer.ini and reload PgBouncer";
        (ErrorKind::MissingPrivilege, Some(hint))
    } else if says("admin access needed") {
        (ErrorKind::MissingPrivilege, None)
    } else if says("no more connections allowed") {
        (
            ErrorKind::TooManyConnections,
            Some("raise max_client_conn in pgbouncer.ini"),
        )
    } else if code == "08P01" {
        (ErrorKind::Other, None)
    } else {
        (ErrorKind::from_sqlstate(&code), None)
    };
    let mut error = DbError::new(kind, message);
    error.sqlstate = Some(code).filter(|code| !code.is_empty());
    error.hint = hint.map(str::to_owned);
    Ok(error)
}

fn columns(body: &RowDescriptionBody) -> Result<(Vec<String>, Vec<u32>), DbError> {
    let fields: Vec<_> = body
        .fields()
        .map(|field| Ok((field.name().to_owned(), field.type_oid())))
        .collect()
        .map_err(|error| malformed(&error))?;
    Ok(fields.into_iter().unzip())
}

fn values(body: &DataRowBody, names: &[String], types: &[u32]) -> Result<Vec<Value>, DbError> {
    let ranges: Vec<_> = body.ranges().collect().map_err(|error| malformed(&error))?;
    if ranges.len() != names.len() {
        return Err(malformed(&"a row has not as many values as there are columns"));
    }
    let texts = ranges
        .into_iter()
        .map(|range| range.and_then(|range| body.buffer().get(range)));
    texts
        .zip(names.iter().zip(types))
        .map(|(bytes, (name, kind))| bytes.map_or(Ok(Value::Null), |bytes| value(bytes, name, *kind)))
        .collect()
}

fn value(bytes: &[u8], name: &str, kind: u32) -> Result<Value, DbError> {
    let text = String::from_utf8_lossy(bytes).into_owned();
    if !NUMBERS.contains(&kind) {
        return Ok(Value::Text(text));
    }
    match text.parse() {
        Ok(number) => Ok(Value::Int(number)),
        Err(_) => Err(DbError::decode(format!(
            "column {name} holds {text}, which is no whole number"
        ))),
    }
}

fn malformed(reason: &dyn std::fmt::Display) -> DbError {
    DbError::lost(&format!("the console sent what cannot be read: {reason}"))
}

#[cfg(test)]
mod tests;
