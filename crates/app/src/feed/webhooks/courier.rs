//! Who carries what is sent: handed in, so that use cases know no network.

use bailiwick_domain::network::Network;
use std::fmt::Debug;
use std::pin::Pin;
use std::time::Duration;

/// What is to be sent by POST.
#[derive(Clone, Debug)]
pub struct Parcel {
    /// Where to.
    pub url: String,
    /// Headers besides those of every request.
    pub headers: Vec<(&'static str, String)>,
    /// JSON.
    pub body: String,
    /// Networks that are no public ones and may be called all the same.
    pub networks: Vec<Network>,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivered {
    /// Status of the answer, if there was one.
    pub status: Option<u16>,
    /// Why it did not arrive, or the beginning of what was answered to a refusal.
    pub why: Option<String>,
    /// How long it took.
    pub took: Duration,
}

impl Delivered {
    /// Whether the other side took it.
    #[must_use]
    pub fn well(&self) -> bool {
        self.status.is_some_and(|status| (200..300).contains(&status))
    }
}

/// Carries parcels. It resolves a name once, calls the address it checked, follows nothing, and waits for nobody longer
/// than its own limit.
pub trait Courier: Send + Sync + Debug {
    /// Whether this is an address it could ever send to.
    ///
    /// # Errors
    /// Why not, as the end of a sentence.
    fn check(&self, url: &str, networks: &[Network]) -> Result<(), String>;

    /// Sends. Whatever goes wrong is told in what comes back.
    fn carry(&self, parcel: Parcel) -> Pin<Box<dyn Future<Output = Delivered> + Send + '_>>;
}
