//! Why an application cannot be started, and what to do about it.

use std::path::PathBuf;

use application::ApplicationError;

/// An application that cannot be started.
///
/// The message names the place, the source chain the cause, and [`RunnerError::hint`] the mend.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunnerError {
    /// The manifest, or what it names, is wrong.
    #[error(transparent)]
    Application(#[from] ApplicationError),
    /// WebAssembly cannot be run on this machine.
    #[error("cannot set up the WebAssembly engine")]
    Engine(#[source] anyhow::Error),
    /// The folder for compiled modules cannot be used.
    #[error("cannot use {path} for compiled modules", path = .path.display())]
    Cache {
        /// The folder.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: anyhow::Error,
    },
    /// A file is not a component.
    #[error("cannot load component {component} from {path}", path = .path.display())]
    Load {
        /// The component's name in the manifest.
        component: String,
        /// Its file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: anyhow::Error,
    },
    /// A component imports what the runner does not offer.
    #[error("component {component} asks for an interface that the runner does not offer")]
    Import {
        /// The component's name in the manifest.
        component: String,
        /// Which one.
        #[source]
        source: anyhow::Error,
    },
    /// A component lacks the export that its trigger calls.
    #[error("component {component} is on {trigger} but does not export {export}")]
    Export {
        /// The component's name in the manifest.
        component: String,
        /// The kind of trigger, with its article.
        trigger: &'static str,
        /// What the trigger calls.
        export: &'static str,
        /// What was looked for and not found.
        #[source]
        source: anyhow::Error,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address as given.
        address: String,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// A component is asked for that is not in the manifest.
    #[error("no component {name} in the manifest")]
    NoSuchComponent {
        /// The name asked for.
        name: String,
        /// The names there are.
        known: Vec<String>,
    },
    /// The manifest has no trigger, so that nothing would ever run.
    #[error("{path}: no trigger, so that nothing would ever run", path = .path.display())]
    NoTrigger {
        /// The manifest.
        path: PathBuf,
    },
}

impl RunnerError {
    /// What the operator can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Application(error) => return Some(error.hint()),
            Self::Engine(_) => return None,
            Self::Cache { .. } => "name a folder that this user may write with --cache-dir",
            Self::Load { .. } => "build it with ./scripts/build; a component is made for wasm32-wasip2",
            Self::Import { .. } => {
                "the runner offers WASI 0.2 and 0.3, spin:postgres@4.2.0, spin:variables@3.0.0 and spin:key-value@3.0.0; \
                 build the component with spin-sdk 7 and only these features: http, pg, variables, key-value"
            }
            Self::Export {
                trigger: "a cron trigger",
                ..
            } => "export the world spin-cron of spin:cron@3.0.0, or remove the [[trigger.cron]] entry",
            Self::Export { .. } => {
                "mark its handler with #[http_service], or remove the [[trigger.http]] entry"
            }
            Self::Listen { address, source } => return Some(listen_hint(address, source)),
            Self::NoSuchComponent { known, .. } => return Some(format!("there are: {}", known.join(", "))),
            Self::NoTrigger { .. } => "add a [[trigger.http]] or [[trigger.cron]] entry",
        };
        Some(hint.to_owned())
    }
}

fn listen_hint(address: &str, error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::AddrInUse => {
            format!("something else listens on {address}: stop it, or choose another port with --listen")
        }
        std::io::ErrorKind::PermissionDenied => "choose a port above 1023 with --listen".to_owned(),
        _ => "write an address of this machine and a port with --listen, such as 127.0.0.1:3000".to_owned(),
    }
}
