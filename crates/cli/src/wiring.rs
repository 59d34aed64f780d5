//! Where clock, randomness, schemas and store are put in.

use crate::config::Config;
use crate::out::{Failure, refused};
use bailiwick_app::{App, Clock, Ids, Wiring};
use bailiwick_domain::ids::Millis;
use bailiwick_scim::schema::Registry;
use bailiwick_store::{ChangeSet, Location, OpenOptions, Role, Store, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The public URL an admin chose for `serve`.
const CHOSEN_URL: &str = "public_url";
/// The URL `serve` listened on last, for want of a chosen one.
const LISTEN_URL: &str = "listen_url";
/// Where a server that was never started would listen.
const DEFAULT_URL: &str = "http://127.0.0.1:8700";

/// The clocks of the machine.
#[derive(Debug)]
pub(crate) struct SystemClock(Instant);

impl SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that is handed in")]
    pub(crate) fn new() -> Self {
        Self(Instant::now())
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Millis {
        wall_clock()
    }

    fn monotonic(&self) -> Duration {
        self.0.elapsed()
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the clock that is handed in")]
fn wall_clock() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// Random bytes fetched from the operating system at once: every call draws some, and a system call each would cost
/// more than the look-up it is for.
const STOCK_BYTES: usize = 1024;

/// The randomness of the operating system. What was handed out is wiped from the stock.
pub(crate) struct OsIds(Mutex<Stock>);

struct Stock {
    bytes: [u8; STOCK_BYTES],
    left: usize,
}

impl OsIds {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Stock { bytes: [0; STOCK_BYTES], left: 0 }))
    }
}

impl std::fmt::Debug for OsIds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OsIds")
    }
}

impl Ids for OsIds {
    fn fill(&self, bytes: &mut [u8]) {
        if bytes.len() > STOCK_BYTES {
            return entropy(bytes);
        }
        let mut stock = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if stock.left < bytes.len() {
            entropy(&mut stock.bytes);
            stock.left = STOCK_BYTES;
        }
        let from = stock.left - bytes.len();
        let range = from..stock.left;
        bytes.copy_from_slice(&stock.bytes[range.clone()]);
        stock.bytes[range].fill(0);
        stock.left = from;
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the randomness that is handed in")]
#[expect(clippy::expect_used, reason = "without randomness there are no secrets: nothing may go on")]
fn entropy(bytes: &mut [u8]) {
    getrandom::fill(bytes).expect("the operating system gives random bytes");
}

/// How a store is opened.
pub(crate) fn options(location: Location, role: Role) -> OpenOptions {
    OpenOptions { location, role, clock: Arc::new(wall_clock), entropy: Arc::new(entropy) }
}

/// Opens the store, setting it up first if it is not there.
pub(crate) async fn open(location: Location, role: Role) -> Result<Store, Failure> {
    Ok(Store::open(&options(location, role)).await?)
}

/// The use cases over an open store.
pub(crate) fn app(store: Store, registry: Registry, public_url: String) -> App {
    App::new(Wiring { store, registry, clock: Arc::new(SystemClock::new()), ids: Arc::new(OsIds::new()), public_url })
}

/// The use cases for a command. It never fails for lack of a URL.
pub(crate) async fn command(config: &Config, flag: Option<&str>) -> Result<App, Failure> {
    let chosen = config.public_url(flag)?;
    let store = open(config.location(), Role::Command).await?;
    let url = match chosen {
        Some(url) => url,
        None => match store.setting(CHOSEN_URL).await? {
            Some(url) => url,
            None => store.setting(LISTEN_URL).await?.unwrap_or_else(|| DEFAULT_URL.to_owned()),
        },
    };
    Ok(app(store, Registry::standard(), url))
}

/// The public URL of a server, remembered for commands. One that was chosen is remembered for the next start, too; the
/// address listened on is not, because the next start may listen elsewhere.
pub(crate) async fn server_url(
    store: &Store,
    chosen: Option<String>,
    address: SocketAddr,
    tls: bool,
) -> Result<String, Failure> {
    let known = store.setting(CHOSEN_URL).await?;
    let (key, url) = match chosen.or_else(|| known.clone()) {
        Some(url) => (CHOSEN_URL, url),
        None => (LISTEN_URL, format!("{}://{address}", if tls { "https" } else { "http" })),
    };
    let before = if key == CHOSEN_URL { known } else { store.setting(LISTEN_URL).await? };
    if before.as_deref() != Some(url.as_str()) {
        let write = Write::SetSetting { key: key.to_owned(), value: url.clone() };
        store.commit(ChangeSet { at: wall_clock(), writes: vec![write], ..ChangeSet::default() }).await?;
    }
    Ok(url)
}

/// The schemas served: the standard ones and those of the files.
pub(crate) fn registry(files: &[PathBuf]) -> Result<Registry, Failure> {
    let mut documents = Vec::new();
    for file in files {
        let text = read(file)?;
        match serde_json::from_slice(&text) {
            Ok(document) => documents.push(document),
            Err(error) => return refused(format!("the schema {} is not JSON: {error}", file.display())),
        }
    }
    Registry::with_extensions(&documents).or_else(|reason| refused(format!("the schemas cannot be used: {reason}")))
}

/// Reads a file that a flag names.
pub(crate) fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(file).or_else(|error| refused(format!("{} cannot be read: {error}", file.display())))
}
