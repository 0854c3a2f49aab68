//! A connection to a relay: where it is, how it is dialled, how messages are carried, and how it
//! comes back.

mod address;
mod backoff;
mod carry;
mod dial;
mod keep;

pub use address::AddressError;
pub use dial::DialError;

pub(crate) use address::Address;
pub(crate) use carry::{Outgoing, carry};
pub(crate) use dial::{dial, stream};
pub(crate) use keep::keep;

/// What a connection tells whoever uses it.
#[derive(Debug)]
pub(crate) enum Signal {
    /// It is open; messages go into this queue. Dropping the queue closes the connection.
    Connected(Outgoing),
    /// A message arrived.
    Message(Vec<u8>),
    /// It is closed.
    Disconnected,
    /// It did not come about for a reason that waiting does not mend: the code of a
    /// [`DialError`]. It is tried again all the same.
    Refused(&'static str),
}
