//! The whole run, size by size.

use crate::Options;
use crate::load::Client;
use crate::process::{self, Server};
use crate::raw::{self, Raw};
use crate::report::{self, Line, number};
use crate::scenarios::{Bench, Measured, measured};
use crate::seed;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Connections of the reading loads.
const READERS: usize = 16;
/// Connections of the writing loads.
const WRITERS: usize = 64;

/// Measures everything and prints the table.
pub(crate) fn all(options: &Options) -> Result<(), String> {
    std::fs::create_dir_all(&options.folder).map_err(|error| error.to_string())?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    let mut lines = Vec::new();
    let mut costs = Vec::new();
    for &users in &options.users {
        eprintln!("{users} users");
        costs.push(runtime.block_on(size(options, users, &mut lines))?);
    }
    if let (Some(small), Some(large)) = (costs.first(), costs.last())
        && costs.len() > 1
    {
        lines.push(Line {
            what: format!("look-up at {} against {} users, server CPU a request", large.users, small.users),
            figure: format!("{:.1} us", large.look_up_us),
            beside: format!("{:.1} us", small.look_up_us),
            ratio: format!("{:.2}", large.look_up_us / small.look_up_us),
            goal: "at most 1.3".to_owned(),
        });
    }
    report::print(&lines);
    let _ = std::fs::remove_dir_all(&options.folder);
    Ok(())
}

struct Cost {
    users: usize,
    look_up_us: f64,
}

async fn size(options: &Options, users: usize, lines: &mut Vec<Line>) -> Result<Cost, String> {
    let span = Duration::from_secs_f64(options.seconds);
    let folder = options.folder.join(users.to_string());
    let server = Server::bailiwick(&options.binary, &folder)?;
    let client = Client { address: server.address.clone(), token: process::integration(&options.binary, &folder)? };
    let begin = Instant::now();
    let ids = seed::users(&client, 0, users).await?;
    let seconds = begin.elapsed().as_secs_f64();
    lines.push(Line {
        what: format!("{users} users through Bulk, 8 connections"),
        figure: format!("{} users/s", number(users as f64 / seconds)),
        beside: String::new(),
        ratio: String::new(),
        goal: String::new(),
    });
    let mut bench = Bench { server: &server, client, span, ids: Arc::new(ids) };
    let hello = hello(span).await?;
    let look_up_us = reads(&bench, &hello, users, lines).await?;
    memory(&server, users, lines);
    // The largest group holds as many members as there were users; those who come and go are users beyond them.
    let spare = seed::users(&bench.client, users, users + users / 5).await?;
    bench.ids = Arc::new(bench.ids.iter().cloned().chain(spare).collect());
    let raw_folder = options.folder.clone();
    let raw = tokio::task::spawn_blocking(move || raw::measure(&raw_folder, span))
        .await
        .map_err(|error| error.to_string())??;
    members(&bench, &raw, users, lines).await?;
    writes(&bench, &raw, users, lines).await?;
    Ok(Cost { users, look_up_us })
}

fn memory(server: &Server, users: usize, lines: &mut Vec<Line>) {
    let goal = if users > 10_000 { "150 MiB at 100k users" } else { "60 MiB at 10k users" };
    lines.push(Line {
        what: format!("peak memory, {users} users loaded and read"),
        figure: format!("{:.0} MiB", server.peak_mib()),
        beside: String::new(),
        ratio: String::new(),
        goal: goal.to_owned(),
    });
}

async fn hello(span: Duration) -> Result<Measured, String> {
    let server = Server::hello()?;
    let client = Client { address: server.address.clone(), token: String::new() };
    measured(&server, READERS, span, move |_| Some(client.request("GET", "/hello", None, 200))).await
}

fn beside(what: String, measured: &Measured, yardstick: f64, name: &str, goal: &str) -> Line {
    let outcome = &measured.outcome;
    Line {
        what,
        figure: format!(
            "{}/s, p50 {:.2} ms, p99 {:.2} ms, {:.1} us CPU",
            number(outcome.rate()),
            outcome.p50_us / 1000.0,
            outcome.p99_us / 1000.0,
            measured.cpu_us
        ),
        beside: format!("{name} {}/s", number(yardstick)),
        ratio: format!("{:.2}", outcome.rate() / yardstick),
        goal: goal.to_owned(),
    }
}

async fn reads(bench: &Bench<'_>, hello: &Measured, users: usize, lines: &mut Vec<Line>) -> Result<f64, String> {
    let rate = hello.outcome.rate();
    let name = format!("bare axum ({:.1} us CPU)", hello.cpu_us);
    let get = bench.get_by_id(READERS).await?;
    lines.push(beside(format!("GET by id, {users} users"), &get, rate, &name, "0.5"));
    let look_up = bench.look_up(READERS).await?;
    lines.push(beside(format!("look-up by userName, {users} users"), &look_up, rate, &name, "0.5"));
    let (first, deep) = bench.pages().await?;
    lines.push(beside(
        format!("page of 100 by cursor, deep in {users} users"),
        &deep,
        first.outcome.rate(),
        "first page",
        "about 1",
    ));
    Ok(look_up.cpu_us)
}

async fn writes(bench: &Bench<'_>, raw: &Raw, users: usize, lines: &mut Vec<Line>) -> Result<(), String> {
    let create = bench.create(WRITERS, bench.ids.len()).await?;
    let what = format!("durable creates, 64 clients, {users} users");
    lines.push(beside(what, &create, raw.creates, "raw commits of 64", "0.5"));
    let switch = bench.switch(WRITERS).await?;
    let what = format!("PATCH active, 64 clients, {users} users");
    lines.push(beside(what, &switch, raw.patches, "raw commits of 64", "0.5"));
    Ok(())
}

async fn members(bench: &Bench<'_>, raw: &Raw, users: usize, lines: &mut Vec<Line>) -> Result<(), String> {
    for size in [100, 10_000, 100_000].into_iter().filter(|size| *size <= users) {
        let held = bench.ids[..size].to_vec();
        let spare = bench.ids[size..].to_vec();
        let group = seed::group(&bench.client, &format!("group of {size}"), &held).await?;
        let add = bench.members(&group, spare.clone(), true).await?;
        let what = format!("add a member, group of {}, 64 clients", held.len());
        lines.push(beside(what, &add, raw.members, "raw commits of 64", "10,000/s, the same for every size"));
        let added = usize::try_from(add.outcome.requests).unwrap_or(usize::MAX).min(spare.len());
        let remove = bench.members(&group, spare[..added].to_vec(), false).await?;
        let what = format!("remove a member, group of {}, 64 clients", held.len());
        lines.push(beside(what, &remove, raw.members, "raw commits of 64", "10,000/s, the same for every size"));
    }
    Ok(())
}
