use std::collections::BTreeMap;

use store::collectors::{self, ColumnKind};

use super::*;

#[test]
fn every_source_is_a_collector_that_has_the_columns() {
    for source in sources(true) {
        let collector = collectors::find(source.collector);
        let collector = collector.unwrap_or_else(|| panic!("there is no collector {}", source.collector));
        let has = |name: &str| collector.columns.iter().any(|column| column.name == name);
        for column in source.metrics.iter().flat_map(Metric::columns) {
            let is_column = has(column.trim_start_matches('#')) || [ONE, RESET].contains(&column);
            assert!(is_column, "{} has no column {column}", source.collector);
        }
        // The names of databases and statements are stored apart, and a relation has its name without the schema too.
        let made = [
            "database_id",
            "database",
            "query_id",
            "query",
            "relation_name",
            DATABASE,
        ];
        for (_, name) in source.labels {
            assert!(
                has(name) || made.contains(name),
                "{} has no label {name}",
                source.collector
            );
        }
        let other_is_label = source.labels.iter().any(|(label, _)| *label == source.other);
        assert!(other_is_label || source.other.is_empty(), "{}", source.collector);
    }
}

#[test]
fn a_name_is_of_one_kind_and_one_help() {
    let mut known: BTreeMap<&str, (Kind, &str)> = BTreeMap::new();
    for metric in sources(true).flat_map(|source| source.metrics) {
        let alias = metric.alias.map(|alias| (alias, metric.alias_kind()));
        for (name, kind) in [(metric.name, metric.kind)].into_iter().chain(alias) {
            assert!(
                known.insert(name, (kind, metric.help)).is_none(),
                "{name} is there twice"
            );
            assert_eq!(kind == Kind::Counter, name.ends_with("_total"), "{name}");
        }
    }
}

#[test]
fn numbers_of_subjects_have_labels() {
    for source in sources(true) {
        let collector = collectors::find(source.collector).unwrap();
        let has_key = collector.columns_of(&[ColumnKind::Key]).next().is_some();
        assert_eq!(has_key, !source.labels.is_empty(), "{}", source.collector);
    }
}
