//! The catalog as it stood at a moment: today's items, with every change since then taken back by what the journal
//! tells of it. The present is the moment with nothing to take back.

use super::find::{self, Found};
use crate::Refusal;
use crate::app::App;
use crate::error::of_store;
use bailiwick_domain::catalog::limits::LEVELS;
use bailiwick_domain::catalog::{DEFAULT_NAMESPACE, Kind, Owner, Reference, history, ownership};
use bailiwick_domain::ids::Millis;
use bailiwick_scim::Object;
use bailiwick_scim::text::match_key;
use bailiwick_store::query::{EventQuery, ItemQuery};
use bailiwick_store::rows::{EventRow, ItemRow};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Most items that are looked at.
const ITEMS: usize = 50_000;
/// Most changes that are taken back.
const CHANGES: usize = 20_000;
/// Rows read at once.
const PAGE: u32 = 1_000;

/// Who answers for an item, or what it is part of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// The item of this id.
    Item(String),
    /// The person of this row.
    Person(i64),
    /// What this text leads to.
    Text(String),
}

/// An item as it was.
#[derive(Clone, Debug)]
pub(crate) struct Thing {
    /// Id.
    pub(crate) id: String,
    /// Kind.
    pub(crate) kind: String,
    /// Title.
    pub(crate) title: String,
    /// What it says of its owner.
    owner: Option<Said>,
    /// What it says to be part of.
    above: Option<Said>,
    /// The document as JSON text, where documents were asked for.
    doc: String,
}

/// The catalog as it stood.
#[derive(Debug, Default)]
pub(crate) struct Then {
    /// Every item by id.
    pub(crate) items: BTreeMap<String, Thing>,
    /// What cannot be told, in sentences.
    pub(crate) gaps: Vec<String>,
    /// Names of the items that were changed since, as they were.
    names: HashMap<(String, String), String>,
    /// Persons that documents of then name.
    persons: HashMap<String, i64>,
}

/// The owner of an item that counts.
pub(crate) struct Answers<'a> {
    /// The team or person; never [`Said::Text`].
    pub(crate) owner: &'a Said,
    /// The system or domain it is inherited from.
    pub(crate) through: Option<&'a Thing>,
}

impl Then {
    /// The owner of an item that counts, where it is there.
    pub(crate) fn owner(&self, item: &Thing) -> Option<Answers<'_>> {
        let item = self.items.get(&item.id)?;
        let told = self.chain(item).into_iter().map(|place| (place, place.owner.as_ref()));
        let found = ownership::effective(item.owner.as_ref(), told)?;
        Some(Answers { owner: found.owner, through: found.through })
            .filter(|found| !matches!(found.owner, Said::Text(_)))
    }

    /// What an item is part of, the nearest first.
    pub(crate) fn chain(&self, item: &Thing) -> Vec<&Thing> {
        let mut chain: Vec<&Thing> = Vec::new();
        let mut next = item.above.as_ref();
        while let Some(Said::Item(id)) = next {
            let Some(place) = self.items.get(id) else { break };
            if chain.len() > LEVELS || chain.iter().any(|known| known.id == place.id) {
                break;
            }
            chain.push(place);
            next = place.above.as_ref();
        }
        chain
    }

    /// The document of an item, if documents were asked for.
    pub(crate) fn document(&self, item: &Thing) -> Option<Object> {
        serde_json::from_str(&item.doc).ok()
    }

    /// Leads what items say to what was there then.
    fn resolve(&mut self) {
        let mut lead = Vec::new();
        for item in self.items.values() {
            lead.push((item.id.clone(), self.lead_owner(item), self.lead_above(item)));
        }
        for (id, owner, above) in lead {
            if let Some(item) = self.items.get_mut(&id) {
                (item.owner, item.above) = (owner, above);
            }
        }
    }

    fn lead_owner(&self, item: &Thing) -> Option<Said> {
        let said = item.owner.as_ref()?;
        let Said::Text(text) = said else { return Some(said.clone()) };
        let led = match Owner::parse(text, DEFAULT_NAMESPACE) {
            Ok(Owner::Team(team)) => self.named(&team).map(Said::Item),
            Ok(Owner::Person(person)) => self.persons.get(&person).copied().map(Said::Person),
            Err(_) => None,
        };
        led.or_else(|| Some(said.clone()))
    }

    fn lead_above(&self, item: &Thing) -> Option<Said> {
        let said = item.above.as_ref()?;
        let Said::Text(text) = said else { return Some(said.clone()) };
        let led = Reference::pointing(text, &kind_above(&item.kind), DEFAULT_NAMESPACE).ok();
        led.and_then(|reference| self.named(&reference)).map(Said::Item).or_else(|| Some(said.clone()))
    }

    fn named(&self, reference: &Reference) -> Option<String> {
        self.names.get(&(reference.space(), reference.name_key())).cloned()
    }
}

/// The kind of what an item is part of.
fn kind_above(kind: &str) -> Kind {
    match kind {
        "team" => Kind::Team,
        "domain" | "system" => Kind::Domain,
        _ => Kind::System,
    }
}

/// The key under which a document says what it is part of.
fn key_above(kind: &str) -> &'static str {
    match kind {
        "team" | "domain" => "parent",
        "system" => "domain",
        _ => "system",
    }
}

/// The catalog at a moment, or now; `documents` when filters will ask about them.
pub(crate) async fn at(app: &App, moment: Option<Millis>, documents: bool) -> Result<Then, Refusal> {
    let mut then = Then::default();
    // Items before changes: to take back a change that came in between does no harm, to overlook one does.
    let mut rows = rows(app, &mut then.gaps).await?;
    let changes = match moment {
        Some(moment) => changes(app, moment).await?,
        None => Some(Vec::new()),
    };
    let Some(changes) = changes else {
        let told = "More than 20,000 changes of the catalog since then: which entities were owned is not told.";
        then.gaps.push(told.to_owned());
        return Ok(then);
    };
    let mut changed: BTreeMap<String, Vec<EventRow>> = BTreeMap::new();
    for event in changes {
        if let Some(id) = event.resource.clone() {
            changed.entry(id).or_default().push(event);
        }
    }
    let mut unknown = 0_u64;
    let mut absent = BTreeSet::new();
    let mut found = Vec::new();
    for (id, events) in changed {
        let row = match rows.remove(&id) {
            Some(row) => Some(row),
            None => app.store().item(&id).await.map_err(of_store)?,
        };
        let today = row.as_ref().and_then(|row| serde_json::from_str::<Object>(&row.doc).ok());
        match undone(today.clone(), &events) {
            Undone::Nothing => {
                absent.insert(id);
            }
            Undone::Unknown => unknown += 1,
            Undone::Was(document) => found.push((id, row, today, document)),
        }
    }
    let wanted = found.into_iter().map(|(id, row, today, document)| {
        (was(&id, row.as_ref(), today.as_ref(), &document, documents, &absent), document)
    });
    let wanted: Vec<(Thing, Object)> = wanted.collect();
    if unknown > 0 {
        then.gaps
            .push(format!("Items of which the journal cannot tell how they were then: {unknown}. They are left out."));
    }
    for row in rows.into_values() {
        let thing = thing(row, documents, &absent);
        then.items.insert(thing.id.clone(), thing);
    }
    insert_undone(app, &mut then, wanted).await?;
    then.resolve();
    Ok(then)
}

/// Every item there is, by id.
async fn rows(app: &App, gaps: &mut Vec<String>) -> Result<BTreeMap<String, ItemRow>, Refusal> {
    let (mut rows, mut after) = (BTreeMap::new(), None);
    loop {
        let query = ItemQuery { after, limit: PAGE, ..ItemQuery::default() };
        let page = app.store().items(query).await.map_err(of_store)?;
        for mut row in page.rows {
            row.keys = String::new();
            rows.insert(row.id.clone(), row);
        }
        after = page.next;
        if after.is_none() {
            return Ok(rows);
        }
        if rows.len() >= ITEMS {
            gaps.push("The catalog has more than 50,000 items: those behind are not looked at.".to_owned());
            return Ok(rows);
        }
    }
}

/// The changes of items after a moment, the newest first; `None` when there are too many.
async fn changes(app: &App, moment: Millis) -> Result<Option<Vec<EventRow>>, Refusal> {
    let mut all: Vec<EventRow> = Vec::new();
    for kind in ["entity:*", "team:*"] {
        let mut before = None;
        loop {
            let query = EventQuery {
                kind: Some(kind.to_owned()),
                since: Some(Millis(moment.0.saturating_add(1))),
                before,
                limit: PAGE,
                payloads: true,
                ..EventQuery::default()
            };
            let page = app.store().events(query).await.map_err(of_store)?;
            before = page.last().map(|event| event.seq);
            let more = page.len() >= PAGE as usize;
            all.extend(page);
            if all.len() > CHANGES {
                return Ok(None);
            }
            if !more {
                break;
            }
        }
    }
    all.sort_by_key(|event| std::cmp::Reverse(event.seq));
    Ok(Some(all))
}

/// What is left of an item when its changes are taken back.
enum Undone {
    /// It was not there.
    Nothing,
    /// It was there, and nobody knows how.
    Unknown,
    /// It said this.
    Was(Object),
}

/// Takes back the changes of one item, the newest first.
fn undone(today: Option<Object>, events: &[EventRow]) -> Undone {
    let mut state = today.map_or(Undone::Nothing, Undone::Was);
    for event in events {
        let told = |key: &str| event.payload.as_ref().and_then(|payload| payload.get(key));
        state = match event.kind.as_str() {
            "entity:create" | "team:create" => Undone::Nothing,
            "entity:delete" | "team:delete" => {
                told("before").and_then(Value::as_object).map_or(Undone::Unknown, |before| Undone::Was(before.clone()))
            }
            "entity:change" | "team:change" => match (state, told("changes").and_then(Value::as_array)) {
                (Undone::Was(mut document), Some(changes)) => match history::undo(&mut document, changes) {
                    true => Undone::Was(document),
                    false => Undone::Unknown,
                },
                _ => Undone::Unknown,
            },
            // A group begins or ends to feed a team: the team itself stays as it is.
            _ => state,
        };
    }
    state
}

/// An item that was not changed since.
fn thing(row: ItemRow, documents: bool, absent: &BTreeSet<String>) -> Thing {
    let (owner, above) = (tie(&row, absent), tie_above(&row, absent));
    let doc = if documents { row.doc } else { String::new() };
    Thing { id: row.id, kind: row.kind, title: row.title, owner, above, doc }
}

/// Whom a row says to be its owner. What was not there then cannot have been meant: the text alone is.
fn tie(row: &ItemRow, absent: &BTreeSet<String>) -> Option<Said> {
    let team = row.owner.as_ref().filter(|team| !absent.contains(&team.id)).map(|team| Said::Item(team.id.clone()));
    team.or(row.owner_person.map(Said::Person)).or_else(|| row.owner_ref.clone().map(Said::Text))
}

/// What a row says to be part of, likewise.
fn tie_above(row: &ItemRow, absent: &BTreeSet<String>) -> Option<Said> {
    let above = row.parent.as_ref().filter(|above| !absent.contains(&above.id));
    above.map(|above| Said::Item(above.id.clone())).or_else(|| row.parent_ref.clone().map(Said::Text))
}

/// An item as its changes were taken back. What it says as it does today leads where it leads today, for an alias that
/// a renaming left behind stands in no document.
fn was(
    id: &str,
    row: Option<&ItemRow>,
    today: Option<&Object>,
    document: &Object,
    documents: bool,
    absent: &BTreeSet<String>,
) -> Thing {
    let text = |key: &str| document.get(key).and_then(Value::as_str);
    let kind = text("kind").unwrap_or_default().to_owned();
    let said = |key: &str, tied: fn(&ItemRow, &BTreeSet<String>) -> Option<Said>| {
        let same = today.is_some_and(|today| today.get(key) == document.get(key));
        let tied = row.filter(|_| same).and_then(|row| tied(row, absent));
        tied.or_else(|| text(key).map(|text| Said::Text(text.to_owned())))
    };
    Thing {
        id: id.to_owned(),
        title: text("title").or_else(|| text("name")).unwrap_or_default().to_owned(),
        owner: said("owner", tie),
        above: said(key_above(&kind), tie_above),
        kind,
        // A map of JSON values always serialises.
        doc: if documents { serde_json::to_string(document).unwrap_or_default() } else { String::new() },
    }
}

/// Puts the items whose changes were taken back among the others, and finds out whom their owners mean.
async fn insert_undone(app: &App, then: &mut Then, wanted: Vec<(Thing, Object)>) -> Result<(), Refusal> {
    let mut texts: Vec<(String, Kind, bool)> = Vec::new();
    for (thing, document) in wanted {
        let text = |key: &str| document.get(key).and_then(Value::as_str);
        let kind = Kind::parse(&thing.kind).unwrap_or_else(|_| Kind::Other(thing.kind.as_str().into()));
        let space = format!("{kind}:{}", text("namespace").unwrap_or(DEFAULT_NAMESPACE));
        let aliases = document.get("aliases").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        for name in aliases.chain(text("name")) {
            then.names.insert((space.clone(), match_key(name).into_owned()), thing.id.clone());
        }
        if let Some(Said::Text(text)) = &thing.owner {
            texts.push((text.clone(), Kind::Team, true));
        }
        if let Some(Said::Text(text)) = &thing.above {
            texts.push((text.clone(), kind_above(&thing.kind), false));
        }
        then.items.insert(thing.id.clone(), thing);
    }
    let mut nobody = BTreeSet::new();
    for (text, kind, owner) in texts {
        match Owner::parse(&text, DEFAULT_NAMESPACE) {
            Ok(Owner::Person(person)) if owner => match find::person(app, &person).await? {
                Found::One(row) => {
                    then.persons.insert(person, row.seq);
                }
                Found::Nobody | Found::Several(_) => {
                    nobody.insert(person);
                }
            },
            _ => lead_by_name(app, then, &text, &kind).await?,
        }
    }
    if !nobody.is_empty() {
        let names: Vec<String> = nobody.iter().take(5).map(|name| format!("\"{}\"", find::shown(name))).collect();
        let (count, names) = (nobody.len(), names.join(", "));
        then.gaps.push(format!("{count} owners named then lead to nobody today, among them {names}: not counted."));
    }
    Ok(())
}

/// Where a name leads that no item of those changed since had then: to whom it leads today, if that was there.
async fn lead_by_name(app: &App, then: &mut Then, text: &str, kind: &Kind) -> Result<(), Refusal> {
    let Ok(reference) = Reference::pointing(text, kind, DEFAULT_NAMESPACE) else { return Ok(()) };
    let key = (reference.space(), reference.name_key());
    if then.names.contains_key(&key) {
        return Ok(());
    }
    if let Some(row) = find::by_reference(app, &reference).await?
        && then.items.contains_key(&row.id)
    {
        then.names.insert(key, row.id);
    }
    Ok(())
}
