//! What can be wrong with an application, where, and how to mend it.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::allowed_hosts::AllowedHostError;
use crate::route::RouteError;
use crate::schedule::ScheduleError;
use crate::template::TemplateError;
use crate::variables::MissingVariable;

/// Where something is wrong: the file and, where known, the line and the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The manifest, or the dotenv file.
    pub file: PathBuf,
    /// The line, counted from 1.
    pub line: Option<usize>,
    /// The key with the tables it stands in, such as `component.health.source`.
    pub key: Option<String>,
}

impl Place {
    /// A whole file.
    pub(crate) fn file(path: &Path) -> Self {
        Self {
            file: path.to_owned(),
            line: None,
            key: None,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.file.display())?;
        if let Some(line) = self.line {
            write!(formatter, ":{line}")?;
        }
        if let Some(key) = &self.key {
            write!(formatter, ": {key}")?;
        }
        Ok(())
    }
}

/// An application that cannot be loaded: where, why, and ([`ApplicationError::hint`]) how to mend it.
#[derive(Debug)]
pub struct ApplicationError {
    place: Place,
    // Boxed so that a `Result` with this error stays small.
    problem: Box<Problem>,
}

impl ApplicationError {
    pub(crate) fn new(place: Place, problem: impl Into<Problem>) -> Self {
        Self {
            place,
            problem: Box::new(problem.into()),
        }
    }

    /// Where it is wrong.
    #[must_use]
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// What is wrong.
    #[must_use]
    pub fn problem(&self) -> &Problem {
        &self.problem
    }

    /// How to mend it, as a sentence for the operator.
    #[must_use]
    pub fn hint(&self) -> String {
        self.problem.hint()
    }
}

impl fmt::Display for ApplicationError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.place, self.problem)
    }
}

impl Error for ApplicationError {
    // The problem is part of this error's own message, so the chain goes on with the problem's cause.
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.problem.source()
    }
}

/// What is wrong with an application.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The manifest cannot be read.
    #[error("cannot read the manifest")]
    ReadManifest(#[source] io::Error),
    /// The dotenv file cannot be read.
    #[error("cannot read the dotenv file")]
    ReadDotenv(#[source] io::Error),
    /// A line of the dotenv file is not `NAME=value`. The line is not quoted, as it may hold a secret.
    #[error("line of the dotenv file is not NAME=value")]
    DotenvLine,
    /// The manifest is not TOML, lacks a key, or has one that does not belong there.
    #[error("{0}")]
    Syntax(String),
    /// The manifest is of another version.
    #[error("manifest is of version {0}, not 2")]
    ManifestVersion(String),
    /// A variable or component has a name that is not allowed.
    #[error("{name:?} is not a {kind} name: {fault}")]
    Name {
        /// `variable` or `component`.
        kind: &'static str,
        /// The name.
        name: String,
        /// Which rule it breaks.
        fault: &'static str,
    },
    /// A variable is neither required nor has a default, or both.
    #[error("variable must be required or have a default, {found}")]
    RequiredOrDefault {
        /// `not both` or `and is neither`.
        found: &'static str,
    },
    /// Required variables have no value.
    #[error("{}", missing_variables(.0))]
    MissingVariables(Vec<MissingVariable>),
    /// A value was given on the command line for a variable that is not declared.
    #[error("value given for {name:?}, which is not a variable of the application")]
    UnknownOverride {
        /// The name that was given.
        name: String,
        /// The variables there are.
        known: Vec<String>,
    },
    /// An environment variable holds something that is not text.
    #[error("environment variable {environment_variable} is not valid UTF-8")]
    EnvironmentNotText {
        /// Its name.
        environment_variable: String,
    },
    /// A template cannot be read or filled in.
    #[error("{error}")]
    Template {
        /// What is wrong with it.
        error: TemplateError,
        /// The variables there are.
        known: Vec<String>,
    },
    /// A trigger names a component that is not declared.
    #[error("trigger names the component {component:?}, which is not declared")]
    UnknownComponent {
        /// The name in the trigger.
        component: String,
        /// The components there are.
        known: Vec<String>,
    },
    /// A trigger of a kind that is not served here.
    #[error("{0:?} triggers are not served, only http and cron are")]
    UnsupportedTrigger(String),
    /// A component asks for a key-value store that there is not. The words are Spin's.
    #[error("unknown key_value_stores label {label:?} for component {component:?}")]
    UnknownStore {
        /// The name of the store.
        label: String,
        /// The component.
        component: String,
    },
    /// Something Spin offers that is not offered here.
    #[error("{0} not supported")]
    Unsupported(&'static str),
    /// Routes have a base, which Spin has no more.
    #[error("a base before the routes is not supported")]
    Base,
    /// A route is `{ private = false }`.
    #[error("route is neither a path nor private")]
    PrivateRoute,
    /// The file of a component is not there.
    #[error("component file {} is not there", .0.display())]
    ComponentFile(PathBuf),
    /// A route cannot be read.
    #[error(transparent)]
    Route(#[from] RouteError),
    /// A cron expression cannot be read.
    #[error(transparent)]
    Schedule(#[from] ScheduleError),
    /// An entry of `allowed_outbound_hosts` cannot be read.
    #[error(transparent)]
    AllowedHost(#[from] AllowedHostError),
}

fn missing_variables(missing: &[MissingVariable]) -> String {
    let names: Vec<_> = missing.iter().map(|variable| variable.name.as_str()).collect();
    match names.as_slice() {
        [name] => format!("required variable {name} has no value"),
        _ => format!("required variables {} have no value", names.join(", ")),
    }
}

fn listed(known: &[String]) -> String {
    if known.is_empty() {
        "none is declared".to_owned()
    } else {
        format!("declared: {}", known.join(", "))
    }
}

/// The mend for what the TOML reader says. Its messages are words only, so they are told apart by their beginnings.
fn syntax_hint(message: &str) -> &'static str {
    if message.starts_with("unknown field") {
        "remove the key, or correct its name"
    } else if message.starts_with("missing field") {
        "add the key"
    } else if message.ends_with("expected a sequence") {
        "write a list, or the header of a table in double brackets such as [[trigger.http]]"
    } else if message.starts_with("invalid type") || message.starts_with("invalid value") {
        "write what is expected"
    } else {
        "correct the line; the file is TOML"
    }
}

impl Problem {
    fn hint(&self) -> String {
        match self {
            Self::ReadManifest(_) => "name a spin.toml, or start where one is".to_owned(),
            Self::ReadDotenv(_) => "make the file readable, or remove it".to_owned(),
            Self::DotenvLine => {
                "write NAME=value, with quotes around a value that has blanks in it".to_owned()
            }
            Self::Syntax(message) => syntax_hint(message).to_owned(),
            Self::ManifestVersion(_) => "write it as version 2 and say spin_manifest_version = 2".to_owned(),
            Self::Name {
                kind: "component", ..
            } => "name it like collect-stats".to_owned(),
            Self::Name { .. } => "name it like monitoring_url".to_owned(),
            Self::RequiredOrDefault { .. } => "write either required = true or default = \"…\"".to_owned(),
            Self::MissingVariables(missing) => {
                let settings: Vec<_> = missing
                    .iter()
                    .map(|variable| format!("{}=…", variable.environment_variable))
                    .collect();
                format!(
                    "set in the environment, or write into the file .env beside the manifest: {}",
                    settings.join(" ")
                )
            }
            Self::UnknownOverride { known, .. } => {
                format!(
                    "declare it under [variables], or correct its name ({})",
                    listed(known)
                )
            }
            Self::EnvironmentNotText { .. } => "set it to text".to_owned(),
            Self::Template {
                error: TemplateError::Unclosed,
                ..
            } => "close it, like {{ name }}".to_owned(),
            Self::Template { known, .. } => {
                format!(
                    "declare it under [variables], or correct its name ({})",
                    listed(known)
                )
            }
            Self::UnknownComponent { component, known } => {
                format!(
                    "add a table [component.{component}], or correct the name ({})",
                    listed(known)
                )
            }
            Self::UnsupportedTrigger(_) | Self::Unsupported(_) => {
                "remove it, or run the application on Spin".to_owned()
            }
            Self::UnknownStore { .. } => {
                "name the store \"default\"; others need a runtime configuration, which only Spin reads"
                    .to_owned()
            }
            Self::Base => "write it before every route instead".to_owned(),
            Self::PrivateRoute => "write a path such as \"/metrics\", or { private = true }".to_owned(),
            Self::ComponentFile(_) => "build the components, or correct the path".to_owned(),
            Self::Route(error) => error.hint(),
            Self::Schedule(error) => error.hint(),
            Self::AllowedHost(error) => error.hint(),
        }
    }
}
