//! TLS to PostgreSQL, and what is given to a server without it: by the command's own way and by that of components alike.
//!
//! - `command`: the native door, by which the command connects;
//! - `application`: the components on the runner, compared with it case by case;
//! - `passwords`: servers that ask for a password in a way that gives it away;
//! - `receivers`: webhooks behind an authority of one's own.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod application;
mod command;
mod fake;
mod passwords;
mod receivers;
mod room;
