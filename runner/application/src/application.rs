//! An application: everything a runner needs to know, with nothing left to look up.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use crate::allowed_hosts::AllowedHosts;
use crate::document::Document;
use crate::dotenv;
use crate::error::{ApplicationError, Place, Problem};
use crate::resolve;
use crate::route::{Router, ShadowedRoute};
use crate::schedule::Schedule;
use crate::variables::VariableValue;

/// An application, ready to run.
#[derive(Debug, Clone)]
pub struct Application {
    /// Its name.
    pub name: String,
    /// Its version; empty when the manifest has none.
    pub version: String,
    /// What it is for; empty when the manifest does not say.
    pub description: String,
    /// Who wrote it.
    pub authors: Vec<String>,
    /// The manifest it was loaded from.
    pub manifest: PathBuf,
    /// Its components by id.
    pub components: BTreeMap<String, Component>,
    /// Its HTTP triggers, in the order of the manifest.
    pub http_triggers: Vec<HttpTrigger>,
    /// Its cron triggers, in the order of the manifest.
    pub cron_triggers: Vec<CronTrigger>,
    /// Which component answers which path: the routes of its HTTP triggers.
    pub router: Router,
    /// What is allowed but hardly meant.
    pub warnings: Vec<Warning>,
}

/// A component and what it is given.
#[derive(Debug, Clone)]
pub struct Component {
    /// Its name in the manifest.
    pub id: String,
    /// What it is for; empty when the manifest does not say.
    pub description: String,
    /// Its `.wasm` file.
    pub source: PathBuf,
    /// Its variables with their values.
    pub variables: BTreeMap<String, VariableValue>,
    /// Its environment variables.
    pub environment: BTreeMap<String, String>,
    /// The key-value stores that it may open.
    pub key_value_stores: BTreeSet<String>,
    /// The addresses it may reach.
    pub allowed_hosts: AllowedHosts,
}

/// A route and the component that answers it.
#[derive(Debug, Clone)]
pub struct HttpTrigger {
    /// Its id in the manifest, or one made up as on Spin.
    pub id: String,
    /// The id of the component.
    pub component: String,
    /// The path as written; none for a private one, which only other components may call.
    pub route: Option<String>,
}

/// A schedule and the component that it runs.
#[derive(Debug, Clone)]
pub struct CronTrigger {
    /// Its id in the manifest, or one made up as on Spin.
    pub id: String,
    /// The id of the component.
    pub component: String,
    /// When it runs.
    pub schedule: Schedule,
}

/// Something in a manifest that is allowed but hardly meant.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Warning {
    /// A route is never reached.
    ShadowedRoute(ShadowedRoute),
    /// A route is below `/.well-known/spin/`, which Spin answers itself.
    ReservedRoute {
        /// The path as written.
        route: String,
    },
    /// No trigger names a component.
    UnusedComponent {
        /// The id of the component.
        component: String,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ShadowedRoute(ShadowedRoute { shadowed, effective }) => write!(
                formatter,
                "route {:?} of component {} is never reached: {:?} of component {} takes its paths",
                shadowed.raw, shadowed.component, effective.raw, effective.component
            ),
            Self::ReservedRoute { route } => {
                write!(
                    formatter,
                    "route {route:?} is below /.well-known/spin/, which is reserved on Spin"
                )
            }
            Self::UnusedComponent { component } => {
                write!(formatter, "component {component} is not named by any trigger")
            }
        }
    }
}

/// Where the values of variables come from besides the defaults in the manifest.
#[derive(Clone, Default)]
pub struct Options {
    /// Values from the command line (`--variable name=value`), which go before all others.
    pub variables: BTreeMap<String, String>,
    /// The environment; `SPIN_VARIABLE_NAME` sets the variable `name`.
    pub environment: BTreeMap<OsString, OsString>,
    /// The dotenv file, for what the environment does not set.
    pub dotenv: Dotenv,
}

impl Options {
    /// The environment of this process, and the file `.env` beside the manifest.
    #[must_use]
    pub fn from_process() -> Self {
        Self {
            environment: std::env::vars_os().collect(),
            ..Self::default()
        }
    }
}

// Values may be secret, and an environment is full of secrets that are none of ours: only names are shown.
impl fmt::Debug for Options {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Options")
            .field("variables", &self.variables.keys())
            .field("dotenv", &self.dotenv)
            .finish_non_exhaustive()
    }
}

/// Which dotenv file is read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Dotenv {
    /// The file `.env` beside the manifest, if there is one.
    #[default]
    BesideManifest,
    /// This file, which must be there.
    File(PathBuf),
    /// None.
    None,
}

impl Application {
    /// Loads the application whose manifest is at `path`, which may also be the folder of a `spin.toml`.
    ///
    /// # Errors
    ///
    /// [`ApplicationError`] with the first thing that is wrong; of missing variables, all of them.
    pub fn load(path: &Path, options: &Options) -> Result<Self, ApplicationError> {
        let path = if path.is_dir() {
            path.join("spin.toml")
        } else {
            path.to_owned()
        };
        let text = std::fs::read_to_string(&path)
            .map_err(|error| ApplicationError::new(Place::file(&path), Problem::ReadManifest(error)))?;
        let document = Document::parse(&path, &text)?;
        let dotenv = match &options.dotenv {
            Dotenv::BesideManifest => dotenv::read(&path.with_file_name(".env"), false)?,
            Dotenv::File(file) => dotenv::read(file, true)?,
            Dotenv::None => dotenv::DotenvValues::new(),
        };
        resolve::application(&document, options, &dotenv)
    }
}
