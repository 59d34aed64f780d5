//! The load client: keep-alive HTTP/1.1 over raw sockets, so that the client costs little beside the server.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// One request: the bytes to send and the status that is right.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) bytes: Vec<u8>,
    pub(crate) expect: u16,
    /// Texts of which the body of a right answer holds one, if there are any.
    pub(crate) holds: Vec<String>,
}

impl Request {
    fn is_answered_by(&self, body: &[u8]) -> bool {
        let holds = |text: &String| body.windows(text.len()).any(|window| window == text.as_bytes());
        self.holds.is_empty() || self.holds.iter().any(holds)
    }
}

/// Builds requests for one server.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    pub(crate) address: String,
    pub(crate) token: String,
}

impl Client {
    /// A SCIM call.
    pub(crate) fn request(&self, method: &str, path: &str, body: Option<&str>, expect: u16) -> Request {
        self.call(method, path, body.map(|body| ("application/scim+json", body)), expect)
    }

    /// A call of the REST API; the path is the one below its base.
    pub(crate) fn api(&self, method: &str, path: &str, body: Option<&str>, expect: u16) -> Request {
        self.call(method, &format!("/api/v1{path}"), body.map(|body| ("application/json", body)), expect)
    }

    fn call(&self, method: &str, path: &str, body: Option<(&str, &str)>, expect: u16) -> Request {
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\n", self.address);
        if !self.token.is_empty() {
            head.push_str(&format!("Authorization: Bearer {}\r\n", self.token));
        }
        if let Some((media, body)) = body {
            head.push_str(&format!("Content-Type: {media}\r\nContent-Length: {}\r\n", body.len()));
        } else if method == "POST" {
            head.push_str("Content-Length: 0\r\n");
        }
        head.push_str("\r\n");
        head.push_str(body.map(|(_, body)| body).unwrap_or_default());
        Request { bytes: head.into_bytes(), expect, holds: Vec::new() }
    }
}

/// A keep-alive connection.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    pub(crate) async fn open(address: &str) -> Result<Self, String> {
        let stream = TcpStream::connect(address).await.map_err(|error| format!("connect: {error}"))?;
        stream.set_nodelay(true).map_err(|error| error.to_string())?;
        Ok(Self { stream, buffer: Vec::with_capacity(16 * 1024) })
    }

    /// Sends and reads the whole answer: status and body.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> Result<(u16, Vec<u8>), String> {
        self.stream.write_all(request).await.map_err(|error| format!("send: {error}"))?;
        self.buffer.clear();
        loop {
            if let Some((status, start, length)) = head(&self.buffer) {
                while self.buffer.len() < start + length {
                    self.fill().await?;
                }
                return Ok((status, self.buffer[start..start + length].to_vec()));
            }
            self.fill().await?;
        }
    }

    async fn fill(&mut self) -> Result<(), String> {
        match self.stream.read_buf(&mut self.buffer).await {
            Ok(0) => Err("the server closed the connection".to_owned()),
            Ok(_) => Ok(()),
            Err(error) => Err(format!("receive: {error}")),
        }
    }
}

/// Status, start of the body and its length, once the head is complete.
fn head(buffer: &[u8]) -> Option<(u16, usize, usize)> {
    let end = buffer.windows(4).position(|window| window == b"\r\n\r\n")?;
    let text = std::str::from_utf8(&buffer[..end]).ok()?;
    let status = text.get(9..12)?.parse().ok()?;
    let length = text
        .lines()
        .find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
        })
        .unwrap_or(0);
    Some((status, end + 4, length))
}

/// Which request of a load is to be made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Turn {
    /// Of all requests.
    pub(crate) number: usize,
    /// Whose: the connections are counted from 0.
    pub(crate) client: usize,
    /// Of those of this connection.
    pub(crate) round: usize,
}

/// What a load found.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcome {
    /// Microseconds, in order.
    times: Vec<u32>,
    pub(crate) seconds: f64,
    pub(crate) wrong: u64,
    pub(crate) first_wrong: Option<String>,
}

impl Outcome {
    pub(crate) fn requests(&self) -> usize {
        self.times.len()
    }

    pub(crate) fn rate(&self) -> f64 {
        self.times.len() as f64 / self.seconds
    }

    /// The time within which this share of the answers came.
    pub(crate) fn within_us(&self, share: f64) -> f64 {
        let index = (self.times.len() as f64 * share) as usize;
        self.times.get(index.min(self.times.len().saturating_sub(1))).copied().map_or(0.0, f64::from)
    }

    /// Takes in another round of the same load.
    pub(crate) fn absorb(&mut self, other: Self) {
        self.seconds += other.seconds;
        self.join(other);
        self.times.sort_unstable();
    }

    /// Takes in what was sent at the same time.
    fn join(&mut self, other: Self) {
        self.times.extend(other.times);
        self.wrong += other.wrong;
        self.first_wrong = self.first_wrong.take().or(other.first_wrong);
    }
}

/// One connection of a load.
struct Driver<F> {
    connection: Connection,
    client: usize,
    next: Arc<AtomicUsize>,
    make: Arc<F>,
    outcome: Outcome,
}

impl<F: Fn(Turn) -> Option<Request>> Driver<F> {
    async fn run(mut self, begin: Instant, span: Duration) -> Result<Outcome, String> {
        for round in 0.. {
            let turn = Turn { number: self.next.fetch_add(1, Ordering::Relaxed), client: self.client, round };
            if begin.elapsed() >= span {
                break;
            }
            let Some(request) = (self.make)(turn) else { break };
            let sent = Instant::now();
            let (status, body) = self.connection.exchange(&request.bytes).await?;
            self.outcome.times.push(sent.elapsed().as_micros() as u32);
            if status != request.expect || !request.is_answered_by(&body) {
                self.outcome.wrong += 1;
                self.outcome.first_wrong.get_or_insert_with(|| {
                    let sent = String::from_utf8_lossy(&request.bytes[..request.bytes.len().min(300)]).into_owned();
                    format!("{status} {} for {sent}", String::from_utf8_lossy(&body[..body.len().min(300)]))
                });
            }
        }
        Ok(self.outcome)
    }
}

/// Sends what `make` gives, turn by turn, through so many connections shared out among the servers, for so long or until
/// it gives nothing.
pub(crate) async fn drive<F>(addresses: &[&str], connections: usize, span: Duration, make: F) -> Result<Outcome, String>
where
    F: Fn(Turn) -> Option<Request> + Send + Sync + 'static,
{
    let make = Arc::new(make);
    let next = Arc::new(AtomicUsize::new(0));
    let mut drivers = Vec::new();
    for (client, address) in addresses.iter().cycle().take(connections).enumerate() {
        let connection = Connection::open(address).await?;
        drivers.push(Driver {
            connection,
            client,
            next: next.clone(),
            make: make.clone(),
            outcome: Outcome::default(),
        });
    }
    let begin = Instant::now();
    let tasks: Vec<_> = drivers.into_iter().map(|driver| tokio::spawn(driver.run(begin, span))).collect();
    let mut all = Outcome::default();
    for task in tasks {
        all.join(task.await.map_err(|error| error.to_string())??);
    }
    all.seconds = begin.elapsed().as_secs_f64();
    all.times.sort_unstable();
    Ok(all)
}
