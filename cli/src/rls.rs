//! `pgvitals rls`: what row-level security costs.

use std::process::ExitCode;

use anyhow::Result;
use db::connect;
use guardian::row_level_security::{
    self, Cost, Examination, ExaminationError, Finding, PolicyCost, QueryCost, Warning,
};

use crate::arguments::Rls;
use crate::failure::Failure;
use crate::output::{Listing, Output};
use crate::project::Project;
use crate::seed;
use crate::settings::Settings;

/// 0 where no policy does needlessly for every row what could be done once, 1 where one does.
pub(crate) async fn run(arguments: &Rls, project: &Project, output: &Output) -> Result<ExitCode> {
    let queries = row_level_security::queries(arguments.query.as_deref()).map_err(unexamined)?;
    let settings = Settings::load(project)?;
    let url = seed::address(&arguments.database, project, &settings)?.with_application_name("pgvitals/rls");
    let client = connect(&url).await?;
    let step = output.step("reading the policies");
    let examination = row_level_security::examine(&client, &queries, arguments.pairs, |query| {
        step.now(&format!(
            "measuring {query} with row-level security and without it"
        ));
    })
    .await
    .map_err(unexamined)?;
    drop(step);
    let said = text(&examination)?;
    output.result(&examination, || said)?;
    let is_needless = examination
        .warnings
        .iter()
        .any(|warning| warning.finding.is_needless());
    Ok(if is_needless {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

fn unexamined(error: ExaminationError) -> anyhow::Error {
    let hint = match &error {
        ExaminationError::Unknown(_) => {
            "they are the files of sql/guardian/critical whose role is patient or provider"
        }
        ExaminationError::Nobody(_) => "run `pgvitals seed` first",
        _ => return anyhow::Error::new(error),
    };
    Failure::new(error.to_string(), hint).into()
}

fn text(examination: &Examination) -> Result<String> {
    let mut parts = Vec::new();
    if examination.queries.is_empty() {
        parts.push("the database has no reference workload to measure: `pgvitals seed` makes one".to_owned());
    } else {
        parts.push(queries(&examination.queries)?);
        parts.push(policies(&examination.queries)?);
    }
    parts.push(warnings(&examination.warnings));
    Ok(parts.join("\n\n"))
}

fn queries(costs: &[QueryCost]) -> Result<String> {
    let columns = [
        "query",
        "role",
        "owner ms",
        "user ms",
        "cost ms",
        "of that planning",
        "cost",
        "blocks",
        "limit ms",
    ];
    let mut listing = Listing::new(&columns, "no query was measured");
    for cost in costs {
        let cells = [
            cost.query.clone(),
            cost.role.to_string(),
            format!("{:.2}", cost.owner_ms),
            format!("{:.2}", cost.user_ms),
            milliseconds(&cost.cost),
            milliseconds(&cost.planning),
            format!("{:+.0} %", cost.cost.median_ms / cost.owner_ms * 100.0),
            format!("{:.0} -> {:.0}", cost.owner_blocks, cost.user_blocks),
            format!("{:.0}", cost.threshold_ms),
        ];
        listing.row(cells, cost)?;
    }
    Ok(listing.to_text())
}

fn policies(costs: &[QueryCost]) -> Result<String> {
    let mut listing = Listing::new(&["policy", "table", "query", "cost ms"], "no policy was met");
    for cost in costs {
        for policy in &cost.policies {
            let PolicyCost {
                table,
                policy: name,
                cost: of_policy,
            } = policy;
            let shown = of_policy
                .as_ref()
                .map_or_else(|| "decides".to_owned(), milliseconds);
            listing.row([name.clone(), table.clone(), cost.query.clone(), shown], policy)?;
        }
    }
    Ok(listing.to_text())
}

/// The median, and in parentheses where the pairs do not agree on which way is slower.
fn milliseconds(cost: &Cost) -> String {
    let median = format!("{:+.2}", cost.median_ms);
    if cost.is_clear() {
        median
    } else {
        format!("({median})")
    }
}

fn warnings(warnings: &[Warning]) -> String {
    if warnings.is_empty() {
        return "no policy does for every row what could be done once".to_owned();
    }
    let lines = warnings.iter().map(|warning| {
        let Warning {
            schema,
            table,
            policy,
            condition,
            advice,
            ..
        } = warning;
        let does = match (warning.finding, &warning.function) {
            (Finding::OncePerStatement, Some(function)) => {
                format!("calls {function} for every row where once would do")
            }
            (Finding::Volatile, Some(function)) => {
                format!("calls {function}, which is volatile, for every row")
            }
            (Finding::CallWithColumns, Some(function)) => {
                format!("calls {function} with columns of every row")
            }
            _ => "runs a query for every row".to_owned(),
        };
        let word = if warning.finding.is_needless() {
            "warning"
        } else {
            "note"
        };
        let seen = warning
            .seen
            .as_ref()
            .map(|seen| format!("; {:.0} times in one {}", seen.rows, seen.query));
        format!(
            "{word}: policy {policy} on {schema}.{table} {does}{}\n  condition: {}\n  mend: {advice}",
            seen.unwrap_or_default(),
            condition.split_whitespace().collect::<Vec<_>>().join(" ")
        )
    });
    lines.collect::<Vec<_>>().join("\n")
}
