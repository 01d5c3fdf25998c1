//! Bindings generated from the `spin:postgres` interface.

mod generated {
    wasmtime::component::bindgen!({
        path: "wit",
        inline: "
            package pgvitals:postgres-bindings;
            world bindings { import spin:postgres/postgres@4.2.0; }
        ",
        imports: {
            // What waits for the server is asynchronous on the host even where the guest blocks.
            "spin:postgres/postgres@4.2.0.[method]connection-builder.build": async,
            "spin:postgres/postgres@4.2.0.[static]connection.open": async,
            "spin:postgres/postgres@4.2.0.[method]connection.query": async,
            "spin:postgres/postgres@4.2.0.[method]connection.execute": async,
            "spin:postgres/postgres@4.2.0.[constructor]connection-builder": trappable,
        },
        with: {
            "spin:postgres/postgres.connection": crate::host::postgres::session::Connection,
            "spin:postgres/postgres.connection-builder": crate::host::postgres::session::ConnectionBuilder,
        },
    });
}

pub(crate) use generated::spin::postgres::postgres::*;
