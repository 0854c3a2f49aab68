//! What `benches/core.rs` measures of Sottovoce, done by two libraries of the same field: a
//! conversation of two until both can write, and a signed message of 256 bytes from one to the other.
//! The last line is one object of figures.

use std::time::Instant;

mod mls;
mod olm;

/// Conversations that are set up in a round.
const CONTACTS: usize = 20;
/// Messages that are sent and received in a round.
const MESSAGES: usize = 200;
/// How often that is done.
const ROUNDS: usize = 10;
/// What is said.
const TEXT: [u8; 256] = [b'x'; 256];

/// How often per second `work` is done, in the best of several rounds.
fn rate(count: usize, mut work: impl FnMut()) -> f64 {
    let rates = (0..ROUNDS).map(|_| {
        let start = Instant::now();
        for _ in 0..count {
            work();
        }
        count as f64 / start.elapsed().as_secs_f64()
    });
    rates.fold(0.0, f64::max)
}

fn main() {
    let figures = [
        ("openmls_contacts_per_second", mls::contacts(CONTACTS)),
        ("openmls_messages_per_second", mls::messages(MESSAGES)),
        ("olm_contacts_per_second", olm::contacts(CONTACTS)),
        ("megolm_messages_per_second", olm::messages(MESSAGES)),
    ];
    let mut fields = Vec::new();
    for (name, figure) in figures {
        println!("native, {}: {figure:.0}", name.replace('_', " "));
        fields.push(format!("\"{name}\":{figure:.1}"));
    }
    println!("{{{}}}", fields.join(","));
}
