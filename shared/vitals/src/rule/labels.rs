//! Which subjects a rule is about.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// What the labels of a subject must be for a rule to be about it: all of the conditions, each on a label that the subject
/// has. `{"target": "shop", "query": {"like": "%timeline%"}, "user": {"not": "batch"}}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LabelFilter(BTreeMap<String, LabelCondition>);

/// What one label must be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum LabelCondition {
    /// This text.
    Is(String),
    /// A text that this pattern of SQL's `like` fits. No label fits none.
    Like {
        /// The pattern: `%` is any text, `_` any letter.
        like: String,
    },
    /// Another text than this, or no label at all.
    Not {
        /// The text.
        not: String,
    },
}

impl LabelFilter {
    /// The conditions, by label.
    pub fn conditions(&self) -> impl Iterator<Item = (&str, &LabelCondition)> {
        self.0
            .iter()
            .map(|(label, condition)| (label.as_str(), condition))
    }

    /// Whether every subject passes.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for LabelFilter {
    /// As people read it: `query like %timeline%, target = shop`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (label, condition)) in self.conditions().enumerate() {
            let comma = if place == 0 { "" } else { ", " };
            match condition {
                LabelCondition::Is(text) => write!(formatter, "{comma}{label} = {text}")?,
                LabelCondition::Like { like } => write!(formatter, "{comma}{label} like {like}")?,
                LabelCondition::Not { not } => write!(formatter, "{comma}{label} not {not}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_filter_reads_as_its_conditions() {
        let filter: LabelFilter = serde_json::from_value(
            json!({"target": "shop", "query": {"like": "%x%"}, "user": {"not": "batch"}}),
        )
        .unwrap();
        assert_eq!(
            filter.to_string(),
            "query like %x%, target = shop, user not batch"
        );
        assert!(LabelFilter::default().is_empty());
    }

    #[test]
    fn a_condition_that_is_none_is_refused() {
        for wrong in [
            json!({"target": 1}),
            json!({"target": {"unlike": "x"}}),
            json!({"target": {"like": "x", "not": "y"}}),
            json!(["target"]),
        ] {
            assert!(
                serde_json::from_value::<LabelFilter>(wrong.clone()).is_err(),
                "{wrong}"
            );
        }
    }
}
