//! Whether a message arrived, and when to try again.

use std::time::Duration;

use chrono::{DateTime, NaiveDateTime, Utc};

/// What an attempt to deliver a message came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It arrived.
    Delivered,
    /// It may arrive later.
    Retry {
        /// The receiver asked to be left alone for this long.
        after: Option<Duration>,
    },
    /// It never will: the receiver refuses this message, or there is no such receiver.
    Refused,
    /// The receiver is gone for good, and wants to be asked no more.
    Gone,
}

/// No receiver is waited for longer than this, whatever it asks for.
pub const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(86_400);

impl Verdict {
    /// What the answer of an HTTP receiver means.
    ///
    /// 2xx is delivered. 408, 425, 429 and 5xx may pass. 410 is gone. Everything else will be the same next time; that
    /// includes redirects, which are not followed because they can lead into networks the receiver's address does not.
    /// `retry_after` is the header of that name: seconds, or a date that is compared with `now`.
    pub fn of_status(status: u16, retry_after: Option<&str>, now: DateTime<Utc>) -> Self {
        match status {
            200..=299 => Self::Delivered,
            408 | 425 | 429 | 500..=599 => Self::Retry {
                after: retry_after.and_then(|header| parse_retry_after(header, now)),
            },
            410 => Self::Gone,
            _ => Self::Refused,
        }
    }

    /// What it means that no answer came: it may pass.
    pub const fn of_no_answer() -> Self {
        Self::Retry { after: None }
    }
}

/// Reads a `Retry-After` header: a number of seconds or an HTTP date in any of its three forms (RFC 9110, 5.6.7).
///
/// A date in the past is no wait. What cannot be read is as if it were not there.
pub fn parse_retry_after(header: &str, now: DateTime<Utc>) -> Option<Duration> {
    const DATES: [&str; 3] = [
        "%a, %d %b %Y %H:%M:%S GMT",
        "%A, %d-%b-%y %H:%M:%S GMT",
        "%a %b %e %H:%M:%S %Y",
    ];
    let header = header.trim();
    let wait = if !header.is_empty() && header.bytes().all(|byte| byte.is_ascii_digit()) {
        // A number that does not fit is a long time all the same.
        Duration::from_secs(header.parse().unwrap_or(u64::MAX))
    } else {
        let date = DATES
            .iter()
            .find_map(|format| NaiveDateTime::parse_from_str(header, format).ok())?;
        (date.and_utc() - now).to_std().unwrap_or_default()
    };
    Some(wait.min(LONGEST_RETRY_AFTER))
}

/// When to try again: exponentially later, anywhere up to the limit ("full jitter"), so that messages which failed
/// together do not come back together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// The upper limit of the first wait.
    pub first: Duration,
    /// The upper limit of every wait.
    pub longest: Duration,
    /// After this many attempts in vain a message is dead.
    pub attempts: u32,
}

impl Default for Backoff {
    /// Up to 2, 4, 8, … seconds, at most half an hour, 20 attempts: about three hours on the average, six at most.
    fn default() -> Self {
        Self {
            first: Duration::from_secs(2),
            longest: Duration::from_secs(1_800),
            attempts: 20,
        }
    }
}

impl Backoff {
    /// How long to wait after `attempt` attempts in vain (1 after the first), or `None` when that was the last.
    ///
    /// `random` is a number in `0..1`; anything else counts as the nearest of those. What the receiver asked for
    /// (`after`) is waited for in any case, and the jitter comes on top of it.
    pub fn delay(&self, attempt: u32, after: Option<Duration>, random: f64) -> Option<Duration> {
        if attempt >= self.attempts {
            return None;
        }
        let doublings = attempt.saturating_sub(1).min(31);
        let limit = self.first.saturating_mul(1 << doublings).min(self.longest);
        let random = if random.is_nan() {
            0.5
        } else {
            random.clamp(0.0, 1.0)
        };
        let jitter = Duration::try_from_secs_f64(limit.as_secs_f64() * random).unwrap_or(limit);
        Some(after.unwrap_or_default().saturating_add(jitter))
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use proptest::prelude::*;

    use super::*;

    fn noon() -> DateTime<Utc> {
        "2026-11-21T12:00:00Z".parse().unwrap()
    }

    #[test]
    fn the_status_decides() {
        for status in [200, 202, 204] {
            assert_eq!(Verdict::of_status(status, None, noon()), Verdict::Delivered);
        }
        for status in [408, 425, 429, 500, 502, 503, 504, 599] {
            assert_eq!(
                Verdict::of_status(status, None, noon()),
                Verdict::Retry { after: None }
            );
        }
        assert_eq!(Verdict::of_status(410, None, noon()), Verdict::Gone);
        for status in [0, 100, 301, 302, 307, 308, 400, 401, 403, 404, 413, 422, 600] {
            assert_eq!(
                Verdict::of_status(status, Some("1"), noon()),
                Verdict::Refused,
                "{status}"
            );
        }
    }

    #[test]
    fn retry_after_is_seconds_or_one_of_three_kinds_of_date() {
        let wait = |header| parse_retry_after(header, noon()).map(|wait| wait.as_secs());
        assert_eq!(wait("120"), Some(120));
        assert_eq!(wait(" 0 "), Some(0));
        assert_eq!(wait("Sat, 21 Nov 2026 12:01:30 GMT"), Some(90));
        assert_eq!(wait("Saturday, 21-Nov-26 12:01:30 GMT"), Some(90));
        assert_eq!(wait("Sat Nov 21 12:01:30 2026"), Some(90));
        assert_eq!(wait("Sat, 21 Nov 2026 11:00:00 GMT"), Some(0));
        assert_eq!(wait("99999999999999999999999"), Some(86_400));
        assert_eq!(wait("Fri, 31 Dec 9999 23:59:59 GMT"), Some(86_400));
        for nonsense in ["", "soon", "-5", "1.5", "Sat, 99 Nov 2026 12:00:00 GMT"] {
            assert_eq!(wait(nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn waits_double_up_to_the_longest_and_end() {
        let backoff = Backoff {
            first: Duration::from_secs(2),
            longest: Duration::from_secs(60),
            attempts: 8,
        };
        let limits: Vec<_> = (1..10)
            .map(|attempt| backoff.delay(attempt, None, 1.0).map(|wait| wait.as_secs()))
            .collect();
        assert_eq!(
            limits,
            [
                Some(2),
                Some(4),
                Some(8),
                Some(16),
                Some(32),
                Some(60),
                Some(60),
                None,
                None
            ]
        );
        assert_eq!(backoff.delay(1, None, 0.0), Some(Duration::ZERO));
        assert_eq!(backoff.delay(3, None, 0.5), Some(Duration::from_secs(4)));
    }

    #[test]
    fn what_the_receiver_asks_for_is_waited_for() {
        let wait = Backoff::default().delay(1, Some(Duration::from_secs(30)), 0.5);
        assert_eq!(wait, Some(Duration::from_secs(31)));
    }

    proptest! {
        #[test]
        fn no_header_breaks_the_reader(header: String, offset in -1_000_000i64..1_000_000) {
            let wait = parse_retry_after(&header, noon() + TimeDelta::seconds(offset));
            prop_assert!(wait.is_none_or(|wait| wait <= LONGEST_RETRY_AFTER));
        }

        #[test]
        fn a_wait_is_within_its_limit(attempt: u32, random: f64) {
            let backoff = Backoff::default();
            let wait = backoff.delay(attempt, None, random);
            prop_assert_eq!(wait.is_none(), attempt >= backoff.attempts);
            prop_assert!(wait.is_none_or(|wait| wait <= backoff.longest));
        }
    }
}
