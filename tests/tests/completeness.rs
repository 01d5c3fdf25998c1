//! What belongs to every function, collector, migration and rule is there. A missing piece fails here, by name.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use integration_tests::project_root;
use store::collectors::{Collector, Scope, TargetKind};

fn names_in(folder: &str, ending: &str) -> BTreeSet<String> {
    let folder = project_root().join(folder);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter_map(|name| name.strip_suffix(ending).map(str::to_owned))
        .collect()
}

fn text(path: &str) -> String {
    fs::read_to_string(project_root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// All tests in one text.
fn tests() -> String {
    fn add(folder: &Path, all: &mut String) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                add(&path, all);
            } else if path.extension().is_some_and(|extension| extension == "rs")
                && !path.ends_with("completeness.rs")
            {
                all.push_str(&fs::read_to_string(&path).unwrap());
            }
        }
    }
    let mut all = String::new();
    add(&project_root().join("tests/tests"), &mut all);
    all
}

#[test]
fn every_function_is_deployed_documented_and_tested() {
    let manifest: toml::Table = text("spin.toml").parse().unwrap();
    let routes: Vec<&toml::Value> = manifest["trigger"]["http"].as_array().unwrap().iter().collect();
    let (reference, readme, tests) = (text("docs/reference.md"), text("README.md"), tests());
    for function in names_in("functions", "") {
        assert!(
            manifest["component"].get(&function).is_some(),
            "{function} is no component of spin.toml"
        );
        let route = routes
            .iter()
            .find(|route| route["component"].as_str() == Some(&function));
        let route = route.unwrap_or_else(|| panic!("{function} has no route in spin.toml"));
        let path = route["route"].as_str().unwrap().trim_end_matches("/...");
        assert!(tests.contains(&format!("\"{path}")), "no test calls {path}");
        assert!(
            reference.contains(&format!("`{function}`")),
            "{function} is not in docs/reference.md"
        );
        assert!(
            readme.contains(&format!("`{function}`")),
            "{function} is not in README.md"
        );
    }
}

#[test]
fn every_component_has_one_login_and_sees_no_other_password() {
    let manifest: toml::Table = text("spin.toml").parse().unwrap();
    let mut used = BTreeSet::new();
    for (name, component) in manifest["component"].as_table().unwrap() {
        let variables = component["variables"].as_table().unwrap();
        let login = variables["monitoring_login"].as_str().unwrap();
        let known = store::logins::Login::OF_FUNCTIONS
            .iter()
            .any(|known| known.role() == login);
        assert!(known, "{name} logs in as {login}");
        let own = format!("{{{{ {}_password }}}}", login.trim_start_matches("pgvitals_"));
        let seen: Vec<&str> = variables
            .values()
            .filter_map(toml::Value::as_str)
            .filter(|value| value.contains("_password }}"))
            .collect();
        assert_eq!(seen, [own], "{name}");
        used.insert(login.to_owned());
    }
    assert_eq!(used.len(), store::logins::Login::OF_FUNCTIONS.len());
}

#[test]
fn every_variable_is_explained() {
    let manifest: toml::Table = text("spin.toml").parse().unwrap();
    let (reference, example) = (text("docs/reference.md"), text(".env.example"));
    for variable in manifest["variables"].as_table().unwrap().keys() {
        assert!(
            reference.contains(&format!("`{variable}`")),
            "{variable} is not in docs/reference.md"
        );
        let name = format!("SPIN_VARIABLE_{}", variable.to_uppercase());
        assert!(example.contains(&name), "{name} is not in .env.example");
    }
}

#[test]
fn every_collector_and_migration_is_compiled_in() {
    let collectors = names_in("sql/collectors", ".sql");
    let known: BTreeSet<String> = store::collectors::ALL
        .iter()
        .flat_map(|collector| collector.variants)
        .map(|variant| variant.file.to_owned())
        .collect();
    assert_eq!(collectors, known);
    let migrations = names_in("sql/migrations", ".sql");
    let known: BTreeSet<String> = store::migrations::ALL
        .iter()
        .map(|migration| format!("{:04}_{}", migration.version, migration.name))
        .collect();
    assert_eq!(migrations, known);
}

/// What a header says of a collector, as its row in the reference.
fn reference_row(collector: &Collector) -> String {
    let asked = match (collector.target, collector.scope) {
        (TargetKind::PgBouncer, _) => "PgBouncer",
        (_, Scope::Instance) => "server",
        (_, Scope::Database) => "database",
    };
    let every = collector.interval.map_or_else(
        || "on demand".to_owned(),
        |interval| format!("{} s", interval.as_secs()),
    );
    let variant = &collector.variants[0];
    let mut needs: Vec<&str> = variant.privileges.to_vec();
    needs.extend(variant.extension);
    let needs: Vec<String> = needs.iter().map(|need| format!("`{need}`")).collect();
    format!(
        "| `{}` | {} | {asked} | {every} | {} |",
        collector.name,
        collector.reads,
        needs.join(", ")
    )
}

#[test]
fn every_collector_is_in_the_reference_as_its_header_describes_it() {
    let reference = text("docs/reference.md");
    let rows: BTreeSet<&str> = reference.lines().collect();
    let missing: Vec<String> = store::collectors::ALL
        .iter()
        .map(reference_row)
        .filter(|row| !rows.contains(row.as_str()))
        .collect();
    assert!(
        missing.is_empty(),
        "put these rows into the section Collectors of docs/reference.md:\n{}",
        missing.join("\n")
    );
}

#[test]
fn every_metric_is_compiled_in_and_in_the_reference() {
    let reference = text("docs/reference.md");
    let known: BTreeSet<String> = store::metrics::ALL
        .iter()
        .map(|metric| metric.name.to_owned())
        .collect();
    assert_eq!(names_in("sql/metrics", ".sql"), known);
    let missing: Vec<String> = store::metrics::ALL
        .iter()
        .map(|metric| {
            let subject = metric.subject.unwrap_or("target");
            format!("| `{}` | {subject} | {} |", metric.name, metric.describes)
        })
        .filter(|row| !reference.lines().any(|line| line == row))
        .collect();
    assert!(
        missing.is_empty(),
        "put these rows into the section Rules of docs/reference.md:\n{}",
        missing.join("\n")
    );
}

#[test]
fn every_view_is_documented_and_tested() {
    let (reference, tests) = (text("docs/reference.md"), tests());
    for view in store::views::ALL {
        let (name, shows) = (view.name, view.shows());
        assert!(
            reference.contains(&format!("| `{name}` | {shows} |")),
            "{name} is not in docs/reference.md as its file says it"
        );
        assert!(tests.contains(&format!("\"{name}\"")), "no test reads {name}");
    }
}
