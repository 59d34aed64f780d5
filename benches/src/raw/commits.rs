//! Two ways to commit in the order of the sequence, bare: one transaction for each create, and one for each batch. Both
//! take the lock first, then check who answers to the name, then write rows, sequence and counters.

use super::postgres::{Bare, CONNECTIONS, Inserts};
use crate::cluster::{connect, told};
use crate::rows::{Create, NUMBERS};
use futures_util::future::{try_join_all, try_join4, try_join5};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_postgres::{Client, Error, Statement};

/// Creates in one transaction: what 64 clients can have waiting at once.
const BATCH: usize = 64;

/// Everything but the rows.
struct Frame {
    client: Client,
    inserts: Inserts,
    lock: Statement,
    answering: Statement,
    draw: Statement,
    holdings: Statement,
    seen: Statement,
    calls: Statement,
}

impl Frame {
    async fn open(url: &str) -> Result<Self, String> {
        let client = connect(url).await?;
        Self::prepare(client).await.map_err(|error| told(&error))
    }

    async fn prepare(client: Client) -> Result<Self, Error> {
        Ok(Self {
            inserts: Inserts::prepare(&client).await?,
            lock: client.prepare("SELECT pg_advisory_xact_lock($1)").await?,
            answering: client
                .prepare(
                    "SELECT seq FROM person WHERE user_name_key = $1
                     UNION ALL SELECT (SELECT r.person FROM resource r WHERE r.integration = i.id AND r.name_unique = $1)
                       FROM integration i
                     UNION ALL SELECT seq FROM person WHERE email_key = $1
                     UNION ALL SELECT (SELECT r.person FROM resource r WHERE r.seq = e.resource) FROM email e
                       WHERE e.key = $1",
                )
                .await?,
            draw: client
                .prepare("UPDATE sequence SET value = value + $1, at = $2 WHERE name = 'change' RETURNING value")
                .await?,
            holdings: client.prepare("UPDATE integration SET users = users + $1 WHERE id = 1").await?,
            seen: client
                .prepare(
                    "INSERT INTO integration_seen (integration, last_call, last_success) VALUES (1, $1, $1)
                     ON CONFLICT (integration) DO UPDATE SET last_call = $1, last_success = $1",
                )
                .await?,
            calls: client
                .prepare(
                    "INSERT INTO call_count (integration, hour, method, status, calls) VALUES (1, 0, 'POST', 201, $1)
                     ON CONFLICT (integration, hour, method, status) DO UPDATE SET calls = call_count.calls + $1",
                )
                .await?,
            client,
        })
    }

    /// One transaction, two round trips: the numbers have to be known before the rows are sent.
    async fn commit(&self, rows: &mut [Create]) -> Result<(), Error> {
        let (client, count) = (&self.client, rows.len() as i64);
        let checks = try_join_all(rows.iter().map(async |row| client.query(&self.answering, &[&row.name]).await));
        let draw = async {
            let drawn = client.query_one(&self.draw, &[&(count * NUMBERS), &count]).await?;
            Ok(drawn.get::<_, i64>(0) - count * NUMBERS)
        };
        let lock = client.query(&self.lock, &[&77_i64]);
        let (_, _, _, base) = try_join4(client.batch_execute("BEGIN"), lock, checks, draw).await?;
        for (index, row) in rows.iter_mut().enumerate() {
            row.number_behind(base + index as i64 * NUMBERS);
        }
        let written = try_join_all(rows.iter().map(|row| self.inserts.rows(client, row, count)));
        try_join5(
            written,
            client.execute(&self.holdings, &[&count]),
            client.execute(&self.seen, &[&base]),
            client.execute(&self.calls, &[&count]),
            client.batch_execute("COMMIT"),
        )
        .await
        .map(|_| ())
    }
}

/// Creates a second when each is a transaction of its own, through 16 connections.
pub(crate) async fn one_each(bare: &Arc<Bare>, span: Duration) -> Result<f64, String> {
    committed(bare, CONNECTIONS, 1, span).await
}

/// Creates a second in batches, through one connection.
pub(crate) async fn batches(bare: &Arc<Bare>, span: Duration) -> Result<f64, String> {
    committed(bare, 1, BATCH, span).await
}

async fn committed(bare: &Arc<Bare>, connections: usize, batch: usize, span: Duration) -> Result<f64, String> {
    let mut frames = Vec::new();
    for _ in 0..connections {
        frames.push(Frame::open(&bare.url).await?);
    }
    let begin = Instant::now();
    let tasks = frames.into_iter().map(|frame| {
        let bare = bare.clone();
        tokio::spawn(async move {
            let mut done = 0;
            while begin.elapsed() < span {
                let mut rows: Vec<Create> = (0..batch).map(|_| bare.draw()).collect();
                frame.commit(&mut rows).await.map_err(|error| told(&error))?;
                done += rows.len();
            }
            Ok::<_, String>(done)
        })
    });
    let mut done = 0;
    for task in try_join_all(tasks).await.map_err(|error| error.to_string())? {
        done += task?;
    }
    Ok(done as f64 / begin.elapsed().as_secs_f64())
}
