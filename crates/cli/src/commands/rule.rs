//! `rule`: mapping rules.

use crate::args::{Json, RuleCommand};
use crate::out::{self, Done, Failure, refused};
use crate::wiring;
use bailiwick_app::App;
use bailiwick_app::access::Principal;
use bailiwick_app::catalog::find_person;
use bailiwick_app::mapping::{self, Apply, Decision, NotTaken, Preview, Saved};
use bailiwick_domain::mapping::effects::Lines;
use serde_json::{Value, json};
use std::io::Read as _;
use std::path::Path;

/// Lines of gains and losses shown to people; `--json` has more.
const SHOWN: usize = 10;
/// Versions shown.
const VERSIONS: u32 = 1_000;

pub(super) async fn run(app: &App, command: RuleCommand) -> Done {
    let host = Principal::host();
    match command {
        RuleCommand::List { json } => list(app, json).await,
        RuleCommand::Show { id, version, json } => show(app, id.as_deref(), version, json).await,
        RuleCommand::Preview { file, json } => preview(app, &read(&file)?, json).await,
        RuleCommand::Apply { file, basis, accept_dangers, note, wait, json } => {
            let how = Apply { basis, accept_dangers, expected: None, note };
            let saved = mapping::apply_rules(app, &host, &read(&file)?, &how).await;
            applied(app, saved, wait, json).await
        }
        RuleCommand::Try { file, person, json } => {
            let text = file.as_deref().map(read).transpose()?;
            try_person(app, text.as_deref(), &person, json).await
        }
        RuleCommand::Versions { json } => versions(app, json).await,
        RuleCommand::Restore { version, basis, accept_dangers, wait, json } => {
            let how = Apply { basis, accept_dangers, ..Apply::default() };
            let saved = mapping::restore_version(app, &host, version, &how).await;
            applied(app, saved, wait, json).await
        }
        RuleCommand::Lint { file, json } => {
            let text = file.as_deref().map(read).transpose()?;
            lint(app, text.as_deref(), json).await
        }
        RuleCommand::Progress { json } => progress(app, json).await,
        RuleCommand::Reviews { all, json } => reviews(app, all, json).await,
        RuleCommand::Review { id, decision, note, json } => {
            let Some(decision) = Decision::from_text(&decision) else { return refused("keep, change or remove") };
            let entry = mapping::record_review(app, &host, &id, decision, &note).await?;
            if json.json {
                return out::json(&value(&entry));
            }
            let due = out::moment_or(entry.due, "never");
            out::line(&format!("The review of {id} is recorded; the next is due {due}."))
        }
    }
}

/// A rule file as text.
fn read(file: &Path) -> Result<String, Failure> {
    let bytes = if file.as_os_str() == "-" {
        let mut bytes = Vec::new();
        let most = bailiwick_domain::mapping::rule::FILE_BYTES as u64 + 1;
        let read = std::io::stdin().lock().take(most).read_to_end(&mut bytes);
        read.or_else(|error| refused(format!("standard input cannot be read: {error}")))?;
        bytes
    } else {
        wiring::read(file)?
    };
    String::from_utf8(bytes).or_else(|_| refused(format!("{} is not UTF-8", file.display())))
}

/// What was not taken, in one line.
fn not_taken(not: NotTaken) -> Failure {
    bailiwick_app::Refusal::from(not).into()
}

fn value(of: &impl serde::Serialize) -> Value {
    // Texts, numbers and lists always serialise.
    serde_json::to_value(of).unwrap_or_default()
}

async fn list(app: &App, json: Json) -> Done {
    let present = mapping::read_version(app, &Principal::host(), None).await?;
    if json.json {
        let rules: Value = serde_json::from_str(&present.set.to_json()).unwrap_or_default();
        return out::json(&json!({ "version": present.version.version, "rules": rules["rules"] }));
    }
    if present.set.rules.is_empty() {
        return out::line("No rule yet. Put a file of rules in force with: bailiwick rule apply FILE");
    }
    let cells = present.set.rules.iter().map(|rule| {
        vec![
            rule.id.clone(),
            rule.owner.clone(),
            format!("{}d", rule.review_days),
            rule.description.clone().unwrap_or_default(),
        ]
    });
    out::lines(&out::table(&["ID", "OWNER", "REVIEW", "DESCRIPTION"], &cells.collect::<Vec<_>>()))
}

async fn show(app: &App, id: Option<&str>, version: Option<u64>, json: Json) -> Done {
    let read = mapping::read_version(app, &Principal::host(), version).await?;
    let shown = match id.map(|id| (id, read.set.rule(id))) {
        None => serde_json::from_str(&read.set.to_json()).unwrap_or_default(),
        Some((_, Some(rule))) => value(rule),
        Some((id, None)) => return refused(format!("there is no rule {}. See: bailiwick rule list", out::quoted(id))),
    };
    if json.json {
        return out::json(&shown);
    }
    let text = if id.is_some() { bailiwick_domain::yaml::write(&shown) } else { read.text };
    for text in text.lines() {
        out::line(text)?;
    }
    Ok(())
}

async fn preview(app: &App, text: &str, json: Json) -> Done {
    let preview = match mapping::preview(app, &Principal::host(), text).await {
        Err(NotTaken::Faults(faults)) => return faulty(&faults, json),
        done => done.map_err(not_taken)?,
    };
    if json.json {
        out::json(&value(&preview))?;
    } else {
        told(&preview)?;
    }
    if preview.dangers.is_empty() {
        return Ok(());
    }
    let words: Vec<String> = preview
        .dangers
        .iter()
        .map(|danger| mapping::danger_words(&mapping::with_names(danger.clone(), &preview.team_names)))
        .collect();
    refused(format!("dangerous: {}", words.join("; ")))
}

/// The faults of a file are the outcome of its check: each on a line of its own.
fn faulty(faults: &[bailiwick_domain::yaml::Fault], json: Json) -> Done {
    if json.json {
        let one = |fault: &bailiwick_domain::yaml::Fault| json!({ "line": fault.line, "column": fault.column, "message": fault.message });
        out::json(&json!({ "faults": faults.iter().map(one).collect::<Vec<_>>() }))?;
    } else {
        out::lines(&faults.iter().map(ToString::to_string).collect::<Vec<_>>())?;
    }
    refused(format!("the rules have {}", out::count(faults.len() as u64, "fault", "faults")))
}

fn told(preview: &Preview) -> Done {
    let effects = &preview.effects;
    out::line(&format!("{} of {} persons would change.", effects.changed, effects.persons))?;
    let lists = [
        ("gains", &effects.gained),
        ("losses", &effects.lost),
        ("stronger membership roles", &effects.stronger),
        ("weaker membership roles", &effects.weaker),
    ];
    for (name, lines) in lists {
        told_lines(name, lines, preview)?;
    }
    for (id, size) in &effects.teams {
        let name = preview.team_names.get(id).unwrap_or(id);
        out::line(&format!("Team {name}: {} -> {} active members", size.before, size.after))?;
    }
    out::line(&format!("Basis: {}", preview.basis))
}

fn told_lines(name: &str, lines: &Lines, preview: &Preview) -> Done {
    if lines.count == 0 {
        return Ok(());
    }
    out::line(&format!("{} {name}:", lines.count))?;
    for line in lines.sample.iter().take(SHOWN) {
        out::line(&format!("  {}", mapping::line_words(line, &preview.team_names)))?;
    }
    match lines.count.saturating_sub(SHOWN as u64) {
        0 => Ok(()),
        more => out::line(&format!("  and {more} more")),
    }
}

async fn applied(app: &App, saved: Result<Saved, NotTaken>, wait: bool, json: Json) -> Done {
    let saved = saved.map_err(not_taken)?;
    if wait {
        mapping::settle_everybody(app).await?;
    }
    if json.json {
        return out::json(&value(&saved));
    }
    let rules = out::count(saved.rules as u64, "rule", "rules");
    match (saved.changed, wait) {
        (false, _) => out::line(&format!("Nothing changed: version {} with {rules} is in force.", saved.version)),
        (true, true) => out::line(&format!("Version {} with {rules} is in force for everybody.", saved.version)),
        (true, false) => {
            out::line(&format!("Version {} with {rules} is in force; the server evaluates everybody.", saved.version))
        }
    }
}

async fn try_person(app: &App, text: Option<&str>, person: &str, json: Json) -> Done {
    let person = find_person(app, person).await?.id;
    let tried = mapping::try_person(app, &Principal::host(), text, &person).await.map_err(not_taken)?;
    if json.json {
        let grants = tried.grants.iter().map(|grant| {
            let origin = grant.origin.to_string();
            json!({
                "kind": grant.kind, "object": grant.object, "value": grant.value,
                "way": mapping::words(&origin, &grant.path), "origin": origin, "path": grant.path,
            })
        });
        let grants: Vec<Value> = grants.collect();
        return out::json(&json!({
            "person": tried.person, "name": tried.name, "grants": grants, "effects": tried.effects,
        }));
    }
    if tried.grants.is_empty() {
        return out::line(&format!("{} would have nothing.", tried.name));
    }
    let cells = tried.grants.iter().map(|grant| {
        let way = mapping::words(&grant.origin.to_string(), &grant.path);
        vec![grant.kind.as_str().to_owned(), grant.object.clone(), grant.value.clone(), way]
    });
    out::lines(&out::table(&["KIND", "OBJECT", "VALUE", "WAY"], &cells.collect::<Vec<_>>()))
}

async fn versions(app: &App, json: Json) -> Done {
    let versions = mapping::list_versions(app, &Principal::host(), None, VERSIONS).await?;
    if json.json {
        let one = |version: &mapping::Version| {
            json!({
                "version": version.version, "saved_at": version.at.to_string(), "saved_by": version.by,
                "note": version.note, "rules": version.rules,
            })
        };
        return out::json(&versions.iter().map(one).collect());
    }
    let cells = versions.iter().map(|version| {
        let (number, rules) = (version.version.to_string(), version.rules.to_string());
        vec![number, out::moment(version.at), version.by.clone(), rules, version.note.clone().unwrap_or_default()]
    });
    out::lines(&out::table(&["VERSION", "SAVED", "BY", "RULES", "NOTE"], &cells.collect::<Vec<_>>()))
}

async fn lint(app: &App, text: Option<&str>, json: Json) -> Done {
    let lints = mapping::lint(app, &Principal::host(), text).await.map_err(not_taken)?;
    if json.json {
        return out::json(&value(&lints));
    }
    if lints.is_empty() {
        return out::line("Nothing is odd about the rules.");
    }
    let line = |lint: &bailiwick_domain::mapping::Lint| {
        format!("{}: {}: {}", lint.rule.as_deref().unwrap_or("feed"), lint.kind.as_str(), lint.message)
    };
    out::lines(&lints.iter().map(line).collect::<Vec<_>>())
}

async fn progress(app: &App, json: Json) -> Done {
    let waiting = mapping::progress(app).await?.waiting;
    if json.json {
        return out::json(&json!({ "waiting": waiting }));
    }
    match waiting {
        0 => out::line("Everybody is evaluated."),
        waiting => out::line(&format!("{} still to be evaluated.", out::count(waiting, "person is", "persons are"))),
    }
}

async fn reviews(app: &App, all: bool, json: Json) -> Done {
    let entries = mapping::due_reviews(app, &Principal::host(), all).await?;
    if json.json {
        let one = |entry: &mapping::ReviewEntry| {
            let review = |review: &mapping::Review| json!({"by": review.by, "at": review.at.to_string(), "decision": review.decision, "note": review.note});
            json!({
                "rule": entry.rule, "owner": entry.owner, "due": out::instant(entry.due), "overdue": entry.overdue,
                "reviews": entry.reviews.iter().map(review).collect::<Vec<_>>(),
            })
        };
        return out::json(&entries.iter().map(one).collect());
    }
    if entries.is_empty() {
        return out::line(if all { "No rule yet." } else { "No review is due." });
    }
    let cells = entries.iter().map(|entry| {
        let last = entry.reviews.first().map_or_else(String::new, |review| review.decision.as_str().to_owned());
        vec![entry.rule.clone(), entry.owner.clone(), out::moment_or(entry.due, "never"), last]
    });
    out::lines(&out::table(&["RULE", "OWNER", "DUE", "LAST DECISION"], &cells.collect::<Vec<_>>()))
}
