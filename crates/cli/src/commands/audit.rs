//! `audit`: proof that the journal is whole.

use crate::args::AuditCommand;
use crate::out::{self, Done, refused};
use bailiwick_app::{App, audit};
use bailiwick_store::rows::{ExportedBlock, ExportedEvent};
use serde_json::{Value, json};

/// Events read at a time.
const PAGE: u32 = 1_000;

pub(super) async fn run(app: &App, command: AuditCommand) -> Done {
    match command {
        AuditCommand::Verify { json } => verify(app, json.json).await,
        AuditCommand::Export { after } => export(app, after).await,
    }
}

async fn verify(app: &App, json: bool) -> Done {
    let report = audit::verify(app).await?;
    if json {
        out::json(&json!({
            "sound": report.first_bad.is_none(),
            "blocks": report.blocks,
            "events": report.events,
            "unsealed": report.unsealed,
            "erased": report.erased,
            "first_bad": report.first_bad,
            "head": report.head,
        }))?;
    }
    if let Some(bad) = &report.first_bad {
        return refused(format!("the seal is broken: {bad}"));
    }
    if json {
        return Ok(());
    }
    out::line(&format!(
        "The seal is sound: {} over {}; {} not sealed yet, {} erased.",
        out::count(report.blocks, "block", "blocks"),
        out::count(report.events, "event", "events"),
        report.unsealed,
        out::count(report.erased, "payload", "payloads")
    ))?;
    report.head.map_or(Ok(()), |head| out::line(&format!("Newest block: {head}")))
}

async fn export(app: &App, mut after: i64) -> Done {
    loop {
        let page = audit::export(app, after, PAGE).await?;
        let Some(last) = page.events.last().map(|exported| exported.event.seq) else { return Ok(()) };
        let mut blocks = page.blocks.iter().peekable();
        for exported in &page.events {
            out::json_line(&event(exported))?;
            while let Some(block) = blocks.next_if(|block| block.last <= exported.event.seq) {
                out::json_line(&seal(block))?;
            }
        }
        after = last;
    }
}

/// An event with all that its digest covers.
fn event(exported: &ExportedEvent) -> Value {
    let event = &exported.event;
    json!({ "event": {
        "seq": event.seq,
        "at": event.at.to_string(),
        "kind": event.kind,
        "integration": event.integration.map(|id| id.printed()),
        "request": event.request,
        "resource": event.resource,
        "person": event.person,
        "actor": event.actor,
        "method": event.method,
        "status": event.status,
        "code": event.code,
        "duration_us": event.duration_us,
        "payload": exported.body,
        "salt": exported.salt,
        "digest": exported.digest,
        "erased": exported.body.is_none(),
    }})
}

fn seal(block: &ExportedBlock) -> Value {
    json!({ "block": {
        "number": block.number,
        "first": block.first,
        "last": block.last,
        "count": block.count,
        "previous": block.previous,
        "hash": block.hash,
        "at": block.at.to_string(),
    }})
}
