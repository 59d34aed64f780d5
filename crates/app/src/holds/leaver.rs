//! One User is switched off, switched on or deleted: what of it happens to the person at once.

use super::put::{self, Batch};
use super::{
    forget_standing, integration_observed, note_standing, observed, removals_guard, seasoned, standing, window,
};
use crate::Refusal;
use crate::app::App;
use crate::attributes;
use crate::call::Call;
use crate::caller::Integration;
use crate::directory;
use crate::error::of_store;
use crate::leaver::{self, Cause};
use bailiwick_domain::guard::{Change, Loss, Lost, weigh};
use bailiwick_domain::person::State;
use bailiwick_store::change::{Dirty, HeldState, PersonUpdate};
use bailiwick_store::rows::{PersonRef, ResourceRow};
use bailiwick_store::{ChangeSet, Write};
use std::collections::BTreeSet;

/// How a person is held.
#[derive(Clone, Debug)]
pub(crate) enum Held {
    /// Not at all.
    Free,
    /// It was decided that nothing is taken away, until the identity provider says something new.
    Pinned,
    /// Waits for a decision.
    Waiting {
        /// The hold.
        hold: String,
        /// How the person would stand without it, where that is another state.
        state: Option<State>,
    },
}

impl Held {
    /// Where the person stands for whoever decides what follows: as if nothing were held.
    pub(crate) fn state(&self, person: State) -> State {
        match self {
            Self::Waiting { state: Some(state), .. } => *state,
            _ => person,
        }
    }

    /// Whether changes wait.
    pub(crate) fn waits(&self) -> bool {
        matches!(self, Self::Waiting { .. })
    }
}

/// How the person is held. The epoch of the person holds the answer true.
pub(crate) async fn held(app: &App, person: &PersonRef) -> Result<Held, Refusal> {
    let rows = app.store().held_by(&[person.seq]).await.map_err(of_store)?;
    Ok(match rows.into_iter().next() {
        None => Held::Free,
        Some(row) if row.state == HeldState::Pinned => Held::Pinned,
        Some(row) => Held::Waiting { hold: row.hold, state: standing(app, &person.id).await? },
    })
}

/// Adds to the set what a changed User means for its person, or holds it. Whether it happens at once.
pub(crate) async fn consequence(
    app: &App,
    call: &Call,
    set: &mut ChangeSet,
    user: &ResourceRow,
    held: &Held,
    update: PersonUpdate,
) -> Result<bool, Refusal> {
    let Some(person) = &user.person else { return Ok(false) };
    let state = update.facts.state;
    let integration = &call.caller.integration;
    match held {
        // What another directory is observed to do must not keep somebody in whom their authority lets go.
        Held::Waiting { hold, .. } if integration_observed(hold).is_some_and(|other| other != integration.id) => {}
        // What was applied has not come to this person yet; what is said now was not seen, and is weighed as ever.
        Held::Waiting { hold, .. } if *hold == observed(integration.id) && !integration.observe => {}
        Held::Waiting { hold, .. } => {
            set.writes.push(note_standing(&person.id, hold, state));
            // Held anew: whoever looks at this set, or at the person meanwhile, knows that what was noted has changed.
            let (persons, hold) = (vec![person.seq], hold.clone());
            set.writes.push(Write::Hold { persons, hold, state: HeldState::Waiting });
            if state == State::Active {
                // What was taken back may leave nothing to wait for.
                set.writes.push(Write::MarkDirty(Dirty::Persons(vec![person.seq])));
            }
            return Ok(false);
        }
        Held::Pinned => set.writes.push(Write::Release { persons: vec![person.seq] }),
        Held::Free => {}
    }
    if integration.observe {
        let hold = observed(integration.id);
        set.guards.push(attributes::settings_guard(integration));
        set.writes.push(note_standing(&person.id, &hold, state));
        set.writes.push(Write::Hold { persons: vec![person.seq], hold, state: HeldState::Waiting });
        return Ok(false);
    }
    if person.state == State::Active && state != State::Active && hold_back(app, call, set, user, person, state).await?
    {
        return Ok(false);
    }
    if matches!(held, Held::Waiting { hold, .. } if *hold == observed(integration.id)) {
        set.guards.push(attributes::settings_guard(integration));
        set.writes.push(Write::Release { persons: vec![person.seq] });
        set.writes.push(forget_standing(&person.id));
        set.writes.push(Write::MarkDirty(Dirty::Persons(vec![person.seq])));
    }
    if person.state != state {
        let row = directory::person_of(app, person).await?;
        leaver::leave(app, set, &row, state, &Cause::of_call(app, call)).await?;
    }
    set.writes.push(Write::UpdatePerson(update));
    Ok(true)
}

/// Holds a leaver if there were too many within the hour; else notes that one left.
async fn hold_back(
    app: &App,
    call: &Call,
    set: &mut ChangeSet,
    user: &ResourceRow,
    person: &PersonRef,
    state: State,
) -> Result<bool, Refusal> {
    if !seasoned(app, user.created) {
        return Ok(false);
    }
    let integration = &call.caller.integration;
    set.guards.push(removals_guard(app, integration.id).await?);
    let window = window(app, integration.id, &[person.seq], BTreeSet::new(), integration.thresholds.people).await?;
    let loss = Loss { person: person.seq, seasoned: true, lost: vec![Lost::Access] };
    let verdict = weigh(integration.thresholds, Change::Leaver, &window, &[loss], &[], true);
    if verdict.held.is_empty() {
        set.writes.push(Write::NoteRemovals { integration: integration.id, persons: vec![person.seq] });
        return Ok(false);
    }
    let batch = Batch {
        integration: integration.id,
        persons: &[person.seq],
        person: Some(&person.id),
        reasons: &verdict.reasons,
        request: &call.request,
        actor: &call.caller.token,
    };
    let hold = put::put(app, set, batch).await?;
    set.writes.push(note_standing(&person.id, &hold, state));
    Ok(true)
}

/// What else waits of a User of an integration that is only observed, apart from its person's standing.
pub(crate) fn wait(integration: &Integration, person: &PersonRef, held: &Held) -> Option<Write> {
    let hold = observed(integration.id);
    (integration.observe && !held.waits()).then(|| Write::Hold {
        persons: vec![person.seq],
        hold,
        state: HeldState::Waiting,
    })
}
