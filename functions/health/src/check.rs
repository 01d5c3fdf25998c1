//! One look at the monitoring database, and the answer when that fails.

use db::{DbError, unit_of_work};
use function::deadlines::READINESS;
use function::{Context, Failure, Host, Response, StatusCode, http, with_deadline};
use serde_json::json;

/// Reads from the monitoring database within [`READINESS`], connecting included. What does not answer by then is
/// dropped, so that neither connections nor calls build up behind a server that hangs.
pub(crate) async fn within_deadline<H: Host, T>(
    context: &Context<H>,
    read: impl AsyncFnOnce(&H::Client) -> Result<T, DbError>,
) -> anyhow::Result<T> {
    let preamble = context.preamble().read_only().with_statement_timeout(READINESS);
    let looked = async {
        let client = context.monitoring().await?;
        Ok(unit_of_work(&client, &preamble, read).await?)
    };
    with_deadline("the look at the monitoring database", READINESS, looked).await?
}

/// The answer when the monitoring database could not be read.
pub(crate) fn not_ready<H: Host>(context: &Context<H>, error: &anyhow::Error) -> Response {
    let failure = Failure::of(error);
    context
        .log()
        .warn("The monitoring database could not be read", failure.to_json());
    let (what, mend) = public(&failure);
    let body = json!({"status": "not_ready", "reason": failure.code, "what": what, "mend": mend});
    http::json(StatusCode::SERVICE_UNAVAILABLE, &body)
}

/// What everyone may know of a failure. The texts of errors may name addresses and are left to the log; those about
/// variables name only the variable.
fn public(failure: &Failure) -> (String, String) {
    let (what, mend) = match failure.code {
        "configuration" => return (failure.error.clone(), failure.hint.clone().unwrap_or_default()),
        "deadline_exceeded" | "connect_timeout" | "statement_timeout" | "lock_timeout" => (
            "the monitoring database does not answer in time",
            "check whether its server hangs, is overloaded or cannot be reached through the network",
        ),
        "connect_failed" | "connection_lost" => (
            "the monitoring database cannot be reached",
            "start its server, or correct host and port in variable monitoring_url",
        ),
        "tls" => (
            "no secure connection to the monitoring database can be made",
            "give the certificate of its server's authority in variable monitoring_certificate",
        ),
        "authentication_failed" => (
            "the monitoring database refuses the login",
            "correct the passwords in the variables writer_password, alerter_password, manager_password and viewer_password, and the database in monitoring_url",
        ),
        "too_many_connections" => (
            "the monitoring database has no connection left",
            "raise max_connections, or find what holds the connections",
        ),
        "missing_object" | "missing_privilege" => (
            "the monitoring schema is missing, old or closed to the login",
            "run pgvitals migrate",
        ),
        _ => (
            "the monitoring database cannot be read",
            "see the log of the function health",
        ),
    };
    (what.to_owned(), mend.to_owned())
}
