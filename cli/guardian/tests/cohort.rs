//! What a cohort is like, read from the rows that `copy` gets: nothing here knows how they are made.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use chrono::{DateTime, Datelike, NaiveDate, Timelike, Utc};
use guardian::copy::{Chunk, RowWriter};
use guardian::generate::{Cohort, Plan, TABLES};
use guardian::seed::FIXED;

/// The rows of a table, each by the names of its columns.
type Rows = Vec<BTreeMap<&'static str, Option<String>>>;

fn plan(seed: u32) -> Plan {
    Plan {
        seed,
        until: "2026-11-01".parse().unwrap(),
    }
}

/// What `copy` gets of each table.
fn text(plan: Plan, number: u32) -> BTreeMap<&'static str, String> {
    let cohort = Cohort::generate(plan, number);
    TABLES
        .into_iter()
        .map(|table| {
            let mut text = String::new();
            let mut take = |chunk: Chunk| {
                text.push_str(std::str::from_utf8(&chunk.bytes).unwrap());
                Ok(())
            };
            let mut rows = RowWriter::new(&mut take);
            cohort.write(table, &mut rows).unwrap();
            rows.finish().unwrap();
            (table.name, text)
        })
        .collect()
}

/// The first cohort of seed 1, made once for all tests.
static COHORT: LazyLock<BTreeMap<&'static str, Rows>> = LazyLock::new(|| {
    let text = text(plan(1), 1);
    let read = |columns: &'static str, line: &str| {
        let fields: Vec<&str> = line.split('\t').collect();
        let columns: Vec<&str> = columns.split(", ").collect();
        assert_eq!(fields.len(), columns.len(), "{line}");
        let fields = fields
            .into_iter()
            .map(|field| (field != "\\N").then(|| field.to_owned()));
        columns.into_iter().zip(fields).collect()
    };
    TABLES
        .iter()
        .map(|table| {
            let lines = text[table.name].lines();
            (table.name, lines.map(|line| read(table.columns, line)).collect())
        })
        .collect()
});

fn rows(table: &str) -> &'static Rows {
    &COHORT[table]
}

fn field<'row>(row: &'row BTreeMap<&'static str, Option<String>>, column: &str) -> &'row str {
    row[column]
        .as_deref()
        .unwrap_or_else(|| panic!("{column} is null in {row:?}"))
}

fn time(row: &BTreeMap<&'static str, Option<String>>, column: &str) -> DateTime<Utc> {
    time_of(field(row, column))
}

fn time_of(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_str(&format!("{text}00"), "%Y-%m-%d %H:%M:%S%.f%z")
        .unwrap()
        .to_utc()
}

/// How many rows of a table each patient has; those without one count too.
fn per_patient(table: &str) -> BTreeMap<&'static str, f64> {
    let patients = rows("patients");
    let mut counts: BTreeMap<&str, f64> = patients
        .iter()
        .map(|patient| (field(patient, "patient_id"), 0.0))
        .collect();
    for row in rows(table) {
        *counts.get_mut(field(row, "patient_id")).unwrap() += 1.0;
    }
    counts
}

/// The share that the `count` with most have of all.
fn share_of_largest(counts: &BTreeMap<&str, f64>, count: usize) -> f64 {
    let mut sorted: Vec<f64> = counts.values().copied().collect();
    sorted.sort_by(|left, right| right.total_cmp(left));
    sorted.iter().take(count).sum::<f64>() / sorted.iter().sum::<f64>()
}

/// The correlation of ranks (Spearman's), which no single extreme value decides.
fn correlation(pairs: &[(f64, f64)]) -> f64 {
    let ranks = |values: Vec<f64>| {
        let mut order: Vec<usize> = (0..values.len()).collect();
        order.sort_by(|&left, &right| values[left].total_cmp(&values[right]));
        let mut ranks = vec![0.0; values.len()];
        for (rank, index) in order.into_iter().enumerate() {
            ranks[index] = rank as f64;
        }
        ranks
    };
    let left = ranks(pairs.iter().map(|pair| pair.0).collect());
    let right = ranks(pairs.iter().map(|pair| pair.1).collect());
    let middle = (pairs.len() as f64 - 1.0) / 2.0;
    let product: f64 = left
        .iter()
        .zip(&right)
        .map(|(l, r)| (l - middle) * (r - middle))
        .sum();
    let variance: f64 = left.iter().map(|rank| (rank - middle).powi(2)).sum();
    product / variance
}

#[test]
fn the_volumes_are_exact() {
    for (table, count) in FIXED {
        assert_eq!(rows(table).len(), count, "{table}");
    }
}

#[test]
fn the_same_plan_gives_the_same_rows_and_another_seed_or_cohort_gives_others() {
    let first = text(plan(1), 1);
    assert_eq!(text(plan(1), 1), first);
    for other in [text(plan(2), 1), text(plan(1), 2)] {
        for (table, rows) in &other {
            assert_ne!(rows, &first[table], "{table}");
        }
    }
}

#[test]
fn no_two_cohorts_have_a_key_in_common() {
    let keys = |number| {
        let text = text(plan(1), number);
        let first_fields = |table: &str| {
            text[table]
                .lines()
                .map(|line| line.split('\t').next().unwrap().to_owned())
                .collect::<Vec<_>>()
        };
        [
            "profiles",
            "patients",
            "timeline_events",
            "documents",
            "clinical_events",
            "lab_results",
        ]
        .iter()
        .flat_map(|table| first_fields(table))
        .collect::<Vec<_>>()
    };
    let (first, second) = (keys(1), keys(2));
    let distinct: BTreeSet<_> = first.iter().chain(&second).collect();
    // A patient's row begins with another key than the profile's, so that every key comes once.
    assert_eq!(distinct.len(), first.len() + second.len());
}

#[test]
fn a_few_patients_have_thousands_of_events_and_most_have_few() {
    let counts = per_patient("timeline_events");
    let mut sorted: Vec<f64> = counts.values().copied().collect();
    sorted.sort_by(f64::total_cmp);
    assert!(sorted[999] >= 1_800.0, "{}", sorted[999]);
    assert!((2..=12).contains(&sorted.iter().filter(|count| **count >= 1_000.0).count()));
    assert!((10.0..25.0).contains(&sorted[500]), "{}", sorted[500]);
    let (hundredth, twentieth) = (share_of_largest(&counts, 10), share_of_largest(&counts, 50));
    assert!((0.17..0.26).contains(&hundredth), "{hundredth}");
    assert!((0.38..0.52).contains(&twentieth), "{twentieth}");
}

#[test]
fn who_has_much_of_one_thing_has_much_of_the_others() {
    let events = per_patient("clinical_events");
    for table in [
        "documents",
        "provider_interactions",
        "lab_results",
        "timeline_events",
    ] {
        let other = per_patient(table);
        let pairs: Vec<_> = events
            .iter()
            .map(|(patient, count)| (*count, other[patient]))
            .collect();
        assert!(correlation(&pairs) > 0.7, "{table}: {}", correlation(&pairs));
    }
}

#[test]
fn the_old_have_more_conditions_and_more_events() {
    let (conditions, events) = (chronic_conditions(), per_patient("clinical_events"));
    let pairs = |counts: &BTreeMap<&str, f64>| -> Vec<(f64, f64)> {
        rows("patients")
            .iter()
            .map(|patient| {
                let birth: NaiveDate = field(patient, "date_of_birth").parse().unwrap();
                let age = (plan(1).until - birth).num_days() as f64;
                let count = counts.get(field(patient, "patient_id")).copied();
                (age, count.unwrap_or_default())
            })
            .collect()
    };
    assert!(
        correlation(&pairs(&conditions)) > 0.4,
        "{}",
        correlation(&pairs(&conditions))
    );
    assert!(
        correlation(&pairs(&events)) > 0.3,
        "{}",
        correlation(&pairs(&events))
    );
}

fn chronic_conditions() -> BTreeMap<&'static str, f64> {
    let mut counts = BTreeMap::new();
    for row in rows("conditions") {
        if row["resolved_at"].is_none() {
            *counts.entry(field(row, "patient_id")).or_default() += 1.0;
        }
    }
    counts
}

/// Pairs of two values that were found in the same sample.
fn measured(code: &str, other: &str) -> Vec<(f64, f64)> {
    let mut samples: BTreeMap<&str, BTreeMap<&str, f64>> = BTreeMap::new();
    for row in rows("lab_results") {
        let value = field(row, "value").parse().unwrap();
        let sample = samples.entry(field(row, "clinical_event_id")).or_default();
        sample.insert(field(row, "code"), value);
    }
    samples
        .values()
        .filter_map(|sample| Some((*sample.get(code)?, *sample.get(other)?)))
        .collect()
}

#[test]
fn laboratory_values_go_together_as_in_people() {
    for (code, other, at_least, at_most) in [
        // Sugar now and sugar of the last months.
        ("4548-4", "2345-7", 0.75, 1.0),
        // What the kidneys leave, and how much they filter.
        ("2160-0", "98979-8", -1.0, -0.8),
        // Cholesterol, and the greatest part of it.
        ("2093-3", "13457-7", 0.6, 1.0),
        ("718-7", "4544-3", 0.8, 1.0),
        ("1742-6", "1920-8", 0.7, 1.0),
        ("1988-5", "6690-2", 0.3, 1.0),
    ] {
        let pairs = measured(code, other);
        assert!(pairs.len() > 200, "{code} and {other}: {}", pairs.len());
        let correlation = correlation(&pairs);
        assert!(
            (at_least..=at_most).contains(&correlation),
            "{code} and {other}: {correlation}"
        );
    }
}

#[test]
fn laboratory_values_are_plausible_and_mostly_within_their_range() {
    let results = rows("lab_results");
    let number = |row: &BTreeMap<_, _>, column: &str| field(row, column).parse::<f64>().unwrap();
    let mut outside = 0;
    for row in results {
        let (value, low, high) = (
            number(row, "value"),
            number(row, "reference_low"),
            number(row, "reference_high"),
        );
        assert!(value > 0.0 && value < 100.0 * high, "{row:?}");
        outside += usize::from(value < low || value > high);
    }
    let share = outside as f64 / results.len() as f64;
    assert!((0.1..0.4).contains(&share), "{share}");
}

#[test]
fn diabetics_have_more_sugar_and_the_right_medication() {
    let with_diabetes: BTreeSet<&str> = rows("conditions")
        .iter()
        .filter(|row| field(row, "code") == "E11.9")
        .map(|row| field(row, "patient_id"))
        .collect();
    let mean = |diabetic: bool| {
        let values: Vec<f64> = rows("lab_results")
            .iter()
            .filter(|row| field(row, "code") == "2345-7")
            .filter(|row| with_diabetes.contains(field(row, "patient_id")) == diabetic)
            .map(|row| field(row, "value").parse().unwrap())
            .collect();
        values.iter().sum::<f64>() / values.len() as f64
    };
    assert!(mean(true) > mean(false) + 40.0, "{} {}", mean(true), mean(false));
    for row in rows("medications") {
        if field(row, "code") == "A10BA02" {
            assert!(with_diabetes.contains(field(row, "patient_id")), "{row:?}");
        }
    }
}

#[test]
fn appointments_keep_office_hours_and_infections_the_winter() {
    let interactions = rows("provider_interactions");
    let share = |of: &dyn Fn(DateTime<Utc>) -> bool| {
        let count = interactions
            .iter()
            .filter(|row| of(time(row, "occurred_at")))
            .count();
        count as f64 / interactions.len() as f64
    };
    let weekend = share(&|at| at.weekday().num_days_from_monday() >= 5);
    assert!(weekend < 0.1, "{weekend}");
    assert!(share(&|at| (8..18).contains(&at.hour())) > 0.85);
    assert!(share(&|at| (9..12).contains(&at.hour())) > 2.0 * share(&|at| (12..14).contains(&at.hour())));
    let mut months = [0; 12];
    for row in rows("clinical_events") {
        if field(row, "code") == "J06.9" {
            months[time(row, "occurred_at").month0() as usize] += 1;
        }
    }
    let (winter, summer) = (
        months[11] + months[0] + months[1],
        months[5] + months[6] + months[7],
    );
    assert!(winter > 2 * summer, "{months:?}");
}

#[test]
fn visits_come_in_bouts() {
    let mut of_patient: BTreeMap<&str, Vec<DateTime<Utc>>> = BTreeMap::new();
    for row in rows("provider_interactions") {
        of_patient
            .entry(field(row, "patient_id"))
            .or_default()
            .push(time(row, "occurred_at"));
    }
    // The share of gaps shorter than a third of the mean gap: 28 % where nothing draws visits together.
    let (mut short, mut all) = (0, 0);
    for times in of_patient
        .values_mut()
        .filter(|times| (5..=40).contains(&times.len()))
    {
        times.sort();
        let mean = (times[times.len() - 1] - times[0]).num_hours() as f64 / (times.len() - 1) as f64;
        for pair in times.windows(2) {
            short += usize::from(((pair[1] - pair[0]).num_hours() as f64) < mean / 3.0);
            all += 1;
        }
    }
    let share = f64::from(short as u32) / f64::from(all as u32);
    assert!(all > 500 && share > 0.34, "{share} of {all}");
}

#[test]
fn providers_have_panels_of_different_sizes_and_mostly_see_their_own() {
    let mut panels: BTreeMap<&str, f64> = BTreeMap::new();
    let mut granted = BTreeSet::new();
    for grant in rows("access_grants") {
        *panels.entry(field(grant, "provider_id")).or_default() += 1.0;
        granted.insert((field(grant, "patient_id"), field(grant, "provider_id")));
    }
    let mut sizes: Vec<f64> = panels.values().copied().collect();
    sizes.sort_by(f64::total_cmp);
    assert!(sizes[sizes.len() - 1] > 3.0 * sizes[sizes.len() / 2], "{sizes:?}");
    let interactions = rows("provider_interactions");
    let own = interactions
        .iter()
        .filter(|row| granted.contains(&(field(row, "patient_id"), field(row, "provider_id"))))
        .count();
    assert!(own as f64 > 0.85 * interactions.len() as f64, "{own}");
}

#[test]
fn documents_have_the_lengths_of_documents() {
    let mut lengths: Vec<usize> = rows("documents")
        .iter()
        .map(|row| field(row, "body").len())
        .collect();
    lengths.sort_unstable();
    assert!((500..1_300).contains(&lengths[5_000]), "{}", lengths[5_000]);
    assert!(lengths[9_900] > 4 * lengths[5_000], "{}", lengths[9_900]);
    assert!(lengths[9_999] < 41_000);
    let sizes: Vec<(f64, f64)> = rows("documents")
        .iter()
        .map(|row| {
            (
                field(row, "body").len() as f64,
                field(row, "file_size_bytes").parse().unwrap(),
            )
        })
        .collect();
    assert!(correlation(&sizes) > 0.2, "{}", correlation(&sizes));
}

#[test]
fn everything_refers_to_something_that_is_there() {
    let keys = |table: &str, column: &str| -> BTreeSet<&str> {
        rows(table).iter().map(|row| field(row, column)).collect()
    };
    let patients = keys("patients", "patient_id");
    let providers = keys("providers", "provider_id");
    let documents = keys("documents", "document_id");
    let events = keys("clinical_events", "clinical_event_id");
    let profiles = keys("profiles", "profile_id");
    for table in TABLES {
        for row in rows(table.name) {
            for (column, there) in [
                ("patient_id", &patients),
                ("provider_id", &providers),
                ("document_id", &documents),
                ("clinical_event_id", &events),
                ("profile_id", &profiles),
            ] {
                if let Some(Some(key)) = row.get(column) {
                    assert!(
                        there.contains(key.as_str()),
                        "{column} in {}: {row:?}",
                        table.name
                    );
                }
            }
        }
    }
}

#[test]
fn nothing_happens_before_birth_after_death_or_after_the_end() {
    let end = plan(1).until.and_time(chrono::NaiveTime::MIN).and_utc();
    let lives: BTreeMap<&str, (NaiveDate, Option<DateTime<Utc>>)> = rows("patients")
        .iter()
        .map(|row| {
            let born = field(row, "date_of_birth").parse().unwrap();
            let died = row["deceased_at"].as_deref().map(time_of);
            (field(row, "patient_id"), (born, died))
        })
        .collect();
    assert!((3..150).contains(&lives.values().filter(|(_, died)| died.is_some()).count()));
    for (table, column) in [
        ("timeline_events", "occurred_at"),
        ("clinical_events", "occurred_at"),
        ("documents", "uploaded_at"),
        ("provider_interactions", "occurred_at"),
        ("lab_results", "taken_at"),
        ("conditions", "onset_at"),
    ] {
        for row in rows(table) {
            let at = time(row, column);
            let (born, died) = lives[field(row, "patient_id")];
            assert!(at < died.unwrap_or(end).min(end), "{table}: {row:?}");
            assert!(at.date_naive() >= born, "{table}: {row:?}");
        }
    }
}
