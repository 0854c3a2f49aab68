//! SPEC 3.11: what a team keeps for its answers: replies and label names, for the team alone.

use crate::wire::codec::array;

use super::padding;
use crate::account::{Account, AccountError, Credential, Policy, TeamKey};
use crate::crypto::hash::labelled;
use crate::crypto::seal::{Seal, SealError, SealPrivateKey, SealPublicKey};
use crate::crypto::secret::SecretBytes;
use crate::crypto::sign::SigningKey;
use crate::crypto::{Hash, Random, Secret, aead};
use crate::wire::{
    AccountId, Bytes, DeviceId, Signed, SignedKind, Suite, Time, Version, decode, encode, limits,
};

/// A team's notebook as it travels, signed by a member's device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notebook {
    /// Protocol version.
    pub version: Version,
    /// That of the team key.
    pub suite: Suite,
    /// The account.
    pub account: AccountId,
    /// The team's id.
    pub team: String,
    /// Counts from 1, per team.
    pub number: u64,
    /// Hash of the notebook before.
    pub previous: Option<Hash>,
    /// The author's clock.
    pub time: Time,
    /// Who wrote and signed it.
    pub author: DeviceId,
    /// The team key's generation.
    pub generation: u64,
    /// The team key's id.
    pub key: Hash,
    /// The page's 32-byte key, sealed to the team key.
    pub seal: Seal,
    /// The padded page.
    pub ciphertext: Bytes,
}

array!(Notebook {
    version,
    suite,
    account,
    team,
    number,
    previous,
    time,
    author,
    generation,
    key,
    seal,
    ciphertext
});

impl SignedKind for Notebook {
    const KIND: &'static str = "notebook";
}

/// What a notebook is made from.
#[derive(Debug)]
pub struct NotebookParams<'a> {
    /// The team's key and the public key in it.
    pub to: (&'a TeamKey, &'a SealPublicKey),
    /// The number after that of the notebook before.
    pub number: u64,
    /// That one's hash.
    pub previous: Option<Hash>,
    /// Now.
    pub time: Time,
    /// What it says.
    pub page: &'a Page,
    /// The author's key.
    pub signing_key: &'a SigningKey,
}

/// A notebook is not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotebookError {
    /// Its page is longer than allowed.
    #[error("the notebook is larger than allowed")]
    TooLarge,
    /// The team key cannot be sealed to, or there is no randomness.
    #[error("cannot be sealed")]
    Seal,
}

impl NotebookError {
    /// The stable code of this error.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooLarge => "content-too-large",
            Self::Seal => "cannot-seal",
        }
    }
}

impl Notebook {
    /// Encrypts a page for its team and signs it.
    ///
    /// # Errors
    /// [`NotebookError`].
    pub fn seal(
        params: &NotebookParams<'_>,
        random: &mut Random,
    ) -> Result<Signed<Self>, NotebookError> {
        let (record, public) = params.to;
        let padded = params.page.to_plaintext().ok_or(NotebookError::TooLarge)?;
        let key: Secret<32> = random.secret().map_err(|_| NotebookError::Seal)?;
        let key_id = public.id();
        let info = info(&record.account, &record.team, params.number, &key_id);
        let seal = public
            .seal_fresh(random, &info, key.expose())
            .map_err(|SealError| NotebookError::Seal)?;
        let notebook = Self {
            version: Version,
            suite: record.suite,
            account: record.account,
            team: record.team.clone(),
            number: params.number,
            previous: params.previous,
            time: params.time,
            author: params.signing_key.public(),
            generation: record.generation,
            key: key_id,
            seal,
            // The key encrypts nothing else, so its nonce is zero.
            ciphertext: aead::encrypt(&key, &[0; 12], &[], &padded).into(),
        };
        Ok(Signed::sign(&notebook, &[params.signing_key]))
    }

    /// What it says, for a holder of the team key's private half.
    ///
    /// # Errors
    /// [`SealError`], whatever is wrong.
    pub fn open(&self, team_key: &SealPrivateKey) -> Result<Page, SealError> {
        let info = info(&self.account, &self.team, self.number, &self.key);
        let opened = team_key.open(&info, &self.seal)?;
        let key = Secret::from_slice(&opened).ok_or(SealError)?;
        let padded = aead::decrypt(&key, &[0; 12], &[], &self.ciphertext).map_err(|_| SealError)?;
        Page::from_plaintext(&padded).ok_or(SealError)
    }

    /// Verifies that the author's device signed it, whose credential makes it staff of the team.
    ///
    /// # Errors
    /// [`AccountError`]; [`AccountError::Revoked`] and [`AccountError::NotMember`] only if nothing else is wrong but
    /// that the author is not, or no longer, a member.
    pub fn verify(
        signed: &Signed<Self>,
        account: &Account,
        credential: &Signed<Credential>,
        policy: &Policy,
    ) -> Result<Self, AccountError> {
        let notebook = signed.parse()?;
        if notebook.account != account.id() {
            return Err(AccountError::ForeignAccount);
        }
        let too_long = notebook.ciphertext.len() > limits::NOTEBOOK + aead::TAG;
        if too_long || notebook.number == 0 {
            return Err(AccountError::Contradiction("the notebook".into()));
        }
        signed
            .verify_by(&notebook.author)
            .map_err(|_| AccountError::NotSigned)?;
        let stated = credential.parse()?;
        if stated.device != notebook.author {
            return Err(AccountError::NotSigned);
        }
        // Who has a newer credential by now was a member before.
        account.credential(credential, policy, notebook.time.max(stated.issued))?;
        let is_team = policy.team(&notebook.team).is_some();
        if !is_team || !stated.role.is_staff() || !stated.teams.contains(&notebook.team) {
            return Err(AccountError::NotMember);
        }
        Ok(notebook)
    }
}

fn info(account: &AccountId, team: &str, number: u64, key: &Hash) -> Vec<u8> {
    labelled(
        "notebook-seal",
        &[account.into(), team.into(), number.into(), key.into()],
    )
}

/// What is in a notebook.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// Ascending by shortcut, at most 200.
    pub replies: Vec<Reply>,
    /// Ascending, at most 64 of 1 to 64 bytes.
    pub labels: Vec<String>,
}

array!(Page { replies, labels });

/// A text that is used again and again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// What it is found by: 1 to 32 of `a` to `z`, `0` to `9` and `-`.
    pub shortcut: String,
    /// 1 to 4,096 bytes.
    pub text: String,
}

array!(Reply { shortcut, text });

impl Page {
    /// Puts a reply in place of the one of its shortcut; an empty text takes it out. Nothing changes, and
    /// the answer is no, if it is not what a reply may be.
    pub fn keep_reply(&mut self, shortcut: &str, text: &str) -> bool {
        if !is_shortcut(shortcut) || text.len() > limits::REPLY {
            return false;
        }
        let place = self
            .replies
            .binary_search_by(|reply| reply.shortcut.as_str().cmp(shortcut));
        let reply = || Reply {
            shortcut: shortcut.to_owned(),
            text: text.to_owned(),
        };
        match (place, text.is_empty()) {
            (Ok(index), true) => drop(self.replies.remove(index)),
            (Ok(index), false) => {
                if let Some(known) = self.replies.get_mut(index) {
                    *known = reply();
                }
            }
            (Err(_), true) => {}
            (Err(index), false) => self.replies.insert(index, reply()),
        }
        true
    }

    /// Puts a label in, or takes it out. Nothing changes, and the answer is no, if it is none.
    pub fn keep_label(&mut self, label: &str, kept: bool) -> bool {
        if !super::about::is_label(label) {
            return false;
        }
        let place = self
            .labels
            .binary_search_by(|known| known.as_str().cmp(label));
        match (place, kept) {
            (Ok(index), false) => drop(self.labels.remove(index)),
            (Err(index), true) => self.labels.insert(index, label.to_owned()),
            _ => {}
        }
        true
    }

    /// Whether it is within all limits, so that it can be sealed.
    pub fn fits(&self) -> bool {
        self.to_plaintext().is_some()
    }

    fn is_whole(&self) -> bool {
        let is_reply =
            |it: &Reply| is_shortcut(&it.shortcut) && (1..=limits::REPLY).contains(&it.text.len());
        self.replies.len() <= limits::REPLIES
            && self.labels.len() <= limits::KNOWN_LABELS
            && self.replies.iter().all(is_reply)
            && self
                .labels
                .iter()
                .all(|label| super::about::is_label(label))
            && self.replies.is_sorted_by(|a, b| a.shortcut < b.shortcut)
            && self.labels.is_sorted_by(|a, b| a < b)
    }

    fn to_plaintext(&self) -> Option<SecretBytes> {
        let encoded = SecretBytes::new(encode(self));
        let padded = padding::pad(&encoded).filter(|_| self.is_whole())?;
        (padded.len() <= limits::NOTEBOOK).then_some(padded)
    }

    fn from_plaintext(padded: &[u8]) -> Option<Self> {
        let page: Self = decode(padding::unpad(padded)?, limits::NOTEBOOK).ok()?;
        page.is_whole().then_some(page)
    }
}

fn is_shortcut(shortcut: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=limits::SHORTCUT).contains(&shortcut.len()) && shortcut.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_page_stays_sorted_and_each_thing_is_in_it_once() {
        let mut page = Page::default();
        for shortcut in ["thanks", "hello", "bye-2", "hello"] {
            assert!(page.keep_reply(shortcut, shortcut));
            assert!(page.keep_label(shortcut, true));
        }
        assert!(page.keep_reply("hello", "Good morning"));
        assert!(page.keep_reply("thanks", ""));
        assert!(page.keep_reply("unknown", ""));
        assert!(page.keep_label("bye-2", false));
        let replies = page.replies.iter();
        let replies: Vec<_> = replies
            .map(|it| (it.shortcut.as_str(), it.text.as_str()))
            .collect();
        assert_eq!(replies, [("bye-2", "bye-2"), ("hello", "Good morning")]);
        assert_eq!(page.labels, ["hello", "thanks"]);
        let padded = page.to_plaintext().unwrap();
        assert_eq!(padded.len(), 256);
        assert_eq!(Page::from_plaintext(&padded), Some(page));
    }

    #[test]
    fn what_a_page_may_not_have_is_not_taken() {
        let mut page = Page::default();
        let (long, text) = ("a".repeat(33), "t".repeat(4_097));
        for shortcut in ["", "A", "a b", "ä", "a_b", long.as_str()] {
            assert!(!page.keep_reply(shortcut, "text"), "{shortcut}");
        }
        assert!(!page.keep_reply("a", &text));
        assert!(!page.keep_label("", true));
        assert!(!page.keep_label(&"l".repeat(65), true));
        assert_eq!(page, Page::default());
    }

    #[test]
    fn a_page_that_is_too_large_or_out_of_order_is_neither_sealed_nor_read() {
        let reply = |number: usize, length: usize| Reply {
            shortcut: format!("{number:03}"),
            text: "t".repeat(length),
        };
        let replies = |many, length| Page {
            replies: (0..many).map(|number| reply(number, length)).collect(),
            labels: Vec::new(),
        };
        assert!(replies(200, 300).fits());
        assert!(!replies(201, 1).fits());
        assert!(!replies(17, 4_096).fits());
        let label = |number: usize| format!("{number:02}");
        let labels = |many| Page {
            replies: Vec::new(),
            labels: (0..many).map(label).collect(),
        };
        assert!(labels(64).fits());
        assert!(!labels(65).fits());
        let mut twice = labels(2);
        twice.labels.push(label(1));
        for page in [replies(201, 1), labels(65), twice] {
            let padded = padding::pad(&encode(&page)).unwrap();
            assert_eq!(Page::from_plaintext(&padded), None);
        }
    }
}
