//! Who we are, proved without giving the password away.

use dial::Authentication;
use postgres_protocol::authentication::md5_hash;
use postgres_protocol::authentication::sasl::{ChannelBinding, SCRAM_SHA_256, ScramSha256};
use postgres_protocol::message::backend::{AuthenticationSaslBody, Message};
use postgres_protocol::message::frontend;

use fallible_iterator::FallibleIterator;

use super::exchange::Exchange;
use super::{malformed, refusal};
use crate::error::{DbError, ErrorKind};
use crate::safe_url::SafeUrl;

/// Logs in; gives the connection and what the other side calls its version. `is_local` says that nobody else can read
/// what is sent.
pub(super) async fn log_in(
    mut exchange: Exchange,
    url: &SafeUrl,
    is_local: bool,
) -> Result<(Exchange, String), DbError> {
    let (user, database) = (url.user(), url.database());
    let most = url.weak_authentication().most(url.host(), url.port());
    let application_name = url.parameter("application_name");
    let mut parameters = vec![
        ("user", user.as_str()),
        ("database", database.as_str()),
        ("client_encoding", "UTF8"),
    ];
    parameters.extend(
        application_name
            .iter()
            .map(|name| ("application_name", name.as_str())),
    );
    exchange
        .send(|buffer| frontend::startup_message(parameters, buffer))
        .await
        .map_err(|error| failed(url, error))?;

    let mut version = String::new();
    loop {
        match exchange.receive().await.map_err(|error| failed(url, error))? {
            Message::AuthenticationOk => {}
            Message::ParameterStatus(status) if status.name().is_ok_and(|name| name == "server_version") => {
                version = status.value().map_err(|error| malformed(&error))?.to_owned();
            }
            Message::ReadyForQuery(_) => return Ok((exchange, version)),
            Message::ErrorResponse(body) => return Err(failed(url, refusal(body.fields())?)),
            Message::AuthenticationMd5Password(body) if is_local || most >= Authentication::Md5 => {
                let proof = md5_hash(user.as_bytes(), password(url)?.as_bytes(), body.salt());
                send_password(&mut exchange, &proof).await?;
            }
            Message::AuthenticationCleartextPassword if is_local || most >= Authentication::Password => {
                send_password(&mut exchange, password(url)?).await?;
            }
            Message::AuthenticationSasl(body) => scram(&mut exchange, url, &body).await?,
            Message::AuthenticationMd5Password(_)
            | Message::AuthenticationCleartextPassword
            | Message::AuthenticationGss
            | Message::AuthenticationSspi
            | Message::AuthenticationKerberosV5
            | Message::AuthenticationScmCredential => return Err(unsupported(url)),
            _ => {}
        }
    }
}

fn password(url: &SafeUrl) -> Result<&str, DbError> {
    url.expose_password().ok_or_else(|| {
        DbError::new(
            ErrorKind::AuthenticationFailed,
            format!("{} asks for a password, and none is known", url.server()),
        )
    })
}

async fn send_password(exchange: &mut Exchange, password: &str) -> Result<(), DbError> {
    exchange
        .send(|buffer| frontend::password_message(password.as_bytes(), buffer))
        .await
}

async fn scram(
    exchange: &mut Exchange,
    url: &SafeUrl,
    offered: &AuthenticationSaslBody,
) -> Result<(), DbError> {
    let mut mechanisms = offered.mechanisms();
    let mut is_offered = false;
    while let Some(mechanism) = mechanisms.next().map_err(|error| malformed(&error))? {
        is_offered |= mechanism == SCRAM_SHA_256;
    }
    if !is_offered {
        return Err(unsupported(url));
    }
    let mut scram = ScramSha256::new(password(url)?.as_bytes(), ChannelBinding::unsupported());
    exchange
        .send(|buffer| frontend::sasl_initial_response(SCRAM_SHA_256, scram.message(), buffer))
        .await?;
    loop {
        match exchange.receive().await.map_err(|error| failed(url, error))? {
            Message::AuthenticationSaslContinue(body) => {
                scram.update(body.data()).map_err(|_| not_proved(url))?;
                exchange
                    .send(|buffer| frontend::sasl_response(scram.message(), buffer))
                    .await?;
            }
            // The other side proves that it knows the password too.
            Message::AuthenticationSaslFinal(body) => {
                return scram.finish(body.data()).map_err(|_| not_proved(url));
            }
            Message::ErrorResponse(body) => return Err(failed(url, refusal(body.fields())?)),
            _ => return Err(not_proved(url)),
        }
    }
}

fn not_proved(url: &SafeUrl) -> DbError {
    DbError::new(
        ErrorKind::AuthenticationFailed,
        format!("{} does not prove that it knows the password", url.server()),
    )
}

fn unsupported(url: &SafeUrl) -> DbError {
    DbError::new(
        ErrorKind::AuthenticationFailed,
        format!("cannot log in to {} in the way it asks for", url.server()),
    )
    .with_hint(
        "set auth_type = scram-sha-256 in pgbouncer.ini; other ways would give the password away. Where the network \
         between is trusted, name the PgBouncer in the variable weak_authentication: IP:PORT=md5",
    )
}

/// Names the PgBouncer, and keeps what it said as the cause.
fn failed(url: &SafeUrl, error: DbError) -> DbError {
    let kind = match error.kind {
        ErrorKind::Other | ErrorKind::ConnectionLost => ErrorKind::ConnectFailed,
        kind => kind,
    };
    let mut failure = DbError::new(kind, format!("cannot connect to {}", url.server()));
    failure.sqlstate = error.sqlstate;
    failure.hint = error.hint;
    failure.with_cause(error.message)
}
