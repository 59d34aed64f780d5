//! Tapes: what an identity provider sends, step by step, in its own spelling, and what must come back.
//!
//! A tape is a JSON file in `fixtures/dialogues/<client>/`; the tapes of a folder are played in order against one fresh
//! store and share what they saved. `{{name}}` stands for a saved value; `{{base}}` is the URL that links begin with.
//! Every write that succeeds has a `readback`: the player then reads the resource through GET and through a filter and
//! holds both to the same expectations, so that an answer cannot promise what was not done.

mod expect;
mod player;
mod vars;

pub use player::{Player, Report};

use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::path::Path;

/// One dialogue, or a part of one.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tape {
    /// Whose dialogue it is.
    pub client: String,
    /// Preset of the integration.
    pub preset: String,
    /// Path below which the client calls.
    #[serde(default = "default_base")]
    pub base: String,
    /// Headers of every request. `Content-Type` is sent with a body only.
    #[serde(default)]
    pub headers: BTreeMap<String, Option<String>>,
    /// The requests.
    pub steps: Vec<Step>,
}

fn default_base() -> String {
    "/scim/v2".to_owned()
}

/// One request and what must come of it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// What it is for.
    #[serde(default)]
    pub note: String,
    /// Rows of the quirk matrix it shows.
    #[serde(default)]
    pub row: Vec<u32>,
    /// Played so many times with `{{n}}` counting from 1.
    pub times: Option<u64>,
    /// Sent so many times as it is.
    pub repeat: Option<u64>,
    pub method: String,
    /// Below the base, with the query as it goes over the wire.
    pub path: String,
    /// Headers of this request; null removes one of the tape.
    #[serde(default)]
    pub headers: BTreeMap<String, Option<String>>,
    /// JSON body. `{"$each": [1, 3], "$of": X}` is an array of X with `{{n}}` from 1 to 3.
    pub body: Option<Value>,
    /// Body as it is, instead of `body`.
    pub text: Option<String>,
    pub expect: Expect,
    /// Values to be kept: name and pointer into the answer.
    #[serde(default)]
    pub save: BTreeMap<String, String>,
    /// Names of the quirks that the journal must list for this call, no more and no fewer.
    pub repairs: Option<Vec<String>>,
    pub readback: Option<Readback>,
}

/// What an answer or a resource must look like. Keys are JSON pointers.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    pub status: Option<u16>,
    /// Equal to.
    #[serde(default)]
    pub json: Map<String, Value>,
    /// Not equal to.
    #[serde(default)]
    pub differs: Map<String, Value>,
    /// Not there.
    #[serde(default)]
    pub absent: Vec<String>,
    /// There.
    #[serde(default)]
    pub present: Vec<String>,
    /// Length of an array.
    #[serde(default)]
    pub size: BTreeMap<String, usize>,
    /// The array holds elements with these parts.
    #[serde(default)]
    pub has: BTreeMap<String, Vec<Value>>,
    /// The array holds no element with these parts.
    #[serde(default)]
    pub lacks: BTreeMap<String, Vec<Value>>,
    /// Headers; null when it must not be there.
    #[serde(default)]
    pub headers: BTreeMap<String, Option<String>>,
    /// No body at all.
    #[serde(default)]
    pub empty: bool,
}

/// Reading back after a write.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Readback {
    /// Path of the resource.
    pub get: String,
    /// Path of a search that finds it.
    pub find: String,
    /// How many the search finds; one, or none when it is gone.
    pub total: Option<u64>,
    /// The resource must be gone: 404, and not found.
    #[serde(default)]
    pub gone: bool,
    #[serde(default)]
    pub expect: Expect,
}

impl Tape {
    /// Reads a tape.
    ///
    /// # Errors
    /// A line that names file and place.
    pub fn read(path: &Path) -> Result<Self, String> {
        let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))
    }
}
