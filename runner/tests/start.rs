//! What the runner says of an application that cannot be started.

use std::path::Path;

use anyhow::{Context as _, Result};
use runner::{Runner, RunnerError, Settings};

/// A component that imports and exports nothing.
const EMPTY_COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";

const HTTP: &str = "[[trigger.http]]\nroute = \"/\"\ncomponent = \"one\"\n";
const NO_TRIGGER: &str = "[trigger]\n";
const CRON: &str = "[[trigger.cron]]\ncron_expression = \"* * * * * *\"\ncomponent = \"one\"\n";

/// Starts an application of one component, which must fail, and gives back why.
async fn refused(folder: &Path, component: &[u8], triggers: &str) -> Result<RunnerError> {
    std::fs::write(folder.join("one.wasm"), component)?;
    let manifest = format!(
        "spin_manifest_version = 2\n[application]\nname = \"test\"\n{triggers}[component.one]\nsource = \"one.wasm\"\n"
    );
    std::fs::write(folder.join("spin.toml"), manifest)?;
    let settings = Settings {
        listen: "127.0.0.1:0".to_owned(),
        ..Settings::new(folder)
    };
    Runner::start(&settings)
        .await
        .err()
        .context("the application started")
}

#[track_caller]
fn check(error: &RunnerError, message: &str, hint: &str) {
    assert!(error.to_string().contains(message), "{error}");
    let found = error.hint().unwrap_or_default();
    assert!(found.contains(hint), "{found}");
}

#[tokio::test]
async fn a_file_that_is_no_component() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let error = refused(folder.path(), b"hello", HTTP).await?;
    check(&error, "cannot load component one from", "./scripts/build");
    Ok(())
}

#[tokio::test]
async fn a_route_to_a_component_without_a_handler() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let error = refused(folder.path(), EMPTY_COMPONENT, HTTP).await?;
    check(
        &error,
        "component one is on an HTTP trigger but does not export wasi:http/handler",
        "#[http_service]",
    );
    Ok(())
}

#[tokio::test]
async fn a_schedule_for_a_component_without_the_cron_export() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let error = refused(folder.path(), EMPTY_COMPONENT, CRON).await?;
    check(
        &error,
        "component one is on a cron trigger but does not export handle-cron-event",
        "spin:cron@3.0.0",
    );
    Ok(())
}

#[tokio::test]
async fn an_application_that_would_never_run() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let error = refused(folder.path(), EMPTY_COMPONENT, NO_TRIGGER).await?;
    check(&error, "no trigger", "[[trigger.http]]");
    Ok(())
}

#[tokio::test]
async fn a_component_that_is_not_in_the_manifest() -> Result<()> {
    let folder = tempfile::tempdir()?;
    refused(folder.path(), EMPTY_COMPONENT, NO_TRIGGER).await?;
    let settings = Settings::new(folder.path());
    let error = runner::run_once(&settings, "two")
        .await
        .err()
        .context("the component ran")?;
    check(&error, "no component two", "one");
    Ok(())
}

#[tokio::test]
async fn a_cache_that_cannot_be_written() -> Result<()> {
    let folder = tempfile::tempdir()?;
    refused(folder.path(), EMPTY_COMPONENT, NO_TRIGGER).await?;
    // A file where a folder is asked for.
    let cache = Some(folder.path().join("spin.toml"));
    let settings = Settings {
        cache,
        ..Settings::new(folder.path())
    };
    let error = Runner::start(&settings)
        .await
        .err()
        .context("the application started")?;
    check(&error, "for compiled modules", "--cache-dir");
    Ok(())
}
