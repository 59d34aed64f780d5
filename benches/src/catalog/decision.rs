//! A permission decision, in memory.

use bailiwick_domain::policy::{Action, HeldRole, Named, Object, Principal, PrincipalKind, builtin, decide, permits};
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Decisions of one round.
const ROUNDS: u32 = 1_000_000;
const ACTIONS: [Action; 4] = [Action::CatalogEdit, Action::TeamEdit, Action::CatalogRead, Action::RoleManage];

/// Time of one decision of a member of so many teams: a plain yes or no, and one with its reasons.
pub(crate) fn measure(teams: i64) -> Result<(Duration, Duration), String> {
    let held = |name: &str| {
        let role = builtin(name).ok_or_else(|| format!("there is no role {name}"))?;
        Ok::<_, String>(HeldRole { role: Arc::new(role), origin: "by the rule everybody".to_owned() })
    };
    let roles = vec![held("team-member")?, held("viewer")?];
    let mut principal = Principal::new("pat_bench", PrincipalKind::Person).with_roles(roles);
    principal.teams = (0..teams).collect();
    let object = |number: u32| {
        let number = i64::from(number);
        Object::Item {
            seq: number,
            kind: "component",
            owner: Some(Named::Team(number % (teams * 2))),
            owner_person: None,
            document: None,
        }
    };
    let action = |number: u32| ACTIONS[number as usize % ACTIONS.len()];
    let begin = Instant::now();
    for number in 0..ROUNDS {
        black_box(permits(black_box(&principal), action(number), &object(number)));
    }
    let plain = begin.elapsed() / ROUNDS;
    let begin = Instant::now();
    for number in 0..ROUNDS {
        black_box(decide(black_box(&principal), action(number), &object(number)));
    }
    Ok((plain, begin.elapsed() / ROUNDS))
}
