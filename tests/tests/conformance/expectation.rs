//! What `expect.toml` says: how an application is started, what is asked of it and what must come out.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use serde::Deserialize;

use crate::host::Host;

/// One claim, as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Expectation {
    /// The claim in a sentence.
    pub(crate) claim: String,
    /// Why it is made about the runner only, and not about Spin; absent when it is about both.
    pub(crate) runner_only: Option<String>,
    /// More arguments for the runner.
    #[serde(default)]
    pub(crate) runner_arguments: Vec<String>,
    /// Variables that are given on the command line.
    #[serde(default)]
    pub(crate) variables: BTreeMap<String, String>,
    /// Environment variables of the host.
    #[serde(default)]
    pub(crate) environment: BTreeMap<String, String>,
    /// That the application is refused, and in which words.
    pub(crate) refused: Option<Refusal>,
    /// A table of the types of PostgreSQL that the host is held to, a file beside this one.
    pub(crate) types: Option<String>,
    /// What is asked, one after the other.
    #[serde(default, rename = "request")]
    pub(crate) requests: Vec<Request>,
    /// What the receiver has to have got, in this order.
    #[serde(default)]
    pub(crate) received: Vec<Received>,
    /// What the host has to have said at last.
    #[serde(default)]
    pub(crate) log: Log,
    /// What is expected of a host that is asked to stop.
    pub(crate) stop: Option<Stop>,
}

impl Expectation {
    /// Whether anything could be otherwise than it is claimed to be.
    pub(crate) fn expects_something(&self) -> bool {
        self.refused.is_some()
            || self.stop.is_some()
            || self.types.is_some()
            || !self.requests.is_empty()
            || !self.log.contains.is_empty()
    }
}

/// A refusal to start.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Refusal {
    /// What the error of the runner contains.
    pub(crate) contains: Vec<String>,
    /// What that of Spin contains: without it an application could be refused there for another reason.
    #[serde(default)]
    pub(crate) spin: Vec<String>,
}

impl Refusal {
    /// What the error of a host contains.
    pub(crate) fn words_of(&self, host: &Host) -> Result<&[String]> {
        match host {
            Host::Runner(_) => Ok(&self.contains),
            Host::Spin(_) => {
                ensure!(
                    !self.spin.is_empty(),
                    "the claim does not say how Spin refuses it"
                );
                Ok(&self.spin)
            }
        }
    }
}

/// A request and its answer.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Request {
    /// The path, and the query if there is one.
    pub(crate) path: String,
    /// GET unless it is said.
    #[serde(default = "get")]
    pub(crate) method: String,
    /// Headers to send.
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, String>,
    /// The body to send.
    #[serde(default)]
    pub(crate) body: String,
    /// How often to repeat the body: a big one is not written out.
    #[serde(default = "once")]
    pub(crate) body_times: usize,
    /// How often to ask.
    #[serde(default = "once")]
    pub(crate) times: usize,
    /// How many of these requests are under way at the same time.
    #[serde(default = "once")]
    pub(crate) at_once: usize,
    /// Read that many bytes of the answer and hang up.
    pub(crate) hang_up_after: Option<usize>,
    /// The status of the answer.
    #[serde(default = "ok")]
    pub(crate) status: u16,
    /// The body of the answer, whole.
    pub(crate) answer: Option<String>,
    /// That the answer is the body that was sent.
    #[serde(default)]
    pub(crate) answer_is_body: bool,
    /// What the body of the answer contains.
    #[serde(default)]
    pub(crate) contains: Vec<String>,
    /// What the bodies of repeated requests contain, one of them at least.
    pub(crate) some_answer: Option<String>,
    /// Headers of the answer.
    #[serde(default)]
    pub(crate) answer_headers: BTreeMap<String, String>,
}

/// A request that a component sent.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Received {
    /// Its method.
    pub(crate) method: String,
    /// Its path.
    pub(crate) path: String,
    /// Some of its headers.
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, String>,
    /// Its body, whole.
    pub(crate) body: String,
}

/// What a host says, in its log and on standard output.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Log {
    /// Each text is contained in that many lines or more, soon.
    #[serde(default)]
    pub(crate) contains: BTreeMap<String, usize>,
    /// These two texts take turns, beginning with the first.
    pub(crate) in_turns: Option<(String, String)>,
    /// No line contains one of these.
    #[serde(default)]
    pub(crate) never: Vec<String>,
}

/// What a host does that is asked to stop.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Stop {
    /// When to ask: as soon as the log contains this.
    pub(crate) when: String,
    /// What the log contains after the end, an end without an error.
    pub(crate) contains: String,
}

fn get() -> String {
    "GET".to_owned()
}

fn once() -> usize {
    1
}

fn ok() -> u16 {
    200
}
