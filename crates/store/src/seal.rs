//! The seal in the store: sealing new events, erasing payloads, verifying what is there.

use crate::error::Error;
use crate::migration::hex;
use crate::rows::VerifyReport;
use crate::sql::words::each;
use crate::sql::{Exec, Fields, Param, Query, Sql, binds};
use bailiwick_domain::seal::{Block, BlockHasher, ChainVerifier, EventMeta, Fault, PayloadState, check_payload, leaf};

/// Events sealed in one step: as many as keep writers waiting for some milliseconds at most.
const STEP: i64 = 5_000;
/// Events read at once.
const CHUNK: i64 = 1_000;
/// Bytes of each event's hash that are kept beside the block, to tell which event is bad.
const TRACE: usize = 8;

/// Whether there is something to seal, asked without a transaction.
pub(crate) async fn is_due<E: Exec>(exec: &E) -> Result<bool, Error> {
    let sql = Sql::same("SELECT 1 FROM event WHERE seq > coalesce((SELECT max(last) FROM block), 0) LIMIT 1");
    Ok(exec.one(Query::new(sql, binds![], |_| Ok(()))).await?.is_some())
}

/// Seals what is there, at most [`STEP`] events, in the transaction it is called in; tells how many. Nobody else may
/// write meanwhile. Sequence order is commit order, so no event can come to lie below the newest one.
pub(crate) async fn step<E: Exec>(exec: &E, at: i64) -> Result<u64, Error> {
    let head = head(exec).await?;
    let mut after = head.as_ref().map_or(0, |block| block.last);
    let mut hasher = BlockHasher::after(head.as_ref());
    let mut traces = Vec::new();
    while hasher.count() < STEP {
        let events = exec.all(Query::new(EVENTS, binds![after, CHUNK], event)).await?;
        for event in &events {
            let meta = event.meta();
            traces.extend_from_slice(&leaf(&meta)[..TRACE]);
            hasher.add(&meta);
        }
        match events.last() {
            Some(last) if events.len() as i64 == CHUNK => after = last.seq,
            _ => break,
        }
    }
    if hasher.count() == 0 {
        return Ok(0);
    }
    let block = hasher.finish(at.max(head.map_or(0, |head| head.at)));
    let Block { number, first, last, count, previous, hash, at } = &block;
    let sql = Sql::same(
        "INSERT INTO block (number, first, last, count, previous, hash, at, traces)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    );
    exec.run(sql, &binds![*number, *first, *last, *count, previous, hash, *at, traces.as_slice()]).await?;
    Ok(u64::try_from(block.count).unwrap_or(0))
}

/// Erases payloads and their salts; tells how many there were. The digests stay, so the seal holds; what was said cannot
/// be guessed from them.
pub(crate) async fn erase<E: Exec>(exec: &E, seqs: &[i64]) -> Result<u64, Error> {
    exec.run(each!("DELETE FROM event_payload WHERE seq " (among 1)), &[Param::from(seqs)]).await
}

macro_rules! event_columns {
    () => {
        "SELECT e.seq, e.at, e.kind, e.integration, e.request, e.resource, e.person, e.actor, e.method, e.status,
           e.code, e.duration_us, e.digest"
    };
}

const EVENTS: Sql = Sql::same(concat!(event_columns!(), " FROM event AS e WHERE e.seq > ?1 ORDER BY e.seq LIMIT ?2"));
const EVENTS_WITH_PAYLOAD: Sql = Sql::same(concat!(
    event_columns!(),
    ", p.salt, p.body FROM event AS e LEFT JOIN event_payload AS p ON p.seq = e.seq
     WHERE e.seq > ?1 AND e.seq <= ?2 ORDER BY e.seq LIMIT ?3"
));

/// The metadata of a stored event.
struct Event {
    seq: i64,
    at: i64,
    kind: String,
    integration: Option<i64>,
    request: String,
    resource: Option<String>,
    person: Option<String>,
    actor: String,
    method: Option<String>,
    status: Option<u16>,
    code: Option<String>,
    duration_us: Option<u64>,
    digest: [u8; 32],
}

impl Event {
    fn meta(&self) -> EventMeta<'_> {
        EventMeta {
            seq: self.seq,
            at: self.at,
            kind: &self.kind,
            integration: self.integration,
            request: &self.request,
            resource: self.resource.as_deref(),
            person: self.person.as_deref(),
            actor: &self.actor,
            method: self.method.as_deref(),
            status: self.status,
            code: self.code.as_deref(),
            duration_us: self.duration_us,
            digest: self.digest,
        }
    }
}

fn event(row: &dyn Fields) -> Result<Event, Error> {
    Ok(Event {
        seq: row.int(0)?,
        at: row.int(1)?,
        kind: row.string(2)?,
        integration: row.maybe_int(3)?,
        request: row.string(4)?,
        resource: row.maybe_string(5)?,
        person: row.maybe_string(6)?,
        actor: row.string(7)?,
        method: row.maybe_string(8)?,
        // What no event was sealed with stands for what cannot be told: the hash is another one.
        status: row.maybe_int(9)?.map(|status| u16::try_from(status).unwrap_or(u16::MAX)),
        code: row.maybe_string(10)?,
        duration_us: row.maybe_int(11)?.map(|duration| u64::try_from(duration).unwrap_or(u64::MAX)),
        digest: hash(row, 12)?,
    })
}

/// An event, and what became of its payload.
fn event_with_payload(row: &dyn Fields) -> Result<(Event, PayloadState), Error> {
    let event = event(row)?;
    let stored = match (row.maybe_bytes(13), row.maybe_text(14)) {
        (Ok(salt), Ok(body)) => salt.zip(body.map(str::as_bytes)),
        // A value of another type is not what was sealed either.
        _ => Some((&[][..], &[][..])),
    };
    let state = check_payload(&event.digest, stored);
    Ok((event, state))
}

fn hash(row: &dyn Fields, column: usize) -> Result<[u8; 32], Error> {
    row.bytes(column)?.try_into().map_err(|_| Error::Broken("a hash in its seal has a wrong length".to_owned()))
}

fn block(row: &dyn Fields) -> Result<Block, Error> {
    Ok(Block {
        number: row.int(0)?,
        first: row.int(1)?,
        last: row.int(2)?,
        count: row.int(3)?,
        previous: hash(row, 4)?,
        hash: hash(row, 5)?,
        at: row.int(6)?,
    })
}

async fn head<E: Exec>(exec: &E) -> Result<Option<Block>, Error> {
    let sql =
        Sql::same("SELECT number, first, last, count, previous, hash, at FROM block ORDER BY number DESC LIMIT 1");
    exec.one(Query::new(sql, binds![], block)).await
}

/// Holds every block, event and payload against each other, in one pass and little memory. Each block is read by
/// itself: what is sealed does not change, so no snapshot has to be held while writers go on.
pub(crate) async fn verify<E: Exec>(exec: &E) -> Result<VerifyReport, Error> {
    let mut report = VerifyReport { blocks: 0, events: 0, unsealed: 0, erased: 0, first_bad: None, head: None };
    let next = Sql::same(
        "SELECT number, first, last, count, previous, hash, at, traces FROM block WHERE number > ?1
         ORDER BY number LIMIT 1",
    );
    let mut chain = ChainVerifier::new(None);
    let mut at = (i64::MIN, i64::MIN); // the last block and the last event seen
    loop {
        let query = Query::new(next, binds![at.0], |row| Ok((block(row)?, row.bytes(7)?.to_vec())));
        let Some((current, traces)) = exec.one(query).await? else { break };
        let (number, last) = (current.number, current.last);
        report.first_bad = verify_block(exec, &mut chain, current, traces, at.1, &mut report).await?;
        if report.first_bad.is_some() {
            return Ok(report);
        }
        report.blocks += 1;
        at = (number, last);
    }
    let unsealed = Query::new(Sql::same("SELECT count(*) FROM event WHERE seq > ?1"), binds![at.1], |row| row.count(0));
    report.unsealed = exec.one(unsealed).await?.unwrap_or(0);
    report.head = chain.head().map(|block| hex(&block.hash));
    Ok(report)
}

/// Checks one block with every event after the block before it, so that none can lie between two blocks.
async fn verify_block<E: Exec>(
    exec: &E,
    chain: &mut ChainVerifier,
    block: Block,
    traces: Vec<u8>,
    mut after: i64,
    report: &mut VerifyReport,
) -> Result<Option<String>, Error> {
    let last = block.last;
    let mut watch = Watch { traces, index: 0, previous: None, found: None };
    if let Err(fault) = chain.begin(block) {
        return Ok(Some(fault.to_string()));
    }
    loop {
        let query = Query::new(EVENTS_WITH_PAYLOAD, binds![after, last, CHUNK], event_with_payload);
        let events = exec.all(query).await?;
        for (event, payload) in &events {
            let meta = event.meta();
            watch.see(&meta);
            if let Err(fault) = chain.event(&meta) {
                return Ok(Some(watch.name(fault)));
            }
            match payload {
                PayloadState::Intact => {}
                PayloadState::Erased => report.erased += 1,
                PayloadState::Altered => return Ok(Some(Fault::PayloadAltered { seq: event.seq }.to_string())),
            }
            report.events += 1;
        }
        match events.last() {
            Some((event, _)) if events.len() as i64 == CHUNK => after = event.seq,
            _ => break,
        }
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
