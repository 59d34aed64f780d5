//! What a credential carries besides its secret, as the store keeps it.

use bailiwick_domain::policy::Scopes;
use serde::{Deserialize, Serialize};

/// The terms of a credential.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Terms {
    /// What it may be used for at most. A session has none: it may be used for everything its person may do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) scopes: Option<Vec<String>>,
    /// The role of a service, or the one that comes with an invitation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) role: Option<String>,
    /// Who made it: a person, a service token, `host`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) by: Option<String>,
}

impl Terms {
    pub(crate) fn to_text(&self) -> String {
        // Texts and lists of texts always serialise.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads the terms. Of terms that cannot be read nothing is permitted.
    pub(crate) fn parse(text: &str) -> Self {
        let object: Option<serde_json::Map<String, serde_json::Value>> = serde_json::from_str(text).ok();
        let terms = object.and_then(|object| serde_json::from_value(object.into()).ok());
        terms.unwrap_or_else(|| Self { scopes: Some(Vec::new()), ..Self::default() })
    }

    /// The scopes; words that this version does not know let nothing through.
    pub(crate) fn scopes(&self) -> Option<Scopes> {
        self.scopes.as_ref().map(|words| Scopes::known(words))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bailiwick_domain::policy::Action;

    #[test]
    fn what_cannot_be_read_permits_nothing() {
        let check = |text: &str, action: Action, expect: bool| {
            let scopes = Terms::parse(text).scopes();
            assert_eq!(scopes.is_none_or(|scopes| scopes.actions().has(action)), expect, "{text}");
        };
        check("{}", Action::RoleManage, true);
        check(r#"{"scopes":["read"]}"#, Action::CatalogRead, true);
        check(r#"{"scopes":["read"]}"#, Action::CatalogEdit, false);
        check(r#"{"scopes":[]}"#, Action::CatalogRead, false);
        check(r#"{"scopes":["of a later version"]}"#, Action::CatalogRead, false);
        check("", Action::CatalogRead, false);
        check("[]", Action::CatalogRead, false);
        let terms = Terms { scopes: Some(vec!["read".to_owned()]), role: Some("viewer".to_owned()), by: None };
        assert_eq!(Terms::parse(&terms.to_text()), terms);
    }
}
