//! The functions of `spin:postgres`, each a few lines over [`Session`].
//!
//! The blocking functions hold the whole instance while they wait, as on Spin; the asynchronous ones hold nothing, and
//! a guest that drops such a call drops the work behind it.

use std::sync::Arc;

use application::AllowedHosts;
use wasmtime::component::{Accessor, FutureReader, Resource, StreamReader};

use super::address::{Refusal, ensure_permitted};
use super::bindings::{
    Column, Error, Host, HostConnection, HostConnectionBuilder, HostConnectionBuilderWithStore,
    HostConnectionWithStore, ParameterValue, Row, RowSet,
};
use super::pool::{Pools, Root};
use super::session::{Connection, ConnectionBuilder, Session};
use super::{Postgres, PostgresView, conv, error};

/// What a call needs to open a connection, without the store.
struct Opening {
    component: Arc<str>,
    allowed_hosts: Arc<AllowedHosts>,
    pools: Arc<Pools>,
}

impl Opening {
    async fn open(self, address: &str, root: Option<&Root>) -> Result<Connection, Error> {
        if let Err(refusal) = ensure_permitted(&self.allowed_hosts, address) {
            if let Refusal::NotPermitted(host) = &refusal {
                tracing::warn!(
                    component = %self.component,
                    "A connection to postgres://{host} was refused; to permit it, add it to allowed_outbound_hosts of \
                     the component.",
                );
            }
            return Err(Error::ConnectionFailed(refusal.to_string()));
        }
        let session = self.pools.session(address, root).await;
        let session = session.map_err(|failure| error::connection_failed(&failure))?;
        Ok(Connection(Arc::new(session)))
    }
}

/// The resources of a guest are the host's own work, so that a missing one is a fault of the runner.
fn table_error(error: wasmtime::component::ResourceTableError) -> Error {
    Error::Other(format!("resource of the host: {error}"))
}

impl PostgresView<'_> {
    fn opening(&self) -> Opening {
        Opening {
            component: Arc::clone(&self.context.component),
            allowed_hosts: Arc::clone(&self.context.allowed_hosts),
            pools: Arc::clone(&self.context.pools),
        }
    }

    fn push(&mut self, connection: Connection) -> Result<Resource<Connection>, Error> {
        self.table.push(connection).map_err(table_error)
    }

    fn session(&self, connection: &Resource<Connection>) -> Result<Arc<Session>, Error> {
        let connection = self.table.get(connection).map_err(table_error)?;
        Ok(Arc::clone(&connection.0))
    }

    fn builder(&self, builder: &Resource<ConnectionBuilder>) -> Result<(String, Option<Root>), Error> {
        let builder = self.table.get(builder).map_err(table_error)?;
        Ok((builder.address.clone(), builder.root.clone()))
    }
}

fn query_parameters(values: Vec<ParameterValue>) -> Result<Vec<conv::Parameter>, Error> {
    conv::parameters(values).map_err(|failure| Error::BadParameter(error::with_causes(&failure)))
}

/// Spin has another word for a bad parameter of a statement than for that of a query.
fn statement_parameters(values: Vec<ParameterValue>) -> Result<Vec<conv::Parameter>, Error> {
    conv::parameters(values).map_err(|failure| Error::ValueConversionFailed(error::with_causes(&failure)))
}

impl Host for PostgresView<'_> {}

impl HostConnectionBuilder for PostgresView<'_> {
    fn new(&mut self, address: String) -> wasmtime::Result<Resource<ConnectionBuilder>> {
        Ok(self.table.push(ConnectionBuilder { address, root: None })?)
    }

    fn set_ca_root(
        &mut self,
        builder: Resource<ConnectionBuilder>,
        certificate: String,
    ) -> Result<(), Error> {
        let root = Root::from_pem(certificate).map_err(|failure| Error::Other(format!("{failure:#}")))?;
        self.table.get_mut(&builder).map_err(table_error)?.root = Some(root);
        Ok(())
    }

    async fn build(&mut self, builder: Resource<ConnectionBuilder>) -> Result<Resource<Connection>, Error> {
        let (address, root) = self.builder(&builder)?;
        let connection = self.opening().open(&address, root.as_ref()).await?;
        self.push(connection)
    }

    fn drop(&mut self, builder: Resource<ConnectionBuilder>) -> wasmtime::Result<()> {
        self.table.delete(builder)?;
        Ok(())
    }
}

impl HostConnection for PostgresView<'_> {
    async fn open(&mut self, address: String) -> Result<Resource<Connection>, Error> {
        let connection = self.opening().open(&address, None).await?;
        self.push(connection)
    }

    async fn query(
        &mut self,
        connection: Resource<Connection>,
        statement: String,
        values: Vec<ParameterValue>,
    ) -> Result<RowSet, Error> {
        self.session(&connection)?
            .query(&statement, query_parameters(values)?)
            .await
    }

    async fn execute(
        &mut self,
        connection: Resource<Connection>,
        statement: String,
        values: Vec<ParameterValue>,
    ) -> Result<u64, Error> {
        self.session(&connection)?
            .execute(&statement, statement_parameters(values)?)
            .await
    }

    fn drop(&mut self, connection: Resource<Connection>) -> wasmtime::Result<()> {
        self.table.delete(connection)?.0.release();
        Ok(())
    }
}

impl<T> HostConnectionBuilderWithStore<T> for Postgres {
    async fn build_async(
        accessor: &Accessor<T, Self>,
        builder: Resource<ConnectionBuilder>,
    ) -> Result<Resource<Connection>, Error> {
        let (opening, (address, root)) = accessor.with(|mut access| {
            let view = access.get();
            Ok((view.opening(), view.builder(&builder)?))
        })?;
        let connection = opening.open(&address, root.as_ref()).await?;
        accessor.with(|mut access| access.get().push(connection))
    }
}

impl<T> HostConnectionWithStore<T> for Postgres {
    async fn open_async(
        accessor: &Accessor<T, Self>,
        address: String,
    ) -> Result<Resource<Connection>, Error> {
        let opening = accessor.with(|mut access| access.get().opening());
        let connection = opening.open(&address, None).await?;
        accessor.with(|mut access| access.get().push(connection))
    }

    async fn query_async(
        accessor: &Accessor<T, Self>,
        connection: Resource<Connection>,
        statement: String,
        values: Vec<ParameterValue>,
    ) -> Result<(Vec<Column>, StreamReader<Row>, FutureReader<Result<(), Error>>), Error> {
        let session = accessor.with(|mut access| access.get().session(&connection))?;
        let (columns, mut rows) = session.stream(&statement, query_parameters(values)?).await?;
        let outcome = rows.outcome();
        // A guest that drops the rows early and still asks how they ended is told that nothing failed.
        let outcome = async move { wasmtime::error::Ok(outcome.await.unwrap_or(Ok(()))) };
        let (rows, outcome) = accessor
            .with(|mut access| {
                let rows = StreamReader::new(&mut access, rows)?;
                let outcome = FutureReader::new(&mut access, outcome)?;
                wasmtime::error::Ok((rows, outcome))
            })
            .map_err(|failure| Error::Other(failure.to_string()))?;
        Ok((columns, rows, outcome))
    }

    async fn execute_async(
        accessor: &Accessor<T, Self>,
        connection: Resource<Connection>,
        statement: String,
        values: Vec<ParameterValue>,
    ) -> Result<u64, Error> {
        let session = accessor.with(|mut access| access.get().session(&connection))?;
        session.execute(&statement, statement_parameters(values)?).await
    }
}
