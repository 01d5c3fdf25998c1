//! The runner does what Spin does: every folder of `tests/conformance` is a claim about what a component or an
//! operator sees of the host, and is held against the runner and, where there is a `spin` on PATH, against Spin.
//!
//! `tests/conformance/README.md` says how a claim is written. This file only lists them; a folder that is not
//! listed fails [`every_claim_is_listed`].

mod claim;
mod expectation;
mod host;
mod request;
mod types;

use std::collections::BTreeSet;

use anyhow::{Context, Result};

use crate::claim::Claim;
use crate::host::Host;

macro_rules! claims {
    ($($name:ident)*) => {
        const LISTED: &[&str] = &[$(stringify!($name)),*];

        $(
            #[tokio::test(flavor = "multi_thread")]
            async fn $name() -> Result<()> {
                check(stringify!($name)).await
            }
        )*
    };
}

claims! {
    allowed_hosts_http
    allowed_hosts_ipv6
    allowed_hosts_postgres
    allowed_hosts_postgres_builder
    allowed_hosts_tcp
    allowed_hosts_templates
    allowed_hosts_unix_socket
    allowed_hosts_unreadable
    cron_expression_in_words
    cron_expression_of_five_fields
    cron_expression_of_seven_fields
    cron_failure_goes_on
    cron_fires
    cron_fresh_instance
    cron_missing_export
    cron_overlap_is_skipped
    cron_timestamp
    cron_unknown_key
    deadline_of_a_computing_guest
    deadline_of_a_query
    deadline_of_a_schedule
    deadline_of_a_waiting_guest
    environment
    graceful_stop
    http_big_bodies
    http_instance_reuse
    http_many_at_once
    http_missing_export
    http_outbound
    http_request_and_response
    http_streamed_response
    http_trap
    key_value_binary_and_empty
    key_value_denied
    key_value_shared
    key_value_store
    key_value_unknown_store
    manifest_is_missing
    manifest_is_not_toml
    manifest_of_a_later_toml
    manifest_with_a_base
    manifest_with_unknown_component
    manifest_with_unknown_metadata
    manifest_with_values_for_tables
    memory_limit
    name_of_a_component
    name_of_a_variable
    port_in_use
    postgres_errors
    postgres_no_rows
    postgres_one_backend
    postgres_rows
    postgres_trap_in_transaction
    postgres_types
    postgres_values
    route_headers
    route_precedence
    route_well_known
    source_is_missing
    source_is_no_component
    variable_errors
    variable_required
    variable_sources
    variable_templates
    variable_unknown_in_template
}

/// Holds one claim against every host that it is made about.
async fn check(name: &str) -> Result<()> {
    let claim = Claim::read(&name.replace('_', "-"))?;
    for host in Host::all(&claim)? {
        eprintln!("{}: {} {}", claim.name(), host.name(), host.program().display());
        claim.hold(&host).await.with_context(|| {
            format!(
                "{} does not hold on {}: {}",
                claim.name(),
                host.name(),
                claim.sentence()
            )
        })?;
    }
    Ok(())
}

#[test]
fn every_claim_is_listed() -> Result<()> {
    let listed: BTreeSet<String> = LISTED.iter().map(|name| name.replace('_', "-")).collect();
    assert_eq!(claim::folders()?, listed);
    Ok(())
}
