//! Tells followers that there are new events, so that each of them need not ask the store by itself.

use crate::app::App;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

/// How often the store is asked while somebody follows.
const BEAT: Duration = Duration::from_millis(200);

/// The sequence of the newest event, as far as this process has heard.
#[derive(Debug)]
pub struct Pulse(watch::Sender<i64>);

impl Default for Pulse {
    fn default() -> Self {
        Self(watch::Sender::new(0))
    }
}

/// A follower's ear.
#[derive(Debug)]
pub struct Ear(watch::Receiver<i64>);

impl Pulse {
    /// Begins to listen.
    #[must_use]
    pub fn listen(&self) -> Ear {
        Ear(self.0.subscribe())
    }
}

impl Ear {
    /// Waits until there are events behind this sequence, at most so long.
    pub async fn news(&mut self, behind: i64, at_most: Duration) {
        // An error is the end of the process: there will be no news.
        let _ = timeout(at_most, self.0.wait_for(|newest| *newest > behind)).await;
    }
}

/// Asks the store for the newest event as long as somebody listens. Runs for as long as the server does.
pub async fn beat(app: App) {
    let pulse = &app.pulse().0;
    loop {
        sleep(BEAT).await;
        if pulse.receiver_count() == 0 {
            continue;
        }
        if let Ok(newest) = app.store().last_seq().await {
            pulse.send_if_modified(|known| std::mem::replace(known, newest) != newest);
        }
    }
}
