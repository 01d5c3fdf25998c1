//! Makes a database ready for the application: logins, schema, extension, first target.

use anyhow::{Context, Result};
use db::{Client, Connection, ErrorKind, SafeUrl, connect};
use store::logins::Login;
use store::targets::{self, NewTarget, Target};
use store::{channels, logins, migrations};

use crate::failure::Failure;
use crate::migrate::{as_owner, migration_failure, verifier};
use crate::output::Output;
use crate::secrets::{MAINTENANCE_PASSWORD, MAINTENANCE_PASSWORDS, MONITORING_URL, random};
use crate::settings::Settings;

/// The target that stands for the monitoring database itself.
const DEFAULT_TARGET: &str = "local";

/// The secret of targets that have no name of their own for it: those on the server of the monitoring database.
const DEFAULT_SECRET: &str = "default";

/// Which database keeps what is seen, and what may be done to it.
#[derive(Debug, Clone)]
pub(crate) enum Database {
    /// The default one: everything in it is ours.
    Default(SafeUrl),
    /// One whose administrator was named by DATABASE_URL.
    Administered(SafeUrl),
    /// One that somebody set up; only the collector's login is known.
    Given(SafeUrl),
}

/// A database that is ready.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) monitoring: SafeUrl,
    pub(crate) server_version: String,
    pub(crate) targets: Vec<Target>,
    pub(crate) channels: Vec<String>,
}

/// Makes the database ready. Everything is done again at every start, and changes nothing when it was done before.
pub(crate) async fn prepare(
    database: &Database,
    settings: &mut Settings,
    reset_passwords: bool,
    output: &Output,
) -> Result<Prepared> {
    let monitoring = match database {
        Database::Given(monitoring) => {
            check_schema(monitoring).await?;
            monitoring.clone()
        }
        Database::Default(administrator) => {
            let monitoring = ensure_logins(administrator, settings, true).await?;
            migrate(administrator, output).await?;
            monitoring
        }
        Database::Administered(administrator) => {
            let monitoring = ensure_logins(administrator, settings, reset_passwords).await?;
            migrate(administrator, output).await?;
            monitoring
        }
    };
    let client = connect(&monitoring.clone().with_application_name("pgvitals/up")).await?;
    ensure_target(&client, &monitoring, database).await?;
    // Nobody watched until now: that a server was away meanwhile is no outage to be told of.
    targets::begin_watching(&client)
        .await
        .context("cannot begin to watch")?;
    let version = client
        .query(
            "select pg_catalog.current_setting('server_version')::text as version",
            &[],
        )
        .await?;
    Ok(Prepared {
        server_version: version.one()?.get("version")?,
        targets: targets::list(&client).await.context("cannot list the targets")?,
        channels: channels::list(&client)
            .await
            .context("cannot list the channels")?
            .into_iter()
            .filter(|channel| channel.enabled)
            .map(|channel| channel.name)
            .collect(),
        monitoring,
    })
}

/// A database of somebody else's must be at our version already: we know nobody who may change it.
async fn check_schema(monitoring: &SafeUrl) -> Result<()> {
    let client = connect(monitoring).await?;
    let outstanding = migrations::outstanding(&client)
        .await
        .map_err(migration_failure)?;
    match outstanding.len() {
        0 => Ok(()),
        count => Err(Failure::new(
            format!("{count} migrations are missing in the monitoring database {monitoring}"),
            "run `pgvitals migrate` with DATABASE_URL set to an administrator of that database",
        )
        .into()),
    }
}

/// Makes the roles and sees to it that the passwords we know let them in. Gives the collector's address.
async fn ensure_logins(administrator: &SafeUrl, settings: &mut Settings, may_reset: bool) -> Result<SafeUrl> {
    let client = connect(administrator).await?;
    let collector = administrator.clone().with_user(Login::Collector.role());
    let known = settings
        .get(MONITORING_URL)
        .and_then(|url| url.parse::<SafeUrl>().ok());
    let known_collector = known
        .as_ref()
        .and_then(|url| url.expose_password().map(str::to_owned));
    let known_maintenance = settings.get(MAINTENANCE_PASSWORD);

    let mut verifiers = Vec::new();
    let mut password_of = async |login: Login, known: Option<String>| -> Result<String> {
        let url = administrator.clone().with_user(login.role());
        if let Some(password) = known
            && lets_in(&url.clone().with_password(&password)).await?
        {
            return Ok(password);
        }
        if !may_reset && can_log_in(&client, login).await? {
            return Err(Failure::new(
                format!("{} exists on {} with a password that is not known here", login.role(), administrator.server()),
                format!(
                    "set {MONITORING_URL} to its address with the password, or give it a new one by `pgvitals up \
                     --reset-passwords`: whoever else uses it must be told then"
                ),
            )
            .into());
        }
        let password = random()?;
        verifiers.push((login, verifier(&password)?));
        Ok(password)
    };
    let collector_password = password_of(Login::Collector, known_collector).await?;
    let maintenance_password = password_of(Login::Maintenance, known_maintenance).await?;

    // Written before the server is told: a password that nobody remembers would lock us out.
    let collector = collector.with_password(&collector_password);
    settings
        .secrets
        .set(MAINTENANCE_PASSWORD, &maintenance_password)?;
    settings.secrets.set(MONITORING_URL, &collector.expose())?;
    // What somebody set elsewhere is theirs to keep up to date.
    if settings.given(MAINTENANCE_PASSWORDS).is_none() {
        settings.keep_named_secret(MAINTENANCE_PASSWORDS, DEFAULT_SECRET, &maintenance_password)?;
    }
    logins::ensure(&client, &verifiers)
        .await
        .context("cannot create the logins")?;
    Ok(collector)
}

/// Whether one gets in at this address. Only a refusal is a no: a server that cannot be reached is an error.
async fn lets_in(url: &SafeUrl) -> Result<bool> {
    match connect(url).await {
        Ok(_) => Ok(true),
        // Only what the server says of the password: one that was not even given to it may be right.
        Err(error) if error.kind == ErrorKind::AuthenticationFailed && error.sqlstate.is_some() => Ok(false),
        Err(error) => Err(error.into()),
    }
}

async fn can_log_in(client: &Connection, login: Login) -> Result<bool> {
    let sql =
        "select exists (select from pg_catalog.pg_roles where rolname = $1 and rolcanlogin)::bool as found";
    Ok(client
        .query(sql, &[login.role().into()])
        .await?
        .one()?
        .get("found")?)
}

async fn migrate(administrator: &SafeUrl, output: &Output) -> Result<()> {
    let client = connect(administrator).await?;
    as_owner(administrator, &client).await?;
    // Where the extension cannot be had the rest works all the same, and `doctor` knows what to do.
    if let Err(error) = client
        .execute(
            "create extension if not exists pg_stat_statements schema public",
            &[],
        )
        .await
    {
        output.say(&format!(
            "note: cannot create the extension pg_stat_statements ({error}); see `pgvitals doctor`"
        ));
    }
    Ok(())
}

/// The monitoring database is the first target. One that somebody removed stays away; the default database's
/// address follows its port.
async fn ensure_target(client: &Connection, monitoring: &SafeUrl, database: &Database) -> Result<()> {
    let targets = targets::list(client).await.context("cannot list the targets")?;
    let address = monitoring.address();
    let wanted = match targets.iter().find(|target| target.name == DEFAULT_TARGET) {
        None if targets.is_empty() => NewTarget::new(DEFAULT_TARGET, address),
        Some(target) if target.address != address && matches!(database, Database::Default(_)) => NewTarget {
            name: target.name.clone(),
            address: address.to_owned(),
            secret: target.secret.clone(),
            labels: target.labels.clone(),
            interval: target.interval,
            timeout: target.timeout,
            kind: target.kind,
        },
        _ => return Ok(()),
    };
    targets::add(client, &wanted)
        .await
        .context("cannot add the target `local`")?;
    Ok(())
}
