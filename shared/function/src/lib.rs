//! What every function shares: its two entries, configuration, authorisation, deadlines, logs, the run journal.
//!
//! A function is a crate with one line for its exports and one `async fn`:
//!
//! ```
//! use std::time::Duration;
//!
//! use function::{Context, Host, Report};
//!
//! function::export! {
//!     name: "count-targets",
//!     deadline: Duration::from_secs(10),
//!     run: run,
//! }
//!
//! async fn run(context: &Context<impl Host>) -> anyhow::Result<Report> {
//!     let monitoring = context.monitoring().await?;
//!     let count: i64 = db::unit_of_work(&monitoring, &context.preamble().read_only(), async |client| {
//!         let rows = db::Client::query(client, "select count(*)::int8 as count from monitoring.targets", &[]).await?;
//!         rows.one()?.get("count")
//!     })
//!     .await
//!     .map_err(anyhow::Error::from)?;
//!     Ok(Report::ok().with("targets", count))
//! }
//! ```
//!
//! One that answers questions takes `access` and `read: handle` too: a request is then answered by `handle`, for those
//! whom `access` lets in, and `run` is what it does on a schedule. One that does what callers say takes `obey: handle` alone:
//! it gets the body of the request, from whoever bears the token. Which file holds what:
//!
//! - `entry`: what happens between a trigger and a function
//! - `context`, `host`: what a function has at hand, and the world around it
//! - `config`, `secret`: variables, and values that must not be shown
//! - `exchange`: requests of channels and their answers
//! - `deadlines`, `concurrency`: every wait has a limit; many at once, but not all
//! - `shared_answer`: one answer for all who ask at about the same time
//! - `http`: requests, answers, and the rules that every entry keeps
//! - `journal`, `report`, `failure`: what is written down about a run
//! - `log`: log lines of one shape
//! - `spin`, `native`: the world within a component, and outside of one

#![deny(missing_docs)]

mod concurrency;
pub mod config;
mod context;
pub mod deadlines;
pub mod entry;
pub mod exchange;
mod failure;
mod host;
pub mod http;
mod journal;
pub mod log;
#[cfg(not(target_family = "wasm"))]
pub mod native;
mod report;
mod secret;
mod send_error;
mod shared_answer;
#[cfg(target_family = "wasm")]
pub mod spin;

pub use ::http::{Method, StatusCode, Uri, header};
pub use concurrency::{concurrently, concurrently_by_kind};
pub use config::TargetRow;
pub use context::Context;
pub use deadlines::{DeadlineExceeded, with_deadline};
pub use entry::Access;
pub use failure::Failure;
pub use host::Host;
pub use http::{Order, Request, Response};
pub use report::Report;
pub use secret::{Secret, Secrets};
pub use send_error::SendError;
pub use shared_answer::{SharedAnswer, shared_answer};
pub use store::runs::Trigger;
pub use vitals::outcome::RunOutcome;

/// Makes the exports of a component: the HTTP handler and, where there is something to do on a schedule, the cron handler.
///
/// Where the function has `after: name`, that is called after every run with what became of it, also when the run could not
/// be journaled and was not begun.
///
/// Outside of a component it only checks that the parts fit, so that the crate can be built and tested natively.
#[macro_export]
macro_rules! export {
    (name: $name:expr, deadline: $deadline:expr, run: $run:ident $(, after: $after:ident)? $(,)?) => {
        $crate::export! { @fits $name, $deadline, $run $(, $after)? }

        #[cfg(target_family = "wasm")]
        const _: () = {
            use $crate::spin::bindings;

            struct Component;

            impl bindings::HttpGuest for Component {
                async fn handle(
                    request: bindings::Request,
                ) -> Result<bindings::Response, bindings::ErrorCode> {
                    let run = async |context: &_| $run(context).await;
                    let after = $crate::export! { @after $($after)? };
                    $crate::spin::http_run($name, $deadline, request, run, after).await
                }
            }

            $crate::export! { @component $name, $deadline, $run $(, $after)? }
        };
    };
    (
        name: $name:expr,
        access: $access:expr,
        read: $read:ident,
        deadline: $deadline:expr,
        run: $run:ident $(,)?
    ) => {
        $crate::export! { @fits $name, $deadline, $run }
        const _: $crate::Access = $access;

        #[cfg(not(target_family = "wasm"))]
        const _: () = {
            #[allow(dead_code, reason = "only to be compiled")]
            async fn fits(context: &$crate::Context<$crate::native::NativeHost>, request: &$crate::Request) {
                let _: Result<$crate::Response, _> = $read(context, request).await;
            }
        };

        #[cfg(target_family = "wasm")]
        const _: () = {
            use $crate::spin::bindings;

            struct Component;

            impl bindings::HttpGuest for Component {
                async fn handle(
                    request: bindings::Request,
                ) -> Result<bindings::Response, bindings::ErrorCode> {
                    let read = async |context: &_, request: &_| $read(context, request).await;
                    $crate::spin::http_read($name, $access, request, read).await
                }
            }

            $crate::export! { @component $name, $deadline, $run }
        };
    };
    (name: $name:expr, obey: $obey:ident $(,)?) => {
        const _: &str = $name;

        #[cfg(not(target_family = "wasm"))]
        const _: () = {
            #[allow(dead_code, reason = "only to be compiled")]
            async fn fits(context: &$crate::Context<$crate::native::NativeHost>, order: &$crate::Order) {
                let _: Result<$crate::Response, _> = $obey(context, order).await;
            }
        };

        #[cfg(target_family = "wasm")]
        const _: () = {
            use $crate::spin::bindings;

            struct Component;

            impl bindings::HttpGuest for Component {
                async fn handle(
                    request: bindings::Request,
                ) -> Result<bindings::Response, bindings::ErrorCode> {
                    let obey = async |context: &_, order: &_| $obey(context, order).await;
                    $crate::spin::http_obey($name, request, obey).await
                }
            }

            bindings::export_http!(Component);
        };
    };
    // What every component has beside its HTTP handler: the cron handler, and the exports of both.
    (@component $name:expr, $deadline:expr, $run:ident $(, $after:ident)?) => {
        impl bindings::CronGuest for Component {
            async fn handle_cron_event(_: bindings::Metadata) -> Result<(), bindings::CronError> {
                let run = async |context: &_| $run(context).await;
                let after = $crate::export! { @after $($after)? };
                $crate::spin::cron_run($name, $deadline, run, after).await
            }
        }

        bindings::export_http!(Component);
        bindings::export_cron! { Component with_types_in bindings::cron }
    };
    // What follows a run, whatever became of it; most functions have nothing to do then.
    (@after) => { async |_: &_, _: &_| {} };
    (@after $after:ident) => { async |context: &_, outcome: &_| $after(context, outcome).await };
    // Compiles the function natively, so that its signature is checked where the tests run.
    (@fits $name:expr, $deadline:expr, $run:ident $(, $after:ident)?) => {
        const _: (&str, ::std::time::Duration) = ($name, $deadline);

        #[cfg(not(target_family = "wasm"))]
        const _: () = {
            #[allow(dead_code, reason = "only to be compiled")]
            async fn fits(context: &$crate::Context<$crate::native::NativeHost>) {
                let _: Result<$crate::Report, _> = $run(context).await;
                $( let () = $after(context, &Ok($crate::Report::ok())).await; )?
            }
        };
    };
}
