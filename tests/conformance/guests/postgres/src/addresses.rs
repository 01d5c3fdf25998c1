//! Addresses that a component may not connect to.

use anyhow::{Context as _, Result, bail};
use spin_sdk::pg::wit::postgres::{Connection, ConnectionBuilder, Error};

use crate::{Way, plain};

/// Answers the words in which a connection was refused, which must be the same by every way there is.
pub async fn refused(address: &str) -> Result<String> {
    let mut words = Vec::new();
    for way in Way::BOTH {
        words.push(refusal(way.open(address).await).with_context(|| format!("{way:?} open"))?);
    }
    words.push(refusal(ConnectionBuilder::new(address).build_async().await).context("async build")?);
    words.push(refusal(ConnectionBuilder::new(address).build()).context("blocking build")?);
    words.dedup();
    match words.as_slice() {
        [words] => Ok(words.clone()),
        _ => bail!("the ways of opening a connection differ: {words:?}"),
    }
}

fn refusal(found: Result<Connection, Error>) -> Result<String> {
    match found {
        Err(Error::ConnectionFailed(words)) => Ok(words),
        Err(error) => Err(plain(error).context("refused as something else")),
        Ok(_) => bail!("connected"),
    }
}
