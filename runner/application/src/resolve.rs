//! From the tables of a manifest to an application: names checked, values found, triggers and components brought
//! together.

use std::collections::BTreeMap;

use crate::application::{Application, CronTrigger, HttpTrigger, Options, Warning};
use crate::components::{Origin, WrittenComponents};
use crate::document::{Document, Step};
use crate::dotenv::DotenvValues;
use crate::error::{ApplicationError, Problem};
use crate::manifest::{
    ApplicationTriggerTables, CronTriggerTable, HttpTriggerTable, ManifestTable, RouteValue, VariableTable,
};
use crate::name;
use crate::route::{RouteError, Router};
use crate::trigger_ids::TriggerIds;
use crate::variables::{Resolver, Sources};

/// What Spin answers itself, whatever the routes of an application are.
const RESERVED_PREFIX: &str = "/.well-known/spin/";

/// The kinds of triggers that are served.
const TRIGGER_KINDS: [&str; 2] = ["http", "cron"];

/// Makes an application of a manifest.
pub(crate) fn application(
    document: &Document<'_>,
    options: &Options,
    dotenv: &DotenvValues,
) -> Result<Application, ApplicationError> {
    check_version(document)?;
    let manifest: ManifestTable = document.read()?;
    check_trigger_kinds(document)?;
    check_variables(document, &manifest.variables)?;

    let mut ids = TriggerIds::new(&manifest.trigger);
    check_base(document, &manifest.application.trigger)?;
    let mut written = WrittenComponents::new(document, manifest.component)?;
    let http_triggers = http_triggers(document, manifest.trigger.http, &mut ids, &mut written)?;
    let cron_triggers = cron_triggers(document, manifest.trigger.cron, &mut ids, &mut written)?;
    let (router, warnings) = router(document, &http_triggers)?;

    written.check_templates(document, &manifest.variables)?;
    let resolver = resolver(document, &manifest.variables, options, dotenv)?;
    let components = written.resolve(document, &resolver)?;
    let mut application = Application {
        name: manifest.application.name,
        version: manifest.application.version,
        description: manifest.application.description,
        authors: manifest.application.authors,
        manifest: document.path().to_owned(),
        components,
        http_triggers,
        cron_triggers,
        router,
        warnings,
    };
    application.warnings.extend(unused_components(&application));
    Ok(application)
}

/// A manifest of another version has other keys, so the version is looked at before them.
fn check_version(document: &Document<'_>) -> Result<(), ApplicationError> {
    // The second one is how the first version of the manifest began for a while.
    for key in ["spin_manifest_version", "spin_version"] {
        if let Some(version) = document.scalar(key).filter(|version| *version != "2") {
            let problem = Problem::ManifestVersion(version.to_owned());
            return Err(document.error(&[Step::Key(key)], problem));
        }
    }
    Ok(())
}

fn check_trigger_kinds(document: &Document<'_>) -> Result<(), ApplicationError> {
    match document
        .keys("trigger")
        .into_iter()
        .find(|kind| !TRIGGER_KINDS.contains(&kind.as_str()))
    {
        Some(kind) => {
            let steps = [Step::Key("trigger"), Step::Key(&kind)];
            Err(document.error(&steps, Problem::UnsupportedTrigger(kind.clone())))
        }
        None => Ok(()),
    }
}

fn check_variables(
    document: &Document<'_>,
    variables: &BTreeMap<String, VariableTable>,
) -> Result<(), ApplicationError> {
    for (name, table) in variables {
        let fault = name::variable_name_fault(name).map(|fault| Problem::Name {
            kind: "variable",
            name: name.clone(),
            fault,
        });
        let problem = fault.or(match (table.required, &table.default) {
            (true, Some(_)) => Some(Problem::RequiredOrDefault { found: "not both" }),
            (false, None) => Some(Problem::RequiredOrDefault {
                found: "and is neither",
            }),
            _ => None,
        });
        if let Some(problem) = problem {
            return Err(document.error(&[Step::Key("variables"), Step::Key(name)], problem));
        }
    }
    Ok(())
}

fn resolver(
    document: &Document<'_>,
    variables: &BTreeMap<String, VariableTable>,
    options: &Options,
    dotenv: &DotenvValues,
) -> Result<Resolver, ApplicationError> {
    let failed = |problem| document.error(&[Step::Key("variables")], problem);
    if let Some(name) = options
        .variables
        .keys()
        .find(|name| !variables.contains_key(*name))
    {
        let known = variables.keys().cloned().collect();
        return Err(failed(Problem::UnknownOverride {
            name: name.clone(),
            known,
        }));
    }
    let sources = Sources {
        overrides: &options.variables,
        environment: &options.environment,
        dotenv,
    };
    sources.resolve(variables).map_err(failed)
}

/// Spin no longer puts a base before the routes, and refuses one; `/`, which changes nothing, it lets pass.
fn check_base(document: &Document<'_>, triggers: &ApplicationTriggerTables) -> Result<(), ApplicationError> {
    match &triggers.http.base {
        Some(base) if base != "/" => {
            let steps = ["application", "trigger", "http", "base"].map(Step::Key);
            Err(document.error(&steps, Problem::Base))
        }
        _ => Ok(()),
    }
}

fn http_triggers(
    document: &Document<'_>,
    tables: Vec<HttpTriggerTable>,
    ids: &mut TriggerIds,
    written: &mut WrittenComponents,
) -> Result<Vec<HttpTrigger>, ApplicationError> {
    let mut triggers = Vec::new();
    for (index, table) in tables.into_iter().enumerate() {
        let failed = |key, problem: Problem| {
            let steps = [
                Step::Key("trigger"),
                Step::Key("http"),
                Step::Index(index),
                Step::Key(key),
            ];
            document.error(&steps, problem)
        };
        if table
            .executor
            .is_some_and(|executor| !matches!(executor.kind.as_str(), "http" | "spin"))
        {
            return Err(failed(
                "executor",
                Problem::Unsupported("executors other than http are"),
            ));
        }
        let route = match table.route {
            RouteValue::Path(path) => Some(path),
            RouteValue::Private(true) => None,
            RouteValue::Private(false) => return Err(failed("route", Problem::PrivateRoute)),
        };
        if let Some(path) = &route {
            RouteError::check(path).map_err(|error| failed("route", error.into()))?;
        }
        let id = ids.assign("http", table.id, &table.component);
        let component = written.take(document, Origin::HttpTrigger(index), &id, table.component)?;
        triggers.push(HttpTrigger { id, component, route });
    }
    Ok(triggers)
}

fn cron_triggers(
    document: &Document<'_>,
    tables: Vec<CronTriggerTable>,
    ids: &mut TriggerIds,
    written: &mut WrittenComponents,
) -> Result<Vec<CronTrigger>, ApplicationError> {
    let mut triggers = Vec::new();
    for (index, table) in tables.into_iter().enumerate() {
        let id = ids.assign("cron", table.id, &table.component);
        let component = written.take(document, Origin::CronTrigger(index), &id, table.component)?;
        let schedule = table
            .cron_expression
            .parse()
            .map_err(|error: crate::schedule::ScheduleError| {
                let key = Step::Key("cron_expression");
                document.error(
                    &[Step::Key("trigger"), Step::Key("cron"), Step::Index(index), key],
                    error,
                )
            })?;
        triggers.push(CronTrigger {
            id,
            component,
            schedule,
        });
    }
    Ok(triggers)
}

fn router(
    document: &Document<'_>,
    triggers: &[HttpTrigger],
) -> Result<(Router, Vec<Warning>), ApplicationError> {
    let routes = triggers
        .iter()
        .filter_map(|trigger| Some((trigger.component.as_str(), trigger.route.as_deref()?)));
    let (router, shadowed) = Router::build(routes)
        .map_err(|error| document.error(&[Step::Key("trigger"), Step::Key("http")], error))?;
    let mut warnings: Vec<_> = shadowed.into_iter().map(Warning::ShadowedRoute).collect();
    let reserved = router
        .routes()
        .filter(|route| route.based.starts_with(RESERVED_PREFIX));
    warnings.extend(reserved.map(|route| Warning::ReservedRoute {
        route: route.raw.clone(),
    }));
    Ok((router, warnings))
}

fn unused_components(application: &Application) -> Vec<Warning> {
    let http = application.http_triggers.iter().map(|trigger| &trigger.component);
    let cron = application.cron_triggers.iter().map(|trigger| &trigger.component);
    let used: Vec<&String> = http.chain(cron).collect();
    let unused = application.components.keys().filter(|id| !used.contains(id));
    unused
        .map(|id| Warning::UnusedComponent {
            component: id.clone(),
        })
        .collect()
}
