//! Who had what at a moment, one line for each way, in pages: first what was given, then what is owned through it.

use super::explain::{self, Has, state_at, things, words};
use super::owned::{self, Belongings, Owners};
use crate::Refusal;
use crate::access::{self, Action, Object, Principal, require};
use crate::app::App;
use crate::error::of_store;
use bailiwick_domain::ids::Millis;
use bailiwick_domain::mapping::GrantKind;
use bailiwick_domain::mapping::effects::ADMIN;
use bailiwick_domain::mapping::grant::parse_path;
use bailiwick_domain::person::State;
use bailiwick_store::query::PersonQuery;
use bailiwick_store::rows::{GrantRow, PersonRow, StateRow};
use serde::{Deserialize, Serialize};
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Persons read at once.
const PERSONS: u32 = 200;
/// Lines counted at once.
const COUNTED: u32 = 1_000;

/// The kind of a line about an entity that is owned.
pub const ENTITY: &str = "entity";
/// The kind of a line that says what cannot be told.
pub const GAP: &str = "gap";

/// One line of who had what at a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessLine {
    /// Where the next page begins.
    pub place: Place,
    /// Id of the person; empty in a gap that concerns everybody.
    pub person: String,
    /// Name today.
    pub name: String,
    /// E-mail address today.
    pub email: Option<String>,
    /// What kind: that of a grant, [`ENTITY`] or [`GAP`].
    pub kind: &'static str,
    /// Of what.
    pub object: String,
    /// What it is called: of a team today, of an entity at the moment.
    pub object_name: String,
    /// How; of an entity its kind.
    pub value: String,
    /// Where it comes from; empty where the way says it.
    pub origin: String,
    /// The way in words; of a gap the sentence.
    pub way: String,
    /// Since when, where that is kept.
    pub from: Option<Millis>,
    /// Until when.
    pub until: Option<Millis>,
    /// Where the person stood at the moment; none before it was known.
    pub state: Option<State>,
}

/// A place in a listing. Entities are counted for each person: they are put in order when they are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Place {
    /// Behind the grant of this row.
    Given(i64),
    /// Behind so many lines of the person of this row; of row 0 are the gaps that concern everybody.
    Owned(i64, u32),
}

impl Default for Place {
    fn default() -> Self {
        Self::Given(0)
    }
}

/// Who had what at a moment. What stays the same from page to page is read once.
#[derive(Debug)]
pub struct Listing<'a> {
    app: &'a App,
    /// The past moment; now if there is none.
    at: Option<Millis>,
    moment: Millis,
    person: Option<PersonRow>,
    /// The role that everybody has who has no other.
    default_role: Option<String>,
    owners: Option<(Owners, Vec<String>)>,
}

impl<'a> Listing<'a> {
    /// Of everybody or of one person, by id; now or at a past moment.
    ///
    /// # Errors
    /// `forbidden`, an unknown person, or when the store cannot answer.
    pub async fn of(
        app: &'a App,
        principal: &Principal,
        person: Option<&str>,
        at: Option<Millis>,
    ) -> Result<Self, Refusal> {
        let person = match person {
            Some(id) => Some(explain::known(app, id).await?),
            None => None,
        };
        let object = person.as_ref().map_or(Object::None, |row| Object::Person { seq: row.seq });
        require(app, principal, Action::AccessRead, &object).await?;
        explain::past(app, at)?;
        let moment = at.unwrap_or_else(|| app.clock().now());
        let default_role = access::default_role_at(app, at).await?;
        Ok(Self { app, at, moment, person, default_role, owners: None })
    }

    /// So many lines behind a place; fewer when there are no more.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn page(&mut self, behind: Place, limit: u32) -> Result<Vec<AccessLine>, Refusal> {
        let (mut lines, person, seen) = match behind {
            Place::Given(after) => (self.given(after, limit).await?, 0, 0),
            Place::Owned(person, seen) => (Vec::new(), person, seen),
        };
        if lines.len() < limit as usize {
            self.owned(person, seen, limit as usize, &mut lines).await?;
        }
        Ok(lines)
    }

    /// So many lines of what was given, behind a row.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn given(&self, after: i64, limit: u32) -> Result<Vec<AccessLine>, Refusal> {
        let store = self.app.store();
        let grants: Vec<GrantRow> = match &self.person {
            None => {
                let rows = store.grants_all_at(self.moment, after, limit).await.map_err(of_store)?;
                rows.into_iter().map(|(_, grant)| grant).collect()
            }
            Some(person) => {
                let rows = store.grants_at(person.seq, self.moment).await.map_err(of_store)?;
                rows.into_iter().filter(|grant| grant.seq > after).take(limit as usize).collect()
            }
        };
        let seqs: BTreeSet<i64> = grants.iter().map(|grant| grant.person).collect();
        let seqs: Vec<i64> = seqs.into_iter().collect();
        let persons = store.persons_by_rows(&seqs).await.map_err(of_store)?;
        let states = self.states(&persons).await?;
        let persons: HashMap<i64, PersonRow> = persons.into_iter().map(|row| (row.seq, row)).collect();
        let mut teams: BTreeMap<String, String> = BTreeMap::new();
        let mut lines = Vec::with_capacity(grants.len());
        for grant in grants {
            let Some(person) = persons.get(&grant.person) else { continue };
            if grant.kind == GrantKind::Team
                && let Entry::Vacant(vacant) = teams.entry(grant.object.clone())
            {
                let item = store.item(&grant.object).await.map_err(of_store)?;
                vacant.insert(item.map_or_else(|| grant.object.clone(), |item| item.title));
            }
            let line = line(person, states.get(&person.seq).copied(), grant.kind.as_str(), Place::Given(grant.seq));
            lines.push(AccessLine {
                object_name: teams.get(&grant.object).unwrap_or(&grant.object).clone(),
                way: words(&grant.origin, &parse_path(&grant.path)),
                object: grant.object,
                value: grant.value,
                origin: grant.origin,
                from: Some(grant.from),
                until: grant.until,
                ..line
            });
        }
        Ok(lines)
    }

    /// Adds lines of what is owned, from those of a person on, until there are so many.
    async fn owned(
        &mut self,
        person: i64,
        seen: u32,
        limit: usize,
        lines: &mut Vec<AccessLine>,
    ) -> Result<(), Refusal> {
        let (mut owners, gaps) = match self.owners.take() {
            Some(read) => read,
            None => self.read_owners().await?,
        };
        if person == 0 {
            let gaps = gaps
                .iter()
                .enumerate()
                .skip(seen as usize)
                .map(|(index, gap)| AccessLine { way: gap.clone(), ..empty(GAP, Place::Owned(0, behind(index))) });
            lines.extend(gaps.take(limit.saturating_sub(lines.len())));
        }
        let mut next = person;
        while lines.len() < limit {
            let persons = self.persons_from(next).await?;
            let states = self.states(&persons).await?;
            let seqs: Vec<i64> = persons.iter().map(|row| row.seq).collect();
            let grants = self.grants(&seqs).await?;
            for row in &persons {
                let first = grants.partition_point(|grant| grant.person < row.seq);
                let theirs = &grants[first..grants.partition_point(|grant| grant.person <= row.seq)];
                let skip = if row.seq == person { seen as usize } else { 0 };
                let state = states.get(&row.seq).copied();
                let told = self.lines_of(&mut owners, row, state, theirs);
                lines.extend(told.into_iter().skip(skip).take(limit.saturating_sub(lines.len())));
                if lines.len() == limit {
                    break;
                }
            }
            match persons.last() {
                Some(last) if persons.len() == PERSONS as usize => next = last.seq + 1,
                _ => break,
            }
        }
        self.owners = Some((owners, gaps));
        Ok(())
    }

    /// What a person owns as lines; and before it the role of who has no other and, of today, that of an admin by hand.
    fn lines_of(
        &self,
        owners: &mut Owners,
        row: &PersonRow,
        state: Option<State>,
        grants: &[GrantRow],
    ) -> Vec<AccessLine> {
        let mut lines = Vec::new();
        let given = grants.iter().any(|grant| grant.kind == GrantKind::Role && grant.object == ADMIN);
        if row.admin && self.at.is_none() && !given {
            lines.push(AccessLine {
                object: ADMIN.to_owned(),
                object_name: ADMIN.to_owned(),
                origin: "hand".to_owned(),
                way: words("hand", &[]),
                from: Some(row.created),
                ..line(row, state, GrantKind::Role.as_str(), Place::default())
            });
        }
        let has_role = row.admin || grants.iter().any(|grant| grant.kind == GrantKind::Role);
        let by_default = !has_role && state.is_some_and(|state| state != State::Closed);
        if let Some(role) = self.default_role.as_ref().filter(|_| by_default) {
            lines.push(AccessLine {
                object: role.clone(),
                object_name: role.clone(),
                origin: explain::BY_DEFAULT.to_owned(),
                way: words(explain::BY_DEFAULT, &[]),
                ..line(row, state, GrantKind::Role.as_str(), Place::default())
            });
        }
        let teams = grants.iter().filter(|grant| grant.kind == GrantKind::Team);
        let teams: BTreeSet<&str> = teams.map(|grant| grant.object.as_str()).collect();
        let filters: Vec<Has> = things(grants, GrantKind::Ownership, str::to_owned);
        let Belongings { items, gaps } = owners.of(row, &teams, &filters);
        lines.extend(items.into_iter().map(|item| AccessLine {
            object: item.id,
            object_name: item.title,
            value: item.kind,
            way: item.through,
            ..line(row, state, ENTITY, Place::default())
        }));
        lines.extend(gaps.into_iter().map(|way| AccessLine { way, ..line(row, state, GAP, Place::default()) }));
        for (index, line) in lines.iter_mut().enumerate() {
            line.place = Place::Owned(row.seq, behind(index));
        }
        lines
    }

    async fn read_owners(&self) -> Result<(Owners, Vec<String>), Refusal> {
        // One person's are as good as unknown before they are read; to have the documents for nothing does no harm.
        let filters = self.app.store().anybody_held(GrantKind::Ownership, self.moment).await.map_err(of_store)?;
        let mut owners = Owners::read(self.app, self.at, filters).await?;
        let mut gaps = std::mem::take(&mut owners.then.gaps);
        if let Some(at) = self.at {
            gaps.extend(owned::linked_since(self.app, self.person.as_ref(), at).await?);
        }
        Ok((owners, gaps))
    }

    /// Persons from a row on, or the one that it is about.
    async fn persons_from(&self, seq: i64) -> Result<Vec<PersonRow>, Refusal> {
        if let Some(person) = &self.person {
            return Ok(vec![person.clone()]);
        }
        let query = PersonQuery { search: None, after: Some(seq - 1), limit: PERSONS };
        self.app.store().persons(query).await.map_err(of_store)
    }

    /// What they held at the moment, in the order of persons.
    async fn grants(&self, persons: &[i64]) -> Result<Vec<GrantRow>, Refusal> {
        self.app.store().grants_of_many_at(persons, self.moment).await.map_err(of_store)
    }

    /// Where they stood at the moment, by row; who was not known yet is left out.
    async fn states(&self, persons: &[PersonRow]) -> Result<HashMap<i64, State>, Refusal> {
        let Some(at) = self.at else { return Ok(persons.iter().map(|row| (row.seq, row.state)).collect()) };
        let seqs: Vec<i64> = persons.iter().map(|row| row.seq).collect();
        let changes = self.app.store().person_states_of(&seqs).await.map_err(of_store)?;
        let states = persons.iter().filter_map(|row| {
            let first = changes.partition_point(|change| change.person < row.seq);
            let theirs: &[StateRow] = &changes[first..changes.partition_point(|change| change.person <= row.seq)];
            Some((row.seq, state_at(row, theirs, at)?))
        });
        Ok(states.collect())
    }

    /// How many lines there are in all.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn count(&mut self) -> Result<u64, Refusal> {
        let (mut place, mut count) = (Place::default(), 0);
        loop {
            let lines = self.page(place, COUNTED).await?;
            count += lines.len() as u64;
            match lines.last() {
                Some(last) if lines.len() == COUNTED as usize => place = last.place,
                _ => return Ok(count),
            }
        }
    }
}

/// The place behind the line of this index.
fn behind(index: usize) -> u32 {
    u32::try_from(index + 1).unwrap_or(u32::MAX)
}

fn empty(kind: &'static str, place: Place) -> AccessLine {
    AccessLine {
        place,
        person: String::new(),
        name: String::new(),
        email: None,
        kind,
        object: String::new(),
        object_name: String::new(),
        value: String::new(),
        origin: String::new(),
        way: String::new(),
        from: None,
        until: None,
        state: None,
    }
}

fn line(person: &PersonRow, state: Option<State>, kind: &'static str, place: Place) -> AccessLine {
    let (id, name, email) = (person.id.clone(), person.display.clone(), person.email.clone());
    AccessLine { person: id, name, email, state, ..empty(kind, place) }
}

/// The head of the CSV form. New columns come at the end.
pub const CSV_HEAD: &str = "person,name,email,kind,object,object_name,value,origin,way,from,until,state\r\n";

/// Lines as CSV (RFC 4180), without the head. A text that a spreadsheet would take for a formula gets an apostrophe
/// before it.
#[must_use]
pub fn access_csv(lines: &[AccessLine]) -> String {
    let mut out = String::new();
    for line in lines {
        let moment = |moment: Option<Millis>| moment.map(|moment| moment.to_string()).unwrap_or_default();
        let (from, until) = (moment(line.from), moment(line.until));
        let fields = [
            line.person.as_str(),
            &line.name,
            line.email.as_deref().unwrap_or_default(),
            line.kind,
            &line.object,
            &line.object_name,
            &line.value,
            &line.origin,
            &line.way,
            &from,
            &until,
            line.state.map_or("", State::as_str),
        ];
        for (index, field) in fields.iter().enumerate() {
            if index > 0 {
                out.push(',');
            }
            push_field(&mut out, field);
        }
        out.push_str("\r\n");
    }
    out
}

fn push_field(out: &mut String, field: &str) {
    let formula = field.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let quoted = formula || field.contains([',', '"', '\n', '\r']);
    if quoted {
        out.push('"');
    }
    if formula {
        out.push('\'');
    }
    out.push_str(&field.replace('"', "\"\""));
    if quoted {
        out.push('"');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_csv_cannot_become_formulas() {
        let check = |field: &str, expect: &str| {
            let mut out = String::new();
            push_field(&mut out, field);
            assert_eq!(out, expect, "{field:?}");
        };
        check("Ann", "Ann");
        check("", "");
        check("a,b", "\"a,b\"");
        check("a\"b", "\"a\"\"b\"");
        check("=1+1", "\"'=1+1\"");
        check("+1", "\"'+1\"");
        check("-1", "\"'-1\"");
        check("@x", "\"'@x\"");
        check("\tx", "\"'\tx\"");
        check("\rx", "\"'\rx\"");
        check("a\nb", "\"a\nb\"");
        check("a=b", "a=b");
    }
}
