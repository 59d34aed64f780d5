//! Fills a database with the rows that the store writes for users, 1,000 at a time and without the store: a million in
//! minutes. Only while no server runs on it.

use crate::cluster::{connect, told};
use crate::raw::postgres::{DIGEST, MANY, SALT, same_document};
use crate::rows::{Create, NUMBERS};
use futures_util::future::try_join3;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Error, Statement};

/// Users in one transaction.
const CHUNK: usize = 1_000;

/// Adds the users `from..to`. Their documents and keys are those of the store, which is checked; their events carry
/// digests of nothing, so the seal of such a database covers them and would not verify.
pub(crate) async fn users(url: &str, from: usize, to: usize) -> Result<(), String> {
    same_document(url, 0).await?;
    let client = connect(url).await?;
    let run = async {
        let many = client.prepare(MANY).await?;
        for first in (from..to).step_by(CHUNK) {
            chunk(&client, &many, first, (first + CHUNK).min(to)).await?;
        }
        Ok(())
    };
    run.await.map_err(|error: Error| format!("filling: {}", told(&error)))
}

async fn chunk(client: &Client, many: &Statement, first: usize, last: usize) -> Result<(), Error> {
    let count = (last - first) as i64;
    client.batch_execute("BEGIN").await?;
    let draw = "UPDATE sequence SET value = value + $1,
                  at = greatest(at, CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint))
                WHERE name = 'change' RETURNING value, at";
    let drawn = client.query_one(draw, &[&(count * NUMBERS)]).await?;
    let (value, at): (i64, i64) = (drawn.get(0), drawn.get(1));
    let base = value - count * NUMBERS;
    let rows: Vec<Create> =
        (first..last).zip(0_i64..).map(|(number, index)| Create::new(number, base + index * NUMBERS)).collect();
    let ints = |column: fn(&Create) -> i64| rows.iter().map(column).collect::<Vec<i64>>();
    let texts = |column: fn(&Create) -> &str| rows.iter().map(column).collect::<Vec<&str>>();
    let (persons, resources, events) = (ints(|row| row.person), ints(|row| row.resource), ints(|row| row.event));
    let (names, displays) = (texts(|row| &row.name), texts(|row| &row.display));
    let (ids, person_ids) = (texts(|row| &row.id), texts(|row| &row.person_id));
    let (external_ids, requests) = (texts(|row| &row.external_id), texts(|row| &row.request));
    let (docs, keys, payloads) = (texts(|row| &row.doc), texts(|row| &row.keys), texts(|row| &row.payload));
    let columns: [&(dyn ToSql + Sync); 15] = [
        &persons,
        &person_ids,
        &displays,
        &names,
        &resources,
        &ids,
        &external_ids,
        &docs,
        &keys,
        &events,
        &requests,
        &payloads,
        &at,
        &DIGEST,
        &SALT,
    ];
    let holdings = "UPDATE integration SET users = users + $1 WHERE id = 1";
    try_join3(client.execute(many, &columns), client.execute(holdings, &[&count]), client.batch_execute("COMMIT"))
        .await
        .map(|_| ())
}

/// The ids of all users, in the order in which they were made.
pub(crate) async fn ids(url: &str) -> Result<Vec<String>, String> {
    let client = connect(url).await?;
    let rows = client.query("SELECT id FROM resource WHERE kind = 1 ORDER BY seq", &[]).await;
    Ok(rows.map_err(|error| told(&error))?.iter().map(|row| row.get(0)).collect())
}
