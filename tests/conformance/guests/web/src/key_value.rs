//! What a component can do with a key-value store.

use anyhow::{Context as _, Result, bail};
use spin_sdk::http::Request;
use spin_sdk::key_value::{Error, Store};

use crate::query;

/// Does what the query says (`do`, `key`, `value`, and `store` when it is not the default one); the answer is what was
/// found, or the error of the host.
pub async fn ask(request: &Request) -> Result<String> {
    let label = query(request, "store").unwrap_or_else(|_| "default".to_owned());
    let asked = query(request, "do")?;
    let store = match Store::open(&label).await {
        Ok(store) => store,
        Err(error) => return Ok(plain(&error)),
    };
    if asked == "keys" {
        let mut keys = store.get_keys().await.collect().await.map_err(failed)?;
        keys.sort();
        return Ok(keys.join(" "));
    }
    let key = query(request, "key")?;
    Ok(match asked.as_str() {
        "get" => match store.get(key).await.map_err(failed)? {
            Some(value) => format!("{:?}", String::from_utf8_lossy(&value)),
            None => "nothing".to_owned(),
        },
        "set" => {
            let value = query(request, "value")?;
            store.set(key, value).await.map_err(failed)?;
            "set".to_owned()
        }
        "delete" => {
            store.delete(key).await.map_err(failed)?;
            "deleted".to_owned()
        }
        "exists" => store.exists(key).await.map_err(failed)?.to_string(),
        "bytes" => bytes(&store, &key).await?,
        _ => bail!("there is nothing to do called {asked:?}"),
    })
}

/// Sets every byte there is, none, and many, and finds each again as it was.
async fn bytes(store: &Store, key: &str) -> Result<String> {
    let every = (0..=u8::MAX).collect::<Vec<u8>>();
    for value in [every, Vec::new(), vec![7; 1_000_000]] {
        store.set(key, &value).await.map_err(failed)?;
        let found = store.get(key).await.map_err(failed)?;
        let found = found.context("a value that was set is not there")?;
        if found != value {
            bail!("set {} bytes, found {} others", value.len(), found.len());
        }
    }
    Ok("as it was set".to_owned())
}

fn failed(error: Error) -> anyhow::Error {
    anyhow::anyhow!(plain(&error))
}

fn plain(error: &Error) -> String {
    match error {
        Error::StoreTableFull => "store table full".to_owned(),
        Error::NoSuchStore => "no such store".to_owned(),
        Error::AccessDenied => "access denied".to_owned(),
        Error::Other(text) => format!("other: {text}"),
    }
}
