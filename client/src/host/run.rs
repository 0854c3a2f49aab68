//! The loop: one input at a time into the core, then all that comes out of it.

use std::collections::VecDeque;
use std::time::Duration;

use sottovoce::client::{Batch, Client, Event, Input, Output};
use sottovoce::wire::Time;
use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinHandle};
use tokio::time::timeout;

use super::Request;
use crate::connection::{Outgoing, Signal};
use crate::state::{Folder, StateError};

/// With so many events unread, nothing more is taken in that could make new ones.
const UNREAD: usize = 1024;
/// The longest sleep: the clock may be set, and machines sleep, while a timer knows of neither.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);
/// How long a connection may take to end.
const PATIENCE: Duration = Duration::from_secs(2);

/// A batch on its way to the disk. The core has one at a time there.
type Saving = JoinHandle<(Folder, u64, Result<(), StateError>)>;

/// Everything that a device's host holds.
pub(super) struct Host {
    client: Client,
    /// Away while a batch is being written; none where nothing is kept.
    folder: Option<Folder>,
    saving: Option<Saving>,
    outgoing: Option<Outgoing>,
    /// Events that wait for room in the channel.
    unread: VecDeque<Event>,
    events: mpsc::Sender<Event>,
    wake_at: Option<Time>,
    /// Why connections are refused, as far as that was told.
    refused: Option<&'static str>,
}

/// What the loop woke up for.
enum Woken {
    Input(Input),
    Signal(Signal),
    Saved(Result<(Folder, u64, Result<(), StateError>), JoinError>),
    /// Something that the core need not know.
    Nothing,
    /// The end. Whoever waits for it is told by dropping this.
    Stop(Option<tokio::sync::oneshot::Sender<()>>),
}

impl Host {
    pub(super) fn new(client: Client, folder: Option<Folder>, events: mpsc::Sender<Event>) -> Self {
        Self {
            client,
            folder,
            saving: None,
            outgoing: None,
            unread: VecDeque::new(),
            events,
            wake_at: None,
            refused: None,
        }
    }

    /// Runs until it is told to stop, or nobody is interested any more.
    pub(super) async fn run(
        mut self,
        mut requests: mpsc::Receiver<Request>,
        mut signals: mpsc::Receiver<Signal>,
        connection: JoinHandle<()>,
    ) {
        self.carry_out();
        let stopped = loop {
            match self.next(&mut requests, &mut signals).await {
                Woken::Input(input) => self.input(input),
                Woken::Signal(signal) => self.signal(signal),
                Woken::Saved(saved) => {
                    if self.saved(saved).is_err() {
                        break None;
                    }
                }
                Woken::Nothing => {}
                Woken::Stop(stopped) => break stopped,
            }
        };
        self.finish(signals, connection).await;
        // From here on commands are refused; only then is whoever waits told.
        drop(self);
        drop(requests);
        drop(stopped);
    }

    async fn next(
        &mut self,
        requests: &mut mpsc::Receiver<Request>,
        signals: &mut mpsc::Receiver<Signal>,
    ) -> Woken {
        let has_room = self.unread.len() < UNREAD;
        let sleep = self.sleep();
        tokio::select! {
            place = self.events.reserve(), if !self.unread.is_empty() => {
                match (place, self.unread.pop_front()) {
                    (Ok(place), Some(event)) => {
                        place.send(event);
                        Woken::Nothing
                    }
                    _ => Woken::Stop(None),
                }
            }
            () = self.events.closed() => Woken::Stop(None),
            request = requests.recv(), if has_room => match request {
                Some(Request::Command(command)) => Woken::Input(Input::Command(command)),
                Some(Request::Stop(stopped)) => Woken::Stop(Some(stopped)),
                None => Woken::Stop(None),
            },
            Some(signal) = signals.recv(), if has_room => Woken::Signal(signal),
            saved = written(&mut self.saving) => Woken::Saved(saved),
            () = tokio::time::sleep(sleep) => {
                if self.wake_at.is_some_and(|at| at <= crate::now()) {
                    self.wake_at = None;
                    Woken::Input(Input::Tick)
                } else {
                    Woken::Nothing
                }
            }
        }
    }

    fn sleep(&self) -> Duration {
        let now = crate::now();
        self.wake_at.map_or(LONGEST_SLEEP, |at| {
            Duration::from_millis(at.millis_since(now)).min(LONGEST_SLEEP)
        })
    }

    fn input(&mut self, input: Input) {
        self.client.handle(crate::now(), input);
        self.carry_out();
    }

    fn signal(&mut self, signal: Signal) {
        match signal {
            Signal::Connected(outgoing) => {
                self.outgoing = Some(outgoing);
                self.refused = None;
                self.input(Input::Connected);
            }
            Signal::Message(bytes) => self.input(Input::Frame(bytes)),
            Signal::Disconnected => {
                self.outgoing = None;
                self.input(Input::Disconnected);
            }
            // The core knows of no TLS. Told once, though it is tried again and again.
            Signal::Refused(code) => {
                if self.refused.replace(code) != Some(code) {
                    let contact = None;
                    self.unread.push_back(Event::Failed { contact, code });
                }
            }
        }
    }

    /// A batch was written, or could not be. Without its writer nothing can be kept any more.
    fn saved(
        &mut self,
        saved: Result<(Folder, u64, Result<(), StateError>), JoinError>,
    ) -> Result<(), JoinError> {
        self.saving = None;
        let (folder, batch, result) = saved?;
        self.folder = Some(folder);
        self.input(match result {
            Ok(()) => Input::Stored(batch),
            Err(error) => {
                tracing::error!(code = error.code(), %error, "the state was not stored");
                Input::StoreFailed(batch)
            }
        });
        Ok(())
    }

    /// Does what the core wants, in its order.
    fn carry_out(&mut self) {
        while let Some(output) = self.client.poll(crate::now()) {
            match output {
                Output::Transmit(frame) => {
                    // A connection that is just ending takes no more; its end is on its way here.
                    let _ = self.outgoing.as_ref().map(|queue| queue.send(frame));
                }
                Output::Store(batch) => self.store(batch),
                Output::Event(event) => self.unread.push_back(*event),
                Output::WakeAt(at) => self.wake_at = Some(at),
            }
        }
    }

    /// Writing takes milliseconds that nobody else should wait for. The core holds back whatever
    /// depends on the batch.
    fn store(&mut self, batch: Batch) {
        let Some(mut folder) = self.folder.take() else {
            return self.client.handle(crate::now(), Input::Stored(batch.id));
        };
        self.saving = Some(tokio::task::spawn_blocking(move || {
            let id = batch.id;
            let result = folder.apply(batch);
            (folder, id, result)
        }));
    }

    /// Waits for what is on its way to the disk, and then to the relay.
    async fn finish(&mut self, mut signals: mpsc::Receiver<Signal>, connection: JoinHandle<()>) {
        while self.saving.is_some() {
            let saved = written(&mut self.saving).await;
            if self.saved(saved).is_err() {
                break;
            }
        }
        if self.outgoing.take().is_some() {
            let end = async {
                while !matches!(signals.recv().await, None | Some(Signal::Disconnected)) {}
            };
            let _ = timeout(PATIENCE, end).await;
        }
        connection.abort();
    }
}

/// The end of the writing that is under way; never, if none is.
async fn written(
    saving: &mut Option<Saving>,
) -> Result<(Folder, u64, Result<(), StateError>), JoinError> {
    match saving {
        Some(saving) => saving.await,
        None => std::future::pending().await,
    }
}
