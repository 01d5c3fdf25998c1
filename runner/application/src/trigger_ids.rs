//! The ids of triggers: as written, or made up as Spin makes them up.

use std::collections::BTreeSet;

use crate::manifest::{ComponentReference, TriggerTables};

/// The ids that are taken.
pub(crate) struct TriggerIds {
    taken: BTreeSet<String>,
}

impl TriggerIds {
    /// Starts with the ids that are written, so that none of those made up is one of them.
    pub(crate) fn new(triggers: &TriggerTables) -> Self {
        let http = triggers.http.iter().map(|trigger| trigger.id.clone());
        let cron = triggers.cron.iter().map(|trigger| trigger.id.clone());
        Self {
            taken: http.chain(cron).collect(),
        }
    }

    /// The id of a trigger of a kind: the written one, or else one after its component, or else a number.
    pub(crate) fn assign(&mut self, kind: &str, written: String, component: &ComponentReference) -> String {
        if !written.is_empty() {
            return written;
        }
        let natural = match component {
            ComponentReference::Name(component) => Some(format!("{component}-{kind}-trigger")),
            ComponentReference::Inline(_) => None,
        };
        let numbered = (1..).map(|number| format!("{kind}-trigger{number}"));
        let free = natural
            .into_iter()
            .chain(numbered)
            .find(|id| !self.taken.contains(id));
        let id = free.unwrap_or_default();
        self.taken.insert(id.clone());
        id
    }
}
