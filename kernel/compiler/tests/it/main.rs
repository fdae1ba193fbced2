//! What cells compile to and which errors they have, with a real worker. One program, as each would be linked to all of the
//! compiler once more.

mod dependency;
mod export;
mod hints;
mod instrument;
mod session;
mod tidy;
mod values;
mod words;
mod worker;
