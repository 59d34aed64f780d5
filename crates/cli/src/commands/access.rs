//! `access`: who has what and through what, now and at a past moment.

use crate::args::AccessArgs;
use crate::out::{self, Done};
use bailiwick_app::App;
use bailiwick_app::access::Principal;
use bailiwick_app::catalog::find_person;
use bailiwick_app::mapping::{self, AccessLine, Listing, Place};
use bailiwick_domain::mapping::GrantKind;
use bailiwick_domain::person::State;
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
    let mut listing = Listing::of(app, &Principal::host(), person.as_deref(), at).await?;
    let team = args.team.as_ref();
    let wanted = |line: &AccessLine| {
        let team_line = line.kind == GrantKind::Team.as_str();
        team.is_none_or(|team| team_line && [&line.object, &line.object_name].contains(&team))
    };
    if args.csv {
        print(mapping::CSV_HEAD)?;
    }
    let (mut place, mut kept) = (Place::default(), Vec::new());
    loop {
        let page = match (team, place) {
            // Who is asked for the members of a team is not told what they own.
            (Some(_), Place::Given(after)) => listing.given(after, PAGE).await?,
            _ => listing.page(place, PAGE).await?,
        };
        let last = page.last().map(|line| line.place).filter(|_| page.len() == PAGE as usize);
        page.iter().filter(|line| line.kind == mapping::GAP).for_each(|gap| out::aside(&gap.way));
        let lines: Vec<AccessLine> = page.into_iter().filter(wanted).collect();
        if args.csv {
            print(&mapping::access_csv(&lines))?;
        } else {
            kept.extend(lines);
        }
        match last {
            Some(last) => place = last,
            None => break,
        }
    }
    if args.csv {
        return Ok(());
    }
    if args.json.json {
        return out::json(&kept.iter().map(shown).collect());
    }
    kept.retain(|line| line.kind != mapping::GAP);
    if kept.is_empty() {
        return out::line("Nobody has anything of that.");
    }
    let cells = kept.iter().map(|line| {
        let (kind, value, state) = (line.kind.to_owned(), line.value.clone(), line.state.map_or("", State::as_str));
        let (object, from) = (line.object_name.clone(), line.from.map(out::moment).unwrap_or_default());
        vec![line.name.clone(), state.to_owned(), kind, object, value, from, line.way.clone()]
    });
    let head = &["NAME", "STATE", "KIND", "OBJECT", "VALUE", "SINCE", "WAY"];
    out::lines(&out::table(head, &cells.collect::<Vec<_>>()))
}

/// CSV goes out as it is: it is a file, not a terminal's text.
fn print(text: &str) -> Done {
    std::io::stdout().lock().write_all(text.as_bytes())?;
    Ok(())
}

fn shown(line: &AccessLine) -> Value {
    let origin = Some(&line.origin).filter(|origin| !origin.is_empty());
    json!({
        "person": line.person, "name": line.name, "email": line.email, "kind": line.kind, "object": line.object,
        "object_name": line.object_name, "value": line.value, "origin": origin, "way": line.way,
        "from": out::instant(line.from), "until": out::instant(line.until), "state": line.state.map(State::as_str),
    })
}
