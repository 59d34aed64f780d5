//! The guards of several sets at once: a statement for each kind of guard, however many there are.

use super::session::Session;
use crate::change::{ChangeSet, Guard};
use crate::commit::common::MAPPING;
use crate::commit::guards::{quiet, since};
use crate::error::Error;
use crate::sql::{Exec as _, Param, Query, Sql};
use futures_util::future::{try_join, try_join3, try_join4};
use std::collections::{HashMap, HashSet};

/// The version of resources: of their documents, and for Groups with their last member change.
const RESOURCES: Sql = Sql::same(
    "SELECT seq, version, greatest(version, coalesce((SELECT c.seq FROM member_change AS c WHERE c.grp = resource.seq
       ORDER BY c.seq DESC LIMIT 1), 0))
     FROM resource WHERE seq = ANY(?1)",
);
const PERSONS: Sql = Sql::same("SELECT seq, epoch FROM person WHERE seq = ANY(?1)");
const ITEMS: Sql = Sql::same("SELECT seq, version FROM item WHERE seq = ANY(?1)");
const ENTRIES: Sql = Sql::same(
    "SELECT e.collection, e.id, e.version FROM unnest(?1, ?2) AS n (collection, id)
     JOIN entry AS e ON e.collection = n.collection AND e.id = n.id",
);
const KEYS: Sql = Sql::same("SELECT key, version FROM guard WHERE key = ANY(?1)");
/// Who answers to which names and addresses: the same as `answers!` in `sql/read/persons.rs` says of one name. The
/// contract test `guards_get_one_verdict_however_they_are_asked` holds the two together.
const CANDIDATES: Sql = Sql::same(
    "SELECT g.key, g.named, p.id
     FROM (SELECT key, true AS named FROM unnest(?1) AS n (key)
           UNION ALL SELECT key, false FROM unnest(?2) AS a (key)) AS g
     CROSS JOIN LATERAL (
       SELECT seq FROM person WHERE g.named AND user_name_key = g.key
       UNION ALL
       SELECT (SELECT r.person FROM resource AS r WHERE r.integration = i.id AND r.name_unique = g.key)
       FROM integration AS i WHERE g.named
       UNION ALL
       SELECT seq FROM person WHERE NOT g.named AND email_key = g.key
       UNION ALL
       SELECT (SELECT r.person FROM resource AS r WHERE r.seq = e.resource) FROM email AS e
       WHERE NOT g.named AND e.key = g.key) AS c
     CROSS JOIN person AS p WHERE p.seq = c.seq AND p.state <> 3",
);

/// What the guards of some sets ask for.
#[derive(Default)]
struct Asked {
    resources: HashSet<i64>,
    persons: HashSet<i64>,
    items: HashSet<i64>,
    entries: HashSet<(String, String)>,
    /// The least number behind which the feed is to be quiet.
    feed: Option<i64>,
    keys: HashSet<String>,
    names: HashSet<String>,
    addresses: HashSet<String>,
}

/// What is there.
struct Found {
    /// Version of the document, and effective version.
    resources: HashMap<i64, (i64, i64)>,
    persons: HashMap<i64, i64>,
    items: HashMap<i64, i64>,
    entries: HashMap<(String, String), i64>,
    feed: Vec<(i64, String)>,
    keys: HashMap<String, i64>,
    /// Persons by the name or address that they answer to.
    candidates: HashMap<(String, bool), Vec<String>>,
}

/// Whether all guards of each set hold, and whether there is anything to evaluate.
pub(super) async fn hold(session: &Session, sets: &[&ChangeSet]) -> Result<(Vec<bool>, bool), Error> {
    let mut asked = Asked::default();
    sets.iter().flat_map(|set| &set.guards).for_each(|guard| asked.add(guard));
    asked.keys.insert(MAPPING.to_owned());
    let found = asked.find(session).await?;
    let verdicts = sets.iter().map(|set| set.guards.iter().all(|guard| found.holds(guard))).collect();
    Ok((verdicts, found.keys.contains_key(MAPPING)))
}

impl Asked {
    fn add(&mut self, guard: &Guard) {
        match guard {
            Guard::Candidates { user_name_key, email_keys, .. } => {
                self.names.insert(user_name_key.clone());
                self.addresses.extend(email_keys.iter().cloned());
            }
            Guard::Document { seq, .. } | Guard::Resource { seq, .. } => drop(self.resources.insert(*seq)),
            Guard::Entry { collection, id, .. } => drop(self.entries.insert((collection.clone(), id.clone()))),
            Guard::Feed { after, .. } => self.feed = Some(self.feed.map_or(*after, |least| least.min(*after))),
            Guard::Item { seq, .. } => drop(self.items.insert(*seq)),
            Guard::Key { key, .. } => drop(self.keys.insert(key.clone())),
            Guard::Person { seq, .. } => drop(self.persons.insert(*seq)),
        }
    }

    async fn find(self, session: &Session) -> Result<Found, Error> {
        let ints = |set: HashSet<i64>| Param::Ints(set.into_iter().collect());
        let texts = |set: HashSet<String>| Param::Texts(set.into_iter().collect());
        let resources = async {
            if self.resources.is_empty() {
                return Ok(Vec::new());
            }
            let read =
                Query::new(RESOURCES, [ints(self.resources)], |row| Ok((row.int(0)?, (row.int(1)?, row.int(2)?))));
            session.all(read).await
        };
        let persons = async {
            if self.persons.is_empty() {
                return Ok(Vec::new());
            }
            session.all(Query::new(PERSONS, [ints(self.persons)], |row| Ok((row.int(0)?, row.int(1)?)))).await
        };
        let keys = async {
            if self.keys.is_empty() {
                return Ok(Vec::new());
            }
            session.all(Query::new(KEYS, [texts(self.keys)], |row| Ok((row.string(0)?, row.int(1)?)))).await
        };
        let items = async {
            if self.items.is_empty() {
                return Ok(Vec::new());
            }
            session.all(Query::new(ITEMS, [ints(self.items)], |row| Ok((row.int(0)?, row.int(1)?)))).await
        };
        let entries = async {
            if self.entries.is_empty() {
                return Ok(Vec::new());
            }
            let (collections, ids): (Vec<String>, Vec<String>) = self.entries.into_iter().unzip();
            let params = [Param::Texts(collections.into()), Param::Texts(ids.into())];
            let read = Query::new(ENTRIES, params, |row| Ok(((row.string(0)?, row.string(1)?), row.int(2)?)));
            session.all(read).await
        };
        let candidates = async {
            if self.names.is_empty() && self.addresses.is_empty() {
                return Ok(Vec::new());
            }
            let params = [texts(self.names), texts(self.addresses)];
            let read = Query::new(CANDIDATES, params, |row| Ok(((row.string(0)?, row.flag(1)?), row.string(2)?)));
            session.all(read).await
        };
        let feed = async {
            match self.feed {
                Some(after) => session.all(since(after)).await,
                None => Ok(Vec::new()),
            }
        };
        let rows = try_join4(resources, persons, keys, candidates);
        let ((resources, persons, keys, answers), (items, entries, feed)) =
            try_join(rows, try_join3(items, entries, feed)).await?;
        let mut candidates: HashMap<(String, bool), Vec<String>> = HashMap::new();
        for (key, person) in answers {
            candidates.entry(key).or_default().push(person);
        }
        Ok(Found {
            resources: resources.into_iter().collect(),
            persons: persons.into_iter().collect(),
            items: items.into_iter().collect(),
            entries: entries.into_iter().collect(),
            feed,
            keys: keys.into_iter().collect(),
            candidates,
        })
    }
}

impl Found {
    fn holds(&self, guard: &Guard) -> bool {
        match guard {
            Guard::Candidates { user_name_key, email_keys, persons } => {
                let names = std::iter::once((user_name_key.clone(), true));
                let keys = names.chain(email_keys.iter().map(|key| (key.clone(), false)));
                let mut found: Vec<&String> = keys.filter_map(|key| self.candidates.get(&key)).flatten().collect();
                found.sort_unstable();
                found.dedup();
                found.into_iter().eq(persons)
            }
            Guard::Document { seq, version } => {
                self.resources.get(seq).is_some_and(|(document, _)| document == version)
            }
            Guard::Entry { collection, id, version } => {
                self.entries.get(&(collection.clone(), id.clone())).copied().unwrap_or(0) == *version
            }
            Guard::Feed { after, kinds } => quiet(&self.feed, *after, kinds),
            Guard::Item { seq, version } => self.items.get(seq) == Some(version),
            Guard::Key { key, version, .. } => self.keys.get(key).copied().unwrap_or(0) == *version,
            Guard::Person { seq, epoch } => self.persons.get(seq) == Some(epoch),
            Guard::Resource { seq, version } => self.resources.get(seq).is_some_and(|(_, whole)| whole == version),
        }
    }
}
