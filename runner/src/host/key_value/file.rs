//! The file behind the stores: an SQLite database with the one table that Spin keeps, so that an application finds its
//! memory whichever of the two runs it, and so that several processes can share it.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rusqlite::{Connection, OptionalExtension as _, params};

/// Most bytes that a guest is given at once, as for a blocking query of PostgreSQL.
const MOST_BYTES: usize = 128 << 20;

const SCHEMA: &str = "create table if not exists spin_key_value (
    store text not null,
    key text not null,
    value blob not null,
    primary key (store, key)
)";

/// The file, opened when it is first needed: an application that remembers nothing leaves nothing behind.
#[derive(Debug)]
pub(crate) struct KeyValueFile {
    path: PathBuf,
    connection: Mutex<Option<Connection>>,
}

/// What kept the file from being read or written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FileError {
    #[error("cannot create the folder of the key-value file")]
    Folder(#[source] std::io::Error),
    #[error("cannot use the key-value file")]
    File(#[from] rusqlite::Error),
    #[error("result exceeds limit of {MOST_BYTES} bytes")]
    TooLarge,
}

impl KeyValueFile {
    /// The file in the folder in which an application keeps its state.
    pub(crate) fn new(state_folder: &Path) -> Self {
        Self {
            path: state_folder.join("sqlite_key_value.db"),
            connection: Mutex::new(None),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Makes sure that the file is there and can be read.
    pub(super) fn prepare(&self) -> Result<(), FileError> {
        self.with(|_| Ok(()))
    }

    pub(super) fn get(&self, store: &str, key: &str) -> Result<Option<Vec<u8>>, FileError> {
        let value: Option<Vec<u8>> = self.with(|connection| {
            connection
                .query_row(
                    "select value from spin_key_value where store = ?1 and key = ?2",
                    params![store, key],
                    |row| row.get(0),
                )
                .optional()
        })?;
        match value {
            Some(value) if value.len() > MOST_BYTES => Err(FileError::TooLarge),
            value => Ok(value),
        }
    }

    pub(super) fn set(&self, store: &str, key: &str, value: &[u8]) -> Result<(), FileError> {
        self.execute(
            "insert into spin_key_value (store, key, value) values (?1, ?2, ?3)
             on conflict (store, key) do update set value = ?3",
            params![store, key, value],
        )
    }

    pub(super) fn delete(&self, store: &str, key: &str) -> Result<(), FileError> {
        self.execute(
            "delete from spin_key_value where store = ?1 and key = ?2",
            params![store, key],
        )
    }

    pub(super) fn exists(&self, store: &str, key: &str) -> Result<bool, FileError> {
        self.with(|connection| {
            connection.query_row(
                "select exists (select 1 from spin_key_value where store = ?1 and key = ?2)",
                params![store, key],
                |row| row.get(0),
            )
        })
    }

    pub(super) fn keys(&self, store: &str) -> Result<Vec<String>, FileError> {
        let keys: Vec<String> = self.with(|connection| {
            let mut statement = connection.prepare("select key from spin_key_value where store = ?1")?;
            let keys = statement.query_map([store], |row| row.get(0))?;
            keys.collect()
        })?;
        if keys.iter().map(String::len).sum::<usize>() > MOST_BYTES {
            return Err(FileError::TooLarge);
        }
        Ok(keys)
    }

    fn execute(&self, sql: &str, parameters: impl rusqlite::Params) -> Result<(), FileError> {
        self.with(|connection| connection.execute(sql, parameters).map(drop))
    }

    /// Works on the file. Whoever else writes it at that moment, here or in another process, is waited for.
    fn with<R>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<R>) -> Result<R, FileError> {
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let connection = match &mut *connection {
            Some(connection) => connection,
            none => none.insert(open(&self.path)?),
        };
        Ok(work(connection)?)
    }
}

fn open(path: &Path) -> Result<Connection, FileError> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(FileError::Folder)?;
    }
    let connection = Connection::open(path)?;
    connection.execute(SCHEMA, [])?;
    Ok(connection)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }

    #[test]
    fn what_is_set_is_there_after_a_restart_and_in_its_own_store_only() {
        let folder = folder();
        let file = KeyValueFile::new(&folder.path().join("state"));
        assert_eq!(file.get("default", "outage").unwrap(), None);
        file.set("default", "outage", b"\0first").unwrap();
        file.set("default", "outage", b"\0second").unwrap();
        drop(file);

        let file = KeyValueFile::new(&folder.path().join("state"));
        assert_eq!(file.get("default", "outage").unwrap().unwrap(), b"\0second");
        assert!(file.exists("default", "outage").unwrap());
        assert_eq!(file.keys("default").unwrap(), ["outage"]);
        assert!(file.keys("other").unwrap().is_empty());

        file.delete("default", "outage").unwrap();
        file.delete("default", "outage").unwrap();
        assert!(!file.exists("default", "outage").unwrap());
    }

    #[test]
    fn two_that_have_it_open_see_what_the_other_wrote() {
        let folder = folder();
        let (one, other) = (KeyValueFile::new(folder.path()), KeyValueFile::new(folder.path()));
        one.set("default", "key", b"1").unwrap();
        assert_eq!(other.get("default", "key").unwrap().unwrap(), b"1");
        other.set("default", "key", b"2").unwrap();
        assert_eq!(one.get("default", "key").unwrap().unwrap(), b"2");
    }

    #[test]
    fn a_file_that_is_none_is_an_error_that_goes_when_it_is_mended() {
        let folder = folder();
        let file = KeyValueFile::new(folder.path());
        std::fs::write(
            file.path(),
            "this is not a database, and long enough to be looked at",
        )
        .unwrap();
        assert!(matches!(file.get("default", "key"), Err(FileError::File(_))));
        std::fs::remove_file(file.path()).unwrap();
        assert_eq!(file.get("default", "key").unwrap(), None);
    }

    #[test]
    fn a_folder_that_cannot_be_is_an_error() {
        let folder = folder();
        std::fs::write(folder.path().join("state"), "a file").unwrap();
        let file = KeyValueFile::new(&folder.path().join("state"));
        assert!(matches!(file.prepare(), Err(FileError::Folder(_))));
    }
}
