//! Kills at random moments under load. In each round people write, every message once more if its
//! acknowledgement is lost; others follow; something is killed and started again; then every
//! client's log is held against what was acknowledged. At the end all rounds' contacts are read
//! once more.

mod people;
mod readiness;
mod story;

use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use sottovoce::wire::{Bytes, ContactId};
use sottovoce_test_postgres::Server;
use sottovoce_test_scene::{Business, Person};
use tempfile::TempDir;

use crate::check::{self, Fault};
use crate::link::{self, Target};
use crate::peers::nats;
use crate::program::{self, Program, Relay, RelayPlan};
use crate::report::Store;
use crate::supply;
use crate::{LoadError, Outcome};
use people::{Pair, Progress, Written};
use story::{Line, Story};

/// Contacts of a round, each with one who writes and one who follows.
const PAIRS: usize = 6;
/// More than anybody writes in a round.
const PLENTY: usize = 1500;
/// How long anything may take to come back.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often it is looked whether it has.
const LOOK: Duration = Duration::from_millis(5);

/// What is to be done.
#[derive(Clone, Debug)]
pub struct Rounds {
    /// The program `relay-under-load`.
    pub relay: PathBuf,
    /// Kills.
    pub number: u32,
    /// Where relays keep things.
    pub store: Store,
    /// Relays on one database.
    pub nodes: usize,
    /// The program `nats-server`, if nodes are to hear of each other through one.
    pub nats: Option<PathBuf>,
    /// How long what was killed stays away, besides a moment.
    pub away: Duration,
    /// Repeats a run's choices; otherwise one is made up and told.
    pub seed: Option<u64>,
}

/// What can be killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Victim {
    Relay(usize),
    Postgres,
    Nats,
}

/// Kills, and tells the story; the second is the first fault, if there is one.
///
/// # Errors
/// [`LoadError`]: something does not even start.
pub async fn run(rounds: Rounds) -> Outcome<(String, Outcome)> {
    let seed = rounds.seed.unwrap_or_else(seed);
    let mut scene = Scene::start(&rounds).await?;
    let mut chance = Chance(seed);
    let mut story = Story::new(&rounds, seed);
    let mut remembered = Vec::new();
    for number in 1..=rounds.number {
        let victim = scene.choose(&mut chance);
        eprintln!(
            "round {number} of {}: {}",
            rounds.number,
            story::name(victim)
        );
        match scene.round(victim, &mut chance, &mut remembered).await {
            Ok(line) => story.lines.push(line),
            Err(error) => {
                story.ending = Some(format!("Round {number} failed: {error}"));
                return Ok((story.to_string(), Err(error)));
            }
        }
    }
    let ending = scene.read_again(&remembered).await;
    story.ending = Some(match &ending {
        Ok(read) => format!(
            "All {} contacts were read once more after the last round: {read} messages, each \
             once, in order, unchanged.",
            remembered.len()
        ),
        Err(error) => format!("Reading everything once more failed: {error}"),
    });
    Ok((story.to_string(), ending.map(|_| ())))
}

/// The relays and their database.
struct Scene {
    business: Arc<Business>,
    postgres: Option<Server>,
    plans: Vec<RelayPlan>,
    relays: Vec<Relay>,
    nats: Option<Nats>,
    away: Duration,
    folder: TempDir,
}

/// The server through which nodes hear of each other.
struct Nats {
    binary: PathBuf,
    address: SocketAddr,
    program: Program,
}

/// A contact whose round is over: who may read it, and what it has to hold.
struct Remembered {
    visitor: Person,
    contact: ContactId,
    entries: Vec<u64>,
}

impl Scene {
    async fn start(rounds: &Rounds) -> Outcome<Self> {
        let folder = tempfile::tempdir()?;
        let business = Arc::new(Business::new());
        let postgres = match rounds.store {
            Store::Sqlite => None,
            Store::Postgres => Some(tokio::task::block_in_place(|| Server::start(&[]))),
        };
        let database = match &postgres {
            None => folder.path().join("relay.db").display().to_string(),
            Some(server) => tokio::task::block_in_place(|| server.database()),
        };
        let nodes = match rounds.store {
            Store::Sqlite => 1,
            Store::Postgres => rounds.nodes.max(1),
        };
        let nats = match &rounds.nats {
            None => None,
            Some(binary) => {
                let address = program::free_port()?;
                Some(Nats {
                    program: nats::start(binary, folder.path(), address).await?,
                    binary: binary.clone(),
                    address,
                })
            }
        };
        let mut scene = Self {
            business,
            postgres,
            plans: Vec::new(),
            relays: Vec::new(),
            nats,
            away: rounds.away,
            folder,
        };
        for node in 0..nodes {
            let mut plan = RelayPlan {
                binary: rounds.relay.clone(),
                name: format!("relay-{node}"),
                folder: scene.folder.path().to_owned(),
                listen: program::anywhere(),
                database: database.clone(),
                account: scene.business.id,
                tls: None,
                nats: scene.nats.as_ref().map(|nats| nats.address),
            };
            let relay = plan.start().await?;
            if node == 0 {
                link::publish(&Target::plain(relay.address), &scene.business).await?;
            }
            // It comes back where it was.
            plan.listen = relay.address;
            scene.plans.push(plan);
            scene.relays.push(relay);
        }
        Ok(scene)
    }

    fn choose(&self, chance: &mut Chance) -> Victim {
        let mut all: Vec<_> = (0..self.relays.len()).map(Victim::Relay).collect();
        all.extend(self.postgres.as_ref().map(|_| Victim::Postgres));
        all.extend(self.nats.as_ref().map(|_| Victim::Nats));
        let index = chance.below(all.len());
        all.get(index).copied().unwrap_or(Victim::Relay(0))
    }

    fn addresses(&self) -> Vec<SocketAddr> {
        self.relays.iter().map(|relay| relay.address).collect()
    }

    async fn round(
        &mut self,
        victim: Victim,
        chance: &mut Chance,
        remembered: &mut Vec<Remembered>,
    ) -> Outcome<Line> {
        let business = Arc::clone(&self.business);
        let conversations =
            tokio::task::block_in_place(|| supply::conversations(&business, PAIRS, PLENTY));
        let pairs: Vec<_> = (0..)
            .zip(conversations)
            .map(|(home, conversation)| {
                Pair::start(&business, conversation, self.addresses(), home, self.away)
            })
            .collect();
        let progress: Vec<_> = pairs
            .iter()
            .map(|pair| Arc::clone(&pair.progress))
            .collect();
        all_advance(&progress, &[0; PAIRS]).await?;
        let moment = Duration::from_millis(20 + chance.small(380));
        tokio::time::sleep(moment).await;

        let killed = Instant::now();
        self.kill(victim).await?;
        let away = self.away + Duration::from_millis(chance.small(150));
        // A relay says that its database is away; who goes away with it says nothing.
        let is_told = victim == Victim::Postgres && away > readiness::NOTICED;
        let mut noticed = None;
        if is_told {
            let relays = self.addresses();
            let unready = readiness::all_are(false, &relays).await?;
            readiness::none_is_for(away.saturating_sub(killed.elapsed()), &relays).await?;
            noticed = Some(unready);
        } else {
            tokio::time::sleep(away).await;
        }
        // What was acknowledged while nothing could be on its way from before.
        let before: Vec<_> = progress.iter().map(|pair| pair.acknowledged()).collect();
        self.revive(victim).await?;
        all_advance(&progress, &before).await?;
        let back = killed.elapsed();
        let mut line = Line::new(victim, moment, back);
        if let Some(unready) = noticed {
            let ready = readiness::all_are(true, &self.addresses()).await?;
            line.readiness = Some((unready, ready));
            if progress.iter().any(|pair| pair.told() == 0) {
                let words = "somebody was not told that the relay is unavailable";
                return Err(LoadError::Unexpected(words.to_owned()));
            }
        }
        tokio::time::sleep(Duration::from_millis(50)).await;

        for pair in pairs {
            let written = pair.stop().await?;
            line.acknowledged += written.acknowledged.len();
            line.repeated += written.repeated;
            let messages = &written.conversation.messages;
            check::log(messages, &written.acknowledged, &written.followed)?;
            line.read += written.followed.len();
            for address in self.addresses() {
                let read = self.read(address, &written).await?;
                check::log(messages, &written.acknowledged, &read)?;
                line.read += read.len();
            }
            remembered.push(Remembered::of(&written));
        }
        Ok(line)
    }

    async fn kill(&mut self, victim: Victim) -> Outcome {
        match victim {
            Victim::Relay(node) => {
                if let Some(relay) = self.relays.get_mut(node) {
                    relay.program.kill().await?;
                }
            }
            Victim::Postgres => {
                if let Some(server) = &self.postgres {
                    tokio::task::block_in_place(|| server.kill());
                }
            }
            Victim::Nats => {
                if let Some(nats) = &mut self.nats {
                    nats.program.kill().await?;
                }
            }
        }
        Ok(())
    }

    async fn revive(&mut self, victim: Victim) -> Outcome {
        match victim {
            Victim::Relay(node) => {
                let plan = self.plans.get(node).ok_or(LoadError::Ended)?;
                let relay = plan.start().await?;
                if let Some(place) = self.relays.get_mut(node) {
                    *place = relay;
                }
            }
            Victim::Postgres => {
                if let Some(server) = &self.postgres {
                    tokio::task::block_in_place(|| server.resume());
                }
            }
            Victim::Nats => {
                if let Some(nats) = &mut self.nats {
                    let folder = self.folder.path();
                    nats.program = nats::start(&nats.binary, folder, nats.address).await?;
                }
            }
        }
        Ok(())
    }

    /// A new connection's view of a contact.
    async fn read(&self, address: SocketAddr, written: &Written) -> Outcome<Vec<Bytes>> {
        let visitor = &written.conversation.visitor;
        let contact = written.conversation.contact;
        people::read(address, &self.business, visitor, contact).await
    }

    /// Every contact of every round, once more; returns how many messages they have.
    async fn read_again(&self, remembered: &[Remembered]) -> Outcome<usize> {
        let address = self.addresses().first().copied().ok_or(LoadError::Ended)?;
        let mut read = 0;
        for contact in remembered {
            let log =
                people::read(address, &self.business, &contact.visitor, contact.contact).await?;
            let hashes: Vec<_> = log.iter().map(hash).collect();
            if let Some(index) = differs(&contact.entries, &hashes) {
                return Err(Fault::OutOfOrder { index }.into());
            }
            read += log.len();
        }
        Ok(read)
    }
}

impl Remembered {
    fn of(written: &Written) -> Self {
        Self {
            visitor: people::same(&written.conversation.visitor),
            contact: written.conversation.contact,
            entries: written.followed.iter().map(hash).collect(),
        }
    }
}

/// The first index at which two logs differ.
fn differs(one: &[u64], other: &[u64]) -> Option<usize> {
    let common = one.iter().zip(other).position(|(one, other)| one != other);
    common.or_else(|| (one.len() != other.len()).then_some(one.len().min(other.len())))
}

fn hash(entry: &Bytes) -> u64 {
    let mut hasher = DefaultHasher::new();
    entry[..].hash(&mut hasher);
    hasher.finish()
}

/// Waits until everybody has more acknowledged than before.
async fn all_advance(progress: &[Arc<Progress>], before: &[usize]) -> Outcome {
    let start = Instant::now();
    let waits = |(now, before): (&Arc<Progress>, &usize)| now.acknowledged() <= *before;
    while progress.iter().zip(before).any(waits) {
        if progress
            .iter()
            .any(|pair| pair.failed.load(Ordering::Relaxed))
        {
            // Whoever failed says why when it is stopped.
            return Ok(());
        }
        if start.elapsed() > PATIENCE {
            return Err(LoadError::TimedOut("coming back"));
        }
        tokio::time::sleep(LOOK).await;
    }
    Ok(())
}

/// A seed that nobody chose.
fn seed() -> u64 {
    use std::hash::BuildHasher;

    std::hash::RandomState::new().hash_one(0)
}

/// Choices that a seed repeats: splitmix64.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn small(&mut self, below: u64) -> u64 {
        self.next() % below.max(1)
    }

    fn below(&mut self, number: usize) -> usize {
        let number = u64::try_from(number).unwrap_or(1);
        usize::try_from(self.small(number)).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_a_runs_choices() {
        let choices = |seed| {
            let mut chance = Chance(seed);
            (0..8).map(|_| chance.below(3)).collect::<Vec<_>>()
        };
        assert_eq!(choices(7), choices(7));
        assert_ne!(choices(7), choices(8));
    }

    #[test]
    fn logs_that_end_early_or_differ_are_told_from_the_same() {
        assert_eq!(differs(&[1, 2, 3], &[1, 2, 3]), None);
        assert_eq!(differs(&[1, 2, 3], &[1, 2]), Some(2));
        assert_eq!(differs(&[1, 2], &[1, 2, 3]), Some(2));
        assert_eq!(differs(&[1, 2, 3], &[1, 3, 2]), Some(1));
    }
}
