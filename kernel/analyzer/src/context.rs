//! The start of evcxr's context: with all crates that cells can name, or with as many as there are.

use std::fs;

use anyhow::{Context as _, anyhow};
use evcxr::{CommandContext, EvalContext};
use ipc::analyzer::Begin;

use crate::shells;

/// The one crate that evcxr's package depends on. It is empty: what cells can name hangs on its line in Cargo.toml.
const HOOK: &str = "kissaten-nothing";

/// The first question is the one that reads std, and so with each crate. Nobody waits for these.
const WARM: [&str; 3] = [
    "let warm = String::new(); warm.",
    "let warm = tokio::spawn(async { Some(1) }); warm.await.unwrap().",
    "let (_, mut warm) = tokio::sync::mpsc::channel::<i32>(1); warm.",
];

/// Starts it. Also a sentence about what it has to go without.
///
/// Blocks for seconds: evcxr compiles a constant, and rust-analyzer reads std.
pub(crate) fn start(begin: &Begin) -> anyhow::Result<(CommandContext, Option<String>)> {
    let (mut context, outputs) = EvalContext::new().map_err(|error| anyhow!("evcxr does not start: {error}"))?;
    // It waits for whoever reads them, if there is anybody.
    drop(outputs);
    let limits = add_crates(&mut context, begin).err();
    let mut context = CommandContext::with_eval_context(context);
    for warm in WARM {
        context.completions(warm, warm.len()).context("rust-analyzer cannot be asked")?;
    }
    let limits = limits.map(|error| format!("crates are not completed: {error:#}"));
    Ok((context, limits))
}

/// Makes the crates known that cells can name.
///
/// evcxr compiles whatever it depends on. Development dependencies are known to rust-analyzer as well, and are not compiled
/// by `cargo build`; evcxr has no place for them, but it writes the text of a dependency as it is given.
fn add_crates(context: &mut EvalContext, begin: &Begin) -> anyhow::Result<()> {
    let hook = begin.folder.join("nothing");
    fs::create_dir_all(hook.join("src"))?;
    let manifest = format!("[package]\nname = \"{HOOK}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n");
    fs::write(hook.join("Cargo.toml"), manifest)?;
    fs::write(hook.join("src/lib.rs"), "")?;
    let path = hook.display().to_string();
    let plain = format!("{{ path = {path:?} }}\n\n[dev-dependencies]\n{}", begin.dependencies);
    let patched = shells::write(&begin.folder, &begin.dependencies, &begin.lock, begin.online)
        .map(|patches| format!("{plain}{patches}"))
        .inspect_err(|error| eprintln!("all crates are read: {error:#}"));
    let mut result = Ok(());
    // Without shells, if cargo does not take them. And sources of other platforms may never have been downloaded.
    for line in patched.into_iter().chain([plain]) {
        for offline in [true, false] {
            if !offline && !begin.online {
                break;
            }
            fs::copy(&begin.lock, begin.folder.join("Cargo.lock")).context("the versions of crates are not known")?;
            result = evaluate_with(context, &line, offline);
            match &result {
                Ok(()) => return Ok(()),
                Err(error) => eprintln!("not in this way: {error:#}"),
            }
        }
    }
    result
}

/// Makes a dependency on the hook, in these words, the state that questions begin from.
fn evaluate_with(context: &mut EvalContext, line: &str, offline: bool) -> anyhow::Result<()> {
    let mut state = context.state();
    state.set_offline_mode(offline);
    state.add_dep(HOOK, line).map_err(|error| anyhow!("{error}"))?;
    // Compiled for nothing but that.
    context.eval_with_state("42", state).map(drop).map_err(|error| anyhow!("{error}"))
}
