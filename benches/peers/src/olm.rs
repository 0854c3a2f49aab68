//! vodozemac: an Olm session, and Megolm for what is said.

use vodozemac::megolm::{self, GroupSession, InboundGroupSession};
use vodozemac::olm::{Account, OlmMessage, SessionConfig};

use crate::{TEXT, rate};

/// A visitor with fresh keys opens a session with a first message; the agent, who made the one-time
/// key, reads it, and its answer is read.
pub fn contacts(count: usize) -> f64 {
    let mut agent = Account::new();
    rate(count, || {
        agent.generate_one_time_keys(1);
        let one_time = *agent.one_time_keys().values().next().unwrap();
        agent.mark_keys_as_published();
        let visitor = Account::new();
        let identity = agent.curve25519_key();
        let mut from = visitor
            .create_outbound_session(SessionConfig::version_1(), identity, one_time)
            .unwrap();
        let OlmMessage::PreKey(first) = from.encrypt("Good morning").unwrap() else {
            panic!("a first message");
        };
        let mut to = agent
            .create_inbound_session(SessionConfig::version_1(), visitor.curve25519_key(), &first)
            .unwrap()
            .session;
        let answer = to.encrypt("Good morning").unwrap();
        assert_eq!(from.decrypt(&answer).unwrap(), b"Good morning");
    })
}

/// A message is encrypted and signed by one, checked and read by the other.
pub fn messages(count: usize) -> f64 {
    let mut from = GroupSession::new(megolm::SessionConfig::version_1());
    let key = from.session_key();
    let mut to = InboundGroupSession::new(&key, megolm::SessionConfig::version_1());
    rate(count, || {
        let message = from.encrypt(TEXT).to_bytes();
        let message = megolm::MegolmMessage::from_bytes(&message).unwrap();
        assert_eq!(to.decrypt(&message).unwrap().plaintext, TEXT);
    })
}
