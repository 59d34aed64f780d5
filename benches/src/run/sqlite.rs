//! SQLite: every load beside grouped commits of the same rows.

use super::{WRITERS, filled, look_up_cost, memory, reads, start};
use crate::Options;
use crate::process::Place;
use crate::raw::sqlite::{self as raw, Raw};
use crate::report::Line;
use crate::scenarios::{Bench, Measured};
use crate::seed;
use std::sync::Arc;

const MEMBER_GOAL: &str = "10,000/s, the same for every size";
const YARDSTICK: &str = "raw commits of 64";

pub(super) async fn all(options: &Options, lines: &mut Vec<Line>) -> Result<(), String> {
    let mut costs = Vec::new();
    for &users in &options.users {
        eprintln!("SQLite, {users} users");
        costs.push((users, size(options, users, lines).await?));
    }
    lines.extend(look_up_cost(&costs, "at most 1.3"));
    Ok(())
}

async fn size(options: &Options, users: usize, lines: &mut Vec<Line>) -> Result<Measured, String> {
    let place = Place::Folder(options.folder.join(users.to_string()));
    let (server, client) = start(options, &place)?;
    let mut bench = filled(options, &server, client, users, lines).await?;
    let look_up = reads(&bench, users, lines).await?;
    lines.push(memory(&server, users));
    // The largest group holds as many members as there were users; those who come and go are users beyond them.
    let spare = seed::users(&bench.client, users, users + users / 5).await?;
    bench.ids = Arc::new(bench.ids.iter().cloned().chain(spare).collect());
    let (folder, span) = (options.folder.clone(), bench.span);
    let raw = tokio::task::spawn_blocking(move || raw::measure(&folder, span)).await;
    let raw = raw.map_err(|error| error.to_string())??;
    members(&bench, &raw, users, lines).await?;
    writes(&bench, &raw, users, lines).await?;
    Ok(look_up)
}

async fn members(bench: &Bench<'_>, raw: &Raw, users: usize, lines: &mut Vec<Line>) -> Result<(), String> {
    for size in [100, 10_000, 100_000].into_iter().filter(|size| *size <= users) {
        let (add, remove) = bench.come_and_go(size).await?;
        for (what, measured) in [("add", &add), ("remove", &remove)] {
            let what = format!("{what} a member, group of {size}, 64 clients");
            lines.push(Line::beside(what, measured, raw.members, YARDSTICK, MEMBER_GOAL));
        }
    }
    Ok(())
}

async fn writes(bench: &Bench<'_>, raw: &Raw, users: usize, lines: &mut Vec<Line>) -> Result<(), String> {
    let create = bench.create(WRITERS, bench.ids.len()).await?;
    let what = format!("durable creates, 64 clients, {users} users");
    lines.push(Line::beside(what, &create, raw.creates, YARDSTICK, "0.5"));
    let switch = bench.switch(WRITERS).await?;
    let what = format!("PATCH active, 64 clients, {users} users");
    lines.push(Line::beside(what, &switch, raw.patches, YARDSTICK, "0.5"));
    Ok(())
}
