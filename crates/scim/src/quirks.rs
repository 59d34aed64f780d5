//! Named leniencies towards real identity providers, each with a switch.
//!
//! A tolerant reader in front of a strict core: where a quirk is on, the request is repaired into what the RFC asks
//! for and a [`Repair`] is noted; where it is off, the RFC applies as written.

macro_rules! quirks {
    ($($(#[$doc:meta])* $variant:ident = $bit:literal, $name:literal;)+) => {
        /// A named leniency.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Quirk { $($(#[$doc])* $variant = $bit,)+ }

        impl Quirk {
            /// Every quirk, in the order of their numbers.
            pub const ALL: &[Quirk] = &[$(Quirk::$variant,)+];

            /// The stable name, used by switches and the journal.
            #[must_use]
            pub fn name(self) -> &'static str { match self { $(Quirk::$variant => $name,)+ } }
        }
    };
}

quirks! {
    /// Operation names in any letter case: `Add`, `Replace`, `Remove`.
    OpCase = 1, "op-case";
    /// "True" and "False" for booleans, in bodies, PATCH values and filters.
    BooleanStrings = 2, "boolean-strings";
    /// `remove` of `members` with a value array removes exactly the named members.
    RemoveMembersByValue = 3, "remove-members-by-value";
    /// A path-less PATCH value with dotted, filtered and URN keys: `name.givenName`.
    DottedKeys = 6, "dotted-keys";
    /// A value filter of `eq` terms that matches nothing creates the entry.
    FilterCreates = 8, "filter-creates";
    /// `manager` as a bare string, an array of one, "" or {"value": ""}, and without its URN.
    ManagerShapes = 10, "manager-shapes";
    /// Attributes and schema URNs that no schema knows, and extension data without its URN in `schemas`.
    UnknownAttributes = 12, "unknown-attributes";
    /// The schema URNs of SCIM 1 and OneLogin's short forms.
    Scim1Urns = 13, "scim1-urns";
    /// Numbers and booleans where a string belongs: externalId, employeeNumber.
    NumbersForStrings = 16, "numbers-for-strings";
    /// JSON text as the value of a role: "{\"id\":...,\"value\":...,\"displayName\":...}".
    RoleJsonText = 17, "role-json-text";
    /// A comparison value without quotes in a filter: `userName eq bob`.
    UnquotedFilter = 18, "unquoted-filter";
    /// Query strings with plus for space, a trailing `&`, a bare `?`, and unknown parameters.
    QueryForm = 19, "query-form";
}

/// The set of quirks that are on for an integration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quirks(u32);

impl Quirks {
    /// All on: every preset but `strict`.
    #[must_use]
    pub fn all() -> Self {
        Quirk::ALL.iter().fold(Self(0), |set, &quirk| set.with(quirk))
    }

    /// All off: the RFC as written.
    #[must_use]
    pub fn none() -> Self {
        Self(0)
    }

    /// The set with this quirk on.
    #[must_use]
    pub fn with(self, quirk: Quirk) -> Self {
        Self(self.0 | 1 << quirk as u32)
    }

    /// The set with this quirk off.
    #[must_use]
    pub fn without(self, quirk: Quirk) -> Self {
        Self(self.0 & !(1 << quirk as u32))
    }

    /// Whether this quirk is on.
    #[must_use]
    pub fn has(self, quirk: Quirk) -> bool {
        self.0 & 1 << quirk as u32 != 0
    }

    /// The set as a number, to be stored.
    #[must_use]
    pub fn bits(self) -> u32 {
        self.0
    }

    /// The set from a stored number; unknown bits are dropped.
    #[must_use]
    pub fn from_bits(bits: u32) -> Self {
        Self(bits & Self::all().0)
    }
}

/// One repair made to a request. The note names places, never values.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Repair {
    /// Name of the quirk.
    pub quirk: String,
    /// What was repaired, where.
    pub note: String,
}

/// The repairs made while reading one request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Repairs(pub Vec<Repair>);

impl Repairs {
    /// Notes a repair; equal ones are noted once, and never more than 50.
    pub fn note(&mut self, quirk: Quirk, note: impl Into<String>) {
        let repair = Repair { quirk: quirk.name().to_owned(), note: note.into() };
        if self.0.len() < 50 && !self.0.contains(&repair) {
            self.0.push(repair);
        }
    }
}
