//! `migrate`: the schema brought up to date, or a store moved between a folder and a database.

use crate::args::{MigrateArgs, StoreArgs};
use crate::config::{Config, Environment, location, shown};
use crate::out::{self, Done, Failure};
use crate::wiring;
use bailiwick_store::rows::VerifyReport;
use bailiwick_store::{Copied, Location, Progress, Role, Store, copy, schema};
use serde_json::{Map, Value, json};
use std::io::{self, IsTerminal as _};

/// What was asked for.
#[derive(Debug, PartialEq, Eq)]
enum Task {
    Update(Location),
    Move { from: Location, to: Location },
}

pub(super) async fn run(args: &MigrateArgs, flags: &StoreArgs) -> Done {
    match task(args, flags, Environment::read())? {
        Task::Update(store) => update(args, store).await,
        Task::Move { from, to } => relocate(args, &from, to).await,
    }
}

/// A store that is neither --from nor --to must be named all the same: nothing is copied to or from a default place.
fn task(args: &MigrateArgs, flags: &StoreArgs, environment: Environment) -> Result<Task, Failure> {
    let other = |missing: &str| match Config::new(flags, environment.clone())?.named() {
        Some(named) => Ok(named.clone()),
        None => Err(Failure::Usage(format!("{missing} is missing: name the other store, too"))),
    };
    match (&args.from, &args.to) {
        (None, None) => Ok(Task::Update(Config::new(flags, environment)?.location())),
        (Some(_), Some(_)) if flags.data.is_some() || flags.database_url.is_some() => {
            Err(Failure::Usage("--from and --to name the stores: leave --data and --database-url out".to_owned()))
        }
        (Some(from), Some(to)) => Ok(Task::Move { from: location("--from", from)?, to: location("--to", to)? }),
        (Some(from), None) => Ok(Task::Move { from: location("--from", from)?, to: other("--to")? }),
        (None, Some(to)) => Ok(Task::Move { from: other("--from")?, to: location("--to", to)? }),
    }
}

async fn update(args: &MigrateArgs, location: Location) -> Done {
    let options = wiring::options(location, Role::Command);
    let store = Store::open(&options).await?;
    let schema = schema(&options).await?;
    if args.json.json {
        return out::json(&json!({ "schema": schema, "store_id": store.store_id() }));
    }
    out::line(&format!("The store is up to date (schema {schema})."))
}

async fn relocate(args: &MigrateArgs, from: &Location, to: Location) -> Done {
    let terminal = io::stderr().is_terminal();
    let tells = args.progress || (terminal && !args.json.json);
    let mut progress = |progress: Progress| {
        if tells {
            tell(progress, terminal);
        }
    };
    let copied = copy(from, &wiring::options(to.clone(), Role::Command), &mut progress)
        .await
        .map_err(|error| Failure::Refused(error.to_string()))?;
    if args.json.json {
        return out::json(&summary(&copied));
    }
    out::lines(&report(&copied, from, &to))
}

/// One line a table; a terminal sees it grow.
fn tell(progress: Progress, terminal: bool) {
    let Progress { table, rows, total } = progress;
    let done = rows == total;
    if done || terminal {
        let (begin, end) = (if terminal { "\r" } else { "" }, if done { "\n" } else { "" });
        out::aside(&format!("{begin}{table}: {rows} of {}{end}", out::count(total, "row", "rows")));
    }
}

fn summary(copied: &Copied) -> Value {
    let tables: Map<String, Value> =
        copied.tables.iter().map(|(name, rows)| ((*name).to_owned(), Value::from(*rows))).collect();
    json!({
        "store_id": copied.store_id,
        "tables": tables,
        "events": copied.rows("event"),
        "seal_head": copied.seal.head,
    })
}

fn report(copied: &Copied, from: &Location, to: &Location) -> Vec<String> {
    let rows: Vec<Vec<String>> =
        copied.tables.iter().map(|(name, rows)| vec![(*name).to_owned(), rows.to_string()]).collect();
    let mut lines = out::table(&["table", "rows"], &rows);
    let VerifyReport { blocks, events, unsealed, erased, head, .. } = &copied.seal;
    lines.push(format!(
        "Both sides hold the same rows and bear the same sound seal: {} over {}; {unsealed} not sealed yet, {} erased.",
        out::count(*blocks, "block", "blocks"),
        out::count(*events, "event", "events"),
        out::count(*erased, "payload", "payloads"),
    ));
    lines.extend(head.as_ref().map(|head| format!("Newest block: {head}")));
    lines.push(format!("The store {} is now in {}. Next:", copied.store_id, shown(to)));
    lines.push(match to {
        Location::Folder(dir) => format!("  bailiwick serve --data {}", out::quoted(&dir.to_string_lossy())),
        Location::Postgres(_) => "  bailiwick serve     (with its URL in BAILIWICK_DATABASE_URL)".to_owned(),
    });
    lines.push(format!(
        "What is left in {} is unchanged: keep it as a backup, start no server on it again.",
        shown(from)
    ));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    fn asked(words: [Option<&str>; 4], environment: Option<&str>) -> Result<Task, Failure> {
        let [from, to, data, url] = words.map(|word| word.map(str::to_owned));
        let args = MigrateArgs { from, to, progress: false, json: crate::args::Json::default() };
        let flags = StoreArgs { data: data.map(PathBuf::from), database_url: url };
        let data = environment.map(str::to_owned);
        task(&args, &flags, Environment { data, ..Environment::default() })
    }

    fn dir(text: &str) -> Location {
        Location::Folder(PathBuf::from(text))
    }

    #[test]
    fn what_is_asked_for() {
        let check = |words, environment, expect| assert_eq!(asked(words, environment).unwrap(), expect, "{words:?}");
        let (a, b) = (Some("sqlite:a"), Some("sqlite:b"));
        check([None; 4], None, Task::Update(dir("./bailiwick-data")));
        check([None, None, Some("f"), None], Some("e"), Task::Update(dir("f")));
        check([a, b, None, None], Some("e"), Task::Move { from: dir("a"), to: dir("b") });
        check([a, None, None, None], Some("e"), Task::Move { from: dir("a"), to: dir("e") });
        check([None, b, Some("f"), None], None, Task::Move { from: dir("f"), to: dir("b") });
        for words in [[a, b, Some("f"), None], [a, None, None, None], [None, b, None, None]] {
            assert!(matches!(asked(words, None), Err(Failure::Usage(_))), "{words:?}");
        }
        for words in [[Some("a"), b, None, None], [a, Some("mysql://x"), None, None], [a, Some("sqlite:"), None, None]]
        {
            assert!(matches!(asked(words, None), Err(Failure::Refused(_))), "{words:?}");
        }
    }
}
