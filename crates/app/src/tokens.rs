//! Tokens held in memory. They follow the store: a change made here or by another process empties the cache, and a
//! cache that has not heard of the store for a second is not trusted.

use crate::Refusal;
use crate::app::App;
use crate::caller::Integration;
use crate::error::of_store;
use bailiwick_domain::ids::Millis;
use bailiwick_store::rows::TokenRow;
use std::collections::HashMap;
use std::sync::{Arc, RwLock};
use std::time::Duration;

/// How long a process may go without hearing of the store before it trusts nothing it holds.
const TRUST: Duration = Duration::from_secs(1);

#[derive(Debug, Default)]
pub(crate) struct TokenCache(RwLock<Held>);

#[derive(Debug, Default)]
struct Held {
    generation: Option<u64>,
    tokens: HashMap<[u8; 32], Arc<Known>>,
}

/// A token we made, live or not.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) id: Arc<str>,
    pub(crate) integration: Arc<Integration>,
    pub(crate) expires: Option<Millis>,
    pub(crate) revoked: bool,
}

impl TokenCache {
    pub(crate) async fn find(&self, app: &App, digest: &[u8; 32]) -> Result<Option<Arc<Known>>, Refusal> {
        let generation = app.store().generation();
        if app.store().followed_within(TRUST)
            && let Some(known) = self.held(generation, digest)
        {
            return Ok(Some(known));
        }
        let Some((token, _)) = app.store().token_by_digest(digest).await.map_err(of_store)? else {
            return Ok(None);
        };
        let Some(integration) = app.integration_now(token.integration).await? else { return Ok(None) };
        let known = Arc::new(known(&token, integration));
        self.keep(generation, *digest, known.clone());
        Ok(Some(known))
    }

    fn held(&self, generation: u64, digest: &[u8; 32]) -> Option<Arc<Known>> {
        let held = self.0.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        if held.generation == Some(generation) { held.tokens.get(digest).cloned() } else { None }
    }

    /// Keeps a token read under that generation. The generation was read before the row, so a change in between only
    /// makes the entry older than it could be, never newer: the next look-up sees the new generation and drops it.
    fn keep(&self, generation: u64, digest: [u8; 32], known: Arc<Known>) {
        let mut held = self.0.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        if held.generation != Some(generation) {
            held.tokens.clear();
            held.generation = Some(generation);
        }
        held.tokens.insert(digest, known);
    }
}

fn known(token: &TokenRow, integration: Integration) -> Known {
    Known {
        id: Arc::from(token.id.as_str()),
        integration: Arc::new(integration),
        expires: token.expires,
        revoked: token.revoked.is_some(),
    }
}
