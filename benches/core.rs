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
    use std::sync::LazyLock;
    use std::time::Instant;
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    const CONTACTS: usize = 10;
    const ROUNDS: usize = 10;
    const MESSAGES: usize = 1_000;
    let mut fields = Vec::new();
    for suite in Suite::ALL {
        let mut scene = Scene::new(suite, || START.elapsed().as_secs_f64());
        // The best of several rounds: whatever else the machine does only makes one slower.
        let mut best = |work: &dyn Fn(&mut Scene)| {
            let seconds = (0..ROUNDS).map(|_| scene.timed(work));
            seconds.fold(f64::INFINITY, f64::min)
        };
        let contacts = CONTACTS as f64 / best(&|it| it.contacts(CONTACTS));
        let messages = (MESSAGES / ROUNDS) as f64 / best(&|it| it.messages(MESSAGES / ROUNDS));
        let open = 1_000.0 * scene.timed(Scene::open_transcript);
        let offline = 1_000.0 * scene.timed(|it| it.write_offline(MESSAGES));
        let late = 1_000.0 * scene.timed(|it| it.send_what_waits(MESSAGES));
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

    #[wasm_bindgen]
    extern "C" {
        /// Milliseconds.
        #[wasm_bindgen(js_namespace = performance)]
        fn now() -> f64;
    }

    /// The scene for JavaScript. Each method gives the seconds that it took, without the relay's.
    #[wasm_bindgen]
    pub struct Bench(Scene);

    #[wasm_bindgen]
    impl Bench {
        #[wasm_bindgen(constructor)]
        pub fn new(suite: u32) -> Self {
            let suite = Suite::ALL
                .into_iter()
                .find(|it| it.number() == u64::from(suite));
            Self(Scene::new(suite.expect("a suite"), || now() / 1_000.0))
        }

        pub fn contacts(&mut self, count: usize) -> f64 {
            self.0.timed(|it| it.contacts(count))
        }

        pub fn messages(&mut self, count: usize) -> f64 {
            self.0.timed(|it| it.messages(count))
        }

        pub fn write_offline(&mut self, count: usize) -> f64 {
            self.0.timed(|it| it.write_offline(count))
        }

        pub fn send_what_waits(&mut self, count: usize) -> f64 {
            self.0.timed(|it| it.send_what_waits(count))
        }

        pub fn open_transcript(&mut self) -> f64 {
            self.0.timed(Scene::open_transcript)
        }
    }
}
