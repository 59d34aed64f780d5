//! One delivery: body, signature, parcel (Standard Webhooks).

use super::courier::{Courier, Delivered, Parcel};
use super::manage::networks;
use super::record::Webhook;
use crate::Refusal;
use crate::app::App;
use bailiwick_domain::ids::Millis;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use serde_json::{Value, json};

/// What every secret begins with.
const PREFIX: &str = "whsec_";

/// A secret of 256 random bits.
pub(super) fn secret(random: [u8; 32]) -> String {
    format!("{PREFIX}{}", STANDARD.encode(random))
}

/// Signs what is sent: `v1,` and the HMAC-SHA256 of id, time and body, in base64. `None` when the secret has another form.
#[must_use]
pub fn signature(secret: &str, id: &str, seconds: i64, body: &str) -> Option<String> {
    let key = STANDARD.decode(secret.strip_prefix(PREFIX)?).ok()?;
    let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
    let tag = hmac::sign(&key, format!("{id}.{seconds}.{body}").as_bytes());
    Some(format!("v1,{}", STANDARD.encode(tag.as_ref())))
}

/// Whether a text has the form of a secret.
#[must_use]
pub fn verify_secret(text: &str) -> bool {
    text.strip_prefix(PREFIX).and_then(|rest| STANDARD.decode(rest).ok()).is_some_and(|key| key.len() >= 24)
}

/// Sends something of this kind.
pub(super) async fn send(
    app: &App,
    courier: &dyn Courier,
    webhook: &Webhook,
    id: &str,
    kind: &str,
    at: &str,
    data: Value,
) -> Result<Delivered, Refusal> {
    let body = json!({ "type": kind, "timestamp": at, "data": data }).to_string();
    let now = app.clock().now();
    let seconds = now.0.div_euclid(1_000);
    let parcel = Parcel {
        url: webhook.url.clone(),
        headers: vec![
            ("webhook-id", id.to_owned()),
            ("webhook-timestamp", seconds.to_string()),
            ("webhook-signature", signatures(webhook, now, id, seconds, &body)),
        ],
        networks: networks(app).await?,
        body,
    };
    Ok(courier.carry(parcel).await)
}

/// The signature with the secret, and for a while with the one before.
fn signatures(webhook: &Webhook, now: Millis, id: &str, seconds: i64, body: &str) -> String {
    let previous = webhook.previous.as_ref().filter(|(_, until)| *until > now).map(|(secret, _)| secret);
    let secrets = [Some(&webhook.secret), previous].into_iter().flatten();
    let all: Vec<String> = secrets.filter_map(|secret| signature(secret, id, seconds, body)).collect();
    all.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the Standard Webhooks specification.
    #[test]
    fn signatures_are_those_of_the_standard() {
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let body = r#"{"test": 2432232314}"#;
        let signed = signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body);
        assert_eq!(signed.as_deref(), Some("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="));
        assert!(verify_secret(secret) && verify_secret(&super::secret([7; 32])));
        assert!(!verify_secret("whsec_short") && !verify_secret("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"));
        assert_eq!(signature("x", "a", 1, "b"), None);
    }
}
