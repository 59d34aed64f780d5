//! The proxy in front of a server that answers each line with its length.

use super::*;
use std::io;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

/// Answers lines with what it read so far, and counts them.
async fn server() -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let heard = Arc::<Mutex<Vec<String>>>::default();
    let all = Arc::clone(&heard);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let all = Arc::clone(&all);
            tokio::spawn(async move {
                let (read, mut write) = stream.into_split();
                let mut lines = BufReader::new(read).lines();
                while let Ok(Some(line)) = lines.next_line().await {
                    all.lock().unwrap().push(line.clone());
                    let _ = write.write_all(format!("{}\n", line.len()).as_bytes()).await;
                }
            });
        }
    });
    (address, heard)
}

struct Caller {
    write: OwnedWriteHalf,
    lines: Lines<BufReader<OwnedReadHalf>>,
}

impl Caller {
    async fn to(proxy: &Proxy) -> Self {
        let (read, write) = TcpStream::connect(proxy.address()).await.unwrap().into_split();
        Self { write, lines: BufReader::new(read).lines() }
    }

    async fn ask(&mut self, line: &str) -> io::Result<Option<String>> {
        self.write.write_all(format!("{line}\n").as_bytes()).await?;
        self.lines.next_line().await
    }
}

fn reset<T: std::fmt::Debug>(result: io::Result<T>) {
    assert_eq!(result.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
}

async fn silent(work: impl Future) {
    assert!(timeout(Duration::from_millis(300), work).await.is_err(), "an answer where none may come");
}

#[tokio::test]
async fn what_is_said_passes_and_a_cut_resets() {
    let (address, _) = server().await;
    let proxy = Proxy::start(address).await;
    let mut caller = Caller::to(&proxy).await;
    assert_eq!(caller.ask("four").await.unwrap().as_deref(), Some("4"));
    assert_eq!(proxy.open(), 1);
    proxy.cut();
    reset(caller.lines.next_line().await);
    let mut caller = Caller::to(&proxy).await;
    assert_eq!(caller.ask("again").await.unwrap().as_deref(), Some("5"));
    proxy.refuse();
    assert_eq!(caller.ask("open ones stay").await.unwrap().as_deref(), Some("14"));
    reset(Caller::to(&proxy).await.lines.next_line().await);
    proxy.accept();
    assert_eq!(Caller::to(&proxy).await.ask("x").await.unwrap().as_deref(), Some("1"));
}

#[tokio::test]
async fn traps_cut_before_or_behind_the_deed() {
    let (address, heard) = server().await;
    let proxy = Proxy::start(address).await;
    for (moment, done) in [(Moment::Before, false), (Moment::Delivered, true), (Moment::Answered, true)] {
        heard.lock().unwrap().clear();
        let mut caller = Caller::to(&proxy).await;
        assert_eq!(caller.ask("do it").await.unwrap().as_deref(), Some("5"));
        proxy.trap(b"do it", moment);
        // What passed before the trap was set does not spring it.
        assert_eq!(caller.ask("wait").await.unwrap().as_deref(), Some("4"), "{moment:?}");
        // The pattern comes in two parts.
        caller.write.write_all(b"do ").await.unwrap();
        sleep(Duration::from_millis(30)).await;
        reset(caller.ask("it").await);
        sleep(Duration::from_millis(100)).await;
        assert_eq!(heard.lock().unwrap().len() == 3, done, "{moment:?}");
        assert!(!proxy.untrap());
    }
    assert_eq!(proxy.sprung(), 3);
}

#[tokio::test]
async fn a_trap_may_wait_for_one_of_the_connections() {
    let (address, _) = server().await;
    let proxy = Proxy::start(address).await;
    let (mut left, mut right) = (Caller::to(&proxy).await, Caller::to(&proxy).await);
    right.ask("mine").await.unwrap();
    proxy.trap_behind(b"mine", b"commit", Moment::Before);
    for caller in [&mut left, &mut right] {
        assert_eq!(caller.ask("commit").await.unwrap().as_deref(), Some("6"));
    }
    assert_eq!(left.ask("mine").await.unwrap().as_deref(), Some("4"));
    assert_eq!(right.ask("commit").await.unwrap().as_deref(), Some("6"));
    reset(left.ask("commit").await);
    assert_eq!(proxy.sprung(), 1);
}

#[tokio::test]
async fn what_is_stalled_goes_on_later() {
    let (address, heard) = server().await;
    let proxy = Proxy::start(address).await;
    let (mut left, mut right) = (Caller::to(&proxy).await, Caller::to(&proxy).await);
    left.ask("I am left").await.unwrap();
    right.ask("right").await.unwrap();
    proxy.stall_those(b"am left");
    silent(left.ask("held")).await;
    assert_eq!(right.ask("free").await.unwrap().as_deref(), Some("4"));
    proxy.stall();
    silent(right.ask("held, too")).await;
    let mut new = Caller::to(&proxy).await;
    silent(new.ask("from the start")).await;
    assert_eq!(heard.lock().unwrap().len(), 3);
    proxy.resume();
    for (caller, length) in [(&mut left, "4"), (&mut right, "9"), (&mut new, "14")] {
        assert_eq!(caller.lines.next_line().await.unwrap().as_deref(), Some(length));
    }
}

#[tokio::test]
async fn delays_add_up_per_direction_and_not_per_line() {
    let (address, _) = server().await;
    let proxy = Proxy::start(address).await;
    let mut caller = Caller::to(&proxy).await;
    caller.ask("a").await.unwrap();
    proxy.delay(Duration::from_millis(300), Duration::from_millis(700));
    let begun = Instant::now();
    for _ in 0..5 {
        caller.write.write_all(b"line\n").await.unwrap();
    }
    for _ in 0..5 {
        caller.lines.next_line().await.unwrap();
    }
    let taken = begun.elapsed();
    assert!((1_000..1_900).contains(&taken.as_millis()), "{taken:?}");
}

#[tokio::test]
async fn urls_lead_through_it() {
    let proxy = Proxy::before("postgres://me:s%40cret@127.0.0.1:5432/db?options=-csearch_path%3Dx@y").await;
    let check =
        |base: &str, expect: &str| assert_eq!(proxy.url(base), expect.replace("HERE", &proxy.address().to_string()));
    check("postgres://me@127.0.0.1:5432/db?a=b", "postgres://me@HERE/db?a=b");
    check("postgres://127.0.0.1:5432", "postgres://HERE");
    check("postgres://h:1?host=x", "postgres://HERE?host=x");
}
