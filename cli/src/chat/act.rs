//! What a typed line does.

use sottovoce::account::Role;
use sottovoce::client::{Command, ContactState};
use sottovoce::wire::ContactId;
use sottovoce::wire::frame::BanPeriod;

use super::directory::{Begin, Search};
use super::line::{self, Transfer, Typed, understand};
use super::screen::{Line, Tone};
use super::session::{Session, Side};
use super::show;

/// Where explanations begin in the help.
const COLUMN: usize = 20;

impl Session {
    /// Takes in a line that the person typed.
    pub(super) fn typed(&mut self, line: &str) {
        let is_agent = matches!(self.side, Side::Agent { .. });
        match understand(line) {
            Typed::Nothing => {}
            Typed::Text(text) => self.text(text),
            Typed::Who => self.who(),
            Typed::Retry => self.again(|contact, id| Command::Retry { contact, id }),
            Typed::Discard => self.again(|contact, id| Command::Discard { contact, id }),
            Typed::Close => {
                if let Some(contact) = self.opened() {
                    self.change(Command::Close { contact });
                }
            }
            Typed::Help => self.help(is_agent),
            Typed::Quit => self.end(),
            Typed::Wrong(instead) => self.say(&Line::warning(instead)),
            _ if !is_agent => self.say(&Line::warning(
                "that is for agents; /help lists what there is",
            )),
            Typed::Inbox => {
                let lines = self.inbox.list();
                self.say_all(&lines);
            }
            Typed::Open(number) => {
                if let Some(contact) = self.numbered(number) {
                    self.open(contact);
                }
            }
            Typed::Claim(None) => {
                if let Some(contact) = self.opened() {
                    self.open_and_claim(contact);
                }
            }
            Typed::Claim(Some(number)) => {
                if let Some(contact) = self.numbered(number) {
                    self.open_and_claim(contact);
                }
            }
            Typed::Transfer(transfer) => self.transfer(transfer),
            Typed::Ban(period) => self.ban(period),
            Typed::Note(text) => {
                if let Some(contact) = self.opened() {
                    self.outgoing.give();
                    self.commands.push_back(Command::Note { contact, text });
                }
            }
        }
    }

    /// Sends a text. A visitor's first one begins the conversation.
    fn text(&mut self, text: String) {
        if let (Side::Visitor { entry_point, .. }, None) = (&self.side, self.current) {
            if !self.is_starting {
                self.commands.push_back(Command::Start {
                    entry_point: entry_point.clone(),
                    identity: None,
                    details: Vec::new(),
                });
                self.starts();
            }
            self.early.push(text);
            return;
        }
        let Some(contact) = self.opened() else { return };
        let closed = self
            .views
            .get(&contact)
            .is_some_and(|view| view.state == ContactState::Closed);
        if let Some(code) = self.ended.get(&contact) {
            let words = format!("nothing is sent any more: {}", show::because(code));
            self.say(&Line::warning(words));
            return;
        }
        if closed && matches!(self.side, Side::Visitor { .. }) {
            self.say(&Line::warning(
                "the conversation has ended; begin another without this --state folder (closed)",
            ));
            return;
        }
        self.send(contact, text);
    }

    /// The visitor's contact has an id: what was typed before belongs to it.
    pub(super) fn started(&mut self, contact: ContactId) {
        self.current = Some(contact);
        for text in std::mem::take(&mut self.early) {
            self.send(contact, text);
        }
    }

    fn send(&mut self, contact: ContactId, text: String) {
        self.outgoing.give();
        self.commands.push_back(Command::Send {
            contact,
            kind: "text".to_owned(),
            body: text.into_bytes(),
            reply_to: None,
            id: None,
        });
    }

    /// A claim needs the whole log: one that is still loading is claimed afterwards.
    fn open_and_claim(&mut self, contact: ContactId) {
        if self.current != Some(contact) {
            self.open(contact);
        }
        let loaded = self.views.get(&contact).is_some_and(|view| view.caught_up);
        if loaded {
            self.claim(contact);
        } else {
            self.claim_when_loaded = Some(contact);
        }
    }

    pub(super) fn claim(&mut self, contact: ContactId) {
        self.change(Command::Claim { contact });
    }

    fn transfer(&mut self, transfer: Transfer) {
        let Some(contact) = self.opened() else { return };
        let Some(account) = &self.account else {
            return self.say(&Line::warning(
                "the account is not known yet; wait a moment",
            ));
        };
        match Search::begin(contact, transfer, account) {
            Begin::Found(command) => self.change(command),
            Begin::Ask(search, queries) => {
                self.search = Some(search);
                self.commands.extend(queries);
            }
        }
    }

    fn ban(&mut self, period: BanPeriod) {
        let Some(contact) = self.opened() else { return };
        let view = self.views.get(&contact);
        let participants = view.map(|view| view.participants.as_slice());
        let visitors: Vec<_> = participants
            .unwrap_or_default()
            .iter()
            .filter(|participant| participant.author.role == Role::Visitor)
            .map(|participant| participant.author.device)
            .collect();
        if visitors.is_empty() {
            return self.say(&Line::notice("no visitor is on this contact"));
        }
        for device in visitors {
            self.commands.push_back(Command::Ban {
                contact,
                device,
                period,
            });
        }
        self.say(&Line::notice(
            "the relay was asked to keep the visitor away",
        ));
    }

    fn change(&mut self, command: Command) {
        self.is_changing = true;
        self.commands.push_back(command);
    }

    fn again(&mut self, command: impl Fn(ContactId, sottovoce::wire::ContentId) -> Command) {
        let Some(contact) = self.opened() else { return };
        let failed = self.outgoing.failed_in(contact);
        if failed.is_empty() {
            self.say(&Line::notice("nothing failed here"));
        }
        for id in failed {
            self.commands.push_back(command(contact, id));
        }
    }

    fn who(&mut self) {
        let Some(contact) = self.opened() else { return };
        let lines = match self.views.get(&contact) {
            Some(view) => show::sheet(view, self.account.as_ref()),
            None => vec![Line::notice("not loaded yet; wait a moment")],
        };
        self.say_all(&lines);
    }

    fn help(&mut self, is_agent: bool) {
        let help = if is_agent {
            line::HELP_AGENT
        } else {
            line::HELP_VISITOR
        };
        for (what, does) in help {
            let words = if what.len() > COLUMN {
                format!("  {what}\n  {:<COLUMN$}  {does}", "")
            } else {
                format!("  {what:<COLUMN$}  {does}")
            };
            self.say(&Line::new(Tone::Notice, words));
        }
    }

    /// The open contact, or a word about there being none.
    fn opened(&mut self) -> Option<ContactId> {
        if self.current.is_none() {
            self.say(&Line::warning(match self.side {
                Side::Agent { .. } => "no contact is open: /inbox lists them, /open N opens one",
                Side::Visitor { .. } => "nothing was said yet: write something first",
            }));
        }
        self.current
    }

    fn numbered(&mut self, number: usize) -> Option<ContactId> {
        let contact = self.inbox.contact(number);
        if contact.is_none() {
            let words = format!("there is no contact {number}: /inbox lists them");
            self.say(&Line::warning(words));
        }
        contact
    }
}
