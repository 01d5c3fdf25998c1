//! Makes a database ready for the application: logins, schema, extension, first target.

use anyhow::{Context, Result};
use db::{Client, Connection, ErrorKind, SafeUrl, connect};
use store::logins::Login;
use store::targets::{self, NewTarget, Target};
use store::{channels, logins, migrations};

use crate::failure::Failure;
use crate::migrate::{as_owner, migration_failure, verifier};
use crate::output::Output;
use crate::secrets::{MAINTENANCE_PASSWORDS, MONITORING_URL, TARGET_PASSWORDS, password_variable, random};
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
    /// One that somebody set up, with the login of the command.
    Given(SafeUrl),
}

impl Database {
    /// Its address, with whatever login is known.
    fn address(&self) -> &SafeUrl {
        match self {
            Self::Default(url) | Self::Administered(url) | Self::Given(url) => url,
        }
    }
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
            settings.check_function_passwords()?;
            check_schema(monitoring).await?;
            monitoring.clone()
        }
        Database::Default(administrator) => {
            let monitoring = ensure_logins(database, settings, true, output).await?;
            migrate(administrator, output).await?;
            monitoring
        }
        Database::Administered(administrator) => {
            let monitoring = ensure_logins(database, settings, reset_passwords, output).await?;
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

/// Makes the roles and sees to it that the passwords we know let them in. Keeps what the application and the command need
/// in our own file, and gives the address of the command's login.
pub(crate) async fn ensure_logins(
    database: &Database,
    settings: &mut Settings,
    may_reset: bool,
    output: &Output,
) -> Result<SafeUrl> {
    let administrator = database.address();
    settings.check_monitoring_url()?;
    let client = connect(administrator).await?;
    let mut verifiers = Vec::new();
    let mut passwords = Vec::new();
    for login in Login::ALL {
        let url = login_at(administrator, login);
        let given = settings.given(password_variable(login));
        let known = settings
            .get(password_variable(login))
            .or_else(|| former_password(settings, login));
        if let Some(password) = known
            && lets_in(&url.with_password(&password)).await?
        {
            passwords.push((login, password));
            continue;
        }
        if !may_reset && can_log_in(&client, login).await? {
            return Err(Failure::new(
                format!(
                    "{} exists on {} with a password that is not known here",
                    login.role(),
                    administrator.server()
                ),
                format!(
                    "set {} to it, or give it a new one by `pgvitals up --reset-passwords`: whoever else uses it must be \
                     told then",
                    password_variable(login)
                ),
            )
            .into());
        }
        let password = given.map_or_else(random, Ok)?;
        verifiers.push((login, verifier(&password)?));
        passwords.push((login, password));
    }

    // Written before the server is told: a password that nobody remembers would lock us out.
    for (login, password) in &passwords {
        settings.secrets.set(password_variable(*login), password)?;
    }
    let mut monitoring = login_at(administrator, Login::Operator);
    settings
        .secrets
        .set(MONITORING_URL, &monitoring.without_login())?;
    if let Some((_, password)) = passwords.iter().find(|(known, _)| *known == Login::Operator) {
        monitoring = monitoring.with_password(password);
    }
    for (login, variable) in [
        (Login::Collector, TARGET_PASSWORDS),
        (Login::Maintenance, MAINTENANCE_PASSWORDS),
    ] {
        if let Some((_, password)) = passwords.iter().find(|(known, _)| *known == login) {
            keep_default_secret(database, settings, variable, login, password, output)?;
        }
    }
    logins::ensure(&client, &verifiers)
        .await
        .context("cannot create the logins")?;
    Ok(monitoring)
}

/// The database of an administrator for one of the logins, without a password.
fn login_at(administrator: &SafeUrl, login: Login) -> SafeUrl {
    let database = administrator.database();
    administrator
        .clone()
        .with_user(login.role())
        .with_database(&database)
}

/// The collector's password as earlier versions kept it: in the address of the monitoring database.
fn former_password(settings: &Settings, login: Login) -> Option<String> {
    let url: SafeUrl = settings.get(MONITORING_URL)?.parse().ok()?;
    (login == Login::Collector && url.user() == login.role())
        .then(|| url.expose_password().map(str::to_owned))
        .flatten()
}

/// Keeps a password under the name `default`, for the targets on the server of the monitoring database and for no other.
fn keep_default_secret(
    database: &Database,
    settings: &mut Settings,
    variable: &str,
    login: Login,
    password: &str,
    output: &Output,
) -> Result<()> {
    let server = database.address();
    let known = settings.passwords(variable)?;
    let is_known = known
        .get(DEFAULT_SECRET)
        .is_some_and(|known| known.is_bound() && known.expose_to(server) == Some(password));
    // What somebody set elsewhere is theirs to keep up to date.
    if settings.given(variable).is_some() {
        if !is_known && variable == TARGET_PASSWORDS {
            output.say(&format!(
                "note: {variable} is set in the environment or in .env, which pgvitals does not change: add to it \
                 {DEFAULT_SECRET:?}, the password of {} on {}, which is {} in the file of secrets",
                login.role(),
                server.server(),
                password_variable(login)
            ));
        }
        return Ok(());
    }
    // The port of the default database can change: the one before may be anybody's then.
    if is_known && !matches!(database, Database::Default(_)) {
        return Ok(());
    }
    let mut known = known;
    known.set(DEFAULT_SECRET, password, server);
    settings.secrets.set(variable, &known.expose_json())
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
    let collector = login_at(monitoring, Login::Collector);
    let address = collector.address();
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
