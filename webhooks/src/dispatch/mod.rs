//! Carries events to endpoints: at least once, in order for each endpoint and contact, a bounded
//! number at a time.
//!
//! An event that fails holds back later ones about the same contact until it is delivered or given
//! up, about three days later; other contacts go on. Several processes may share a database: each
//! holds a lease on what it delivers, and what a killed one held is due again when that ends.

mod ask;
mod attempt;
mod metrics;
mod request;
mod schedule;
mod tls;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use prometheus_client::metrics::counter::Counter;
use rustls::pki_types::CertificateDer;
use sottovoce::wire::Time;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::delivery::Attempt;
use crate::endpoint::{Disabled, EndpointId};
use crate::identity;
use crate::keys::KeyError;
use crate::store::{Claim, Job, Next, Recorded, Report, Retention, Store, StoreError};
use crate::target::{Resolver, SystemResolver, Targets};
use crate::texts::Texts;

pub use ask::Asker;
pub use attempt::AttemptError;
use attempt::{Caller, Outcome};
pub use metrics::Metrics;
pub use tls::{RootError, read_roots};

/// How often a dispatcher looks for what became due, and for what others recorded.
const POLL: Duration = Duration::from_secs(1);
/// How long between two prunings.
const PRUNE: u64 = 60 * 60 * 1000;

/// Tells the time; tests have their own.
pub trait Clock: Send + Sync + 'static {
    /// Now.
    fn now(&self) -> Time;
}

/// The system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Time {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let millis = since.unwrap_or_default().as_millis();
        Time::from_millis(u64::try_from(millis).unwrap_or(u64::MAX))
    }
}

/// What a dispatcher is told.
#[derive(Clone, Debug)]
pub struct Config {
    /// The service's host name, for the older header set.
    pub host: String,
    /// Which addresses may be called.
    pub targets: Targets,
    /// Roots that are trusted beside those of the web.
    pub extra_roots: Vec<CertificateDer<'static>>,
    /// Most calls under way.
    pub in_flight: usize,
    /// Most calls under way to one endpoint.
    pub in_flight_per_endpoint: usize,
    /// Longest time for name, connection and TLS together.
    pub connect_timeout: Duration,
    /// Longest time from there to the end of the answer.
    pub answer_timeout: Duration,
    /// How much longer than an attempt's time its lease is: what a killed process held is due
    /// again that much later.
    pub lease_margin: Duration,
    /// How long what is kept.
    pub retention: Retention,
    /// What messages say, if that is told as well.
    pub texts: Option<Arc<dyn Texts>>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            host: String::new(),
            targets: Targets::default(),
            extra_roots: Vec::new(),
            in_flight: 64,
            in_flight_per_endpoint: 8,
            connect_timeout: Duration::from_secs(10),
            answer_timeout: Duration::from_secs(20),
            lease_margin: Duration::from_secs(15),
            retention: Retention::default(),
            texts: None,
        }
    }
}

/// A dispatcher cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// An extra root cannot be used.
    #[error(transparent)]
    Root(#[from] RootError),
    /// The database cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It cannot name itself.
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// A running dispatcher. Dropped, it stops without waiting for what is under way; what that was is
/// sent again later.
#[derive(Debug)]
pub struct Dispatcher {
    bell: Arc<Notify>,
    stop: CancellationToken,
    metrics: Metrics,
    running: JoinHandle<()>,
}

impl Dispatcher {
    /// Starts one on the current tokio runtime.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn start(store: Arc<dyn Store>, config: Config) -> Result<Self, StartError> {
        Self::start_with(
            store,
            config,
            Arc::new(SystemClock),
            Arc::new(SystemResolver),
        )
        .await
    }

    /// Starts one with its own clock and resolver.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn start_with(
        store: Arc<dyn Store>,
        config: Config,
        clock: Arc<dyn Clock>,
        resolver: Arc<dyn Resolver>,
    ) -> Result<Self, StartError> {
        store.recover(clock.now()).await?;
        let bell = Arc::new(Notify::new());
        let stop = CancellationToken::new();
        let metrics = Metrics::default();
        let (done, reports) = mpsc::channel(config.in_flight.max(1));
        let run = Run {
            holder: identity::fresh("")?,
            caller: Arc::new(Caller::new(&config, Arc::clone(&clock), resolver)?),
            pruned: Time::default(),
            unwritten: Vec::new(),
            busy: HashMap::new(),
            store,
            config,
            clock,
            done,
            reports,
            bell: Arc::clone(&bell),
            stop: stop.clone(),
            metrics: metrics.clone(),
        };
        Ok(Self {
            bell,
            stop,
            metrics,
            running: tokio::spawn(run.run()),
        })
    }

    /// Says that something was recorded. Costs nothing.
    pub fn wake(&self) {
        self.bell.notify_one();
    }

    /// A way to say so from elsewhere, in particular wherever events are recorded.
    pub fn waker(&self) -> Waker {
        Waker {
            bell: Arc::clone(&self.bell),
            dropped: self.metrics.dropped.clone(),
        }
    }

    /// What it counts.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Begins nothing new, waits for what is under way, and writes what became of it.
    pub async fn drain(mut self) {
        self.stop.cancel();
        // It ends by itself: every attempt has its time.
        let _ = (&mut self.running).await;
    }
}

impl Drop for Dispatcher {
    fn drop(&mut self) {
        self.running.abort();
    }
}

/// Wakes a dispatcher; the default one has none to wake.
#[derive(Clone, Debug, Default)]
pub struct Waker {
    bell: Arc<Notify>,
    dropped: Counter,
}

impl Waker {
    /// Says that something was recorded. Costs nothing.
    pub fn wake(&self) {
        self.bell.notify_one();
    }

    /// Says what became of events whose transaction is committed.
    pub fn recorded(&self, recorded: Recorded) {
        if recorded.deliveries > 0 {
            self.wake();
        }
        if recorded.dropped > 0 {
            let dropped = u64::try_from(recorded.dropped).unwrap_or(u64::MAX);
            self.dropped.inc_by(dropped);
        }
    }
}

struct Run {
    store: Arc<dyn Store>,
    config: Config,
    clock: Arc<dyn Clock>,
    caller: Arc<Caller>,
    holder: String,
    bell: Arc<Notify>,
    stop: CancellationToken,
    done: mpsc::Sender<Report>,
    reports: mpsc::Receiver<Report>,
    /// What is under way, by endpoint.
    busy: HashMap<EndpointId, usize>,
    /// What the store has not been told yet.
    unwritten: Vec<Report>,
    pruned: Time,
    metrics: Metrics,
}

impl Run {
    async fn run(mut self) {
        loop {
            let is_stopping = self.stop.is_cancelled();
            let idle = self.busy.is_empty() && self.unwritten.is_empty();
            if is_stopping && idle {
                return;
            }
            let step = self.step(is_stopping).await;
            let more = match step {
                Ok(more) => more,
                Err(error) => {
                    tracing::warn!(code = error.code(), "webhooks cannot use the database");
                    if is_stopping && self.busy.is_empty() {
                        // What was sent and could not be written is sent again.
                        return;
                    }
                    false
                }
            };
            if !more {
                self.wait(is_stopping).await;
            }
            while let Ok(report) = self.reports.try_recv() {
                self.take(report);
            }
        }
    }

    /// Until there may be something to do.
    async fn wait(&mut self, is_stopping: bool) {
        tokio::select! {
            report = self.reports.recv() => {
                if let Some(report) = report {
                    self.take(report);
                }
            }
            () = self.bell.notified(), if !is_stopping => {}
            () = self.stop.cancelled(), if !is_stopping => {}
            () = tokio::time::sleep(POLL) => {}
        }
    }

    fn take(&mut self, report: Report) {
        if let Some(count) = self.busy.get_mut(&report.lease.endpoint) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.busy.remove(&report.lease.endpoint);
            }
        }
        self.unwritten.push(report);
    }

    /// Writes what was done and begins what is due; whether there may be more right now.
    async fn step(&mut self, is_stopping: bool) -> Result<bool, StoreError> {
        let now = self.clock.now();
        if !self.unwritten.is_empty() {
            self.store.finish(&self.unwritten, now).await?;
            self.unwritten.clear();
        }
        if is_stopping {
            return Ok(false);
        }
        if now.millis_since(self.pruned) >= PRUNE {
            self.pruned = now;
            self.store.prune(&self.config.retention, now).await?;
        }
        let under_way: usize = self.busy.values().sum();
        let room = self.config.in_flight.saturating_sub(under_way);
        if room == 0 {
            return Ok(false);
        }
        let life =
            self.config.connect_timeout + self.config.answer_timeout + self.config.lease_margin;
        let life = u64::try_from(life.as_millis()).unwrap_or(u64::MAX);
        let claim = Claim {
            now,
            until: now.plus_millis(life),
            holder: self.holder.clone(),
            most: room,
            per_endpoint: self.config.in_flight_per_endpoint,
            busy: self.busy.clone(),
        };
        let jobs = self.store.claim(&claim).await?;
        let began = !jobs.is_empty();
        for job in jobs {
            *self.busy.entry(job.lease.endpoint.clone()).or_default() += 1;
            let caller = Arc::clone(&self.caller);
            let clock = Arc::clone(&self.clock);
            let done = self.done.clone();
            let metrics = self.metrics.clone();
            tokio::spawn(async move {
                metrics.in_flight.inc();
                let report = deliver(&caller, clock.as_ref(), &metrics, job).await;
                metrics.in_flight.dec();
                // Whoever is not there to hear it has let go of the lease.
                let _ = done.send(report).await;
            });
        }
        Ok(began)
    }
}

async fn deliver(caller: &Caller, clock: &dyn Clock, metrics: &Metrics, job: Job) -> Report {
    let started = clock.now();
    let timer = std::time::Instant::now();
    let outcome = caller.call(&job, started).await;
    let duration = u64::try_from(timer.elapsed().as_millis()).unwrap_or(u64::MAX);
    metrics.attempted(outcome.error, duration);
    let next = next(&outcome, &job, clock.now());
    tracing::debug!(
        endpoint = job.lease.endpoint.as_str(),
        event = job.event,
        status = outcome.status,
        error = outcome.error.map(AttemptError::code),
        "a webhook was called"
    );
    Report {
        lease: job.lease,
        delivery: job.delivery,
        attempt: Attempt {
            started,
            duration,
            status: outcome.status,
            error: outcome.error.map(|error| error.code().to_owned()),
            excerpt: outcome.excerpt,
        },
        next,
    }
}

fn next(outcome: &Outcome, job: &Job, now: Time) -> Next {
    match outcome.error {
        None => Next::Delivered,
        Some(AttemptError::Gone) => Next::Disable(Disabled::Gone),
        Some(AttemptError::Erased) => Next::Failed,
        Some(_) => match schedule::delay(job.tries, outcome.retry_after) {
            Some(delay) => Next::Retry(now.plus_millis(delay)),
            None => Next::Failed,
        },
    }
}
