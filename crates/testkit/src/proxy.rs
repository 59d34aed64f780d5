//! A TCP proxy inside the test, to stand between Bailiwick and its database and make trouble: cut, stall, delay, refuse.
//!
//! It knows nothing of what passes, except that it can look for a pattern: connections are cut when the pattern is on its
//! way up ([`Proxy::trap`]), and stalled by what they once sent ([`Proxy::stall_those`]).

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until, timeout};

/// Bytes moved at once.
const CHUNK_BYTES: usize = 64 * 1024;
/// Chunks that may be on their way in one direction.
const CHUNKS: usize = 64;
/// What is remembered of the begin of a connection, to know it by.
const HEAD_BYTES: usize = 16 * 1024;
/// Patterns are not longer.
const LONGEST_PATTERN: usize = 64;
/// How long an answer that is to get lost is waited for.
const ANSWER: Duration = Duration::from_secs(2);
/// The directions.
const UP: usize = 0;
const DOWN: usize = 1;

/// The moment at which a trap cuts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// The pattern is not delivered.
    Before,
    /// The pattern is delivered, and the connection cut at once: it may be in time to be obeyed, or not.
    Delivered,
    /// The pattern is delivered and answered; the answer gets lost.
    Answered,
}

/// What the proxy does to connections now.
#[derive(Clone, Debug, Default)]
struct Mood {
    /// Connections that sent this are stalled; the empty pattern means all.
    stall: Option<Vec<u8>>,
    /// Delay up and down.
    delay: [Duration; 2],
    refuse: bool,
    /// Raised to cut whatever is open.
    cuts: u64,
}

#[derive(Clone, Debug)]
struct Trap {
    /// Only connections that have brought this since the trap was set are caught.
    first: Vec<u8>,
    pattern: Vec<u8>,
    moment: Moment,
    number: u64,
}

#[derive(Debug, Default)]
struct Shared {
    trap: Mutex<Option<Trap>>,
    traps: AtomicU64,
    sprung: AtomicU64,
    open: AtomicU64,
}

impl Shared {
    fn trap(&self) -> MutexGuard<'_, Option<Trap>> {
        self.trap.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the trap if its pattern ends in what is on its way now: it cuts one connection. `armed` is the trap whose
    /// first pattern this connection has brought.
    fn spring(&self, seen: &Seen, armed: &mut u64) -> Option<Moment> {
        let mut held = self.trap();
        let trap = held.as_ref()?;
        if seen.brings(&trap.first) {
            *armed = trap.number;
        }
        if *armed != trap.number || !seen.brings(&trap.pattern) {
            return None;
        }
        self.sprung.fetch_add(1, Ordering::SeqCst);
        held.take().map(|trap| trap.moment)
    }
}

/// A running proxy. It ends with everything that passes through it when dropped.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    mood: watch::Sender<Mood>,
    shared: Arc<Shared>,
    listening: JoinHandle<()>,
}

impl Proxy {
    /// Starts one in front of that address. Needs a tokio runtime.
    pub async fn start(upstream: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = listener.unwrap_or_else(|error| panic!("no port for a proxy: {error}"));
        let address = listener.local_addr().unwrap_or_else(|error| panic!("no address of a proxy: {error}"));
        let (mood, follow) = watch::channel(Mood::default());
        let shared = Arc::<Shared>::default();
        let listening = tokio::spawn(accept(listener, upstream, follow, Arc::clone(&shared)));
        Self { address, mood, shared, listening }
    }

    /// Starts one in front of the database of a URL.
    pub async fn before(url: &str) -> Self {
        let (_, host, _) = split(url);
        Self::start(host.parse().unwrap_or_else(|error| panic!("{host} is no address with a port: {error}"))).await
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL of a database, through the proxy.
    #[must_use]
    pub fn url(&self, base: &str) -> String {
        let (before, _, behind) = split(base);
        format!("{before}{}{behind}", self.address)
    }

    /// Resets all connections now.
    pub fn cut(&self) {
        self.mood.send_modify(|mood| mood.cuts += 1);
    }

    /// Resets the next connection that sends this up. One that is set already is replaced.
    pub fn trap(&self, pattern: &[u8], moment: Moment) {
        self.trap_behind(b"", pattern, moment);
    }

    /// The same for connections that have sent `first` before, from now on.
    pub fn trap_behind(&self, first: &[u8], pattern: &[u8], moment: Moment) {
        let number = self.shared.traps.fetch_add(1, Ordering::SeqCst) + 1;
        *self.shared.trap() = Some(Trap { first: first.to_vec(), pattern: pattern.to_vec(), moment, number });
    }

    /// Takes the trap away; tells whether it was still set.
    pub fn untrap(&self) -> bool {
        self.shared.trap().take().is_some()
    }

    /// How many connections traps have cut.
    #[must_use]
    pub fn sprung(&self) -> u64 {
        self.shared.sprung.load(Ordering::SeqCst)
    }

    /// How many connections are open.
    #[must_use]
    pub fn open(&self) -> u64 {
        self.shared.open.load(Ordering::SeqCst)
    }

    /// Nothing moves any more, in either direction; connections stay open and new ones are accepted.
    pub fn stall(&self) {
        self.stall_those(b"");
    }

    /// Nothing moves any more on connections that have sent this among their first bytes.
    pub fn stall_those(&self, pattern: &[u8]) {
        self.mood.send_modify(|mood| mood.stall = Some(pattern.to_vec()));
    }

    /// What was stalled moves on, nothing is lost.
    pub fn resume(&self) {
        self.mood.send_modify(|mood| mood.stall = None);
    }

    /// From now on everything takes that much longer, up and down.
    pub fn delay(&self, up: Duration, down: Duration) {
        self.mood.send_modify(|mood| mood.delay = [up, down]);
    }

    /// New connections are reset; those that are open stay.
    pub fn refuse(&self) {
        self.mood.send_modify(|mood| mood.refuse = true);
    }

    /// New connections are let through again.
    pub fn accept(&self) {
        self.mood.send_modify(|mood| mood.refuse = false);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

/// A URL before its host, its host with the port, and the rest.
fn split(url: &str) -> (&str, &str, &str) {
    let from = url.find("://").map_or(0, |scheme| scheme + 3);
    let to = url[from..].find(['/', '?']).map_or(url.len(), |end| from + end);
    let from = url[from..to].rfind('@').map_or(from, |at| from + at + 1);
    (&url[..from], &url[from..to], &url[to..])
}

fn holds(bytes: &[u8], pattern: &[u8]) -> bool {
    pattern.is_empty() || bytes.windows(pattern.len()).any(|part| part == pattern)
}

async fn accept(listener: TcpListener, upstream: SocketAddr, mood: watch::Receiver<Mood>, shared: Arc<Shared>) {
    loop {
        let Ok((near, _)) = listener.accept().await else { continue };
        if mood.borrow().refuse {
            near.set_zero_linger().ok();
            continue;
        }
        let (mood, shared) = (mood.clone(), Arc::clone(&shared));
        tokio::spawn(async move {
            shared.open.fetch_add(1, Ordering::SeqCst);
            pass(near, upstream, mood, &shared).await;
            shared.open.fetch_sub(1, Ordering::SeqCst);
        });
    }
}

async fn pass(mut near: TcpStream, upstream: SocketAddr, mood: watch::Receiver<Mood>, shared: &Shared) {
    let Ok(mut far) = TcpStream::connect(upstream).await else {
        near.set_zero_linger().ok();
        return;
    };
    near.set_nodelay(true).ok();
    far.set_nodelay(true).ok();
    let wire = Wire { mood, shared, head: Mutex::default(), losing: AtomicBool::new(false), end: Notify::new() };
    let cut = {
        let ((near_read, near_write), (far_read, far_write)) = (near.split(), far.split());
        let (send_up, take_up) = mpsc::channel(CHUNKS);
        let (send_down, take_down) = mpsc::channel(CHUNKS);
        let up = async { tokio::join!(wire.read_up(near_read, send_up), wire.write(UP, take_up, far_write)) };
        let down = async { tokio::join!(wire.read_down(far_read, send_down), wire.write(DOWN, take_down, near_write)) };
        tokio::select! {
            _ = up => false,
            _ = down => false,
            () = wire.cut() => true,
            () = wire.lost() => true,
            () = wire.end.notified() => true,
        }
    };
    if cut {
        near.set_zero_linger().ok();
        far.set_zero_linger().ok();
    }
}

/// Bytes on their way, and when they may arrive.
struct Chunk {
    bytes: Vec<u8>,
    due: Instant,
    /// Whether the connection ends when they have arrived.
    last: bool,
}

/// One connection through the proxy.
struct Wire<'a> {
    mood: watch::Receiver<Mood>,
    shared: &'a Shared,
    /// The first bytes sent up.
    head: Mutex<Vec<u8>>,
    /// Whether answers get lost.
    losing: AtomicBool,
    /// Rung when the connection is to be cut.
    end: Notify,
}

impl Wire<'_> {
    /// Waits until whatever is open is cut.
    async fn cut(&self) {
        let mut mood = self.mood.clone();
        let before = mood.borrow().cuts;
        // The sender is gone with the proxy: that cuts, too.
        let _ = mood.wait_for(|mood| mood.cuts != before).await;
    }

    /// Waits until an answer that is to get lost must have come.
    async fn lost(&self) {
        while !self.losing.load(Ordering::SeqCst) {
            sleep(Duration::from_millis(20)).await;
        }
        sleep(ANSWER).await;
    }

    /// Has the connection cut, and does not end before that.
    async fn be_cut(&self) {
        self.end.notify_one();
        std::future::pending().await
    }

    /// Waits while this connection is stalled.
    async fn flows(&self) {
        let mut mood = self.mood.clone();
        let moves = |mood: &Mood| mood.stall.as_ref().is_none_or(|pattern| !holds(&self.head(), pattern));
        let _ = mood.wait_for(moves).await;
    }

    fn head(&self) -> MutexGuard<'_, Vec<u8>> {
        self.head.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn due(&self, direction: usize) -> Instant {
        Instant::now() + self.mood.borrow().delay[direction]
    }

    async fn read_up(&self, mut from: ReadHalf<'_>, to: mpsc::Sender<Chunk>) {
        let (mut seen, mut armed) = (Seen::default(), 0);
        while let Some(bytes) = read(&mut from).await {
            self.remember(&bytes);
            seen.push(&bytes);
            let moment = self.shared.spring(&seen, &mut armed);
            match moment {
                Some(Moment::Before) => return self.be_cut().await,
                Some(Moment::Answered) => self.losing.store(true, Ordering::SeqCst),
                Some(Moment::Delivered) | None => {}
            }
            let chunk = Chunk { due: self.due(UP), bytes, last: moment == Some(Moment::Delivered) };
            if to.send(chunk).await.is_err() {
                return;
            }
        }
    }

    fn remember(&self, bytes: &[u8]) {
        let mut head = self.head();
        let room = HEAD_BYTES.saturating_sub(head.len()).min(bytes.len());
        head.extend_from_slice(&bytes[..room]);
    }

    async fn read_down(&self, mut from: ReadHalf<'_>, to: mpsc::Sender<Chunk>) {
        while let Some(bytes) = read(&mut from).await {
            if self.losing.load(Ordering::SeqCst) {
                // Whatever was asked before the pattern may be answered first, and the answer may come in parts.
                while let Ok(Some(_)) = timeout(Duration::from_millis(50), read(&mut from)).await {}
                return self.be_cut().await;
            }
            if to.send(Chunk { due: self.due(DOWN), bytes, last: false }).await.is_err() {
                return;
            }
        }
    }

    async fn write(&self, direction: usize, mut from: mpsc::Receiver<Chunk>, mut to: WriteHalf<'_>) {
        while let Some(chunk) = from.recv().await {
            sleep_until(chunk.due).await;
            self.flows().await;
            if direction == DOWN && self.losing.load(Ordering::SeqCst) {
                continue;
            }
            if to.write_all(&chunk.bytes).await.is_err() {
                return;
            }
            if chunk.last {
                return self.be_cut().await;
            }
        }
    }
}

async fn read(from: &mut ReadHalf<'_>) -> Option<Vec<u8>> {
    let mut bytes = vec![0; CHUNK_BYTES];
    let read = from.read(&mut bytes).await.ok().filter(|read| *read > 0)?;
    bytes.truncate(read);
    Some(bytes)
}

/// What passed last: a pattern may come in two parts.
#[derive(Debug, Default)]
struct Seen {
    bytes: Vec<u8>,
    /// How many of them are new.
    new: usize,
}

impl Seen {
    fn push(&mut self, bytes: &[u8]) {
        let old = self.bytes.len().saturating_sub(LONGEST_PATTERN);
        self.bytes.drain(..old);
        self.bytes.extend_from_slice(bytes);
        self.new = bytes.len();
    }

    /// Whether the pattern ends in what is new.
    fn brings(&self, pattern: &[u8]) -> bool {
        let looked_at = (self.new + pattern.len()).saturating_sub(1).min(self.bytes.len());
        holds(&self.bytes[self.bytes.len() - looked_at..], pattern)
    }
}

#[cfg(test)]
mod tests;
