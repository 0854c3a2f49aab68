//! Conversations between real programs through pipes.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs, unreachable_pub)]

mod scene;

use scene::Business;

#[test]
fn a_visitor_and_two_agents_talk_from_first_word_to_last() {
    let business = Business::open();
    let mut ada = business.agent("Ada", "support");
    let mut ben = business.agent("Ben", "support");
    let mut visitor = business.visitor(&[]);

    visitor.type_line("मेरे जूते नहीं आए 👟");
    visitor.expect("you: मेरे जूते नहीं आए 👟");
    visitor.expect("  (sent)");
    ada.expect("* contact 1 waits for the team support");
    ben.expect("* contact 1 waits for the team support");

    ada.type_line("/claim 1");
    ada.expect("Visitor: मेरे जूते नहीं आए 👟");
    ada.expect("* you have joined and will answer");
    visitor.expect("* Ada has joined and will answer");
    ada.type_line("Where do you live?");
    ada.expect("  (sent)");
    visitor.expect("Ada: Where do you live?");
    ada.expect("  (read)");
    visitor.type_line("/who");
    visitor.expect("* End-to-end encrypted with ACME");
    visitor.expect("    Ada");

    ada.type_line("/transfer ben --note she is upset");
    visitor.expect("* Ada hands on to Ben, who can read what was said before");
    ben.expect("* contact 1 waits for you");
    ben.type_line("/open 1");
    ben.expect("Visitor: मेरे जूते नहीं आए 👟");
    ben.expect("Ada (note, staff only): she is upset");
    ben.type_line("/claim");
    ben.expect("* you have joined and will answer instead of Ada");
    ben.type_line("They come tomorrow.");
    visitor.expect("Ben: They come tomorrow.");
    visitor.type_line("धन्यवाद");
    ben.expect("Visitor: धन्यवाद");

    ben.type_line("/close");
    visitor.expect("* Ben has ended the conversation");
    assert!(!visitor.said().iter().any(|line| line.contains("upset")));
    visitor.succeeds();
    ben.succeeds();
    ada.succeeds();
}

#[test]
fn a_transfer_without_history_shows_nothing_from_before() {
    let business = Business::open();
    let sales = ["policy", "set", "--dir", "account", "team.sales.name=Sales"];
    business.scene.said(&sales);
    business.said(&["policy", "publish"]);
    let mut cleo = business.agent("Cleo", "sales");
    let mut ada = business.agent("Ada", "support");
    let mut visitor = business.visitor(&[]);
    visitor.type_line("the secret is 4711");
    ada.expect("* contact 1 waits");
    ada.type_line("/claim 1");
    ada.expect("* you have joined");
    visitor.expect("* Ada has joined");
    visitor.type_line("and 4712");
    ada.expect("Visitor: and 4712");
    ada.type_line("/transfer Cleo --no-history");
    visitor.expect("* Ada hands on to Cleo, who cannot read what was said before");
    cleo.expect("* contact 1 waits for you");
    cleo.type_line("/claim 1");
    cleo.expect("* you have joined and will answer instead of Ada");
    visitor.expect("* Cleo has joined");
    visitor.type_line("hello Cleo");
    cleo.expect("Visitor: hello Cleo");
    let said = cleo.said().join("\n");
    assert!(!said.contains("4711") && !said.contains("4712"), "{said}");
}

#[test]
fn a_killed_visitor_goes_on_where_it_was() {
    let business = Business::open();
    let mut ada = business.agent("Ada", "support");
    let kept = ["--state", "visitor", "--plain-keys"];
    let mut visitor = business.visitor(&kept);
    visitor.type_line("first");
    visitor.expect("  (sent)");
    visitor.kill();
    ada.expect("* contact 1 waits");
    ada.type_line("/claim 1");
    ada.expect("Visitor: first");
    ada.type_line("I am here");
    ada.expect("  (sent)");

    let mut visitor = business.visitor(&kept);
    visitor.expect("you: first");
    visitor.expect("* Ada has joined");
    visitor.expect("Ada: I am here");
    visitor.type_line("second");
    ada.expect("Visitor: second");
    visitor.succeeds();
}

#[test]
fn a_state_folder_opens_with_its_passphrase_only() {
    let business = Business::open();
    let mut line = vec!["chat", "visitor", "--relay", &business.url];
    line.extend(["--account", &business.account, "--entry-point", "shop"]);
    line.extend(["--state", "visitor"]);
    let open = |passphrase: &str| {
        scene::sottovoce(&line)
            .current_dir(business.scene.folder.path())
            .env("SOTTOVOCE_PASSPHRASE", passphrase)
            .stdin(std::process::Stdio::null())
            .output()
            .unwrap()
    };
    assert!(open("correct horse").status.success());
    let wrong = open("battery staple");
    assert!(!wrong.status.success());
    let complaint = String::from_utf8(wrong.stderr).unwrap();
    assert!(
        complaint.contains("the passphrase is wrong (passphrase-wrong)"),
        "{complaint}"
    );
    assert!(open("correct horse").status.success());
}

#[test]
fn what_was_piped_in_is_sent_before_the_end() {
    let business = Business::open();
    let mut ada = business.agent("Ada", "support");
    let mut visitor = business.visitor(&[]);
    for number in 1..=20 {
        visitor.type_line(&format!("line {number}"));
    }
    visitor.succeeds();
    ada.expect("* contact 1 waits");
    ada.type_line("/open 1");
    for number in 1..=20 {
        ada.expect(&format!("Visitor: line {number}"));
    }
}

#[test]
fn an_invitation_and_a_chat_survive_a_restart_of_the_relay() {
    let mut business = Business::open();
    let mut ada = business.agent("Ada", "support");
    let line = ["agent", "invite", "--team", "support"];
    let mut invite = business
        .scene
        .start("invite", &business.administrator(&line));
    let code = scene::value(&invite.expect("invite="), "invite=");
    invite.expect("waiting");
    let address = business.url.strip_prefix("http://").unwrap().to_owned();
    business.relay.kill();
    invite.expect("the relay is away");
    ada.expect("* not connected; trying again");
    let (relay, _) = scene::relay(&business.scene, &business.account, &address);
    business.relay = relay;
    ada.expect("* connected again");
    let mut eve = business.agent_again("Eve", &["--invite", &code]);
    eve.expect("* you are Eve (agent) of support");
    invite.expect("approved Eve (eve) as agent of support");
    invite.succeeds();
}

#[test]
fn an_invitation_lets_in_nobody_who_does_not_know_its_code() {
    let business = Business::open();
    let line = ["agent", "invite", "--name", "Ada", "--team", "support"];
    let mut invite = business
        .scene
        .start("invite", &business.administrator(&line));
    let code = scene::value(&invite.expect("invite="), "invite=");
    let mut mallory = business.agent_again("Mallory", &["--invite", "a guess that is long"]);
    mallory.expect("* asking to be let in");
    let mut ada = business.agent_again("Ada", &["--invite", &code]);
    ada.expect("* you are Ada (agent)");
    invite.succeeds();
    let list = business.said(&["agent", "list"]);
    assert!(list.contains("Ada (ada), agent of support"), "{list}");
    assert!(list.contains("asks to be let in"), "{list}");
    assert!(!list.contains("Mallory ("), "{list}");
}

#[test]
fn a_revoked_agent_is_shut_out_at_once() {
    let business = Business::open();
    let mut ada = business.agent("Ada", "support");
    let _ben = business.agent("Ben", "support");
    let said = business.said(&["agent", "revoke", "ada"]);
    assert!(said.contains("revoked "), "{said}");
    assert!(
        said.contains("support has a new key of suite 2, for 1 devices"),
        "{said}"
    );
    ada.expect("error: the relay refused this device");
    assert!(!ada.ends().success());
}

#[test]
fn nothing_that_a_peer_sends_drives_the_terminal() {
    let business = Business::open();
    let mut ada = business.agent("Ada", "support");
    let mut visitor = business.visitor(&[]);
    visitor.type_line("\u{1b}[2J\u{1b}]0;owned\u{7}hello\u{9b}31m");
    ada.expect("* contact 1 waits");
    ada.type_line("/open 1");
    let line = ada.expect("Visitor: ");
    assert_eq!(line, "Visitor: [2J]0;ownedhello31m");
}

#[test]
fn a_wrong_entry_point_and_a_wrong_account_end_the_chat() {
    let business = Business::open();
    let mut line = vec!["chat", "visitor", "--relay", &business.url];
    line.extend(["--account", &business.account, "--entry-point", "nowhere"]);
    let mut visitor = business.scene.start("visitor", &line);
    visitor.type_line("hello");
    visitor.expect("error: the conversation cannot begin: there is no such entry point");
    assert!(!visitor.ends().success());

    let other = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let mut line = vec!["chat", "visitor", "--relay", &business.url];
    line.extend(["--account", other, "--entry-point", "shop"]);
    let mut visitor = business.scene.start("visitor", &line);
    visitor.expect("error: the relay refused this device");
    assert!(!visitor.ends().success());
}

#[test]
fn what_is_unsent_in_an_erased_contact_can_be_given_up_and_keeps_nobody_from_leaving() {
    let mut business = Business::open();
    let kept = ["--state", "visitor", "--plain-keys"];
    let mut visitor = {
        let _ada = business.agent("Ada", "support");
        let mut visitor = business.visitor(&kept);
        visitor.type_line("first");
        visitor.expect("  (sent)");
        visitor
    };
    let scopes = ["--scope", "contacts:read", "--scope", "contacts:erase"];
    let line = [
        &["token", "create", "--name", "eraser", "--days", "1"],
        &scopes[..],
    ]
    .concat();
    let token = scene::value(&business.said(&line), "token=");
    let address = business.url.strip_prefix("http://").unwrap().to_owned();
    business.relay.kill();
    visitor.expect("* not connected");
    visitor.type_line("never sent");
    visitor.expect("you: never sent");
    assert!(!visitor.ends().success(), "it may still be sent later");

    let (relay, _) = scene::relay(&business.scene, &business.account, &address);
    business.relay = relay;
    let contacts = format!("/v1/accounts/{}/contacts", business.account);
    let listed = scene::ask(&address, "GET", &contacts, &token);
    let (_, after) = listed.split_once("\"contact\":\"").unwrap();
    let contact = after.split('"').next().unwrap();
    let erased = scene::ask(&address, "DELETE", &format!("{contacts}/{contact}"), &token);
    assert!(erased.starts_with("HTTP/1.1 200"), "{erased}");

    let mut visitor = business.visitor(&kept);
    visitor.expect("! the conversation was erased at the relay");
    visitor.type_line("more");
    visitor.expect("! nothing is sent any more");
    // Leaving does not wait for what goes nowhere.
    let since = std::time::Instant::now();
    visitor.succeeds();
    assert!(since.elapsed() < std::time::Duration::from_secs(8));

    let mut visitor = business.visitor(&kept);
    visitor.expect("you: never sent");
    visitor.expect("! the conversation was erased");
    visitor.type_line("/discard");
    visitor.expect("  (given up)");
    visitor.succeeds();
    let mut visitor = business.visitor(&kept);
    visitor.expect("! the conversation was erased");
    visitor.type_line("/discard");
    visitor.expect("* nothing failed here");
    assert!(
        !visitor
            .said()
            .iter()
            .any(|line| line.contains("never sent"))
    );
}

#[test]
fn who_was_kept_away_is_listed_and_let_in_again() {
    let business = Business::open();
    let mut ada = business.agent("Ada", "support");
    let mut visitor = business.visitor(&[]);
    visitor.type_line("buy my shoes");
    visitor.expect("  (sent)");
    ada.expect("* contact 1 waits for the team support");
    ada.type_line("/claim 1");
    ada.expect("Visitor: buy my shoes");
    ada.type_line("/ban hour");
    visitor.expect("error: the relay refused this device: this device or its network is kept away");
    assert!(!visitor.ends().success());

    let listed = business.said(&["ban", "list"]);
    let device = listed.split_whitespace().next().unwrap().to_owned();
    assert!(
        listed.lines().count() == 1 && device.len() == 43,
        "{listed}"
    );
    assert!(listed.contains("until 20"), "{listed}");
    assert!(business.said(&["ban", "lift", &device]).contains(&device));
    assert_eq!(business.said(&["ban", "list"]), "");
    let again = business.complained(&["ban", "lift", &device]);
    assert!(again.contains("(unknown-ban)"), "{again}");
    let strange = business.complained(&["ban", "lift", "../tokens"]);
    assert!(strange.contains("(unknown-ban)"), "{strange}");
    // Another device at that address is let in as well, and nothing stays behind of the command.
    let mut neighbour = business.visitor(&[]);
    neighbour.type_line("good day");
    neighbour.expect("  (sent)");
    assert_eq!(business.said(&["token", "list"]), "");
    ada.succeeds();
}
