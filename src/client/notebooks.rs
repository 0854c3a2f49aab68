//! Teams' notebooks: read as far as they prove themselves, changed on top of the newest, and sealed
//! again when a team's key is another one. SPEC 3.11.

use super::context::Context;
use super::desk::KnownNotebook;
use super::directory::FoundTeamKey;
use super::{Client, Command, Event, records};
use crate::account::{AccountError, Credential};
use crate::crypto::Hash;
use crate::gather::{Gather, Keep};
use crate::message::{Notebook, NotebookParams, Page};
use crate::table::Table;
use crate::wire::frame::{ClientFrame, Object, ObjectKind, Query};
use crate::wire::{Signed, Time, limits};

/// How often a change is made when others keep being faster.
const ATTEMPTS: u8 = 8;

/// What is under way on this connection.
#[derive(Debug, Default)]
pub(super) struct Notebooks {
    /// Teams of which the relay has shown all that it has.
    answered: Vec<String>,
    /// The newest that it has shown of a team, by its author's word.
    shown: Table<String, Shown>,
    /// What the person wants changed, in order.
    changes: Vec<(String, Change)>,
    publishing: Option<Publishing>,
    attempts: u8,
    /// When notebooks are sealed to a newer key.
    reseal_at: Option<Time>,
}

#[derive(Clone, Copy, Debug)]
struct Shown {
    number: u64,
    hash: Hash,
    /// Whether this device has read it, or need not.
    is_read: bool,
}

/// A wish of the person.
#[derive(Clone, Debug)]
pub(super) enum Change {
    Reply { shortcut: String, text: String },
    Label { label: String, kept: bool },
}

impl Change {
    fn apply(&self, page: &mut Page) -> bool {
        match self {
            Self::Reply { shortcut, text } => page.keep_reply(shortcut, text),
            Self::Label { label, kept } => page.keep_label(label, *kept),
        }
    }
}

#[derive(Debug)]
struct Publishing {
    id: u64,
    notebook: KnownNotebook,
    /// How many of the team's changes are in it.
    changes: usize,
}

impl Client {
    /// The person wants something kept, or no longer.
    pub(super) fn keep(&mut self, now: Time, command: Command) {
        let (team, change) = match command {
            Command::KeepReply {
                team,
                shortcut,
                text,
            } => (team, Change::Reply { shortcut, text }),
            Command::KeepLabel { team, label, kept } => (team, Change::Label { label, kept }),
            _ => return,
        };
        let is_long = matches!(&change, Change::Reply { text, .. } if text.len() > limits::REPLY);
        let code = if !self.cx.role().is_staff() {
            "role-not-allowed"
        } else if !self.cx.own_teams().contains(&team) {
            "unknown-team"
        } else if !self.cx.online {
            "unavailable"
        } else if is_long {
            "content-too-large"
        } else if !change.apply(&mut Page::default()) {
            "bad-name"
        } else {
            self.cx.desk.notebooks.changes.push((team, change));
            return self.write_notebooks(now);
        };
        self.cx.failed(None, code);
    }

    /// Asks for what the relay has of the own teams, once for each connection.
    pub(super) fn ask_for_notebooks(&mut self) {
        for team in self.cx.own_teams().to_vec() {
            if self.cx.role().is_staff() && !self.cx.desk.notebooks.answered.contains(&team) {
                self.cx.look_up(Query::Notebook(team));
            }
        }
    }

    /// Shows what is kept of the own teams.
    pub(super) fn show_notebooks(&mut self) {
        for known in self.cx.desk.record.notebooks.clone() {
            self.show_notebook(&known);
        }
    }

    fn show_notebook(&mut self, known: &KnownNotebook) {
        self.cx.event(Event::Notebook {
            team: known.team.clone(),
            replies: known.page.replies.clone(),
            labels: known.page.labels.clone(),
            changed: known.time,
            author: known.author.clone(),
        });
    }

    /// Takes in notebooks, each after its author's credential.
    pub(super) fn take_notebooks(&mut self, now: Time, objects: &[Object]) {
        let mut author: Option<Signed<Credential>> = None;
        for object in objects {
            match object.kind {
                ObjectKind::Credential => author = Signed::from_bytes(&object.bytes).ok(),
                ObjectKind::Notebook => {
                    let Some(author) = author.take() else {
                        continue;
                    };
                    if let Err(code) = self.take_notebook(now, &object.bytes, &author) {
                        self.cx.alarm(None, code, false);
                    }
                }
                _ => {}
            }
        }
    }

    fn take_notebook(
        &mut self,
        now: Time,
        bytes: &[u8],
        author: &Signed<Credential>,
    ) -> Result<(), &'static str> {
        let signed = Signed::<Notebook>::from_bytes(bytes).map_err(|error| error.code())?;
        let Ok((policy, _)) = self.cx.account.policy(now) else {
            return Ok(());
        };
        let hash = signed.hash();
        let verified = Notebook::verify(&signed, &self.cx.account, author, policy);
        let notebook = match verified {
            // It was a member's word. Whoever read it in time has it; the next one follows it.
            Err(AccountError::Revoked | AccountError::NotMember) => {
                let notebook = signed.parse().map_err(|error| error.code())?;
                self.note_shown(&notebook, hash, true);
                return Ok(());
            }
            verified => verified.map_err(|error| error.code())?,
        };
        if !self.cx.own_teams().contains(&notebook.team) {
            return Ok(());
        }
        let kept = &self.cx.desk.record.notebooks;
        if let Some(known) = kept.iter().find(|known| known.team == notebook.team) {
            let follows = notebook.number == known.number + 1;
            let is_same = notebook.number == known.number && hash == known.hash;
            let is_fork = notebook.number == known.number && !is_same
                || follows && notebook.previous != Some(known.hash);
            let is_lower = notebook.number < known.number;
            self.note_shown(&notebook, hash, true);
            if is_same {
                return Ok(());
            }
            if is_fork || is_lower {
                return Err("notebook-rolled-back");
            }
        }
        let Some(private) = self.cx.private_key(&notebook.key) else {
            // Sealed before this device joined, or to a key that it is about to be given.
            self.note_shown(&notebook, hash, false);
            return Ok(());
        };
        let page = notebook.open(private).map_err(|_| "undecryptable")?;
        self.note_shown(&notebook, hash, true);
        self.know_notebook(KnownNotebook {
            team: notebook.team,
            number: notebook.number,
            hash,
            time: notebook.time,
            author: author.parse().map(|it| it.name).unwrap_or_default(),
            key: notebook.key,
            page,
        });
        Ok(())
    }

    fn note_shown(&mut self, notebook: &Notebook, hash: Hash, is_read: bool) {
        let shown = Shown {
            number: notebook.number,
            hash,
            is_read,
        };
        let all = &mut self.cx.desk.notebooks.shown;
        all.insert(notebook.team.clone(), shown);
    }

    fn know_notebook(&mut self, known: KnownNotebook) {
        self.show_notebook(&known);
        let kept = &mut self.cx.desk.record.notebooks;
        kept.keep(|it| it.team != known.team);
        kept.push(known);
        self.cx.outputs.dirty(records::DESK);
    }

    /// Team keys were learnt: they may open what could not be read.
    pub(super) fn read_notebooks_again(&mut self) {
        for team in self.cx.own_teams().to_vec() {
            let notebooks = &mut self.cx.desk.notebooks;
            if notebooks
                .shown
                .get(&team)
                .is_some_and(|shown| !shown.is_read)
            {
                notebooks.answered.keep(|known| *known != team);
                self.cx.look_up(Query::Notebook(team));
            }
        }
    }

    /// The relay has shown what it has of a team.
    pub(super) fn notebook_answered(&mut self, now: Time, team: &str) {
        let cx = &mut self.cx;
        let is_shown = cx.desk.notebooks.shown.get(&team.to_owned()).is_some();
        let mut kept = cx.desk.record.notebooks.iter();
        if !is_shown && kept.any(|known| known.team == team) {
            cx.alarm(None, "notebook-rolled-back", false);
        }
        cx.desk.notebooks.answered.push(team.to_owned());
        self.look_after_notebooks(now);
    }

    /// Keys of teams may be others by now: what is kept is sealed to them, after a random pause, so that not
    /// every member does it.
    pub(super) fn look_after_notebooks(&mut self, now: Time) {
        let own = self.cx.own_teams().to_vec();
        if self.cx.credential().is_some() {
            let left = |known: &&KnownNotebook| !own.contains(&known.team);
            let gone = self.cx.desk.record.notebooks.iter().filter(left);
            for known in gone.cloned().gather() {
                let page = Page::default();
                self.show_notebook(&KnownNotebook { page, ..known });
                self.cx.outputs.dirty(records::DESK);
            }
            let kept = &mut self.cx.desk.record.notebooks;
            kept.keep(|known| own.contains(&known.team));
        }
        let outdated = own
            .iter()
            .any(|team| self.cx.is_notebook_outdated(team, now));
        if outdated && self.cx.online && self.cx.desk.notebooks.reseal_at.is_none() {
            let [pause] = self.cx.random.bytes().unwrap_or_default();
            let at = now.plus_millis(1_000 + 32 * u64::from(pause));
            self.cx.desk.notebooks.reseal_at = Some(at);
        }
        self.write_notebooks(now);
    }

    /// Publishes the next notebook that is wanted, if nothing is in the way.
    pub(super) fn write_notebooks(&mut self, now: Time) {
        let due = match self.cx.desk.notebooks.reseal_at {
            Some(at) if at <= now => true,
            Some(at) => {
                self.cx.outputs.wake_at(at);
                false
            }
            None => false,
        };
        if self.cx.desk.notebooks.publishing.is_some() || !self.cx.online {
            return;
        }
        for team in self.cx.own_teams().to_vec() {
            let wanted = self.cx.desk.notebooks.changes.iter();
            let is_wanted = wanted.filter(|(of, _)| *of == team).count() > 0;
            let reseal = due && self.cx.is_notebook_outdated(&team, now);
            if (is_wanted || reseal) && self.write_notebook(now, &team, reseal) {
                return;
            }
        }
        if due {
            self.cx.desk.notebooks.reseal_at = None;
        }
    }

    /// Whether it is on its way.
    fn write_notebook(&mut self, now: Time, team: &str, reseal: bool) -> bool {
        let cx = &mut self.cx;
        if !cx.desk.notebooks.answered.iter().any(|known| known == team) {
            cx.look_up(Query::Notebook(team.to_owned()));
            return false;
        }
        let shown = cx.desk.notebooks.shown.get(&team.to_owned()).copied();
        if shown.is_some_and(|shown| !shown.is_read) {
            // To write over what cannot be read would lose it.
            self.give_up_changes(team, "no-key");
            return false;
        }
        let Some(key) = cx.notebook_key(team, now).cloned() else {
            // It goes on when the team has a key again.
            cx.look_up_again(Query::TeamSeals(team.to_owned()), now);
            return false;
        };
        let kept = cx.desk.record.notebooks.iter();
        let known = kept.clone().find(|known| known.team == team);
        let before = known.map(|known| known.page.clone()).unwrap_or_default();
        let known = known.map(|known| (known.number, known.hash));
        let shown = shown.map(|shown| (shown.number, shown.hash));
        let last = match (known, shown) {
            (Some(known), Some(shown)) if shown.0 < known.0 => Some(known),
            (known, shown) => shown.or(known),
        };
        let mut page = before.clone();
        let mut changes = 0;
        let wanted = cx.desk.notebooks.changes.iter();
        for (_, change) in wanted.filter(|(of, _)| of == team) {
            change.apply(&mut page);
            changes += 1;
        }
        if page == before && !reseal {
            self.changes_done(team, changes);
            return false;
        }
        let params = NotebookParams {
            to: (&key.record, &key.public),
            number: last.map_or(1, |(number, _)| number.saturating_add(1)),
            previous: last.map(|(_, hash)| hash),
            time: now,
            page: &page,
            signing_key: &cx.signer,
        };
        let signed = match Notebook::seal(&params, &mut cx.random) {
            Ok(signed) => signed,
            Err(error) => {
                self.give_up_changes(team, error.code());
                return false;
            }
        };
        let notebook = KnownNotebook {
            team: team.to_owned(),
            number: params.number,
            hash: signed.hash(),
            time: now,
            author: cx.author(&cx.device(), None).name,
            key: key.public.id(),
            page,
        };
        let id = cx.next_request();
        let object = Object::new(ObjectKind::Notebook, signed.to_bytes());
        cx.outputs.transmit(ClientFrame::Publish { id, object });
        cx.desk.notebooks.publishing = Some(Publishing {
            id,
            notebook,
            changes,
        });
        true
    }

    /// Whether it was a notebook that is durable now.
    pub(super) fn notebook_published(&mut self, now: Time, id: u64) -> bool {
        let under_way = &mut self.cx.desk.notebooks.publishing;
        let Some(done) = under_way.take_if(|known| known.id == id) else {
            return false;
        };
        self.cx.desk.notebooks.attempts = 0;
        let (number, hash) = (done.notebook.number, done.notebook.hash);
        let team = done.notebook.team.clone();
        let shown = Shown {
            number,
            hash,
            is_read: true,
        };
        self.cx.desk.notebooks.shown.insert(team.clone(), shown);
        let kept = self.cx.desk.record.notebooks.iter();
        // The relay may have announced it, or the next one, before it answered.
        let is_news = !kept
            .clone()
            .any(|it| it.team == team && it.number >= number);
        if is_news {
            self.know_notebook(done.notebook);
        }
        self.changes_done(&team, done.changes);
        self.write_notebooks(now);
        true
    }

    /// Whether it was a notebook that the relay did not take: somebody else was faster, mostly.
    pub(super) fn notebook_refused(&mut self, id: u64, code: &'static str) -> bool {
        let under_way = &mut self.cx.desk.notebooks.publishing;
        let Some(refused) = under_way.take_if(|known| known.id == id) else {
            return false;
        };
        let team = refused.notebook.team;
        let notebooks = &mut self.cx.desk.notebooks;
        notebooks.attempts += 1;
        if matches!(code, "conflict" | "rolled-back") && notebooks.attempts < ATTEMPTS {
            notebooks.answered.keep(|known| *known != team);
            self.cx.look_up(Query::Notebook(team));
        } else {
            notebooks.attempts = 0;
            notebooks.reseal_at = None;
            self.give_up_changes(&team, code);
        }
        true
    }

    /// The connection is gone: what was not acknowledged may be in the relay's notebook all the same.
    pub(super) fn notebooks_lost(&mut self) {
        let lost = core::mem::take(&mut self.cx.desk.notebooks);
        for _ in lost.changes {
            self.cx.failed(None, "unavailable");
        }
    }

    fn changes_done(&mut self, team: &str, mut count: usize) {
        self.cx.desk.notebooks.changes.keep(|(of, _)| {
            let is_done = of == team && count > 0;
            count -= usize::from(is_done);
            !is_done
        });
    }

    pub(super) fn give_up_changes(&mut self, team: &str, code: &'static str) {
        let changes = core::mem::take(&mut self.cx.desk.notebooks.changes);
        for (of, change) in changes {
            if of == team {
                self.cx.failed(None, code);
            } else {
                self.cx.desk.notebooks.changes.push((of, change));
            }
        }
    }
}

impl Context {
    /// What a team's notebook is sealed to now: its newest key of the best suite, if nobody holds that who has
    /// left.
    fn notebook_key(&self, team: &str, now: Time) -> Option<&FoundTeamKey> {
        let suite = *self.suites(now).last()?;
        let newest = self.newest_team_key(team, suite, now)?;
        self.team_key_serves(team, suite, now).then_some(newest)
    }

    /// Whether what is kept of a team is sealed to another key than its newest.
    fn is_notebook_outdated(&self, team: &str, now: Time) -> bool {
        let mut kept = self.desk.record.notebooks.iter();
        let known = kept.find(|known| known.team == team);
        let newest = self.notebook_key(team, now);
        let Some((known, newest)) = known.zip(newest) else {
            return false;
        };
        known.key != newest.public.id()
    }
}
