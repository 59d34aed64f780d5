//! Mapping rules: a file of them, and what it takes to put it in force over everybody.

use super::company::{TAGS, TEAMS, group_name, member, team_name};
use crate::load::{Client, Connection};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// How often it is asked how far the work is.
const ASK_EVERY: Duration = Duration::from_millis(50);
/// No save may take longer.
const PATIENCE: Duration = Duration::from_secs(600);

/// So many rules: one that concerns everybody, some by pattern, by attribute and with ownership, most by the name of a
/// group. The note makes one file differ from another without giving anybody anything else.
pub(crate) fn file(count: usize, note: &str) -> String {
    let rule = |id: String, when: Value, then: Value| json!({ "id": id, "owner": team_name(0), "description": note, "when": when, "then": [then] });
    let everybody = rule("everybody".to_owned(), json!({ "user": "active eq true" }), json!({ "role": "viewer" }));
    let mut rules = vec![everybody];
    for number in 0..count.saturating_sub(1) {
        let team = json!({ "team": team_name(number % TEAMS) });
        let (when, then) = match number % 10 {
            0 => (json!({ "group": { "pattern": format!("group {:02}*9", number % 100) } }), team),
            1 => (json!({ "user": format!("userName sw \"u{:05}\"", number) }), team),
            2 => {
                let own = format!("kind eq \"component\" and tags eq \"tag{:02}\"", number % TAGS);
                (json!({ "group": group_name(number) }), json!({ "own": own }))
            }
            _ => (json!({ "group": group_name(number) }), team),
        };
        rules.push(rule(format!("r{number:03}"), when, then));
    }
    json!({ "version": 1, "rules": rules }).to_string()
}

/// What a save took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Saved {
    /// Until the answer.
    pub(crate) answered: Duration,
    /// Until nobody waited to be evaluated any more.
    pub(crate) everybody: Duration,
    /// Changes that a writer made meanwhile, one after another.
    pub(crate) writes: u64,
    /// The longest of them.
    pub(crate) longest: Duration,
}

/// Puts a file in force and waits until everybody was evaluated, while somebody else changes the members of a group that
/// no rule names.
pub(crate) async fn save(scim: &Client, admin: &Client, text: &str, group: &str, user: &str) -> Result<Saved, String> {
    let stop = Arc::new(AtomicBool::new(false));
    let writer = tokio::spawn(write(scim.clone(), group.to_owned(), user.to_owned(), stop.clone()));
    let mut connection = Connection::open(&admin.address).await?;
    let begin = Instant::now();
    let request = admin.api("PUT", "/rules?accept_dangers=true", Some(text), 200);
    let (status, body) = connection.exchange(&request.bytes).await?;
    if status != 200 {
        return Err(format!("rules: {status} {}", String::from_utf8_lossy(&body)));
    }
    let answered = begin.elapsed();
    loop {
        let (status, body) = connection.exchange(&admin.api("GET", "/rules/progress", None, 200).bytes).await?;
        let progress: Value = serde_json::from_slice(&body).map_err(|error| format!("progress {status}: {error}"))?;
        if progress["waiting"] == json!(0) {
            break;
        }
        if begin.elapsed() > PATIENCE {
            return Err(format!("rules are still not in force: {progress}"));
        }
        sleep(ASK_EVERY).await;
    }
    let everybody = begin.elapsed();
    stop.store(true, Ordering::Relaxed);
    let (writes, longest) = writer.await.map_err(|error| error.to_string())??;
    Ok(Saved { answered, everybody, writes, longest })
}

async fn write(client: Client, group: String, user: String, stop: Arc<AtomicBool>) -> Result<(u64, Duration), String> {
    let mut connection = Connection::open(&client.address).await?;
    let (mut writes, mut longest) = (0, Duration::ZERO);
    while !stop.load(Ordering::Relaxed) {
        let request = member(&client, &group, &user, writes % 2 == 0);
        let begin = Instant::now();
        let (status, body) = connection.exchange(&request.bytes).await?;
        if status != request.expect {
            return Err(format!("the writer beside a rule save: {status} {}", String::from_utf8_lossy(&body)));
        }
        longest = longest.max(begin.elapsed());
        writes += 1;
    }
    Ok((writes, longest))
}
