//! API tokens of integrations: made by us, shown once, several live at once.

use super::{commit, event, invalid, missing, named};
use crate::Refusal;
use crate::app::App;
use crate::error::of_store;
use bailiwick_domain::event::EventKind;
use bailiwick_domain::ids::{Millis, prefixed_id};
use bailiwick_domain::token::Token;
use bailiwick_store::Write;
use bailiwick_store::change::NewToken;
use bailiwick_store::rows::TokenRow;
use serde_json::json;
use std::time::Duration;

/// Longest label, in characters.
const LABEL_CHARS: usize = 100;

/// A token that was just made. The only place where its text exists.
pub struct TokenMade {
    /// Id, `tok_...`.
    pub id: String,
    /// Name of the integration.
    pub integration: String,
    /// Label.
    pub label: String,
    /// The token: shown this once.
    pub token: String,
    /// End of life.
    pub expires_at: Option<Millis>,
}

impl std::fmt::Debug for TokenMade {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenMade").field("id", &self.id).field("label", &self.label).finish_non_exhaustive()
    }
}

/// Draws a token; what is stored is its digest.
pub(super) fn draw(app: &App, label: &str, life: Option<Duration>) -> Result<(NewToken, String), Refusal> {
    let label = label.trim();
    if label.is_empty() || label.chars().count() > LABEL_CHARS || label.chars().any(char::is_control) {
        return Err(invalid(format!("A label has 1 to {LABEL_CHARS} characters.")));
    }
    let expires = match life {
        None => None,
        Some(life) if life.is_zero() => return Err(invalid("A token must live longer than that.")),
        Some(life) => Some(after(app, life)),
    };
    let token = Token::from_random(app.random());
    let new = NewToken {
        id: prefixed_id("tok_", app.random()),
        integration: None,
        label: label.to_owned(),
        digest: token.digest,
        expires,
    };
    Ok((new, token.text))
}

fn after(app: &App, life: Duration) -> Millis {
    Millis(app.clock().now().0.saturating_add(i64::try_from(life.as_millis()).unwrap_or(i64::MAX)))
}

/// Makes one more token for an integration.
///
/// # Errors
/// An unknown integration, a bad label, or when the store cannot answer.
pub async fn create_token(app: &App, name: &str, label: &str, life: Option<Duration>) -> Result<TokenMade, Refusal> {
    let integration = named(app, name).await?;
    let (mut new, text) = draw(app, label, life)?;
    new.integration = Some(integration.id);
    let made = made(&new, &integration.name, text);
    let payload = json!({ "token": new.id, "label": new.label });
    let event = event(app, EventKind::TokenCreate, Some(integration.id), None, payload);
    commit(app, vec![Write::InsertToken(new)], vec![event]).await?;
    Ok(made)
}

pub(super) fn made(new: &NewToken, integration: &str, text: String) -> TokenMade {
    TokenMade {
        id: new.id.clone(),
        integration: integration.to_owned(),
        label: new.label.clone(),
        token: text,
        expires_at: new.expires,
    }
}

/// The tokens of an integration, or of all, with the integration's name.
///
/// # Errors
/// An unknown integration, or when the store cannot answer.
pub async fn list_tokens(app: &App, name: Option<&str>) -> Result<Vec<(TokenRow, String)>, Refusal> {
    let only = match name {
        Some(name) => Some(named(app, name).await?.id),
        None => None,
    };
    let integrations = app.store().integrations().await.map_err(of_store)?;
    let tokens = app.store().tokens(only).await.map_err(of_store)?;
    let name_of = |token: &TokenRow| integrations.iter().find(|row| row.id == token.integration);
    Ok(tokens
        .into_iter()
        .filter_map(|token| {
            let name = name_of(&token)?.name.clone();
            Some((token, name))
        })
        .collect())
}

/// Makes a successor; the old token lives on for `overlap`, so that the identity provider can be changed without a gap.
///
/// # Errors
/// An unknown, revoked or expired token, or when the store cannot answer.
pub async fn rotate_token(
    app: &App,
    name: &str,
    id: Option<&str>,
    overlap: Duration,
    life: Option<Duration>,
) -> Result<TokenMade, Refusal> {
    let integration = named(app, name).await?;
    let now = app.clock().now();
    let tokens = app.store().tokens(Some(integration.id)).await.map_err(of_store)?;
    let live = |token: &&TokenRow| token.revoked.is_none() && token.expires.is_none_or(|expires| expires > now);
    let old = match id {
        Some(id) => tokens.iter().find(|token| token.id == id).ok_or_else(|| unknown(name, id))?,
        None => {
            let mut live = tokens.iter().filter(live);
            match (live.next(), live.next()) {
                (Some(only), None) => only,
                (None, _) => return Err(invalid(format!("\"{name}\" has no live token. Use: bailiwick token create"))),
                _ => return Err(invalid(format!("\"{name}\" has several live tokens. Name one with --token ID."))),
            }
        }
    };
    if !live(&old) {
        return Err(invalid("This token has ended already. Use: bailiwick token create"));
    }
    let (mut new, text) = draw(app, &old.label, life)?;
    new.integration = Some(integration.id);
    let made = made(&new, &integration.name, text);
    let until = after(app, overlap);
    let payload = json!({ "token": old.id, "successor": new.id, "until": until.to_string() });
    let rotated = event(app, EventKind::TokenRotate, Some(integration.id), None, payload);
    let writes = vec![Write::InsertToken(new), Write::EndToken { id: old.id.clone(), expires: until }];
    commit(app, writes, vec![rotated]).await?;
    Ok(made)
}

/// Revokes a token at once.
///
/// # Errors
/// An unknown token, or when the store cannot answer.
pub async fn revoke_token(app: &App, name: &str, id: &str) -> Result<(), Refusal> {
    let integration = named(app, name).await?;
    let tokens = app.store().tokens(Some(integration.id)).await.map_err(of_store)?;
    let token = tokens.into_iter().find(|token| token.id == id).ok_or_else(|| unknown(name, id))?;
    if token.revoked.is_some() {
        return Ok(());
    }
    let payload = json!({ "token": token.id, "label": token.label });
    let event = event(app, EventKind::TokenRevoke, Some(integration.id), None, payload);
    commit(app, vec![Write::RevokeToken { id: token.id }], vec![event]).await?;
    Ok(())
}

fn unknown(name: &str, id: &str) -> Refusal {
    missing(format!("\"{name}\" has no token with the id \"{id}\". See: bailiwick token list --integration {name}"))
}
