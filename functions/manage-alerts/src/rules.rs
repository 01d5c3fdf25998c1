//! `/api/rules`

use function::{Context, Host, Order, Response, StatusCode};
use serde_json::{Map, Value, json};
use store::rules;

use crate::answer::{self, Problem};

/// What a change may look like.
const EXAMPLE: &str =
    r#"{"metric": "cache_hit_percent", "comparison": "below", "warning": 95, "critical": 90}"#;

/// All rules that can be used, and what is wrong with the others.
pub(crate) async fn list<H: Host>(context: &Context<H>) -> Result<Response, Problem> {
    let found = answer::ask(context, "cannot read the rules", async |client| {
        rules::all(client).await
    })
    .await?;
    let definitions: Vec<_> = found.valid.iter().map(rules::fields).collect();
    let faults: Vec<_> = found.faults.iter().map(ToString::to_string).collect();
    let all = json!({ "rules": definitions, "faults": faults });
    Ok(answer::done(StatusCode::OK, &all))
}

/// One rule.
pub(crate) async fn show<H: Host>(context: &Context<H>, rule_id: &str) -> Result<Response, Problem> {
    let found = answer::ask(context, "cannot read the rule", async |client| {
        rules::all(client).await
    })
    .await?;
    let rule = found
        .find(rule_id)
        .ok_or_else(|| Problem::missing("rule", rule_id))?;
    Ok(answer::done(StatusCode::OK, &rules::fields(rule)))
}

/// Changes some fields of a rule, or makes a new one of them.
pub(crate) async fn save<H: Host>(
    context: &Context<H>,
    rule_id: &str,
    order: &Order,
) -> Result<Response, Problem> {
    let fields: Map<String, Value> = answer::body(order, EXAMPLE)?;
    if let Some(unknown) = fields.keys().find(|name| !rules::FIELDS.contains(&name.as_str())) {
        return Err(Problem::refused(
            format!("a rule has no field {unknown}"),
            format!("a rule has {}", rules::FIELDS.join(", ")),
        ));
    }
    let is_new = answer::ask(context, "cannot set the rule", async |client| {
        rules::save(client, rule_id, &fields).await
    })
    .await?;
    context
        .log()
        .info("A rule was set", json!({ "rule": rule_id, "fields": fields }));
    let status = if is_new {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    Ok(answer::done(status, &json!({ "rule": rule_id, "new": is_new })))
}

/// Removes a rule with its alerts.
pub(crate) async fn remove<H: Host>(context: &Context<H>, rule_id: &str) -> Result<Response, Problem> {
    let removed = answer::ask(context, "cannot remove the rule", async |client| {
        rules::remove(client, rule_id).await
    })
    .await?;
    if !removed {
        return Err(Problem::missing("rule", rule_id));
    }
    let fields = json!({ "rule": rule_id });
    context.log().info("A rule was removed", fields.clone());
    Ok(answer::done(StatusCode::OK, &fields))
}
