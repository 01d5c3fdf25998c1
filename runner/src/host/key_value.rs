//! `spin:key-value@3.0.0`: what a component remembers from one run to the next.
//!
//! As on Spin without a runtime configuration there is one store, `default`, for the components whose manifest names it
//! in `key_value_stores`; to all others every store is denied, whether there is one of that name or not.

mod file;

use std::sync::Arc;

use application::Component;
use wasmtime::component::{Accessor, FutureReader, HasData, Linker, Resource, ResourceTable, StreamReader};

use file::FileError;
pub(crate) use file::KeyValueFile;

mod generated {
    wasmtime::component::bindgen!({
        path: "wit",
        inline: "
            package pgvitals:key-value-bindings;
            world bindings { import spin:key-value/key-value@3.0.0; }
        ",
        imports: {
            // It has no error of its own to give back: what is wrong with the resource ends the run.
            "spin:key-value/key-value@3.0.0.[method]store.get-keys": trappable,
        },
        with: {
            "spin:key-value/key-value.store": crate::host::key_value::Store,
        },
    });
}

use generated::spin::key_value::key_value::{self, Error, Host, HostStore, HostStoreWithStore};

/// A store in the hands of a guest.
#[derive(Clone)]
#[expect(unreachable_pub, reason = "the generated code re-exports it")]
pub struct Store {
    label: Arc<str>,
    file: Arc<KeyValueFile>,
}

impl Store {
    /// Works on the file, away from the threads on which guests run.
    async fn on_file<R: Send + 'static>(
        self,
        work: impl FnOnce(&KeyValueFile, &str) -> Result<R, FileError> + Send + 'static,
    ) -> Result<R, Error> {
        let file = Arc::clone(&self.file);
        let outcome = tokio::task::spawn_blocking(move || work(&self.file, &self.label))
            .await
            .unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
        outcome.map_err(|error| {
            let error = anyhow::Error::new(error);
            tracing::warn!(file = %file.path().display(), "Key-value store: {error:#}.");
            Error::Other(format!("{error:#}"))
        })
    }
}

/// What a call sees of the store of an instance.
pub(crate) struct KeyValueView<'a> {
    pub(crate) component: &'a Component,
    pub(crate) file: &'a Arc<KeyValueFile>,
    pub(crate) table: &'a mut ResourceTable,
}

impl KeyValueView<'_> {
    fn store(&self, store: &Resource<Store>) -> Result<Store, Error> {
        let store = self.table.get(store);
        store.cloned().map_err(table_error)
    }
}

/// The resources of a guest are the host's own work, so that a missing one is a fault of the runner.
fn table_error(error: wasmtime::component::ResourceTableError) -> Error {
    Error::Other(format!("resource of the host: {error}"))
}

/// Marks the view as the data of the interface.
pub(crate) struct KeyValue;

impl HasData for KeyValue {
    type Data<'a> = KeyValueView<'a>;
}

/// Offers the interface to the components of `linker`.
pub(crate) fn add_to_linker<T: Send>(
    linker: &mut Linker<T>,
    view: fn(&mut T) -> KeyValueView<'_>,
) -> wasmtime::Result<()> {
    key_value::add_to_linker::<T, KeyValue>(linker, view)
}

impl Host for KeyValueView<'_> {}

impl HostStore for KeyValueView<'_> {
    fn drop(&mut self, store: Resource<Store>) -> wasmtime::Result<()> {
        self.table.delete(store)?;
        Ok(())
    }
}

impl<T> HostStoreWithStore<T> for KeyValue {
    async fn open(accessor: &Accessor<T, Self>, label: String) -> Result<Resource<Store>, Error> {
        let store = accessor.with(|mut access| {
            let view = access.get();
            if !view.component.key_value_stores.contains(&label) {
                return Err(Error::AccessDenied);
            }
            Ok(Store {
                label: label.into(),
                file: Arc::clone(view.file),
            })
        })?;
        store.clone().on_file(|file, _| file.prepare()).await?;
        accessor.with(|mut access| access.get().table.push(store).map_err(table_error))
    }

    async fn get(
        accessor: &Accessor<T, Self>,
        store: Resource<Store>,
        key: String,
    ) -> Result<Option<Vec<u8>>, Error> {
        let store = accessor.with(|mut access| access.get().store(&store))?;
        store.on_file(move |file, label| file.get(label, &key)).await
    }

    async fn set(
        accessor: &Accessor<T, Self>,
        store: Resource<Store>,
        key: String,
        value: Vec<u8>,
    ) -> Result<(), Error> {
        let store = accessor.with(|mut access| access.get().store(&store))?;
        store
            .on_file(move |file, label| file.set(label, &key, &value))
            .await
    }

    async fn delete(accessor: &Accessor<T, Self>, store: Resource<Store>, key: String) -> Result<(), Error> {
        let store = accessor.with(|mut access| access.get().store(&store))?;
        store.on_file(move |file, label| file.delete(label, &key)).await
    }

    async fn exists(
        accessor: &Accessor<T, Self>,
        store: Resource<Store>,
        key: String,
    ) -> Result<bool, Error> {
        let store = accessor.with(|mut access| access.get().store(&store))?;
        store.on_file(move |file, label| file.exists(label, &key)).await
    }

    async fn get_keys(
        accessor: &Accessor<T, Self>,
        store: Resource<Store>,
    ) -> wasmtime::Result<(StreamReader<String>, FutureReader<Result<(), Error>>)> {
        let store = accessor.with(|mut access| access.get().table.get(&store).cloned())?;
        let (keys, outcome) = match store.on_file(KeyValueFile::keys).await {
            Ok(keys) => (keys, Ok(())),
            Err(error) => (Vec::new(), Err(error)),
        };
        accessor.with(|mut access| {
            let keys = StreamReader::new(&mut access, keys)?;
            let outcome = FutureReader::new(&mut access, async { wasmtime::error::Ok(outcome) })?;
            Ok((keys, outcome))
        })
    }
}
