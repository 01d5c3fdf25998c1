use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use proptest::prelude::*;

use super::*;
use crate::delta::{self, NewRows, Snapshot};

const PLACES: usize = 4;
const BUDGET: Budget<'_> = Budget {
    places: PLACES,
    by: &["calls"],
};

/// A server's tables: by key the number of calls, and of which table it is a partition.
type Tables = BTreeMap<String, (i64, Option<String>)>;

/// A monitor that reads them now and then.
#[derive(Default)]
struct Monitor {
    snapshot: Option<Snapshot>,
    exposed: Option<Exposed>,
}

impl Monitor {
    /// Reads, and tells what was counted in between according to the deltas.
    fn read(&mut self, tables: &Tables) -> i64 {
        let taken_at = self
            .snapshot
            .as_ref()
            .map_or(DateTime::<Utc>::UNIX_EPOCH, |last| {
                last.taken_at() + Duration::from_secs(15)
            });
        let keys: Vec<String> = tables.keys().cloned().collect();
        let counters = tables.values().map(|(calls, _)| *calls).collect();
        let snapshot = Snapshot::new(taken_at, "epoch", vec!["calls".to_owned()], keys, counters).unwrap();
        let deltas = delta::between(self.snapshot.as_ref(), &snapshot, NewRows::Count);
        let reading = Reading {
            keys: snapshot.keys(),
            roots: &tables.values().map(|(_, root)| root.clone()).collect::<Vec<_>>(),
            counter_columns: snapshot.columns(),
            counters: snapshot.counters(),
            gauge_columns: &["rows".to_owned()],
            gauges: &vec![Some(1); tables.len()],
        };
        self.exposed = Exposed::next(self.exposed.as_ref(), &reading, &deltas, BUDGET);
        self.snapshot = Some(snapshot);
        deltas.rows.iter().map(|row| row.values[0]).sum()
    }

    fn series(&self) -> BTreeMap<Subject, i64> {
        let rows = self.exposed.iter().flat_map(|exposed| &exposed.rows);
        rows.filter(|row| row.shown)
            .map(|row| (row.subject.clone(), row.counters[0]))
            .collect()
    }
}

fn tables(calls: &[(&str, i64)]) -> Tables {
    let tables = calls
        .iter()
        .map(|(name, calls)| ((*name).to_owned(), (*calls, None)));
    tables.collect()
}

fn names(monitor: &Monitor) -> Vec<String> {
    let subjects = monitor.series().into_keys();
    subjects
        .map(|subject| match subject {
            Subject::One(key) => key,
            Subject::Root(root) => format!("root {root}"),
            Subject::Other => "other".to_owned(),
        })
        .collect()
}

#[test]
fn nothing_is_bounded_where_all_have_a_place() {
    let mut monitor = Monitor::default();
    monitor.read(&tables(&[("a", 1), ("b", 2), ("c", 3), ("d", 4)]));
    assert_eq!(monitor.exposed, None);
    let keys = ["a".to_owned(), "b".to_owned()];
    let reading = Reading {
        keys: &keys,
        roots: &[],
        counter_columns: &["calls".to_owned()],
        counters: &[1, -1],
        gauge_columns: &[],
        gauges: &[],
    };
    let exposed = Exposed::first(&reading, BUDGET);
    let rows: Vec<_> = exposed
        .rows
        .iter()
        .map(|row| (&row.subject, row.counters[0]))
        .collect();
    let one = |key: &String| Subject::One(key.clone());
    assert_eq!(rows, [(&one(&keys[0]), 1), (&one(&keys[1]), -1)]);
    let crowded = Exposed::first(&reading, Budget { places: 1, by: &[] });
    assert_eq!(crowded.row(&Subject::Other).unwrap().subjects, 1);
}

#[test]
fn who_was_shown_stays_until_it_is_far_behind() {
    let mut monitor = Monitor::default();
    let mut all = tables(&[
        ("a", 10),
        ("b", 20),
        ("c", 30),
        ("d", 40),
        ("e", 50),
        ("f", 60),
        ("g", 70),
    ]);
    monitor.read(&all);
    assert_eq!(names(&monitor), ["d", "e", "f", "g", "other"]);
    // c passes d: c is shown, d is fifth and stays.
    all.get_mut("c").unwrap().0 = 45;
    monitor.read(&all);
    assert_eq!(names(&monitor), ["c", "d", "e", "f", "g", "other"]);
    // a and b pass all: d is seventh and goes, c is sixth and stays.
    all.get_mut("a").unwrap().0 = 100;
    all.get_mut("b").unwrap().0 = 100;
    monitor.read(&all);
    assert_eq!(names(&monitor), ["a", "b", "c", "e", "f", "g", "other"]);
}

#[test]
fn the_others_never_count_back_when_one_of_them_is_shown() {
    let mut monitor = Monitor::default();
    let mut all = tables(&[("a", 10), ("b", 20), ("c", 30), ("d", 40), ("e", 50)]);
    monitor.read(&all);
    assert_eq!(monitor.series()[&Subject::Other], 10);
    all.get_mut("a").unwrap().0 = 1_000;
    monitor.read(&all);
    // Its 990 were counted before it was shown, so they are the others'.
    assert_eq!(monitor.series()[&Subject::Other], 1_000);
    assert_eq!(monitor.series()[&Subject::One("a".to_owned())], 1_000);
    all.get_mut("a").unwrap().0 = 1_500;
    monitor.read(&all);
    assert_eq!(monitor.series()[&Subject::Other], 1_000);
}

#[test]
fn partitions_are_shown_as_their_table_which_never_counts_back() {
    let mut monitor = Monitor::default();
    let root = Some("public.orders".to_owned());
    let mut all = tables(&[("a", 1)]);
    all.insert("orders_1".to_owned(), (100, root.clone()));
    all.insert("orders_2".to_owned(), (10, root.clone()));
    monitor.read(&all);
    assert_eq!(names(&monitor), ["a", "root public.orders", "other"]);
    let orders = Subject::Root("public.orders".to_owned());
    assert_eq!(monitor.series()[&orders], 110);
    all.remove("orders_1");
    all.get_mut("orders_2").unwrap().0 = 15;
    all.insert("orders_3".to_owned(), (7, root));
    monitor.read(&all);
    assert_eq!(monitor.series()[&orders], 122);
    let row = monitor.exposed.as_ref().unwrap().row(&orders).unwrap();
    assert_eq!((row.subjects, row.gauges.as_slice()), (2, [Some(2)].as_slice()));
}

#[test]
fn a_gap_changes_nothing_that_was_added_up() {
    let mut monitor = Monitor::default();
    let all = tables(&[("a", 1), ("b", 2), ("c", 3), ("d", 4), ("e", 5), ("f", 6)]);
    monitor.read(&all);
    let before = monitor.series()[&Subject::Other];
    // A restart: the snapshot of before is of another epoch, so that there are no deltas.
    monitor.snapshot = None;
    monitor.read(&tables(&[
        ("a", 0),
        ("b", 0),
        ("c", 0),
        ("d", 0),
        ("e", 1),
        ("f", 1),
    ]));
    assert_eq!(monitor.series()[&Subject::Other], before);
}

/// What happens to a table between two readings.
#[derive(Clone, Debug)]
enum Event {
    Calls(usize, i64),
    Dropped(usize),
    Created(usize, i64),
}

fn events() -> impl Strategy<Value = Vec<Vec<Event>>> {
    let event = prop_oneof![
        8 => (0..16_usize, 0..1_000_i64).prop_map(|(table, calls)| Event::Calls(table, calls)),
        1 => (0..16_usize).prop_map(Event::Dropped),
        1 => (0..16_usize, 0..1_000_i64).prop_map(|(table, calls)| Event::Created(table, calls)),
    ];
    prop::collection::vec(prop::collection::vec(event, 0..8), 1..30)
}

/// Plays the events of one interval. A table is not dropped and made again within it: nobody could see that.
fn play(tables: &mut Tables, events: &[Event]) {
    let before: Vec<String> = tables.keys().cloned().collect();
    let key = |table: &usize| format!("t{table:02}");
    for event in events {
        match event {
            Event::Calls(table, calls) => {
                if let Some((counter, _)) = tables.get_mut(&key(table)) {
                    *counter += calls;
                }
            }
            Event::Dropped(table) => drop(tables.remove(&key(table))),
            Event::Created(table, calls) if !before.contains(&key(table)) => {
                let root = (table % 3 == 0).then(|| format!("public.root_{}", table % 2));
                tables.insert(key(table), (*calls, root));
            }
            Event::Created(..) => {}
        }
    }
}

proptest! {
    /// The series grow by exactly what was counted, whoever is shown, and none that adds up ever falls.
    #[test]
    fn the_growth_of_all_series_is_the_sum_of_all_deltas(history in events()) {
        let mut all = Tables::new();
        play(&mut all, &(0..16).map(|table| Event::Created(table, 10 * table as i64)).collect::<Vec<_>>());
        let mut monitor = Monitor::default();
        monitor.read(&all);
        let mut before = monitor.series();
        for events in history {
            play(&mut all, &events);
            let counted = monitor.read(&all);
            let after = monitor.series();
            let mut grown = 0;
            for (subject, value) in &after {
                if let Some(before) = before.get(subject) {
                    prop_assert!(value >= before, "{subject:?} fell from {before} to {value}");
                    grown += value - before;
                }
            }
            prop_assert_eq!(grown, counted);
            before = after;
        }
    }

    /// The first N are always shown, never more than N and a half, and only who is far behind is not shown any more.
    #[test]
    fn who_is_shown_is_bounded_and_stays(history in events()) {
        let mut all = Tables::new();
        play(&mut all, &(0..16).filter(|table| table % 3 != 0).map(|table| Event::Created(table, 1)).collect::<Vec<_>>());
        let mut monitor = Monitor::default();
        let mut before: Vec<Subject> = Vec::new();
        for events in history {
            play(&mut all, &events);
            all.retain(|_, (_, root)| root.is_none());
            monitor.read(&all);
            let Some(exposed) = &monitor.exposed else { continue };
            let mut ranking: Vec<(i64, &String)> = all.iter().map(|(key, (calls, _))| (-calls, key)).collect();
            ranking.sort();
            let place = |subject: &Subject| match subject {
                Subject::One(key) => ranking.iter().position(|(_, ranked)| *ranked == key),
                _ => None,
            };
            let shown: Vec<Subject> = monitor.series().into_keys().filter(|subject| *subject != Subject::Other).collect();
            prop_assert!(shown.len() <= PLACES + PLACES / 2);
            for (_, key) in ranking.iter().take(PLACES) {
                prop_assert!(shown.contains(&Subject::One((*key).clone())), "{key} is not shown");
            }
            for subject in before.iter().filter(|subject| !shown.contains(subject)) {
                prop_assert!(place(subject).is_none_or(|place| place >= PLACES + PLACES / 2), "{subject:?} left");
            }
            let hidden = exposed.row(&Subject::Other).unwrap().subjects;
            prop_assert_eq!(shown.len() + hidden, all.len());
            before = shown;
        }
    }
}
