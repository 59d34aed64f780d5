//! A Person is who somebody is; a User is what one integration said about them.
//!
//! [`Facts`] are what a User tells about its person, [`state_of`] and [`state_after_delete`] decide whether the person
//! may act.

use crate::names;
use bailiwick_scim::Object;
use serde_json::Value;

/// Where a person stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// May act.
    Active = 1,
    /// Provisioned, but switched off.
    Inactive = 2,
    /// The last User was deleted; keeps id and history, holds no name, matches nothing.
    Closed = 3,
}

impl State {
    /// The stable text.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Inactive => "inactive",
            Self::Closed => "closed",
        }
    }

    /// The state of a stored number.
    #[must_use]
    pub fn from_number(number: i64) -> Option<Self> {
        [Self::Active, Self::Inactive, Self::Closed].into_iter().find(|state| *state as i64 == number)
    }
}

/// What a User resource (RFC 7643 section 4.1) tells about the person behind it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// userName, as sent.
    pub user_name: Option<String>,
    /// What to call the person; empty only if the resource names nothing at all.
    pub display_name: String,
    /// The e-mail address: the primary one, else the work one, else a userName in e-mail form.
    pub email: Option<String>,
    /// Every address the resource holds, in its order and once each, and [`Facts::email`] where it is the userName.
    pub emails: Vec<String>,
    /// `active`; absent means true.
    pub active: bool,
    /// There is no address to write to. The person is provisioned all the same.
    pub no_email: bool,
}

impl Facts {
    /// Reads a User in canonical spelling.
    #[must_use]
    pub fn of_user(document: &Object) -> Self {
        let user_name = text(document, "userName").map(str::to_owned);
        let mut emails = every_email(document);
        let from_name = || user_name.clone().filter(|name| names::is_email_form(name));
        let email = chosen_email(document).map(str::to_owned).or_else(from_name);
        if let Some(email) = &email
            && !emails.contains(email)
        {
            emails.push(email.clone());
        }
        Self {
            display_name: display_name(document).or_else(|| user_name.clone()).unwrap_or_default(),
            active: document.get("active").and_then(Value::as_bool).unwrap_or(true),
            no_email: email.is_none(),
            user_name,
            email,
            emails,
        }
    }
}

/// displayName, else name.formatted, else given and family name; `None` when a User says none of them.
#[must_use]
pub fn display_name(document: &Object) -> Option<String> {
    if let Some(name) = text(document, "displayName") {
        return Some(name.to_owned());
    }
    let name = document.get("name")?.as_object()?;
    if let Some(formatted) = text(name, "formatted") {
        return Some(formatted.to_owned());
    }
    let parts: Vec<&str> = ["givenName", "familyName"].iter().filter_map(|part| text(name, part)).collect();
    (!parts.is_empty()).then(|| parts.join(" "))
}

fn chosen_email(document: &Object) -> Option<&str> {
    let primary = |entry: &&Object| entry.get("primary").and_then(Value::as_bool) == Some(true);
    let work = |entry: &&Object| text(entry, "type").is_some_and(|kind| kind.eq_ignore_ascii_case("work"));
    let mut found = email_entries(document).filter(primary).find_map(address);
    if found.is_none() {
        found = email_entries(document).filter(work).find_map(address);
    }
    found
}

fn every_email(document: &Object) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for value in email_entries(document).filter_map(address) {
        if !all.iter().any(|known| known == value) {
            all.push(value.to_owned());
        }
    }
    all
}

fn email_entries(document: &Object) -> impl Iterator<Item = &Object> {
    document.get("emails").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object)
}

fn address(entry: &Object) -> Option<&str> {
    text(entry, "value").map(str::trim)
}

/// A string that is not blank.
fn text<'a>(object: &'a Object, key: &str) -> Option<&'a str> {
    object.get(key)?.as_str().filter(|value| !value.trim().is_empty())
}

/// What [`state_of`] needs to know of one User of a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UserView {
    /// This is the person's authority User. At most one is.
    pub authority: bool,
    /// `active` of the resource.
    pub active: bool,
}

/// Where a person stands by their Users and a local account.
///
/// The authority User decides alone, over a local account too: deactivation by the authority ends all access. Without
/// an authority, one active User or a local account is enough. Without any of them the person is closed.
#[must_use]
pub fn state_of(users: &[UserView], local_account: bool) -> State {
    if users.is_empty() && !local_account {
        return State::Closed;
    }
    let active = match users.iter().find(|user| user.authority) {
        Some(authority) => authority.active,
        None => local_account || users.iter().any(|user| user.active),
    };
    if active { State::Active } else { State::Inactive }
}

/// Where a person stands after one of their Users was deleted; `before` is where they stood, `rest` are the others.
///
/// A deletion never gives access back: who was switched off and is then deleted by the authority, as identity providers
/// do after some weeks, does not come back through a local account or another User. With the authority as the last User
/// the person is closed, and whatever local account they had ends in the same commit. A person who was active is
/// carried on by the Users of other integrations, so that a company can move from one directory to another.
#[must_use]
pub fn state_after_delete(before: State, deleted: UserView, rest: &[UserView], local_account: bool) -> State {
    if rest.is_empty() && (deleted.authority || !local_account) {
        return State::Closed;
    }
    match (before, state_of(rest, local_account)) {
        (State::Active, after) => after,
        (State::Inactive | State::Closed, _) => before,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn facts(document: Value) -> Facts {
        Facts::of_user(document.as_object().unwrap())
    }

    #[test]
    fn the_display_name_is_the_best_there_is() {
        let name = json!({"formatted": "Dr Ann Lee", "givenName": "Ann", "familyName": "Lee"});
        for (document, expect) in [
            (json!({"userName": "ann", "displayName": " Ann  L. ", "name": name}), " Ann  L. "),
            (json!({"userName": "ann", "name": name}), "Dr Ann Lee"),
            (json!({"userName": "ann", "displayName": "", "name": name}), "Dr Ann Lee"),
            (json!({"userName": "ann", "displayName": "  ", "name": name}), "Dr Ann Lee"),
            (json!({"userName": "ann", "name": {"givenName": "Ann", "familyName": "Lee"}}), "Ann Lee"),
            (json!({"userName": "ann", "name": {"formatted": "", "familyName": "Lee"}}), "Lee"),
            (json!({"userName": "ann", "name": {"givenName": "Ann"}}), "Ann"),
            (json!({"userName": "ann", "name": {"middleName": "B"}}), "ann"),
            (json!({"userName": "ann", "name": "Ann"}), "ann"),
            (json!({"userName": "ann"}), "ann"),
            (json!({}), ""),
        ] {
            assert_eq!(facts(document.clone()).display_name, expect, "{document}");
        }
    }

    #[test]
    fn the_email_is_the_primary_else_the_work_else_the_user_name() {
        let home = json!({"value": "h@x.example", "type": "home"});
        let work = json!({"value": "w@x.example", "type": "Work"});
        let first = json!({"value": "p@x.example", "type": "other", "primary": true});
        let unsaid = json!({"value": "h@x.example", "type": "home", "primary": false});
        let blank = json!({"value": " ", "type": "work", "primary": true});
        let (name, address) = ("ann", "ann@x.example");
        for (user_name, emails, expect) in [
            (name, json!([home, work, first]), Some("p@x.example")),
            (address, json!([home, work, first]), Some("p@x.example")),
            (name, json!([home, work]), Some("w@x.example")),
            (name, json!([blank, work]), Some("w@x.example")),
            (address, json!([blank]), Some(address)),
            (name, json!([unsaid]), None),
            (address, json!([unsaid]), Some(address)),
            (address, json!([]), Some(address)),
            (address, Value::Null, Some(address)),
            (name, Value::Null, None),
            (name, json!([{"type": "work"}, "w@x.example"]), None),
        ] {
            let document = json!({"userName": user_name, "emails": emails});
            let facts = facts(document.clone());
            assert_eq!(facts.email.as_deref(), expect, "{document}");
            assert_eq!(facts.no_email, expect.is_none(), "{document}");
        }
    }

    #[test]
    fn all_addresses_are_kept() {
        for (emails, expect) in [
            (
                json!([{"value": "b@x.example"}, {"value": "c@x.example", "primary": true}]),
                vec!["b@x.example", "c@x.example"],
            ),
            (json!([{"value": "b@x.example"}, {"value": "b@x.example", "type": "work"}]), vec!["b@x.example"]),
            (json!([{"value": "b@x.example", "type": "home"}]), vec!["b@x.example", "ann@x.example"]),
            (json!([{"value": "ann@x.example", "type": "home"}]), vec!["ann@x.example"]),
        ] {
            assert_eq!(facts(json!({"userName": "ann@x.example", "emails": emails})).emails, expect);
        }
    }

    #[test]
    fn absent_active_means_true() {
        for (document, expect) in
            [(json!({}), true), (json!({"active": true}), true), (json!({"active": false}), false)]
        {
            assert_eq!(facts(document).active, expect);
        }
    }

    const fn user(authority: bool, active: bool) -> UserView {
        UserView { authority, active }
    }

    const ON: UserView = user(false, true);
    const OFF: UserView = user(false, false);
    const AUTHORITY_ON: UserView = user(true, true);
    const AUTHORITY_OFF: UserView = user(true, false);

    #[test]
    fn the_authority_decides_alone() {
        use State::{Active, Closed, Inactive};
        for (users, local, expect) in [
            (&[][..], false, Closed),
            (&[], true, Active),
            (&[ON], false, Active),
            (&[OFF], false, Inactive),
            (&[OFF, ON], false, Active),
            (&[OFF, OFF], false, Inactive),
            (&[OFF], true, Active),
            (&[AUTHORITY_ON], false, Active),
            (&[AUTHORITY_OFF], false, Inactive),
            (&[AUTHORITY_OFF], true, Inactive),
            (&[AUTHORITY_OFF, ON], false, Inactive),
            (&[ON, AUTHORITY_OFF], true, Inactive),
            (&[OFF, AUTHORITY_ON], false, Active),
        ] {
            assert_eq!(state_of(users, local), expect, "{users:?} {local}");
        }
    }

    #[test]
    fn a_deletion_never_gives_access_back() {
        use State::{Active, Closed, Inactive};
        for (before, deleted, rest, local, expect) in [
            (Active, AUTHORITY_ON, &[][..], false, Closed),
            (Inactive, AUTHORITY_OFF, &[], false, Closed),
            (Active, AUTHORITY_ON, &[], true, Closed),
            (Inactive, AUTHORITY_OFF, &[], true, Closed),
            (Active, ON, &[], false, Closed),
            (Active, ON, &[], true, Active),
            (Inactive, AUTHORITY_OFF, &[ON], false, Inactive),
            (Inactive, AUTHORITY_OFF, &[ON], true, Inactive),
            (Active, AUTHORITY_ON, &[ON], false, Active),
            (Active, AUTHORITY_ON, &[OFF], false, Inactive),
            (Active, ON, &[AUTHORITY_ON], false, Active),
            (Inactive, ON, &[AUTHORITY_OFF], true, Inactive),
            (Active, ON, &[OFF], false, Inactive),
        ] {
            let after = state_after_delete(before, deleted, rest, local);
            assert_eq!(after, expect, "{before:?} {deleted:?} {rest:?} {local}");
        }
    }

    #[test]
    fn states_are_stored_as_numbers() {
        for state in [State::Active, State::Inactive, State::Closed] {
            assert_eq!(State::from_number(state as i64), Some(state));
            assert_eq!(serde_json::to_value(state).unwrap(), json!(state.as_str()));
        }
        assert_eq!(State::from_number(0), None);
    }
}
