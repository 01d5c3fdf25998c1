use proptest::prelude::*;

use super::*;

type Labels = Vec<(String, String)>;

fn text(exposition: &Exposition) -> String {
    exposition.written(Format::Prometheus).to_string()
}

fn page(build: impl FnOnce(&mut Exposition) -> Result<(), ExpositionError>) -> String {
    let mut exposition = Exposition::new();
    build(&mut exposition).unwrap();
    text(&exposition)
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
        exposition.family("x", Kind::Untyped, "X."),
        Err(ExpositionError::Conflict { .. })
    ));
    for (name, kind) in [("x_calls", Kind::Counter), ("x_total", Kind::Gauge)] {
        let refused = exposition.family(name, kind, "").unwrap_err();
        assert!(matches!(refused, ExpositionError::Suffix { .. }), "{refused}");
    }
    assert_eq!(text(&exposition), "# HELP x X.\n# TYPE x gauge\nx{a=\"1\"} 1\n");
}

#[test]
fn every_series_carries_the_constant_labels() {
    let mut exposition = Exposition::with_labels(&[("project", "a"), ("target", "none")]).unwrap();
    let family = exposition.family("x", Kind::Gauge, "X.").unwrap();
    family.add(&[], 1.0).unwrap();
    family.add(&[("target", "main")], 2.0).unwrap();
    insta::assert_snapshot!(text(&exposition), @r#"
    # HELP x X.
    # TYPE x gauge
    x{project="a",target="main"} 2
    x{project="a",target="none"} 1
    "#);
    assert!(Exposition::with_labels(&[("a-b", "c")]).is_err());
    assert!(Exposition::with_labels(&[("a", "b"), ("a", "c")]).is_err());
}

#[test]
fn openmetrics_has_no_family_twice() {
    let mut exposition = Exposition::new();
    for (name, kind) in [
        ("x_seconds_total", Kind::Counter),
        ("y_total", Kind::Counter),
        ("y", Kind::Untyped),
        ("z_bytes", Kind::Gauge),
        ("bytes", Kind::Untyped),
    ] {
        let family = exposition.family(name, kind, "\"Some\"\nhelp.").unwrap();
        family.add(&[("a", "\"\n\\")], 1.5).unwrap();
    }
    let page = exposition.written(Format::OpenMetrics).to_string();
    insta::assert_snapshot!(page, @r#"
    # TYPE bytes unknown
    # HELP bytes \"Some\"\nhelp.
    bytes{a="\"\n\\"} 1.5
    # TYPE x_seconds counter
    # UNIT x_seconds seconds
    # HELP x_seconds \"Some\"\nhelp.
    x_seconds_total{a="\"\n\\"} 1.5
    # TYPE y unknown
    # HELP y \"Some\"\nhelp.
    y{a="\"\n\\"} 1.5
    # TYPE y_total unknown
    # HELP y_total \"Some\"\nhelp.
    y_total{a="\"\n\\"} 1.5
    # TYPE z_bytes gauge
    # UNIT z_bytes bytes
    # HELP z_bytes \"Some\"\nhelp.
    z_bytes{a="\"\n\\"} 1.5
    # EOF
    "#);
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
        let text = text(&exposition);
        let lines: Vec<&str> = text.strip_suffix('\n').unwrap().split('\n').collect();
        prop_assert_eq!(lines.len(), values.len() + 2, "{}", text);
        for line in &lines[2..] {
            let (name, labels, value) = parse(line).unwrap();
            prop_assert_eq!(name, "pg_x");
            let expected = values[&labels[0].1];
            prop_assert!(value == expected || value.is_nan() && expected.is_nan(), "{} is not {}", value, expected);
        }
    }

    /// A family is there once and is one block; a series ends as its type says; a page ends with its end.
    #[test]
    fn openmetrics_is_what_the_specification_says(
        families in prop::collection::btree_map("[ab]_(seconds|bytes|x)(_total)?", any::<bool>(), 0..12),
        values in prop::collection::vec(any::<f64>(), 1..4),
    ) {
        let mut exposition = Exposition::new();
        for (name, typed) in &families {
            let kind = match (name.ends_with("_total"), typed) {
                (true, true) => Kind::Counter,
                (false, true) => Kind::Gauge,
                (_, false) => Kind::Untyped,
            };
            let family = exposition.family(name, kind, "Help.").unwrap();
            for (position, value) in values.iter().enumerate() {
                family.add(&[("n", &position.to_string())], *value).unwrap();
            }
        }
        let page = exposition.written(Format::OpenMetrics).to_string();
        prop_assert!(page.ends_with("# EOF\n"));
        let mut seen = std::collections::HashSet::new();
        let mut current = (String::new(), String::new());
        let mut samples = 0;
        for line in page.lines() {
            if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').unwrap();
                prop_assert!(seen.insert(name.to_owned()), "{name} is there twice in\n{page}");
                current = (name.to_owned(), kind.to_owned());
            } else if let Some(rest) = line.strip_prefix("# UNIT ") {
                let (name, unit) = rest.split_once(' ').unwrap();
                let ending = format!("_{unit}");
                prop_assert!(name == current.0 && name.ends_with(&ending), "{}", line);
            } else if !line.starts_with('#') {
                let (name, labels, value) = parse(line).unwrap();
                let suffix = if current.1 == "counter" { "_total" } else { "" };
                prop_assert_eq!(&name, &format!("{}{suffix}", current.0));
                let expected = values[labels[0].1.parse::<usize>().unwrap()];
                prop_assert!(value == expected || value.is_nan() && expected.is_nan());
                samples += 1;
            }
        }
        prop_assert_eq!(samples, exposition.series());
    }
}
