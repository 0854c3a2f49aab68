//! A relay with real data, for whoever holds its REST API against its description. It says where
//! it is, which account and contact there are and which token is good, and ends at SIGTERM.
#![allow(
    missing_docs,
    dead_code,
    unused_imports,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::disallowed_types
)]

mod contacts;
mod integrator;
#[path = "../scene/mod.rs"]
mod scene;

use std::io::Write;

use integrator::{EVERYTHING, Integrator};
use scene::{Business, Scene};

#[tokio::main]
async fn main() {
    // Nobody may revoke the token that is used, or run into a limit instead of an answer.
    let scene = Scene::with(Business::new(), |config| {
        config.limits.requests = 100_000;
        config.limits.failures = 10_000_000;
    })
    .await;
    scene.set_up().await;
    let scopes: Vec<_> = EVERYTHING
        .into_iter()
        .filter(|scope| *scope != "tokens:revoke")
        .collect();
    let integrator = Integrator::with(&scene, &scopes).await;
    let mut last = None;
    for number in 0..12 {
        let (mut talk, ..) = contacts::begun(&scene).await;
        if number % 2 == 0 {
            contacts::answered(&scene, &mut talk).await;
        }
        last = Some(talk.contact);
    }
    let mut out = std::io::stdout();
    writeln!(out, "url=http://{}", scene.address).unwrap();
    writeln!(out, "account={}", scene.business.id).unwrap();
    writeln!(out, "contact={}", last.unwrap()).unwrap();
    writeln!(out, "device={}", scene.business.ada.device()).unwrap();
    writeln!(out, "policy={}", scene.business.signed_policy().hash()).unwrap();
    writeln!(out, "token={}", integrator.token).unwrap();
    writeln!(out).unwrap();
    out.flush().unwrap();
    sottovoce_server::shutdown::signal().await;
    scene.end().await;
}
