//! `/api/silences`

use std::time::Duration;

use function::{Context, Host, Order, Response, StatusCode};
use serde::Deserialize;
use serde_json::json;
use store::silences::{self, NewSilence};
use vitals::matcher::Matcher;

use crate::answer;

/// How a silence is asked for.
const EXAMPLE: &str =
    r#"{"matchers": ["target=shop"], "lasts_seconds": 7200, "reason": "deployment", "by": "ada"}"#;

/// The longest that a silence may last: a year.
const LONGEST_SECONDS: u64 = 366 * 86_400;

/// What a silence takes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    /// As people write them: `target=shop`.
    matchers: Vec<String>,
    #[serde(default)]
    starts_in_seconds: u64,
    lasts_seconds: u64,
    reason: String,
    by: String,
}

impl Asked {
    fn silence(self) -> Result<NewSilence, Response> {
        let refused = |error: &str| answer::refused(error, Some(&format!("send JSON such as {EXAMPLE}")));
        let matchers: Result<Vec<Matcher>, _> = self.matchers.iter().map(|text| text.parse()).collect();
        let matchers = matchers.map_err(|error| refused(&error.to_string()))?;
        if !(1..=LONGEST_SECONDS).contains(&self.lasts_seconds) || self.starts_in_seconds > LONGEST_SECONDS {
            return Err(refused(
                "a silence lasts from a second to a year, and begins within one",
            ));
        }
        Ok(NewSilence {
            matchers,
            starts_in: Duration::from_secs(self.starts_in_seconds),
            lasts: Duration::from_secs(self.lasts_seconds),
            reason: self.reason,
            created_by: self.by,
        })
    }
}

/// The silences that are not over.
pub(crate) async fn list<H: Host>(context: &Context<H>) -> anyhow::Result<Response> {
    answer::rows(context, "silences", async |client| silences::list(client).await).await
}

/// Adds a silence.
pub(crate) async fn add<H: Host>(context: &Context<H>, order: &Order) -> anyhow::Result<Response> {
    let silence = match answer::body::<Asked>(order, EXAMPLE).and_then(Asked::silence) {
        Ok(silence) => silence,
        Err(refused) => return Ok(refused),
    };
    let added = answer::ask(context, "cannot add the silence", async |client| {
        silences::add(client, &silence).await
    })
    .await?;
    Ok(match added {
        Ok((silence_id, ends_at)) => {
            let fields = json!({ "silence_id": silence_id, "ends_at": ends_at });
            context.log().info("A silence was added", fields.clone());
            answer::done(StatusCode::CREATED, fields)
        }
        Err(refused) => refused,
    })
}

/// Ends a silence.
pub(crate) async fn remove<H: Host>(context: &Context<H>, silence_id: &str) -> anyhow::Result<Response> {
    let id = match answer::number(silence_id, "silence") {
        Ok(id) => id,
        Err(missing) => return Ok(missing),
    };
    let removed = answer::ask(context, "cannot end the silence", async |client| {
        silences::remove(client, id).await
    })
    .await?;
    Ok(match removed {
        Ok(true) => {
            let fields = json!({ "silence_id": id });
            context.log().info("A silence was ended", fields.clone());
            answer::done(StatusCode::OK, fields)
        }
        Ok(false) => answer::missing("silence", silence_id),
        Err(refused) => refused,
    })
}
