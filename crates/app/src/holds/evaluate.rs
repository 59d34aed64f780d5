//! What becomes of people who are held, or who are not there yet: the same evaluation as for everybody else.

use super::standing;
use crate::Refusal;
use crate::app::App;
use crate::error::of_store;
use crate::mapping::{self, Outcome, subject};
use bailiwick_domain::mapping::effects::Case;
use bailiwick_domain::mapping::{Compiled, Effects, GroupMatches, diff, evaluate};
use bailiwick_domain::person::{Facts, State};
use bailiwick_store::rows::{PersonRow, ResourceRow, SubjectRow, UserOfPerson};
use std::collections::{BTreeSet, HashMap};

/// What these persons would have by the rules in force if nothing were held, each with where they would stand; the row
/// keeps the state they have.
pub(super) async fn of_held(
    app: &App,
    rules: &Compiled,
    persons: &[i64],
    wanted: impl Fn(&SubjectRow) -> bool,
) -> Result<Vec<(Outcome, State)>, Refusal> {
    let subjects = subject::read(app, rules, persons).await?;
    let mut memo = GroupMatches::default();
    let mut outcomes = Vec::new();
    for row in subjects.rows.iter().filter(|row| wanted(row)) {
        let mut going = row.clone();
        going.person.state = standing(app, &row.person.id).await?.unwrap_or(row.person.state);
        let grants = evaluate(rules, &mut memo, &subject::subject(&going, &subjects.web));
        let outcome = Outcome {
            before: row.person.state,
            diff: diff(&subject::held(&row.grants), &grants),
            guards: subjects.guards(row),
            writes: Vec::new(),
            events: Vec::new(),
            row: row.clone(),
        };
        outcomes.push((outcome, going.person.state));
    }
    Ok(outcomes)
}

/// What the persons of these Users would have, which have none yet.
pub(super) async fn of_strangers(app: &App, users: &[ResourceRow]) -> Result<Vec<Outcome>, Refusal> {
    let rules = mapping::current(app).await?;
    let seqs = groups(app, users).await?;
    let rows: Vec<SubjectRow> = users.iter().map(|user| stranger(user, &seqs)).collect();
    let subjects = subject::web_of(app, &rules, rows, &[]).await?;
    let mut memo = GroupMatches::default();
    let outcome = |row: &SubjectRow| Outcome {
        before: row.person.state,
        diff: diff(&[], &evaluate(&rules, &mut memo, &subject::subject(row, &subjects.web))),
        guards: Vec::new(),
        writes: Vec::new(),
        events: Vec::new(),
        row: row.clone(),
    };
    Ok(subjects.rows.iter().map(outcome).collect())
}

/// The rows of the groups that the Users are members of, by id.
async fn groups(app: &App, users: &[ResourceRow]) -> Result<HashMap<String, i64>, Refusal> {
    let Some(integration) = users.first().map(|user| user.integration) else { return Ok(HashMap::new()) };
    let direct = users.iter().flat_map(|user| user.groups.iter().filter(|group| group.direct));
    let ids: Vec<String> = direct.map(|group| group.id.clone()).collect::<BTreeSet<_>>().into_iter().collect();
    let found = app.store().member_refs(integration, &ids).await.map_err(of_store)?;
    Ok(found.into_iter().flatten().map(|group| (group.id, group.seq)).collect())
}

/// The person that a User would get.
fn stranger(user: &ResourceRow, groups: &HashMap<String, i64>) -> SubjectRow {
    let facts = Facts::of_user(&subject::object(&user.doc));
    let person = PersonRow {
        seq: user.seq,
        id: user.id.clone(),
        state: if facts.active { State::Active } else { State::Inactive },
        display: facts.display_name,
        email: facts.email,
        user_name: facts.user_name,
        user_name_key: user.name_unique.clone(),
        authority: Some(user.seq),
        local: false,
        account: false,
        admin: false,
        epoch: 0,
        created: user.created,
        modified: user.modified,
        doc: "{}".to_owned(),
    };
    let direct = user.groups.iter().filter(|group| group.direct);
    let memberships = direct.filter_map(|group| Some((user.seq, *groups.get(&group.id)?))).collect();
    let own = UserOfPerson {
        seq: user.seq,
        id: user.id.clone(),
        integration: user.integration,
        active: user.active,
        authority: true,
        doc: user.doc.clone(),
    };
    let (grants, users) = (Vec::new(), vec![own]);
    SubjectRow { person, users, memberships, grants, held: None, dirty: None, cause: None }
}

/// Adds an outcome to what is added up.
pub(super) fn add(effects: &mut Effects, outcome: &Outcome, becomes: State) {
    let person = &outcome.row.person;
    effects.add(&Case {
        person: &person.id,
        name: &person.display,
        state: person.state,
        becomes,
        held: &subject::held(&outcome.row.grants),
        diff: &outcome.diff,
        admin_by_hand: person.admin,
    });
}
