//! How receivers want to be told: one module per kind, each with a typed payload.
//!
//! - [`Kind`]: which receivers there are, and what each needs
//! - [`Settings`], [`Destination`]: one receiver of somebody's, checked
//! - [`Message`]: what it is to be told: one notification, or a storm of them
//! - [`Exchange`]: the requests that tell it, and what its answers mean
//! - `untrusted`: text that users of a watched database may have written, which no channel can take as its own
//! - `card`: what people are shown, before it takes the form of a chat, a mail or a telephone

pub mod alertmanager;
mod card;
mod destination;
pub mod discord;
mod exchange;
pub mod github;
mod incident;
mod kind;
mod mail;
mod message;
pub mod ntfy;
pub mod opsgenie;
pub mod pagerduty;
pub mod postmark;
mod request;
pub mod resend;
pub mod sendgrid;
pub mod sentry;
mod settings;
pub mod slack;
pub mod teams;
pub mod telegram;
mod untrusted;
pub mod webhook;

pub use destination::{Destination, DestinationError, check_address, check_key, check_settings};
pub use exchange::{Exchange, Outcome, plain_request};
pub use kind::{Kind, Need, Needs};
pub use message::Message;
pub use request::{Answer, Method, Request};
pub use settings::{Region, SettingError, Settings};

#[cfg(test)]
mod tests;
