//! An administrator in a client of their own: what they sign, what they are told, and what nobody else
//! can do.

use std::cell::RefCell;
use std::rc::Rc;

use sottovoce::account::*;
use sottovoce::archive::*;
use sottovoce::client::*;
use sottovoce::wire::codec::from_base64url;
use sottovoce::wire::frame::{Object, ObjectKind, RelayFrame};
use sottovoce::wire::*;

use crate::manager::{Judged, Manager, world as with_key_manager};
use crate::world::{START, World};

/// A visitor, and Ada, whom the root named an administrator while she was connected.
fn world(seed: u64) -> (World, usize, usize) {
    let mut world = World::new(seed);
    let ada = world.staff("Ada", Role::Supervisor);
    let visitor = world.visitor();
    for node in [ada, visitor] {
        world.connect(node);
    }
    world.run(2);
    world.appoint(ada);
    world.run(2);
    (world, ada, visitor)
}

fn change(world: &mut World, node: usize, settings: &[&str]) {
    let settings = settings.iter().map(|it| (*it).to_owned()).collect();
    world.nodes[node].events.clear();
    world.command(node, Command::ChangePolicy { settings });
    world.run(3);
}

/// What became of the last wish: nothing yet, done, or the code and words of why not.
fn said(world: &World, node: usize) -> Vec<Result<Signature, (&'static str, String)>> {
    let events = world.nodes[node].events.iter();
    let said = events.filter_map(|event| match event {
        Event::Administered { what } => Some(Ok(*what)),
        Event::NotAdministered { code, detail } => Some(Err((*code, detail.clone()))),
        _ => None,
    });
    said.collect()
}

fn settings(world: &World, node: usize) -> Option<&SettingsView> {
    let mut events = world.nodes[node].events.iter().rev();
    events.find_map(|event| match event {
        Event::Settings(view) => Some(view.as_ref()),
        _ => None,
    })
}

fn published(world: &World, kind: ObjectKind) -> Vec<&Object> {
    let published = world.relay.published.iter();
    published.filter(|object| object.kind == kind).collect()
}

#[test]
fn an_administrator_changes_settings_and_everyone_believes_it() {
    let (mut world, ada, visitor) = world(700);
    assert!(settings(&world, ada).unwrap().administrator);
    let changes = [
        "retention.days=30",
        "team.sales.name=Sales",
        "entry-point.shop.teams=sales,support",
    ];
    change(&mut world, ada, &changes);
    assert_eq!(said(&world, ada), [Ok(Signature::Policy)]);
    let view = settings(&world, ada).unwrap();
    assert_eq!((view.policy.number, view.policy.retention.days), (2, 30));
    assert_eq!(view.policy.entry_points[0].teams, ["sales", "support"]);
    assert_eq!(
        view.policy.issued,
        world.relay.account.newest_policy().unwrap().issued
    );
    let mut seen = world.nodes[visitor].events.iter().rev();
    let seen = seen.find_map(|event| match event {
        Event::Account(view) => Some((view.policy, view.retention_days)),
        _ => None,
    });
    assert_eq!(seen, Some((2, 30)));
    // Nothing but new dates.
    change(&mut world, ada, &[]);
    assert_eq!(said(&world, ada), [Ok(Signature::Policy)]);
    let after = world.relay.account.newest_policy().unwrap();
    assert_eq!((after.number, after.retention.days), (3, 30));
    assert_eq!(after.expires, after.issued.plus_seconds(POLICY_LIFE));
    // After a restart it is still the one in force.
    world.kill(ada);
    assert_eq!(settings(&world, ada).unwrap().policy.number, 3);
    for node in [ada, visitor] {
        assert_eq!(world.nodes[node].alarms(), [""; 0]);
    }
}

#[test]
fn whoever_is_no_administrator_signs_nothing() {
    let (mut world, ada, visitor) = world(701);
    let bruno = world.staff("Bruno", Role::Agent);
    world.connect(bruno);
    world.run(2);
    assert!(!settings(&world, bruno).unwrap().administrator);
    assert_eq!(settings(&world, visitor), None);
    change(&mut world, bruno, &["retention.days=1"]);
    let refused = ("role-not-allowed", String::new());
    assert_eq!(said(&world, bruno), [Err(refused.clone())]);
    let token = Command::RequestToken {
        name: "mine".into(),
        scopes: vec!["contacts:read".into()],
        expires: world.now.plus_seconds(3_600),
    };
    for command in [Command::LookUpDevices, token] {
        world.nodes[bruno].events.clear();
        world.command(bruno, command);
        assert_eq!(said(&world, bruno), [Err(refused.clone())]);
    }
    assert!(published(&world, ObjectKind::Policy).is_empty());
    // A revoked administrator is none.
    let device = world.nodes[ada].device();
    world.publish_policy(|policy| policy.revocations.push(Revocation::Device(device)));
    world.run(2);
    change(&mut world, ada, &["retention.days=1"]);
    assert_eq!(said(&world, ada), [Err(refused)]);
}

#[test]
fn what_is_wrong_with_a_change_is_said_and_nothing_is_published() {
    let (mut world, ada, _) = world(702);
    for (setting, code, words) in [
        (
            "retention.days=long",
            "bad-setting",
            "retention.days=long: it must be a whole number",
        ),
        (
            "retention.hours=3",
            "unknown-setting",
            "there is no setting `retention.hours`",
        ),
        ("retention.days", "bad-setting", "write it as KEY=VALUE"),
        (
            "entry-point.help.level=e2ee",
            "unknown-entry-point",
            "there is no entry point `help`",
        ),
        ("plan=plus", "contradiction", "the plan"),
        ("level=storage", "contradiction", "the root's lowest level"),
        (
            "entry-point.shop.teams=sales",
            "contradiction",
            "its own teams",
        ),
        (
            "archive=key-manager",
            "contradiction",
            "the root's key manager",
        ),
        ("life=15", "bad-setting", "it must be 1 to 14"),
        (
            "key-manager-url=http://keys.example/",
            "bad-setting",
            "https URL",
        ),
        ("key-manager-url=https:///x", "bad-setting", "https URL"),
        (
            "fallback-link=javascript:alert(1)",
            "bad-setting",
            "https://",
        ),
        (
            "roles=supervisor,visitor",
            "bad-setting",
            "some of supervisor",
        ),
        (
            "team.\u{7}.name=Bell",
            "bad-setting",
            "a name of 1 to 128 bytes",
        ),
        ("revoke=someone", "bad-setting", "a device's id"),
    ] {
        change(&mut world, ada, &[setting]);
        match said(&world, ada).as_slice() {
            [Err((said, detail))] => {
                assert_eq!(*said, code, "{setting}");
                assert!(detail.contains(words), "{setting}: {detail}");
            }
            other => panic!("{setting}: {other:?}"),
        }
    }
    assert!(published(&world, ObjectKind::Policy).is_empty());
    change(
        &mut world,
        ada,
        &["key-manager-url=http://127.0.0.1:8090/keys"],
    );
    assert_eq!(said(&world, ada), [Ok(Signature::Policy)]);
}

#[test]
fn a_policy_whose_answer_is_lost_is_sent_again_and_no_other_one_in_its_place() {
    let (mut world, ada, _) = world(703);
    world.nodes[ada].events.clear();
    let settings = |days: &str| vec![format!("retention.days={days}")];
    let first = Command::ChangePolicy {
        settings: settings("30"),
    };
    world.command(ada, first);
    world.disconnect(ada);
    world.offline.push(ada);
    let second = Command::ChangePolicy {
        settings: settings("31"),
    };
    world.command(ada, second.clone());
    world.offline.clear();
    world.connect(ada);
    world.command(ada, second);
    world.run(3);
    let unavailable = Err(("unavailable", String::new()));
    assert_eq!(said(&world, ada)[..2], [unavailable.clone(), unavailable]);
    assert_eq!(said(&world, ada)[2..], [Ok(Signature::Policy)]);
    let policies = published(&world, ObjectKind::Policy);
    assert!(policies.windows(2).all(|pair| pair[0] == pair[1]));
    assert_eq!(
        world.relay.account.newest_policy().unwrap().retention.days,
        30
    );
    change(&mut world, ada, &["retention.days=31"]);
    assert_eq!(said(&world, ada), [Ok(Signature::Policy)]);
}

#[test]
fn of_two_administrators_one_comes_second_and_can_do_it_again() {
    let (mut world, ada, _) = world(704);
    let bruno = world.staff("Bruno", Role::Agent);
    world.connect(bruno);
    world.appoint(bruno);
    world.run(2);
    world.nodes[bruno].events.clear();
    let settings = vec!["retention.days=31".to_owned()];
    world.command(bruno, Command::ChangePolicy { settings });
    change(&mut world, ada, &["retention.days=30"]);
    let all = [said(&world, ada), said(&world, bruno)].concat();
    assert_eq!(all.iter().filter(|it| it.is_ok()).count(), 1, "{all:?}");
    let codes: Vec<_> = all.into_iter().filter_map(|it| Some(it.err()?.0)).collect();
    assert_eq!(codes, ["conflict"]);
    for (node, days) in [(bruno, 40), (ada, 41)] {
        change(&mut world, node, &[&format!("retention.days={days}")]);
        assert_eq!(said(&world, node), [Ok(Signature::Policy)]);
    }
    world.relay.refuses = Some("plan-not-allowed-here");
    change(&mut world, ada, &["retention.days=9000"]);
    // What is no code of the registry is not shown.
    assert_eq!(said(&world, ada), [Err(("refused", String::new()))]);
}

#[test]
fn a_device_is_let_in_and_revoked() {
    let (mut world, ada, _) = world(705);
    world.command(ada, Command::LookUpDevices);
    world.run(2);
    let clara = world.stranger("Clara");
    world.connect(clara);
    world.run(2);
    let devices = |world: &World| {
        let mut events = world.nodes[ada].events.iter().rev();
        events.find_map(|event| match event {
            Event::Devices { devices, requests } => Some((devices.clone(), requests.clone())),
            _ => None,
        })
    };
    let (known, asking) = devices(&world).unwrap();
    assert_eq!((known.len(), known[0].state), (1, "valid"));
    assert!(known[0].own && known[0].available);
    let device = world.nodes[clara].device();
    assert_eq!((asking.len(), asking[0].device), (1, device));
    let approve = |team: &str, role| Command::Approve {
        request: asking[0].request.clone(),
        approval: Approval {
            subject: "clara".into(),
            name: None,
            role,
            teams: vec![team.into()],
        },
    };
    for (command, code) in [
        (approve("sales", Role::Agent), "unknown-team"),
        (approve("support", Role::Auditor), "wrong-teams"),
        (approve("support", Role::Administrator), "role-not-allowed"),
    ] {
        world.nodes[ada].events.clear();
        world.command(ada, command);
        assert_eq!(said(&world, ada)[0].as_ref().unwrap_err().0, code);
    }
    world.nodes[ada].events.clear();
    world.command(ada, approve("support", Role::Agent));
    world.run(5);
    assert_eq!(said(&world, ada), [Ok(Signature::Credential)]);
    let (known, asking) = devices(&world).unwrap();
    assert!(asking.is_empty());
    let entry = known.iter().find(|it| it.device == device).unwrap();
    assert_eq!((entry.name.as_str(), entry.state), ("Clara", "valid"));
    assert!(settings(&world, clara).is_some(), "she is in");
    change(&mut world, ada, &[&format!("revoke={device}")]);
    world.command(ada, Command::LookUpDevices);
    world.run(2);
    let (known, _) = devices(&world).unwrap();
    let entry = known.iter().find(|it| it.device == device).unwrap();
    assert_eq!(entry.state, "revoked");
    assert!(
        world
            .relay
            .account
            .newest_policy()
            .unwrap()
            .revokes_device(&device)
    );
}

#[test]
fn a_token_is_asked_for_at_the_dialled_relay_only() {
    let (mut world, ada, _) = world(706);
    let expires = world.now.plus_seconds(3_600);
    let scopes = ["webhooks:write", "contacts:read", "contacts:read"];
    world.command(
        ada,
        Command::RequestToken {
            name: "console".into(),
            scopes: scopes.map(str::to_owned).to_vec(),
            expires,
        },
    );
    let events = world.nodes[ada].events.iter();
    let mut requests = events.filter_map(|event| match event {
        Event::TokenRequest { request, .. } => Some(from_base64url(request).unwrap()),
        _ => None,
    });
    let signed = Signed::<ApiTokenRequest>::from_bytes(&requests.next().unwrap()).unwrap();
    signed.verify_by(&world.nodes[ada].device()).unwrap();
    let request = signed.parse().unwrap();
    assert_eq!(request.host, "relay.example");
    assert_eq!(request.scopes, ["contacts:read", "webhooks:write"]);
    assert_eq!((request.time, request.expires), (world.now, expires));
}

type Judge = fn(&Manager, &KeyRequest, bool) -> Judged;
/// How a key manager judges, and what then does not pass.
type Case = (Option<Judge>, &'static [(&'static str, &'static str)]);

/// A world with a key manager that judges like this, being told whether it has seen the request's id.
fn tested(seed: u64, judge: Option<Judge>) -> (World, usize) {
    let (mut world, manager) = with_key_manager(seed, &[], true);
    let seen = RefCell::new(Vec::new());
    let asked: Rc<RefCell<Manager>> = manager;
    world.relay.asked = judge.map(|judge| {
        let answers = move |parcel: &[u8]| {
            asked.borrow_mut().judge(parcel, |manager, request, _| {
                let again = seen.borrow().contains(&request.id);
                seen.borrow_mut().push(request.id);
                judge(manager, request, again)
            })
        };
        Box::new(answers) as Box<dyn FnMut(&[u8]) -> Vec<u8>>
    });
    let ada = world.staff("Ada", Role::Supervisor);
    world.connect(ada);
    world.appoint(ada);
    world.run(2);
    world.nodes[ada].events.clear();
    (world, ada)
}

/// Names of what did not pass, with what was said instead.
fn failures(world: &mut World, ada: usize) -> Vec<(&'static str, String)> {
    world.command(ada, Command::TestKeyManager);
    world.run(10);
    let mut events = world.nodes[ada].events.iter();
    let checks = events.find_map(|event| match event {
        Event::KeyManagerTested { checks } => Some(checks.clone()),
        _ => None,
    });
    let failed = checks.unwrap().into_iter().filter(|check| !check.passed);
    failed.map(|check| (check.name, check.detail)).collect()
}

fn honest(manager: &Manager, request: &KeyRequest, again: bool) -> Judged {
    let is_late = request.time.plus_seconds(300) < START;
    match request.operation {
        _ if again => Err((Outcome::Denied, "replayed")),
        _ if is_late => Err((Outcome::Denied, "time-off")),
        Operation::Prekeys { .. } => {
            let kinds = [KeyKind::OneTime, KeyKind::LastResort];
            let keys = kinds.map(|kind| manager.key(kind, request.suite).to_bytes());
            Ok(Grant::Keys {
                keys: keys.to_vec(),
            })
        }
        _ => Err((Outcome::Unknown, "unknown-contact")),
    }
}

#[test]
fn a_key_manager_that_does_as_it_has_to_passes_and_its_keys_are_not_lost() {
    let (mut world, ada) = tested(710, Some(honest));
    assert_eq!(failures(&mut world, ada), []);
    assert_eq!(published(&world, ObjectKind::ArchiveKey).len(), 2);
    assert_eq!(world.nodes[ada].alarms(), [""; 0]);
}

#[test]
fn what_a_key_manager_does_wrong_is_named() {
    let cases: [Case; 5] = [
        (
            None,
            &[
                ("unknown", "unavailable"),
                ("replay", "unavailable"),
                ("late", "unavailable"),
                ("keys", "unavailable"),
            ],
        ),
        (
            Some(|manager, request, _| honest(manager, request, false)),
            &[("replay", "unknown")],
        ),
        (
            Some(
                |manager, request, again| match honest(manager, request, again) {
                    Err((_, "time-off")) => Err((Outcome::Unknown, "unknown-contact")),
                    other => other,
                },
            ),
            &[("late", "unknown")],
        ),
        (
            Some(
                |manager, request, again| match honest(manager, request, again) {
                    Ok(_) => Ok(Grant::Keys {
                        keys: vec![vec![0].into()],
                    }),
                    other => other,
                },
            ),
            &[("keys", "granted")],
        ),
        (
            Some(
                |manager, request, again| match honest(manager, request, again) {
                    Err((Outcome::Unknown, _)) => Err((Outcome::Erased, "erased")),
                    other => other,
                },
            ),
            &[("unknown", "erased")],
        ),
    ];
    for (index, (judge, expected)) in cases.into_iter().enumerate() {
        let (mut world, ada) = tested(711 + index as u64, judge);
        let failed = failures(&mut world, ada);
        let failed: Vec<_> = failed
            .iter()
            .map(|(name, detail)| (*name, detail.as_str()))
            .collect();
        assert_eq!(failed, expected, "case {index}");
    }
}

#[test]
fn an_answer_that_another_key_manager_signed_is_no_answer() {
    let (mut world, ada) = tested(720, Some(honest));
    let mut other = Manager::new(99, world.account);
    let manager = world.relay.asked.take();
    drop(manager);
    world.relay.asked = Some(Box::new(move |parcel: &[u8]| {
        other.forged(parcel, Outcome::Unknown)
    }));
    let failed = failures(&mut world, ada);
    assert!(
        failed.iter().all(|(_, detail)| detail == "bad-signature"),
        "{failed:?}"
    );
    assert_eq!(failed.len(), 4);
    assert!(world.nodes[ada].alarms().contains(&"bad-signature"));
}

#[test]
fn the_key_managers_log_is_shown_if_its_chain_holds() {
    fn log(manager: &Manager, request: &KeyRequest, after: u64, broken: bool) -> Vec<Bytes> {
        let mut previous = None;
        let mut entries = Vec::new();
        for number in 1..=5 {
            let entry = AuditEntry {
                version: Version,
                suite: Suite::X25519,
                account: request.account,
                number,
                previous: previous.filter(|_| !broken || number < 5),
                time: START,
                device: request.device,
                operation: "status".into(),
                contact: None,
                request: KeyRequest::hash_of(b"request"),
                outcome: Outcome::Unknown,
                code: "unknown-contact".into(),
            };
            let signed = Signed::sign(&entry, &[&manager.identity]);
            previous = Some(signed.hash());
            if number > after {
                entries.push(signed.to_bytes());
            }
        }
        entries
    }
    let judge: Judge = |manager, request, _| match request.operation {
        // Whoever asks for what is after 3 is told a log that was changed.
        Operation::Audit { after } => Ok(Grant::Audit {
            entries: log(manager, request, after, after == 3),
        }),
        _ => Err((Outcome::Unknown, "unknown-contact")),
    };
    let (mut world, ada) = tested(721, Some(judge));
    let mut read = |after: u64| {
        world.nodes[ada].events.clear();
        world.command(ada, Command::ReadAudit { after });
        world.run(3);
        let alarms = world.nodes[ada].alarms();
        let mut events = world.nodes[ada].events.iter();
        let read = events.find_map(|event| match event {
            Event::Audit { entries, code, .. } => {
                let numbers: Vec<_> = entries.iter().map(|entry| entry.number).collect();
                Some((numbers, code.clone()))
            }
            _ => None,
        });
        (read.unwrap(), alarms)
    };
    assert_eq!(read(0), ((vec![1, 2, 3, 4, 5], String::new()), vec![]));
    assert_eq!(read(2), ((vec![3, 4, 5], String::new()), vec![]));
    assert_eq!(read(3), ((vec![], "fork".into()), vec!["fork"]));
}

/// A relay that says that a policy was published which it keeps to itself.
#[test]
fn a_relay_cannot_make_a_policy() {
    let (mut world, ada, visitor) = world(722);
    let mut policy = world.policy.clone();
    policy.number = 2;
    policy.retention.days = 3_650;
    // Signed by a key of its own.
    let key =
        sottovoce::crypto::sign::SigningKey::from_seed(&sottovoce::crypto::Secret::new([9; 32]));
    let signed = Signed::sign(&policy, &[&key]);
    let object = Object::new(ObjectKind::Policy, signed.to_bytes());
    for node in [ada, visitor] {
        let frame = RelayFrame::Announce {
            objects: vec![object.clone()],
        };
        world.input(node, Input::Frame(encode(&frame)));
        assert_eq!(world.nodes[node].alarms(), ["not-signed"]);
    }
    assert_eq!(settings(&world, ada).unwrap().policy.number, 1);
}
