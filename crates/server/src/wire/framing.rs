//! Follows the bytes of a connection to find requests whose length is said twice.
//!
//! A request with both `Content-Length` and `Transfer-Encoding`, or with two `Content-Length` lines, means different
//! things to different programs on its way (RFC 9112 section 6.3). The HTTP library repairs some of them before a
//! handler sees the headers, so they are noticed here, on the bytes. This is a watcher only: it never changes what is
//! parsed, and where it cannot follow it stops watching, because then the library refuses the request itself.

/// Longest part of a line that is kept: enough for the names and lengths that matter here.
const LINE_BYTES: usize = 96;

/// Where the connection stands.
#[derive(Debug, PartialEq, Eq)]
enum State {
    /// Within a head, or before one.
    Head,
    /// Within a body of known length, with so many bytes to come.
    Body(u64),
    /// At the line that says how long the next chunk is.
    ChunkSize,
    /// Within a chunk, its line end included.
    Chunk(u64),
    /// Behind the last chunk.
    Trailers,
    /// No longer followed.
    Lost,
}

/// The watcher of one connection.
#[derive(Debug)]
pub(crate) struct Framing {
    state: State,
    /// The beginning of the current line.
    line: Vec<u8>,
    /// Whether the request line was seen.
    begun: bool,
    lengths: u32,
    length: u64,
    chunked: bool,
    heads: u64,
    conflict: Option<u64>,
}

impl Framing {
    pub(crate) fn new() -> Self {
        Self {
            state: State::Head,
            line: Vec::new(),
            begun: false,
            lengths: 0,
            length: 0,
            chunked: false,
            heads: 0,
            conflict: None,
        }
    }

    /// The number, counted from 0, of the first request whose length is said twice. Nothing after it is followed.
    pub(crate) fn conflict(&self) -> Option<u64> {
        self.conflict
    }

    /// Whether a head has begun and is not complete.
    pub(crate) fn within_head(&self) -> bool {
        self.state == State::Head && (self.begun || !self.line.is_empty())
    }

    /// Takes note of the next bytes read.
    pub(crate) fn feed(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            match self.state {
                State::Lost => return,
                State::Body(left) => bytes = self.skip(bytes, left, State::Body, State::Head),
                State::Chunk(left) => bytes = self.skip(bytes, left, State::Chunk, State::ChunkSize),
                State::Head | State::ChunkSize | State::Trailers => {
                    let Some(end) = bytes.iter().position(|&byte| byte == b'\n') else {
                        self.keep(bytes);
                        return;
                    };
                    let (line, rest) = (&bytes[..end], &bytes[end + 1..]);
                    if self.line.is_empty() {
                        self.end_line(line);
                    } else {
                        self.keep(line);
                        let line = std::mem::take(&mut self.line);
                        self.end_line(&line);
                    }
                    bytes = rest;
                }
            }
        }
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = LINE_BYTES.saturating_sub(self.line.len());
        self.line.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    fn skip<'a>(&mut self, bytes: &'a [u8], left: u64, within: fn(u64) -> State, then: State) -> &'a [u8] {
        let taken = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
        let left = left - taken as u64;
        self.state = if left == 0 { then } else { within(left) };
        &bytes[taken..]
    }

    fn end_line(&mut self, line: &[u8]) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        match self.state {
            State::Head if line.is_empty() && self.begun => self.end_head(),
            // Empty lines before a request are skipped.
            State::Head if line.is_empty() => {}
            State::Head if !self.begun => self.begun = true,
            State::Head => self.header(line),
            State::ChunkSize => self.chunk_size(line),
            State::Trailers if line.is_empty() => self.state = State::Head,
            _ => {}
        }
    }

    fn header(&mut self, line: &[u8]) {
        // Only two names matter; their lengths sort nearly all others out.
        let Some(colon) = line.iter().take(18).position(|&byte| byte == b':') else { return };
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        if name.eq_ignore_ascii_case(b"content-length") {
            self.lengths += 1;
            match number(value, 10) {
                Some(length) => self.length = length,
                None => self.state = State::Lost,
            }
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            self.chunked = true;
        }
    }

    fn end_head(&mut self) {
        let number = self.heads;
        self.heads += 1;
        let (lengths, length, chunked) = (self.lengths, self.length, self.chunked);
        (self.begun, self.lengths, self.length, self.chunked) = (false, 0, 0, false);
        self.state = if lengths > 1 || lengths == 1 && chunked {
            self.conflict = Some(number);
            State::Lost
        } else if chunked {
            State::ChunkSize
        } else if length > 0 {
            State::Body(length)
        } else {
            State::Head
        };
    }

    fn chunk_size(&mut self, line: &[u8]) {
        let digits = line.split(|&byte| byte == b';').next().unwrap_or_default().trim_ascii();
        self.state = match number(digits, 16) {
            Some(0) => State::Trailers,
            // A line end follows the bytes of a chunk.
            Some(length) => length.checked_add(2).map_or(State::Lost, State::Chunk),
            None => State::Lost,
        };
    }
}

fn number(digits: &[u8], radix: u32) -> Option<u64> {
    let text = std::str::from_utf8(digits).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
    u64::from_str_radix(text, radix).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same answer whether the bytes come at once or one by one.
    fn check(bytes: &str, heads: u64, conflict: Option<u64>) {
        let mut whole = Framing::new();
        whole.feed(bytes.as_bytes());
        let mut single = Framing::new();
        bytes.bytes().for_each(|byte| single.feed(&[byte]));
        for framing in [whole, single] {
            assert_eq!((framing.heads, framing.conflict()), (heads, conflict), "{bytes:?}");
        }
    }

    #[test]
    fn lengths_said_twice_are_found() {
        check("GET / HTTP/1.1\r\nHost: a\r\n\r\n", 1, None);
        check("\r\n\r\nGET / HTTP/1.1\n\nGET / HTTP/1.1\r\n\r\n", 2, None);
        check("POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nabcdeGET / HTTP/1.1\r\n\r\n", 2, None);
        check("POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 1, Some(0));
        check("POST / HTTP/1.1\r\ntransfer-encoding:chunked\r\nCONTENT-LENGTH:5\r\n\r\n", 1, Some(0));
        check("POST / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n", 1, Some(0));
        check("GET / HTTP/1.1\r\n\r\nPOST / HTTP/1.1\nContent-Length: 5\nContent-Length: 6\n\n", 2, Some(1));
        check("POST / HTTP/1.1\r\nContent-Length: -5\r\n\r\n", 0, None);
    }

    #[test]
    fn bodies_are_no_heads() {
        let lie = "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n";
        let sized = format!("POST / HTTP/1.1\r\nContent-Length: {}\r\n\r\n{lie}GET / HTTP/1.1\r\n\r\n", lie.len());
        check(&sized, 2, None);
        let chunked = format!(
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n{:x};x=y\r\n{lie}\r\n0\r\nTrailer: a\r\n\r\n{}",
            lie.len(),
            "POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"
        );
        check(&chunked, 2, Some(1));
        check("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\nGET / HTTP/1.1\r\n\r\n", 1, None);
    }

    #[test]
    fn a_head_that_has_begun_is_known() {
        let mut framing = Framing::new();
        assert!(!framing.within_head());
        framing.feed(b"G");
        assert!(framing.within_head());
        framing.feed(b"ET / HTTP/1.1\r\nHost: a\r\n");
        assert!(framing.within_head());
        framing.feed(b"\r\n");
        assert!(!framing.within_head());
        framing.feed(&[b'a'; 10_000]);
        assert!(framing.line.len() <= LINE_BYTES);
    }
}
