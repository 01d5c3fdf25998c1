//! How a time is written for PostgreSQL.

use chrono::{DateTime, Datelike, Utc};

use crate::error::DbError;

/// The time as text that `timestamptz` reads the same under every `DateStyle` and `TimeZone`.
///
/// # Errors
///
/// A time before the year 1: PostgreSQL writes such a year in another way, and nothing that is watched is so old.
pub(crate) fn to_text(time: &DateTime<Utc>) -> Result<String, DbError> {
    if time.year() < 1 {
        return Err(DbError::decode("a time before the year 1 cannot be sent"));
    }
    Ok(format!(
        "{:04}-{}",
        time.year(),
        time.format("%m-%d %H:%M:%S%.6f+00")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_keeps_its_microseconds_and_names_its_zone() {
        let time = "2026-02-03T04:05:06.000007Z".parse().unwrap();
        assert_eq!(to_text(&time).unwrap(), "2026-02-03 04:05:06.000007+00");
        assert_eq!(
            to_text(&DateTime::UNIX_EPOCH).unwrap(),
            "1970-01-01 00:00:00.000000+00"
        );
    }

    #[test]
    fn a_year_of_five_digits_has_no_sign_and_one_before_the_first_is_refused() {
        let far = chrono::NaiveDate::from_ymd_opt(12026, 1, 1)
            .unwrap()
            .and_hms_opt(0, 0, 0)
            .unwrap();
        assert_eq!(to_text(&far.and_utc()).unwrap(), "12026-01-01 00:00:00.000000+00");
        let old = chrono::NaiveDate::from_ymd_opt(0, 1, 1)
            .unwrap()
            .and_hms_opt(0, 0, 0)
            .unwrap();
        assert!(to_text(&old.and_utc()).is_err());
    }
}
