//! Teams, entities and ownership on the command line.

use crate::support::{Home, connect, fails, json, said, string};
use serde_json::json as value;

#[test]
fn teams_are_made_changed_shown_and_deleted() {
    let home = Home::new();
    let made = json(&home, "team create payments --title Payments --tag core --tag floor=3 --alias money");
    assert_eq!(made["tags"], value!([{"value": "core"}, {"key": "floor", "value": "3"}]));
    assert!(said(&home, "team create billing --parent payments").contains("Team billing is made: team_"));
    assert!(fails(&home, "team create Payments", 1).contains("has this name or alias"));
    assert!(fails(&home, "team create x --parent nowhere", 1).contains("/parent: there is no team"));
    let changed = json(&home, "team set money --name treasury --title none --alias cash");
    assert_eq!((&changed["id"], &changed["title"]), (&made["id"], &value!(null)));
    assert_eq!(changed["aliases"], value!(["money", "cash"]));
    let shown = json(&home, "team show payments");
    assert_eq!((string(&shown, "name"), &shown["members"]), ("treasury".to_owned(), &value!([])));
    let sheet = said(&home, "team show cash");
    assert!(sheet.contains("also called  cash, money, payments") && sheet.contains("No members."), "{sheet}");
    assert!(said(&home, "team list").contains("billing"));
    assert_eq!(json(&home, "team list --search treas").as_array().unwrap().len(), 1);
    assert!(fails(&home, "team list --filter nonsense", 1).contains("filter"));
    assert!(fails(&home, "team delete billing", 1).contains("--yes"));
    json(&home, "team delete billing --yes");
    assert!(fails(&home, "team show billing", 1).contains("There is no team"));
}

#[test]
fn members_come_and_go_by_hand() {
    let home = Home::new();
    said(&home, "admin create ada --generate");
    said(&home, "team create pay");
    assert!(said(&home, "team member add pay ada --role manager").contains("ada is a member of pay"));
    let shown = json(&home, "team show pay");
    assert_eq!(
        (&shown["members"][0]["role"], &shown["members"][0]["origins"][0]["origin"]),
        (&value!("manager"), &value!("hand"))
    );
    assert!(said(&home, "team show pay").contains("manager"));
    assert_eq!(json(&home, "team member remove pay ada")["member"], false);
    fails(&home, "team member remove pay ada", 1);
    fails(&home, "team member add pay nobody", 1);
    connect(&home, "okta");
    assert_eq!(json(&home, "team adopt --integration okta"), value!([]));
    fails(&home, "team adopt --integration none", 1);
    fails(&home, "team feed pay nothing", 1);
}

#[test]
fn entities_and_who_answers_for_them() {
    let home = Home::new();
    said(&home, "team create pay");
    json(&home, "entity create system shop --owner pay");
    let made = json(&home, "entity create component cart --system shop --type service --tier gold");
    assert_eq!(
        (&made["effective_owner"]["title"], &made["effective_owner"]["through"]),
        (&value!("pay"), &value!("system:default/shop"))
    );
    json(&home, "entity create component lonely");
    let patch = home.dir().join("patch.json");
    std::fs::write(&patch, r#"{"dependencies": [{"target": "lonely", "note": "why"}]}"#).unwrap();
    said(&home, &format!("entity set cart --document {} --lifecycle production", patch.display()));
    let sheet = said(&home, "entity show cart");
    assert!(sheet.contains("owner        pay, through system:default/shop"), "{sheet}");
    assert!(sheet.contains("dependsOn component:default/lonely: why"), "{sheet}");
    assert!(said(&home, "entity show lonely").contains("component:default/cart dependsOn this: why"));
    let history = said(&home, "entity history cart");
    assert!(history.contains("/lifecycle: nothing -> \"production\""), "{history}");
    assert_eq!(json(&home, "entity history cart --limit 1").as_array().unwrap().len(), 1);
    assert_eq!(json(&home, "entity list --kind system").as_array().unwrap().len(), 1);
    let health = json(&home, "ownership");
    assert_eq!((&health["states"]["unowned"], &health["states"]["team-empty"]), (&value!(1), &value!(1)));
    let unowned = said(&home, "ownership --state unowned");
    assert!(unowned.contains("component:default/lonely") && !unowned.contains("team:default/pay  "), "{unowned}");
    for (line, code) in [
        ("ownership --state sad", 2),
        ("entity create team x", 1),
        ("entity create component a/b", 1),
        ("entity create component x --owner nobody", 1),
        ("entity create component x --property port", 2),
        ("entity create component x --property port=1", 1),
        ("entity set nothing --title x", 1),
        ("entity set cart --document /nowhere.json", 1),
        ("entity delete cart", 1),
    ] {
        fails(&home, line, code);
    }
    said(&home, "entity delete cart --yes");
    assert_eq!(json(&home, "entity list").as_array().unwrap().len(), 2);
}
