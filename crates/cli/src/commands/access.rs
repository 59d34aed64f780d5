//! `access`: who has what and through what, now and at a past moment.

use crate::args::AccessArgs;
use crate::out::{self, Done};
use bailiwick_app::App;
use bailiwick_app::access::Principal;
use bailiwick_app::catalog::find_person;
use bailiwick_app::mapping::{self, AccessLine, Explained, Ownership};
use bailiwick_domain::mapping::GrantKind;
use serde_json::{Value, json};
use std::io::Write as _;

/// Lines read at once.
const PAGE: u32 = 1_000;

pub(super) async fn run(app: &App, args: AccessArgs) -> Done {
    let at = args.at.map(|at| at.moment(app.clock().now()));
    let person = match &args.person {
        Some(person) => Some(find_person(app, person).await?.id),
        None => None,
    };
    let wanted = |line: &AccessLine| {
        let of_person = person.as_ref().is_none_or(|person| *person == line.person);
        let in_team = |team: &String| line.kind == GrantKind::Team && [&line.object, &line.object_name].contains(&team);
        of_person && args.team.as_ref().is_none_or(in_team)
    };
    if args.csv {
        print(mapping::CSV_HEAD)?;
    }
    let (mut after, mut kept) = (0, Vec::new());
    loop {
        let page = mapping::access(app, &Principal::host(), at, after, PAGE).await?;
        let last = page.last().map(|line| line.seq);
        let more = page.len() == PAGE as usize;
        let lines: Vec<AccessLine> = page.into_iter().filter(wanted).collect();
        if args.csv {
            print(&mapping::access_csv(&lines))?;
        } else {
            kept.extend(lines);
        }
        match last.filter(|_| more) {
            Some(last) => after = last,
            None => break,
        }
    }
    // What one person owns is shown, too. Of everybody it would be the whole catalog, once for each.
    let explained = match person.as_ref().filter(|_| args.team.is_none()) {
        Some(person) => Some(mapping::explain(app, &Principal::host(), person, at).await?),
        None => None,
    };
    if let Some(explained) = &explained {
        tell_gaps(explained);
    }
    let owns = explained.as_ref().map_or(&[][..], |explained| &explained.owns);
    if args.csv {
        return explained.as_ref().map_or(Ok(()), |explained| print(&mapping::owned_csv(explained)));
    }
    if args.json.json {
        let owned = explained.iter().flat_map(|explained| owns.iter().map(|item| shown_owned(explained, item)));
        return out::json(&kept.iter().map(shown).chain(owned).collect());
    }
    if kept.is_empty() && owns.is_empty() {
        return out::line("Nobody has anything of that.");
    }
    let cells = kept.iter().map(|line| {
        let (kind, value) = (line.kind.as_str().to_owned(), line.value.clone());
        vec![line.name.clone(), kind, line.object_name.clone(), value, out::moment(line.from), line.way.clone()]
    });
    let owned = explained.iter().flat_map(|explained| {
        owns.iter().map(|item| {
            let (name, title, kind) = (explained.name.clone(), item.title.clone(), item.kind.clone());
            vec![name, "entity".to_owned(), title, kind, String::new(), item.through.clone()]
        })
    });
    let cells = cells.chain(owned);
    out::lines(&out::table(&["NAME", "KIND", "OBJECT", "VALUE", "SINCE", "WAY"], &cells.collect::<Vec<_>>()))
}

/// Says on standard error what is not among the lines.
fn tell_gaps(explained: &Explained) {
    for gap in &explained.owns_gaps {
        out::aside(gap);
    }
    let shown = explained.owns.len() as u64;
    if explained.owns_total > shown {
        out::aside(&format!("Of {} entities owned the first {shown} are shown.", explained.owns_total));
    }
}

/// CSV goes out as it is: it is a file, not a terminal's text.
fn print(text: &str) -> Done {
    std::io::stdout().lock().write_all(text.as_bytes())?;
    Ok(())
}

fn shown(line: &AccessLine) -> Value {
    json!({
        "person": line.person, "name": line.name, "email": line.email, "kind": line.kind, "object": line.object,
        "object_name": line.object_name, "value": line.value, "origin": line.origin, "way": line.way,
        "from": line.from.to_string(), "until": out::instant(line.until),
    })
}

fn shown_owned(explained: &Explained, item: &Ownership) -> Value {
    json!({
        "person": explained.person, "name": explained.name, "email": explained.email, "kind": "entity",
        "object": item.id, "object_name": item.title, "value": item.kind, "origin": null, "way": item.through,
        "from": null, "until": null,
    })
}
