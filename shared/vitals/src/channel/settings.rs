//! What a channel is set to, beside its address and its key: nothing of it is secret.

use serde::{Deserialize, Serialize};

use crate::name::names;

names! {
    /// Where a service that is offered in several places keeps somebody's data.
    "region" pub enum Region {
        /// The European Union.
        Eu = "eu",
        /// The United States, which is where these services are unless told otherwise.
        Us = "us",
    }
}

/// What a channel is set to. Which of it a kind needs says [`Kind::needs`](super::Kind::needs).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Where the service is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<Region>,
    /// The team that is responsible.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
    /// The environment that is watched, such as `production`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// The repository, as `owner/name`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
    /// Labels of issues.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// Who issues are assigned to.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub assignees: Vec<String>,
    /// The sender of mails, as `name@example.com` or `Name <name@example.com>`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Who mails go to.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub to: Vec<String>,
    /// The stream that a mail goes out by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_stream: Option<String>,
    /// The chat: a number, or `@name` of a public channel.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chat_id: Option<String>,
    /// The thread within the chat.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thread_id: Option<i64>,
    /// The topic.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
}

/// A setting that cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingError {
    /// There is none of that name.
    #[error("there is no setting {0:?}")]
    Unknown(String),
    /// Its value has not the form it must have.
    #[error("setting {name} is {value:?}, which is not {expected}")]
    Value {
        /// The setting.
        name: String,
        /// What was given.
        value: String,
        /// What is expected.
        expected: &'static str,
    },
}

impl Settings {
    /// Sets what somebody typed. Of lists the parts are separated by commas.
    ///
    /// # Errors
    ///
    /// There is no such setting, or it cannot have that value.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), SettingError> {
        let refused = |expected| SettingError::Value {
            name: name.to_owned(),
            value: value.to_owned(),
            expected,
        };
        let text = || Some(value.to_owned());
        let list = || {
            let parts = value.split(',').map(str::trim);
            parts.filter(|part| !part.is_empty()).map(str::to_owned).collect()
        };
        match name {
            "region" => self.region = Some(value.parse().map_err(|_| refused("eu or us"))?),
            "team" => self.team = text(),
            "environment" => self.environment = text(),
            "repository" => self.repository = text(),
            "labels" => self.labels = list(),
            "assignees" => self.assignees = list(),
            "from" => self.from = text(),
            "to" => self.to = list(),
            "message_stream" => self.message_stream = text(),
            "chat_id" => self.chat_id = text(),
            "thread_id" => self.thread_id = Some(value.parse().map_err(|_| refused("a number"))?),
            "topic" => self.topic = text(),
            _ => return Err(SettingError::Unknown(name.to_owned())),
        }
        Ok(())
    }

    /// The names of what is set.
    pub fn names(&self) -> Vec<&'static str> {
        let all = [
            ("region", self.region.is_some()),
            ("team", self.team.is_some()),
            ("environment", self.environment.is_some()),
            ("repository", self.repository.is_some()),
            ("labels", !self.labels.is_empty()),
            ("assignees", !self.assignees.is_empty()),
            ("from", self.from.is_some()),
            ("to", !self.to.is_empty()),
            ("message_stream", self.message_stream.is_some()),
            ("chat_id", self.chat_id.is_some()),
            ("thread_id", self.thread_id.is_some()),
            ("topic", self.topic.is_some()),
        ];
        let set = all.into_iter().filter(|(_, is_set)| *is_set);
        set.map(|(name, _)| name).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::Kind;

    #[test]
    fn every_setting_that_a_kind_has_can_be_set_and_is_stored_under_its_name() {
        for kind in Kind::ALL {
            let needs = kind.needs();
            for name in needs.required.iter().chain(needs.optional) {
                let value = match *name {
                    "region" => "eu",
                    _ => "7",
                };
                let mut settings = Settings::default();
                settings.set(name, value).unwrap();
                assert_eq!(settings.names(), [*name]);
                let stored = serde_json::to_value(&settings).unwrap();
                assert_eq!(stored.as_object().unwrap().keys().collect::<Vec<_>>(), [name]);
                assert_eq!(serde_json::from_value::<Settings>(stored).unwrap(), settings);
            }
        }
    }

    #[test]
    fn lists_are_separated_by_commas() {
        let mut settings = Settings::default();
        settings.set("to", "ada@example.com, , bob@example.com").unwrap();
        assert_eq!(settings.to, ["ada@example.com", "bob@example.com"]);
    }

    #[test]
    fn what_cannot_be_set_is_named() {
        let refused = |name, value| Settings::default().set(name, value).unwrap_err().to_string();
        assert_eq!(refused("chat", "1"), r#"there is no setting "chat""#);
        assert_eq!(
            refused("region", "mars"),
            r#"setting region is "mars", which is not eu or us"#
        );
        assert_eq!(
            refused("thread_id", "x"),
            r#"setting thread_id is "x", which is not a number"#
        );
        assert!(serde_json::from_str::<Settings>(r#"{"chat": "1"}"#).is_err());
    }
}
