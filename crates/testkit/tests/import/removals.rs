//! What a file does not say any more: taken away only if that leaves no team without anybody, or if it is meant.

use super::*;

#[tokio::test]
async fn a_file_never_empties_a_team_by_itself_and_whom_no_file_names_any_more_is_closed() {
    let test = TestApp::start().await;
    let people = [user("ann"), user("bob"), user("chi")].concat();
    let with = |members: &str| format!("{people}{}", team("payments", members));
    import(&test, "org", &[("catalog-info.yaml", &with("ann, user:default/bob"))], PLAIN).await;
    assert_eq!(members(&test, "team:payments").await, ["ann contributor", "bob contributor"]);
    let done = import(&test, "org", &[("catalog-info.yaml", &with("ann"))], PLAIN).await;
    assert_eq!(members(&test, "team:payments").await, ["ann contributor"], "{:#?}", done.files);
    let done = import(&test, "org", &[("catalog-info.yaml", &with(""))], PLAIN).await;
    assert!(done.removals.left[0].contains("team:default/payments: it would have none"), "{:?}", done.removals);
    assert_eq!(members(&test, "team:payments").await, ["ann contributor"]);
    // The team itself stays while it has members, and so do they.
    let fewer = [user("bob"), user("chi")].concat();
    let done = import(&test, "org", &[("catalog-info.yaml", &fewer)], PLAIN).await;
    assert!(done.removals.removed.is_empty(), "{:?}", done.removals);
    assert_eq!(members(&test, "team:payments").await, ["ann contributor"]);
    let done = import(&test, "org", &[("catalog-info.yaml", &fewer)], ACCEPT).await;
    assert_eq!(done.removals.removed, ["team:default/payments", "person user:default/ann"]);
    let ann = persons(&test).await.into_iter().find(|person| person.display == "ann").unwrap();
    assert_eq!((ann.state, ann.user_name), (State::Closed, None));
    let all = persons(&test).await;
    assert_eq!(all.iter().filter(|person| person.state == State::Active).count(), 2);
}

#[tokio::test]
async fn what_a_file_takes_away_is_asked_for_like_an_edit() {
    let test = TestApp::start().await;
    let file = |people: &[&str], members: &str| {
        let people: String = people.iter().map(|name| user(name)).collect();
        format!("{people}{}", team("payments", members))
    };
    let before = file(&["ann", "bob", "chi"], "ann, bob");
    import(&test, "org", &[("catalog-info.yaml", &before)], PLAIN).await;
    let active = async || {
        let all = persons(&test).await;
        all.iter().filter(|person| person.state == State::Active).count()
    };
    let after = file(&["ann", "bob"], "ann");
    for more in [&[][..], &["person.edit"], &["team.edit"]] {
        let report = import_by(&test, &importer(more), "org", &[("catalog-info.yaml", &after)], ACCEPT).await;
        assert_eq!(members(&test, "team:payments").await, ["ann contributor", "bob contributor"], "{more:?}");
        let closes = more.contains(&"person.edit");
        assert_eq!(active().await, if closes { 2 } else { 3 }, "{more:?}: {:?}", report.removals);
        import(&test, "org", &[("catalog-info.yaml", &before)], PLAIN).await;
    }
    let both = importer(&["person.edit", "team.edit"]);
    import_by(&test, &both, "org", &[("catalog-info.yaml", &after)], ACCEPT).await;
    assert_eq!((members(&test, "team:payments").await.len(), active().await), (1, 2));
}

#[tokio::test]
async fn who_is_switched_off_does_not_keep_a_team_from_being_empty() {
    let test = TestApp::start().await;
    let file = |members: &str| format!("{}{}{}", user("ann"), user("bob"), team("payments", members));
    import(&test, "org", &[("catalog-info.yaml", &file("ann, bob"))], PLAIN).await;
    let ann = persons(&test).await.into_iter().find(|person| person.display == "ann").unwrap();
    access::deactivate_person(test.app(), &Principal::host(), &ann.id).await.unwrap();
    let done = import(&test, "org", &[("catalog-info.yaml", &file("ann"))], PLAIN).await;
    assert!(done.removals.left[0].contains("payments"), "{:?}", done.removals);
    assert_eq!(members(&test, "team:payments").await, ["ann contributor", "bob contributor"]);
    let done = import(&test, "org", &[("catalog-info.yaml", &file("ann"))], ACCEPT).await;
    assert_eq!(members(&test, "team:payments").await, ["ann contributor"], "{:?}", done.removals);
}

#[tokio::test]
async fn a_team_whose_last_member_changes_or_is_replaced_is_not_empty() {
    let test = TestApp::start().await;
    let teams = [team("payments", ""), team("desk", "")].concat();
    let with = |rows: &str| format!("Name,Email,Team,Role\n{rows}");
    let import = async |rows: &str| {
        let csv = with(rows);
        import(&test, "org", &[("catalog-info.yaml", &teams), ("people.csv", &csv)], PLAIN).await
    };
    let done = import("Ann,ann@example.com,payments,manager\nBob,bob@example.com,desk,\nChi,chi@example.com,,\n").await;
    assert_eq!(done.counts.refused, 0, "{:#?}", done.files);
    assert_eq!(members(&test, "team:payments").await, ["Ann manager"]);
    // Another role of the only member.
    let done = import("Ann,ann@example.com,payments,\nBob,bob@example.com,desk,\nChi,chi@example.com,,\n").await;
    assert!(done.removals.left.is_empty(), "{:?}", done.removals);
    assert_eq!(members(&test, "team:payments").await, ["Ann contributor"], "{:#?}", done.files);
    // Another member, who comes later in the file.
    let done = import("Ann,ann@example.com,,\nBob,bob@example.com,desk,\nChi,chi@example.com,payments,\n").await;
    assert!(done.removals.left.is_empty(), "{:?}", done.removals);
    assert_eq!(members(&test, "team:payments").await, ["Chi contributor"], "{:#?}", done.files);
    // Somebody who is switched off is nobody.
    let bob = persons(&test).await.into_iter().find(|person| person.display == "Bob").unwrap();
    access::deactivate_person(test.app(), &Principal::host(), &bob.id).await.unwrap();
    let done = import("Ann,ann@example.com,,\nBob,bob@example.com,payments,\nChi,chi@example.com,,\n").await;
    assert!(done.removals.left.iter().any(|left| left.contains("payments")), "{:?}", done.removals);
    assert!(members(&test, "team:payments").await.contains(&"Chi contributor".to_owned()));
}

#[tokio::test]
async fn people_who_take_one_anothers_place_leave_no_team_empty() {
    let test = TestApp::start().await;
    let teams = [team("payments", ""), team("desk", ""), team("search", "")].concat();
    let import = async |rows: &[(&str, &str)]| {
        let rows: String = rows.iter().map(|(name, team)| format!("{name},{name}@example.com,{team},\n")).collect();
        let csv = format!("Name,Email,Team,Role\n{rows}");
        import(&test, "org", &[("catalog-info.yaml", &teams), ("people.csv", &csv)], PLAIN).await
    };
    let is = async |expect: [&str; 3]| {
        for (name, expect) in ["payments", "desk", "search"].into_iter().zip(expect) {
            let found = members(&test, &format!("team:{name}")).await;
            assert_eq!(
                found,
                expect.split(' ').map(|name| format!("{name} contributor")).collect::<Vec<_>>(),
                "{name}"
            );
        }
    };
    import(&[("Ann", "payments"), ("Bob", "desk"), ("Chi", "search"), ("Dan", "search")]).await;
    is(["Ann", "Bob", "Chi Dan"]).await;
    // Who comes instead of the only member leaves another team, and stands behind in the file.
    let done = import(&[("Ann", "search"), ("Bob", "desk"), ("Chi", "payments"), ("Dan", "search")]).await;
    assert_eq!((done.counts.refused, done.removals.left.len()), (0, 0), "{:#?}", done.files);
    is(["Chi", "Bob", "Ann Dan"]).await;
    // Two only members change places.
    let done = import(&[("Ann", "search"), ("Bob", "payments"), ("Chi", "desk"), ("Dan", "search")]).await;
    assert_eq!((done.counts.refused, done.removals.left.len()), (0, 0), "{:#?}", done.files);
    is(["Bob", "Chi", "Ann Dan"]).await;
    // Of two only members one goes where the other was, and nobody comes for them: the other stays.
    let done = import(&[("Ann", "search"), ("Bob", "desk"), ("Chi", "search"), ("Dan", "search")]).await;
    assert!(done.removals.left.iter().any(|left| left.contains("payments")), "{:?}", done.removals);
    assert!(members(&test, "team:payments").await.contains(&"Bob contributor".to_owned()));
    assert!(members(&test, "team:desk").await.contains(&"Bob contributor".to_owned()));
}
