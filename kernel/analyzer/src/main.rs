//! The process that knows rust-analyzer, through evcxr: it is asked about texts and answers, one question after the other.
//!
//! Its standard input is a socket, over which both directions go; it ends when that does. It deliberately knows nothing of
//! notebooks: the texts hold all that it is to know. evcxr starts this program a second time, as the process that it would
//! run code in; nothing is ever run there but a constant.

mod answer;
mod context;
mod shells;

use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;

use anyhow::Context as _;
use ipc::analyzer::{Answer, Ask, Begin, Tell};

fn main() -> anyhow::Result<()> {
    evcxr::runtime_hook();
    let mut socket = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    let Some(begin) = ipc::read::<Begin>(&mut socket).context("standard input is no socket of the kernel's")? else {
        return Ok(());
    };
    let mut context = match context::start(&begin) {
        Ok((context, limits)) => {
            ipc::write(&mut socket, &Tell::Ready { limits })?;
            context
        }
        Err(error) => {
            let reason = format!("{error:#}");
            return Ok(ipc::write(&mut socket, &Tell::Failed { reason })?);
        }
    };
    while let Some(Ask { id, what, text, cursor }) = ipc::read(&mut socket)? {
        let answer = answer::to(&mut context, what, &text, cursor).unwrap_or_else(|error| {
            eprintln!("no answer: {error:#}");
            Answer::Nothing
        });
        ipc::write(&mut socket, &Tell::Answer { id, answer })?;
    }
    Ok(())
}
