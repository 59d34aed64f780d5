//! What a request costs in a large store beside a smaller one.

use super::{READERS, filled, start};
use crate::Options;
use crate::cluster::{Cluster, settle};
use crate::filler;
use crate::load::Client;
use crate::process::{Place, Server};
use crate::report::{Line, number};
use crate::scenarios::{Bench, Measured};
use crate::seed;
use std::sync::Arc;
use std::time::Instant;

const DATABASE: &str = "bailiwick_bench_growth";
/// A store that takes fewer users a second through Bulk is filled without it.
const BULK: f64 = 2_500.0;

/// Clients of lists that look at every row: more of them would only wait for each other, beyond the time a list may take.
const SCANNERS: usize = 2;

/// A filtered list: what it is called, the filter for a number, and whether an index leads to what it finds. The first
/// ones find as many users in a store of any size, the last ones find more in a larger one and count them all.
struct List {
    name: &'static str,
    filter: fn(usize) -> String,
    bounded: bool,
}

const LISTS: &[List] = &[
    List { name: "list by userName sw, 100 found", filter: by_name, bounded: true },
    List { name: "list by active eq true and userName sw, 100 found", filter: by_active_and_name, bounded: true },
    List { name: "list by displayName sw, 1 found", filter: by_display, bounded: true },
    List { name: "list by active eq true, all found", filter: |_| "active eq true".to_owned(), bounded: false },
    List { name: "list by name.familyName sw, every ninth found", filter: by_family, bounded: false },
];

fn by_name(number: usize) -> String {
    format!("userName sw \"u{:05}\"", number / 100)
}

fn by_active_and_name(number: usize) -> String {
    format!("active eq true and userName sw \"u{:05}\"", number / 100)
}

fn by_display(number: usize) -> String {
    format!("displayName sw \"Given{number} F\"")
}

fn by_family(_: usize) -> String {
    "name.familyName sw \"Family1\"".to_owned()
}

/// What was measured at one size, each under its name; a load that the store refuses says so.
struct Size {
    users: usize,
    loads: Vec<(&'static str, bool, Result<Measured, String>)>,
}

pub(super) async fn sqlite(options: &Options, growth: &[usize], lines: &mut Vec<Line>) -> Result<(), String> {
    let mut sizes = Vec::new();
    let place = Place::Folder(options.folder.join("growth"));
    let (server, client) = start(options, &place)?;
    let first = growth.first().copied().unwrap_or_default();
    let mut bench = filled(options, &server, client, first, lines).await?;
    for &users in growth {
        eprintln!("SQLite, {users} users");
        if users > bench.ids.len() {
            let more = seed::users(&bench.client, bench.ids.len(), users).await?;
            bench.ids = Arc::new(bench.ids.iter().cloned().chain(more).collect());
        }
        sizes.push(measure(&bench, users).await?);
    }
    compare(&sizes, lines);
    Ok(())
}

pub(super) async fn postgres(
    options: &Options,
    growth: &[usize],
    cluster: &Cluster,
    lines: &mut Vec<Line>,
) -> Result<(), String> {
    let mut sizes = Vec::new();
    let url = cluster.database(DATABASE).await?;
    let place = Place::Database(url.clone());
    let (mut server, mut client) = start(options, &place)?;
    let (mut held, mut rate) = (0, f64::INFINITY);
    for &users in growth {
        eprintln!("PostgreSQL, {users} users");
        let begin = Instant::now();
        let way = if held == 0 || rate >= BULK {
            seed::users(&client, held, users).await?;
            "Bulk, 8 connections"
        } else {
            drop(server);
            filler::users(&url, held, users).await?;
            server = Server::bailiwick(&options.binary, &place)?;
            client.address.clone_from(&server.address);
            "the same rows, 1,000 in a statement"
        };
        rate = (users - held) as f64 / begin.elapsed().as_secs_f64();
        held = users;
        lines.push(Line::alone(format!("growing to {users} users: {way}"), format!("{} users/s", number(rate))));
        settle(&url).await?;
        let bench = bench(options, cluster, &server, &client, filler::ids(&url).await?);
        sizes.push(measure(&bench, users).await?);
    }
    compare(&sizes, lines);
    drop(server);
    cluster.drop_database(DATABASE).await
}

fn bench<'a>(
    options: &Options,
    cluster: &'a Cluster,
    server: &'a Server,
    client: &Client,
    ids: Vec<String>,
) -> Bench<'a> {
    let span = std::time::Duration::from_secs_f64(options.seconds);
    Bench { servers: vec![server], cluster: Some(cluster), client: client.clone(), span, ids: Arc::new(ids) }
}

async fn measure(bench: &Bench<'_>, users: usize) -> Result<Size, String> {
    let look_up = bench.look_up(READERS).await?;
    let (first, deep) = (bench.first_page().await?, bench.deep_page().await?);
    let mut loads = vec![
        ("look-up by userName", true, Ok(look_up)),
        ("first page of 100 by cursor", true, Ok(first)),
        ("page of 100 by cursor, deep in the list", true, Ok(deep)),
    ];
    for list in LISTS {
        let clients = if list.bounded { READERS } else { SCANNERS };
        loads.push((list.name, list.bounded, bench.list(clients, list.filter).await));
    }
    let (add, remove) = bench.come_and_go(100).await?;
    loads.push(("add a member, group of 100, 64 clients", true, Ok(add)));
    loads.push(("remove a member, group of 100, 64 clients", true, Ok(remove)));
    Ok(Size { users, loads })
}

/// A line for each load, the last size beside the first.
fn compare(sizes: &[Size], lines: &mut Vec<Line>) {
    let (Some(small), Some(large)) = (sizes.first(), sizes.last()) else { return };
    for (before, after) in small.loads.iter().zip(&large.loads) {
        let (name, bounded, _) = before;
        lines.push(match (&before.2, &after.2) {
            (Ok(before), Ok(after)) => {
                let mut line = Line::growth(name, (large.users, after), (small.users, before));
                if !bounded {
                    line.goal = "as many times as there are users".to_owned();
                }
                line
            }
            (Err(message), _) | (_, Err(message)) => {
                Line::alone(format!("{name}, {} users", large.users), message.clone())
            }
        });
    }
}
