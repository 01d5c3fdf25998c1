//! Which receivers there are, and what each needs.

use crate::name::names;

names! {
    /// The kind of a receiver.
    "channel kind" pub enum Kind {
        /// Any program that takes JSON, in the shape of Standard Webhooks.
        Webhook = "webhook",
        /// A Slack incoming webhook, or what understands its format (Mattermost, Rocket.Chat).
        Slack = "slack",
        /// A Discord webhook.
        Discord = "discord",
        /// A Microsoft Teams workflow that is started by a webhook.
        Teams = "teams",
        /// A PagerDuty service, by its Events API v2.
        PagerDuty = "pagerduty",
        /// Opsgenie, by its alert API.
        Opsgenie = "opsgenie",
        /// A Prometheus Alertmanager, by its API v2.
        Alertmanager = "alertmanager",
        /// A Sentry project.
        Sentry = "sentry",
        /// Issues of a GitHub repository.
        GitHub = "github",
        /// E-mail by way of Resend.
        Resend = "resend",
        /// E-mail by way of SendGrid.
        SendGrid = "sendgrid",
        /// E-mail by way of Postmark.
        Postmark = "postmark",
        /// A Telegram chat, by way of a bot.
        Telegram = "telegram",
        /// A topic of ntfy.
        Ntfy = "ntfy",
    }
}

/// Whether a channel has something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// It must be given.
    Required,
    /// It may be given.
    Optional,
    /// There is no use for it.
    Unused,
}

/// What a channel of some kind needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Needs {
    /// An address of its own. Where it may be left out there is a usual one.
    pub address: Need,
    /// A key that is not part of the address: a token, a routing key, a password.
    pub key: Need,
    /// The settings that must be given.
    pub required: &'static [&'static str],
    /// The settings that may be given.
    pub optional: &'static [&'static str],
}

impl Kind {
    /// Whether people read it: a storm then arrives as one message. Receivers that keep incidents get each alert by its
    /// own key instead.
    pub const fn takes_groups(self) -> bool {
        match self {
            Self::Slack
            | Self::Discord
            | Self::Teams
            | Self::Resend
            | Self::SendGrid
            | Self::Postmark
            | Self::Telegram
            | Self::Ntfy => true,
            Self::Webhook
            | Self::PagerDuty
            | Self::Opsgenie
            | Self::Alertmanager
            | Self::Sentry
            | Self::GitHub => false,
        }
    }

    /// Whether an incident stays open there until it is told to be over.
    pub const fn keeps_incidents(self) -> bool {
        matches!(
            self,
            Self::PagerDuty | Self::Opsgenie | Self::Alertmanager | Self::GitHub
        )
    }

    /// Whether whoever has the address can write to it, so that it does not belong in a table.
    pub const fn has_secret_address(self) -> bool {
        matches!(self, Self::Slack | Self::Discord | Self::Teams)
    }

    /// What a channel of this kind needs.
    pub const fn needs(self) -> Needs {
        let (address, key) = match self {
            Self::Slack | Self::Discord | Self::Teams => (Need::Required, Need::Unused),
            Self::Webhook | Self::Alertmanager => (Need::Required, Need::Optional),
            Self::Ntfy => (Need::Optional, Need::Optional),
            Self::Sentry => (Need::Unused, Need::Required),
            _ => (Need::Optional, Need::Required),
        };
        let (required, optional): (&[&str], &[&str]) = match self {
            Self::Opsgenie => (&[], &["region", "team"]),
            Self::Sentry => (&[], &["environment"]),
            Self::GitHub => (&["repository"], &["labels", "assignees"]),
            Self::Resend => (&["from", "to"], &[]),
            Self::SendGrid => (&["from", "to"], &["region"]),
            Self::Postmark => (&["from", "to"], &["message_stream"]),
            Self::Telegram => (&["chat_id"], &["thread_id"]),
            Self::Ntfy => (&["topic"], &[]),
            Self::PagerDuty => (&[], &["region"]),
            _ => (&[], &[]),
        };
        Needs {
            address,
            key,
            required,
            optional,
        }
    }
}
