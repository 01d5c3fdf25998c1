//! Scenarios: what users do, how many of them and how often. They are the files of `sql/guardian/scenarios`.

use std::time::Duration;

use serde::Deserialize;

use crate::request::{Request, RequestError};

macro_rules! files {
    ($($name:literal)*) => {
        &[$(($name, include_str!(concat!("../../../../sql/guardian/scenarios/", $name, ".toml"))),)*]
    };
}

/// Every file, by name.
const FILES: &[(&str, &str)] = files! {
    "timelines" "uploads" "providers" "mixed_day" "ten_times"
};

/// What users do.
#[derive(Debug, Clone, PartialEq)]
pub struct Scenario {
    /// Its name, which is that of its file.
    pub name: String,
    /// What it is like, in a line.
    pub description: String,
    /// How many sessions the users share.
    pub users: u32,
    /// Requests a second.
    pub rate: f64,
    /// For how long, without the warm-up.
    pub duration: Duration,
    /// For how long before that: sessions read catalogs and the caches fill, and nothing of it counts.
    pub warm_up: Duration,
    /// What the users ask for.
    pub requests: Vec<Share>,
    /// What works in the background meanwhile.
    pub workers: Vec<Worker>,
}

/// How often a request is sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Share {
    /// What is sent.
    pub request: Request,
    /// How often, in proportion to the weights of the others.
    pub weight: u32,
}

/// What works in the background: again and again, without a rate of its own.
#[derive(Debug, Clone, PartialEq)]
pub struct Worker {
    /// What it does, again and again.
    pub request: Request,
    /// How many of them there are.
    pub sessions: u32,
}

/// Why a scenario cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// There is no such file.
    #[error("there is no scenario {0}")]
    Unknown(String),
    /// The file cannot be read.
    #[error("cannot read the scenario {name}")]
    Malformed {
        /// The file.
        name: String,
        /// What is wrong.
        source: toml::de::Error,
    },
    /// What the file says makes no sense.
    #[error("the scenario {name} {what}")]
    Unusable {
        /// The file.
        name: String,
        /// What is wrong with it.
        what: &'static str,
    },
    /// A request of it cannot be used.
    #[error("cannot use a request of the scenario {name}")]
    Request {
        /// The file.
        name: String,
        /// What is wrong.
        source: RequestError,
    },
}

/// What stands in a file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    description: String,
    /// Another scenario that this one is a multiple of.
    like: Option<String>,
    times: Option<u32>,
    users: Option<u32>,
    rate: Option<f64>,
    duration_seconds: Option<u64>,
    warm_up_seconds: Option<u64>,
    #[serde(default)]
    request: Vec<RequestLine>,
    #[serde(default)]
    worker: Vec<WorkerLine>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RequestLine {
    name: String,
    weight: u32,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WorkerLine {
    name: String,
    sessions: u32,
}

impl Scenario {
    /// The names of all scenarios.
    pub fn names() -> impl Iterator<Item = &'static str> {
        FILES.iter().map(|(name, _)| *name)
    }

    /// The scenario of a name.
    ///
    /// # Errors
    ///
    /// Where there is none, or its file is malformed.
    pub fn named(name: &str) -> Result<Self, ScenarioError> {
        let (name, text) = FILES
            .iter()
            .find(|(known, _)| *known == name)
            .ok_or_else(|| ScenarioError::Unknown(name.to_owned()))?;
        Self::parse(name, text)
    }

    /// Reads a file.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub fn parse(name: &str, text: &str) -> Result<Self, ScenarioError> {
        let file: File = toml::from_str(text).map_err(|source| ScenarioError::Malformed {
            name: name.to_owned(),
            source,
        })?;
        let scenario = match &file.like {
            Some(other) if other == name => return Err(unusable(name, "is like itself")),
            Some(other) => Self::named(other)?.times(name, &file)?,
            None => Self::of(name, &file)?,
        };
        scenario.check()?;
        Ok(scenario)
    }

    fn of(name: &str, file: &File) -> Result<Self, ScenarioError> {
        let find = |request: &str| {
            Request::named(request).map_err(|source| ScenarioError::Request {
                name: name.to_owned(),
                source,
            })
        };
        let requests = file.request.iter().map(|line| {
            Ok(Share {
                request: find(&line.name)?,
                weight: line.weight,
            })
        });
        let workers = file.worker.iter().map(|line| {
            Ok(Worker {
                request: find(&line.name)?,
                sessions: line.sessions,
            })
        });
        Ok(Self {
            name: name.to_owned(),
            description: file.description.clone(),
            users: file.users.ok_or_else(|| unusable(name, "does not say `users`"))?,
            rate: file.rate.ok_or_else(|| unusable(name, "does not say `rate`"))?,
            duration: Duration::from_secs(
                file.duration_seconds
                    .ok_or_else(|| unusable(name, "does not say `duration_seconds`"))?,
            ),
            warm_up: Duration::from_secs(file.warm_up_seconds.unwrap_or_default()),
            requests: requests.collect::<Result<_, _>>()?,
            workers: workers.collect::<Result<_, _>>()?,
        })
    }

    /// So many times the load of this scenario; the rest as the file says, or as it is here.
    fn times(self, name: &str, file: &File) -> Result<Self, ScenarioError> {
        if !file.request.is_empty() || !file.worker.is_empty() || file.rate.is_some() {
            return Err(unusable(
                name,
                "is like another one and has a rate, requests or workers of its own",
            ));
        }
        let times = file.times.ok_or_else(|| unusable(name, "does not say `times`"))?;
        Ok(Self {
            name: name.to_owned(),
            description: file.description.clone(),
            users: file.users.unwrap_or(self.users),
            rate: self.rate * f64::from(times),
            duration: file.duration_seconds.map_or(self.duration, Duration::from_secs),
            warm_up: file.warm_up_seconds.map_or(self.warm_up, Duration::from_secs),
            ..self
        })
    }

    /// Whether it can be run as it is.
    ///
    /// # Errors
    ///
    /// What keeps it from that.
    pub fn check(&self) -> Result<(), ScenarioError> {
        let wrong = if self.requests.is_empty() {
            "has no request"
        } else if self.requests.iter().any(|share| share.weight == 0) {
            "has a request of weight 0"
        } else if self.workers.iter().any(|worker| worker.sessions == 0) {
            "has a worker without sessions"
        } else if self.users == 0 {
            "has no users"
        } else if !(self.rate.is_finite() && self.rate > 0.0) {
            "has no rate above 0"
        } else if self.duration.is_zero() {
            "has no duration"
        } else {
            return Ok(());
        };
        Err(unusable(&self.name, wrong))
    }

    /// Sessions of all kinds, together.
    pub fn sessions(&self) -> u32 {
        let workers = self.workers.iter().map(|worker| worker.sessions);
        workers.fold(self.users, u32::saturating_add)
    }
}

fn unusable(name: &str, what: &'static str) -> ScenarioError {
    ScenarioError::Unusable {
        name: name.to_owned(),
        what,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_file_is_listed_and_can_be_run() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../sql/guardian/scenarios");
        let files: BTreeSet<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        let listed: BTreeSet<String> = Scenario::names().map(|name| format!("{name}.toml")).collect();
        assert_eq!(listed, files);
        for name in Scenario::names() {
            let scenario = Scenario::named(name).unwrap();
            assert_eq!(scenario.name, name);
            assert!(!scenario.description.is_empty());
        }
    }

    #[test]
    fn ten_times_is_the_mixed_day_at_ten_times_its_rate() {
        let (day, ten) = (
            Scenario::named("mixed_day").unwrap(),
            Scenario::named("ten_times").unwrap(),
        );
        assert_eq!(ten.rate, day.rate * 10.0);
        assert_eq!((ten.requests, ten.workers), (day.requests, day.workers));
    }

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let error = Scenario::parse("test", text).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn what_makes_no_sense_is_said() {
        let head = "description = 'x'\nusers = 1\nrate = 1.0\nduration_seconds = 1\n";
        check(head, "the scenario test has no request");
        check(
            &format!("{head}[[request]]\nname = 'unheard_of'\nweight = 1"),
            "cannot use a request of the scenario test",
        );
        check(
            &format!("{head}[[request]]\nname = 'timeline_first_page'\nweight = 0"),
            "the scenario test has a request of weight 0",
        );
        check(
            &head.replace("rate = 1.0\n", ""),
            "the scenario test does not say `rate`",
        );
        check(&format!("{head}speed = 1"), "cannot read the scenario test");
        check(
            "description = 'x'\nlike = 'test'\ntimes = 2",
            "the scenario test is like itself",
        );
        check(
            "description = 'x'\nlike = 'nothing'\ntimes = 2",
            "there is no scenario nothing",
        );
        check(
            "description = 'x'\nlike = 'mixed_day'\ntimes = 2\nrate = 1.0",
            "the scenario test is like another one and has a rate, requests or workers of its own",
        );
    }
}
