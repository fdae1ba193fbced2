//! `kissaten clean`: what `pip uninstall` and `install.sh --uninstall` leave, which is the cache and the history.

use anyhow::Context as _;
use clap::Args;

use crate::history;

/// The arguments of `kissaten clean`: what is to stay.
#[derive(Args)]
pub(crate) struct CleanOptions {
    /// Keep the inputs of earlier sessions.
    #[arg(long)]
    keep_history: bool,
}

/// Removes the user's cache and history, and prints what that freed.
pub(crate) fn run(options: &CleanOptions) -> anyhow::Result<()> {
    let (cache, cleaned) = build::clean_cache()?;
    println!("{}: {:.1} MB removed", cache.display(), megabytes(cleaned.freed));
    for folder in &cleaned.kept {
        println!("{}: kept, as a kernel uses it; shut that down and call this again", folder.display());
    }
    if options.keep_history {
        return Ok(());
    }
    for file in history::files() {
        let size = file.metadata().map_or(0, |metadata| metadata.len());
        std::fs::remove_file(&file).with_context(|| format!("failed to remove `{}`", file.display()))?;
        println!("{}: {:.1} MB removed", file.display(), megabytes(size));
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "it is shown with one digit behind the point")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
