//! What a set of changes reads and writes, so that sets of one batch that have nothing to do with each other can run at
//! once on one connection: their statements share round trips instead of waiting for each other's.
//!
//! Two sets that touch the same thing keep their order: the later one runs when the earlier one is done. What cannot be
//! told beforehand (a whole group is emptied, groups hold groups, an integration goes) runs alone.

use crate::change::{ChangeSet, Dirty, Guard, MemberWrite, NewResource, PersonFacts, PersonKey, ResourceKey, Write};
use crate::commit::Known;
use crate::commit::common::MAPPING;
use bailiwick_domain::ids::Kind;
use bailiwick_domain::person::State;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// Something that sets may have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Key<'a> {
    /// The answer to a request.
    Answer(&'a str, &'a str),
    /// How far a consumer has read.
    Consumer(&'a str),
    /// A pair of the conflict queue.
    Conflict(i64, &'a str, &'a str),
    /// An e-mail address, as its unique key.
    Email(&'a str),
    /// A document of the admins.
    Entry(&'a str, &'a str),
    /// A key of the guard table.
    Guard(&'a str),
    /// Who answers to which names and addresses, as far as it depends on rows that are there already.
    Identity,
    /// An item.
    Item(i64),
    /// Who is a member of this group, and its version by that.
    Members(i64),
    /// A name of a person or User, as its unique key.
    Name(&'a str),
    /// One membership.
    Pair(i64, i64),
    /// A person: its facts and its epoch.
    Person(i64),
    /// The document of a resource and what follows from it.
    Row(i64),
    /// The userName within an integration.
    UserName(i64, &'a str),
}

/// How a set uses it. Uses of one kind go together unless they write: nobody sees in which order epochs were bumped or
/// members added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    Add,
    Read,
    Write,
}

/// What a set uses, or that it must run alone.
#[derive(Debug, Default)]
pub(super) struct Footprint<'a> {
    uses: Vec<(Key<'a>, Use)>,
    alone: bool,
}

impl<'a> Footprint<'a> {
    /// The footprint of a set, given what is known of the rows it names.
    pub(super) fn of(set: &'a ChangeSet, known: &Known) -> Self {
        let mut print = Self::default();
        for guard in &set.guards {
            print.guard(guard);
        }
        for write in &set.writes {
            print.write(write, known);
        }
        print
    }

    fn add(&mut self, key: Key<'a>, with: Use) {
        self.uses.push((key, with));
    }

    fn guard(&mut self, guard: &'a Guard) {
        match guard {
            Guard::Candidates { user_name_key, email_keys, .. } => {
                self.add(Key::Identity, Use::Read);
                self.add(Key::Name(user_name_key), Use::Read);
                email_keys.iter().for_each(|key| self.add(Key::Email(key), Use::Read));
            }
            Guard::Document { seq, .. } => self.add(Key::Row(*seq), Use::Read),
            Guard::Entry { collection, id, .. } => self.add(Key::Entry(collection, id), Use::Read),
            Guard::Feed { .. } => self.alone = true,
            Guard::Item { seq, .. } => self.add(Key::Item(*seq), Use::Read),
            // Whether anybody is to be evaluated is asked once for all sets that run at once.
            Guard::Key { key, bump: true, .. } if key == MAPPING => self.alone = true,
            Guard::Key { key, bump, .. } => self.add(Key::Guard(key), if *bump { Use::Write } else { Use::Read }),
            Guard::Person { seq, .. } => self.add(Key::Person(*seq), Use::Read),
            Guard::Resource { seq, .. } => {
                self.add(Key::Row(*seq), Use::Read);
                self.add(Key::Members(*seq), Use::Read);
            }
        }
    }

    fn write(&mut self, write: &'a Write, known: &Known) {
        match write {
            // Counters and dates are collected over the batch.
            Write::CountCalls(_) | Write::TouchTokens(_) => {}
            Write::InsertConflict(new) => {
                self.add(Key::Conflict(new.integration.0, &new.user_name_key, &new.person), Use::Write);
            }
            Write::InsertPerson(new) => self.facts(&new.facts),
            Write::InsertResource(new) => self.insert(new),
            Write::Members { group, change, .. } => self.members(group, change, known),
            Write::UpdatePerson(update) if update.facts.state != State::Closed => {
                self.add(Key::Person(update.seq), Use::Write);
                self.add(Key::Identity, Use::Add);
                self.facts(&update.facts);
            }
            Write::UpdateResource(update) => {
                // The later one takes away addresses of the earlier one, which must not be still to be written then.
                let row = (Key::Row(update.seq), Use::Write);
                self.alone |= self.uses.contains(&row);
                self.uses.push(row);
                let Some(Some(row)) = known.get(&update.seq) else { return };
                if let Some(person) = row.person {
                    self.add(Key::Person(person), Use::Add);
                }
                if row.kind == Kind::User as i64 {
                    self.add(Key::Identity, Use::Add);
                    self.names(row.integration, update.columns.name_unique.as_deref(), &update.columns.email_keys);
                }
            }
            other => self.access(other),
        }
    }

    /// What concerns access and the documents of the admins; everything else runs alone.
    fn access(&mut self, write: &'a Write) {
        match write {
            Write::Bump { key } => self.add(Key::Guard(key), Use::Write),
            // Notes of removals are added, and nobody else's are taken away.
            Write::NoteRemovals { .. } | Write::TouchCredentials(_) => {}
            Write::DeleteEntry { collection, id } => self.add(Key::Entry(collection, id), Use::Write),
            Write::Grants(write) => self.person(&write.person, Use::Write),
            Write::Hold { persons, .. } | Write::Release { persons } | Write::Settle { persons, .. } => {
                persons.iter().for_each(|person| self.add(Key::Person(*person), Use::Write));
            }
            Write::InsertCredential(new) => match &new.person {
                // Rows of new persons are written last, see `gather.rs`.
                Some(PersonKey::New(_)) => self.alone = true,
                Some(PersonKey::Seq(person)) => self.add(Key::Person(*person), Use::Read),
                None => {}
            },
            Write::MarkDirty(Dirty::Persons(persons)) => {
                persons.iter().for_each(|person| self.add(Key::Person(*person), Use::Add));
            }
            Write::PutAnswer(answer) => self.add(Key::Answer(&answer.caller, &answer.key), Use::Write),
            Write::PutEntry(entry) => self.add(Key::Entry(&entry.collection, &entry.id), Use::Write),
            Write::SetAttributes { person, .. } => self.add(Key::Person(*person), Use::Write),
            Write::SetPosition { consumer, .. } => self.add(Key::Consumer(consumer), Use::Write),
            _ => self.alone = true,
        }
    }

    fn person(&mut self, key: &PersonKey, with: Use) {
        if let PersonKey::Seq(person) = key {
            self.add(Key::Person(*person), with);
        }
    }

    fn facts(&mut self, facts: &'a PersonFacts) {
        if let Some(key) = &facts.user_name_key {
            self.add(Key::Name(key), Use::Write);
        }
        if let Some(key) = &facts.email_key {
            self.add(Key::Email(key), Use::Write);
        }
    }

    fn names(&mut self, integration: i64, name: Option<&'a str>, emails: &'a [String]) {
        if let Some(name) = name {
            self.add(Key::UserName(integration, name), Use::Write);
            self.add(Key::Name(name), Use::Write);
        }
        emails.iter().for_each(|key| self.add(Key::Email(key), Use::Write));
    }

    fn insert(&mut self, new: &'a NewResource) {
        self.names(new.integration.0, new.columns.name_unique.as_deref(), &new.columns.email_keys);
        if let Some(PersonKey::Seq(person)) = new.person {
            self.add(Key::Person(person), if new.authority { Use::Write } else { Use::Add });
        }
    }

    fn members(&mut self, group: &ResourceKey, change: &'a MemberWrite, known: &Known) {
        let keys = match (change, group) {
            (MemberWrite::Add(keys) | MemberWrite::Remove(keys), _) => keys,
            // A group that is made by the same set has nobody to lose.
            (MemberWrite::Set(keys), ResourceKey::New(_)) => keys,
            (MemberWrite::Clear | MemberWrite::Set(_), _) => {
                self.alone = true;
                return;
            }
        };
        let group = match group {
            ResourceKey::Seq(seq) => Some(*seq),
            ResourceKey::New(_) => None,
        };
        if let Some(group) = group {
            self.add(Key::Row(group), Use::Read);
            self.add(Key::Members(group), Use::Add);
        }
        for key in keys {
            let ResourceKey::Seq(member) = key else { continue };
            self.add(Key::Row(*member), Use::Read);
            if let Some(group) = group {
                self.add(Key::Pair(group, *member), Use::Write);
            }
            match known.get(member) {
                // Everybody below changes with it.
                Some(Some(row)) if row.kind == Kind::Group as i64 => self.alone = true,
                Some(Some(row)) => row.person.into_iter().for_each(|person| self.add(Key::Person(person), Use::Add)),
                _ => {}
            }
        }
    }
}

/// What the sets seen so far use.
#[derive(Debug, Default)]
pub(super) struct Ground<'a> {
    taken: HashMap<Key<'a>, Use>,
    seen: bool,
    closed: bool,
}

impl<'a> Ground<'a> {
    /// Whether a set may run at once with all that were seen before it. One that may not is remembered all the same:
    /// who comes after it waits for it.
    pub(super) fn admits(&mut self, print: Footprint<'a>) -> bool {
        let mut free = !(self.closed || print.alone && self.seen);
        self.closed |= print.alone;
        self.seen = true;
        // A set is never in its own way: what it uses twice is told apart only when it is compared.
        let mut own: HashMap<Key<'a>, Use> = HashMap::with_capacity(print.uses.len());
        for (key, with) in print.uses {
            merge(own.entry(key), with);
        }
        for (key, with) in own {
            match self.taken.entry(key) {
                Entry::Occupied(taken) => {
                    free &= *taken.get() == with && with != Use::Write;
                    merge(Entry::Occupied(taken), with);
                }
                Entry::Vacant(vacant) => drop(vacant.insert(with)),
            }
        }
        free
    }
}

fn merge(entry: Entry<'_, Key<'_>, Use>, with: Use) {
    match entry {
        Entry::Occupied(mut taken) if *taken.get() != with => drop(taken.insert(Use::Write)),
        Entry::Occupied(_) => {}
        Entry::Vacant(vacant) => drop(vacant.insert(with)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::{Columns, EntryWrite, GrantsWrite, NewPerson, PersonUpdate, ResourceUpdate};
    use crate::commit::Row;
    use bailiwick_domain::ids::IntegrationId;

    fn row(kind: Kind, person: Option<i64>) -> Option<Row> {
        Some(Row { id: String::new(), integration: 1, kind: kind as i64, person, version: 1, name_unique: None })
    }

    /// Users 1 and 2 of persons 11 and 12, groups 5 and 6.
    fn known() -> Known {
        [
            (1, row(Kind::User, Some(11))),
            (2, row(Kind::User, Some(12))),
            (5, row(Kind::Group, None)),
            (6, row(Kind::Group, None)),
        ]
        .into()
    }

    fn facts(name: &str) -> PersonFacts {
        PersonFacts {
            state: State::Active,
            display: String::new(),
            email: None,
            email_key: None,
            user_name: None,
            user_name_key: Some(name.to_owned()),
        }
    }

    fn columns(name: &str) -> Columns {
        Columns {
            name_unique: Some(name.to_owned()),
            name_match: String::new(),
            display: String::new(),
            external_id: None,
            active: true,
            manager: None,
            email_keys: vec![format!("{name}@x")],
            doc: String::new(),
            keys: String::new(),
        }
    }

    fn create(name: &str) -> ChangeSet {
        let person =
            NewPerson { id: name.to_owned(), facts: facts(name), local: false, admin: false, doc: "{}".to_owned() };
        let resource = NewResource {
            id: name.to_owned(),
            integration: IntegrationId(1),
            kind: Kind::User,
            columns: columns(name),
            person: Some(PersonKey::New(name.to_owned())),
            authority: true,
        };
        ChangeSet {
            guards: vec![Guard::Candidates {
                user_name_key: name.to_owned(),
                email_keys: vec![format!("{name}@x")],
                persons: Vec::new(),
            }],
            writes: vec![Write::InsertPerson(person), Write::InsertResource(resource)],
            ..ChangeSet::default()
        }
    }

    fn member(group: i64, member: i64) -> ChangeSet {
        let change = MemberWrite::Add(vec![ResourceKey::Seq(member)]);
        writes(vec![Write::Members { group: ResourceKey::Seq(group), change, wide: false }])
    }

    fn writes(writes: Vec<Write>) -> ChangeSet {
        ChangeSet { writes, ..ChangeSet::default() }
    }

    fn guarded(guard: Guard) -> ChangeSet {
        ChangeSet { guards: vec![guard], ..ChangeSet::default() }
    }

    fn person(seq: i64) -> ChangeSet {
        writes(vec![Write::UpdatePerson(PersonUpdate { seq, facts: facts("new"), authority: None })])
    }

    /// Which of the sets run at once, as a row of marks.
    fn check(sets: &[ChangeSet], expect: &str) {
        let known = known();
        let mut ground = Ground::default();
        let marks: String =
            sets.iter().map(|set| if ground.admits(Footprint::of(set, &known)) { '+' } else { '-' }).collect();
        assert_eq!(marks, expect, "{sets:#?}");
    }

    #[test]
    fn what_has_nothing_in_common_runs_at_once() {
        check(&[create("a"), create("b"), member(5, 1), member(5, 2), member(6, 1)], "+++++");
        check(&[ChangeSet::default(), create("a"), ChangeSet::default()], "+++");
    }

    #[test]
    fn what_touches_the_same_keeps_its_order() {
        check(&[create("a"), create("a"), create("b")], "+-+");
        check(&[member(5, 1), member(5, 1)], "+-");
        check(&[member(5, 1), guarded(Guard::Resource { seq: 5, version: 1 })], "+-");
        check(&[member(5, 1), guarded(Guard::Document { seq: 5, version: 1 })], "++");
        check(&[member(5, 1), guarded(Guard::Person { seq: 11, epoch: 1 })], "+-");
        check(&[member(5, 1), guarded(Guard::Person { seq: 12, epoch: 1 })], "++");
        let admins = |bump| guarded(Guard::Key { key: "admins".to_owned(), version: 1, bump });
        check(&[admins(true), admins(true)], "+-");
        check(&[admins(false), admins(false), admins(true), admins(false)], "++--");
        check(&[person(11), create("a"), person(12)], "+--");
        check(&[create("a"), person(11)], "+-");
    }

    #[test]
    fn who_waits_makes_others_wait() {
        check(&[member(5, 1), guarded(Guard::Person { seq: 11, epoch: 1 }), person(11)], "+--");
    }

    #[test]
    fn what_cannot_be_told_runs_alone() {
        let clear = || {
            let (group, change) = (ResourceKey::Seq(5), MemberWrite::Clear);
            writes(vec![Write::Members { group, change, wide: false }])
        };
        check(&[create("a"), clear(), create("b")], "+--");
        check(&[clear(), create("b")], "+-");
        check(&[member(5, 6), create("a")], "+-");
        let update = |seq| Write::UpdateResource(ResourceUpdate { seq, columns: columns("new") });
        check(&[writes(vec![update(1), update(1)]), create("a")], "+-");
        check(&[create("a"), writes(vec![update(1), update(2), update(1)])], "+-");
        check(&[writes(vec![update(1)]), writes(vec![update(1)]), writes(vec![update(5)])], "+-+");
        let mut closed = facts("x");
        closed.state = State::Closed;
        let closing = writes(vec![Write::UpdatePerson(PersonUpdate { seq: 11, facts: closed, authority: None })]);
        check(&[closing, create("a")], "+-");
    }

    #[test]
    fn grants_wait_for_each_other_person_by_person() {
        let grants = |person| {
            let person = PersonKey::Seq(person);
            Write::Grants(GrantsWrite { person, open: Vec::new(), close: Vec::new(), settled: Some(i64::MAX) })
        };
        let joined = |user, person| {
            let mut set = member(5, user);
            set.writes.push(grants(person));
            set
        };
        check(&[joined(1, 11), joined(2, 12), joined(1, 11)], "++-");
        check(&[joined(1, 11), member(6, 1), member(6, 2)], "+-+");
        let mark = || writes(vec![Write::MarkDirty(Dirty::Persons(vec![11]))]);
        check(&[mark(), mark(), member(5, 1), writes(vec![grants(11)])], "+++-");
        check(&[mark(), writes(vec![Write::MarkDirty(Dirty::All)]), mark()], "+--");
        let first_rule = guarded(Guard::Key { key: "mapping".to_owned(), version: 0, bump: true });
        check(&[first_rule, create("a")], "+-");
        let entry = |id: &str| {
            let entry = EntryWrite {
                collection: "roles".to_owned(),
                id: id.to_owned(),
                parent: None,
                state: None,
                due: None,
                doc: String::new(),
            };
            writes(vec![Write::PutEntry(entry)])
        };
        let known = Guard::Entry { collection: "roles".to_owned(), id: "a".to_owned(), version: 0 };
        check(&[entry("a"), entry("b"), guarded(known), entry("a")], "++--");
    }
}
