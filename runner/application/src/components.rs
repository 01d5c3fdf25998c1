//! The components of a manifest: those with a table of their own and those written inside a trigger.

use std::collections::{BTreeMap, BTreeSet};

use crate::allowed_hosts::AllowedHosts;
use crate::application::Component;
use crate::document::{Document, Step};
use crate::error::{ApplicationError, Problem};
use crate::manifest::{ComponentReference, ComponentTable, SourceValue, VariableTable};
use crate::name;
use crate::template::{Template, TemplateError};
use crate::variables::{Resolver, VariableValue};

/// The one key-value store that Spin has without a runtime configuration.
const DEFAULT_STORE: &str = "default";

/// Where a component is written.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Origin {
    /// In a table of its own.
    Table,
    /// Inside the HTTP trigger of this index.
    HttpTrigger(usize),
    /// Inside the cron trigger of this index.
    CronTrigger(usize),
}

/// A component as it is written.
struct Written {
    table: ComponentTable,
    origin: Origin,
}

/// The components of a manifest by id, as they are written.
pub(crate) struct WrittenComponents {
    components: BTreeMap<String, Written>,
}

impl Origin {
    fn steps<'a>(self, id: &'a str) -> Vec<Step<'a>> {
        match self {
            Self::Table => vec![Step::Key("component"), Step::Key(id)],
            Self::HttpTrigger(index) => trigger_component("http", index),
            Self::CronTrigger(index) => trigger_component("cron", index),
        }
    }
}

fn trigger_component(kind: &str, index: usize) -> Vec<Step<'_>> {
    vec![
        Step::Key("trigger"),
        Step::Key(kind),
        Step::Index(index),
        Step::Key("component"),
    ]
}

impl WrittenComponents {
    /// Starts with the components that have a table of their own.
    pub(crate) fn new(
        document: &Document<'_>,
        tables: BTreeMap<String, ComponentTable>,
    ) -> Result<Self, ApplicationError> {
        let mut components = BTreeMap::new();
        for (id, table) in tables {
            if let Some(fault) = name::component_id_fault(&id) {
                let problem = Problem::Name {
                    kind: "component",
                    name: id.clone(),
                    fault,
                };
                return Err(document.error(&Origin::Table.steps(&id), problem));
            }
            components.insert(
                id,
                Written {
                    table,
                    origin: Origin::Table,
                },
            );
        }
        Ok(Self { components })
    }

    /// The id of the component a trigger refers to. One that is written inside the trigger is added under an id
    /// made up as on Spin.
    pub(crate) fn take(
        &mut self,
        document: &Document<'_>,
        origin: Origin,
        trigger: &str,
        reference: ComponentReference,
    ) -> Result<String, ApplicationError> {
        match reference {
            ComponentReference::Name(component) if self.components.contains_key(&component) => Ok(component),
            ComponentReference::Name(component) => {
                let known = self.components.keys().cloned().collect();
                Err(document.error(&origin.steps(""), Problem::UnknownComponent { component, known }))
            }
            ComponentReference::Inline(table) => Ok(self.add_inline(
                trigger,
                Written {
                    table: *table,
                    origin,
                },
            )),
        }
    }

    fn add_inline(&mut self, trigger: &str, written: Written) -> String {
        let natural =
            Some(format!("{trigger}-component")).filter(|id| name::component_id_fault(id).is_none());
        let numbered = (1..).map(|number| format!("inline-component{number}"));
        let free = natural
            .into_iter()
            .chain(numbered)
            .find(|id| !self.components.contains_key(id));
        let id = free.unwrap_or_default();
        self.components.insert(id.clone(), written);
        id
    }

    /// Checks that every template can be read and names declared variables only, before any value is looked for.
    pub(crate) fn check_templates(
        &self,
        document: &Document<'_>,
        variables: &BTreeMap<String, VariableTable>,
    ) -> Result<(), ApplicationError> {
        for (id, written) in &self.components {
            let steps = written.origin.steps(id);
            for (name, text) in &written.table.variables {
                let steps = [steps.as_slice(), &[Step::Key("variables"), Step::Key(name)]].concat();
                let fault = name::variable_name_fault(name).map(|fault| Problem::Name {
                    kind: "variable",
                    name: name.clone(),
                    fault,
                });
                if let Some(problem) = fault.or_else(|| template_fault(text, variables)) {
                    return Err(document.error(&steps, problem));
                }
            }
            for (index, text) in written.table.allowed_outbound_hosts.iter().enumerate() {
                if let Some(problem) = template_fault(text, variables) {
                    let entry = [Step::Key("allowed_outbound_hosts"), Step::Index(index)];
                    return Err(document.error(&[steps.as_slice(), &entry].concat(), problem));
                }
            }
        }
        Ok(())
    }

    /// Fills in the templates and finds the files.
    pub(crate) fn resolve(
        self,
        document: &Document<'_>,
        resolver: &Resolver,
    ) -> Result<BTreeMap<String, Component>, ApplicationError> {
        let mut components = BTreeMap::new();
        for (id, written) in self.components {
            let component = written.resolve(document, resolver, id.clone())?;
            components.insert(id, component);
        }
        Ok(components)
    }
}

fn template_fault(text: &str, variables: &BTreeMap<String, VariableTable>) -> Option<Problem> {
    let error = match Template::parse(text) {
        Ok(template) => {
            let unknown = template
                .variables()
                .find(|name| !variables.contains_key(*name))?
                .to_owned();
            TemplateError::UnknownVariable(unknown)
        }
        Err(error) => error,
    };
    Some(Problem::Template {
        error,
        known: variables.keys().cloned().collect(),
    })
}

impl Written {
    fn resolve(
        self,
        document: &Document<'_>,
        resolver: &Resolver,
        id: String,
    ) -> Result<Component, ApplicationError> {
        let steps = self.origin.steps(&id);
        let failed =
            |key, problem: Problem| document.error(&[steps.as_slice(), &[Step::Key(key)]].concat(), problem);
        if let Some((key, feature)) = unsupported(&self.table) {
            return Err(failed(key, Problem::Unsupported(feature)));
        }
        let SourceValue::Path(path) = &self.table.source else {
            return Err(failed(
                "source",
                Problem::Unsupported("components from a URL or a registry are"),
            ));
        };
        let source = document.directory().join(path);
        if !source.is_file() {
            return Err(failed("source", Problem::ComponentFile(source)));
        }
        let key_value_stores =
            key_value_stores(&self.table.key_value_stores, &id).map_err(|(index, problem)| {
                let entry = [Step::Key("key_value_stores"), Step::Index(index)];
                document.error(&[steps.as_slice(), &entry].concat(), problem)
            })?;
        let entries = &self.table.allowed_outbound_hosts;
        let allowed_hosts = AllowedHosts::parse(entries, resolver).map_err(|error| {
            let index = entries
                .iter()
                .position(|entry| entry == error.entry())
                .map(Step::Index);
            let entry = [Step::Key("allowed_outbound_hosts")].into_iter().chain(index);
            document.error(&steps.iter().copied().chain(entry).collect::<Vec<_>>(), error)
        })?;
        let variables = self
            .table
            .variables
            .iter()
            .map(|(name, text)| Ok((name.clone(), filled(text, resolver)?)))
            .collect::<Result<_, TemplateError>>()
            .map_err(|error| {
                failed(
                    "variables",
                    Problem::Template {
                        error,
                        known: Vec::new(),
                    },
                )
            })?;
        Ok(Component {
            variables,
            allowed_hosts,
            key_value_stores,
            source,
            description: self.table.description,
            environment: self.table.environment,
            id,
        })
    }
}

/// The stores that a component may open, or the first one that there is not, by its place in the list.
fn key_value_stores(labels: &[String], component: &str) -> Result<BTreeSet<String>, (usize, Problem)> {
    let unknown = labels
        .iter()
        .enumerate()
        .find(|(_, label)| *label != DEFAULT_STORE);
    match unknown {
        Some((index, label)) => {
            let problem = Problem::UnknownStore {
                label: label.clone(),
                component: component.to_owned(),
            };
            Err((index, problem))
        }
        None => Ok(labels.iter().cloned().collect()),
    }
}

fn filled(text: &str, resolver: &Resolver) -> Result<VariableValue, TemplateError> {
    resolver.fill(&Template::parse(text)?)
}

/// What Spin would give the component and is not given here. Better refused at the start than missed in a run.
fn unsupported(table: &ComponentTable) -> Option<(&'static str, &'static str)> {
    [
        (!table.files.is_empty(), "files", "files are"),
        (
            !table.sqlite_databases.is_empty(),
            "sqlite_databases",
            "SQLite databases are",
        ),
        (!table.ai_models.is_empty(), "ai_models", "AI models are"),
        (
            !table.dependencies.is_empty(),
            "dependencies",
            "component dependencies are",
        ),
        (
            !table.allowed_http_hosts.is_empty(),
            "allowed_http_hosts",
            "allowed_http_hosts, long replaced by allowed_outbound_hosts, is",
        ),
    ]
    .into_iter()
    .find_map(|(used, key, feature)| used.then_some((key, feature)))
}
