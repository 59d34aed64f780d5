//! A batch on PostgreSQL, whose sets run at once where they may, does what the same sets do one after another on SQLite.

use crate::support::{Bench, Place, grant, id, user_columns};
use bailiwick_domain::event::EventKind;
use bailiwick_domain::ids::{IntegrationId, Kind};
use bailiwick_domain::person::State;
use bailiwick_scim::text::unique_key;
use bailiwick_store::change::{
    CredentialKind, Dirty, EntryWrite, GrantsWrite, HeldState, MemberWrite, NewCredential, PersonFacts, PersonKey,
    PersonUpdate, ResourceKey, ResourceUpdate,
};
use bailiwick_store::rows::ResourceRow;
use bailiwick_store::{ChangeSet, Error, Guard, Role, Write};
use proptest::prelude::*;
use std::collections::HashMap;

const NAMES: usize = 6;
const GROUPS: usize = 3;

/// What a set does, by names: each engine has numbers of its own.
#[derive(Clone, Debug)]
enum Act {
    /// Creates the user of that name, if nobody answers to it or its address.
    Create(usize),
    Delete(usize),
    Join(usize, usize),
    Leave(usize, usize),
    /// Exactly these are members.
    Set(usize, Vec<usize>),
    /// Puts one group into another.
    Nest(usize, usize),
    /// Switches a user on or off, under the versions known (or one too old).
    Switch(usize, bool, bool),
    /// Gives a user another name.
    Rename(usize, usize),
    /// Bumps a key, if nobody else did.
    Key,
    /// Writes nothing, but insists on what was known of a name, an address, a person, a document, a group or the key
    /// (or on something else).
    Insist(Insisted, usize, bool),
    /// Adds members and something unknown: refused after it wrote.
    Broken(usize, usize),
    /// Opens a grant of a person and closes all others, evaluated or not, with or without joining a group.
    Give(usize, usize, bool, Option<usize>),
    /// Has the person evaluated again.
    Mark(usize),
    /// Holds the person or no longer.
    Hold(usize, bool),
    /// Signs the person in.
    Session(usize),
    /// Writes a document, if nobody else did.
    Put(usize, bool),
}

#[derive(Clone, Copy, Debug)]
enum Insisted {
    Address,
    Document,
    Group,
    Key,
    Name,
    Person,
}

fn insisted() -> impl Strategy<Value = Insisted> {
    use Insisted::{Address, Document, Group, Key, Name, Person};
    prop::sample::select(vec![Address, Document, Group, Key, Name, Person])
}

fn act() -> impl Strategy<Value = Act> {
    let (name, group) = (|| 0..NAMES, || 0..GROUPS);
    prop_oneof![
        3 => name().prop_map(Act::Create),
        1 => name().prop_map(Act::Delete),
        4 => (group(), name()).prop_map(|(group, name)| Act::Join(group, name)),
        3 => (group(), name()).prop_map(|(group, name)| Act::Leave(group, name)),
        1 => (group(), prop::collection::vec(name(), 0..3)).prop_map(|(group, names)| Act::Set(group, names)),
        1 => (group(), group()).prop_map(|(outer, inner)| Act::Nest(outer, inner)),
        3 => (name(), any::<bool>(), prop::bool::weighted(0.2)).prop_map(|(name, on, old)| Act::Switch(name, on, old)),
        1 => (name(), name()).prop_map(|(name, other)| Act::Rename(name, other)),
        1 => Just(Act::Key),
        6 => (insisted(), name(), any::<bool>()).prop_map(|(on, name, off)| Act::Insist(on, name, off)),
        1 => (group(), name()).prop_map(|(group, name)| Act::Broken(group, name)),
        3 => (name(), 0..3_usize, any::<bool>(), prop::option::of(group()))
            .prop_map(|(name, object, settled, group)| Act::Give(name, object, settled, group)),
        1 => name().prop_map(Act::Mark),
        1 => (name(), any::<bool>()).prop_map(|(name, on)| Act::Hold(name, on)),
        2 => name().prop_map(Act::Session),
        1 => (0..2_usize, any::<bool>()).prop_map(|(number, guarded)| Act::Put(number, guarded)),
    ]
}

/// An engine and what is known of it before a batch.
struct Side {
    bench: Bench,
    directory: IntegrationId,
}

struct Before {
    users: HashMap<usize, ResourceRow>,
    groups: Vec<ResourceRow>,
    grants: HashMap<usize, Vec<i64>>,
    documents: Vec<i64>,
    key: i64,
}

fn name(number: usize) -> String {
    format!("user{number}")
}

impl Side {
    async fn new(place: Place) -> Self {
        let bench = Bench::at(place, Role::Command).await;
        let directory = bench.integration("okta").await;
        for number in 0..GROUPS {
            bench.group(directory, &format!("group{number}")).await;
        }
        for number in 0..NAMES / 2 {
            bench.user(directory, &name(number)).await;
        }
        // There is something to evaluate.
        let rules = Guard::Key { key: "mapping".to_owned(), version: 0, bump: true };
        bench.store.commit(ChangeSet { guards: vec![rules], ..bench.set(Vec::new()) }).await.unwrap();
        Self { bench, directory }
    }

    async fn before(&self) -> Before {
        let (mut users, mut grants) = (HashMap::new(), HashMap::new());
        for number in 0..NAMES {
            let id = id(self.directory, &name(number));
            if let Some(row) = self.bench.store.resource(self.directory, Kind::User, &id, false).await.unwrap() {
                if let Some(person) = &row.person {
                    let open = self.bench.store.grants_of(person.seq, true).await.unwrap();
                    grants.insert(number, open.into_iter().map(|grant| grant.seq).collect());
                }
                users.insert(number, row);
            }
        }
        let mut groups = Vec::new();
        for number in 0..GROUPS {
            let id = id(self.directory, &format!("group{number}"));
            groups.push(self.bench.store.resource(self.directory, Kind::Group, &id, false).await.unwrap().unwrap());
        }
        let mut documents = Vec::new();
        for number in 0..2 {
            let row = self.bench.store.entry("roles", &name(number)).await.unwrap();
            documents.push(row.map_or(0, |row| row.version));
        }
        Before { users, groups, grants, documents, key: self.bench.store.guard("key").await.unwrap() }
    }

    /// The set for an act; `None` when it names somebody who is not there.
    async fn set(&self, before: &Before, number: usize, act: &Act) -> Option<ChangeSet> {
        let mut set = match self.of_directory(before, act).await? {
            Some(set) => set,
            None => self.of_access(before, number, act).await?,
        };
        set.at = self.bench.now();
        let mut event = crate::support::event(EventKind::Patch);
        event.request = format!("req_{number}");
        set.events.push(event);
        Some(set)
    }

    /// What Users and Groups say; inside, `None` when the act is another's.
    async fn of_directory(&self, before: &Before, act: &Act) -> Option<Option<ChangeSet>> {
        let user = |number: &usize| before.users.get(number);
        let member = |number: &usize| user(number).map(|row| ResourceKey::Seq(row.seq));
        let members = |group: usize, change| Write::Members {
            group: ResourceKey::Seq(before.groups[group].seq),
            change,
            wide: false,
        };
        Some(Some(match act {
            Act::Create(name) => self.create(*name).await,
            Act::Delete(name) => ChangeSet {
                guards: vec![Guard::Resource { seq: user(name)?.seq, version: user(name)?.version }],
                writes: vec![Write::DeleteResource { seq: user(name)?.seq, kind: Kind::User }],
                ..ChangeSet::default()
            },
            Act::Join(group, name) => writes(vec![members(*group, MemberWrite::Add(vec![member(name)?]))]),
            Act::Leave(group, name) => writes(vec![members(*group, MemberWrite::Remove(vec![member(name)?]))]),
            Act::Set(group, names) => ChangeSet {
                guards: vec![Guard::Resource {
                    seq: before.groups[*group].seq,
                    version: before.groups[*group].version,
                }],
                ..writes(vec![members(*group, MemberWrite::Set(names.iter().filter_map(member).collect()))])
            },
            Act::Nest(outer, inner) => {
                let inner = ResourceKey::Seq(before.groups[*inner].seq);
                writes(vec![members(*outer, MemberWrite::Add(vec![inner]))])
            }
            Act::Switch(name, on, old) => switch(user(name)?, *name, *on, *old),
            Act::Rename(name, other) => {
                let row = user(name)?;
                let update = ResourceUpdate { seq: row.seq, columns: user_columns(&self::name(*other), row.active) };
                ChangeSet {
                    guards: vec![Guard::Document { seq: row.seq, version: row.document_version }],
                    ..writes(vec![Write::UpdateResource(update)])
                }
            }
            Act::Key => ChangeSet {
                guards: vec![Guard::Key { key: "key".to_owned(), version: before.key, bump: true }],
                ..ChangeSet::default()
            },
            Act::Insist(on, name, off) => self.insist(before, *on, *name, *off).await?,
            Act::Broken(group, name) => writes(vec![
                members(*group, MemberWrite::Add(vec![member(name)?])),
                Write::RevokeToken { id: "tok_nobody".to_owned() },
            ]),
            _ => return Some(None),
        }))
    }

    /// What persons have.
    async fn of_access(&self, before: &Before, number: usize, act: &Act) -> Option<ChangeSet> {
        let user = |number: &usize| before.users.get(number);
        Some(match act {
            Act::Give(name, object, settled, group) => {
                let row = user(name)?;
                let grants = GrantsWrite {
                    person: PersonKey::Seq(row.person.as_ref()?.seq),
                    open: vec![grant(&format!("team{object}"), "hand")],
                    close: before.grants.get(name).cloned().unwrap_or_default(),
                    settled: settled.then_some(i64::MAX),
                };
                let join = group.map(|group| Write::Members {
                    group: ResourceKey::Seq(before.groups[group].seq),
                    change: MemberWrite::Add(vec![ResourceKey::Seq(row.seq)]),
                    wide: false,
                });
                writes(join.into_iter().chain([Write::Grants(grants)]).collect())
            }
            Act::Mark(name) => {
                let persons = vec![user(name)?.person.as_ref()?.seq];
                writes(vec![Write::MarkDirty(Dirty::Persons(persons))])
            }
            Act::Hold(name, on) => {
                let persons = vec![user(name)?.person.as_ref()?.seq];
                writes(vec![match on {
                    true => Write::Hold { persons, hold: "hold".to_owned(), state: HeldState::Waiting },
                    false => Write::Release { persons },
                }])
            }
            Act::Session(name) => writes(vec![session(user(name)?.person.as_ref()?.seq, number)]),
            Act::Put(document, guarded) => {
                let id = self::name(*document);
                let version = before.documents[*document];
                let guard = Guard::Entry { collection: "roles".to_owned(), id: id.clone(), version };
                ChangeSet {
                    guards: guarded.then_some(guard).into_iter().collect(),
                    ..writes(vec![Write::PutEntry(EntryWrite {
                        collection: "roles".to_owned(),
                        id,
                        parent: None,
                        state: None,
                        due: None,
                        doc: format!(r#"{{"n":{number}}}"#),
                    })])
                }
            }
            _ => return None,
        })
    }

    /// A guard that held before the batch, or one that did not.
    async fn insist(&self, before: &Before, on: Insisted, number: usize, off: bool) -> Option<ChangeSet> {
        let by = i64::from(off);
        let user = before.users.get(&number);
        let group = &before.groups[number % GROUPS];
        let guard = match on {
            Insisted::Address => self.candidates(&format!("no {}", name(number)), &name(number), off).await,
            Insisted::Name => self.candidates(&name(number), &format!("no {}", name(number)), off).await,
            Insisted::Document => Guard::Document { seq: user?.seq, version: user?.document_version - by },
            Insisted::Group => Guard::Resource { seq: group.seq, version: group.version - by },
            Insisted::Key => Guard::Key { key: "key".to_owned(), version: before.key + by, bump: false },
            Insisted::Person => {
                let person = user?.person.as_ref()?;
                Guard::Person { seq: person.seq, epoch: person.epoch - by }
            }
        };
        Some(ChangeSet { guards: vec![guard], ..ChangeSet::default() })
    }

    async fn candidates(&self, name: &str, mailbox: &str, off: bool) -> Guard {
        let (user_name_key, email_keys) = (unique_key(name), vec![unique_key(&format!("{mailbox}@example.com"))]);
        let found = self.bench.store.candidates(&user_name_key, &email_keys).await.unwrap();
        let mut persons: Vec<String> = found.into_iter().map(|candidate| candidate.person.id).collect();
        if off {
            persons.push("per_nobody".to_owned());
        }
        persons.sort_unstable();
        Guard::Candidates { user_name_key, email_keys, persons }
    }

    async fn create(&self, number: usize) -> ChangeSet {
        let name = name(number);
        let guards = vec![self.candidates(&name, &name, false).await];
        let mut set = crate::support::new_user(self.bench.now(), self.directory, &name);
        set.events.clear();
        ChangeSet { guards, ..set }
    }

    /// Everything that does not depend on numbers.
    fn state(&self) -> Vec<Vec<Vec<String>>> {
        [
            "SELECT r.id, r.name_match, r.display, CASE WHEN r.active THEN 'on' ELSE 'off' END, p.id, p.epoch, p.state
             FROM resource r LEFT JOIN person p ON p.seq = r.person ORDER BY 1",
            "SELECT id, epoch, state, user_name_key, CASE WHEN authority IS NULL THEN 'none' ELSE 'one' END FROM person
             ORDER BY 1",
            "SELECT g.id, r.id FROM membership m JOIN resource g ON g.seq = m.grp JOIN resource r ON r.seq = m.member
             ORDER BY 1, 2",
            "SELECT e.key, r.id FROM email e JOIN resource r ON r.seq = e.resource ORDER BY 1, 2",
            "SELECT key, version FROM guard ORDER BY 1",
            "SELECT p.id, g.object, CASE WHEN g.until_at IS NULL THEN 'open' ELSE 'closed' END, count(*)
             FROM access_grant g JOIN person p ON p.seq = g.person GROUP BY 1, 2, 3 ORDER BY 1, 2, 3",
            "SELECT p.id FROM dirty d JOIN person p ON p.seq = d.person ORDER BY 1",
            "SELECT p.id, h.hold FROM held h JOIN person p ON p.seq = h.person ORDER BY 1",
            "SELECT p.id, c.id FROM credential c JOIN person p ON p.seq = c.person ORDER BY 1, 2",
            "SELECT p.id, s.before, s.after, count(*) FROM person_state s JOIN person p ON p.seq = s.person
             GROUP BY 1, 2, 3 ORDER BY 1, 2, 3",
            "SELECT users, groups, nested FROM integration",
            "SELECT e.request, e.kind, e.resource, count(*) FROM event e GROUP BY 1, 2, 3 ORDER BY 1, 2, 3",
            // Sequence order is commit order: no row is newer than the sequence.
            "SELECT count(*) FROM event WHERE seq > (SELECT value FROM sequence WHERE name = 'change')",
        ]
        .map(|text| {
            let mut rows = self.bench.place.rows(text);
            // Engines differ in where NULL stands.
            rows.sort_unstable();
            rows
        })
        .into()
    }
}

fn writes(writes: Vec<Write>) -> ChangeSet {
    ChangeSet { writes, ..ChangeSet::default() }
}

fn switch(row: &ResourceRow, number: usize, on: bool, old: bool) -> ChangeSet {
    let name = name(number);
    let update = ResourceUpdate { seq: row.seq, columns: user_columns(&name, on) };
    let mut set = ChangeSet {
        guards: vec![Guard::Resource { seq: row.seq, version: row.version - i64::from(old) }],
        ..writes(vec![Write::UpdateResource(update)])
    };
    if let Some(person) = &row.person {
        set.guards.push(Guard::Person { seq: person.seq, epoch: person.epoch });
        let facts = PersonFacts {
            state: if on { State::Active } else { State::Inactive },
            display: name.clone(),
            email: None,
            email_key: Some(unique_key(&format!("{name}@example.com"))),
            user_name: Some(name.clone()),
            user_name_key: Some(unique_key(&name)),
        };
        set.writes.push(Write::UpdatePerson(PersonUpdate { seq: person.seq, facts, authority: None }));
    }
    set
}

fn session(person: i64, number: usize) -> Write {
    let mut digest = [0; 32];
    digest[..8].copy_from_slice(&number.to_be_bytes());
    Write::InsertCredential(NewCredential {
        id: format!("ses_{number}"),
        kind: CredentialKind::Session,
        person: Some(PersonKey::Seq(person)),
        service: None,
        label: String::new(),
        digest,
        scopes: "[]".to_owned(),
        expires: None,
    })
}

/// How a set ended, without numbers.
fn word(outcome: &Result<bailiwick_store::Committed, Error>) -> String {
    match outcome {
        Ok(done) => {
            let mut revoked = done.revoked.clone();
            revoked.sort_by(|one, other| one.0.cmp(&other.0));
            format!("done, changed {}, marked {}, revoked {revoked:?}", done.changed, done.dirty.len())
        }
        // Each engine says in its own words that an id is taken.
        Err(Error::Unavailable(_)) => "unavailable".to_owned(),
        Err(error) => format!("{error:?}"),
    }
}

async fn compare(batches: Vec<Vec<Act>>) {
    let sides = [Side::new(Place::folder()).await, Side::new(Place::schema()).await];
    let mut request = 0;
    for acts in batches {
        let first = request;
        let mut outcomes = Vec::new();
        for side in &sides {
            let before = side.before().await;
            let mut sets = Vec::new();
            for (index, act) in acts.iter().enumerate() {
                sets.extend(side.set(&before, first + index, act).await);
            }
            request = first + acts.len();
            let done = side.bench.store.commit_all(sets).await.unwrap();
            outcomes.push(done.iter().map(word).collect::<Vec<_>>());
        }
        assert_eq!(outcomes[0], outcomes[1], "{acts:?}");
        assert_eq!(sides[0].state(), sides[1].state(), "{acts:?}");
    }
}

#[test]
#[ignore = "needs PostgreSQL: cargo xtask test"]
fn a_batch_is_what_its_sets_are_one_after_another() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let batches = prop::collection::vec(prop::collection::vec(act(), 1..14), 1..8);
    let config =
        ProptestConfig { cases: 40, failure_persistence: None, max_shrink_iters: 200, ..ProptestConfig::default() };
    proptest!(config, |(batches in batches)| runtime.block_on(compare(batches)));
}
