//! What a store consists of: every table with its columns and their types, in the order in which they are written.
//!
//! A test holds this list against the schema of both engines. Steps of the schema and leases belong to one engine or one
//! moment and are not copied.

/// What a column holds. The engines keep some of it differently: a flag is a number and JSON is bytes on SQLite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Bytes,
    Flag,
    Int,
    Json,
    Text,
}

#[derive(Debug)]
pub(crate) struct Column {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
}

#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) name: &'static str,
    /// The primary key: rows are read in its order, each part of the table beginning after the last row of the one before.
    pub(crate) key: &'static [&'static str],
    pub(crate) columns: &'static [Column],
    /// Which rows belong to the store; all of them without.
    pub(crate) rows: Option<&'static str>,
    /// Whether a store has rows here that was just set up. The copy replaces them.
    pub(crate) fresh: bool,
}

const fn bytes(name: &'static str) -> Column {
    Column { name, kind: Kind::Bytes }
}

const fn flag(name: &'static str) -> Column {
    Column { name, kind: Kind::Flag }
}

const fn int(name: &'static str) -> Column {
    Column { name, kind: Kind::Int }
}

const fn json(name: &'static str) -> Column {
    Column { name, kind: Kind::Json }
}

const fn text(name: &'static str) -> Column {
    Column { name, kind: Kind::Text }
}

const fn table(name: &'static str, key: &'static [&'static str], columns: &'static [Column]) -> Table {
    Table { name, key, columns, rows: None, fresh: false }
}

/// All tables, those first that others refer to.
pub(crate) const TABLES: &[Table] = &[
    Table { fresh: true, ..table("setting", &["key"], &[text("key"), text("value")]) },
    // Another row counts what processes keep in memory; only PostgreSQL needs it, and no process outlives the copy.
    Table {
        fresh: true,
        rows: Some("name = 'change'"),
        ..table("sequence", &["name"], &[text("name"), int("value"), int("at")])
    },
    table("guard", &["key"], &[text("key"), int("version")]),
    INTEGRATION,
    TOKEN,
    PERSON,
    table("local_account", &["person"], &[int("person"), text("password_hash"), int("created"), int("changed")]),
    table("recovery_code", &["digest"], &[bytes("digest"), int("person"), int("used")]),
    RESOURCE,
    table("email", &["key", "resource"], &[text("key"), int("resource")]),
    table("membership", &["grp", "member"], &[int("grp"), int("member")]),
    table("member_change", &["grp", "seq"], &[int("grp"), int("seq"), int("at")]),
    CONFLICT,
    table("domain", &["name"], &[text("name"), int("integration"), text("method"), int("created")]),
    EVENT,
    table("event_payload", &["seq"], &[int("seq"), bytes("salt"), text("body")]),
    BLOCK,
    CALL_COUNT,
    table(
        "integration_seen",
        &["integration"],
        &[int("integration"), int("last_call"), int("last_success"), int("last_failure")],
    ),
    table("person_state", &["person", "seq"], &[int("person"), int("seq"), int("at"), int("before"), int("after")]),
    ITEM,
    table("alias", &["space", "key"], &[text("space"), text("key"), int("item"), int("at")]),
    table(
        "relation",
        &["item", "type", "target_ref"],
        &[int("item"), text("type"), text("target_ref"), int("target"), text("note")],
    ),
    table("team_feed", &["team", "grp"], &[int("team"), int("grp"), text("role")]),
    GRANT,
    table("dirty", &["person"], &[int("person"), int("mark"), int("cause")]),
    table("held", &["person"], &[int("person"), text("hold"), int("state"), int("at")]),
    table("removal", &["integration", "at", "person"], &[int("integration"), int("at"), int("person")]),
    CREDENTIAL,
    ENTRY,
    table("consumer", &["name"], &[text("name"), int("position"), int("at")]),
    table(
        "answer",
        &["caller", "key"],
        &[text("caller"), text("key"), bytes("digest"), int("status"), text("headers"), text("body"), int("at")],
    ),
];

const INTEGRATION: Table = table(
    "integration",
    &["id"],
    &[
        int("id"),
        text("name"),
        text("preset"),
        int("quirks"),
        flag("paused"),
        int("rate_limit"),
        flag("user_name_email"),
        text("sign_in_claim"),
        int("users"),
        int("groups"),
        int("nested"),
        int("created"),
        flag("observe"),
        int("guard_percent"),
        int("guard_people"),
        text("mapping"),
    ],
);

const TOKEN: Table = table(
    "token",
    &["id"],
    &[
        text("id"),
        int("integration"),
        text("label"),
        bytes("digest"),
        int("created"),
        int("expires"),
        int("revoked"),
        int("last_used"),
    ],
);

const PERSON: Table = table(
    "person",
    &["seq"],
    &[
        int("seq"),
        text("id"),
        int("state"),
        text("display"),
        text("email"),
        text("email_key"),
        text("user_name"),
        text("user_name_key"),
        int("authority"),
        flag("local"),
        flag("admin"),
        int("epoch"),
        int("created"),
        int("modified"),
        json("doc"),
    ],
);

const RESOURCE: Table = table(
    "resource",
    &["seq"],
    &[
        int("seq"),
        text("id"),
        int("integration"),
        int("kind"),
        text("name_unique"),
        text("name_match"),
        text("display"),
        text("external_id"),
        flag("active"),
        int("person"),
        text("manager"),
        json("doc"),
        json("keys"),
        int("version"),
        int("created"),
        int("modified"),
    ],
);

const CONFLICT: Table = table(
    "conflict",
    &["id"],
    &[
        text("id"),
        int("integration"),
        text("resource"),
        text("user_name"),
        text("user_name_key"),
        text("person"),
        text("why"),
        text("state"),
        int("created"),
        int("decided"),
    ],
);

const EVENT: Table = table(
    "event",
    &["seq"],
    &[
        int("seq"),
        int("at"),
        text("kind"),
        int("integration"),
        text("request"),
        text("resource"),
        text("person"),
        text("actor"),
        text("method"),
        int("status"),
        text("code"),
        int("duration_us"),
        bytes("digest"),
    ],
);

const BLOCK: Table = table(
    "block",
    &["number"],
    &[
        int("number"),
        int("first"),
        int("last"),
        int("count"),
        bytes("previous"),
        bytes("hash"),
        int("at"),
        bytes("traces"),
    ],
);

const CALL_COUNT: Table = table(
    "call_count",
    &["integration", "hour", "method", "status"],
    &[int("integration"), int("hour"), text("method"), int("status"), int("calls")],
);

const ITEM: Table = table(
    "item",
    &["seq"],
    &[
        int("seq"),
        text("id"),
        text("kind"),
        text("namespace"),
        text("name"),
        text("name_key"),
        text("title"),
        text("title_key"),
        int("owner"),
        int("owner_person"),
        text("owner_ref"),
        int("parent"),
        text("parent_ref"),
        text("type"),
        text("tier"),
        text("lifecycle"),
        text("source"),
        json("doc"),
        json("keys"),
        int("version"),
        int("created"),
        int("modified"),
    ],
);

const GRANT: Table = table(
    "access_grant",
    &["seq"],
    &[
        int("seq"),
        int("person"),
        int("kind"),
        text("object"),
        text("value"),
        text("origin"),
        text("path"),
        int("began"),
        int("from_at"),
        int("ended"),
        int("until_at"),
    ],
);

const CREDENTIAL: Table = table(
    "credential",
    &["id"],
    &[
        text("id"),
        int("kind"),
        int("person"),
        text("service"),
        text("label"),
        bytes("digest"),
        text("scopes"),
        int("created"),
        int("expires"),
        int("revoked"),
        int("last_used"),
    ],
);

const ENTRY: Table = table(
    "entry",
    &["collection", "id"],
    &[
        text("collection"),
        text("id"),
        text("parent"),
        text("state"),
        int("due"),
        json("doc"),
        int("version"),
        int("created"),
        int("modified"),
    ],
);

impl Table {
    /// Names of the columns, each as `shown` writes it.
    fn list(&self, shown: impl Fn(&Column) -> String) -> String {
        self.columns.iter().map(shown).collect::<Vec<_>>().join(", ")
    }

    /// Names of the columns.
    pub(crate) fn names(&self) -> String {
        self.list(|column| quoted(column.name))
    }

    /// What a SELECT names; JSON is read as text.
    pub(crate) fn read(&self, json: fn(&str) -> String) -> String {
        self.list(|column| match column.kind {
            Kind::Json => json(&quoted(column.name)),
            _ => quoted(column.name),
        })
    }

    /// Names of the columns of the key.
    pub(crate) fn key_names(&self) -> String {
        self.key.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", ")
    }

    /// Counts the rows that belong to the store.
    pub(crate) fn count(&self) -> String {
        format!("SELECT count(*) FROM {} WHERE {}", quoted(self.name), self.condition())
    }

    /// Which rows belong to the store.
    pub(crate) fn condition(&self) -> &'static str {
        // Both engines know it, and neither computes it for each row.
        self.rows.unwrap_or("1 = 1")
    }

    /// Where a column stands.
    pub(crate) fn position(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }
}

/// A name that may be a word of the language.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{name}\"")
}
