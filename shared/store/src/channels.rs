//! Who is told of alerts.

use db::{Client, DbError, Row};
use vitals::level::Level;

/// Where the address of a channel is to be found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// In the row itself.
    Url(String),
    /// Among the secrets, under this name.
    Secret(String),
}

/// A channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Channel {
    /// Its number.
    pub channel_id: i32,
    /// Its name.
    pub name: String,
    /// Its kind: `webhook` or `slack`.
    pub kind: String,
    /// Where its address is.
    pub address: Address,
    /// The level from which on it is told.
    pub minimum_level: Level,
    /// Whether it is told at present.
    pub enabled: bool,
}

/// Adds a channel, or changes the one of that name. Gives its number.
///
/// # Errors
///
/// What the server or the connection said; a malformed row is refused by a constraint that names what is wrong.
pub async fn add(
    client: &impl Client,
    name: &str,
    kind: &str,
    address: &Address,
    minimum_level: Level,
) -> Result<i32, DbError> {
    let (url, secret) = match address {
        Address::Url(url) => (Some(url.as_str()), None),
        Address::Secret(secret) => (None, Some(secret.as_str())),
    };
    let parameters = [
        name.into(),
        kind.into(),
        url.into(),
        secret.into(),
        minimum_level.as_str().into(),
    ];
    client
        .query(include_str!("../sql/channels/add.sql"), &parameters)
        .await?
        .one()?
        .get("channel_id")
}

/// All channels, by name.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn list(client: &impl Client) -> Result<Vec<Channel>, DbError> {
    client
        .query(include_str!("../sql/channels/list.sql"), &[])
        .await?
        .iter()
        .map(read_channel)
        .collect()
}

/// Removes a channel and its messages. Gives whether there was one of that name.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn remove(client: &impl Client, name: &str) -> Result<bool, DbError> {
    Ok(client
        .execute(include_str!("../sql/channels/remove.sql"), &[name.into()])
        .await?
        == 1)
}

/// Switches a channel on or off. Gives whether there is one of that name.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn set_enabled(client: &impl Client, name: &str, enabled: bool) -> Result<bool, DbError> {
    let parameters = [name.into(), enabled.into()];
    Ok(client
        .execute(include_str!("../sql/channels/set_enabled.sql"), &parameters)
        .await?
        == 1)
}

/// The address in the two columns of a row, of which the table lets exactly one be filled.
pub(crate) fn read_address(row: &Row) -> Result<Address, DbError> {
    match row.get::<Option<String>>("url")? {
        Some(url) => Ok(Address::Url(url)),
        None => Ok(Address::Secret(row.get("secret")?)),
    }
}

fn read_channel(row: &Row) -> Result<Channel, DbError> {
    Ok(Channel {
        channel_id: row.get("channel_id")?,
        name: row.get("name")?,
        kind: row.get("kind")?,
        address: read_address(row)?,
        minimum_level: crate::name::read(row, "minimum_level")?,
        enabled: row.get("enabled")?,
    })
}
