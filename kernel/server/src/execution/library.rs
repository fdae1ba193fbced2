//! The session library that all cells share: whether there is one for the present rustc, and its build in a terminal. How
//! it is found and built is the compiler crate's.

use std::io::{self, Write as _};

use anyhow::Context as _;
use build::SessionLibrary;
use tokio::runtime;

/// What is said when the compiler crate panicked.
pub(super) const DEFECT: &str = "Kissaten's compiler panicked, which is a defect in Kissaten";

/// The result of looking for the session library. `None`: it has to be built; an error is a sentence that says what to do.
pub(crate) type Found = Result<Option<SessionLibrary>, String>;

/// Looks for the session library, which may read files and even ask rustc, beside what else is to be done.
pub(crate) async fn find() -> Found {
    tokio::task::spawn_blocking(look).await.unwrap_or_else(|_| Err(DEFECT.to_owned()))
}

/// The same, at once.
pub(super) fn look() -> Found {
    match std::panic::catch_unwind(SessionLibrary::find) {
        Ok(found) => found.map_err(|error| error.to_string()),
        Err(_) => Err(DEFECT.to_owned()),
    }
}

/// `kissaten build`: builds the session library if there is none.
pub(crate) fn build_in_terminal() -> anyhow::Result<()> {
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("failed to start a runtime for the build")?;
    if let Some(library) = SessionLibrary::find()? {
        println!("the session library for rustc {} is there", library.rustc_release());
        return Ok(());
    }
    let mut last = String::new();
    let library = runtime.block_on(SessionLibrary::build(|progress| {
        if progress.doing != last {
            // Whoever closed the terminal wants the library all the same.
            let _ = writeln!(io::stdout(), "{} of {}: {}", progress.done, progress.total, progress.doing);
            last = progress.doing;
        }
    }))?;
    println!("the session library for rustc {} is built", library.rustc_release());
    Ok(())
}
