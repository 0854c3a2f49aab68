//! How fast the core is in one thread: here, and as wasm in Node.js (`core.mjs` calls it).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
#![allow(missing_docs, unreachable_pub, dead_code)]

#[path = "../tests/simulation/relay.rs"]
mod relay;
#[path = "core/scene.rs"]
mod scene;
#[path = "../tests/simulation/world.rs"]
mod world;

use sottovoce::wire::Suite;

use scene::Scene;

#[cfg(not(target_arch = "wasm32"))]
fn main() {
    use std::time::Instant;
    const CONTACTS: usize = 50;
    const MESSAGES: usize = 1_000;
    let timed = |work: &mut dyn FnMut()| {
        let start = Instant::now();
        work();
        start.elapsed().as_secs_f64()
    };
    let mut fields = Vec::new();
    for suite in Suite::ALL {
        let mut scene = Scene::new(suite);
        let contacts = CONTACTS as f64 / timed(&mut || scene.contacts(CONTACTS));
        let messages = MESSAGES as f64 / timed(&mut || scene.messages(MESSAGES));
        let open = 1_000.0 * timed(&mut || scene.open_transcript());
        let offline = 1_000.0 * timed(&mut || scene.write_offline(MESSAGES));
        let late = 1_000.0 * timed(&mut || scene.send_what_waits(MESSAGES));
        let number = suite.number();
        println!(
            "native, suite {number}: {contacts:.0} contacts/s, {messages:.0} messages/s; \
             {MESSAGES} messages: {open:.0} ms to open, {offline:.0} ms to write offline, \
             {late:.0} ms to send then"
        );
        fields.push(format!(
            "\"contacts_{number}_per_second\":{contacts:.1},\
             \"messages_{number}_per_second\":{messages:.1},\"open_{number}_ms\":{open:.1},\
             \"write_offline_{number}_ms\":{offline:.1},\"send_late_{number}_ms\":{late:.1}"
        ));
    }
    if std::env::args().any(|argument| argument == "--json") {
        println!("{{{}}}", fields.join(","));
    }
}

#[cfg(target_arch = "wasm32")]
fn main() {}

#[cfg(target_arch = "wasm32")]
mod exports {
    use wasm_bindgen::prelude::wasm_bindgen;

    use super::{Scene, Suite};

    /// The scene for JavaScript, which has the clock.
    #[wasm_bindgen]
    pub struct Bench(Scene);

    #[wasm_bindgen]
    impl Bench {
        #[wasm_bindgen(constructor)]
        pub fn new(suite: u32) -> Self {
            let suite = Suite::ALL
                .into_iter()
                .find(|it| it.number() == u64::from(suite));
            Self(Scene::new(suite.expect("a suite")))
        }

        pub fn contacts(&mut self, count: usize) {
            self.0.contacts(count);
        }

        pub fn messages(&mut self, count: usize) {
            self.0.messages(count);
        }

        pub fn write_offline(&mut self, count: usize) {
            self.0.write_offline(count);
        }

        pub fn send_what_waits(&mut self, count: usize) {
            self.0.send_what_waits(count);
        }

        pub fn open_transcript(&mut self) {
            self.0.open_transcript();
        }
    }
}
