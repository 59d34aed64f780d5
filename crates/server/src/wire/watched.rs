//! A byte stream with patience: heads must arrive, idle connections end, answers must be taken.

use super::framing::Framing;
use super::link::Link;
use crate::limits;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

/// The stream of one connection.
#[derive(Debug)]
pub(crate) struct Watched<S> {
    stream: S,
    link: Arc<Link>,
    framing: Framing,
    /// Runs while a head is incomplete.
    head: Option<Pin<Box<Sleep>>>,
    /// Runs always; what happened since it was set decides what its end means.
    idle: Pin<Box<Sleep>>,
    moved: bool,
    /// Runs while the other end does not take what was written.
    stall: Option<Pin<Box<Sleep>>>,
}

impl<S> Watched<S> {
    pub(crate) fn new(stream: S, link: Arc<Link>) -> Self {
        let idle = Box::pin(sleep(limits::FIRST_BYTE));
        Self { stream, link, framing: Framing::new(), head: None, idle, moved: false, stall: None }
    }

    fn note(&mut self, bytes: &[u8]) {
        self.moved = true;
        self.framing.feed(bytes);
        let within_head = self.framing.within_head();
        self.link.read(within_head, self.framing.conflict());
        if !within_head {
            self.head = None;
        }
    }

    /// Nothing to read now: an error when that has lasted too long.
    fn wait(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.framing.within_head() {
            ready!(self.head.get_or_insert_with(|| Box::pin(sleep(limits::HEAD))).as_mut().poll(cx));
            return Poll::Ready(Err(late("the request head is incomplete")));
        }
        while self.idle.as_mut().poll(cx).is_ready() {
            if !self.moved && !self.link.busy() {
                return Poll::Ready(Err(late("nothing happens on the connection")));
            }
            self.moved = false;
            self.idle.as_mut().reset(Instant::now() + limits::IDLE);
        }
        Poll::Pending
    }

    /// Passes the outcome of a write on, unless the other end has not taken anything for too long.
    fn written<T>(&mut self, cx: &mut Context<'_>, outcome: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        match outcome {
            Poll::Ready(outcome) => {
                self.stall = None;
                self.moved = true;
                Poll::Ready(outcome)
            }
            Poll::Pending => {
                ready!(stall(&mut self.stall, limits::WRITE_STALL).as_mut().poll(cx));
                Poll::Ready(Err(late("the answer is not taken")))
            }
        }
    }
}

fn stall(timer: &mut Option<Pin<Box<Sleep>>>, patience: Duration) -> &mut Pin<Box<Sleep>> {
    timer.get_or_insert_with(|| Box::pin(sleep(patience)))
}

fn late(why: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, why)
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        match Pin::new(&mut self.stream).poll_read(cx, buf) {
            Poll::Ready(outcome) => {
                if let Some(bytes) = buf.filled().get(before..).filter(|bytes| !bytes.is_empty()) {
                    self.note(bytes);
                }
                Poll::Ready(outcome)
            }
            Poll::Pending => self.wait(cx),
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.written(cx, outcome)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.stream).poll_flush(cx);
        self.written(cx, outcome)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.written(cx, outcome)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(cx, bytes);
        self.written(cx, outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    fn watched(capacity: usize) -> (Watched<tokio::io::DuplexStream>, tokio::io::DuplexStream, Arc<Link>) {
        let (near, far) = duplex(capacity);
        let link = Arc::new(Link::new(([127, 0, 0, 1], 1).into(), None));
        (Watched::new(near, link.clone()), far, link)
    }

    async fn failed_after(read: impl Future<Output = io::Result<usize>>) -> u64 {
        let begun = Instant::now();
        assert_eq!(read.await.unwrap_err().kind(), io::ErrorKind::TimedOut);
        begun.elapsed().as_secs()
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_that_does_not_end_is_cut_however_slowly_it_drips() {
        let (mut near, mut far, _) = watched(64);
        let drip = tokio::spawn(async move {
            loop {
                if far.write_all(b"a").await.is_err() {
                    return;
                }
                sleep(Duration::from_secs(1)).await;
            }
        });
        let mut buffer = [0; 64];
        let reading = async {
            loop {
                let read = near.read(&mut buffer).await?;
                assert!(read > 0);
            }
        };
        assert!(failed_after(reading).await <= limits::HEAD.as_secs() + 1);
        drip.abort();
    }

    #[tokio::test(start_paused = true)]
    async fn idle_connections_end_and_busy_ones_do_not() {
        let (mut near, _far, _) = watched(64);
        assert_eq!(failed_after(near.read(&mut [0; 8])).await, limits::FIRST_BYTE.as_secs());

        let (mut near, mut far, link) = watched(64);
        far.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
        let _ = near.read(&mut [0; 64]).await.unwrap();
        assert!(!link.take() && link.busy());
        let mut buffer = [0; 8];
        let reading = near.read(&mut buffer);
        tokio::pin!(reading);
        assert!(tokio::time::timeout(limits::IDLE * 5, &mut reading).await.is_err());
        link.answer();
        assert!(failed_after(reading).await <= 2 * limits::IDLE.as_secs());
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_nobody_takes_is_given_up() {
        let (mut near, _far, _) = watched(4);
        let begun = Instant::now();
        assert_eq!(near.write_all(&[0; 64]).await.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert_eq!(begun.elapsed(), limits::WRITE_STALL);
    }
}
