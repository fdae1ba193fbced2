//! `kissaten prebuild`: fills the cache for an image or a class, in a terminal. How crates are built is the compiler crate's.

use std::{env, io, io::Write as _, path::Path, time::Instant};

use anyhow::Context as _;
use build::{Change, Progress, SessionLibrary, umask};
use compiler::Notebook;
use tokio::runtime;
use tokio_util::sync::CancellationToken;

use crate::{execution::library, run};

/// Builds what these words ask for: crates, each alone and all together, and then notebooks, whose compiles are remembered.
///
/// `limit`: after how many seconds a cell of a notebook is interrupted.
pub(crate) fn run(words: &[String], prefix: Option<&Path>, limit: Option<u64>) -> anyhow::Result<()> {
    if let Some(prefix) = prefix {
        let cache = std::path::absolute(prefix)?.join("lib/kissaten");
        std::fs::create_dir_all(&cache).with_context(|| format!("failed to make `{}`", cache.display()))?;
        // SAFETY: there is no other thread yet that could read the environment.
        unsafe { env::set_var("KISSATEN_CACHE", cache) };
    }
    let (notebooks, crates): (Vec<_>, Vec<_>) = words.iter().partition(|word| word.ends_with(".ipynb"));
    library::build_in_terminal()?;
    build(&crates)?;
    let mut failed = 0;
    for notebook in notebooks {
        // What becomes of a cell in the end only its run tells: which variables there are, and what borrows from what.
        let began = Instant::now();
        match run::run_unseen(Path::new(notebook), limit) {
            Ok(()) => println!("ready: {notebook} ({} s)", began.elapsed().as_secs()),
            // The others are no worse for it.
            Err(error) => {
                eprintln!("kissaten: `{notebook}` could not be run: {error:#}");
                failed += 1;
            }
        }
    }
    anyhow::ensure!(failed == 0, "{failed} of the notebooks could not be run");
    Ok(())
}

fn build(crates: &[&String]) -> anyhow::Result<()> {
    if crates.is_empty() {
        return Ok(());
    }
    let session = SessionLibrary::find()?.context("the session library is gone again")?;
    let here = env::current_dir().context("failed to find the current directory")?;
    let mut changes = Vec::new();
    for words in crates {
        changes.push(Change::from_line(words, &here)?);
    }
    if changes.len() > 1 {
        let mut all = Change::default();
        changes.iter().for_each(|change| all.and(change.clone()));
        changes.push(all);
    }
    let runtime = runtime::Builder::new_current_thread().enable_all().build().context("failed to start a runtime")?;
    let folder = umask::temporary_folder("kissaten-").context("failed to make a directory")?;
    for change in &changes {
        // One of its own, as a notebook that begins with it.
        let mut notebook = Notebook::new(session.clone(), folder.path()).context("failed to make a notebook")?;
        let mut last = String::new();
        let mut progress = |progress: Progress| {
            if progress.doing != last {
                last.clone_from(&progress.doing);
                // Whoever closed the terminal wants the crates all the same.
                let _ = writeln!(io::stdout(), "{} of {}: {}", progress.done, progress.total, progress.doing);
            }
        };
        let never = CancellationToken::new();
        let changing = notebook.change_dependencies(change, &mut progress, &never);
        let changed = runtime.block_on(changing)?;
        for warning in &changed.warnings {
            println!("warning: {warning}");
        }
        if !changed.refused.is_empty() {
            anyhow::bail!(changed.refused.join("\n"));
        }
        println!("ready: {} ({} compiled)", changed.added.join(", "), changed.compiled);
    }
    Ok(())
}
