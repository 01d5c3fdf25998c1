use proptest::prelude::*;

use super::*;

#[track_caller]
fn check(cases: &[(&str, &str)]) {
    for (text, normalised) in cases {
        assert_eq!(normalise(text).as_deref(), Some(*normalised), "{text}");
        assert_eq!(
            normalise(normalised).as_deref(),
            Some(*normalised),
            "{text}, twice"
        );
    }
}

#[test]
fn keys_are_read_as_they_are_written() {
    let key = StatementKey {
        database_oid: 16384,
        user_oid: 10,
        query_id: -5_231_246_523,
        top_level: false,
    };
    assert_eq!(key.to_string(), "16384/10/-5231246523/f");
    assert_eq!(key.to_string().parse(), Ok(key));
    for text in [
        "",
        "1/2/3",
        "1/2/3/x",
        "1/2/3/t/4",
        "a/2/3/t",
        "1/2/99999999999999999999/t",
    ] {
        assert!(text.parse::<StatementKey>().is_err(), "{text}");
    }
}

#[test]
fn structure_stays() {
    check(&[
        ("select $1", "select $1"),
        (
            "SELECT  a.b1,\n\t\"Odd 'name' 1\" FROM t2 WHERE x = $1;",
            "SELECT a.b1, \"Odd 'name' 1\" FROM t2 WHERE x = $1",
        ),
        ("(select $1) union (select $2)", "(select $1) union (select $2)"),
        (
            "with x as (select $1::int[]) table x ; ;",
            "with x as (select $1::int[]) table x",
        ),
        (
            "select a->>$1, b @> $2, c ? $3 from t",
            "select a->>$1, b @> $2, c ? $3 from t",
        ),
        (
            "select price$eur, größe, x_1 from straße2",
            "select price$eur, größe, x_1 from straße2",
        ),
        (
            "merge into t using s on t.id = s.id when matched then delete",
            "merge into t using s on t.id = s.id when matched then delete",
        ),
    ]);
}

#[test]
fn literals_go() {
    check(&[
        ("select 'it''s', 'x'", "select ?, ?"),
        (r"select E'it\'s', e'x\\y', 'next'", "select ?, ?, ?"),
        (
            "select U&'d\\0061t', B'01', x'ff', N'n', date'2020-01-01'",
            "select ?, ?, ?, ?, date?",
        ),
        ("select $$body$$, $tag$ $$ $other$ $tag$, $1", "select ?, ?, $1"),
        (
            "select 1, -1.5e-7, .5, 1_000, 0xFFe1, 1e+5, a[1:3]",
            "select ?, -?, ?, ?, ?, ?, a[?:?]",
        ),
        ("select 'a'\n  'b'", "select ? ?"),
        ("values (1, 'a'), (2, 'b')", "values (?, ?), (?, ?)"),
    ]);
}

#[test]
fn comments_go() {
    check(&[
        ("select $1 -- user 42\n from t", "select $1 from t"),
        (
            "/* id='7' /* nested */ still */ select/**/a/*x*/from t--end",
            "select a from t",
        ),
        ("select 1 /* open", "select ?"),
        ("select a - -- x\r - b", "select a - - b"),
    ]);
}

#[test]
fn what_has_no_sure_end_takes_the_rest() {
    check(&[
        ("select 'open from t", "select ?"),
        (r"select 'a\' , secret from t", "select ?"),
        ("select \"open, 'secret'", "select ?"),
        ("select $a$ secret $b$ from t", "select ?"),
    ]);
}

#[test]
fn lists_of_any_length_are_one() {
    check(&[
        (
            "select a from t where b in ($1, $2, $3)",
            "select a from t where b in (…)",
        ),
        (
            "select a from t where b IN($1 /*, ... */)",
            "select a from t where b IN(…)",
        ),
        (
            "select a from t where b in (1, -2, $3::uuid)",
            "select a from t where b in (…)",
        ),
        (
            "select a from t where b in (select $1)",
            "select a from t where b in (select $1)",
        ),
        (
            "select a from t where b in ($1, lower($2))",
            "select a from t where b in ($1, lower($2))",
        ),
        (
            "select a from t where b in ($1, $2",
            "select a from t where b in ($1, $2",
        ),
    ]);
}

#[test]
fn only_statements_on_data_have_a_text() {
    for text in [
        "create user u password 'secret'",
        "ALTER ROLE u PASSWORD 'secret'",
        "set x = 'secret'",
        "copy t from stdin",
        "explain select 1",
        "selectx 1",
        "'select'",
        "",
        "-- select",
        "((",
    ] {
        assert_eq!(classify(text), Text::Utility, "{text}");
    }
    assert_eq!(classify("<insufficient privilege>"), Text::Hidden);
    assert_eq!(classify("select 1"), Text::Normalised("select ?".to_owned()));
}

#[test]
fn long_texts_are_cut_between_words() {
    let text = format!("select {}", "größe, ".repeat(2_000));
    let normalised = normalise(&text).unwrap();
    assert!(normalised.chars().count() <= LONGEST_TEXT);
    assert!(
        normalised.ends_with("größe, …"),
        "{}",
        &normalised[normalised.len() - 40..]
    );
    assert_eq!(normalise(&normalised), Some(normalised));
    let name = format!("select \"{}\" from t", "x".repeat(LONGEST_TEXT));
    assert_eq!(normalise(&name).as_deref(), Some("select …"));
}

#[test]
fn a_title_is_one_short_line() {
    assert_eq!(title("select \"a\nb\"  from t"), "select \"a b\" from t");
    let long = title(&"word ".repeat(100));
    assert!(
        long.chars().count() <= LONGEST_TITLE && long.ends_with("word…"),
        "{long}"
    );
}

/// What must never be seen again. It has no quotes or backslashes, so that it stays inside of what it is planted in.
const SECRET: &str = "hunter2secret";

fn planted() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(format!("'{SECRET}'")),
        Just(format!("'it''s {SECRET}'")),
        Just(format!(r"E'\'{SECRET}'")),
        Just(format!(r"'\' {SECRET}'")),
        Just(format!("U&'\\0041{SECRET}'")),
        Just(format!("B'{SECRET}'")),
        Just(format!("X'{SECRET}'")),
        Just(format!("$${SECRET}$$")),
        Just(format!("$q${SECRET}$q$")),
        Just(format!("$q$ $$ '{SECRET} $q$")),
        Just(format!("-- {SECRET}\n")),
        Just(format!("/* /* ' */ {SECRET} */")),
        Just(format!("0{SECRET}")),
        Just(format!("1.5e{SECRET}")),
    ]
}

/// Planted at the very end only: whatever came after would be inside of it.
fn without_end() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        Just(format!("'{SECRET}")),
        Just(format!("E'{SECRET}\\'")),
        Just(format!("/* {SECRET}")),
        Just(format!("-- {SECRET}")),
        Just(format!("\"{SECRET}")),
        Just(format!("$a${SECRET}$b$")),
    ]
}

fn structure() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(" ".to_owned()),
        Just(", ".to_owned()),
        Just("\n".to_owned()),
        Just(" in (".to_owned()),
        Just(")".to_owned()),
        Just(" \"name\" ".to_owned()),
        Just(" e ".to_owned()),
        Just("$1".to_owned()),
        Just("::text".to_owned()),
        Just(" - ".to_owned()),
        "[a-z]{1,6} ",
        "[-+*<>=~!@#%^&|`?]{1,3} ",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn planted_literals_never_survive(
        parts in prop::collection::vec((structure(), planted()), 0..12),
        end in without_end(),
    ) {
        let mut text = "select".to_owned();
        for (structure, planted) in parts {
            text.extend([" ", &structure, " ", &planted]);
        }
        text.extend([" ", &end]);
        let normalised = normalise(&text).unwrap();
        prop_assert!(!normalised.contains(SECRET), "{normalised}");
        prop_assert_eq!(normalise(&normalised), Some(normalised));
    }

    #[test]
    fn any_text_is_normalised_once_and_for_all(text in "(select|with)? ?[a-z0-9 '\"$\\\\/*\\-.()ue&,:?ß\u{a0}\n…]{0,60}") {
        if let Some(once) = normalise(&text) {
            prop_assert!(once.chars().count() <= LONGEST_TEXT);
            prop_assert_eq!(normalise(&once), Some(once));
        }
    }

    #[test]
    fn no_text_breaks_it(text: String) {
        let normalised = normalise(&format!("select {text}")).unwrap();
        prop_assert_eq!(normalise(&normalised), Some(normalised));
    }
}

#[test]
fn a_definition_keeps_its_names_and_loses_its_literals() {
    for (text, masked) in [
        (
            "CREATE INDEX orders_of_ada ON public.orders USING btree (lower(name)) WHERE (email = 'ada@example.com'::text)",
            "CREATE INDEX orders_of_ada ON public.orders USING btree (lower(name)) WHERE (email = ?::text)",
        ),
        (
            r#"CREATE INDEX "1st" ON "A" USING gin (to_tsvector('english'::regconfig, b)) WITH (fastupdate='off')"#,
            r#"CREATE INDEX "1st" ON "A" USING gin (to_tsvector(?::regconfig, b)) WITH (fastupdate=?)"#,
        ),
        (
            "CREATE INDEX a ON b USING btree (c) WHERE (d = ANY (ARRAY['x'::text, 'y'::text])) AND e > 42",
            "CREATE INDEX a ON b USING btree (c) WHERE (d = ANY (ARRAY[?::text, ?::text])) AND e > ?",
        ),
    ] {
        assert_eq!(mask(text), masked);
        assert_eq!(mask(masked), masked);
    }
}
