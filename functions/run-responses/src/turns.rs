//! Which of the responses that wait are begun.

use std::collections::HashMap;

use db::{Client, DbError};
use store::responses::{self, Due, End};
use vitals::notification::ResponseResult;
use vitals::response::{Response, RunState};

use crate::{AT_MOST, LEASE, close, tell};

/// A response that is being done.
#[derive(Debug)]
pub(crate) struct Begun {
    pub(crate) due: Due,
    pub(crate) response: Response,
    /// How much of it may be done.
    pub(crate) allowance: i64,
}

impl Begun {
    /// What is told of its end.
    pub(crate) fn told(&self, end: &End) -> ResponseResult {
        told(&self.due.action, self.due.dry_run, end)
    }
}

/// What became of the responses that waited.
#[derive(Debug, Default)]
pub(crate) struct Turns {
    pub(crate) begun: Vec<Begun>,
    pub(crate) refused: usize,
    pub(crate) abandoned: usize,
}

/// Gives up what was cut off, refuses what may not be, and begins the rest: in the caller's transaction, in which nobody
/// else does the same; nothing is left to do when somebody else does it.
pub(crate) async fn take(client: &impl Client) -> Result<Turns, DbError> {
    let mut turns = Turns::default();
    if !responses::lock(client).await? {
        return Ok(turns);
    }
    for abandoned in responses::abandon(client).await? {
        let end = End {
            state: RunState::Failed,
            affected: None,
            result: abandoned.result,
        };
        tell(
            client,
            abandoned.alert_id,
            &told(&abandoned.action, abandoned.dry_run, &end),
        )
        .await?;
        turns.abandoned += 1;
    }
    let mut used = HashMap::new();
    for due in responses::due(client, AT_MOST).await? {
        match decide(&due, &mut used) {
            Ok((response, allowance)) => turns.begun.push(Begun {
                due,
                response,
                allowance,
            }),
            Err(reason) => {
                let end = End {
                    state: RunState::Refused,
                    affected: None,
                    result: reason,
                };
                let result = told(&due.action, due.dry_run, &end);
                close(client, due.run_id, due.alert_id, &result, &end).await?;
                turns.refused += 1;
            }
        }
    }
    let begun = turns
        .begun
        .iter()
        .map(|begun| (begun.due.run_id, begun.allowance));
    responses::begin(client, &begun.collect::<Vec<_>>(), LEASE).await?;
    Ok(turns)
}

/// What is to be done and how much of it, or why it is not begun. `used` is what those before it in the same transaction
/// may do, by target and action.
fn decide(due: &Due, used: &mut HashMap<(i32, String), i64>) -> Result<(Response, i64), String> {
    let mut response = Response::parse(&due.action, &due.arguments)
        .map_err(|error| format!("it is not allowed: {error}"))?;
    // What holds was decided when it was queued: the rule, or the variable of the whole application.
    response.dry_run = due.dry_run;
    let used = used
        .entry((due.target.target_id, due.action.clone()))
        .or_default();
    let mut turn = due.turn;
    turn.used_within_hour += *used;
    let allowance = response.allowance(&turn).map_err(|refusal| refusal.to_string())?;
    if !due.dry_run {
        *used += allowance;
    }
    Ok((response, allowance))
}

fn told(action: &str, dry_run: bool, end: &End) -> ResponseResult {
    let outcome = match end.state {
        RunState::Done if dry_run => "dry_run",
        state => state.as_str(),
    };
    ResponseResult {
        action: action.to_owned(),
        outcome: outcome.to_owned(),
        detail: end.result.clone(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::{Value, json};
    use store::collectors::TargetKind;
    use store::responses::ResponseTarget;
    use vitals::response::Turn;

    use super::*;

    fn due(action: &str, arguments: Value, dry_run: bool) -> Due {
        Due {
            run_id: 1,
            alert_id: 1,
            rule_id: "idle_in_transaction".to_owned(),
            subject_label: "shop".to_owned(),
            action: action.to_owned(),
            arguments,
            dry_run,
            turn: Turn {
                alert_fires: true,
                waited: Duration::from_secs(1),
                used_within_hour: 7,
            },
            target: ResponseTarget {
                target_id: 1,
                name: "shop".to_owned(),
                address: "postgres://pgvitals_collector@127.0.0.1/shop".to_owned(),
                secret: "default".to_owned(),
                kind: TargetKind::Postgres,
            },
        }
    }

    fn termination(dry_run: bool) -> Due {
        let arguments = json!({"older_than_seconds": 60, "at_most_per_hour": 10});
        due("terminate_idle_in_transaction", arguments, dry_run)
    }

    #[test]
    fn those_that_are_begun_together_share_the_limit() {
        let mut used = HashMap::new();
        assert_eq!(decide(&termination(false), &mut used).unwrap().1, 3);
        let refusal = decide(&termination(false), &mut used).unwrap_err();
        assert_eq!(refusal, "the limit of 10 sessions an hour is reached");
    }

    #[test]
    fn a_dry_run_takes_nothing_from_the_others() {
        let mut used = HashMap::new();
        let (response, allowance) = decide(&termination(true), &mut used).unwrap();
        assert!(response.dry_run);
        assert_eq!(allowance, 3);
        assert_eq!(decide(&termination(false), &mut used).unwrap().1, 3);
    }

    #[test]
    fn what_is_not_on_the_list_is_refused_even_if_it_got_into_the_table() {
        let refusal = decide(&due("drop table orders", json!({}), false), &mut HashMap::new()).unwrap_err();
        assert!(
            refusal.starts_with("it is not allowed: unknown action"),
            "{refusal}"
        );
    }

    #[test]
    fn a_dry_run_is_told_as_one() {
        let end = End {
            state: RunState::Done,
            affected: Some(0),
            result: "would end 1 session".to_owned(),
        };
        assert_eq!(told("analyze_table", true, &end).outcome, "dry_run");
        assert_eq!(told("analyze_table", false, &end).outcome, "done");
    }
}
