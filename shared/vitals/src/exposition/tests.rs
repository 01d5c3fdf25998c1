use proptest::prelude::*;

use super::*;

fn page(build: impl FnOnce(&mut Exposition) -> Result<(), ExpositionError>) -> String {
    let mut exposition = Exposition::new();
    build(&mut exposition).unwrap();
    exposition.to_string()
}

#[test]
fn the_order_is_that_of_names_and_labels() {
    let text = page(|exposition| {
        exposition
            .family("pg_up", Kind::Gauge, "Whether it answers.")?
            .add(&[("target", "b")], 0.0)?;
        let family = exposition.family("pg_calls_total", Kind::Counter, "Calls.\nOf \\ all.")?;
        family.add(&[("target", "b"), ("database", "x")], 2.5)?;
        family.add(&[("database", "say \"hi\"\n\\"), ("target", "a")], 1e18)?;
        exposition
            .family("pg_up", Kind::Gauge, "Whether it answers.")?
            .add(&[("target", "a")], 1.0)?;
        exposition.family("pg_empty", Kind::Gauge, "Nothing.").map(|_| ())
    });
    insta::assert_snapshot!(text, @r#"
    # HELP pg_calls_total Calls.\nOf \\ all.
    # TYPE pg_calls_total counter
    pg_calls_total{database="say \"hi\"\n\\",target="a"} 1e18
    pg_calls_total{database="x",target="b"} 2.5
    # HELP pg_up Whether it answers.
    # TYPE pg_up gauge
    pg_up{target="a"} 1
    pg_up{target="b"} 0
    "#);
}

#[test]
fn values_that_are_no_numbers_have_names() {
    let text = page(|exposition| {
        let family = exposition.family("x", Kind::Untyped, "X.")?;
        family.add(&[("v", "1")], f64::NAN)?;
        family.add(&[("v", "2")], f64::INFINITY)?;
        family.add(&[("v", "3")], f64::NEG_INFINITY)?;
        family.add(&[("v", "4")], 1e-9)?;
        family.add(&[], -0.5)
    });
    insta::assert_snapshot!(text, @r#"
    # HELP x X.
    # TYPE x untyped
    x -0.5
    x{v="1"} NaN
    x{v="2"} +Inf
    x{v="3"} -Inf
    x{v="4"} 1e-9
    "#);
}

#[test]
fn what_prometheus_would_refuse_is_refused_here() {
    let mut exposition = Exposition::new();
    for name in ["", "1x", "a-b", "é", "a b"] {
        assert!(
            matches!(
                exposition.family(name, Kind::Gauge, ""),
                Err(ExpositionError::MetricName { .. })
            ),
            "{name}"
        );
    }
    let family = exposition.family("x", Kind::Gauge, "X.").unwrap();
    for label in ["", "1x", "a:b", "__name__", "a-b"] {
        assert!(
            matches!(
                family.add(&[(label, "")], 1.0),
                Err(ExpositionError::LabelName { .. })
            ),
            "{label}"
        );
    }
    assert_eq!(
        family.add(&[("a", "1"), ("a", "")], 1.0).unwrap_err().to_string(),
        "cannot expose x: label a appears twice"
    );
    family.add(&[("a", "1"), ("b", "")], 1.0).unwrap();
    assert_eq!(
        family.add(&[("a", "1")], 2.0).unwrap_err().to_string(),
        "cannot expose x{a=\"1\"} twice"
    );
    assert!(matches!(
        exposition.family("x", Kind::Counter, "X."),
        Err(ExpositionError::Conflict { .. })
    ));
    assert_eq!(
        exposition.to_string(),
        "# HELP x X.\n# TYPE x gauge\nx{a=\"1\"} 1\n"
    );
}

/// Reads one line of a series as Prometheus does: the name, the labels, the value.
fn parse(line: &str) -> Option<(String, Labels, f64)> {
    let name_end = line.find(['{', ' '])?;
    let (name, mut rest) = line.split_at(name_end);
    let mut labels = Vec::new();
    if let Some(inside) = rest.strip_prefix('{') {
        rest = inside;
        loop {
            let (label, after) = rest.split_once("=\"")?;
            let (value, after) = parse_quoted(after)?;
            labels.push((label.to_owned(), value));
            if let Some(after) = after.strip_prefix(',') {
                rest = after;
            } else {
                rest = after.strip_prefix('}')?;
                break;
            }
        }
    }
    Some((name.to_owned(), labels, rest.strip_prefix(' ')?.parse().ok()?))
}

fn parse_quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.chars();
    loop {
        match characters.next()? {
            '"' => return Some((value, characters.as_str())),
            '\\' => value.push(match characters.next()? {
                'n' => '\n',
                escaped @ ('\\' | '"') => escaped,
                _ => return None,
            }),
            '\n' => return None,
            other => value.push(other),
        }
    }
}

proptest! {
    #[test]
    fn whatever_a_label_says_it_is_read_back(
        values in prop::collection::btree_map("[a-z\"\\\\\n,={} é]{1,8}|\\PC{1,8}", any::<f64>(), 1..10),
    ) {
        let mut exposition = Exposition::new();
        let family = exposition.family("pg_x", Kind::Gauge, "Anything\nat \\ all.").unwrap();
        for (label, value) in &values {
            family.add(&[("query", label), ("target", "main")], *value).unwrap();
        }
        let text = exposition.to_string();
        let lines: Vec<&str> = text.strip_suffix('\n').unwrap().split('\n').collect();
        prop_assert_eq!(lines.len(), values.len() + 2, "{}", text);
        for line in &lines[2..] {
            let (name, labels, value) = parse(line).unwrap();
            prop_assert_eq!(name, "pg_x");
            let expected = values[&labels[0].1];
            prop_assert!(value == expected || value.is_nan() && expected.is_nan(), "{} is not {}", value, expected);
        }
    }
}
