//! A guess at what comes next: cells that wait are compiled while one runs, each as if those before it succeed. They are
//! compiled for a copy of the notebook, and all that stays of it is that the answers of rustc are remembered.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::mpsc::UnboundedReceiver;
use tokio_util::sync::CancellationToken;

use super::Notebook;
use crate::ahead::{Ahead, When};
use crate::api::{Finished, Source, Stored};

/// A notebook as it will be if all that runs comes to its end.
#[derive(Debug)]
pub struct Foresight {
    notebook: Notebook,
    ahead: Arc<Ahead>,
    cancel: CancellationToken,
    at: Arc<AtomicU64>,
}

impl Notebook {
    /// A guess at what it will be. `None`: that cannot be known, or nothing would be remembered. An older guess ends.
    pub fn guess(&self) -> Option<Foresight> {
        if self.ahead.when == When::Never || !self.answers.is_on() || self.has_stale_dependencies() {
            return None;
        }
        let mut guess = self.clone();
        guess.folders = self.folders.for_guess().ok()?;
        guess.is_guess = true;
        guess.history.clear();
        let (ahead, cancel) = (Arc::clone(&self.ahead), self.ahead.begin());
        guess.assume().then(|| Foresight { notebook: guess, ahead, cancel, at: Arc::default() })
    }

    /// Takes all that runs as having come to its end, with all that it was to keep. Whether that can be known: of what borrows,
    /// the worker alone knows what becomes of it.
    fn assume(&mut self) -> bool {
        let entries: Vec<String> = self.pending.keys().cloned().collect();
        for entry in entries {
            let Some(pending) = self.pending.get(&entry) else { continue };
            let borrows = pending.bindings.iter().any(|binding| binding.loan.is_some() || !binding.borrows.is_empty());
            if borrows || !pending.lent_at.is_empty() {
                return false;
            }
            let kept: Vec<String> =
                pending.bindings.iter().map(|binding| &binding.name).chain(pending.owned.keys()).cloned().collect();
            let gone = pending.gone.keys().chain(pending.shadowed.iter().map(|binding| &binding.name));
            let mut changes: BTreeMap<String, Stored> = gone.map(|name| (name.clone(), Stored::Nothing)).collect();
            changes.extend(kept.iter().map(|name| (name.clone(), Stored::Ordinary)));
            self.finish(&Finished { entry, success: true, showed: false, changes, kept });
        }
        true
    }
}

impl Foresight {
    /// Triggered when the guess was wrong, or something better than a guess is compiled.
    pub fn stopped(&self) -> CancellationToken {
        self.cancel.clone()
    }

    /// The number of the cell that it has come to.
    pub fn at(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.at)
    }

    /// Compiles these cells, which have numbers, as long as it can be known what becomes of them: where one errs, it ends those
    /// that wait.
    ///
    /// # Cancel safety
    /// It may be dropped at any moment; rustc ends with it.
    pub async fn compile(mut self, mut sources: UnboundedReceiver<(u64, Source)>) {
        let _turn = self.ahead.turn.lock().await;
        // What an earlier guess was linked to is nobody's any more.
        if let Err(error) = self.notebook.folders.empty_links() {
            return tracing::debug!("nothing is compiled ahead: {error}");
        }
        while let Some((number, source)) = sources.recv().await {
            self.at.store(number, Ordering::Relaxed);
            if !self.notebook.answers.is_on() || !self.ahead.room(&self.cancel).await {
                return;
            }
            tracing::debug!(label = source.label, "compiled ahead");
            if self.notebook.prepare(&source, &self.cancel).await.is_err() || !self.notebook.assume() {
                return;
            }
        }
    }
}
