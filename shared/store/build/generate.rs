//! From headers to the Rust that is compiled in.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::header::File;

/// The list `ALL`, by name; of each collector the variants with the most needs first.
pub(crate) fn collectors(files: &[File]) -> Result<String, String> {
    let mut by_name: BTreeMap<&str, Vec<&File>> = BTreeMap::new();
    for file in files {
        by_name.entry(&file.name).or_default().push(file);
    }
    let mut out = String::from("&[\n");
    for variants in by_name.values_mut() {
        variants.sort_by(|a, b| b.needs.len().cmp(&a.needs.len()).then(a.tag.cmp(&b.tag)));
        agree(variants)?;
        collector(&mut out, variants).map_err(|error| error.to_string())?;
    }
    out.push_str("]\n");
    Ok(out)
}

/// Variants may differ in the statement and in what they need, and in nothing else.
fn agree(variants: &[&File]) -> Result<(), String> {
    let [first, others @ ..] = variants else {
        return Ok(());
    };
    for other in others {
        let differs = [
            ("target", first.target != other.target),
            ("scope", first.scope != other.scope),
            ("interval", first.interval_seconds != other.interval_seconds),
            ("keeps", first.keeps != other.keeps),
            ("percentiles", first.percentiles != other.percentiles),
            ("columns", first.columns != other.columns),
        ];
        if let Some((line, _)) = differs.iter().find(|(_, differs)| *differs) {
            return Err(format!(
                "sql/collectors/{}.sql and {}.sql differ in `{line}`",
                stem(first),
                stem(other)
            ));
        }
    }
    for (position, one) in variants.iter().enumerate() {
        if variants[..position].iter().any(|other| same_needs(one, other)) {
            return Err(format!(
                "sql/collectors/{}.sql needs the same as another variant: none could be told from the other",
                stem(one)
            ));
        }
    }
    Ok(())
}

fn same_needs(one: &File, other: &File) -> bool {
    let sorted = |file: &File| {
        let mut needs = file.needs.clone();
        needs.sort();
        (needs, file.extension.clone())
    };
    sorted(one) == sorted(other)
}

fn stem(file: &File) -> String {
    match &file.tag {
        Some(tag) => format!("{}@{tag}", file.name),
        None => file.name.clone(),
    }
}

fn collector(out: &mut String, variants: &[&File]) -> std::fmt::Result {
    let Some(first) = variants.first() else {
        return Ok(());
    };
    writeln!(out, "Collector {{")?;
    writeln!(out, "  name: {:?}, reads: {:?},", first.name, first.reads)?;
    writeln!(
        out,
        "  target: TargetKind::{},",
        if first.target == "pgbouncer" {
            "PgBouncer"
        } else {
            "Postgres"
        }
    )?;
    writeln!(
        out,
        "  scope: Scope::{}, keeps: Keeps::{},",
        camel(&first.scope),
        camel(&first.keeps)
    )?;
    match first.interval_seconds {
        Some(seconds) => writeln!(out, "  interval: Some(Duration::from_secs({seconds})),")?,
        None => writeln!(out, "  interval: None,")?,
    }
    writeln!(out, "  percentiles: &{:?},", first.percentiles)?;
    writeln!(out, "  columns: &[")?;
    for (name, kind) in &first.columns {
        writeln!(
            out,
            "    Column {{ name: {name:?}, kind: ColumnKind::{} }},",
            camel(kind)
        )?;
    }
    writeln!(out, "  ],\n  variants: &[")?;
    for file in variants {
        variant(out, file)?;
    }
    writeln!(out, "  ],\n}},")
}

fn variant(out: &mut String, file: &File) -> std::fmt::Result {
    writeln!(
        out,
        "    Variant {{ file: {:?}, versions: {:?},",
        stem(file),
        file.versions
    )?;
    writeln!(
        out,
        "      timeout: Duration::from_secs({}),",
        file.timeout_seconds
    )?;
    writeln!(
        out,
        "      privileges: &{:?}, needs: &{:?},",
        file.privileges, file.needs
    )?;
    writeln!(
        out,
        "      extension: {:?}, sql: {:?} }},",
        file.extension, file.sql
    )
}

fn camel(word: &str) -> String {
    let mut letters = word.chars();
    letters
        .next()
        .map(|first| first.to_ascii_uppercase().to_string() + letters.as_str())
        .unwrap_or_default()
}
