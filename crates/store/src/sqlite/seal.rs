//! The seal in the store: sealing new events, erasing payloads, verifying what is there.

use super::appender::Desk;
use crate::error::Error;
use crate::rows::VerifyReport;
use crate::sqlite::migrate::hex;
use bailiwick_domain::seal::{Block, BlockHasher, ChainVerifier, EventMeta, Fault, PayloadState, check_payload, leaf};
use rusqlite::{Connection, OptionalExtension as _, Row, TransactionBehavior, params};

/// Events sealed in one step: as many as keep writers waiting for some milliseconds at most.
const STEP: i64 = 5_000;
/// Bytes of each event's hash that are kept beside the block, to tell which event is bad.
const TRACE: usize = 8;

/// Seals what is there, at most [`STEP`] events. The appender is the only writer of this process and sequence order is
/// commit order, so no event can come to lie below the newest one.
pub(super) fn step(desk: &mut Desk) -> Result<u64, Error> {
    let at = (desk.clock)().0;
    let connection = &mut desk.connection;
    let sealed: i64 =
        connection.prepare_cached("SELECT coalesce(max(last), 0) FROM block")?.query_row([], |row| row.get(0))?;
    if !connection.prepare_cached("SELECT 1 FROM event WHERE seq > ?1")?.exists([sealed])? {
        return Ok(0);
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let head = head(&transaction)?;
    let after = head.as_ref().map_or(0, |block| block.last);
    let mut hasher = BlockHasher::after(head.as_ref());
    let mut traces = Vec::new();
    {
        let mut statement =
            transaction.prepare_cached(&format!("{EVENTS} WHERE e.seq > ?1 ORDER BY e.seq LIMIT ?2"))?;
        let mut rows = statement.query([after, STEP])?;
        while let Some(row) = rows.next()? {
            let event = meta(row)?;
            traces.extend_from_slice(&leaf(&event)[..TRACE]);
            hasher.add(&event);
        }
    }
    if hasher.count() == 0 {
        return Ok(0);
    }
    let block = hasher.finish(at.max(head.map_or(0, |head| head.at)));
    transaction
        .prepare_cached(
            "INSERT INTO block (number, first, last, count, previous, hash, at, traces)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute(params![
            block.number,
            block.first,
            block.last,
            block.count,
            block.previous,
            block.hash,
            block.at,
            traces
        ])?;
    transaction.commit()?;
    Ok(u64::try_from(block.count).unwrap_or(0))
}

/// Seals everything there is.
pub(super) fn seal_all(desk: &mut Desk) -> Result<u64, Error> {
    let mut sealed = 0;
    loop {
        match step(desk)? {
            0 => return Ok(sealed),
            more => sealed += more,
        }
    }
}

/// Erases payloads and their salts. The digests stay, so the seal holds; what was said cannot be guessed from them.
pub(super) fn erase(desk: &mut Desk, seqs: &[i64]) -> Result<u64, Error> {
    let transaction = desk.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // The pages must not keep what the row no longer says.
    transaction.pragma_update(None, "secure_delete", true)?;
    let mut erased = 0;
    for seq in seqs {
        erased += transaction.prepare_cached("DELETE FROM event_payload WHERE seq = ?1")?.execute([seq])?;
    }
    transaction.pragma_update(None, "secure_delete", false)?;
    transaction.commit()?;
    Ok(u64::try_from(erased).unwrap_or(u64::MAX))
}

const EVENTS: &str = "SELECT e.seq, e.at, e.kind, e.integration, e.request, e.resource, e.person, e.actor, e.method,
    e.status, e.code, e.duration_us, e.digest FROM event AS e";
const EVENTS_WITH_PAYLOAD: &str = "SELECT e.seq, e.at, e.kind, e.integration, e.request, e.resource, e.person,
    e.actor, e.method, e.status, e.code, e.duration_us, e.digest, p.salt, p.body
    FROM event AS e LEFT JOIN event_payload AS p ON p.seq = e.seq
    WHERE e.seq > ?1 AND e.seq <= ?2 ORDER BY e.seq";

/// The metadata of an event, borrowed from its row.
fn meta<'a>(row: &'a Row<'_>) -> rusqlite::Result<EventMeta<'a>> {
    let text = |index: usize| row.get_ref(index)?.as_str().map_err(rusqlite::Error::from);
    let maybe = |index: usize| row.get_ref(index)?.as_str_or_null().map_err(rusqlite::Error::from);
    Ok(EventMeta {
        seq: row.get(0)?,
        at: row.get(1)?,
        kind: text(2)?,
        integration: row.get(3)?,
        request: text(4)?,
        resource: maybe(5)?,
        person: maybe(6)?,
        actor: text(7)?,
        method: maybe(8)?,
        status: row.get(9)?,
        code: maybe(10)?,
        duration_us: row.get::<_, Option<i64>>(11)?.and_then(|us| u64::try_from(us).ok()),
        digest: row.get(12)?,
    })
}

fn block(row: &Row<'_>) -> rusqlite::Result<Block> {
    Ok(Block {
        number: row.get(0)?,
        first: row.get(1)?,
        last: row.get(2)?,
        count: row.get(3)?,
        previous: row.get(4)?,
        hash: row.get(5)?,
        at: row.get(6)?,
    })
}

fn head(connection: &Connection) -> Result<Option<Block>, Error> {
    let mut statement = connection.prepare_cached(
        "SELECT number, first, last, count, previous, hash, at FROM block ORDER BY number DESC LIMIT 1",
    )?;
    Ok(statement.query_row([], block).optional()?)
}

/// Blocks that cover or follow a sequence, for an export.
pub(super) fn blocks_between(connection: &Connection, after: i64, last: i64) -> Result<Vec<Block>, Error> {
    let mut statement = connection.prepare_cached(
        "SELECT number, first, last, count, previous, hash, at FROM block WHERE last > ?1 AND last <= ?2
         ORDER BY number",
    )?;
    Ok(statement.query_map([after, last], block)?.collect::<rusqlite::Result<_>>()?)
}

/// Holds every block, event and payload against each other, in one pass and little memory. Each block is read by
/// itself: what is sealed does not change, so no snapshot has to be held while writers go on.
pub(super) fn verify(connection: &Connection) -> Result<VerifyReport, Error> {
    let mut report = VerifyReport { blocks: 0, events: 0, unsealed: 0, erased: 0, first_bad: None, head: None };
    let mut next = connection.prepare_cached(
        "SELECT number, first, last, count, previous, hash, at, traces FROM block WHERE number > ?1
         ORDER BY number LIMIT 1",
    )?;
    let mut chain = ChainVerifier::new(None);
    let mut at = (i64::MIN, i64::MIN); // the last block and the last event seen
    while let Some((current, traces)) =
        next.query_row([at.0], |row| Ok((block(row)?, row.get::<_, Vec<u8>>(7)?))).optional()?
    {
        let last = current.last;
        let number = current.number;
        report.first_bad = verify_block(connection, &mut chain, current, traces, at.1, &mut report)?;
        if report.first_bad.is_some() {
            return Ok(report);
        }
        report.blocks += 1;
        at = (number, last);
    }
    let unsealed: i64 =
        connection.prepare_cached("SELECT count(*) FROM event WHERE seq > ?1")?.query_row([at.1], |row| row.get(0))?;
    report.unsealed = u64::try_from(unsealed).unwrap_or(0);
    report.head = chain.head().map(|block| hex(&block.hash));
    Ok(report)
}

/// Checks one block with every event after the block before it, so that none can lie between two blocks.
fn verify_block(
    connection: &Connection,
    chain: &mut ChainVerifier,
    block: Block,
    traces: Vec<u8>,
    after: i64,
    report: &mut VerifyReport,
) -> Result<Option<String>, Error> {
    let last = block.last;
    let mut watch = Watch { traces, index: 0, previous: None, found: None };
    if let Err(fault) = chain.begin(block) {
        return Ok(Some(fault.to_string()));
    }
    let mut statement = connection.prepare_cached(EVENTS_WITH_PAYLOAD)?;
    let mut rows = statement.query([after, last])?;
    while let Some(row) = rows.next()? {
        let event = meta(row)?;
        watch.see(&event);
        if let Err(fault) = chain.event(&event) {
            return Ok(Some(watch.name(fault)));
        }
        let (salt, body) = (row.get_ref(13)?.as_blob_or_null(), row.get_ref(14)?.as_bytes_or_null());
        // A value of another type is not what was sealed either.
        let stored = match (salt, body) {
            (Ok(salt), Ok(body)) => salt.zip(body),
            _ => Some((&[][..], &[][..])),
        };
        match check_payload(&event.digest, stored) {
            PayloadState::Intact => {}
            PayloadState::Erased => report.erased += 1,
            PayloadState::Altered => return Ok(Some(Fault::PayloadAltered { seq: event.seq }.to_string())),
        }
        report.events += 1;
    }
    // A lost or changed event shows in the block as a whole; the traces tell which one it is.
    Ok(chain.end().err().map(|fault| watch.name(fault)))
}

/// Finds the first event of a block that is not the one that was sealed at its place.
struct Watch {
    traces: Vec<u8>,
    index: usize,
    previous: Option<i64>,
    found: Option<String>,
}

impl Watch {
    fn see(&mut self, event: &EventMeta<'_>) {
        if self.found.is_none() {
            let leaf = leaf(event);
            let at = |index: usize| self.traces.chunks_exact(TRACE).nth(index);
            if at(self.index) != Some(&leaf[..TRACE]) {
                let later = self.traces.chunks_exact(TRACE).skip(self.index).any(|trace| *trace == leaf[..TRACE]);
                self.found = Some(match (later, self.previous) {
                    (true, Some(previous)) => format!("the event after {previous} is missing"),
                    (true, None) => format!("the event before {} is missing", event.seq),
                    (false, _) => format!("event {} is not what was sealed", event.seq),
                });
            }
            self.index += 1;
            self.previous = Some(event.seq);
        }
    }

    fn name(&self, fault: Fault) -> String {
        let ended = self.found.is_none() && self.index < self.traces.len() / TRACE;
        match (&self.found, self.previous) {
            (Some(found), _) => format!("{found}: {fault}"),
            (None, Some(previous)) if ended => format!("the event after {previous} is missing: {fault}"),
            _ => fault.to_string(),
        }
    }
}
