//! Passwords of targets that are not bound to hosts.

use std::collections::BTreeSet;

use anyhow::Result;
use db::{Passwords, SafeUrl};
use store::targets::Target;

use super::diagnosis::{Finding, Verdict};
use crate::secrets::{MAINTENANCE_PASSWORDS, TARGET_PASSWORDS};
use crate::settings::Settings;

/// A finding for each password that is sent to whatever host the row of a target names.
pub(crate) fn findings(settings: &Settings, targets: &[Target]) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for variable in [TARGET_PASSWORDS, MAINTENANCE_PASSWORDS] {
        let passwords = settings.passwords(variable)?;
        findings.extend(unbound(variable, &passwords, targets));
    }
    Ok(findings)
}

fn unbound(variable: &str, passwords: &Passwords, targets: &[Target]) -> Vec<Finding> {
    let finding = |name: &str| {
        let servers: BTreeSet<String> = targets
            .iter()
            .filter(|target| target.secret == name)
            .filter_map(|target| Some(target.address.parse::<SafeUrl>().ok()?.server()))
            .collect();
        let hosts = if servers.is_empty() {
            r#""HOST:PORT""#.to_owned()
        } else {
            let quoted: Vec<_> = servers.iter().map(|server| format!("{server:?}")).collect();
            quoted.join(", ")
        };
        let found = format!(
            "{name} in {variable} is bound to no host: whoever can change a target has it sent anywhere"
        );
        Finding::new("secrets", Verdict::Should, found).mend(format!(
            r#"-- write it as {name:?}: {{"password": "…", "hosts": [{hosts}]}}"#
        ))
    };
    passwords.unbound().map(finding).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use std::time::Duration;

    use super::*;

    #[test]
    fn an_unbound_password_is_named_with_the_hosts_of_its_targets_and_never_shown() {
        let target = |address: &str, secret: &str| Target {
            target_id: 1,
            name: "shop".to_owned(),
            address: address.to_owned(),
            secret: secret.to_owned(),
            enabled: true,
            labels: json!({}),
            interval: Duration::from_secs(15),
            timeout: Duration::from_secs(10),
            kind: store::collectors::TargetKind::Postgres,
        };
        let targets = [
            target("postgres://u@b/d", "open"),
            target("postgres://u@a:1/d", "open"),
            target("postgres://u@a:1/d2", "open"),
            target("postgres://u@c/d", "bound"),
        ];
        let passwords =
            r#"{"open": "hunter2", "bound": {"password": "hunter2", "hosts": ["c"]}, "unused": "hunter2"}"#;
        let found = unbound("V", &Passwords::from_json(passwords).unwrap(), &targets);
        let lines: Vec<_> = found
            .iter()
            .flat_map(|finding| [finding.found.as_str(), finding.mend[0].as_str()])
            .collect();
        assert_eq!(
            lines,
            [
                "open in V is bound to no host: whoever can change a target has it sent anywhere",
                r#"-- write it as "open": {"password": "…", "hosts": ["a:1", "b:5432"]}"#,
                "unused in V is bound to no host: whoever can change a target has it sent anywhere",
                r#"-- write it as "unused": {"password": "…", "hosts": ["HOST:PORT"]}"#,
            ]
        );
    }
}
