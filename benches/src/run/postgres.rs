//! PostgreSQL: every load beside what the driver alone does with the same rows on the same cluster.

use super::{READERS, WRITERS, filled, look_up_cost, memory, reads, start};
use crate::Options;
use crate::cluster::{Cluster, settle};
use crate::process::{Place, Server};
use crate::raw::commits;
use crate::raw::postgres::{self as raw, Bare, Form};
use crate::report::{Line, figure, number};
use crate::scenarios::{Bench, Measured};
use crate::seed;
use std::sync::Arc;

const DATABASE: &str = "bailiwick_bench";
/// What is compared is measured in turns: the machine's moods then fall on both sides.
const TURNS: u32 = 2;
/// Clients that change members.
const CLIENTS: usize = 16;

pub(super) async fn all(options: &Options, cluster: &Cluster, lines: &mut Vec<Line>) -> Result<(), String> {
    let mut costs = Vec::new();
    for &users in &options.users {
        eprintln!("PostgreSQL, {users} users");
        costs.push((users, size(options, cluster, users, lines).await?));
    }
    lines.extend(look_up_cost(&costs, ""));
    Ok(())
}

async fn size(options: &Options, cluster: &Cluster, users: usize, lines: &mut Vec<Line>) -> Result<Measured, String> {
    let url = cluster.database(DATABASE).await?;
    let place = Place::Database(url.clone());
    let (server, client) = start(options, &place)?;
    let mut bench = filled(options, &server, client, users, lines).await?;
    bench.cluster = Some(cluster);
    settle(&url).await?;
    let look_up = reads(&bench, users, lines).await?;
    bare_look_ups(&bench, &url, users, lines).await?;
    lines.push(memory(&server, users));
    // The largest group holds as many members as there were users; those who come and go are users beyond them.
    let spare = seed::users(&bench.client, users, users + users / 5).await?;
    bench.ids = Arc::new(bench.ids.iter().cloned().chain(spare).collect());
    settle(&url).await?;
    members(&bench, cluster, users, lines).await?;
    let made = creates(&bench, cluster, &url, users, lines).await?;
    let switch = bench.switch(WRITERS).await?;
    lines.push(Line::alone(format!("PATCH active, 64 clients, {users} users"), figure(&switch)));
    replicas(options, &bench, cluster, &place, made, lines).await?;
    drop(server);
    cluster.drop_database(DATABASE).await?;
    Ok(look_up)
}

/// The look-up through HTTP beside the same statement through one pipelined connection.
async fn bare_look_ups(bench: &Bench<'_>, url: &str, users: usize, lines: &mut Vec<Line>) -> Result<(), String> {
    let part = bench.lasting(bench.span / TURNS);
    let (mut product, mut bare) = (Measured::default(), 0.0);
    for _ in 0..TURNS {
        bare += raw::look_ups(url, users, part.span).await? / f64::from(TURNS);
        product.absorb(part.look_up(READERS).await?);
        raw::same_look_up(url).await?;
    }
    let what = format!("look-up by userName, {users} users, 16 clients");
    lines.push(Line::beside(what, &product, bare, "the bare select, one pipelined connection, 16 tasks", "0.5"));
    Ok(())
}

async fn members(bench: &Bench<'_>, cluster: &Cluster, users: usize, lines: &mut Vec<Line>) -> Result<(), String> {
    for size in [100, 10_000, 100_000].into_iter().filter(|size| *size <= users) {
        let (add, remove) = bench.come_and_go(size).await?;
        for (what, measured) in [("add", &add), ("remove", &remove)] {
            lines.push(Line::alone(format!("{what} a member, group of {size}, 64 clients"), figure(measured)));
        }
    }
    let part = bench.lasting(bench.span / TURNS);
    let (mut same, mut distinct) = (Measured::default(), Measured::default());
    for turn in 0..TURNS {
        let mut groups = Vec::new();
        for number in 0..=CLIENTS {
            groups.push(seed::group(&bench.client, &format!("turn {turn} group {number}"), &[]).await?);
        }
        cluster.checkpoint().await?;
        same.absorb(part.turnover(&groups[..1], CLIENTS).await?);
        cluster.checkpoint().await?;
        distinct.absorb(part.turnover(&groups[1..], CLIENTS).await?);
    }
    let what = format!("members of one group changed by 16 clients, {users} users");
    let line = Line::beside(what, &same, distinct.rate(), "of 16 distinct groups", "0.8");
    lines.push(line);
    Ok(())
}

/// Creates beside bare inserts, and the two ways to commit beside each other. Gives the creates, and the next user.
async fn creates(
    bench: &Bench<'_>,
    cluster: &Cluster,
    url: &str,
    users: usize,
    lines: &mut Vec<Line>,
) -> Result<(Measured, usize), String> {
    let part = bench.lasting(bench.span / TURNS);
    let bare = Arc::new(Bare::new(cluster).await?);
    let (mut product, mut next) = (Measured::default(), bench.ids.len());
    let (mut pipelined, mut whole, mut each, mut batches) = (0.0, 0.0, 0.0, 0.0);
    for _ in 0..TURNS {
        cluster.checkpoint().await?;
        pipelined += bare.creates(Form::Pipelined, part.span).await? / f64::from(TURNS);
        cluster.checkpoint().await?;
        whole += bare.creates(Form::Whole, part.span).await? / f64::from(TURNS);
        cluster.checkpoint().await?;
        let turn = part.create(WRITERS, next).await?;
        raw::same_document(url, next).await?;
        raw::same_payload(url, next).await?;
        next += turn.outcome.requests();
        product.absorb(turn);
        cluster.checkpoint().await?;
        each += commits::one_each(&bare, part.span).await? / f64::from(TURNS);
        cluster.checkpoint().await?;
        batches += commits::batches(&bare, part.span).await? / f64::from(TURNS);
    }
    if let Some(bare) = Arc::into_inner(bare) {
        bare.end(cluster).await?;
    }
    let name = format!(
        "bare inserts, 16 connections, the faster of five pipelined statements ({}/s) and one ({}/s),",
        number(pipelined),
        number(whole)
    );
    let what = format!("durable creates, 64 clients, {users} users");
    lines.push(Line::beside(what, &product, pipelined.max(whole), &name, "0.6"));
    lines.push(Line {
        what: "bare creates under the lock, one transaction each, 16 connections".to_owned(),
        figure: format!("{}/s", number(each)),
        beside: format!("in batches of 64, one connection {}/s", number(batches)),
        ratio: format!("{:.2}", each / batches),
        goal: String::new(),
    });
    Ok((product, next))
}

/// Two servers on one database, the clients shared out between them, beside one server.
async fn replicas(
    options: &Options,
    bench: &Bench<'_>,
    cluster: &Cluster,
    place: &Place,
    (created, mut next): (Measured, usize),
    lines: &mut Vec<Line>,
) -> Result<(), String> {
    let second = Server::bailiwick(&options.binary, place)?;
    let alone = bench.lasting(bench.span / TURNS);
    let mut both = bench.lasting(bench.span / TURNS);
    both.servers.push(&second);
    let (mut one, mut two) = (Measured::default(), Measured::default());
    let mut two_create = Measured::default();
    for _ in 0..TURNS {
        one.absorb(alone.look_up(READERS).await?);
        two.absorb(both.look_up(READERS).await?);
        cluster.checkpoint().await?;
        let turn = both.create(WRITERS, next).await?;
        next += turn.outcome.requests();
        two_create.absorb(turn);
    }
    lines.push(Line::beside("two replicas: look-ups, 16 clients".to_owned(), &two, one.rate(), "one replica", ""));
    let what = "two replicas: durable creates, 64 clients".to_owned();
    lines.push(Line::beside(what, &two_create, created.rate(), "one replica", ""));
    Ok(())
}
