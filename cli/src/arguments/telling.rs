//! What can be typed about alerts, and about who is told of them.

use std::time::Duration;

use clap::{Args, Subcommand};
use vitals::matcher::Matcher;

use super::Remove;

#[derive(Debug, Subcommand)]
pub(crate) enum Alerts {
    /// What is wrong at present.
    List(ListAlerts),
    /// One alert: how it stands, what happened to it, who was told.
    Show(AlertId),
    /// Say that somebody takes care of an alert: it is not escalated while it gets no worse.
    Acknowledge(Acknowledge),
}

#[derive(Debug, Args)]
pub(crate) struct ListAlerts {
    /// With those that were over within this time: 30m, 2h, 7d.
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = duration)]
    pub(crate) resolved_within: Duration,
    /// With those that are not told: pending ones, and those of which nothing is known.
    #[arg(long)]
    pub(crate) all: bool,
}

#[derive(Debug, Args)]
pub(crate) struct AlertId {
    /// The number of the alert.
    pub(crate) alert_id: i64,
}

#[derive(Debug, Args)]
pub(crate) struct Acknowledge {
    /// The number of the alert.
    pub(crate) alert_id: i64,
    /// Who takes care of it.
    #[arg(long, env = "USER")]
    pub(crate) by: String,
    /// What there is to say about it.
    #[arg(long)]
    pub(crate) note: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Silences {
    /// Tell nobody of some alerts for a while.
    Add(AddSilence),
    /// The silences that are not over.
    List,
    /// End a silence: what still fires is told.
    Remove(SilenceId),
}

#[derive(Debug, Args)]
pub(crate) struct AddSilence {
    /// Which alerts, as LABEL=VALUE, LABEL!=VALUE, LABEL=~PATTERN or LABEL!~PATTERN; all have to fit.
    #[arg(required = true)]
    pub(crate) matchers: Vec<Matcher>,
    /// For how long: 30m, 2h, 7d.
    #[arg(long = "for", value_name = "TIME", value_parser = duration)]
    pub(crate) lasts: Duration,
    /// Begin after this time instead of now.
    #[arg(long = "in", value_name = "TIME", default_value = "0s", value_parser = duration)]
    pub(crate) starts_in: Duration,
    /// Why.
    #[arg(long)]
    pub(crate) reason: String,
    /// Who says so.
    #[arg(long, env = "USER")]
    pub(crate) by: String,
}

#[derive(Debug, Args)]
pub(crate) struct SilenceId {
    /// The number of the silence.
    pub(crate) silence_id: i64,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Routes {
    /// Decide which channels are told of which alerts.
    Add(AddRoute),
    /// The routes, in the order in which they are looked at.
    List,
    /// Forget a route.
    Remove(Remove),
    /// Look at a route again.
    Enable(Named),
    /// Look at a route no longer, without forgetting it.
    Disable(Named),
}

#[derive(Debug, Args)]
pub(crate) struct AddRoute {
    /// What it is called. A route of that name is replaced.
    pub(crate) name: String,
    /// Which alerts, as LABEL=VALUE, LABEL!=VALUE, LABEL=~PATTERN or LABEL!~PATTERN; without any, all.
    pub(crate) matchers: Vec<Matcher>,
    /// A channel to tell at once, or, as CHANNEL@TIME, when nobody has acknowledged the alert for so long (pager@15m); may
    /// be repeated. Without any, nobody is told.
    #[arg(long = "to", value_name = "CHANNEL[@TIME]", value_parser = recipient)]
    pub(crate) recipients: Vec<Recipient>,
    /// Look at the routes after it too.
    #[arg(long = "continue")]
    pub(crate) continues: bool,
    /// Tell those who were told again after this time, while nobody has acknowledged the alert.
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) remind: Option<Duration>,
    /// Its place among the routes, the least first; the last when none is given.
    #[arg(long)]
    pub(crate) position: Option<i32>,
}

#[derive(Debug, Args)]
pub(crate) struct Named {
    /// What it is called.
    pub(crate) name: String,
}

/// A channel, and after how long it is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Recipient {
    pub(crate) channel: String,
    pub(crate) after: Duration,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Windows {
    /// Tell nobody of some alerts at times that come again.
    Add(AddWindow),
    /// The maintenance windows, and which are open.
    List,
    /// Forget a maintenance window.
    Remove(Remove),
    /// Keep to a maintenance window again.
    Enable(Named),
    /// Keep to a maintenance window no longer, without forgetting it.
    Disable(Named),
}

#[derive(Debug, Args)]
pub(crate) struct AddWindow {
    /// What it is called. A window of that name is replaced.
    pub(crate) name: String,
    /// Which alerts, as LABEL=VALUE, LABEL!=VALUE, LABEL=~PATTERN or LABEL!~PATTERN; without any, all.
    pub(crate) matchers: Vec<Matcher>,
    /// When it begins: minute, hour, day of the month, month, day of the week ('0 2 * * 6').
    #[arg(long, value_name = "CRON")]
    pub(crate) schedule: String,
    /// How long it lasts: 30m, 2h; a week at most.
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) lasts: Duration,
    /// On the clocks of which time zone.
    #[arg(long, default_value = "UTC")]
    pub(crate) time_zone: String,
    /// Why.
    #[arg(long)]
    pub(crate) reason: String,
}

fn recipient(text: &str) -> Result<Recipient, String> {
    let (channel, after) = match text.split_once('@') {
        Some((channel, after)) => (channel, duration(after)?),
        None => (text, Duration::ZERO),
    };
    Ok(Recipient {
        channel: channel.to_owned(),
        after,
    })
}

/// `90s`, `15m`, `2h`, `7d`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let form = || "write it as 90s, 15m, 2h or 7d".to_owned();
    let unit = text.chars().next_back().ok_or_else(form)?;
    let amount = text
        .strip_suffix(unit)
        .and_then(|amount| amount.parse::<u32>().ok());
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return Err(form()),
    };
    Ok(Duration::from_secs(u64::from(amount.ok_or_else(form)?) * seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_a_number_and_a_unit() {
        for (text, seconds) in [
            ("0s", 0),
            ("90s", 90),
            ("15m", 900),
            ("2h", 7_200),
            ("7d", 604_800),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)));
        }
        for text in ["", "h", "2", "2 h", "-1h", "1.5h", "2w", "99999999999s", "1é"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_recipient_may_have_to_wait() {
        let told = |text: &str| recipient(text).map(|told| (told.channel, told.after.as_secs()));
        assert_eq!(told("chat"), Ok(("chat".to_owned(), 0)));
        assert_eq!(told("pager@15m"), Ok(("pager".to_owned(), 900)));
        assert!(told("pager@soon").is_err());
    }
}
