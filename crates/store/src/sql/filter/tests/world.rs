//! Random resources in a bare database, and the same resources as a client sees them.

use std::sync::Arc;

use bailiwick_domain::ids::{Kind, resource_id};
use bailiwick_domain::names::email_key;
use bailiwick_domain::person::display_name;
use bailiwick_scim::Object;
use bailiwick_scim::keys::comparison_keys;
use bailiwick_scim::schema::{Attribute, ENTERPRISE_USER, Registry, ResourceType, Schema, Type};
use bailiwick_scim::text::{match_key, unique_key};
use rusqlite::{Connection, params};
use serde_json::{Value, json};

use super::twin::Twin;
use crate::query::PageQuery;
use crate::rows::Page;
use crate::rows::ResourceRow;
use crate::sql::Dialect;
use crate::sql::page;
use crate::sql::read::resources::by_seq;
use crate::sqlite::exec::{self, done};
use crate::sqlite::functions::register;
use crate::sqlite::page::read;

pub(super) const BASE: &str = "https://x.example/it's/scim/v2";
pub(super) const ETAG_KEY: [u8; 32] = [7; 32];
pub(super) const TEXTS: &[&str] = &[
    "",
    "a",
    "A",
    "ab",
    "AB c",
    "b",
    "i",
    "I",
    "İ",
    "ß",
    "ẞ",
    "SS",
    "Σς",
    "σσ",
    "é",
    "e\u{301}",
    "%",
    "_a",
    "'",
    "\"",
    "work",
    "Home",
    "direct",
    "indirect",
    "User",
    "group",
    "x@y.z",
    "X@Y.z",
    "\u{10ffff}",
    "a\u{10ffff}",
    "\u{d7ff}",
    "1",
    "{}",
    "[]",
    "AAAA",
    "AAAB",
    "a\\b",
    "a\0b",
    " ",
    " a",
    "\u{a8}a",
    "a\u{a0}",
    "\u{301}x",
];
pub(super) const NUMBERS: &[&str] = &[
    "0",
    "1",
    "-1",
    "2",
    "0.5",
    "1.0",
    "1.5",
    "-2.25",
    "9007199254740992",
    "9007199254740993",
    "9223372036854775807",
    "1e3",
    "1e16",
    "0.1",
    "1e300",
    "-1e-300",
    "18446744073709551615",
];
pub(super) const INSTANTS: &[&str] = &[
    "1970-01-01T00:00:01Z",
    "1970-01-01T00:00:01.001Z",
    "1970-01-01T00:00:01.0005Z",
    "1970-01-01T01:00:01+01:00",
    "2026-01-01T00:00:00Z",
    "1969-12-31T23:59:59.9999Z",
    "1970-01-01T00:00:02",
];

/// A little deterministic randomness.
pub(super) struct Dice {
    pub(super) seed: u64,
    /// Whether values may be of another type than their attribute, as after a change of schema.
    pub(super) odd: bool,
}

impl Dice {
    pub(super) fn below(&mut self, end: usize) -> usize {
        self.seed = self.seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.seed;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % end as u64).unwrap()
    }

    pub(super) fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }
}

/// What can be asked about a kind of resource.
struct Words {
    paths: Vec<String>,
    complex: Vec<String>,
}

pub(super) struct World {
    connection: Connection,
    /// Whether values may be of another type than their attribute.
    odd: bool,
    /// The same rows on PostgreSQL, if there is one for tests.
    twin: Option<Twin>,
    pub(super) registry: Registry,
    /// Texts that filters may ask for: ids, addresses, versions.
    pub(super) texts: Vec<String>,
    words: [Words; 2],
    seen: [Vec<Object>; 2],
}

fn extension() -> Value {
    let simple = |name: &str, kind: &str, multi: bool, exact: bool| json!({"name": name, "type": kind, "multiValued": multi, "caseExact": exact});
    let all = |multi: bool| {
        vec![
            simple("folded", "string", multi, false),
            simple("exact", "string", multi, true),
            simple("whole", "integer", multi, false),
            simple("ratio", "decimal", multi, false),
            simple("when", "dateTime", multi, false),
            simple("flag", "boolean", multi, false),
        ]
    };
    let mut attributes = all(false);
    attributes.extend(all(true).into_iter().map(|mut one| {
        one["name"] = format!("{}s", one["name"].as_str().unwrap()).into();
        one
    }));
    let mut subs = all(false);
    subs.push(simple("value", "string", false, false));
    subs.push(simple("tags", "string", true, false));
    subs.push(simple("codes", "integer", true, false));
    attributes.push(json!({"name": "one", "type": "complex", "subAttributes": subs}));
    attributes.push(json!({"name": "many", "type": "complex", "multiValued": true, "subAttributes": subs}));
    json!({"id": "urn:example:it:2.0:X", "name": "X", "attributes": attributes})
}

impl World {
    pub(super) fn random(dice: &mut Dice) -> Self {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(include_str!("../../../../../../migrations/sqlite/0001_base.sql")).unwrap();
        connection.execute_batch(include_str!("../../../../../../migrations/sqlite/0002_search.sql")).unwrap();
        connection.pragma_update(None, "foreign_keys", false).unwrap();
        register(&connection).unwrap();
        let registry = Registry::with_extensions(&[extension()]).unwrap();
        let words = [words(registry.user()), words(registry.group())];
        let mut world = Self {
            connection,
            odd: dice.odd,
            twin: None,
            registry,
            texts: Vec::new(),
            words,
            seen: [Vec::new(), Vec::new()],
        };
        world.fill(dice);
        world
    }

    pub(super) fn resource_type(&self, kind: Kind) -> &ResourceType {
        match kind {
            Kind::Group => self.registry.group(),
            Kind::User => self.registry.user(),
        }
    }

    pub(super) fn paths(&self, kind: Kind) -> &[String] {
        &self.words[kind as usize - 1].paths
    }

    pub(super) fn complex(&self, kind: Kind) -> &[String] {
        &self.words[kind as usize - 1].complex
    }

    pub(super) fn subs(&self, kind: Kind, parent: &str) -> Vec<String> {
        let target = self.registry.resolve(self.resource_type(kind), parent).unwrap();
        let subs: Vec<String> = target.attribute.sub_attributes.iter().map(|sub| sub.name.clone()).collect();
        if subs.is_empty() { vec!["value".to_owned()] } else { subs }
    }

    /// The resources of a kind as a client sees them, in the order of creation.
    pub(super) fn seen(&self, kind: Kind) -> &[Object] {
        &self.seen[kind as usize - 1]
    }

    fn fill(&mut self, dice: &mut Dice) {
        let (users, groups) = (dice.below(9), dice.below(5));
        let mut kinds: Vec<Kind> = std::iter::repeat_n(Kind::User, users).collect();
        kinds.extend(std::iter::repeat_n(Kind::Group, groups));
        for index in 0..kinds.len() {
            let other = dice.below(kinds.len());
            kinds.swap(index, other);
        }
        let ids: Vec<String> = (0..kinds.len()).map(|n| resource_id([u8::try_from(n).unwrap() * 16 + 1; 16])).collect();
        for (index, (kind, id)) in kinds.iter().zip(&ids).enumerate() {
            self.insert(dice, i64::try_from(index).unwrap() * 3 + 1, *kind, id, &ids);
        }
        let nested = self.link(dice, &kinds);
        self.connection
            .execute(
                "INSERT INTO integration (id, name, preset, quirks, users, groups, nested, created) VALUES (1, 'a', '', 0, ?1, ?2, ?3, 0)",
                params![users as i64, groups as i64, nested],
            )
            .unwrap();
        self.stranger(&ids);
        self.look(&kinds);
        self.twin = Twin::of(&self.connection);
    }

    /// A page, the same on every engine and on every way to it. What of a document is of another type than its
    /// attribute may be seen in different ways.
    pub(super) fn page(&self, query: &PageQuery, told: &str) -> Page {
        let page = read(&self.connection, query).unwrap();
        let connection = &self.connection;
        let point = done(page::found_by_point(&connection, query)).unwrap();
        let quick = done(page::quick(&connection, query, Dialect::Sqlite)).unwrap();
        let mut ways = vec![("SQLite, one equality", point), ("SQLite, quick", quick)];
        ways.extend(self.twin.iter().flat_map(|twin| twin.pages(query)));
        for (way, other) in ways.into_iter().filter(|_| !self.odd) {
            if let Some(other) = other {
                assert_same(&page, &other, &format!("{way}: {told}"));
            }
        }
        page
    }

    /// The rows on PostgreSQL, after a change.
    pub(super) fn twin(&self, sql: &str) -> Option<&Twin> {
        self.twin.as_ref().inspect(|twin| twin.change(sql))
    }

    /// A User of another integration with a name that is asked for; nothing may ever find it.
    fn stranger(&self, ids: &[String]) {
        let doc = json!({"userName": "a", "displayName": "a", "emails": [{"value": "a"}], "externalId": "a"});
        self.connection
            .execute(
                "INSERT INTO resource VALUES (9999, 'stranger', 2, 1, 'a', 'a', 'a', 'a', 1, NULL, ?1, jsonb(?2), jsonb(?2), 1, 0, 0)",
                params![ids.first(), doc.to_string()],
            )
            .unwrap();
        self.connection.execute("INSERT INTO email VALUES ('a', 9999)", []).unwrap();
    }

    fn insert(&self, dice: &mut Dice, seq: i64, kind: Kind, id: &str, ids: &[String]) {
        let resource_type = self.resource_type(kind);
        let mut doc = random_object(dice, &resource_type.schema.attributes);
        let name_key = if kind == Kind::User { "userName" } else { "displayName" };
        let name = match kind {
            Kind::User => format!(
                "{}{}",
                dice.pick(&["a", "B", "İ", "ß", "z"]),
                dice.below(1000) * 100 + usize::try_from(seq).unwrap()
            ),
            Kind::Group => (*dice.pick(&["a", "A", "İ", "i", "ß", "Ops"])).to_owned(),
        };
        doc.insert(name_key.to_owned(), name.clone().into());
        if dice.below(2) == 0 {
            doc.insert("externalId".to_owned(), (*dice.pick(TEXTS)).replace('\0', "").into());
        }
        for extension in &resource_type.extensions {
            let data = random_object(dice, &extension.schema.attributes);
            if !data.is_empty() {
                doc.insert(extension.schema.id.to_string(), data.into());
            }
        }
        let mut schemas = vec![Value::from(&*resource_type.schema.id)];
        schemas.extend(doc.keys().filter(|key| key.starts_with("urn:")).map(|key| Value::from(key.as_str())));
        doc.insert("schemas".to_owned(), schemas.into());
        let mut manager = None;
        if kind == Kind::User {
            doc.insert("active".to_owned(), (dice.below(2) == 0).into());
            if let Some(Value::Object(data)) = doc.get_mut(ENTERPRISE_USER) {
                data.remove("manager");
                if dice.below(2) == 0 {
                    let id = if dice.below(4) == 0 { "ghost" } else { dice.pick(ids) };
                    data.insert("manager".to_owned(), json!({ "value": id }));
                    manager = Some(id.to_owned());
                }
            }
        }
        self.write(dice, seq, kind, id, &doc, &name, manager);
    }

    #[expect(clippy::too_many_arguments, reason = "the columns of a row")]
    fn write(
        &self,
        dice: &mut Dice,
        seq: i64,
        kind: Kind,
        id: &str,
        doc: &Object,
        name: &str,
        manager: Option<String>,
    ) {
        let keys = comparison_keys(&self.registry, self.resource_type(kind), doc);
        let display = match kind {
            Kind::Group => name.to_owned(),
            Kind::User => display_name(doc).unwrap_or_default(),
        };
        let person = (kind == Kind::User && dice.below(2) == 0).then_some(seq);
        if let Some(seq) = person {
            let row = params![seq, format!("per_{seq}"), 1 + dice.below(3) as i64, dice.below(3) as i64];
            let sql = "INSERT INTO person (seq, id, state, display, epoch, created, modified) VALUES (?1, ?2, ?3, '', ?4, 0, 0)";
            self.connection.execute(sql, row).unwrap();
        }
        let sql = "INSERT INTO resource VALUES (?1, ?2, 1, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, jsonb(?11), jsonb(?12), ?13, ?14, ?15)";
        let created = 1000 + dice.below(3) as i64;
        let row = params![
            seq,
            id,
            kind as i64,
            (kind == Kind::User).then(|| unique_key(name)),
            match_key(name),
            display,
            doc.get("externalId").and_then(Value::as_str),
            doc.get("active").and_then(Value::as_bool).unwrap_or(true),
            person,
            manager,
            serde_json::to_string(doc).unwrap(),
            serde_json::to_string(&keys).unwrap(),
            seq,
            created,
            created + dice.below(3) as i64,
        ];
        self.connection.execute(sql, row).unwrap();
        for email in doc.get("emails").and_then(Value::as_array).into_iter().flatten() {
            if let Some(value) = email.get("value").and_then(Value::as_str).filter(|value| !value.trim().is_empty()) {
                let sql = "INSERT OR IGNORE INTO email VALUES (?1, ?2)";
                self.connection.execute(sql, params![email_key(value), seq]).unwrap();
            }
        }
    }

    /// Random memberships, circles included; answers how many lie between groups.
    fn link(&self, dice: &mut Dice, kinds: &[Kind]) -> i64 {
        let mut nested = 0;
        let with_groups = dice.below(2) == 0;
        let seq = |index: usize| i64::try_from(index).unwrap() * 3 + 1;
        for (group, kind) in kinds.iter().enumerate() {
            if *kind != Kind::Group {
                continue;
            }
            for (member, kind) in kinds.iter().enumerate() {
                if dice.below(2) == 0 || (*kind == Kind::Group && (!with_groups || group == member)) {
                    continue;
                }
                nested += i64::from(*kind == Kind::Group);
                self.connection.execute("INSERT INTO membership VALUES (?1, ?2)", [seq(group), seq(member)]).unwrap();
            }
            for change in 0..dice.below(3) {
                let at = i64::try_from(1000 + dice.below(3) + change * 3).unwrap();
                let change = 1000 + seq(change) + seq(group) * 100;
                self.connection
                    .execute("INSERT INTO member_change VALUES (?1, ?2, ?3)", [seq(group), change, at])
                    .unwrap();
            }
        }
        nested
    }

    fn look(&mut self, kinds: &[Kind]) {
        for (index, kind) in kinds.iter().enumerate() {
            let seq = i64::try_from(index).unwrap() * 3 + 1;
            let row = exec::one(&self.connection, &by_seq(*kind, seq, true)).unwrap().unwrap();
            let object = self.complete(&row);
            for text in [&object["id"], &object["meta"]["location"], &object["meta"]["version"]] {
                self.texts.push(text.as_str().unwrap().to_owned());
            }
            self.seen[*kind as usize - 1].push(object);
        }
        self.texts.push("ghost".to_owned());
    }

    /// The resource as it is shown, with everything that is computed at reading.
    fn complete(&self, row: &ResourceRow) -> Object {
        let Value::Object(mut object) = serde_json::from_str(&row.doc).unwrap() else {
            panic!("a document is an object")
        };
        let location = |kind: Kind, id: &str| format!("{BASE}/{}/{id}", kind.endpoint());
        object.insert("id".to_owned(), row.id.clone().into());
        object.insert(
            "meta".to_owned(),
            json!({
                "resourceType": row.kind.name(), "created": row.created.to_string(), "lastModified": row.modified.to_string(),
                "location": location(row.kind, &row.id), "version": row.etag(&ETAG_KEY),
            }),
        );
        let groups: Vec<Value> = row
            .groups
            .iter()
            .map(|group| {
                json!({"value": group.id, "$ref": location(Kind::Group, &group.id), "display": group.display,
                    "type": if group.direct { "direct" } else { "indirect" }})
            })
            .collect();
        let mut members = self
            .connection
            .prepare("SELECT x.id, x.kind, x.display FROM membership m JOIN resource x ON x.seq = m.member WHERE m.grp = ?1 ORDER BY x.seq")
            .unwrap();
        let members = members.query_map([row.seq], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
        let members: Vec<Value> = members
            .map(|member| {
                let (id, kind, display): (String, i64, String) = member.unwrap();
                let kind = if kind == 1 { Kind::User } else { Kind::Group };
                let mut member = json!({"value": id, "$ref": location(kind, &id), "type": kind.name()});
                if !display.is_empty() {
                    member["display"] = display.into();
                }
                member
            })
            .collect();
        for (name, values) in [("groups", groups), ("members", members)] {
            if !values.is_empty() {
                object.insert(name.to_owned(), values.into());
            }
        }
        if let Some(manager) = object.get_mut(ENTERPRISE_USER).and_then(|data| data.get_mut("manager")) {
            let sql = "SELECT display FROM resource WHERE id = ?1 AND kind = 1 AND integration = 1";
            let id = manager["value"].as_str().unwrap().to_owned();
            if let Ok(display) = self.connection.query_row(sql, [&id], |row| row.get::<_, String>(0)) {
                if !display.is_empty() {
                    manager["displayName"] = display.into();
                }
                manager["$ref"] = location(Kind::User, &id).into();
            }
        }
        object
    }
}

/// In a document, the order of members and the spelling of numbers are the engine's.
fn assert_same(page: &Page, other: &Page, way: &str) {
    let bare = |page: &Page| {
        let rows = page.rows.iter().map(|row| ResourceRow { doc: String::new(), ..row.clone() });
        format!("{:?} {:?} {:?}", rows.collect::<Vec<_>>(), page.total, page.next)
    };
    assert_eq!(bare(page), bare(other), "{way}");
    for (row, other) in page.rows.iter().zip(&other.rows) {
        let parsed = |text: &str| serde_json::from_str(text).unwrap();
        assert!(same_value(&parsed(&row.doc), &parsed(&other.doc)), "{} is not {}: {way}", row.doc, other.doc);
    }
}

fn same_value(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same_value(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            let same = |(name, value)| other.get::<String>(name).is_some_and(|other| same_value(value, other));
            one.len() == other.len() && one.iter().all(same)
        }
        (Value::Number(one), Value::Number(other)) => {
            let (one, other) = (one.as_f64().unwrap(), other.as_f64().unwrap());
            (one - other).abs() <= one.abs() * 1e-15
        }
        (one, other) => one == other,
    }
}

fn words(resource_type: &ResourceType) -> Words {
    let mut words = Words { paths: Vec::new(), complex: Vec::new() };
    let mut add = |prefix: &str, schema: &Schema| {
        for attribute in &schema.attributes {
            let path = format!("{prefix}{}", attribute.name);
            if attribute.kind == Type::Complex || attribute.multi_valued {
                words.complex.push(path.clone());
            }
            words.paths.extend(attribute.sub_attributes.iter().map(|sub| format!("{path}.{}", sub.name)));
            words.paths.push(path);
        }
    };
    add("", &resource_type.common);
    add("", &resource_type.schema);
    for extension in &resource_type.extensions {
        add(&format!("{}:", extension.schema.id), &extension.schema);
    }
    words
}

fn random_object(dice: &mut Dice, attributes: &[Arc<Attribute>]) -> Object {
    let mut object = Object::new();
    for attribute in attributes {
        if dice.below(2) == 0 || matches!(attribute.name.as_str(), "groups" | "members" | "password") {
            continue;
        }
        let value = match attribute.multi_valued {
            true => Value::from((0..=dice.below(3)).filter_map(|_| random_value(dice, attribute)).collect::<Vec<_>>()),
            false => random_value(dice, attribute).unwrap_or(Value::Null),
        };
        if !value.is_null() && value.as_array().is_none_or(|values| !values.is_empty()) {
            object.insert(attribute.name.clone(), value);
        }
    }
    object
}

fn random_value(dice: &mut Dice, attribute: &Attribute) -> Option<Value> {
    if dice.odd && dice.below(3) == 0 {
        let odd = [json!("text"), json!(1), json!(true), json!({"value": 1}), json!([1, "a", {}, null]), json!("{")];
        return Some(dice.pick(&odd).clone());
    }
    Some(match attribute.kind {
        Type::Boolean => (dice.below(2) == 0).into(),
        Type::Complex => {
            let object = random_object(dice, &attribute.sub_attributes);
            return (!object.is_empty()).then(|| object.into());
        }
        Type::DateTime => (*dice.pick(INSTANTS)).into(),
        Type::Decimal => {
            let text: &&str = dice.pick(NUMBERS);
            serde_json::from_str(text).unwrap()
        }
        Type::Integer => (*dice.pick(&[0, 1, -1, 2, 9_007_199_254_740_993, i64::MAX])).into(),
        Type::Binary | Type::Reference | Type::String => dice.pick(TEXTS).replace('\0', "").into(),
    })
}
