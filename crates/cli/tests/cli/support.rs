//! Starting the binary, and talking to a server over a plain socket.

use crate::schema::Schema;
use serde_json::Value;
use std::ffi::OsString;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The binary with an environment that says nothing.
pub(crate) fn binary() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bailiwick"));
    for name in ["BAILIWICK_DATA", "BAILIWICK_DATABASE_URL", "BAILIWICK_PUBLIC_URL", "BAILIWICK_LOG"] {
        command.env_remove(name);
    }
    command.stdin(Stdio::null());
    command
}

/// Where a test keeps its store. It goes with this.
pub(crate) enum Home {
    Folder(TempDir),
    /// A folder that somebody else made.
    Known(PathBuf),
    Schema(Schema),
}

impl Home {
    /// An empty one on the engine that the environment chooses: a schema of the database that it names, else a folder.
    pub(crate) fn new() -> Self {
        Schema::of_environment().map_or_else(Self::folder, Self::Schema)
    }

    /// An empty folder.
    pub(crate) fn folder() -> Self {
        Self::Folder(tempfile::tempdir().unwrap())
    }

    pub(crate) fn at(path: &Path) -> Self {
        Self::Known(path.to_owned())
    }

    pub(crate) fn is_folder(&self) -> bool {
        !matches!(self, Self::Schema(_))
    }

    /// The folder.
    pub(crate) fn dir(&self) -> &Path {
        match self {
            Self::Folder(dir) => dir.path(),
            Self::Known(path) => path,
            Self::Schema(_) => panic!("a schema is no folder"),
        }
    }

    /// The flags that name it.
    pub(crate) fn flags(&self) -> [OsString; 2] {
        match self {
            Self::Schema(schema) => ["--database-url".into(), schema.url().into()],
            folder => ["--data".into(), folder.dir().into()],
        }
    }

    /// How `migrate` names it.
    pub(crate) fn word(&self) -> String {
        match self {
            Self::Schema(schema) => schema.url(),
            folder => format!("sqlite:{}", folder.dir().display()),
        }
    }

    /// Runs statements behind the store's back.
    pub(crate) fn sql(&self, text: &str) {
        match self {
            Self::Schema(schema) => schema.execute(text),
            folder => {
                rusqlite::Connection::open(folder.dir().join("bailiwick.db")).unwrap().execute_batch(text).unwrap()
            }
        }
    }
}

/// A command's words, split at blanks.
fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

/// Runs a command on a store.
pub(crate) fn run(home: &Home, line: &str) -> Output {
    binary().args(words(line)).args(home.flags()).output().unwrap()
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Runs a command that must succeed without a word on standard error, and gives what it printed.
pub(crate) fn said(home: &Home, line: &str) -> String {
    let output = run(home, line);
    assert!(output.status.success(), "{line}: {}", text(&output.stderr));
    assert_eq!(text(&output.stderr), "", "{line}");
    text(&output.stdout)
}

/// The one JSON value of a command that must succeed.
pub(crate) fn json(home: &Home, line: &str) -> Value {
    let said = said(home, &format!("{line} --json"));
    serde_json::from_str(&said).unwrap_or_else(|error| panic!("{line}: {error}: {said}"))
}

/// The one line of a command that must fail with that exit code.
pub(crate) fn fails(home: &Home, line: &str, code: i32) -> String {
    let output = run(home, line);
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{line}: {stderr}{}", text(&output.stdout));
    assert_eq!(text(&output.stdout), "", "{line}");
    if code == 1 {
        assert_eq!(stderr.lines().count(), 1, "{line}: {stderr}");
        assert!(stderr.starts_with("error: "), "{line}: {stderr}");
    }
    stderr
}

/// A running server. It is killed when dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) stdout: BufReader<ChildStdout>,
    pub(crate) address: SocketAddr,
}

impl Server {
    /// Starts on a free port.
    pub(crate) fn start(home: &Home) -> Self {
        Self::start_with(home.flags().into_iter().chain(["--listen", "127.0.0.1:0"].map(Into::into)))
    }

    /// Starts and waits for the line that says where it listens.
    pub(crate) fn start_with(arguments: impl IntoIterator<Item = OsString>) -> Self {
        Self::started(binary(), arguments)
    }

    /// The same with an environment of its own.
    pub(crate) fn started(mut command: Command, arguments: impl IntoIterator<Item = OsString>) -> Self {
        command.arg("serve").args(arguments).args(["--log", "error"]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let Some(address) = line.trim_end().strip_prefix("listening on http://") else {
            let mut stderr = String::new();
            child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
            panic!("not listening: {line}{stderr}");
        };
        let address = address.parse().unwrap();
        Self { child, stdout, address }
    }

    pub(crate) fn call(&self, method: &str, path: &str, token: &str, body: Option<&Value>) -> (u16, Value) {
        call(self.address, method, path, token, body).unwrap()
    }

    /// Waits until the server says it is ready.
    pub(crate) fn wait_ready(&self, within: Duration) {
        let begun = Instant::now();
        while call(self.address, "GET", "/readyz", "", None).map(|(status, _)| status).ok() != Some(200) {
            assert!(begun.elapsed() < within, "not ready within {within:?}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Its process.
    pub(crate) fn id(&self) -> rustix::process::Pid {
        rustix::process::Pid::from_child(&self.child)
    }

    /// Ends it at once, without any chance to tidy up.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to stop; gives exit code, the rest of standard output, standard error, and how long it took.
    pub(crate) fn terminate(mut self) -> (Option<i32>, String, String, Duration) {
        let begun = Instant::now();
        ask_to_stop(&self.child);
        let code = self.child.wait().unwrap().code();
        let taken = begun.elapsed();
        let (mut out, mut err) = (String::new(), String::new());
        self.stdout.read_to_string(&mut out).unwrap();
        self.child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
        (code, out, err, taken)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends SIGTERM.
pub(crate) fn ask_to_stop(child: &Child) {
    let pid = rustix::process::Pid::from_child(child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
}

/// One request on a connection of its own.
pub(crate) fn call(
    address: SocketAddr,
    method: &str,
    path: &str,
    token: &str,
    body: Option<&Value>,
) -> std::io::Result<(u16, Value)> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    let body = body.map(Value::to_string).unwrap_or_default();
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n");
    if !token.is_empty() {
        head.push_str(&format!("Authorization: Bearer {token}\r\n"));
    }
    if !body.is_empty() {
        head.push_str(&format!("Content-Type: application/scim+json\r\nContent-Length: {}\r\n", body.len()));
    }
    stream.write_all(format!("{head}\r\n{body}").as_bytes())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let broken = || std::io::Error::from(std::io::ErrorKind::UnexpectedEof);
    let answer = String::from_utf8(answer).map_err(|_| broken())?;
    let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(broken)?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or_else(broken)?;
    let body = if head.to_ascii_lowercase().contains("transfer-encoding: chunked") {
        unchunked(body)
    } else {
        body.to_owned()
    };
    let value = if body.is_empty() { Value::Null } else { serde_json::from_str(&body).map_err(|_| broken())? };
    Ok((status, value))
}

fn unchunked(mut rest: &str) -> String {
    let mut body = String::new();
    while let Some((size, tail)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).unwrap_or(0);
        if size == 0 || tail.len() < size + 2 {
            break;
        }
        body.push_str(&tail[..size]);
        rest = &tail[size + 2..];
    }
    body
}

/// The body of a User.
pub(crate) fn user(name: &str) -> Value {
    serde_json::json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": name,
        "emails": [{"value": format!("{name}@corp.example"), "primary": true}],
    })
}

/// The body of a PATCH.
pub(crate) fn patch(operations: Value) -> Value {
    serde_json::json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations})
}

/// A text of a JSON value.
pub(crate) fn string(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or_else(|| panic!("no {key} in {value}")).to_owned()
}

/// An integration without a rate limit, and its token.
pub(crate) fn connect(home: &Home, name: &str) -> String {
    string(&json(home, &format!("integration create {name} --rate-limit off")), "token")
}
