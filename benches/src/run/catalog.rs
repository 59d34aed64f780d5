//! The catalog's figures: a membership change with its rules beside the bare one, a rule save over everybody, a
//! permission decision, the end of access.

use super::{WRITERS, filled, start};
use crate::Options;
use crate::catalog::{company, decision, leaver, rules};
use crate::cluster::{Cluster, settle};
use crate::load::Client;
use crate::process::{self, Place};
use crate::report::{Line, figure, number};
use crate::scenarios::{Bench, Measured};
use std::time::{Duration, Instant};

const DATABASE: &str = "bailiwick_bench";
/// Mapping rules.
const RULES: usize = 300;
/// Persons of a group, and persons of an entity.
const IN_A_GROUP: usize = 20;
const OF_AN_ENTITY: usize = 5;
/// Open sessions of those who are switched off.
const SESSIONS: usize = 1_000;
/// Groups whose members change under load; rules name them.
const TURNOVER: std::ops::Range<usize> = 3..9;

pub(super) async fn sqlite(options: &Options, people: usize, lines: &mut Vec<Line>) -> Result<(), String> {
    let place = Place::Folder(options.folder.join("catalog"));
    all(options, people, &place, None, lines).await
}

pub(super) async fn postgres(
    options: &Options,
    people: usize,
    cluster: &Cluster,
    lines: &mut Vec<Line>,
) -> Result<(), String> {
    let url = cluster.database(DATABASE).await?;
    let place = Place::Database(url.clone());
    all(options, people, &place, Some((cluster, url.as_str())), lines).await?;
    cluster.drop_database(DATABASE).await
}

async fn all(
    options: &Options,
    people: usize,
    place: &Place,
    cluster: Option<(&Cluster, &str)>,
    lines: &mut Vec<Line>,
) -> Result<(), String> {
    let (server, client) = start(options, place)?;
    let admin = Client { address: client.address.clone(), token: process::admin(&options.binary, place)? };
    let mut bench = filled(options, &server, client, people, lines).await?;
    bench.cluster = cluster.map(|(cluster, _)| cluster);
    let groups = fill(options, place, &bench, &admin, people, lines).await?;
    if let Some((_, url)) = cluster {
        settle(url).await?;
    }
    let busy = &groups[TURNOVER];
    let [bare, bare_alone] = [bench.turnover(busy, WRITERS).await?, bench.turnover(&busy[..1], 1).await?];
    saves(&bench, &admin, &groups, people, lines).await?;
    if let Some((_, url)) = cluster {
        settle(url).await?;
    }
    let [with, with_alone] = [bench.turnover(busy, WRITERS).await?, bench.turnover(&busy[..1], 1).await?];
    lines.push(costs(&format!("a membership change with {RULES} rules, {WRITERS} clients"), &with, &bare));
    lines.push(costs(&format!("a membership change with {RULES} rules, 1 client"), &with_alone, &bare_alone));
    decisions(lines)?;
    let gone = leaver::measure(&admin, SESSIONS).await?;
    let figure = format!(
        "answered after {} ms, every session refused after {} ms; {} let in after the answer",
        gone.answered.as_millis(),
        gone.refused.as_millis(),
        gone.late
    );
    let what = format!("switched off to no access, {SESSIONS} open sessions");
    lines.push(Line { goal: "under 1 s".to_owned(), ..Line::alone(what, figure) });
    Ok(())
}

/// Groups, teams and entities. Gives the ids of the groups.
async fn fill(
    options: &Options,
    place: &Place,
    bench: &Bench<'_>,
    admin: &Client,
    people: usize,
    lines: &mut Vec<Line>,
) -> Result<Vec<String>, String> {
    let count = (people / IN_A_GROUP).max(TURNOVER.end);
    let begin = Instant::now();
    let groups = company::groups(&bench.client, &bench.ids, count).await?;
    let rate = number(count as f64 / begin.elapsed().as_secs_f64());
    lines.push(Line::alone(format!("{count} groups of {IN_A_GROUP}, 8 connections"), format!("{rate} groups/s")));
    let (folder, entities) = (options.folder.join("descriptors"), people / OF_AN_ENTITY);
    company::describe(&folder, entities)?;
    let (binary, place) = (options.binary.clone(), place.clone());
    let begin = Instant::now();
    let imported = tokio::task::spawn_blocking(move || company::import(&binary, &place, &folder)).await;
    imported.map_err(|error| error.to_string())??;
    company::expect(admin, entities).await?;
    let rate = number(entities as f64 / begin.elapsed().as_secs_f64());
    lines.push(Line::alone(format!("{entities} entities by `bailiwick import`"), format!("{rate} entities/s")));
    Ok(groups)
}

/// Rules put in force over everybody: first those that give everybody something, then the same with other words, so that
/// everybody is evaluated and nothing changes.
async fn saves(
    bench: &Bench<'_>,
    admin: &Client,
    groups: &[String],
    people: usize,
    lines: &mut Vec<Line>,
) -> Result<(), String> {
    let (quiet, user) = (groups.last().ok_or("no group")?, bench.ids.first().ok_or("no user")?);
    for (note, what) in [("first", "everybody gains"), ("second", "nothing changes")] {
        let saved = rules::save(&bench.client, admin, &rules::file(RULES, note), quiet, user).await?;
        let seconds = |span: Duration| format!("{:.1} s", span.as_secs_f64());
        let figure = format!(
            "{} (answered after {}); meanwhile a writer made {} changes, the longest {} ms",
            seconds(saved.everybody),
            seconds(saved.answered),
            number(saved.writes as f64),
            saved.longest.as_millis()
        );
        let what = format!("{RULES} rules put in force over {people} people, {what}");
        lines.push(Line { goal: "under 10 s".to_owned(), ..Line::alone(what, figure) });
    }
    Ok(())
}

fn decisions(lines: &mut Vec<Line>) -> Result<(), String> {
    let (plain, reasons) = decision::measure(50)?;
    let figure = format!("{} ns, with reasons {} ns", plain.as_nanos(), reasons.as_nanos());
    let what = "a permission decision, a member of 50 teams".to_owned();
    lines.push(Line { goal: "under 5,000 ns".to_owned(), ..Line::alone(what, figure) });
    Ok(())
}

/// How much dearer a change became.
fn costs(what: &str, with: &Measured, bare: &Measured) -> Line {
    Line {
        what: what.to_owned(),
        figure: figure(with),
        beside: format!("before there were rules: {}", figure(bare)),
        ratio: format!("{:.2} time", bare.rate() / with.rate()),
        goal: "at most 2".to_owned(),
    }
}
