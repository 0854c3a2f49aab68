//! Commits that do not count in a contact, and such whose secrets are wrong for somebody.

use serde_json::{Value, json};
use sottovoce::account::RootStatement;
use sottovoce::contact::*;
use sottovoce::crypto::seal::SealPrivateKey;
use sottovoce::crypto::{Hash, Random, Secret};
use sottovoce::wire::{ContactId, Suite, Time};

use crate::account::{self as objects, administrator, by};
use crate::forge::{Forged, labelled};
use crate::scene::*;

/// A contact in some standing, and a commit that does not count in it.
pub struct Case {
    what: &'static str,
    contact: Contact,
    commit: Commit,
}

fn case(
    what: &'static str,
    mut contact: Contact,
    make: impl FnOnce(&mut Contact) -> Commit,
) -> Case {
    let commit = make(&mut contact);
    Case {
        what,
        contact,
        commit,
    }
}

fn planned(what: &'static str, contact: Contact, plan: impl FnOnce(&mut Contact) -> Plan) -> Case {
    case(what, contact, |contact| {
        let plan = plan(contact);
        contact.build(plan)
    })
}

/// A rekey by Ada that is changed, tagged and signed again.
fn changed(what: &'static str, suite: Suite, change: impl FnOnce(&mut Forged)) -> Case {
    case(what, Contact::open(suite), |contact| {
        let plan = contact.plan(ADA, Reason::Rekey).history(0);
        let mut forged = Forged::from(&contact.build(plan));
        change(&mut forged);
        let key = contact.epoch_key(1).unwrap();
        forged.tagged_with(&key).sign(&ADA.signer())
    })
}

pub fn commits_refused(suite: Suite) -> Vec<Case> {
    let open = || Contact::open(suite);
    let waiting = || Contact::waiting(suite);
    let handed = || Contact::handed_to_bruno(suite);
    let rekey = |contact: &mut Contact| contact.plan(ADA, Reason::Rekey);
    vec![
        changed("another contact", suite, |it| {
            it.core.contact = ContactId::new([8; 16]);
        }),
        changed("another account", suite, |it| {
            it.core.account = objects::foreign();
        }),
        changed("an epoch too far", suite, |it| it.core.epoch += 1),
        changed("another level", suite, |it| {
            it.core.level = sottovoce::account::Level::Storage;
        }),
        changed("a set-up that comes later", suite, |it| {
            it.core.setup = Some(Setup {
                entry_point: "shop".into(),
                archive: sottovoce::account::Archive::None,
            });
        }),
        changed("another history", suite, |it| {
            it.core.previous = Hash::new([1; 32]);
        }),
        planned("an earlier time", open(), |it| {
            let before = Time::from_millis(it.log().time().millis() - 1);
            rekey(it).at(before)
        }),
        changed("an unknown policy", suite, |it| {
            it.core.policy.hash = Hash::new([1; 32]);
        }),
        changed("another number of the policy", suite, |it| {
            it.core.policy.number += 1;
        }),
        planned("a time after the policy", open(), |it| rekey(it).at(day(8))),
        changed("no commitment", suite, |it| it.core.commitment = None),
        changed("history without a back-link", suite, |it| {
            it.core.back_link = None;
        }),
        changed("one seal less", suite, |it| drop(it.seals.all.pop())),
        changed("no staff secret", suite, |it| it.core.staff = None),
        changed("an archive that nobody wants", suite, |it| {
            it.core.archive = Some(Hash::new([1; 32]));
        }),
        planned("a claim by another team's agent", waiting(), |it| {
            it.claim(CLARA)
        }),
        planned("a claim that keeps the team", waiting(), |it| {
            it.claim(ADA).with_team("support")
        }),
        planned("a claim of what is claimed", open(), |it| it.claim(BRUNO)),
        planned("a rekey by whoever has to claim first", handed(), |it| {
            it.plan(BRUNO, Reason::Rekey)
        }),
        planned("a second transfer", handed(), |it| {
            it.plan(ADA, Reason::Transfer).with(SOFIA)
        }),
        planned("a vault", open(), |it| {
            it.plan(ADA, Reason::Invite).with(VAULT)
        }),
        planned("a gateway", open(), |it| {
            it.plan(ADA, Reason::Invite).with(JULIA)
        }),
        planned("two at once", open(), |it| {
            it.plan(ADA, Reason::Invite).with(BRUNO).with(SOFIA)
        }),
        planned("without the visitor", open(), |it| {
            it.plan(ADA, Reason::Remove).without(VISITOR)
        }),
        planned("the responsible one leaves", open(), |it| {
            it.plan(ADA, Reason::Remove).without(ADA)
        }),
        planned("a visitor invites", open(), |it| {
            it.plan(VISITOR, Reason::Invite).with(BRUNO)
        }),
        planned("a joiner without evidence", open(), |it| {
            let mut plan = it.plan(ADA, Reason::Invite).with(BRUNO);
            plan.evidence.clear();
            plan
        }),
        case("somebody else's signature", open(), |it| {
            let plan = rekey(it);
            let forged = Forged::from(&it.build(plan));
            forged.sign(&BRUNO.signer())
        }),
        case("anything after the end", open(), |it| {
            let close = it.plan(ADA, Reason::Close);
            let plan = rekey(it);
            let late = it.build(plan);
            it.take(close);
            late
        }),
    ]
}

fn objects_of(contact: &Contact) -> [String; 2] {
    let statement = RootStatement {
        lowest_level: sottovoce::account::Level::Transport,
        ..objects::root_statement()
    };
    let root = by(&statement, &[&objects::root()]).to_bytes();
    let policy = by(&contact.policy, &[&administrator(1)]).to_bytes();
    [hex::encode(&*root), hex::encode(&*policy)]
}

pub fn described(case: Case) -> Value {
    let Case {
        what,
        mut contact,
        commit,
    } = case;
    let code = contact.refusal_of(&commit);
    let before = contact
        .commits
        .iter()
        .map(|it| hex::encode(&*it.to_bytes()));
    let [root, policy] = objects_of(&contact);
    json!({
        "what": what,
        "suite": contact.suite.number(),
        "root": root,
        "policy": policy,
        "log": before.collect::<Vec<_>>(),
        "commit": hex::encode(&*commit.to_bytes()),
        "code": code,
    })
}

/// Commits that count by the log, and whose secrets are wrong for somebody.
pub fn secrets_refused(suite: Suite) -> Vec<Value> {
    let visitor = VISITOR.own(suite);
    let by_hand = |forged: &mut Forged, secret: [u8; 32]| {
        let members = &forged.core.roster.members;
        let device = VISITOR.device();
        let place = members.iter().position(|it| it.device == device).unwrap();
        let key = visitor.public();
        let [hc, _] = forged.hashes();
        let parts = [hc.as_array().as_slice(), device.as_array(), key.as_bytes()];
        let info = labelled("seal", &parts);
        let seal = key.seal_fresh(&mut Random::seeded(9), &info, &secret);
        forged.seals.all[place] = seal.unwrap();
    };
    let cases = [
        changed("another secret for the visitor", suite, |it| {
            by_hand(it, [7; 32]);
        }),
        changed("seals of another epoch", suite, |it| {
            it.seals
                .all
                .clone_from(&Contact::open(suite).commits[1].seals().all);
        }),
        changed("another commitment", suite, |it| {
            it.core.commitment = Some(Hash::new([1; 32]));
        }),
        case("no member's tag", Contact::open(suite), |it| {
            let plan = it.plan(ADA, Reason::Rekey);
            let mut forged = Forged::from(&it.build(plan));
            forged.tag = Some(Hash::new([0; 32]));
            forged.sign(&ADA.signer())
        }),
        case(
            "a back-link to another secret",
            Contact::open(suite),
            |it| {
                let wrong = EpochSecret::new(Secret::new([6; 32]));
                let right = it.secrets[1].all.replace(wrong);
                let plan = it.plan(ADA, Reason::Rekey).history(0);
                let mut plan = plan;
                plan.tagged = false;
                let commit = it.build(plan);
                it.secrets[1].all = right;
                let key = it.epoch_key(1).unwrap();
                Forged::from(&commit).tagged_with(&key).sign(&ADA.signer())
            },
        ),
    ];
    let described = cases.into_iter().map(|case| {
        let Case {
            what,
            contact,
            commit,
        } = case;
        let before = contact
            .commits
            .iter()
            .map(|it| hex::encode(&*it.to_bytes()));
        let secret = contact.secrets[1].all.as_ref().unwrap().secret();
        let code = opened(&commit, &contact.commits[1], secret, &visitor);
        json!({
            "what": what,
            "suite": suite.number(),
            "log": before.collect::<Vec<_>>(),
            "commit": hex::encode(&*commit.to_bytes()),
            "visitor seed": hex::encode(visitor.seed().expose()),
            "secret before": hex::encode(secret.expose()),
            "code": code.unwrap_err(),
        })
    });
    described.collect()
}

/// What the visitor finds, who knows the secret of the epoch before.
pub fn opened(
    commit: &Commit,
    before: &Commit,
    secret: &Secret<32>,
    key: &SealPrivateKey,
) -> Result<(), &'static str> {
    let known = EpochSecret::new(secret.duplicate());
    let find = |id: &Hash| (key.public().id() == *id).then_some(key);
    let check = || {
        let opened = EpochSecret::open(Strand::All, commit, find).unwrap()?;
        commit.verify_tag(&known.key(&before.transcript()))?;
        if let Some(previous) = opened.previous(Strand::All, commit.core()) {
            previous?
                .matches(Strand::All, before.core())
                .map_err(|_| SecretError::BackLink)?;
        }
        Ok(())
    };
    check().map_err(|error: SecretError| error.code())
}
