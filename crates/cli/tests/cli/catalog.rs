//! Teams, entities and ownership on the command line.

use crate::support::{Home, Server, binary, connect, fails, json, said, string, text, user};
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
    let folder = tempfile::tempdir().unwrap();
    let patch = folder.path().join("patch.json");
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

#[test]
fn tiers_and_lifecycles_are_ordered_lists() {
    let home = Home::new();
    assert!(said(&home, "tier list").contains("entities may say any"));
    assert_eq!(json(&home, "tier set gold --name Gold")["index"], 1);
    assert_eq!(json(&home, "tier set bronze")["index"], 2);
    said(&home, "tier set platinum --index 0 --description first");
    let order: Vec<String> =
        json(&home, "tier list").as_array().unwrap().iter().map(|one| string(one, "alias")).collect();
    assert_eq!(order, ["platinum", "gold", "bronze"]);
    // What is not named stays.
    let moved = json(&home, "tier set gold --index 9");
    assert_eq!((&moved["name"], &moved["index"]), (&value!("Gold"), &value!(9)));
    assert_eq!(json(&home, "tier set platinum --description none")["description"], value!(null));
    assert!(fails(&home, "entity create component cart --tier silver", 1).contains("platinum, bronze, gold"));
    said(&home, "entity create component cart --tier gold");
    said(&home, "tier delete gold");
    assert!(fails(&home, "tier show gold", 1).contains("There is no tier"));
    assert_eq!(json(&home, "entity show cart")["tier"], "gold");
    fails(&home, "tier set Gold!", 1);
    fails(&home, "tier set gold --index first", 2);
    // The two lists have nothing to do with each other.
    assert_eq!(json(&home, "lifecycle list"), value!([]));
    assert!(said(&home, "lifecycle set beta").contains("beta"));
    fails(&home, "lifecycle delete gold", 1);
}

#[test]
fn properties_are_defined_by_json_schema() {
    let (home, folder) = (Home::new(), tempfile::tempdir().unwrap());
    let schema = folder.path().join("port.json");
    std::fs::write(&schema, r#"{"type": "integer", "minimum": 1, "maximum": 65535}"#).unwrap();
    let set = format!("property set port --schema {} --title Port --kind component", schema.display());
    assert_eq!(json(&home, &set)["kinds"], value!(["component"]));
    said(&home, "property set port --locked");
    let shown = json(&home, "property show port");
    assert_eq!(
        (&shown["title"], &shown["locked"], &shown["schema"]["maximum"]),
        (&value!("Port"), &value!(true), &value!(65535))
    );
    assert!(said(&home, "property list").contains("integer"));
    said(&home, "entity create component cart --property port=8080");
    assert!(said(&home, "entity show cart").contains("property     port = 8080"));
    assert!(fails(&home, "entity set cart --property port=0", 1).contains("/properties/port"));
    fails(&home, "entity create system shop --property port=1", 1);
    assert_eq!(json(&home, "property set port --locked=false --kind all --schema none")["kinds"], value!([]));
    std::fs::write(&schema, r#"{"type": "number of a port"}"#).unwrap();
    assert!(fails(&home, &set, 1).contains("/schema"));
    fails(&home, "property set port --schema /nowhere.json", 1);
    said(&home, "property delete port");
    fails(&home, "property show port", 1);
}

#[test]
fn links_tools_contacts_and_dependencies_are_typed() {
    let home = Home::new();
    said(&home, "entity create component prices");
    said(&home, "entity create api cart-api");
    let line = "entity create component cart --tag a=b --link Runbook=https://wiki.example/?p=1 \
        --link https://x.example/?a=b --tool Logs=https://logs.example --contact slack=#cart \
        --depends-on prices=asks-for-prices --depends-on resource:db --provides cart-api \
        --annotation example.com/a=b --label team=shop";
    let made = json(&home, line);
    assert_eq!(
        made["links"],
        value!([{"url": "https://wiki.example/?p=1", "title": "Runbook"}, {"url": "https://x.example/?a=b"}])
    );
    assert_eq!(made["tools"], value!([{"name": "Logs", "url": "https://logs.example"}]));
    assert_eq!(made["contacts"], value!([{"type": "slack", "address": "#cart"}]));
    let needs = value!([
        {"relation": "dependsOn", "target": "component:default/prices", "note": "asks-for-prices"},
        {"relation": "dependsOn", "target": "resource:default/db"},
        {"relation": "providesApi", "target": "api:default/cart-api"},
    ]);
    assert_eq!(made["dependencies"], needs);
    let sheet = said(&home, "entity show cart");
    for part in
        ["Runbook: https://wiki", "Logs https://logs", "slack #cart", "dependsOn resource:default/db (not there)"]
    {
        assert!(sheet.contains(part), "{part}: {sheet}");
    }
    // Every flag replaces what it names and nothing else.
    let changed = json(&home, "entity set cart --depends-on none --tool none --annotation c=d --label team=none");
    assert_eq!(changed["dependencies"], value!([{"relation": "providesApi", "target": "api:default/cart-api"}]));
    assert_eq!((&changed["tools"], &changed["links"]), (&value!(null), &made["links"]));
    assert_eq!(changed["annotations"], value!({"example.com/a": "b", "c": "d"}));
    assert_eq!(changed["labels"], value!(null));
    fails(&home, "entity set cart --tool Logs", 2);
    fails(&home, "entity set cart --contact slack", 2);
    fails(&home, "entity set cart --annotation c", 2);
    assert!(fails(&home, "entity set cart --link javascript:alert(1)", 1).contains("/links/0/url"));
    assert_eq!(json(&home, "entity create component cart --namespace two")["namespace"], "two");
}

#[test]
fn lists_are_narrowed_and_teams_have_a_history() {
    let home = Home::new();
    said(&home, "team create shop --responsibilities everything");
    said(&home, "team create pay --parent shop");
    said(&home, "team set pay --title Payments");
    let below = json(&home, "team list --parent shop");
    assert_eq!((below.as_array().unwrap().len(), &below[0]["name"]), (1, &value!("pay")));
    let history = said(&home, "team history pay");
    assert!(history.contains("/title: nothing -> \"Payments\"") && history.contains("team:create"), "{history}");
    assert_eq!(json(&home, "team history pay --limit 1").as_array().unwrap().len(), 1);
    said(&home, "entity create system checkout");
    said(&home, "entity create component cart --system checkout");
    said(&home, "entity create component other");
    let parts = json(&home, "entity list --part-of checkout");
    assert_eq!((parts.as_array().unwrap().len(), &parts[0]["name"]), (1, &value!("cart")));
    assert_eq!(json(&home, "ownership --kind system")["items"], 1);
    fails(&home, "entity list --part-of nothing", 1);
}

#[test]
fn groups_are_found_by_name_where_it_is_clear() {
    let home = Home::new();
    said(&home, "team create pay");
    let server = Server::start(&home);
    let group = value!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "Pay \"all\""});
    let (okta, entra) = (connect(&home, "okta"), connect(&home, "entra"));
    assert_eq!(server.call("POST", "/scim/v2/Groups", &okta, Some(&group)).0, 201);
    let feed =
        |command: &str| binary().args(["team", command, "pay", "pay \"ALL\""]).args(home.flags()).output().unwrap();
    assert!(feed("feed").status.success());
    assert_eq!(json(&home, "team show pay")["feeds"][0]["display"], "Pay \"all\"");
    // A second of that name: only the id tells them apart.
    let (status, other) = server.call("POST", "/scim/v2/Groups", &entra, Some(&group));
    assert_eq!(status, 201);
    let refused = text(&feed("unfeed").stderr);
    assert!(refused.contains("more than one group") && refused.contains("(entra)"), "{refused}");
    fails(&home, &format!("team unfeed pay {}", string(&other, "id")), 1);
}

#[test]
fn persons_are_made_changed_and_switched_by_hand() {
    let home = Home::new();
    let made = json(&home, "person create Grace --email grace@corp.example");
    assert!(said(&home, "person show grace@corp.example").contains("No User of any integration"));
    assert!(fails(&home, "person create Other --email GRACE@corp.example", 1).contains("has this address already"));
    let folder = tempfile::tempdir().unwrap();
    let schema = folder.path().join("badge.json");
    std::fs::write(&schema, r#"{"type": "integer"}"#).unwrap();
    said(&home, &format!("property set badge --schema {} --kind person", schema.display()));
    for (field, reason) in
        [("property:badge=seven", "/properties/badge"), ("property:size=7", "no property of this name")]
    {
        let refused = fails(&home, &format!("person set grace@corp.example --field {field}"), 1);
        assert!(refused.contains(reason), "{refused}");
    }
    said(&home, "person set grace@corp.example --display Hopper --field title=Admiral --field property:badge=7");
    let shown = json(&home, "person show grace@corp.example");
    assert_eq!((&shown["id"], &shown["display"], &shown["locked"]), (&made["id"], &value!("Hopper"), &value!(null)));
    let field = |name: &str| {
        let fields = shown["fields"].as_array().unwrap();
        fields.iter().find(|field| field["name"] == name).map(|field| field["value"].clone()).unwrap()
    };
    assert_eq!((field("title"), field("property:badge")), (value!("Admiral"), value!(7)));
    assert!(said(&home, "person show grace@corp.example").contains("Admiral (hand host)"));
    fails(&home, "person set grace@corp.example", 2);
    fails(&home, "person set grace@corp.example --field rank=1", 1);
    assert_eq!(json(&home, "person deactivate grace@corp.example")["state"], "inactive");
    assert_eq!(json(&home, "person list --state inactive").as_array().unwrap().len(), 1);
    assert_eq!(json(&home, "person activate grace@corp.example")["state"], "active");
    assert!(fails(&home, "person list --filter nonsense", 1).contains("filter"));
    let history = json(&home, "person history grace@corp.example");
    let kinds: Vec<String> = history.as_array().unwrap().iter().map(|event| string(event, "kind")).collect();
    let told = ["return", "activate", "leave", "deactivate", "set", "create"].map(|what| format!("person:{what}"));
    assert_eq!(kinds, told);
    // Whom a directory provisions is changed there.
    let (server, token) = (Server::start(&home), connect(&home, "okta"));
    assert_eq!(server.call("POST", "/scim/v2/Users", &token, Some(&user("bob"))).0, 201);
    for line in ["person set bob --display Robert", "person deactivate bob"] {
        assert!(fails(&home, line, 1).contains("okta"), "{line}");
    }
    assert!(said(&home, "person show bob").contains("locked"));
}
