//! What makes a component run: a request (`http.rs`) or a time (`cron.rs`).

pub(crate) mod cron;
pub(crate) mod http;
pub(crate) mod http_worker;
