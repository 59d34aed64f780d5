use super::*;
use std::collections::HashSet;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn full(seq: i64) -> EventMeta<'static> {
    EventMeta {
        seq,
        at: 1_700_000_000_000,
        kind: "prov:patch:full",
        integration: Some(1),
        request: "req_1",
        resource: Some("2819c223-7f76-453a-919d-413861904646"),
        person: Some("per_1"),
        actor: "tok_1",
        method: Some("PATCH"),
        status: Some(200),
        code: Some("code"),
        duration_us: Some(1_234),
        digest: payload_digest(b"salt", b"{}"),
    }
}

fn bare(seq: i64) -> EventMeta<'static> {
    EventMeta {
        integration: None,
        resource: None,
        person: None,
        method: None,
        status: None,
        code: None,
        duration_us: None,
        ..full(seq)
    }
}

fn block(head: Option<&Block>, events: &[EventMeta<'_>]) -> Block {
    let mut hasher = BlockHasher::after(head);
    events.iter().for_each(|event| hasher.add(event));
    hasher.finish(1_700_000_001_000)
}

#[test]
fn the_format_does_not_drift() {
    let one = block(None, &[full(7), bare(9)]);
    let two = block(Some(&one), &[full(12)]);
    let found = [payload_digest(b"salt", b"{}"), leaf(&full(7)), leaf(&bare(7)), one.hash, two.hash];
    // Computed by an independent program.
    let golden = [
        "0d26864997f571a4f416c8b4d677fd563ba0bb7278cf672a35dff7d9f629438f",
        "240c499161ff1ad486fba05e4a7cd2dc4f86a9f38ce1053d4af599b7fa1c9de1",
        "9ac84b36cb007c76c6a177771731a836fb5cf39632e4871a9c192fbfa73bff8a",
        "d8d497a100a55c6282806d22cc3dfc65e8e6f3c21110a2ce8869f4b2fd4f3039",
        "c03b0feb6a26d620ae64af274a927def4ff6266ce52805ceb6b21ff1432cab29",
    ];
    assert_eq!(found.map(|hash| hex(&hash)), golden);
}

#[test]
fn payload_digests_depend_on_salt_and_border() {
    let digests: HashSet<[u8; 32]> = [("a", "bc"), ("ab", "c"), ("", "abc"), ("abc", ""), ("a", "bd")]
        .iter()
        .map(|(salt, payload)| payload_digest(salt.as_bytes(), payload.as_bytes()))
        .collect();
    assert_eq!(digests.len(), 5);
}

#[test]
fn payloads_are_intact_erased_or_altered() {
    let digest = payload_digest(b"salt", b"{}");
    for (stored, expect) in [
        (Some((&b"salt"[..], &b"{}"[..])), PayloadState::Intact),
        (Some((b"salt", b"{ }")), PayloadState::Altered),
        (Some((b"salz", b"{}")), PayloadState::Altered),
        (None, PayloadState::Erased),
    ] {
        assert_eq!(check_payload(&digest, stored), expect);
    }
}

#[test]
fn every_field_counts() {
    let base = full(7);
    let mut digest = base.digest;
    digest[31] ^= 1;
    let changed = [
        base,
        EventMeta { seq: 8, ..base },
        EventMeta { at: base.at + 1, ..base },
        EventMeta { kind: "prov:put:full", ..base },
        EventMeta { integration: Some(2), ..base },
        EventMeta { integration: None, ..base },
        EventMeta { request: "req_2", ..base },
        EventMeta { resource: Some(""), ..base },
        EventMeta { resource: None, ..base },
        EventMeta { person: Some("per_2"), ..base },
        EventMeta { person: None, ..base },
        EventMeta { actor: "host", ..base },
        EventMeta { method: Some("PUT"), ..base },
        EventMeta { method: None, ..base },
        EventMeta { status: Some(204), ..base },
        EventMeta { status: None, ..base },
        EventMeta { code: Some("other"), ..base },
        EventMeta { code: None, ..base },
        EventMeta { duration_us: Some(1), ..base },
        EventMeta { duration_us: None, ..base },
        EventMeta { digest, ..base },
    ];
    let leaves: HashSet<[u8; 32]> = changed.iter().map(leaf).collect();
    assert_eq!(leaves.len(), changed.len());
    let hashes: HashSet<[u8; 32]> = changed.iter().map(|event| block(None, &[*event]).hash).collect();
    assert_eq!(hashes.len(), changed.len());
}

#[test]
fn neighbouring_fields_do_not_run_into_each_other() {
    let base = bare(7);
    let inputs = [
        EventMeta { kind: "ab", request: "c", ..base },
        EventMeta { kind: "a", request: "bc", ..base },
        EventMeta { resource: Some("x"), person: None, ..base },
        EventMeta { resource: None, person: Some("x"), ..base },
        EventMeta { method: Some("x"), code: None, ..base },
        EventMeta { method: None, code: Some("x"), ..base },
    ];
    let leaves: HashSet<[u8; 32]> = inputs.iter().map(leaf).collect();
    assert_eq!(leaves.len(), inputs.len());
}

#[test]
fn a_block_counts_what_it_covers() {
    let block = block(None, &[full(7), bare(9), full(12)]);
    assert_eq!((block.number, block.first, block.last, block.count, block.previous), (1, 7, 12, 3, START));
}

/// Three blocks and their events.
fn chain() -> (Vec<Block>, Vec<Vec<EventMeta<'static>>>) {
    let events = vec![vec![full(1), bare(2), full(4)], vec![bare(5)], vec![full(6), full(9)]];
    let mut blocks: Vec<Block> = Vec::new();
    for run in &events {
        blocks.push(block(blocks.last(), run));
    }
    (blocks, events)
}

fn verify(checkpoint: Option<Block>, blocks: &[Block], events: &[Vec<EventMeta<'_>>]) -> Result<Option<Block>, Fault> {
    let mut verifier = ChainVerifier::new(checkpoint);
    for (block, run) in blocks.iter().zip(events) {
        verifier.begin(block.clone())?;
        run.iter().try_for_each(|event| verifier.event(event))?;
        verifier.end()?;
    }
    Ok(verifier.head().cloned())
}

#[test]
fn a_sound_chain_holds() {
    let (blocks, events) = chain();
    assert_eq!(verify(None, &blocks, &events), Ok(blocks.last().cloned()));
    assert_eq!(verify(None, &[], &[]), Ok(None));
    let checkpoint = Some(blocks[0].clone());
    assert_eq!(verify(checkpoint, &blocks[1..], &events[1..]), Ok(blocks.last().cloned()));
}

#[test]
fn every_meddling_is_named() {
    type Meddle = fn(&mut Vec<Block>, &mut Vec<Vec<EventMeta<'static>>>);
    let altered = |number, first, last| Fault::BlockAltered { number, first, last };
    let cases: [(Meddle, Fault); 15] = [
        (|_, events| events[0][1].actor = "host", altered(1, 1, 4)),
        (|_, events| events[2][0].digest[0] ^= 1, altered(3, 6, 9)),
        (|_, events| events[0][1].seq = 3, altered(1, 1, 4)),
        (|blocks, _| blocks[0].at += 1, altered(1, 1, 4)),
        (|blocks, _| blocks[1].hash[0] ^= 1, altered(2, 5, 5)),
        (|_, events| events[0].truncate(2), Fault::EventCount { number: 1, sealed: 3, found: 2 }),
        (|_, events| events[0].insert(2, bare(3)), Fault::EventCount { number: 1, sealed: 3, found: 4 }),
        (|_, events| events[2].clear(), Fault::EventCount { number: 3, sealed: 2, found: 0 }),
        (|_, events| events[0].swap(0, 1), Fault::EventMisplaced { seq: 1 }),
        (|_, events| events[0][2] = full(2), Fault::EventMisplaced { seq: 2 }),
        (|_, events| events[1][0].seq = 6, Fault::EventMisplaced { seq: 6 }),
        (
            |blocks, events| {
                blocks.remove(1);
                events.remove(1);
            },
            Fault::BlockMissing { expected: 2 },
        ),
        (|blocks, _| blocks[0].number = 0, Fault::BlockMissing { expected: 1 }),
        (|blocks, _| blocks[1].previous[9] ^= 1, Fault::BlockUnlinked { number: 2 }),
        (|blocks, _| blocks[1].first = 4, Fault::BlockUnlinked { number: 2 }),
    ];
    for (index, (meddle, expect)) in cases.into_iter().enumerate() {
        let (mut blocks, mut events) = chain();
        meddle(&mut blocks, &mut events);
        assert_eq!(verify(None, &blocks, &events), Err(expect), "case {index}");
    }
}

#[test]
fn a_block_sealed_anew_breaks_the_next() {
    let (mut blocks, mut events) = chain();
    events[0][0].actor = "host";
    blocks[0] = block(None, &events[0]);
    assert_eq!(verify(None, &blocks, &events), Err(Fault::BlockUnlinked { number: 2 }));
}

#[test]
fn an_event_outside_any_block_is_misplaced() {
    let mut verifier = ChainVerifier::new(None);
    assert_eq!(verifier.event(&full(1)), Err(Fault::EventMisplaced { seq: 1 }));
    assert_eq!(verifier.end(), Ok(()));
}

#[test]
fn faults_have_words() {
    for fault in [
        Fault::BlockMissing { expected: 2 },
        Fault::BlockUnlinked { number: 2 },
        Fault::EventMisplaced { seq: 2 },
        Fault::EventCount { number: 2, sealed: 3, found: 1 },
        Fault::BlockAltered { number: 2, first: 4, last: 6 },
        Fault::PayloadAltered { seq: 2 },
    ] {
        let text = fault.to_string();
        assert!(text.contains('2') && text.starts_with(|c: char| c.is_ascii_lowercase()), "{text}");
    }
}
