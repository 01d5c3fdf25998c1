//! The one door to PostgreSQL.
//!
//! In a component it leads through `spin:postgres`, natively (CLI, tests) through `tokio-postgres`; everything above
//! this crate is written once, against [`Client`]. Which file holds what:
//!
//! - `safe_url`: [`SafeUrl`], an address that never prints its password
//! - `passwords`: [`Passwords`], each for the hosts it is bound to
//! - `encryption`: [`SslMode`] and [`Certificates`], how a connection is encrypted
//! - `value`, `row`: what travels, and how it is read
//! - `error`: [`DbError`], failures in words of a bounded list, with a hint for the operator
//! - `client`: the [`Client`] trait
//! - `parameters`: gives each `$n` the type of its value
//! - `session`: [`unit_of_work`], a transaction with its own preamble
//! - `pinned`: the settings of every session, and why; `bare`: statements outside of a unit of work
//! - `ownership`: what in a schema belongs to somebody else
//! - `spin`, `native`: the two doors; [`connect`] is whichever belongs to the target
//! - `console`: [`Console`], the console of a PgBouncer, which no other door leads to
//!
//! # How a statement is written
//!
//! Each parameter has the type of its [`Value`], wherever it stands: `Int` is `int8`, `Float` is `float8`, `Timestamp`
//! is `timestamptz`, and so on. Anything else is a cast away: `$1::int4`, `$2::interval`, `$3::uuid` (from text). A
//! parameter that may be null is always cast, because `null` has no type of its own.
//!
//! Each column is cast to `int8`, `float8`, `text`, `bool`, `timestamp`, `jsonb`, `int8[]` or `text[]`: other types
//! (`name`, `oid`, `xid`, `pg_lsn`, `inet`, `numeric`, ...) do not arrive through every door, and both refuse them.
//!
//! Times go out as text in UTC and are a `timestamptz` in the statement; they come back as a `timestamp` in UTC, to the
//! microsecond, whatever the session's time zone is. A column is written `(... at time zone 'UTC')::timestamp`, because a
//! `timestamptz` is among the types that do not arrive: Spin takes it for a `timestamp` and then cannot read it.
//!
//! ```no_run
//! # async fn example(client: &impl db::Client) -> Result<(), db::DbError> {
//! let since = chrono::DateTime::UNIX_EPOCH;
//! let rows = client
//!     .query(
//!         "select run_id::int8, (started_at at time zone 'UTC')::timestamp as started_at
//!          from monitoring.function_runs where started_at > $1",
//!         &[since.into()],
//!     )
//!     .await?;
//! for row in &rows {
//!     let started_at: chrono::DateTime<chrono::Utc> = row.get("started_at")?;
//! }
//! # Ok(())
//! # }
//! ```

#![deny(missing_docs)]

mod bare;
mod client;
mod console;
mod encryption;
mod error;
#[cfg(not(target_family = "wasm"))]
pub mod native;
mod ownership;
mod parameters;
mod passwords;
mod pinned;
mod row;
mod safe_url;
mod series;
mod session;
#[cfg(target_family = "wasm")]
pub mod spin;
mod timestamp;
mod value;

pub use client::Client;
pub use console::Console;
pub use dial::{Authentication, WeakAuthentication, WeakAuthenticationError};
pub use encryption::{CertificateError, Certificates, SslMode};
pub use error::{Cause, DbError, ErrorKind};
#[cfg(not(target_family = "wasm"))]
pub use native::{Connection, connect};
pub use ownership::{Foreign, foreign_objects};
pub use passwords::{Password, Passwords, PasswordsError};
pub use pinned::{Known, PINNED, Pinned, startup_options};
pub use row::{Row, Rows};
pub use safe_url::{SafeUrl, UrlError};
pub use series::Series;
pub use session::{Preamble, unit_of_work};
#[cfg(target_family = "wasm")]
pub use spin::{Connection, connect};
pub use value::{FromValue, Value};
