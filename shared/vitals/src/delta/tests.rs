use chrono::TimeDelta;

use super::*;

pub(super) fn at(milliseconds: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::milliseconds(milliseconds)
}

fn snapshot(milliseconds: i64, epoch: &str, columns: &[&str], rows: &[(&str, &[i64])]) -> Snapshot {
    let columns = columns.iter().map(|column| (*column).to_owned()).collect();
    let keys = rows.iter().map(|(key, _)| (*key).to_owned()).collect();
    let counters = rows
        .iter()
        .flat_map(|(_, counters)| counters.iter().copied())
        .collect();
    Snapshot::new(at(milliseconds), epoch, columns, keys, counters).unwrap()
}

fn rows(deltas: &Deltas) -> Vec<(&str, &[i64])> {
    deltas
        .rows
        .iter()
        .map(|row| (row.key.as_str(), row.values.as_slice()))
        .collect()
}

#[test]
fn what_grew_is_returned_and_what_did_not_is_left_out() {
    let before = snapshot(
        0,
        "e",
        &["calls", "rows"],
        &[("a", &[1, 10]), ("b", &[5, 5]), ("gone", &[9, 9])],
    );
    let now = snapshot(
        15_000,
        "e",
        &["calls", "rows"],
        &[("b", &[5, 5]), ("a", &[3, 10])],
    );
    let deltas = between(Some(&before), &now, NewRows::Count);
    assert_eq!(deltas.measured(), Some(Duration::from_secs(15)));
    assert_eq!(rows(&deltas), [("a", [2, 0].as_slice())]);
}

#[test]
fn a_gap_has_a_reason_and_no_rows() {
    let before = snapshot(10, "e", &["calls"], &[("a", &[1])]);
    let gap = |previous: Option<&Snapshot>, now: Snapshot| {
        let deltas = between(previous, &now, NewRows::Count);
        assert!(deltas.rows.is_empty() && deltas.measured().is_none());
        deltas.interval
    };
    let row: &[(&str, &[i64])] = &[("a", &[5])];
    assert_eq!(
        gap(None, snapshot(20, "e", &["calls"], row)),
        Interval::Gap(Gap::First)
    );
    assert_eq!(
        gap(Some(&before), snapshot(20, "f", &["calls"], row)),
        Interval::Gap(Gap::Epoch)
    );
    assert_eq!(
        gap(Some(&before), snapshot(10, "e", &["calls"], row)),
        Interval::Gap(Gap::Clock)
    );
    assert_eq!(
        gap(Some(&before), snapshot(5, "e", &["calls"], row)),
        Interval::Gap(Gap::Clock)
    );
    assert_eq!(
        gap(Some(&before), snapshot(20, "e", &["rows"], row)),
        Interval::Gap(Gap::Columns)
    );
}

#[test]
fn one_counter_that_went_back_silences_its_row() {
    let before = snapshot(0, "e", &["calls", "rows"], &[("a", &[4, 100]), ("b", &[1, 1])]);
    let now = snapshot(1, "e", &["calls", "rows"], &[("a", &[9, 99]), ("b", &[2, 1])]);
    let deltas = between(Some(&before), &now, NewRows::Count);
    assert_eq!(rows(&deltas), [("b", [1, 0].as_slice())]);
    assert_eq!(deltas.resets, 1);
}

#[test]
fn a_new_row_counts_if_it_must_be_new() {
    let before = snapshot(0, "e", &["calls"], &[]);
    let now = snapshot(1, "e", &["calls"], &[("a", &[4])]);
    assert_eq!(
        rows(&between(Some(&before), &now, NewRows::Count)),
        [("a", [4].as_slice())]
    );
    let skipped = between(Some(&before), &now, NewRows::Skip);
    assert_eq!((skipped.rows.len(), skipped.unknown), (0, 1));
}

/// What is made of one row that goes from 4 calls to `calls`; none where it counts as reset.
fn calls(since: (i64, i64), calls: i64, executions: Option<&Distribution<'_>>) -> Option<i64> {
    let before = snapshot(0, "e", &["calls", SINCE_COLUMN], &[("a", &[4, since.0])]);
    let now = snapshot(10, "e", &["calls", SINCE_COLUMN], &[("a", &[calls, since.1])]);
    let deltas = compare(Some(&before), &now, NewRows::Skip, executions);
    assert_eq!(deltas.columns, ["calls"]);
    deltas.rows.first().map(|row| row.values[0])
}

#[test]
fn the_beginning_of_a_statement_is_believed() {
    let (old, new) = (at(-5).timestamp_micros(), at(5).timestamp_micros());
    let calls = |before, now| calls((before, now), 6, Some(&EXECUTIONS));
    assert_eq!(calls(old, old), Some(2));
    assert_eq!(calls(old, new), Some(6));
    assert_eq!(
        calls(new, old),
        Some(6),
        "the clock was set back before it began anew"
    );
    assert_eq!(
        calls(0, new),
        Some(2),
        "that beginnings are told from now on begins nothing"
    );
}

#[test]
fn the_stamp_of_a_reset_is_believed_where_a_counter_fell() {
    let (old, new) = (at(-5).timestamp_micros(), at(5).timestamp_micros());
    assert_eq!(
        calls((old, new), 6, None),
        Some(2),
        "something else was reset with it"
    );
    assert_eq!(calls((old, new), 3, None), Some(3));
    assert_eq!(calls((old, old), 3, None), None);
}

#[test]
fn a_clock_does_not_make_a_row_new() {
    let later = at(5).timestamp_micros();
    let before = snapshot(0, "e", &["calls", SINCE_COLUMN], &[]);
    let now = snapshot(10, "e", &["calls", SINCE_COLUMN], &[("a", &[3, later])]);
    let deltas = between(Some(&before), &now, NewRows::Skip);
    assert_eq!((deltas.rows.len(), deltas.unknown), (0, 1));
}

#[test]
fn a_statement_whose_first_execution_was_long_counts_when_it_is_shown() {
    let earlier = at(-3_600_000).timestamp_micros();
    let before = snapshot(0, "e", &["calls", SINCE_COLUMN], &[]);
    let now = snapshot(10, "e", &["calls", SINCE_COLUMN], &[("a", &[1, earlier])]);
    let deltas = between(Some(&before), &now, NewRows::Count);
    assert_eq!(rows(&deltas), [("a", [1].as_slice())]);
}

const EXECUTIONS: Distribution<'_> = Distribution {
    count: "calls",
    sum: "exec_us",
    squares: "squares",
    shortest: "shortest_us",
    longest: "longest_us",
};

/// What is made of one row of calls, exec_us, squares, shortest_us and longest_us; none where it counts as reset.
#[track_caller]
fn executions(before: &[i64; 5], now: &[i64; 5]) -> Option<Vec<i64>> {
    let columns = ["calls", "exec_us", "squares", "shortest_us", "longest_us"];
    let deltas = between_executions(
        Some(&snapshot(0, "e", &columns, &[("a", before)])),
        &snapshot(10, "e", &columns, &[("a", now)]),
        NewRows::Count,
        &EXECUTIONS,
    );
    assert_eq!(deltas.columns, ["calls", "exec_us", "squares"]);
    assert_eq!(deltas.rows.len() + deltas.resets, 1);
    deltas.rows.first().map(|row| row.values.clone())
}

#[test]
fn a_row_that_contradicts_itself_began_anew() {
    let before = [100, 1_000_000, 20, 5_000, 20_000];
    assert_eq!(
        executions(&before, &[102, 1_030_000, 25, 5_000, 20_000]),
        Some(vec![2, 30_000, 5])
    );
    let spike = executions(&before, &[101, 202_000_000, 900, 5_000, 2_000_000]);
    assert_eq!(spike, None, "one call of 201 s, where the longest took 2 s");
    let idle = executions(&before, &[150, 1_000_100, 25, 5_000, 20_000]);
    assert_eq!(idle, None, "fifty calls of 2 µs, where the shortest took 5 ms");
    let shorter = executions(&before, &[102, 1_030_000, 25, 5_000, 19_999]);
    assert_eq!(shorter, None, "the longest got shorter");
    let longer = executions(&before, &[102, 1_030_000, 25, 5_001, 20_000]);
    assert_eq!(longer, None, "the shortest got longer");
}

#[test]
fn a_planned_statement_has_no_shortest_execution_yet() {
    let first = executions(&[0, 0, 0, 0, 0], &[1, 7_000, 49, 7_000, 7_000]);
    assert_eq!(first, Some(vec![1, 7_000, 49]));
}

#[test]
fn squares_may_tremble_and_nothing_else() {
    let before = [100, 1_000_000, 5_000_000_000_000, 5_000, 20_000];
    let trembling = executions(&before, &[101, 1_006_000, 4_999_999_995_000, 5_000, 20_000]);
    assert_eq!(trembling, Some(vec![1, 6_000, 0]));
    let fallen = executions(&before, &[101, 1_006_000, 4_999_000_000_000, 5_000, 20_000]);
    assert_eq!(fallen, None);
}

#[test]
fn columns_are_matched_by_name() {
    let before = snapshot(0, "e", &["calls", "old", "rows"], &[("a", &[1, 7, 10])]);
    let now = snapshot(1, "e", &["rows", "new", "calls"], &[("a", &[15, 100, 2])]);
    let deltas = between(Some(&before), &now, NewRows::Count);
    assert_eq!(deltas.columns, ["rows", "calls"]);
    assert_eq!(deltas.column("calls"), Some(1));
    assert_eq!(rows(&deltas), [("a", [5, 1].as_slice())]);
}

#[test]
fn counters_that_cannot_be_are_no_deltas() {
    let before = snapshot(
        0,
        "e",
        &["calls"],
        &[("a", &[-1]), ("b", &[i64::MIN]), ("c", &[0])],
    );
    let now = snapshot(
        1,
        "e",
        &["calls"],
        &[("a", &[1]), ("b", &[i64::MAX]), ("c", &[-1]), ("d", &[-1])],
    );
    let deltas = between(Some(&before), &now, NewRows::Count);
    assert_eq!((deltas.rows.len(), deltas.resets), (0, 4));
}

#[test]
fn a_snapshot_is_checked() {
    let text = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let new = |columns: &[&str], keys: &[&str], counters: &[i64]| {
        Snapshot::new(at(0), "e", text(columns), text(keys), counters.to_vec())
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        new(&["calls"], &["a", "b"], &[1]),
        "cannot use snapshot: 2 rows of 1 columns make no 1 counters"
    );
    assert_eq!(
        new(&["calls"], &["a", "a"], &[1, 1]),
        "cannot use snapshot: row a appears twice"
    );
    assert_eq!(
        new(&["calls", "calls"], &["a"], &[1, 1]),
        "cannot use snapshot: column calls appears twice"
    );
}
