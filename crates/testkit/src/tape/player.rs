//! Plays tapes over a socket.

use super::vars::{self, Vars};
use super::{Expect, Readback, Step, Tape, expect};
use crate::app::TestApp;
use crate::client::{Answer, Client};
use bailiwick_app::{App, journal};
use bytes::Bytes;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// What came of a tape.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Requests sent, readbacks included.
    pub requests: u64,
    /// Rows of the quirk matrix that were shown.
    pub rows: BTreeSet<u32>,
    /// File, step, expectation and answer of each failure.
    pub failures: Vec<String>,
}

/// Plays tapes as one client; what one tape saves, the next one knows.
#[derive(Debug)]
pub struct Player {
    client: Client,
    app: App,
    vars: Vars,
    report: Report,
}

/// The headers and the base of a tape.
struct Manner<'a> {
    base: &'a str,
    headers: &'a BTreeMap<String, Option<String>>,
}

impl Player {
    /// A player that uses the token of the first integration.
    #[must_use]
    pub fn new(app: &TestApp) -> Self {
        Self::with(app.client(), app.app())
    }

    /// A player with a client of its own. The app is asked for the journal only.
    #[must_use]
    pub fn with(client: Client, app: &App) -> Self {
        let vars = Vars::from([("base".to_owned(), app.scim_base().to_owned())]);
        Self { client, app: app.clone(), vars, report: Report::default() }
    }

    /// What came of the tapes so far.
    #[must_use]
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// Plays the tapes of a folder in the order of their names.
    pub async fn play_folder(&mut self, folder: &Path) {
        let mut tapes: Vec<_> = std::fs::read_dir(folder)
            .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
            .collect();
        tapes.sort();
        for tape in tapes {
            self.play(&tape).await;
        }
    }

    /// Plays one tape.
    pub async fn play(&mut self, path: &Path) {
        let tape = match Tape::read(path) {
            Ok(tape) => tape,
            Err(line) => {
                self.report.failures.push(line);
                return;
            }
        };
        let manner = Manner { base: &tape.base, headers: &tape.headers };
        for (index, step) in tape.steps.iter().enumerate() {
            let place = format!("{}: step {}: {}", path.display(), index + 1, step.note);
            self.play_step(&place, &manner, step).await;
        }
    }

    /// Plays one step by itself, with the headers of no particular client.
    pub async fn step(&mut self, place: &str, step: &Step) {
        let none = BTreeMap::new();
        self.play_step(place, &Manner { base: "/scim/v2", headers: &none }, step).await;
    }

    async fn play_step(&mut self, place: &str, manner: &Manner<'_>, step: &Step) {
        self.report.rows.extend(&step.row);
        for n in 1..=step.times.unwrap_or(1) {
            self.vars.insert("n".to_owned(), n.to_string());
            for _ in 0..step.repeat.unwrap_or(1) {
                if let Err(wrong) = self.exchange(manner, step).await {
                    self.report.failures.push(format!("{place}\n  {}", wrong.join("\n  ")));
                    return;
                }
            }
        }
    }

    async fn exchange(&mut self, manner: &Manner<'_>, step: &Step) -> Result<(), Vec<String>> {
        let answer = self.send(manner, step).await.map_err(|line| vec![line])?;
        // First what is saved: an expectation may name the id that was just given.
        for (name, pointer) in &step.save {
            let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
            if let Some(found) = body.pointer(pointer) {
                let text = found.as_str().map_or_else(|| found.to_string(), str::to_owned);
                let name = vars::text(name, &self.vars).map_err(|line| vec![line])?;
                self.vars.insert(name, text);
            }
        }
        let mut wrong = expect::answer(&step.expect, &answer, &self.vars);
        if let Some(expected) = &step.repairs {
            wrong.extend(self.repairs(expected, &answer).await);
        }
        let writes = matches!(step.method.as_str(), "POST" | "PUT" | "PATCH" | "DELETE") && answer.status < 300;
        match &step.readback {
            Some(readback) if wrong.is_empty() => wrong.extend(self.read_back(manner, readback).await),
            None if writes && !manner.headers.is_empty() => {
                wrong.push("a write that succeeds has a readback".to_owned());
            }
            _ => {}
        }
        if wrong.is_empty() {
            return Ok(());
        }
        wrong.push(format!("{} {} was answered {} {}", step.method, step.path, answer.status, cut(&answer.text())));
        Err(wrong)
    }

    async fn send(&mut self, manner: &Manner<'_>, step: &Step) -> Result<Answer, String> {
        let body = match (&step.body, &step.text) {
            (Some(body), _) => Some(Bytes::from(vars::value(body, &self.vars)?.to_string())),
            (None, Some(text)) => Some(Bytes::from(vars::text(text, &self.vars)?)),
            (None, None) => None,
        };
        self.request(manner, &step.method, &step.path, &step.headers, body).await
    }

    async fn request(
        &mut self,
        manner: &Manner<'_>,
        method: &str,
        path: &str,
        own: &BTreeMap<String, Option<String>>,
        body: Option<Bytes>,
    ) -> Result<Answer, String> {
        let path = format!("{}{}", manner.base, vars::text(path, &self.vars)?);
        let mut headers = manner.headers.clone();
        headers.extend(own.clone());
        let headers: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.as_deref())).collect();
        self.report.requests += 1;
        Ok(self.client.send(method, &path, &headers, body).await)
    }

    /// The resource through GET and through a filter; both must say the same.
    async fn read_back(&mut self, manner: &Manner<'_>, readback: &Readback) -> Vec<String> {
        let found = match self.both(manner, readback).await {
            Ok(found) => found,
            Err(wrong) => return wrong,
        };
        let mut wrong = Vec::new();
        for (how, resource) in found {
            let lines = expect::resource(&readback.expect, &resource, &self.vars);
            wrong.extend(lines.into_iter().map(|line| format!("read back by {how}: {line}")));
        }
        wrong
    }

    async fn both(
        &mut self,
        manner: &Manner<'_>,
        readback: &Readback,
    ) -> Result<Vec<(&'static str, Value)>, Vec<String>> {
        let none = BTreeMap::new();
        let one = |line: String| vec![line];
        let got = self.request(manner, "GET", &readback.get, &none, None).await.map_err(one)?;
        let find = self.request(manner, "GET", &readback.find, &none, None).await.map_err(one)?;
        let status = if readback.gone { 404 } else { 200 };
        let mut wrong = expect::answer(&Expect { status: Some(status), ..Expect::default() }, &got, &self.vars);
        wrong.extend(expect::answer(&Expect { status: Some(200), ..Expect::default() }, &find, &self.vars));
        if !wrong.is_empty() {
            wrong.push(format!("GET {} was answered {} {}", readback.get, got.status, cut(&got.text())));
            wrong.push(format!("GET {} was answered {} {}", readback.find, find.status, cut(&find.text())));
            return Err(wrong);
        }
        let list = find.json();
        let total = readback.total.unwrap_or(u64::from(!readback.gone));
        if list["totalResults"] != total {
            return Err(vec![format!("{}: {total} was expected, not {}", readback.find, cut(&find.text()))]);
        }
        if readback.gone {
            return Ok(Vec::new());
        }
        let resource = got.json();
        let listed = list["Resources"].as_array().and_then(|all| all.iter().find(|one| one["id"] == resource["id"]));
        match listed {
            Some(listed) if listed["meta"] == resource["meta"] => {
                Ok(vec![("filter", listed.clone()), ("GET", resource)])
            }
            Some(listed) => Err(vec![format!("GET shows {}, the filter {}", resource["meta"], listed["meta"])]),
            None => Err(vec![format!("{} finds another: {}", readback.find, cut(&find.text()))]),
        }
    }

    /// Holds the repairs that the journal keeps of this call to the expected ones.
    async fn repairs(&self, expected: &[String], answer: &Answer) -> Vec<String> {
        let Some(request) = answer.header("x-request-id") else {
            return vec!["without X-Request-Id the journal cannot be asked".to_owned()];
        };
        let entries = match journal::show_log(&self.app, request).await {
            Ok(entries) => entries,
            Err(refusal) => return vec![format!("the journal: {refusal}")],
        };
        let found: BTreeSet<_> = entries.iter().flat_map(|entry| entry.repairs()).map(|(quirk, _)| quirk).collect();
        let expected: BTreeSet<_> = expected.iter().map(String::as_str).collect();
        if entries.is_empty() {
            vec![format!("the journal does not know {request}")]
        } else if found == expected {
            Vec::new()
        } else {
            vec![format!("repairs {expected:?} were expected in the journal, not {found:?}")]
        }
    }
}

fn cut(text: &str) -> String {
    if text.len() <= 1_500 { text.to_owned() } else { format!("{}...", text.chars().take(1_500).collect::<String>()) }
}
