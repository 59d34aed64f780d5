//! The whole run, engine by engine and size by size.

mod catalog;
mod growth;
mod postgres;
mod sqlite;

use crate::Options;
use crate::cluster::Cluster;
use crate::load::Client;
use crate::process::{self, Place, Server};
use crate::report::{self, Line, number};
use crate::scenarios::{Bench, Measured};
use crate::seed;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Connections of the reading loads.
const READERS: usize = 16;
/// Connections of the writing loads.
const WRITERS: usize = 64;

/// Measures everything and prints a table for each engine.
pub(crate) fn all(options: &Options) -> Result<(), String> {
    std::fs::create_dir_all(&options.folder).map_err(|error| error.to_string())?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    let done = runtime.block_on(async {
        if options.engines.sqlite() {
            on_sqlite(options).await?;
        }
        if options.engines.postgres() {
            on_postgres(options).await?;
        }
        Ok(())
    });
    let _ = std::fs::remove_dir_all(&options.folder);
    done
}

async fn on_sqlite(options: &Options) -> Result<(), String> {
    let mut lines = Vec::new();
    let done = match (options.catalog, options.growth.as_slice()) {
        (Some(people), _) => catalog::sqlite(options, people, &mut lines).await,
        (None, []) => sqlite::all(options, &mut lines).await,
        (None, sizes) => growth::sqlite(options, sizes, &mut lines).await,
    };
    // What was measured before something went wrong is worth to be seen.
    report::print("SQLite", &lines);
    done
}

async fn on_postgres(options: &Options) -> Result<(), String> {
    let source = options.cluster.as_ref().ok_or("PostgreSQL needs --cluster PROGRAM or --database-url URL")?;
    let cluster = Cluster::start(source).await?;
    let mut lines = Vec::new();
    let done = match (options.catalog, options.growth.as_slice()) {
        (Some(people), _) => catalog::postgres(options, people, &cluster, &mut lines).await,
        (None, []) => postgres::all(options, &cluster, &mut lines).await,
        (None, sizes) => growth::postgres(options, sizes, &cluster, &mut lines).await,
    };
    report::print(&format!("PostgreSQL ({})", cluster.description().await?), &lines);
    done
}

/// A server on an empty store, with an integration.
fn start(options: &Options, place: &Place) -> Result<(Server, Client), String> {
    let server = Server::bailiwick(&options.binary, place)?;
    let client = Client { address: server.address.clone(), token: process::integration(&options.binary, place)? };
    Ok((server, client))
}

/// A server filled with users, and everything that a load needs.
async fn filled<'a>(
    options: &Options,
    server: &'a Server,
    client: Client,
    users: usize,
    lines: &mut Vec<Line>,
) -> Result<Bench<'a>, String> {
    let begin = Instant::now();
    let ids = seed::users(&client, 0, users).await?;
    let rate = users as f64 / begin.elapsed().as_secs_f64();
    let what = format!("{users} users through Bulk, 8 connections");
    lines.push(Line::alone(what, format!("{} users/s", number(rate))));
    let span = Duration::from_secs_f64(options.seconds);
    Ok(Bench { servers: vec![server], cluster: None, client, span, ids: Arc::new(ids) })
}

/// The bare yardstick of reads.
async fn hello(span: Duration) -> Result<Measured, String> {
    let server = Server::hello()?;
    let client = Client { address: server.address.clone(), token: String::new() };
    let request = client.request("GET", "/hello", None, 200);
    let bench = Bench { servers: vec![&server], cluster: None, client, span, ids: Arc::default() };
    bench.measure(READERS, move |_| Some(request.clone())).await
}

fn memory(server: &Server, users: usize) -> Line {
    let goal = if users > 10_000 { "150 MiB at 100k users" } else { "60 MiB at 10k users" };
    let figure = format!("{:.0} MiB", server.peak_mib());
    Line { goal: goal.to_owned(), ..Line::alone(format!("peak memory, {users} users loaded and read"), figure) }
}

/// Reads by id, by name and by page. Gives the look-up.
async fn reads(bench: &Bench<'_>, users: usize, lines: &mut Vec<Line>) -> Result<Measured, String> {
    let hello = hello(bench.span).await?;
    let name = format!("bare axum ({:.1} us CPU)", hello.cpu_us());
    let get = bench.get_by_id(READERS).await?;
    lines.push(Line::beside(format!("GET by id, {users} users"), &get, hello.rate(), &name, "0.5"));
    let look_up = bench.look_up(READERS).await?;
    lines.push(Line::beside(format!("look-up by userName, {users} users"), &look_up, hello.rate(), &name, "0.5"));
    let (first, deep) = (bench.first_page().await?, bench.deep_page().await?);
    let what = format!("page of 100 by cursor, deep in {users} users");
    lines.push(Line::beside(what, &deep, first.rate(), "first page", "about 1"));
    Ok(look_up)
}

/// The look-up where the store is largest beside the same where it is smallest.
fn look_up_cost(costs: &[(usize, Measured)], goal: &str) -> Option<Line> {
    let (Some((few, small)), Some((many, large))) = (costs.first(), costs.last()) else { return None };
    let cost = |measured: &Measured| measured.cpu_us() + measured.database_us();
    (few != many).then(|| Line {
        what: format!("look-up at {many} against {few} users, CPU a request"),
        figure: format!("{:.1} us", cost(large)),
        beside: format!("{:.1} us", cost(small)),
        ratio: format!("{:.2}", cost(large) / cost(small)),
        goal: goal.to_owned(),
    })
}
