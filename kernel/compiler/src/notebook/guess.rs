//! A guess at what comes next: cells that wait are compiled while one runs, each as if those before it succeed. They are
//! compiled for a copy of the notebook, and all that stays of it is that the answers of rustc are remembered.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;

use super::Notebook;
use crate::ahead::machine_has_room;
use crate::api::{Finished, Source, Stored};

impl Notebook {
    /// Compiles these cells beforehand, in order, as long as that can go on. `None`: what will be then cannot be guessed, or
    /// nothing would be remembered.
    ///
    /// # Cancel safety
    /// It may be dropped at any moment; rustc ends with it.
    pub fn compile_ahead(&self, sources: Vec<Source>) -> Option<impl Future<Output = ()> + Send + use<>> {
        if !self.answers.is_on() || !machine_has_room() {
            return None;
        }
        let mut guess = self.guess()?;
        let (ahead, cancel) = (Arc::clone(&self.ahead), self.ahead.begin());
        Some(async move {
            let _turn = ahead.turn.lock().await;
            for source in sources {
                if cancel.is_cancelled() || !machine_has_room() {
                    return;
                }
                // A cell that errs ends it, as it ends those that wait.
                if guess.prepare(&source, &cancel).await.is_err() || !guess.assume() {
                    return;
                }
            }
        })
    }

    /// The notebook as it will be if all that runs comes to its end.
    fn guess(&self) -> Option<Self> {
        let mut guess = self.clone();
        guess.folders = self.folders.for_guess().ok()?;
        guess.is_guess = true;
        guess.history.clear();
        guess.assume().then_some(guess)
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
