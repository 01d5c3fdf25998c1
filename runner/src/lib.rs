//! The built-in host of pgvitals: runs the components of a `spin.toml` on this machine, as Spin would.
//!
//! ```no_run
//! # async fn example() -> Result<(), runner::RunnerError> {
//! let settings = runner::Settings { listen: "127.0.0.1:0".to_owned(), ..runner::Settings::new("spin.toml") };
//! let runner = runner::Runner::start(&settings).await?;
//! if let Some(address) = runner.local_addr() {
//!     println!("serving http://{address}");
//! }
//! runner.shutdown().await;
//! # Ok(())
//! # }
//! ```
//!
//! The manifest itself is read by the crate `application`; this one compiles the components and runs them:
//!
//! - `runner.rs`: an application, started and stopped;
//! - `engine.rs`: the WebAssembly engine: compiling, and making instances within their limits;
//! - `lane.rs`: a thread for each component;
//! - `trigger/`: what makes a component run: requests and times;
//! - `host/`: what a component may call: PostgreSQL, variables, HTTP, its memory, its output;
//! - `error.rs`: why an application cannot be started, and the mend.
//!
//! The runner knows no component of this project, and adds no interface of its own: whatever runs here runs on Spin.

#![deny(missing_docs)]

mod engine;
mod error;
mod host;
mod lane;
mod runner;
mod trigger;

pub use error::RunnerError;
pub use runner::{Runner, Settings, Shutdown, run_once};
