//! `/api/rules`

use function::{Context, Host, Order, Response, StatusCode};
use serde_json::{Map, Value, json};
use store::rules;

use crate::answer;

/// What a change may look like.
const EXAMPLE: &str =
    r#"{"metric": "cache_hit_percent", "comparison": "below", "warning": 95, "critical": 90}"#;

/// All rules that can be used, and what is wrong with the others.
pub(crate) async fn list<H: Host>(context: &Context<H>) -> anyhow::Result<Response> {
    let found = answer::ask(context, "cannot read the rules", async |client| {
        rules::all(client).await
    })
    .await?;
    Ok(match found {
        Ok(found) => {
            let definitions: Vec<_> = found.valid.iter().map(rules::fields).collect();
            let faults: Vec<_> = found.faults.iter().map(ToString::to_string).collect();
            answer::done(StatusCode::OK, json!({ "rules": definitions, "faults": faults }))
        }
        Err(refused) => refused,
    })
}

/// One rule.
pub(crate) async fn show<H: Host>(context: &Context<H>, rule_id: &str) -> anyhow::Result<Response> {
    let found = answer::ask(context, "cannot read the rule", async |client| {
        rules::all(client).await
    })
    .await?;
    Ok(match found {
        Ok(found) => match found.find(rule_id) {
            Some(rule) => answer::done(StatusCode::OK, rules::fields(rule)),
            None => answer::missing("rule", rule_id),
        },
        Err(refused) => refused,
    })
}

/// Changes some fields of a rule, or makes a new one of them.
pub(crate) async fn save<H: Host>(
    context: &Context<H>,
    rule_id: &str,
    order: &Order,
) -> anyhow::Result<Response> {
    let fields = match answer::body::<Map<String, Value>>(order, EXAMPLE) {
        Ok(fields) => fields,
        Err(refused) => return Ok(refused),
    };
    if let Some(unknown) = fields.keys().find(|name| !rules::FIELDS.contains(&name.as_str())) {
        let hint = format!("a rule has {}", rules::FIELDS.join(", "));
        return Ok(answer::refused(
            &format!("a rule has no field {unknown}"),
            Some(&hint),
        ));
    }
    let saved = answer::ask(context, "cannot set the rule", async |client| {
        rules::save(client, rule_id, &fields).await
    })
    .await?;
    Ok(match saved {
        Ok(is_new) => {
            context
                .log()
                .info("A rule was set", json!({ "rule": rule_id, "fields": fields }));
            let status = if is_new {
                StatusCode::CREATED
            } else {
                StatusCode::OK
            };
            answer::done(status, json!({ "rule": rule_id, "new": is_new }))
        }
        Err(refused) => refused,
    })
}

/// Removes a rule with its alerts.
pub(crate) async fn remove<H: Host>(context: &Context<H>, rule_id: &str) -> anyhow::Result<Response> {
    let removed = answer::ask(context, "cannot remove the rule", async |client| {
        rules::remove(client, rule_id).await
    })
    .await?;
    Ok(match removed {
        Ok(true) => {
            context
                .log()
                .info("A rule was removed", json!({ "rule": rule_id }));
            answer::done(StatusCode::OK, json!({ "rule": rule_id }))
        }
        Ok(false) => answer::missing("rule", rule_id),
        Err(refused) => refused,
    })
}
