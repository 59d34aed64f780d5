//! Events as they happen, over a connection that stays open (server-sent events).
//!
//! A stream ends when the credential it was opened with ends, when its caller may no longer read the journal, when the
//! server stops, and when the client does not take what is sent: it comes back with Last-Event-ID and misses nothing.

use super::Api;
use super::answer::Answer;
use super::events::Event;
use super::request::Request;
use crate::intake::{Failure, bearer};
use axum::body::Body;
use bailiwick_app::feed::{self, Told};
use bailiwick_app::{access, within};
use bailiwick_domain::failure::{self, ProductCode};
use bailiwick_domain::policy::{Action, Object, permits};
use bailiwick_scim::{Code, Error};
use bytes::Bytes;
use http::HeaderName;
use hyper::body::Frame;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time::{Instant, timeout};

/// Most streams at a time.
pub(super) const STREAMS: usize = 100;
/// Events read at a time.
const BATCH: u32 = 100;
/// Messages that wait for a client.
const WAITING: usize = 16;
/// A client that takes nothing for this long is dropped.
const PATIENCE: Duration = Duration::from_secs(15);
/// How often something is sent when nothing happens.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How often the credential is looked at: who lost access hears nothing more within a second.
const LOOK: Duration = Duration::from_millis(500);
/// How long the store may take for a look or a read.
const STORE_TIME: Duration = Duration::from_secs(5);
/// How many reads in a row may fail before the stream is given up.
const FAILURES: u32 = 5;

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// Opens a stream.
pub(super) async fn open(request: &Request, shown: fn(Told) -> Event) -> Result<Answer, Failure> {
    access::require(&request.app, &request.principal, Action::AuditRead, &Object::None).await?;
    let Ok(place) = Arc::clone(&request.api.streams).try_acquire_owned() else {
        let detail = format!("There are {STREAMS} streams already. Close one, or read pages of /events.");
        return Err(failure::error(ProductCode::RateLimited, detail).into());
    };
    let after = match (request.header(&LAST_EVENT_ID), request.number("after")) {
        (Some(id), _) => id.trim().parse().ok().filter(|seq| *seq >= 0).ok_or_else(|| {
            Error::new(Code::ParameterInvalid, "Last-Event-ID must be the id of a message of this stream.")
        })?,
        (None, Some(seq)) => seq,
        (None, None) => feed::newest(&request.app).await?,
    };
    let token = bearer(&request.headers).ok().flatten().unwrap_or_default().to_owned();
    let (sender, receiver) = mpsc::channel(WAITING);
    let follower = Follower {
        api: Arc::clone(&request.api),
        token,
        kind: request.param("kind").map(str::to_owned),
        after,
        sender,
        shown,
        _place: place,
    };
    tokio::spawn(follower.run());
    Ok(Answer::stream("text/event-stream", Body::new(Messages(receiver))))
}

/// The body: messages as they come.
struct Messages(mpsc::Receiver<Bytes>);

impl hyper::body::Body for Messages {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(cx).map(|message| message.map(|bytes| Ok(Frame::data(bytes))))
    }
}

struct Follower {
    api: Arc<Api>,
    /// The credential, looked at again and again. Never shown.
    token: String,
    kind: Option<String>,
    after: i64,
    sender: mpsc::Sender<Bytes>,
    shown: fn(Told) -> Event,
    _place: OwnedSemaphorePermit,
}

impl Follower {
    async fn run(mut self) {
        let mut ear = self.api.app.pulse().listen();
        let (mut spoken, mut failures) = (Instant::now(), 0);
        // The first bytes say that the stream is open, and when to come back.
        let mut open = self.send("retry: 2000\n: open\n\n".to_owned()).await;
        let mut looked = Instant::now();
        while open && !self.api.gate.stopping() {
            if looked.elapsed() >= LOOK {
                looked = Instant::now();
                match self.may_go_on().await {
                    Some(true) => failures = 0,
                    Some(false) => return,
                    None => failures += 1,
                }
            }
            match within(STORE_TIME, feed::after(&self.api.app, self.after, BATCH)).await {
                Ok(events) if events.is_empty() => {
                    if spoken.elapsed() >= HEARTBEAT {
                        open = self.send(": \n\n".to_owned()).await;
                        spoken = Instant::now();
                    }
                    ear.news(self.after, LOOK).await;
                }
                Ok(events) => {
                    spoken = Instant::now();
                    open = self.tell(events).await;
                }
                Err(_) => {
                    failures += 1;
                    tokio::time::sleep(LOOK).await;
                }
            }
            // Who cannot be asked is not trusted for long.
            if failures > FAILURES {
                return;
            }
        }
    }

    /// Whether the credential still opens the journal; `None` when nobody could say.
    async fn may_go_on(&self) -> Option<bool> {
        match within(STORE_TIME, access::identify_api(&self.api.app, Some(&self.token))).await {
            Ok(principal) => Some(permits(&principal, Action::AuditRead, &Object::None)),
            Err(refused) if refused.refusal.status == 401 || refused.refusal.status == 403 => Some(false),
            Err(_) => None,
        }
    }

    async fn tell(&mut self, events: Vec<Told>) -> bool {
        let mut text = String::new();
        for told in events {
            self.after = told.seq;
            if !feed::is_of_kind(&told.kind, self.kind.as_deref().unwrap_or("*")) {
                continue;
            }
            let (seq, kind) = (told.seq, told.kind.clone());
            // JSON in one line: no line of it can be taken for another field.
            let Ok(data) = serde_json::to_string(&(self.shown)(told)) else { continue };
            text.push_str(&format!("id: {seq}\nevent: {kind}\ndata: {data}\n\n"));
        }
        text.is_empty() || self.send(text).await
    }

    /// Whether the client took it.
    async fn send(&self, text: String) -> bool {
        matches!(timeout(PATIENCE, self.sender.send(Bytes::from(text))).await, Ok(Ok(())))
    }
}
