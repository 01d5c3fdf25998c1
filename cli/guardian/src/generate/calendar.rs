//! When things happen: seasons, weekdays and hours, each kind of event with a rhythm of its own.

use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, Utc, Weekday};

use super::random::Random;

/// How often something happens in each month, on each weekday and in each hour, relative to the others.
#[derive(Debug)]
pub(crate) struct Rhythm {
    months: [f64; 12],
    weekdays: [f64; 7],
    hours: [f64; 24],
}

const ALL_YEAR: [f64; 12] = [1.0; 12];
/// Fewer in the holidays.
const WORKING_YEAR: [f64; 12] = [1.05, 1.05, 1.1, 1.0, 1.0, 0.95, 0.8, 0.75, 1.05, 1.1, 1.1, 0.85];
/// Infections of the airways.
const WINTER: [f64; 12] = [1.9, 2.0, 1.5, 0.9, 0.6, 0.4, 0.3, 0.3, 0.6, 1.0, 1.3, 1.7];
/// Allergies and injuries.
const SUMMER: [f64; 12] = [0.6, 0.6, 0.8, 1.2, 1.5, 1.5, 1.3, 1.2, 1.0, 0.8, 0.7, 0.8];
/// Influenza vaccinations.
const AUTUMN: [f64; 12] = [0.6, 0.4, 0.4, 0.4, 0.5, 0.4, 0.3, 0.4, 1.4, 3.0, 2.6, 1.4];

const WORKING_WEEK: [f64; 7] = [1.25, 1.1, 0.95, 1.05, 0.85, 0.08, 0.02];
const WHOLE_WEEK: [f64; 7] = [1.05, 1.0, 1.0, 1.0, 1.0, 1.1, 1.1];

/// Surgeries: two peaks, a pause at noon.
const OFFICE_HOURS: [f64; 24] = [
    0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.02, 0.3, 1.2, 1.8, 1.9, 1.5, 0.5, 0.6, 1.4, 1.6, 1.3, 0.7, 0.2, 0.05,
    0.0, 0.0, 0.0, 0.0,
];
/// Emergency departments: all day, most in the early evening.
const EMERGENCY_HOURS: [f64; 24] = [
    0.5, 0.4, 0.35, 0.3, 0.3, 0.35, 0.45, 0.6, 0.8, 1.0, 1.15, 1.2, 1.2, 1.2, 1.2, 1.25, 1.3, 1.4, 1.45, 1.4,
    1.25, 1.05, 0.85, 0.65,
];
/// What people write down themselves: a little in the morning, most after work.
const HOME_HOURS: [f64; 24] = [
    0.15, 0.05, 0.03, 0.02, 0.03, 0.1, 0.5, 1.0, 0.9, 0.6, 0.5, 0.5, 0.7, 0.6, 0.5, 0.5, 0.6, 0.9, 1.3, 1.7,
    1.8, 1.5, 0.9, 0.4,
];

/// Appointments for what is always there.
pub(crate) static OFFICE: Rhythm = Rhythm {
    months: WORKING_YEAR,
    weekdays: WORKING_WEEK,
    hours: OFFICE_HOURS,
};
/// Appointments for infections of the airways.
pub(crate) static OFFICE_IN_WINTER: Rhythm = Rhythm {
    months: WINTER,
    weekdays: WORKING_WEEK,
    hours: OFFICE_HOURS,
};
/// Appointments for allergies and injuries.
pub(crate) static OFFICE_IN_SUMMER: Rhythm = Rhythm {
    months: SUMMER,
    weekdays: WORKING_WEEK,
    hours: OFFICE_HOURS,
};
/// Vaccinations.
pub(crate) static OFFICE_IN_AUTUMN: Rhythm = Rhythm {
    months: AUTUMN,
    weekdays: WORKING_WEEK,
    hours: OFFICE_HOURS,
};
/// Emergencies.
pub(crate) static EMERGENCY: Rhythm = Rhythm {
    months: ALL_YEAR,
    weekdays: WHOLE_WEEK,
    hours: EMERGENCY_HOURS,
};
/// What patients note at home.
pub(crate) static HOME: Rhythm = Rhythm {
    months: ALL_YEAR,
    weekdays: WHOLE_WEEK,
    hours: HOME_HOURS,
};

/// Both days count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) first: NaiveDate,
    pub(crate) last: NaiveDate,
}

impl Span {
    /// How many days it has; at least one.
    pub(crate) fn days(&self) -> i64 {
        (self.last - self.first).num_days().max(0) + 1
    }

    /// The day some days after the first; never one after the last.
    fn day(&self, number: i64) -> NaiveDate {
        (self.first + TimeDelta::days(number)).min(self.last)
    }
}

impl Rhythm {
    /// How often it happens on a day, relative to its best days.
    fn frequency(&self, day: NaiveDate) -> f64 {
        let largest = |weights: &[f64]| weights.iter().copied().fold(0.0, f64::max);
        let month = self.months[day.month0() as usize] / largest(&self.months);
        let weekday = self.weekdays[index(day.weekday())] / largest(&self.weekdays);
        month * weekday
    }

    /// A day of a span on which it happens. The use of the application has grown: there are more late days than early
    /// ones, in proportion to the time since `opening`.
    pub(crate) fn day(&self, random: &mut Random, span: Span, opening: NaiveDate) -> NaiveDate {
        let age = |day: NaiveDate| (day - opening).num_days().max(0) as f64 + 1.0;
        let (youngest, oldest) = (age(span.first), age(span.last));
        // The days of a density that grows with age, by the inverse of its distribution; then as the rhythm allows.
        // A span may have no fitting day at all, such as a lone Sunday: then the last try is taken.
        let mut day = span.last;
        for _ in 0..200 {
            let square = youngest * youngest + random.unit() * (oldest * oldest - youngest * youngest);
            day = span.day((square.sqrt() - youngest) as i64);
            if random.chance(self.frequency(day)) {
                break;
            }
        }
        day
    }

    /// The first day from `day` on that the weekday lets be.
    pub(crate) fn next_day(&self, random: &mut Random, day: NaiveDate) -> NaiveDate {
        let largest = self.weekdays.iter().copied().fold(0.0, f64::max);
        (0..7)
            .map(|days| day + TimeDelta::days(days))
            .find(|day| random.chance(self.weekdays[index(day.weekday())] / largest * 1.5))
            .unwrap_or(day)
    }

    /// A moment of a day.
    pub(crate) fn moment(&self, random: &mut Random, day: NaiveDate) -> DateTime<Utc> {
        let hour = random.index_by(&self.hours) as i64;
        let seconds = hour * 3_600 + random.between(0, 3_599);
        midnight(day) + TimeDelta::seconds(seconds)
    }
}

/// The beginning of a day.
pub(crate) fn midnight(day: NaiveDate) -> DateTime<Utc> {
    day.and_time(chrono::NaiveTime::MIN).and_utc()
}

fn index(weekday: Weekday) -> usize {
    weekday.num_days_from_monday() as usize
}

#[cfg(test)]
mod tests {
    use chrono::Timelike;

    use super::super::random::Purpose;
    use super::*;

    fn date(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn five_years() -> Span {
        Span {
            first: date("2021-01-01"),
            last: date("2025-12-31"),
        }
    }

    fn days(rhythm: &Rhythm) -> Vec<NaiveDate> {
        let mut random = Random::new(7, 1, Purpose::Histories);
        let span = five_years();
        (0..20_000)
            .map(|_| rhythm.day(&mut random, span, span.first))
            .collect()
    }

    #[test]
    fn days_are_in_their_span_and_the_later_the_more() {
        let (span, days) = (five_years(), days(&OFFICE));
        assert!(days.iter().all(|day| span.first <= *day && *day <= span.last));
        let of = |year| days.iter().filter(|day| day.year() == year).count() as f64;
        let years = [of(2021), of(2022), of(2023), of(2024), of(2025)];
        assert!(years.is_sorted(), "{years:?}");
        // Of a density that grows evenly over five years, the last has nine times the first.
        assert!((7.0..11.0).contains(&(years[4] / years[0])), "{years:?}");
    }

    #[test]
    fn surgeries_are_closed_at_weekends_and_infections_are_of_the_winter() {
        let weekend = |days: &[NaiveDate]| {
            let count = days.iter().filter(|day| index(day.weekday()) >= 5).count();
            count as f64 / days.len() as f64
        };
        assert!(weekend(&days(&OFFICE)) < 0.04);
        assert!((0.25..0.35).contains(&weekend(&days(&EMERGENCY))));
        let winter = days(&OFFICE_IN_WINTER);
        let months = |wanted: [u32; 3]| winter.iter().filter(|day| wanted.contains(&day.month())).count();
        assert!(months([12, 1, 2]) > 3 * months([6, 7, 8]));
    }

    #[test]
    fn moments_keep_the_hours() {
        let mut random = Random::new(7, 1, Purpose::Histories);
        let mut hours = [0_usize; 24];
        for _ in 0..5_000 {
            hours[OFFICE.moment(&mut random, date("2025-03-03")).hour() as usize] += 1;
        }
        assert_eq!(hours[..6].iter().sum::<usize>(), 0);
        assert!(hours[10] > 2 * hours[12], "a pause at noon: {hours:?}");
    }

    #[test]
    fn a_span_without_a_fitting_day_still_has_one() {
        let sunday = date("2025-03-02");
        let span = Span {
            first: sunday,
            last: sunday,
        };
        let mut random = Random::new(7, 1, Purpose::Histories);
        assert_eq!(OFFICE.day(&mut random, span, sunday), sunday);
        assert_eq!(span.days(), 1);
    }
}
