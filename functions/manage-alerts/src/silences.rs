//! `/api/silences`

use std::time::Duration;

use function::{Context, Host, Order, Response, StatusCode};
use serde::Deserialize;
use serde_json::json;
use store::silences::{self, NewSilence};
use vitals::matcher::Matcher;

use crate::answer::{self, Problem};

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
    fn silence(self) -> Result<NewSilence, Problem> {
        let refused = |error: &str| Problem::refused(error, format!("send JSON such as {EXAMPLE}"));
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
pub(crate) async fn list<H: Host>(context: &Context<H>) -> Result<Response, Problem> {
    answer::rows(context, "silences", async |client| silences::list(client).await).await
}

/// Adds a silence.
pub(crate) async fn add<H: Host>(context: &Context<H>, order: &Order) -> Result<Response, Problem> {
    let silence = answer::body::<Asked>(order, EXAMPLE)?.silence()?;
    let (silence_id, ends_at) = answer::ask(context, "cannot add the silence", async |client| {
        silences::add(client, &silence).await
    })
    .await?;
    let fields = json!({ "silence_id": silence_id, "ends_at": ends_at });
    context.log().info("A silence was added", fields.clone());
    Ok(answer::done(StatusCode::CREATED, &fields))
}

/// Ends a silence.
pub(crate) async fn remove<H: Host>(context: &Context<H>, silence_id: &str) -> Result<Response, Problem> {
    let id = answer::number(silence_id, "silence")?;
    let removed = answer::ask(context, "cannot end the silence", async |client| {
        silences::remove(client, id).await
    })
    .await?;
    if !removed {
        return Err(Problem::missing("silence", silence_id));
    }
    let fields = json!({ "silence_id": id });
    context.log().info("A silence was ended", fields.clone());
    Ok(answer::done(StatusCode::OK, &fields))
}
