//! What a key manager answers per second over HTTP, on SQLite, and how long an auditor's client waits for
//! an archived transcript of 10,000 messages: from its request to the first of them and to the last.
//! With `--json` one object is the last line.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    missing_docs
)]

mod opening;
mod requests;
mod scene;

use scene::Scene;

#[tokio::main]
async fn main() {
    let scene = Scene::open().await;
    let mut fields = Vec::new();
    for figure in requests::measure(&scene).await {
        let requests::Figure {
            name,
            per_second,
            p50,
            p99,
        } = figure;
        println!(
            "key manager, {name:<8}  {per_second:>6.0} requests/s  p50 {p50:>6.2} ms  p99 {p99:>6.2} ms"
        );
        fields.push(format!(
            "\"{name}_per_second\":{per_second:.0},\"{name}_p99_ms\":{p99:.2}"
        ));
    }
    let opened = opening::measure(&scene).await;
    println!(
        "archived transcript of {} messages: first {} after {:.0} ms, all after {:.0} ms; \
         the release itself {:.0} ms",
        opening::MESSAGES,
        opening::PAGE,
        opened.first_page,
        opened.all,
        opened.released
    );
    fields.push(format!(
        "\"archived_page_ms\":{:.0},\"archived_all_ms\":{:.0},\"archived_release_ms\":{:.0}",
        opened.first_page, opened.all, opened.released
    ));
    if std::env::args().any(|argument| argument == "--json") {
        println!("{{{}}}", fields.join(","));
    }
}
