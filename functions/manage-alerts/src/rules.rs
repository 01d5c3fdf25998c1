//! `/api/rules`

use function::{Context, Host, Response, StatusCode};
use serde_json::json;
use store::rules;

use crate::answer;

/// All rules that can be used, and what is wrong with the others.
pub(crate) async fn list<H: Host>(context: &Context<H>) -> anyhow::Result<Response> {
    let found = answer::ask(context, "cannot read the rules", async |client| {
        rules::all(client).await
    })
    .await?;
    Ok(match found {
        Ok(rules) => {
            let definitions: Vec<_> = rules.valid.iter().map(|rule| rule.definition()).collect();
            let faults: Vec<_> = rules.faults.iter().map(ToString::to_string).collect();
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
        Ok(rules) => match rules.find(rule_id) {
            Some(rule) => answer::done(StatusCode::OK, json!(rule.definition())),
            None => answer::missing("rule", rule_id),
        },
        Err(refused) => refused,
    })
}
