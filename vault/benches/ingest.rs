//! How many records a second the vault stores, in clear and encrypted, and what that costs the processor:
//! everything from a verified entry to its row. With `--json` one object is the last line.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    missing_docs
)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use sottovoce::account::Level;
use sottovoce::crypto::Random;
use sottovoce::wire::{AccountId, ContactId, Time};
use sottovoce_vault::reading::Opener;
use sottovoce_vault::record::{Author, Record, Said};
use sottovoce_vault::seal::DataKey;
use sottovoce_vault::store::{Change, Store, StoredRecord};

/// Contacts that are written to in turn.
const CONTACTS: usize = 64;
/// Records of one transaction.
const BATCH: usize = 256;
/// Records of one measurement.
const RECORDS: usize = 256 * 80;
/// Measurements of each kind, in turns; their median counts.
const ROUNDS: usize = 7;
const ACCOUNT: AccountId = AccountId::new([1; 32]);
/// As long as people's messages are.
const TEXT: &str = "Good morning! I ordered a blue vase two weeks ago and it has not arrived yet. \
    The number is on the invoice that I got by mail; could you please look where it is?";

#[derive(Clone, Copy)]
struct Figure {
    per_second: f64,
    cpu_micros: f64,
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let mut clear = Vec::new();
    let mut sealed = Vec::new();
    for _ in 0..ROUNDS {
        clear.push(measure(Level::Transport).await);
        sealed.push(measure(Level::Storage).await);
    }
    let (clear, sealed) = (median(clear), median(sealed));
    let share = sealed.cpu_micros / clear.cpu_micros;
    let rate = sealed.per_second / clear.per_second;
    for (name, figure) in [("in clear", clear), ("encrypted", sealed)] {
        println!(
            "vault, {name:<9}  {:>8.0} records/s  {:>6.2} µs of processor time each",
            figure.per_second, figure.cpu_micros
        );
    }
    println!("encrypted to clear: {rate:.3} of the records, {share:.3} times the processor time");
    if std::env::args().any(|argument| argument == "--json") {
        println!(
            "{{\"vault_clear_per_second\":{:.0},\"vault_sealed_per_second\":{:.0},\
             \"vault_clear_cpu_us\":{:.3},\"vault_sealed_cpu_us\":{:.3},\
             \"vault_sealed_to_clear\":{rate:.4},\"vault_cpu_ratio\":{share:.4}}}",
            clear.per_second, sealed.per_second, clear.cpu_micros, sealed.cpu_micros
        );
    }
}

fn median(mut figures: Vec<Figure>) -> Figure {
    let mut cpu: Vec<_> = figures.iter().map(|figure| figure.cpu_micros).collect();
    cpu.sort_unstable_by(f64::total_cmp);
    figures.sort_unstable_by(|a, b| a.per_second.total_cmp(&b.per_second));
    Figure {
        per_second: figures.get(ROUNDS / 2).unwrap().per_second,
        cpu_micros: *cpu.get(ROUNDS / 2).unwrap(),
    }
}

async fn measure(level: Level) -> Figure {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vault.db").display().to_string();
    let store = Store::open(&path, ACCOUNT).await.unwrap();
    let mut openers = Vec::new();
    for _ in 0..CONTACTS {
        let contact = ContactId::new(Random::os().bytes().unwrap());
        let created = Time::from_millis(1);
        let noted = store.note(&contact, level, "shop", created).await;
        noted.unwrap();
        let key: Option<DataKey> =
            (level == Level::Storage).then(|| Random::os().secret().unwrap());
        openers.push((contact, Opener::new(ACCOUNT, contact, key.map(Arc::new))));
    }
    let (began, cpu) = (Instant::now(), processor());
    let mut position = 0;
    for _ in 0..RECORDS / BATCH {
        let mut changes = Vec::new();
        for (contact, opener) in &openers {
            let mut records = Vec::new();
            for _ in 0..BATCH / CONTACTS {
                position += 1;
                records.push(stored(opener, position));
            }
            changes.push(Change {
                contact: *contact,
                about: None,
                records,
                removed: Vec::new(),
                complete: None,
                uses_key: opener.has_key(),
            });
        }
        store.change(&changes).await.unwrap();
    }
    let (took, cpu) = (began.elapsed(), processor() - cpu);
    store.close().await;
    Figure {
        per_second: RECORDS as f64 / took.as_secs_f64(),
        cpu_micros: cpu.as_secs_f64() * 1e6 / RECORDS as f64,
    }
}

fn stored(opener: &Opener, position: u64) -> StoredRecord {
    let record = Record {
        position,
        time: 1_700_000_000_000 + position,
        author: Some(Author {
            device: "A".repeat(43),
            name: "Ada".to_owned(),
            role: "agent".to_owned(),
            by_gateway: false,
        }),
        said: Said::Text {
            id: "A".repeat(22),
            text: TEXT.to_owned(),
            reply_to: None,
        },
        marks: Vec::new(),
    };
    let plain = serde_json::to_vec(&record).unwrap();
    StoredRecord {
        position,
        time: Time::from_millis(record.time),
        body: opener.close(position, &plain).unwrap(),
        is_news: true,
    }
}

/// Processor time of this process, all threads, as the kernel counts it: in hundredths of a second.
fn processor() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let (_, fields) = stat.rsplit_once(") ").unwrap();
    let ticks: u64 = fields
        .split(' ')
        .skip(11)
        .take(2)
        .map(|ticks| ticks.parse::<u64>().unwrap())
        .sum();
    Duration::from_millis(ticks * 10)
}
