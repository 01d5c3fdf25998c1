//! What a `spin.toml` says, as typed and validated values.
//!
//! [`Application::load`] reads a manifest and the dotenv file beside it, finds a value for every variable, and
//! gives back components, routes and schedules in which nothing is left to look up. Whatever it refuses it
//! refuses with the file, the line, the key and the mend ([`ApplicationError`]).
//!
//! It follows Spin: the manifest (version 2), the templates, the sources of variables, the precedence of routes,
//! the syntax of `allowed_outbound_hosts` and the six fields of a cron expression are Spin's.
//!
//! Apart from reading those two files and looking whether each component's file is there, nothing in this crate
//! does I/O: no network, no clock, no WebAssembly.
//!
//! - `manifest.rs`: the tables of the file, as they are written;
//! - `document.rs`: the lines of the file, for error messages;
//! - `template.rs`, `variables.rs`, `dotenv.rs`: `{{ name }}` and where values come from;
//! - `route.rs`, `route_pattern.rs`: which component answers which path;
//! - `allowed_hosts.rs`: which addresses a component may reach;
//! - `schedule.rs`: when a cron trigger fires;
//! - `application.rs`, `resolve.rs`, `components.rs`, `trigger_ids.rs`: all of it put together.

#![deny(missing_docs)]

mod allowed_hosts;
mod application;
mod components;
mod document;
mod dotenv;
mod error;
mod manifest;
mod name;
mod resolve;
mod route;
mod route_pattern;
mod schedule;
mod template;
mod trigger_ids;
mod variables;

pub use allowed_hosts::{AllowedHostError, AllowedHosts, NotPermitted};
pub use application::{Application, Component, CronTrigger, Dotenv, HttpTrigger, Options, Warning};
pub use error::{ApplicationError, Place, Problem};
pub use route::{Route, RouteError, RouteMatch, Router, ShadowedRoute};
pub use schedule::{Schedule, ScheduleError};
pub use template::{Template, TemplateError};
pub use variables::{MissingVariable, Resolver, VariableValue};
