//! Every limit of the HTTP side, in one place. Units are last in the name where the type does not say them.
//! The sizes of bodies are limits of the protocol and live in [`bailiwick_scim::limits`].

use std::time::Duration;

/// Most connections at a time; further ones wait in the kernel's queue.
pub const CONNECTIONS: usize = 20_000;
/// Length of the kernel's queue of connections not yet accepted.
pub const BACKLOG: u32 = 4_096;
/// Largest request head, in bytes; also how much is read ahead of a handler.
pub const HEAD_BYTES: usize = 64 * 1024;

/// A TLS handshake must be done within this time.
pub const HANDSHAKE: Duration = Duration::from_secs(10);
/// A request head must be complete this long after its first byte.
pub const HEAD: Duration = Duration::from_secs(10);
/// A new connection must send its first byte within this time.
pub const FIRST_BYTE: Duration = Duration::from_secs(30);
/// A used connection on which nothing happens is closed after this time, or at the latest after twice this time.
pub const IDLE: Duration = Duration::from_secs(75);
/// An answer that the client does not take for this long is given up.
pub const WRITE_STALL: Duration = Duration::from_secs(30);
/// A body must be complete within this time.
pub const BODY: Duration = Duration::from_secs(30);
/// A body must bring bytes at least this often.
pub const BODY_STALL: Duration = Duration::from_secs(10);
/// The rest of a refused body is read and thrown away for this long, so that the client gets to see the refusal.
pub const LINGER: Duration = Duration::from_secs(5);
/// The rest of a refused body is read and thrown away up to this size.
pub const LINGER_BYTES: usize = 256 * 1024 * 1024;
/// A server that is going to stop serves this long after `/readyz` has begun to say so: load balancers ask every second
/// or so.
pub const NOTICE: Duration = Duration::from_secs(2);
/// When asked to stop, requests in flight have this long to finish.
pub const DRAIN: Duration = Duration::from_secs(8);
/// A head that is still incomplete this long after the server was asked to stop is not waited for.
pub const DRAIN_HEAD: Duration = Duration::from_secs(1);
/// How often counters are written and what follows the second is done.
pub const HOUSEKEEPING: Duration = Duration::from_secs(1);

/// Requests a second of a token when its integration says nothing else.
pub const RATE_DEFAULT_PER_SECOND: u32 = 1_000;
/// How many seconds' worth of requests may come at once.
pub const RATE_BURST_SECONDS: u32 = 5;
/// Bodies from this size on are parsed away from the threads that serve connections.
pub const PARSE_INLINE_BYTES: usize = 256 * 1024;
/// Members of a group read and written into an answer at a time.
pub const MEMBERS_PAGE: u32 = 1_000;
/// An answer is handed to the connection in pieces of about this size.
pub const PIECE_BYTES: usize = 128 * 1024;
/// Longest path or query kept for the journal, in characters.
pub const TARGET_CHARS: usize = 1_000;
