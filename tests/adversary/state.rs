//! Stored state that is not the device's own, or not whole.

use sottovoce::account::Pin;
use sottovoce::client::*;
use sottovoce::crypto::{Random, Secret};

use crate::scene::Scene;

fn records(scene: &Scene, node: usize) -> Vec<Record> {
    let storage = scene.world.nodes[node].storage.iter();
    let records = storage.map(|(name, bytes)| Record {
        name: name.clone(),
        bytes: bytes.clone(),
    });
    records.collect()
}

fn opened(scene: &Scene, node: usize, records: &[Record]) -> Result<Client, OpenError> {
    let node = &scene.world.nodes[node];
    let config = Config {
        pin: Pin::account(scene.world.account),
        host: "relay.example".into(),
        kind: node.kind.clone(),
        storage_key: Secret::new(node.key),
        generation: 0,
    };
    Client::open(config, records, Random::seeded(1), scene.world.now)
}

fn refusal(scene: &Scene, node: usize, records: &[Record]) -> &'static str {
    opened(scene, node, records).unwrap_err().code()
}

#[test]
fn state_of_another_device_is_not_opened() {
    let scene = Scene::talking(130);
    for (own, other) in [(scene.visitor, scene.ada), (scene.ada, scene.visitor)] {
        let (mine, its) = (records(&scene, own), records(&scene, other));
        assert!(opened(&scene, own, &mine).is_ok());
        assert_eq!(refusal(&scene, own, &its), "state-unreadable");
        // Nor one record of it among the own ones.
        for record in &its {
            let mut mixed = mine.clone();
            mixed.retain(|known| known.name != record.name);
            mixed.push(record.clone());
            assert_eq!(refusal(&scene, own, &mixed), "state-unreadable");
        }
    }
}

#[test]
fn state_without_the_devices_record_or_of_another_generation_is_not_opened() {
    let scene = Scene::talking(131);
    let mut mine = records(&scene, scene.visitor);
    let config = Config {
        pin: Pin::account(scene.world.account),
        host: "relay.example".into(),
        kind: Kind::Visitor,
        storage_key: Secret::new(scene.world.nodes[scene.visitor].key),
        generation: 1,
    };
    let error = Client::open(config, &mine, Random::seeded(1), scene.world.now).unwrap_err();
    assert_eq!(error.code(), "state-unreadable");
    mine.retain(|record| record.name != "device");
    assert_eq!(refusal(&scene, scene.visitor, &mine), "state-unreadable");
}

#[test]
fn state_without_a_contacts_record_reads_nothing_of_it_and_says_nothing_in_it() {
    let mut scene = Scene::talking(132);
    let (visitor, contact) = (scene.visitor, scene.contact);
    let name = format!("contact.{contact}");
    let mut storage = scene.world.nodes[visitor].storage.clone();
    storage.remove(&name).unwrap();
    scene.forget();
    scene.world.restore(visitor, storage);
    scene.world.command(visitor, Command::Open { contact });
    scene.world.connect(visitor);
    scene.world.run(3);
    let before = scene.entries().len();
    scene.world.say(visitor, "with which key?");
    scene.world.run(3);
    assert_eq!(scene.world.nodes[visitor].failures(), ["no-key"]);
    assert_eq!(scene.entries().len(), before);
    assert!(
        scene.world.nodes[visitor]
            .texts()
            .iter()
            .all(|it| it == "with which key?")
    );
}
