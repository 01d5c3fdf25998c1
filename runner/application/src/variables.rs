//! The values of variables: where they come from, and templates filled in with them.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;

use crate::dotenv::DotenvValues;
use crate::error::Problem;
use crate::manifest::VariableTable;
use crate::template::{Part, Template, TemplateError};

/// What every environment variable that sets a variable begins with.
const ENVIRONMENT_PREFIX: &str = "SPIN_VARIABLE_";

/// The value of a variable, or of a template with variables in it.
///
/// A secret value is never shown by `Debug`; ask for it with [`VariableValue::expose`].
///
/// ```
/// let value = application::VariableValue::new("hunter2", true);
/// assert_eq!(format!("{value:?}"), "VariableValue(****)");
/// assert_eq!(value.expose(), "hunter2");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct VariableValue {
    text: String,
    secret: bool,
}

impl VariableValue {
    /// A value, secret or not.
    #[must_use]
    pub fn new(text: impl Into<String>, secret: bool) -> Self {
        Self {
            text: text.into(),
            secret,
        }
    }

    /// The value itself, for the component it belongs to. Do not log it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// Whether the value is secret: its variable is, or one of those in its template.
    #[must_use]
    pub fn is_secret(&self) -> bool {
        self.secret
    }
}

impl fmt::Debug for VariableValue {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut tuple = formatter.debug_tuple("VariableValue");
        if self.secret {
            tuple.field(&format_args!("****"))
        } else {
            tuple.field(&self.text)
        };
        tuple.finish()
    }
}

/// A required variable that nothing gives a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingVariable {
    /// The name in the manifest.
    pub name: String,
    /// The environment variable that would set it.
    pub environment_variable: String,
}

impl MissingVariable {
    fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            environment_variable: environment_variable(name),
        }
    }
}

/// The environment variable that sets the variable `name`.
fn environment_variable(name: &str) -> String {
    format!("{ENVIRONMENT_PREFIX}{}", name.to_ascii_uppercase())
}

/// The value of every variable of an application, with which templates are filled in.
#[derive(Debug, Clone, Default)]
pub struct Resolver {
    values: BTreeMap<String, VariableValue>,
}

impl Resolver {
    /// A resolver that knows `values`.
    #[must_use]
    pub fn new(values: impl IntoIterator<Item = (String, VariableValue)>) -> Self {
        Self {
            values: values.into_iter().collect(),
        }
    }

    /// The value of the variable `name`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&VariableValue> {
        self.values.get(name)
    }

    /// The names that are known.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.values.keys().map(String::as_str)
    }

    /// Fills in a template. The result is secret when a variable in it is.
    ///
    /// # Errors
    ///
    /// [`TemplateError::UnknownVariable`] when the template names a variable that is not known.
    pub fn fill(&self, template: &Template) -> Result<VariableValue, TemplateError> {
        let mut filled = VariableValue::new("", false);
        for part in template.parts() {
            match part {
                Part::Literal(literal) => filled.text.push_str(literal),
                Part::Variable(name) => {
                    let value = self
                        .get(name)
                        .ok_or_else(|| TemplateError::UnknownVariable(name.clone()))?;
                    filled.text.push_str(&value.text);
                    filled.secret |= value.secret;
                }
            }
        }
        Ok(filled)
    }
}

/// Where values come from, the first that has one winning: `--variable`, the environment, the dotenv file.
pub(crate) struct Sources<'a> {
    pub(crate) overrides: &'a BTreeMap<String, String>,
    pub(crate) environment: &'a BTreeMap<OsString, OsString>,
    pub(crate) dotenv: &'a DotenvValues,
}

impl Sources<'_> {
    fn value(&self, name: &str) -> Result<Option<String>, Problem> {
        if let Some(value) = self.overrides.get(name) {
            return Ok(Some(value.clone()));
        }
        let key = environment_variable(name);
        match self.environment.get(OsString::from(&key).as_os_str()) {
            Some(value) => match value.to_str() {
                Some(value) => Ok(Some(value.to_owned())),
                None => Err(Problem::EnvironmentNotText {
                    environment_variable: key,
                }),
            },
            None => Ok(self.dotenv.get(&key).cloned()),
        }
    }

    /// Finds a value for every declared variable, or says which ones have none.
    pub(crate) fn resolve(&self, declared: &BTreeMap<String, VariableTable>) -> Result<Resolver, Problem> {
        let mut values = BTreeMap::new();
        let mut missing = Vec::new();
        for (name, table) in declared {
            match self.value(name)?.or_else(|| table.default.clone()) {
                Some(text) => {
                    values.insert(name.clone(), VariableValue::new(text, table.secret));
                }
                None => missing.push(MissingVariable::new(name)),
            }
        }
        if missing.is_empty() {
            Ok(Resolver { values })
        } else {
            Err(Problem::MissingVariables(missing))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn declared(names: &[(&str, Option<&str>)]) -> BTreeMap<String, VariableTable> {
        names
            .iter()
            .map(|(name, default)| ((*name).to_owned(), VariableTable::with_default(*default)))
            .collect()
    }

    fn texts(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    /// Checks the value of the variable `name` when it has a default and is set, or not, in each of the sources.
    #[track_caller]
    fn check(command_line: Option<&str>, environment: Option<&str>, dotenv: Option<&str>, expected: &str) {
        let sources = Sources {
            overrides: &command_line
                .map(|value| texts(&[("name", value)]))
                .unwrap_or_default(),
            environment: &environment
                .map(|value| BTreeMap::from([("SPIN_VARIABLE_NAME".into(), value.into())]))
                .unwrap_or_default(),
            dotenv: &dotenv
                .map(|value| texts(&[("SPIN_VARIABLE_NAME", value)]))
                .unwrap_or_default(),
        };
        let resolver = sources.resolve(&declared(&[("name", Some("default"))])).unwrap();
        assert_eq!(resolver.get("name").unwrap().expose(), expected);
    }

    #[test]
    fn the_command_line_goes_before_the_environment_before_the_file_before_the_default() {
        check(Some("a"), Some("b"), Some("c"), "a");
        check(None, Some("b"), Some("c"), "b");
        check(None, None, Some("c"), "c");
        check(None, None, None, "default");
        check(None, Some(""), Some("c"), "");
    }

    #[test]
    fn all_missing_variables_are_named_with_their_setting() {
        let empty = BTreeMap::new();
        let sources = Sources {
            overrides: &empty,
            environment: &BTreeMap::new(),
            dotenv: &empty,
        };
        let variables = declared(&[("api_token", None), ("open", Some("true")), ("url", None)]);
        let Problem::MissingVariables(missing) = sources.resolve(&variables).unwrap_err() else {
            panic!("another problem");
        };
        let settings: Vec<_> = missing
            .iter()
            .map(|missing| missing.environment_variable.as_str())
            .collect();
        assert_eq!(settings, ["SPIN_VARIABLE_API_TOKEN", "SPIN_VARIABLE_URL"]);
    }

    #[test]
    fn a_template_with_a_secret_in_it_is_secret() {
        let resolver = Resolver::new([
            ("host".to_owned(), VariableValue::new("localhost", false)),
            ("password".to_owned(), VariableValue::new("hunter2", true)),
        ]);
        let fill = |text| resolver.fill(&Template::parse(text).unwrap());
        assert_eq!(
            fill("http://{{ host }}/"),
            Ok(VariableValue::new("http://localhost/", false))
        );
        assert_eq!(
            fill("{{ host }}:{{password}}"),
            Ok(VariableValue::new("localhost:hunter2", true))
        );
        assert_eq!(
            fill("{{ nobody }}"),
            Err(TemplateError::UnknownVariable("nobody".to_owned()))
        );
        assert!(!format!("{resolver:?}").contains("hunter2"));
    }
}
