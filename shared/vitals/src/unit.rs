//! Units, and how people like to read values in them.

use std::time::Duration;

use crate::name::names;

names! {
    /// What a value is measured in.
    "unit" pub enum Unit {
        /// Millionths of a second.
        Microseconds = "us",
        /// Thousandths of a second.
        Milliseconds = "ms",
        /// Seconds.
        Seconds = "s",
        /// Parts of a hundred.
        Percent = "percent",
        /// Parts of a thousand; written in percent.
        Permille = "permille",
        /// Bytes; written in powers of 1024.
        Bytes = "bytes",
        /// A number of things.
        Count = "count",
    }
}

impl Unit {
    /// The value as a person would write it: `600 ms`, `1.25 s`, `2 min 5 s`, `93.4 %`, `1.5 GB`, `12,345`.
    pub fn format(self, value: f64) -> String {
        if !value.is_finite() {
            return "unknown".to_owned();
        }
        match self {
            Self::Microseconds => format_milliseconds(value / 1000.0),
            Self::Milliseconds => format_milliseconds(value),
            Self::Seconds => format_milliseconds(value * 1000.0),
            Self::Percent => format!("{} %", round(value)),
            Self::Permille => format!("{} %", round(value / 10.0)),
            Self::Bytes => format_bytes(value),
            Self::Count => group_thousands(&round(value)),
        }
    }
}

/// A duration as a person would write it, in its two greatest units: `45 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`.
pub fn format_duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (great, great_unit, small, small_unit) = match seconds {
        0..60 => return format!("{seconds} s"),
        60..3_600 => (seconds / 60, "min", seconds % 60, "s"),
        3_600..86_400 => (seconds / 3_600, "h", seconds % 3_600 / 60, "min"),
        _ => (seconds / 86_400, "d", seconds % 86_400 / 3_600, "h"),
    };
    match small {
        0 => format!("{great} {great_unit}"),
        _ => format!("{great} {great_unit} {small} {small_unit}"),
    }
}

fn format_milliseconds(milliseconds: f64) -> String {
    match milliseconds.abs() {
        0.0 => "0 s".to_owned(),
        ..999.5 => format!("{} ms", round(milliseconds)),
        ..59_995.0 => format!("{} s", round(milliseconds / 1000.0)),
        _ if milliseconds > 0.0 => format_duration(
            Duration::try_from_secs_f64((milliseconds / 1000.0).round()).unwrap_or(Duration::MAX),
        ),
        _ => format!("{} s", round(milliseconds / 1000.0)),
    }
}

fn format_bytes(bytes: f64) -> String {
    const GREATER: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];
    let (mut amount, mut unit) = (bytes, "B");
    for greater in GREATER {
        // What would be written as 1,000 or more of a unit is written in the next one.
        if amount.abs() < 999.5 {
            break;
        }
        (amount, unit) = (amount / 1024.0, greater);
    }
    format!("{} {unit}", group_thousands(&round(amount)))
}

/// Three digits are as many as anybody reads in an alert: `0.0421`, `1.25`, `93.4`, `600`, `12345`.
fn round(value: f64) -> String {
    let decimals = match value.abs() {
        100.0.. => 0,
        10.0.. => 1,
        1.0.. => 2,
        0.1.. => 3,
        _ => 4,
    };
    let text = format!("{value:.decimals$}");
    let text = if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.')
    } else {
        &text
    };
    // A tiny negative value rounds to a zero that has no sign.
    if text == "-0" {
        "0".to_owned()
    } else {
        text.to_owned()
    }
}

fn group_thousands(number: &str) -> String {
    let (sign, number) = number
        .strip_prefix('-')
        .map_or(("", number), |digits| ("-", digits));
    let (whole, fraction) = number
        .split_once('.')
        .map_or((number, None), |(whole, rest)| (whole, Some(rest)));
    let mut text = String::from(sign);
    for (position, digit) in whole.chars().enumerate() {
        if position > 0 && (whole.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if let Some(fraction) = fraction {
        text.push('.');
        text.push_str(fraction);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(unit: Unit, cases: &[(f64, &str)]) {
        for (value, text) in cases {
            assert_eq!(unit.format(*value), *text, "{value} {unit}");
        }
    }

    #[test]
    fn milliseconds_turn_into_greater_units() {
        check(
            Unit::Milliseconds,
            &[
                (0.0, "0 s"),
                (0.04213, "0.0421 ms"),
                (1.5, "1.5 ms"),
                (12.34, "12.3 ms"),
                (600.0, "600 ms"),
                (999.9, "1 s"),
                (1_250.0, "1.25 s"),
                (59_990.0, "60 s"),
                (125_000.0, "2 min 5 s"),
            ],
        );
    }

    #[test]
    fn seconds_percent_and_counts() {
        check(
            Unit::Seconds,
            &[
                (0.0, "0 s"),
                (0.25, "250 ms"),
                (42.0, "42 s"),
                (7_500.0, "2 h 5 min"),
                (-90.0, "-90 s"),
            ],
        );
        check(
            Unit::Percent,
            &[
                (93.44, "93.4 %"),
                (100.0, "100 %"),
                (0.0, "0 %"),
                (-0.000_001, "0 %"),
            ],
        );
        check(
            Unit::Count,
            &[
                (0.0, "0"),
                (999.0, "999"),
                (12_345.0, "12,345"),
                (-1_234_567.0, "-1,234,567"),
                (1.5, "1.5"),
            ],
        );
        check(Unit::Permille, &[(500.0, "50 %"), (995.0, "99.5 %")]);
        check(Unit::Microseconds, &[(1_500.0, "1.5 ms"), (2_000_000.0, "2 s")]);
    }

    #[test]
    fn bytes_turn_into_greater_units() {
        check(
            Unit::Bytes,
            &[
                (0.0, "0 B"),
                (999.0, "999 B"),
                (1_024.0, "1 kB"),
                (53_687_091_200.0, "50 GB"),
                (-1_610_612_736.0, "-1.5 GB"),
                (1e30, "888,178,419,700,125 PB"),
            ],
        );
    }

    #[test]
    fn what_is_no_number_is_unknown() {
        check(Unit::Count, &[(f64::NAN, "unknown"), (f64::INFINITY, "unknown")]);
        assert!(
            Unit::Milliseconds.format(f64::MAX).ends_with(" h")
                || Unit::Milliseconds.format(f64::MAX).ends_with(" d")
        );
    }

    #[test]
    fn durations_have_at_most_two_units() {
        let cases = [
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (200, "3 min 20 s"),
            (7_500, "2 h 5 min"),
            (273_600, "3 d 4 h"),
        ];
        for (seconds, text) in cases {
            assert_eq!(format_duration(Duration::from_secs(seconds)), text);
        }
    }
}
