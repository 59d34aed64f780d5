//! The load client: keep-alive HTTP/1.1 over raw sockets, so that the client costs little beside the server.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// One request: the bytes to send and the status that is right.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) bytes: Vec<u8>,
    pub(crate) expect: u16,
    /// Text that the body of a right answer holds.
    pub(crate) holds: Option<String>,
}

/// Builds requests for one server.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    pub(crate) address: String,
    pub(crate) token: String,
}

impl Client {
    pub(crate) fn request(&self, method: &str, path: &str, body: Option<&str>, expect: u16) -> Request {
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\n", self.address);
        if !self.token.is_empty() {
            head.push_str(&format!("Authorization: Bearer {}\r\n", self.token));
        }
        if let Some(body) = body {
            head.push_str(&format!("Content-Type: application/scim+json\r\nContent-Length: {}\r\n", body.len()));
        }
        head.push_str("\r\n");
        head.push_str(body.unwrap_or_default());
        Request { bytes: head.into_bytes(), expect, holds: None }
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

/// What a load found.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    pub(crate) requests: u64,
    pub(crate) seconds: f64,
    pub(crate) wrong: u64,
    pub(crate) first_wrong: Option<String>,
    pub(crate) p50_us: f64,
    pub(crate) p99_us: f64,
}

impl Outcome {
    pub(crate) fn rate(&self) -> f64 {
        self.requests as f64 / self.seconds
    }
}

/// Sends what `make` gives for 0, 1, 2, ... through so many connections, for so long or until `make` gives nothing.
pub(crate) async fn drive<F>(address: &str, connections: usize, span: Duration, make: F) -> Result<Outcome, String>
where
    F: Fn(usize) -> Option<Request> + Send + Sync + 'static,
{
    let make = Arc::new(make);
    let next = Arc::new(AtomicUsize::new(0));
    let wrong = Arc::new(AtomicU64::new(0));
    let begin = Instant::now();
    let mut tasks = Vec::new();
    for _ in 0..connections {
        let (make, next, wrong) = (make.clone(), next.clone(), wrong.clone());
        let mut connection = Connection::open(address).await?;
        tasks.push(tokio::spawn(async move {
            let (mut times, mut first_wrong) = (Vec::new(), None);
            while begin.elapsed() < span {
                let Some(request) = make(next.fetch_add(1, Ordering::Relaxed)) else { break };
                let sent = Instant::now();
                let (status, body) = connection.exchange(&request.bytes).await?;
                times.push(sent.elapsed().as_micros() as u32);
                let holds = request.holds.as_deref();
                let found = holds.is_none_or(|text| body.windows(text.len()).any(|window| window == text.as_bytes()));
                if status != request.expect || !found {
                    wrong.fetch_add(1, Ordering::Relaxed);
                    first_wrong.get_or_insert_with(|| {
                        let sent = String::from_utf8_lossy(&request.bytes[..request.bytes.len().min(300)]).into_owned();
                        format!("{status} {} for {sent}", String::from_utf8_lossy(&body[..body.len().min(300)]))
                    });
                }
            }
            Ok::<_, String>((times, first_wrong))
        }));
    }
    let (mut times, mut first_wrong) = (Vec::new(), None);
    for task in tasks {
        let (some, wrong) = task.await.map_err(|error| error.to_string())??;
        times.extend(some);
        first_wrong = first_wrong.or(wrong);
    }
    let seconds = begin.elapsed().as_secs_f64();
    times.sort_unstable();
    let at = |share: f64| times.get(((times.len() as f64 * share) as usize).min(times.len().saturating_sub(1)));
    Ok(Outcome {
        requests: times.len() as u64,
        seconds,
        wrong: wrong.load(Ordering::Relaxed),
        first_wrong,
        p50_us: at(0.5).copied().map_or(0.0, f64::from),
        p99_us: at(0.99).copied().map_or(0.0, f64::from),
    })
}
