//! A whole run: every subject in turn, so that what disturbs the machine disturbs all of them.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};
use sottovoce_test_postgres::Server;
use sottovoce_test_scene::Business;
use tempfile::TempDir;
use tokio::process::Command;
use tokio_tungstenite::tungstenite::Message;

use crate::link::{self, Target};
use crate::measure::{disk, idle, latency, storm, throughput};
use crate::peers::{nats, redis};
use crate::program::{self, CertificateFiles, Program, Relay, RelayPlan};
use crate::report::{Report, State, Store, Subject};
use crate::supply::{self, Conversation};
use crate::{LoadError, Outcome};

/// Numbers of writers.
pub const WRITERS: [usize; 3] = [1, 8, 64];
/// More messages per second than so many writers get acknowledged, so that supplies last.
const PLENTY: [f64; 3] = [8_000.0, 20_000.0, 36_000.0];
/// Commits have to be new when they are taken, so supplies do not keep.
const FRESH: Duration = Duration::from_secs(300);

/// The programs that are measured.
#[derive(Clone, Debug)]
pub struct Programs {
    /// `relay-under-load`.
    pub relay: PathBuf,
    /// `nats-server`.
    pub nats: PathBuf,
    /// `redis-server`.
    pub redis: PathBuf,
}

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub struct Extent {
    /// How long each throughput is measured.
    pub throughput: Duration,
    /// How often; the median counts.
    pub repetitions: usize,
    /// How long each latency is measured.
    pub latency: Duration,
    /// Idle connections: from, to.
    pub idle: (usize, usize),
    /// Clients of a storm.
    pub storm: usize,
}

impl Extent {
    /// Everything, in about ten minutes.
    pub const FULL: Self = Self {
        throughput: Duration::from_secs(3),
        repetitions: 3,
        latency: Duration::from_secs(6),
        idle: (1_000, 10_000),
        storm: 10_000,
    };
    /// Everything, smaller, in under three minutes.
    pub const QUICK: Self = Self {
        throughput: Duration::from_millis(1200),
        repetitions: 1,
        latency: Duration::from_secs(3),
        idle: (200, 2_000),
        storm: 1_500,
    };
}

/// One run.
struct Run {
    programs: Programs,
    extent: Extent,
    folder: TempDir,
    postgres: Server,
    business: Arc<Business>,
    supplies: Vec<Vec<Arc<Conversation>>>,
    supplied: Instant,
    started: usize,
}

/// Measures everything.
///
/// # Errors
/// [`LoadError`].
pub async fn run(programs: Programs, extent: Extent) -> Outcome<Report> {
    program::raise_file_limit()?;
    let business = Arc::new(Business::new());
    let mut run = Run {
        programs,
        extent,
        folder: tempfile::tempdir()?,
        postgres: tokio::task::block_in_place(|| Server::start(&[])),
        supplies: Vec::new(),
        supplied: Instant::now(),
        business,
        started: 0,
    };
    let mut report = Report::default();
    for is_busy in [false, true] {
        // Dropping it ends it.
        let _busy = is_busy
            .then(|| program::busy_loop(run.folder.path()))
            .transpose()?;
        report.states.push(run.state(is_busy).await?);
    }
    say("memory of idle connections");
    report.idle_plain = run.idle(None).await?;
    let files = certificate(run.folder.path())?;
    report.idle_tls = run.idle(Some(files)).await?;
    report.idle_connections = extent.idle;
    report.storm_clients = extent.storm;
    Ok(report)
}

impl Run {
    async fn state(&mut self, is_busy: bool) -> Outcome<State> {
        let mut state = State {
            is_busy,
            ..State::default()
        };
        let name = state.name();
        say(&format!("{name}: the disk"));
        state.synchronisations =
            tokio::task::block_in_place(|| disk::synchronisations(self.folder.path(), SECOND))?;
        for (index, writers) in WRITERS.into_iter().enumerate() {
            say(&format!("{name}: {writers} writers"));
            let mut rates = Subject::ALL.map(|_| Vec::new());
            for _ in 0..self.extent.repetitions {
                for (rates, subject) in rates.iter_mut().zip(Subject::ALL) {
                    rates.push(self.throughput(subject, index, writers).await?);
                }
            }
            for (mut rates, subject) in rates.into_iter().zip(Subject::ALL) {
                rates.sort_unstable_by(f64::total_cmp);
                let median = rates.get(rates.len() / 2).copied().unwrap_or_default();
                state.rates.push((subject, writers, median));
            }
        }
        for store in Store::ALL {
            say(&format!("{name}: latency, {store}"));
            let highest = state.highest(Subject::Relay(store));
            state
                .latencies
                .push(self.latency(store, highest / 2.0).await?);
        }
        for store in Store::ALL {
            say(&format!("{name}: a storm, {store}"));
            state.storms.push((store, self.storm(store).await?));
        }
        Ok(state)
    }

    async fn throughput(&mut self, subject: Subject, index: usize, writers: usize) -> Outcome<f64> {
        let conversations = self.supply(index);
        let time = self.extent.throughput;
        let folder = tempfile::tempdir_in(self.folder.path())?;
        let first = conversations.first().and_then(|of| of.messages.get(1));
        let payload: Arc<[u8]> = first
            .map(|message| message.entry.to_vec().into())
            .unwrap_or_default();
        match subject {
            Subject::JetStream => {
                let address = program::free_port()?;
                let _server = nats::start(&self.programs.nats, folder.path(), address).await?;
                nats::make_stream(address).await?;
                let mut publishers = Vec::new();
                for number in 0..writers {
                    let payload = Arc::clone(&payload);
                    publishers.push(nats::Publisher::connect(address, number, payload).await?);
                }
                throughput::closed_loop(publishers, time).await
            }
            Subject::Redis => {
                let (_server, address) = redis::start(&self.programs.redis, folder.path()).await?;
                let mut publishers = Vec::new();
                for number in 0..writers {
                    publishers.push(redis::Publisher::connect(address, number, &payload).await?);
                }
                throughput::closed_loop(publishers, time).await
            }
            Subject::Relay(store) => {
                let (_relay, target) = self.relay(store, folder.path(), None).await?;
                let visitors =
                    throughput::visitors(&target, &self.business, &conversations).await?;
                throughput::closed_loop(visitors, time).await
            }
        }
    }

    async fn latency(
        &mut self,
        store: Store,
        rate: f64,
    ) -> Outcome<(Store, f64, latency::Latency, latency::Latency)> {
        let conversations = self.supply(WRITERS.len() - 1);
        let time = self.extent.latency;
        let folder = tempfile::tempdir_in(self.folder.path())?;
        let bare = {
            let mut command = Command::new(std::env::current_exe()?);
            command.arg("echo");
            let mut server = Program::start("echo", command, folder.path())?;
            let target = Target::plain(server.says(|line| line.parse().ok()).await?);
            let frame = conversations.first().and_then(|of| of.messages.get(1));
            let frame = frame
                .map(|message| message.frame.clone())
                .unwrap_or_default();
            let message = Message::Binary(frame);
            latency::echo(&target, &message, conversations.len(), rate, time).await?
        };
        let (_relay, target) = self.relay(store, folder.path(), None).await?;
        let whole = latency::relay(&target, &self.business, &conversations, rate, time).await?;
        Ok((store, rate, whole, bare))
    }

    async fn storm(&mut self, store: Store) -> Outcome<Duration> {
        let folder = tempfile::tempdir_in(self.folder.path())?;
        let plan = self.plan(store, folder.path(), None);
        let mut relay = plan.start().await?;
        let target = Target::plain(relay.address);
        link::publish(&target, &self.business).await?;
        let conversations = storm::prepare(&target, &self.business, self.extent.storm).await?;
        relay.program.kill().await?;
        let relay = plan.start().await?;
        let target = Target::plain(relay.address);
        storm::storm(&target, &self.business, &conversations).await
    }

    async fn idle(&mut self, tls: Option<CertificateFiles>) -> Outcome<f64> {
        let folder = tempfile::tempdir_in(self.folder.path())?;
        let (relay, target) = self.relay(Store::Sqlite, folder.path(), tls).await?;
        idle::bytes_per_connection(&relay, &target, &self.business, self.extent.idle).await
    }

    /// A relay with a new database that knows its account.
    async fn relay(
        &mut self,
        store: Store,
        folder: &Path,
        tls: Option<CertificateFiles>,
    ) -> Outcome<(Relay, Target)> {
        let connector = tls.as_ref().map(connector).transpose()?;
        let relay = self.plan(store, folder, tls).start().await?;
        let target = Target {
            address: relay.address,
            tls: connector,
        };
        link::publish(&target, &self.business).await?;
        Ok((relay, target))
    }

    fn plan(&mut self, store: Store, folder: &Path, tls: Option<CertificateFiles>) -> RelayPlan {
        self.started += 1;
        let database = match store {
            Store::Sqlite => folder.join("relay.db").display().to_string(),
            Store::Postgres => tokio::task::block_in_place(|| self.postgres.database()),
        };
        RelayPlan {
            binary: self.programs.relay.clone(),
            name: "relay".to_owned(),
            folder: folder.to_owned(),
            listen: program::anywhere(),
            database,
            account: self.business.id,
            tls,
            nats: None,
        }
    }

    /// What so many writers write: signed beforehand, and not too long before.
    fn supply(&mut self, index: usize) -> Vec<Arc<Conversation>> {
        if self.supplied.elapsed() > FRESH {
            self.supplies.clear();
        }
        if self.supplies.is_empty() {
            say("signing what will be written");
            self.supplied = Instant::now();
            let seconds = self.extent.throughput.max(self.extent.latency / 2) + SECOND / 2;
            for (writers, plenty) in WRITERS.into_iter().zip(PLENTY) {
                // Small and positive.
                #[allow(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    clippy::cast_precision_loss
                )]
                let length = (plenty * seconds.as_secs_f64() / writers as f64) as usize;
                let business = &self.business;
                let made = tokio::task::block_in_place(|| {
                    supply::conversations(business, writers, length)
                });
                self.supplies.push(made);
            }
        }
        self.supplies.get(index).cloned().unwrap_or_default()
    }
}

const SECOND: Duration = Duration::from_secs(1);

/// Progress goes to standard error: standard output is the report's.
fn say(what: &str) {
    eprintln!("{what} …");
}

/// A certificate for the loopback address.
fn certificate(folder: &Path) -> Outcome<CertificateFiles> {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()])
        .map_err(|error| LoadError::Unexpected(error.to_string()))?;
    let files = CertificateFiles {
        certificate: folder.join("certificate.pem"),
        key: folder.join("key.pem"),
    };
    fs::write(&files.certificate, made.cert.pem())?;
    fs::write(&files.key, made.signing_key.serialize_pem())?;
    Ok(files)
}

/// Trusts only this certificate.
fn connector(files: &CertificateFiles) -> Outcome<tokio_rustls::TlsConnector> {
    use rustls::pki_types::pem::PemObject;

    let wrong = |error: &dyn std::fmt::Display| LoadError::Unexpected(error.to_string());
    let certificate =
        CertificateDer::from_pem_file(&files.certificate).map_err(|error| wrong(&error))?;
    let mut roots = RootCertStore::empty();
    roots.add(certificate).map_err(|error| wrong(&error))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| wrong(&error))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(tokio_rustls::TlsConnector::from(Arc::new(config)))
}
