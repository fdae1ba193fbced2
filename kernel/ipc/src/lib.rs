//! The typed messages between Kissaten's processes, and how they are framed.
//!
//! The server sends a [`Request`] to the worker and reads [`Event`]s from it, over a Unix stream socket of their
//! own: nothing that user code prints can be taken for one of these. This crate deliberately knows neither end:
//! not what a Jupyter message is, not what a library is loaded with.

pub mod analyzer;
mod codec;
mod comm;
mod event;
mod request;

pub use codec::{CodecError, MAX_FRAME, decode, encode, read, write};
pub use comm::{Buffer, Comm, CommKind};
pub use event::{
    Display, Event, GroupState, Hint, Loan, LoanKind, Location, MimeBundle, Outcome, Panic, Value, Variable, Variables,
};
pub use request::{CellId, InputAnswer, Layout, Report, Request, Script};

/// The environment variable in which the worker is told the number of its end of the control socket.
pub const CONTROL_SOCKET: &str = "KISSATEN_CONTROL_SOCKET";
