//! What a new mapping would change, added up over everybody.

use super::{Attribute, FieldChange, Profile, Source};
use std::collections::BTreeMap;

/// Most people shown with their changes.
pub const SAMPLE: usize = 50;

/// How many people a field changes for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct FieldCount {
    /// It has a value where there was none.
    pub set: u64,
    /// It has another value.
    pub changed: u64,
    /// It has no value any more.
    pub removed: u64,
    /// Only its source is another.
    pub source: u64,
    /// Of these: what somebody wrote by hand is lost.
    pub by_hand: u64,
}

/// A person with what changes.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct PersonChange {
    /// Id.
    pub person: String,
    /// Name shown.
    pub display: String,
    /// The fields.
    pub changes: Vec<FieldChange>,
}

/// The effect of a mapping.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
pub struct Effect {
    /// People looked at.
    pub people: u64,
    /// People of whom at least one field changes.
    pub changed: u64,
    /// By field.
    pub fields: BTreeMap<String, FieldCount>,
    /// Some of those people.
    pub sample: Vec<PersonChange>,
}

impl Effect {
    /// Adds one person.
    pub fn add(&mut self, person: &str, display: &str, before: &Profile, after: &Profile) {
        self.people += 1;
        let changes = before.changes(after);
        if changes.is_empty() {
            return;
        }
        self.changed += 1;
        for change in &changes {
            let count = self.fields.entry(change.field.clone()).or_default();
            let by_hand = |attribute: &Attribute| matches!(attribute.source, Source::Hand { .. });
            let lost = change.before.as_ref().is_some_and(by_hand)
                && change.before.as_ref().map(|before| &before.value)
                    != change.after.as_ref().map(|after| &after.value);
            count.by_hand += u64::from(lost);
            match (&change.before, &change.after) {
                (None, _) => count.set += 1,
                (_, None) => count.removed += 1,
                (Some(before), Some(after)) if before.value == after.value => count.source += 1,
                _ => count.changed += 1,
            }
        }
        if self.sample.len() < SAMPLE {
            self.sample.push(PersonChange { person: person.to_owned(), display: display.to_owned(), changes });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Field;
    use super::*;
    use serde_json::Value;

    #[test]
    fn people_and_fields_are_counted_and_some_are_shown() {
        let profile = |title: Option<(&str, Source)>| {
            let mut profile = Profile::default();
            let attribute = title.map(|(value, source)| Attribute { value: Value::from(value), source });
            profile.put(&Field::Named("title"), attribute);
            profile
        };
        let hand = || Source::Hand { by: "per_1".to_owned() };
        let okta = || Source::Integration { user: "u".to_owned(), path: "title".to_owned() };
        let mut effect = Effect::default();
        effect.add("per_1", "A", &profile(None), &profile(Some(("x", okta()))));
        effect.add("per_2", "B", &profile(Some(("y", hand()))), &profile(Some(("x", okta()))));
        effect.add("per_3", "C", &profile(Some(("x", hand()))), &profile(Some(("x", okta()))));
        effect.add("per_4", "D", &profile(Some(("x", okta()))), &profile(None));
        effect.add("per_5", "E", &profile(None), &profile(None));
        assert_eq!((effect.people, effect.changed, effect.sample.len()), (5, 4, 4));
        assert_eq!(effect.fields["title"], FieldCount { set: 1, changed: 1, removed: 1, source: 1, by_hand: 1 });
        for index in 0..SAMPLE {
            effect.add(&index.to_string(), "", &profile(None), &profile(Some(("x", hand()))));
        }
        assert_eq!(effect.sample.len(), SAMPLE);
    }
}
