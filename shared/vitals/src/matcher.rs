//! Matchers: which alerts a route, a silence or a maintenance window is about, by their labels.
//!
//! They are those of Alertmanager: `severity=critical`, `target!=test`, `database=~shop.*`, `team!~dba|web`. A label that
//! an alert does not have counts as empty; a pattern has to fit the whole value.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use regex_lite::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};

use crate::name::names;

/// The labels of an alert: `rule`, `target`, `severity`, `subject`, those of the subject (`database`, …) and the tags of
/// the rule (`team`, …).
pub type Labels = BTreeMap<String, String>;

/// The most memory that a compiled pattern may take, in bytes. A few hundred alternatives need some 20 kB.
const LARGEST_PATTERN: usize = 256 * 1024;

names! {
    /// How a label is compared.
    "operator" pub enum Operator {
        /// It is this text.
        Equal = "=",
        /// It is not this text.
        NotEqual = "!=",
        /// It fits this pattern.
        Like = "=~",
        /// It does not fit this pattern.
        NotLike = "!~",
    }
}

/// A matcher as it is written down, in the columns `matchers` and on the command line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Matcher {
    /// The label.
    pub label: String,
    /// How it is compared.
    pub operator: Operator,
    /// With what.
    pub value: String,
}

/// What is wrong with a matcher.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MatcherError {
    /// It is not a label, an operator and a value.
    #[error("{0:?} is no matcher: write it as label=value, label!=value, label=~pattern or label!~pattern")]
    Form(String),
    /// The name of the label is empty or has other characters than letters, digits and `_`.
    #[error("{0:?} is no label: expected letters, digits and underscores")]
    Label(String),
    /// The pattern is no regular expression, or too large a one.
    #[error("{pattern:?} is no pattern")]
    Pattern {
        /// The pattern.
        pattern: String,
        /// What is wrong with it.
        #[source]
        source: regex_lite::Error,
    },
}

impl FromStr for Matcher {
    type Err = MatcherError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let form = || MatcherError::Form(text.to_owned());
        let end = text.find(['=', '!']).ok_or_else(form)?;
        let (label, rest) = text.split_at(end);
        // Two characters first, as `=~` begins with `=`.
        let operators = [
            Operator::NotEqual,
            Operator::Like,
            Operator::NotLike,
            Operator::Equal,
        ];
        let (operator, value) = operators
            .into_iter()
            .find_map(|operator| Some((operator, rest.strip_prefix(operator.as_str())?)))
            .ok_or_else(form)?;
        let matcher = Self {
            label: label.trim().to_owned(),
            operator,
            value: value.trim().trim_matches('"').to_owned(),
        };
        Condition::new(&matcher)?;
        Ok(matcher)
    }
}

impl fmt::Display for Matcher {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}{}{}", self.label, self.operator, self.value)
    }
}

/// Matchers that were checked, ready to be asked. All of them have to fit; none at all fit everything.
#[derive(Clone, Debug, Default)]
pub struct Matchers(Vec<Condition>);

#[derive(Clone, Debug)]
struct Condition {
    label: String,
    test: Test,
    /// Whether the label is to pass the test, or to fail it.
    wanted: bool,
}

#[derive(Clone, Debug)]
enum Test {
    Text(String),
    Pattern(Regex),
}

impl Matchers {
    /// Checks matchers.
    ///
    /// # Errors
    ///
    /// What is wrong with the first that cannot be used.
    pub fn new(matchers: &[Matcher]) -> Result<Self, MatcherError> {
        matchers
            .iter()
            .map(Condition::new)
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Whether an alert with these labels is meant.
    pub fn matches(&self, labels: &Labels) -> bool {
        self.0.iter().all(|condition| condition.holds(labels))
    }
}

impl Condition {
    fn new(matcher: &Matcher) -> Result<Self, MatcherError> {
        let plain = |character: char| character.is_ascii_alphanumeric() || character == '_';
        if matcher.label.is_empty() || !matcher.label.chars().all(plain) {
            return Err(MatcherError::Label(matcher.label.clone()));
        }
        let test = match matcher.operator {
            Operator::Equal | Operator::NotEqual => Test::Text(matcher.value.clone()),
            Operator::Like | Operator::NotLike => Test::Pattern(pattern(&matcher.value)?),
        };
        Ok(Self {
            label: matcher.label.clone(),
            test,
            wanted: matches!(matcher.operator, Operator::Equal | Operator::Like),
        })
    }

    fn holds(&self, labels: &Labels) -> bool {
        let value = labels.get(&self.label).map_or("", String::as_str);
        let passes = match &self.test {
            Test::Text(text) => text == value,
            Test::Pattern(pattern) => pattern.is_match(value),
        };
        passes == self.wanted
    }
}

fn pattern(text: &str) -> Result<Regex, MatcherError> {
    let error = |source| MatcherError::Pattern {
        pattern: text.to_owned(),
        source,
    };
    // On its own first, so that an unmatched parenthesis cannot end the group.
    let compile = |text: &str| RegexBuilder::new(text).size_limit(LARGEST_PATTERN).build();
    compile(text).map_err(error)?;
    compile(&format!("^(?:{text})$")).map_err(error)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn matchers(texts: &[&str]) -> Matchers {
        let parsed: Vec<Matcher> = texts.iter().map(|text| text.parse().unwrap()).collect();
        Matchers::new(&parsed).unwrap()
    }

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        let owned = |(label, value): &(&str, &str)| ((*label).to_owned(), (*value).to_owned());
        pairs.iter().map(owned).collect()
    }

    #[test]
    fn all_of_them_have_to_fit() {
        let shop = labels(&[("target", "shop"), ("severity", "critical"), ("team", "dba")]);
        for (texts, expected) in [
            (&[][..], true),
            (&["target=shop"], true),
            (&["target=shop", "severity=warning"], false),
            (&["target!=shop"], false),
            (&["target=~sh.*", "team!~web|app"], true),
            (&["target=~sh"], false),
            (&["target=~ho"], false),
            (&["team!~dba|web"], false),
            (&["database="], true),
            (&["database!="], false),
            (&["database!~.+"], true),
        ] {
            assert_eq!(matchers(texts).matches(&shop), expected, "{texts:?}");
        }
    }

    #[test]
    fn a_matcher_reads_as_it_is_written() {
        for text in [
            "severity=critical",
            "target!=a b",
            "database=~shop.*",
            "team!~dba|web",
            "subject=a=b",
        ] {
            assert_eq!(text.parse::<Matcher>().unwrap().to_string(), text);
        }
        assert_eq!(
            "target = \"shop\"".parse::<Matcher>().unwrap().to_string(),
            "target=shop"
        );
        let stored = r#"{"label":"target","operator":"=~","value":"shop.*"}"#;
        let matcher: Matcher = serde_json::from_str(stored).unwrap();
        assert_eq!(matcher, "target=~shop.*".parse().unwrap());
    }

    #[test]
    fn what_is_wrong_is_told() {
        let problem = |text: &str| text.parse::<Matcher>().unwrap_err().to_string();
        insta::assert_snapshot!(problem("critical"), @r#""critical" is no matcher: write it as label=value, label!=value, label=~pattern or label!~pattern"#);
        insta::assert_snapshot!(problem("a!b"), @r#""a!b" is no matcher: write it as label=value, label!=value, label=~pattern or label!~pattern"#);
        insta::assert_snapshot!(problem("=x"), @r#""" is no label: expected letters, digits and underscores"#);
        insta::assert_snapshot!(problem("target=~a)(b"), @r#""a)(b" is no pattern"#);
        assert!(
            "target=~(a{100}){100}{100}".parse::<Matcher>().is_err(),
            "a pattern that takes too much memory"
        );
    }

    proptest! {
        #[test]
        fn no_text_breaks_the_reader(text in ".{0,40}", value in ".{0,20}") {
            if let Ok(matcher) = text.parse::<Matcher>() {
                let written = Matchers::new(std::slice::from_ref(&matcher)).unwrap();
                // A matcher and its opposite never agree.
                let operator = match matcher.operator {
                    Operator::Equal => Operator::NotEqual,
                    Operator::NotEqual => Operator::Equal,
                    Operator::Like => Operator::NotLike,
                    Operator::NotLike => Operator::Like,
                };
                let opposite = Matchers::new(&[Matcher { operator, ..matcher.clone() }]).unwrap();
                let labels = Labels::from([(matcher.label, value)]);
                prop_assert_ne!(written.matches(&labels), opposite.matches(&labels));
            }
        }
    }
}
