//! A PostgreSQL cluster for tests: made in a temporary folder, on a free loopback port, thrown away at the end.
//!
//! PostgreSQL refuses to run as root, so root runs it as the user `postgres` or `nobody`. A process of its own, the
//! janitor, waits for the end of the pipe that this process holds open: however this process ends, the janitor stops
//! the servers and removes the folder. Works on Linux, because it finds the servers in `/proc`.

pub use crate::schema::Schema;

use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::io::Write as _;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, Output, Stdio};
use tempfile::TempDir;

/// How often a port is chosen before the start is given up: another process may take one in between.
const PORT_TRIES: u32 = 5;

/// What the janitor does. `$1` is the folder. An immediate shutdown first, because a server that is killed leaves
/// shared memory behind; what does not end by itself is killed.
const JANITOR: &str = r#"
trap '' HUP INT TERM
cat > /dev/null
servers() {
  for link in /proc/[0-9]*/cwd; do
    if [ "$(readlink "$link" 2>/dev/null)" = "$1/data" ]; then pid=${link#/proc/}; echo "${pid%/cwd}"; fi
  done
}
for pid in $(servers "$1"); do kill -CONT "$pid"; done
for pid in $(servers "$1"); do kill -QUIT "$pid"; done
tries=0
while [ -n "$(servers "$1")" ] && [ $tries -lt 50 ]; do sleep 0.1; tries=$((tries + 1)); done
for pid in $(servers "$1"); do kill -KILL "$pid"; done
rm -rf "$1"
"#;

/// How a cluster differs from the usual one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClusterOptions {
    /// Whether a commit is on the disk when it is answered. Tests do not need it, measurements do.
    pub fsync: bool,
}

/// A running cluster. Dropping it stops it and removes its folder.
#[derive(Debug)]
pub struct Cluster {
    /// Removed by the janitor, who may be the only one that may.
    dir: PathBuf,
    programs: PathBuf,
    user: Option<User>,
    port: u16,
    /// Its end is what the janitor waits for.
    pipe: Option<ChildStdin>,
}

impl Cluster {
    /// Makes a cluster and starts it.
    #[must_use]
    pub fn start() -> Self {
        Self::with(ClusterOptions::default())
    }

    /// The same with options.
    #[must_use]
    pub fn with(options: ClusterOptions) -> Self {
        let programs = programs().unwrap_or_else(|| panic!("PostgreSQL is not installed (Debian: postgresql)"));
        let user = User::needed();
        let dir = folder(user.as_ref());
        let pipe = Some(janitor(&dir));
        let mut cluster = Self { dir, programs, user, port: 0, pipe };
        cluster.make();
        cluster.configure(options);
        let started = (0..PORT_TRIES).any(|_| {
            cluster.port = free_port();
            cluster.try_up()
        });
        assert!(started, "PostgreSQL does not start: {}", cluster.log_tail());
        cluster
    }

    /// The URL of its database as a superuser.
    #[must_use]
    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// The port it listens on, also while it is stopped.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Starts it again after [`Cluster::stop`] or [`Cluster::kill`].
    pub fn up(&self) {
        assert!(self.try_up(), "PostgreSQL does not start: {}", self.log_tail());
    }

    /// Stops it in order; open connections are ended.
    pub fn stop(&self) {
        self.resume();
        let output = self.control(&["stop", "-m", "fast", "-w", "-t", "30"]);
        assert!(output.status.success(), "PostgreSQL does not stop: {}", text(&output.stderr));
    }

    /// Stops and starts it.
    pub fn restart(&self) {
        self.stop();
        self.up();
    }

    /// Ends it as a power cut does.
    pub fn kill(&self) {
        self.signal(Signal::KILL);
        while !self.servers().is_empty() {
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        // Whoever collects orphans may be slow: until then these files seem to name a server that runs.
        let _ = fs::remove_file(self.data().join("postmaster.pid"));
        let _ = fs::remove_file(self.dir.join(format!(".s.PGSQL.{}.lock", self.port)));
    }

    /// Lets it answer nothing any more while its connections stay open.
    pub fn pause(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets it go on.
    pub fn resume(&self) {
        self.signal(Signal::CONT);
    }

    /// Its data folder. The servers work in it.
    fn data(&self) -> PathBuf {
        self.dir.join("data")
    }

    fn make(&self) {
        let data = self.data();
        // The default collation is not the one of code points, so that a comparison that forgot to name it is noticed.
        let icu: &[&str] = &["--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=en-US"];
        let init = |locale: &[&str]| {
            let mut command = self.program("initdb");
            command.args(["-A", "trust", "-U", "postgres", "-E", "UTF8", "--no-sync", "-D"]).arg(&data).args(locale);
            finished(&mut command)
        };
        let first = init(icu);
        if first.status.success() {
            return;
        }
        let second = init(&["--locale=C"]);
        assert!(second.status.success(), "initdb: {}{}", text(&first.stderr), text(&second.stderr));
    }

    fn configure(&self, ClusterOptions { fsync }: ClusterOptions) {
        // What is measured gets the memory that a server of its own would have.
        let (switch, buffers) = if fsync { ("on", "512MB") } else { ("off", "64MB") };
        let settings = format!(
            "listen_addresses = '127.0.0.1'\nunix_socket_directories = '{}'\nmax_connections = 200\n\
             shared_buffers = {buffers}\nfsync = {switch}\nfull_page_writes = {switch}\nsynchronous_commit = on\n\
             max_wal_size = 1GB\nlog_min_messages = warning\n",
            self.dir.display()
        );
        let path = self.data().join("postgresql.conf");
        let file = fs::OpenOptions::new().append(true).open(&path);
        let written = file.and_then(|mut file| file.write_all(settings.as_bytes()));
        written.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }

    fn try_up(&self) -> bool {
        let port = format!("-p {}", self.port);
        let log = self.dir.join("log").display().to_string();
        self.control(&["start", "-w", "-t", "30", "-s", "-o", &port, "-l", &log]).status.success()
    }

    fn control(&self, arguments: &[&str]) -> Output {
        let mut command = self.program("pg_ctl");
        command.arg("-D").arg(self.data()).args(arguments);
        finished(&mut command)
    }

    /// A program of PostgreSQL, run as the user that may.
    fn program(&self, name: &str) -> Command {
        let program = self.programs.join(name);
        let mut command = match &self.user {
            Some(user) => user.command(&program),
            None => Command::new(program),
        };
        command.current_dir(&self.dir);
        command
    }

    fn log_tail(&self) -> String {
        let log = fs::read(self.dir.join("log")).unwrap_or_default();
        text(&log[log.len().saturating_sub(2_000)..])
    }

    /// Its processes: all of them work in the data folder.
    fn servers(&self) -> Vec<Pid> {
        let data = self.data();
        let entries = fs::read_dir("/proc").unwrap_or_else(|error| panic!("/proc: {error}"));
        let id = |entry: fs::DirEntry| -> Option<Pid> {
            let id = entry.file_name().to_str()?.parse().ok()?;
            (fs::read_link(entry.path().join("cwd")).ok()? == data).then(|| Pid::from_raw(id))?
        };
        entries.flatten().filter_map(id).collect()
    }

    /// The first process makes the others, so it comes first; whoever came meanwhile gets it in the second round.
    fn signal(&self, signal: Signal) {
        for _ in 0..2 {
            let mut servers = self.servers();
            servers.sort_by_key(|id| id.as_raw_nonzero());
            for id in servers {
                let _ = kill_process(id, signal);
            }
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.pipe.take());
        let mut tries = 0;
        while self.dir.exists() && tries < 1_000 {
            std::thread::sleep(std::time::Duration::from_millis(10));
            tries += 1;
        }
    }
}

/// Whom root runs the servers as.
#[derive(Clone, Debug)]
struct User {
    name: &'static str,
    uid: u32,
    gid: u32,
}

impl User {
    /// `None` when this process may run them itself.
    fn needed() -> Option<Self> {
        if !rustix::process::getuid().is_root() {
            return None;
        }
        let number = |flag: &str, name: &str| -> Option<u32> {
            let output = Command::new("id").args([flag, name]).output().ok()?;
            text(&output.stdout).trim().parse().ok()
        };
        let user = |name| Some(Self { name, uid: number("-u", name)?, gid: number("-g", name)? });
        let found = ["postgres", "nobody"].into_iter().find_map(user);
        Some(found.unwrap_or_else(|| panic!("root needs a user postgres or nobody to run PostgreSQL as")))
    }

    fn command(&self, program: &Path) -> Command {
        let has_setpriv = Command::new("setpriv").arg("--version").output().is_ok();
        if !has_setpriv {
            let mut command = Command::new("runuser");
            command.args(["-u", self.name, "--"]).arg(program);
            return command;
        }
        let mut command = Command::new("setpriv");
        command.args([format!("--reuid={}", self.uid), format!("--regid={}", self.gid)]);
        command.arg("--clear-groups").arg(program);
        command
    }
}

/// The programs of the newest PostgreSQL: Debian keeps them out of the search path, a folder per version.
#[must_use]
pub fn programs() -> Option<PathBuf> {
    let debian = fs::read_dir("/usr/lib/postgresql").ok().and_then(|versions| {
        let versions = versions.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        let newest = versions.max()?;
        Some(PathBuf::from(format!("/usr/lib/postgresql/{newest}/bin")))
    });
    let path = std::env::var_os("PATH").unwrap_or_default();
    let searched: Vec<PathBuf> = debian.into_iter().chain(std::env::split_paths(&path)).collect();
    searched.into_iter().find(|folder| folder.join("initdb").is_file() && folder.join("pg_ctl").is_file())
}

/// A temporary folder that the user may write. The janitor removes it.
fn folder(user: Option<&User>) -> PathBuf {
    let made = tempfile::Builder::new().prefix("bailiwick-postgres-").tempdir();
    let made: TempDir = made.unwrap_or_else(|error| panic!("no temporary folder: {error}"));
    let dir = fs::canonicalize(made.path()).unwrap_or_else(|error| panic!("no temporary folder: {error}"));
    if let Some(User { uid, gid, .. }) = user {
        let owned = std::os::unix::fs::chown(&dir, Some(*uid), Some(*gid));
        owned.unwrap_or_else(|error| panic!("{}: {error}", dir.display()));
    }
    let _ = made.keep();
    dir
}

/// Starts the janitor, so that what kills this process and all below it lets it do its work: in a process group of its
/// own, and below a shell that is gone at once.
fn janitor(dir: &Path) -> ChildStdin {
    let mut command = Command::new("sh");
    command.args(["-c", r#"exec 3<&0; sh -c "$1" janitor "$2" <&3 3<&- &"#, "sh", JANITOR]).arg(dir);
    command.current_dir("/").process_group(0);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("sh: {error}"));
    let pipe = child.stdin.take();
    let ended = child.wait();
    match (pipe, ended) {
        (Some(pipe), Ok(status)) if status.success() => pipe,
        (_, ended) => panic!("sh: {ended:?}"),
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
    listener.unwrap_or_else(|error| panic!("no free port: {error}")).port()
}

/// Runs a command to its end. Its output goes to files: a server that it starts may hold a pipe open.
fn finished(command: &mut Command) -> Output {
    let mut file = tempfile::tempfile().unwrap_or_else(|error| panic!("no temporary file: {error}"));
    let copy = file.try_clone().unwrap_or_else(|error| panic!("no temporary file: {error}"));
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(copy).status();
    let status = status.unwrap_or_else(|error| panic!("{:?}: {error}", command.get_program()));
    let mut stderr = Vec::new();
    let read = std::io::Seek::rewind(&mut file).and_then(|()| std::io::Read::read_to_end(&mut file, &mut stderr));
    read.unwrap_or_else(|error| panic!("no temporary file: {error}"));
    Output { status, stdout: Vec::new(), stderr }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
