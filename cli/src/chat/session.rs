//! A chat in the terminal: events become lines, typed lines become commands.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use sottovoce::client::{
    AccountView, Command, ConnectionState, ContactState, ContactView, Event, Item, ItemBody, System,
};
use sottovoce::wire::ContactId;
use sottovoce_client::{Handle, Stopped};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::directory::{Answer, Search};
use super::inbox::Inbox;
use super::keyboard::Keyboard;
use super::reading::Reading;
use super::screen::{Line, Screen, Tone};
use super::show::{self, because};
use super::transcript::{Outgoing, Transcript};
use crate::clock;
use crate::failure::{Failure, Outcome};
use crate::text::printable;
use crate::words;

/// How long the end waits for what was written last to reach the relay.
const PATIENCE: Duration = Duration::from_secs(10);
/// After how long a visitor hears why the conversation has not begun.
const USUAL_START: Duration = Duration::from_secs(5);

/// Whose side of the conversation this is.
pub(super) enum Side {
    Visitor { entry_point: String, is_kept: bool },
    Agent { invited: bool },
}

/// The chat's whole state. It does nothing itself: lines go to the screen, commands into a queue.
pub(super) struct Session {
    pub(super) side: Side,
    screen: Screen,
    pub(super) commands: VecDeque<Command>,
    pub(super) account: Option<AccountView>,
    is_online: Option<bool>,
    is_approved: bool,
    pub(super) inbox: Inbox,
    pub(super) views: BTreeMap<ContactId, ContactView>,
    /// Contacts in which nothing is sent any more, and why.
    pub(super) ended: BTreeMap<ContactId, &'static str>,
    /// The open contact.
    pub(super) current: Option<ContactId>,
    pub(super) transcript: Transcript,
    /// The open contact was known already and is about to be shown from its beginning: what comes
    /// before its view was meant for the list.
    is_reopening: bool,
    pub(super) outgoing: Outgoing,
    /// Contacts that are not open and have news that was told.
    pub(super) unseen: BTreeSet<ContactId>,
    reading: Reading,
    /// Visitor: texts typed before the contact has an id.
    pub(super) early: Vec<String>,
    pub(super) is_starting: bool,
    explain_at: Option<Instant>,
    /// A contact to claim as soon as it is loaded.
    pub(super) claim_when_loaded: Option<ContactId>,
    pub(super) search: Option<Search>,
    /// A claim, transfer or close was given and nothing has come of it yet.
    pub(super) is_changing: bool,
    ends_at: Option<Instant>,
}

impl Session {
    /// `contacts`: those that a visitor's device has kept.
    pub(super) fn new(side: Side, screen: Screen, contacts: Vec<ContactId>) -> Self {
        let mut session = Self {
            side,
            screen,
            commands: VecDeque::new(),
            account: None,
            is_online: None,
            is_approved: false,
            inbox: Inbox::default(),
            views: BTreeMap::new(),
            ended: BTreeMap::new(),
            current: None,
            transcript: Transcript::default(),
            is_reopening: false,
            outgoing: Outgoing::default(),
            unseen: BTreeSet::new(),
            reading: Reading::default(),
            early: Vec::new(),
            is_starting: false,
            explain_at: None,
            claim_when_loaded: None,
            search: None,
            is_changing: false,
            ends_at: None,
        };
        if let Some(contact) = contacts.into_iter().next() {
            session.open(contact);
        }
        session
    }

    /// Runs until the person leaves, or something ends the chat.
    pub(super) async fn run(
        mut self,
        handle: Handle,
        mut events: mpsc::Receiver<Event>,
        mut keyboard: Keyboard,
    ) -> Outcome {
        let outcome = loop {
            if self.has_ended() {
                break self.judge_end();
            }
            let ends_at = self.ends_at;
            let next = self.commands.front().cloned();
            // Typed lines wait until commands are through, so neither piles up.
            let may_type = next.is_none() && ends_at.is_none();
            tokio::select! {
                event = events.recv() => match event {
                    Some(event) => if let Err(failure) = self.event(event) {
                        break Err(failure);
                    },
                    None => break Err(Failure::new("stopped", words::of("stopped"))),
                },
                given = give(&handle, next.clone()), if next.is_some() => match given {
                    Ok(()) => drop(self.commands.pop_front()),
                    Err(stopped) => break Err(Failure::new(stopped.code(), stopped.to_string())),
                },
                line = keyboard.line(), if may_type => match line {
                    Some(line) => self.typed(&line),
                    None => self.end(),
                },
                () = at(ends_at) => break self.judge_end(),
                () = at(self.explain_at) => self.explain_wait(),
                () = at(self.reading.due()) => self.tell_read(),
            }
        };
        handle.stop().await;
        outcome
    }

    /// The person wants to leave: what is under way gets a moment.
    pub(super) fn end(&mut self) {
        if self.ends_at.is_none() {
            self.ends_at = Some(Instant::now() + PATIENCE);
            if self.outgoing.has_stranded() {
                self.say(&Line::warning(
                    "something stays unsent in a conversation that ended at the relay",
                ));
            }
            if self.is_busy() {
                self.say(&Line::new(Tone::Quiet, "  (finishing what is under way)"));
            }
        }
    }

    fn has_ended(&self) -> bool {
        self.ends_at.is_some() && !self.is_busy()
    }

    fn is_busy(&self) -> bool {
        !self.commands.is_empty()
            || !self.early.is_empty()
            || self.outgoing.is_sending()
            || self.is_changing
            || self.claim_when_loaded.is_some()
            || self.search.is_some()
    }

    fn judge_end(&self) -> Outcome {
        if !self.is_busy() {
            return Ok(());
        }
        let words = match &self.side {
            Side::Visitor { is_kept: false, .. } => "not everything reached the relay; it is lost",
            _ => "not everything reached the relay; start again with the same --state to send it",
        };
        Err(Failure::new("not-sent", words))
    }

    /// Prints a line.
    pub(super) fn say(&mut self, line: &Line) {
        self.screen.print(line);
    }

    pub(super) fn say_all(&mut self, lines: &[Line]) {
        for line in lines {
            self.screen.print(line);
        }
    }

    /// A visitor's conversation is about to begin.
    pub(super) fn starts(&mut self) {
        self.is_starting = true;
        self.explain_at = Some(Instant::now() + USUAL_START);
    }

    /// The conversation has not begun yet. Without the team's keys there is nothing to seal to.
    fn explain_wait(&mut self) {
        self.explain_at = None;
        if self.views.is_empty() && self.is_online == Some(true) {
            self.say(&Line::notice(
                "not sent yet: nobody who answers here has been there lately; it is tried again",
            ));
        }
    }

    /// Makes a contact the open one; its transcript comes as events.
    pub(super) fn open(&mut self, contact: ContactId) {
        let left = self.current.filter(|before| *before != contact);
        if let Some(before) = left
            && self.views.get(&before).is_some_and(|view| !is_mine(view))
        {
            self.commands.push_back(Command::Leave { contact: before });
            self.views.remove(&before);
        }
        self.current = Some(contact);
        self.transcript = Transcript::default();
        self.is_reopening = self.views.contains_key(&contact);
        self.reading = Reading::default();
        self.unseen.remove(&contact);
        self.commands.push_back(Command::Open { contact });
    }

    /// Whether a contact is the open one.
    fn is_open(&self, contact: ContactId) -> bool {
        self.current == Some(contact)
    }

    fn event(&mut self, event: Event) -> Outcome {
        match event {
            Event::Connection(state) => return self.connection(&state),
            Event::Account(account) => self.account(account),
            Event::Unapproved { request } => self.unapproved(&request),
            Event::Started { contact } => self.started(contact),
            Event::Contact(view) => self.contact(view),
            Event::Item { contact, item } => self.item(contact, item),
            Event::ItemRemoved { contact, key } => {
                if self.outgoing.remove(contact, &key) {
                    self.say(&Line::new(Tone::Quiet, "  (given up)"));
                }
                if self.is_open(contact) {
                    self.transcript.remove(&key);
                }
            }
            Event::Typing { contact, author } => {
                if self.is_open(contact) && self.screen.shows_typing() {
                    let words = format!("  ({} is typing)", show::name(&author));
                    self.say(&Line::new(Tone::Quiet, words));
                }
            }
            Event::Inbox(entries) => {
                let news = self.inbox.replace(entries);
                self.say_all(&news);
            }
            Event::Team { team, members } => {
                if let Some(search) = self.search.take() {
                    let answer = search.heard(&team, members);
                    self.searched(answer);
                }
            }
            Event::ClaimLost { by, .. } => {
                self.is_changing = false;
                let by = by
                    .as_ref()
                    .map_or_else(|| "somebody".to_owned(), show::name);
                self.say(&Line::warning(format!(
                    "{by} was faster and has the contact"
                )));
            }
            Event::ReturnedToDraft { text, joined, .. } => {
                let words = format!(
                    "not sent, because a {} joined meanwhile; write it again if you want: {}",
                    joined.name(),
                    printable(&text)
                );
                self.say(&Line::warning(words));
            }
            Event::Failed { contact, code } => return self.failed(contact, code),
            Event::Alarm {
                code,
                stops_sending,
                ..
            } => {
                let stops = if stops_sending {
                    "; nothing is sent any more"
                } else {
                    ""
                };
                self.say(&Line::warning(format!("ALARM: {}{stops}", because(code))));
            }
            Event::Storage { working } => self.say(&if working {
                Line::notice("what is written is kept again")
            } else {
                Line::warning("the disk takes nothing: what is written now may be lost")
            }),
            // Events that this version does not know need no lines.
            _ => {}
        }
        Ok(())
    }

    fn connection(&mut self, state: &ConnectionState) -> Outcome {
        match state {
            ConnectionState::Online => {
                if self.is_online == Some(false) {
                    self.say(&Line::notice("connected again"));
                }
                self.is_online = Some(true);
            }
            ConnectionState::Offline => {
                if self.is_online != Some(false) {
                    self.say(&Line::notice("not connected; trying again"));
                }
                self.is_online = Some(false);
            }
            ConnectionState::Connecting => {}
            ConnectionState::Refused(code) => {
                // Some reasons pass by themselves, and the host comes back.
                let passing = [
                    "going-away",
                    "throttled",
                    "timed-out",
                    "too-slow",
                    "unavailable",
                ];
                if !passing.contains(&code.as_str()) {
                    let words = format!("the relay refused this device: {}", words::of(code));
                    return Err(Failure::new(words::shown(code), words));
                }
            }
        }
        Ok(())
    }

    fn account(&mut self, account: AccountView) {
        let approved = account.own.role.is_staff() && !account.own.name.is_empty();
        if approved && !self.is_approved {
            self.is_approved = true;
            let words = format!(
                "you are {} ({}) of {}; /help lists what there is",
                printable(&account.own.name),
                account.own.role.name(),
                printable(&account.own_teams.join(", "))
            );
            self.say(&Line::notice(words));
        }
        let first = self.account.is_none();
        if first
            && let Side::Visitor {
                entry_point,
                is_kept,
            } = &self.side
        {
            let name = account
                .entry_points
                .iter()
                .find(|entry| entry.id == *entry_point);
            let name = name.map_or(entry_point.as_str(), |entry| entry.name.as_str());
            let kept = if *is_kept {
                ""
            } else {
                "; nothing is kept here: when the program ends, the conversation is gone"
            };
            let words = format!(
                "write to {}{kept}; /help lists what there is",
                printable(name)
            );
            self.say(&Line::notice(words));
        }
        let known = self.account.as_ref();
        let warned = known.is_some_and(|before| before.expires_soon);
        let is_agent = matches!(self.side, Side::Agent { .. });
        if !warned && let Some(line) = show::policy_end(&account, is_agent, clock::now()) {
            self.say(&line);
        }
        self.account = Some(account);
    }

    fn unapproved(&mut self, request: &str) {
        // Nobody's credential counts then; the reason was said with the account.
        if show::has_run_out(self.account.as_ref(), clock::now()) {
            return;
        }
        if matches!(self.side, Side::Agent { invited: true }) {
            self.say(&Line::notice("asking to be let in with the invitation"));
            return;
        }
        self.say(&Line::notice(
            "an administrator has to approve this device: sottovoce agent approve REQUEST",
        ));
        let request = format!("request={}", printable(request));
        self.say(&Line::new(Tone::Quiet, request));
    }

    fn contact(&mut self, view: ContactView) {
        let contact = view.contact;
        let before = self.views.insert(contact, view.clone());
        if let Some(code) = view.stopped_by {
            self.ended.insert(contact, code);
            self.outgoing.strand(contact);
        }
        if view.caught_up && self.claim_when_loaded == Some(contact) {
            self.claim_when_loaded = None;
            self.claim(contact);
        }
        let news = self.inbox.hand(contact, view.can_claim && is_mine(&view));
        self.say_all(news.as_slice());
        if !self.is_open(contact) {
            return;
        }
        self.is_reopening = false;
        let was_loaded = before.as_ref().is_some_and(|view| view.caught_up);
        if view.caught_up && !was_loaded && view.state != ContactState::Closed {
            let claim = if view.can_claim && !self.is_changing {
                "; /claim takes it"
            } else {
                ""
            };
            let words = format!(
                "{}; it {}{claim}",
                show::truth(&view),
                show::standing(view.state)
            );
            self.say(&Line::notice(words));
        }
        let was_stopped = before.and_then(|view| view.stopped_by);
        if let Some(code) = view.stopped_by.filter(|code| was_stopped != Some(*code)) {
            self.say(&Line::warning(format!(
                "nothing is sent any more: {}",
                because(code)
            )));
        }
    }

    fn item(&mut self, contact: ContactId, item: Item) {
        let own = item.author.as_ref().is_some_and(|author| author.own);
        if own {
            self.outgoing.take(contact, &item);
            if matches!(item.body, ItemBody::System(_)) {
                self.is_changing = false;
            }
        }
        if matches!(item.body, ItemBody::System(System::Closed)) {
            self.is_changing = false;
        }
        if self.is_open(contact) {
            if self.is_reopening {
                return;
            }
            if !own
                && !matches!(item.body, ItemBody::System(_))
                && let Some(position) = item.position
            {
                self.reading.reads(position, Instant::now());
            }
            let typed_here = self.screen.shows_typing();
            let lines = self.transcript.take(item, typed_here);
            self.say_all(&lines);
            return;
        }
        let loaded = self.views.get(&contact).is_some_and(|view| view.caught_up);
        if loaded && !own && self.unseen.insert(contact) {
            let number = self.inbox.number(&contact);
            let words = format!("there is news in contact {number}: /open {number}");
            self.say(&Line::notice(words));
        }
    }

    fn failed(&mut self, contact: Option<ContactId>, code: &'static str) -> Outcome {
        self.is_changing = false;
        self.outgoing.answer();
        let is_start = self.is_starting
            && self.current.is_some()
            && contact == self.current
            && self.views.is_empty();
        let out = code == "expired" && show::has_run_out(self.account.as_ref(), clock::now());
        if is_start && matches!(self.side, Side::Visitor { .. }) {
            let why = if out { show::RUN_OUT } else { words::of(code) };
            let words = format!("the conversation cannot begin: {why}");
            return Err(Failure::new(code, words));
        }
        if !out
            && matches!(code, "erased" | "expired")
            && let Some(contact) = contact
        {
            self.ended.insert(contact, code);
            self.outgoing.strand(contact);
        }
        self.say(&Line::warning(if out {
            format!("{} ({code})", show::RUN_OUT)
        } else {
            because(code)
        }));
        Ok(())
    }

    fn searched(&mut self, answer: Answer) {
        match answer {
            Answer::More(search) => self.search = Some(search),
            Answer::Found(command) => {
                self.is_changing = true;
                self.commands.push_back(command);
            }
            Answer::Nobody(name) => self.say(&Line::warning(format!(
                "no team and nobody else is called {} (unknown-name)",
                printable(&name)
            ))),
        }
    }

    /// What others said and is on the screen counts as read.
    fn tell_read(&mut self) {
        let position = self.reading.take(Instant::now());
        let reads = |contact: &ContactId| self.views.get(contact).is_some_and(|it| it.can_send);
        let contact = self.current.filter(reads);
        if let Some((contact, position)) = contact.zip(position) {
            self.commands.push_back(Command::Read { contact, position });
        }
    }
}

/// Whether this device takes part in a contact.
fn is_mine(view: &ContactView) -> bool {
    view.participants
        .iter()
        .any(|participant| participant.author.own)
}

/// Resolves at a time, or never.
async fn at(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}

async fn give(handle: &Handle, command: Option<Command>) -> Result<(), Stopped> {
    match command {
        Some(command) => handle.command(command).await,
        None => Ok(()),
    }
}
