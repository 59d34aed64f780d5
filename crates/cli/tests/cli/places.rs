//! Stores that cannot be used as they are named: one clear line, exit 1, nothing changed, no password shown.

use crate::schema::Schema;
use crate::support::{Home, binary, text};
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

/// What every URL here has for a password.
const PASSWORD: &str = "hush-hush";

/// Where a store is named: by a flag, or by a variable.
enum Named<'a> {
    Flag(&'a str, &'a str),
    Variable(&'a str, &'a str),
}

/// Runs commands that must fail, in an empty folder that stays empty, and gives the line they print.
fn refused(named: &Named<'_>, limit: Duration) -> String {
    let dir = tempfile::tempdir().unwrap();
    let mut said = String::new();
    for line in ["integration list --json", "serve --listen 127.0.0.1:0", "migrate"] {
        said = refused_line(named, line, dir.path(), limit);
    }
    said
}

fn refused_line(named: &Named<'_>, line: &str, dir: &Path, limit: Duration) -> String {
    let mut command = binary();
    command.args(line.split(' ')).current_dir(dir);
    match named {
        Named::Flag(flag, value) => command.args([flag, value]),
        Named::Variable(name, value) => command.env(name, value),
    };
    let begun = Instant::now();
    let output = command.output().unwrap();
    let taken = begun.elapsed();
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{line}: {said}");
    assert_eq!(said.lines().count(), 1, "{line}: {said}");
    assert!(said.starts_with("error: ") && output.stdout.is_empty(), "{line}: {said}");
    assert!(!said.contains(PASSWORD), "{line}: {said}");
    assert!(taken < limit, "{line}: {taken:?}: {said}");
    assert_eq!(dir.read_dir().unwrap().count(), 0, "{line}: {said}");
    said
}

fn check(named: &Named<'_>, expect: &str) {
    let said = refused(named, Duration::from_secs(3));
    assert!(said.contains(expect), "{expect}: {said}");
}

fn flag(url: &str) -> Named<'_> {
    Named::Flag("--database-url", url)
}

#[test]
fn what_is_no_url() {
    check(&flag("./data"), "--database-url must begin with postgres://; for a folder use --data DIR");
    check(&flag("data"), "--data DIR");
    check(&flag("sqlite:data"), "--data DIR");
    check(&flag("mysql://bailiwick:hush-hush@127.0.0.1/bailiwick"), "must begin with postgres://");
    check(&flag("host=127.0.0.1 password=hush-hush"), "must begin with postgres://");
    check(&flag("postgres://bailiwick:hush-hush@127.0.0.1:port/x"), "--database-url ");
    check(&flag("postgres://bailiwick:hush-hush@127.0.0.1/x?nonsense=1"), "nonsense");
    check(&Named::Variable("BAILIWICK_DATABASE_URL", "./data"), "BAILIWICK_DATABASE_URL must begin with postgres://");
    check(&Named::Variable("BAILIWICK_DATA", "postgres://a:hush-hush@b/c"), "BAILIWICK_DATABASE_URL");
    check(&Named::Flag("--data", "postgres://a:hush-hush@b/c"), "--database-url");
    check(&Named::Flag("--data", "sqlite:data"), "--data takes the path of a folder");
}

#[test]
fn where_nobody_answers() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = listener.local_addr().unwrap();
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = |host: &str| format!("postgres://bailiwick:{PASSWORD}@{host}/bailiwick");
    check(&flag(&url(&closed.to_string())), &closed.to_string());
    check(&Named::Variable("BAILIWICK_DATABASE_URL", &url(&closed.to_string())), "refuses connections");
    // One that takes connections and says nothing is given five seconds.
    let limit = Duration::from_secs(6);
    assert!(refused(&flag(&url(&silent.to_string())), limit).contains("does not answer"));
    refused(&flag(&url("192.0.2.1")), limit);
    refused(&flag(&url("host.invalid")), limit);
    assert!(refused(&flag("postgres://bailiwick@%2Fnowhere/bailiwick"), limit).contains("/nowhere"));
}

#[test]
fn what_two_places_say() {
    let dir = tempfile::tempdir().unwrap();
    let mut command = binary();
    command.args(["integration", "list"]).current_dir(dir.path());
    command.env("BAILIWICK_DATA", "here").env("BAILIWICK_DATABASE_URL", "postgres://a:hush-hush@b/c");
    let output = command.output().unwrap();
    assert_eq!((output.status.code(), dir.path().read_dir().unwrap().count()), (Some(1), 0));
    assert!(text(&output.stderr).contains("unset one"));
    let flag = command.args(["--data", "there"]).output().unwrap();
    assert!(flag.status.success() && dir.path().join("there").is_dir());
}

/// What a server of PostgreSQL has against a store.
#[test]
fn a_database_that_will_not_do() {
    let Some(admin) = Schema::database() else { return };
    let schema = Schema::of_environment().unwrap();
    let role = format!("{}_role", schema.name());
    schema.execute(&format!("CREATE ROLE {role} LOGIN PASSWORD '{PASSWORD}'"));
    let by = |user: &str, database: &str| {
        let (_, rest) = admin.split_once("://").unwrap();
        let (authority, _) = rest.split_once('/').unwrap_or((rest, ""));
        let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        format!("postgres://{user}:{PASSWORD}@{host}/{database}?options=-csearch_path%3D{}", schema.name())
    };
    let database = admin.split('?').next().unwrap().rsplit('/').next().unwrap();
    check(&flag(&by("postgres", "no_such_database")), "no_such_database");
    check(&flag(&by("no_such_role", database)), "no_such_role");
    check(&flag(&by(&role, database)), &role);
    schema.execute(&format!("GRANT USAGE ON SCHEMA {} TO {role}", schema.name()));
    check(&flag(&by(&role, database)), "GRANT CREATE");
    schema.execute("CREATE TABLE foreign_one (x bigint)");
    check(&flag(&schema.url()), "did not make");
    schema.execute("DROP TABLE foreign_one");
    let tables = schema.rows("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()");
    assert!(tables.is_empty(), "{tables:?}");
    let home = Home::Schema(schema);
    crate::support::json(&home, "integration create okta");
    home.sql("INSERT INTO migration (number, name, checksum, oldest, applied) VALUES (999, 'x', 'x', '99.0.0', 1)");
    check(&flag(&home.flags()[1].to_string_lossy()), "bailiwick 99.0.0 or newer");
    home.sql(&format!("REVOKE ALL ON SCHEMA {} FROM {role}; DROP ROLE {role}", schema_name(&home)));
}

fn schema_name(home: &Home) -> &str {
    match home {
        Home::Schema(schema) => schema.name(),
        _ => panic!("no schema"),
    }
}

/// A server that is none: it answers the password, and what a client says after that, with these messages.
fn doorkeeper(answers: Vec<Vec<u8>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            // A client that goes away early is no concern of this thread.
            let _ = stream.and_then(|stream| turn_away(stream, &answers));
        }
    });
    format!("postgres://bailiwick:{PASSWORD}@{address}/bailiwick")
}

fn turn_away(mut stream: TcpStream, answers: &[Vec<u8>]) -> std::io::Result<()> {
    let message = |stream: &mut TcpStream| -> std::io::Result<Vec<u8>> {
        let mut length = [0; 4];
        stream.read_exact(&mut length)?;
        let mut rest = vec![0; usize::try_from(u32::from_be_bytes(length)).unwrap() - 4];
        stream.read_exact(&mut rest)?;
        Ok(rest)
    };
    // The wish for TLS comes before the name of the user.
    if message(&mut stream)? == 80_877_103_u32.to_be_bytes() {
        stream.write_all(b"N")?;
        message(&mut stream)?;
    }
    // A password in the clear, please.
    stream.write_all(&[b'R', 0, 0, 0, 8, 0, 0, 0, 3])?;
    for answer in answers {
        stream.read_exact(&mut [0])?;
        message(&mut stream)?;
        stream.write_all(answer)?;
    }
    std::io::copy(&mut stream, &mut std::io::sink()).map(drop)
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).unwrap().to_be_bytes();
    [&[kind], &length[..], body].concat()
}

#[test]
fn who_is_not_let_in() {
    let wrong = format!("SFATAL\0VFATAL\0C28P01\0Mpassword {PASSWORD} authentication failed\0\0");
    let wrong = message(b'E', wrong.as_bytes());
    check(&flag(&doorkeeper(vec![wrong])), "refuses the password of user bailiwick");
    let ready = message(b'Z', b"I");
    let old =
        [message(b'R', &[0; 4]), message(b'S', b"server_version\x0013.4\0"), message(b'K', &[0; 8]), ready.clone()];
    // Clients ask whether it takes writes.
    let column = [&[0, 1][..], b"x\0", &[0; 6], &[0, 0, 0, 25], &[255; 6], &[0; 2]].concat();
    let row = [&[0, 1, 0, 0, 0, 3][..], b"off"].concat();
    let writes = [message(b'T', &column), message(b'D', &row), message(b'C', b"SHOW\0"), ready];
    check(&flag(&doorkeeper(vec![old.concat(), writes.concat()])), "PostgreSQL 15 or newer is needed");
}
