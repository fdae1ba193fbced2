//! What comes from neither a frontend nor the worker: signals, and the end of the process that started the kernel. What
//! is done about it is not known here.

use anyhow::Context as _;
use tokio::signal::unix::{SignalKind, signal};

use crate::{events::Events, parent};

/// An event from outside of the kernel.
#[derive(Debug)]
pub(crate) enum Outside {
    /// SIGINT.
    Interrupt,
    /// SIGTERM or SIGHUP, or the parent is gone: the kernel ends, and this is why.
    End(&'static str),
}

/// Makes events of signals and of the parent's end.
pub(crate) fn watch(events: Events<Outside>) -> anyhow::Result<()> {
    let failed = "failed to listen for signals";
    let mut interrupt = signal(SignalKind::interrupt()).context(failed)?;
    let mut terminate = signal(SignalKind::terminate()).context(failed)?;
    let mut hangup = signal(SignalKind::hangup()).context(failed)?;
    tokio::spawn(async move {
        let mut parent = std::pin::pin!(parent::ended());
        loop {
            let event = tokio::select! {
                _ = interrupt.recv() => Outside::Interrupt,
                _ = terminate.recv() => Outside::End("it was asked to (SIGTERM)"),
                _ = hangup.recv() => Outside::End("its terminal is gone (SIGHUP)"),
                () = &mut parent => Outside::End("its parent process has ended"),
            };
            let last = matches!(event, Outside::End(_));
            if !events.send(event).await || last {
                return;
            }
        }
    });
    Ok(())
}
