//! The audit seal: events in hash-chained blocks, so that a changed, removed, moved or inserted record is noticed.
//!
//! A block covers the metadata of its events, which holds opaque ids only, and for each event a salted digest of its
//! payload. So a payload and its salt can be erased without breaking the chain, and what was erased cannot be guessed
//! from the digest. Everything that is hashed begins with a tag of its own and states the length of what varies, so no
//! two different inputs are the same bytes.

use sha2::{Digest as _, Sha256};
use std::fmt;

/// The hash before the first block.
pub const START: [u8; 32] = [0; 32];

/// The digest of a payload under its salt.
#[must_use]
pub fn payload_digest(salt: &[u8], payload: &[u8]) -> [u8; 32] {
    let mut input = Input::new(b"bailiwick payload 1\0");
    input.bytes(salt);
    input.bytes(payload);
    input.finish()
}

/// What became of the payload of a sealed event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PayloadState {
    /// It is what was sealed.
    Intact,
    /// It was erased; nothing is wrong.
    Erased,
    /// It is not what was sealed.
    Altered,
}

/// Holds a stored payload (salt and text) against the sealed digest.
#[must_use]
pub fn check_payload(digest: &[u8; 32], stored: Option<(&[u8], &[u8])>) -> PayloadState {
    match stored {
        None => PayloadState::Erased,
        Some((salt, payload)) if payload_digest(salt, payload) == *digest => PayloadState::Intact,
        Some(_) => PayloadState::Altered,
    }
}

/// The metadata of an event: everything that is sealed of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventMeta<'a> {
    /// Sequence.
    pub seq: i64,
    /// Committed time, in milliseconds.
    pub at: i64,
    /// Kind, as its stable text.
    pub kind: &'a str,
    /// Whose.
    pub integration: Option<i64>,
    /// Id of the call or command that caused it.
    pub request: &'a str,
    /// The resource concerned.
    pub resource: Option<&'a str>,
    /// The person concerned.
    pub person: Option<&'a str>,
    /// Who did it.
    pub actor: &'a str,
    /// HTTP method, on the event that is the record of a call.
    pub method: Option<&'a str>,
    /// Status answered.
    pub status: Option<u16>,
    /// Stable code of a failure.
    pub code: Option<&'a str>,
    /// Duration of the call, in microseconds.
    pub duration_us: Option<u64>,
    /// Salted digest of the payload.
    pub digest: [u8; 32],
}

/// The hash of one event. The order of the fields is part of the format.
#[must_use]
pub fn leaf(event: &EventMeta<'_>) -> [u8; 32] {
    let mut input = Input::new(b"bailiwick event 1\0");
    input.number(event.seq);
    input.number(event.at);
    input.text(event.kind);
    input.option(event.integration, Input::number);
    input.text(event.request);
    input.option(event.resource, Input::text);
    input.option(event.person, Input::text);
    input.text(event.actor);
    input.option(event.method, Input::text);
    input.option(event.status, |input, status| input.number(i64::from(status)));
    input.option(event.code, Input::text);
    input.option(event.duration_us, |input, duration| input.bytes(&duration.to_be_bytes()));
    input.bytes(&event.digest);
    input.finish()
}

/// A sealed run of events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Number; the first is 1.
    pub number: i64,
    /// Sequence of the first event.
    pub first: i64,
    /// Sequence of the last event.
    pub last: i64,
    /// How many events it covers. Sequences have gaps, so this is not `last - first + 1`.
    pub count: i64,
    /// Hash of the block before it; [`START`] for the first.
    pub previous: [u8; 32],
    /// Hash of this block: of its events, of everything above, and of `at`.
    pub hash: [u8; 32],
    /// When it was sealed, in milliseconds.
    pub at: i64,
}

/// Seals events one by one, in order, without keeping them.
#[derive(Clone, Debug)]
pub struct BlockHasher {
    number: i64,
    previous: [u8; 32],
    first: i64,
    last: i64,
    count: i64,
    input: Input,
}

impl BlockHasher {
    /// Begins a block behind `previous`.
    #[must_use]
    pub fn new(number: i64, previous: [u8; 32]) -> Self {
        let mut input = Input::new(b"bailiwick block 1\0");
        input.number(number);
        input.bytes(&previous);
        Self { number, previous, first: 0, last: 0, count: 0, input }
    }

    /// Begins the block after this one, or the first of all.
    #[must_use]
    pub fn after(head: Option<&Block>) -> Self {
        head.map_or_else(|| Self::new(1, START), |head| Self::new(head.number + 1, head.hash))
    }

    /// Adds the next event.
    pub fn add(&mut self, event: &EventMeta<'_>) {
        if self.count == 0 {
            self.first = event.seq;
        }
        self.last = event.seq;
        self.count += 1;
        self.input.bytes(&leaf(event));
    }

    /// How many events were added.
    #[must_use]
    pub fn count(&self) -> i64 {
        self.count
    }

    /// Closes the block.
    #[must_use]
    pub fn finish(mut self, at: i64) -> Block {
        let Self { number, previous, first, last, count, .. } = self;
        for number in [first, last, count, at] {
            self.input.number(number);
        }
        Block { number, first, last, count, previous, hash: self.input.finish(), at }
    }
}

/// Why a chain does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A block is missing before the one of this number.
    BlockMissing {
        /// The block that should have come.
        expected: i64,
    },
    /// The block does not continue the one before it.
    BlockUnlinked {
        /// Its number.
        number: i64,
    },
    /// An event lies outside the block, out of order, or twice.
    EventMisplaced {
        /// Its sequence.
        seq: i64,
    },
    /// Fewer or more events are there than were sealed.
    EventCount {
        /// Number of the block.
        number: i64,
        /// How many were sealed.
        sealed: i64,
        /// How many are there.
        found: i64,
    },
    /// The events or the block itself are not what was sealed.
    BlockAltered {
        /// Its number.
        number: i64,
        /// Its first event.
        first: i64,
        /// Its last event.
        last: i64,
    },
    /// The payload of an event is not what was sealed.
    PayloadAltered {
        /// Sequence of the event.
        seq: i64,
    },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BlockMissing { expected } => write!(f, "block {expected} is missing"),
            Self::BlockUnlinked { number } => write!(f, "block {number} does not continue the block before it"),
            Self::EventMisplaced { seq } => write!(f, "event {seq} is out of its place"),
            Self::EventCount { number, sealed, found } => {
                write!(f, "block {number} was sealed with {sealed} events and has {found}")
            }
            Self::BlockAltered { number, first, last } => {
                write!(f, "block {number} (events {first} to {last}) is not what was sealed")
            }
            Self::PayloadAltered { seq } => write!(f, "the payload of event {seq} is not what was sealed"),
        }
    }
}

impl std::error::Error for Fault {}

/// Holds stored blocks and events against each other, in one pass and constant memory: `begin` with each block in
/// order, `event` with each of its events in order, `end` after the last of them.
#[derive(Clone, Debug)]
pub struct ChainVerifier {
    head: Option<Block>,
    open: Option<(Block, BlockHasher)>,
}

impl ChainVerifier {
    /// Starts at the first block, or behind a checkpoint below which events were pruned.
    #[must_use]
    pub fn new(checkpoint: Option<Block>) -> Self {
        Self { head: checkpoint, open: None }
    }

    /// Opens the next block.
    pub fn begin(&mut self, block: Block) -> Result<(), Fault> {
        let hasher = BlockHasher::after(self.head.as_ref());
        if block.number != hasher.number {
            return Err(Fault::BlockMissing { expected: hasher.number });
        }
        let after = self.head.as_ref().is_none_or(|head| head.last < block.first);
        if block.previous != hasher.previous || !after || block.count < 1 {
            return Err(Fault::BlockUnlinked { number: block.number });
        }
        self.open = Some((block, hasher));
        Ok(())
    }

    /// Takes the next event that is stored within the open block.
    pub fn event(&mut self, event: &EventMeta<'_>) -> Result<(), Fault> {
        let misplaced = Fault::EventMisplaced { seq: event.seq };
        let (block, hasher) = self.open.as_mut().ok_or(misplaced)?;
        let in_order = hasher.count == 0 || hasher.last < event.seq;
        if !in_order || !(block.first..=block.last).contains(&event.seq) {
            return Err(misplaced);
        }
        hasher.add(event);
        Ok(())
    }

    /// Closes the open block.
    pub fn end(&mut self) -> Result<(), Fault> {
        let Some((block, hasher)) = self.open.take() else { return Ok(()) };
        let Block { number, first, last, count: sealed, .. } = block;
        if hasher.count != sealed {
            return Err(Fault::EventCount { number, sealed, found: hasher.count });
        }
        if hasher.finish(block.at) != block {
            return Err(Fault::BlockAltered { number, first, last });
        }
        self.head = Some(block);
        Ok(())
    }

    /// The last block that held.
    #[must_use]
    pub fn head(&self) -> Option<&Block> {
        self.head.as_ref()
    }
}

/// Feeds a hash with values that cannot run into each other.
#[derive(Clone, Debug)]
struct Input(Sha256);

impl Input {
    fn new(tag: &[u8]) -> Self {
        Self(Sha256::new_with_prefix(tag))
    }

    fn number(&mut self, number: i64) {
        self.0.update(number.to_be_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.0.update((bytes.len() as u64).to_be_bytes());
        self.0.update(bytes);
    }

    fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    fn option<T>(&mut self, value: Option<T>, put: impl FnOnce(&mut Self, T)) {
        match value {
            None => self.0.update([0]),
            Some(value) => {
                self.0.update([1]);
                put(self, value);
            }
        }
    }

    fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}

#[cfg(test)]
mod tests;
