//! The linking of compiled crates into a library that the worker loads: the session library is below it, and the layers
//! that were there before.

use std::fmt::Write;
use std::hash::Hasher;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;
use tokio_util::sync::CancellationToken;

use super::set::{Content, Layer};
use super::{DependencyError, cannot, native};
use crate::cargo::{self, CallError, Said};
use crate::session_library::{Fnv, SessionLibrary};

/// What is linked.
pub(super) struct Parts<'a> {
    pub(super) session: &'a SessionLibrary,
    /// The layers that it stands upon.
    pub(super) below: Vec<&'a Layer>,
    pub(super) contents: Vec<Content>,
    /// The files of these crates.
    pub(super) rlibs: Vec<PathBuf>,
    /// Where the compiled crates are, and the libraries of C that they brought.
    pub(super) search: Vec<String>,
    /// Where layers are.
    pub(super) folder: PathBuf,
}

/// Links a layer, or finds that it was.
pub(super) async fn link(parts: Parts<'_>, cancel: &CancellationToken) -> Result<Layer, DependencyError> {
    let name = name(&parts);
    let library = parts.folder.join(format!("lib{name}.so"));
    let symbols = native::symbols(&parts.rlibs).map_err(cannot(&parts.session.dependencies))?;
    let layer = Layer {
        name: name.clone(),
        library: library.clone(),
        contents: parts.contents.clone(),
        below: parts.below.iter().map(|layer| layer.name.clone()).collect(),
        has_native: !symbols.is_empty(),
    };
    if library.is_file() {
        return Ok(layer);
    }
    std::fs::create_dir_all(&parts.folder).map_err(cannot(&parts.folder))?;
    let workshop = tempfile::tempdir_in(&parts.folder).map_err(cannot(&parts.folder))?;
    let source = workshop.path().join("lib.rs");
    std::fs::write(&source, text(&parts)).map_err(cannot(&source))?;
    let exports = native::exports(&symbols, workshop.path()).map_err(cannot(workshop.path()))?;
    let made = workshop.path().join(format!("lib{name}.so"));
    let mut command = Command::from(parts.session.toolchain.command());
    command
        .env_remove("RUSTC_BOOTSTRAP")
        .args(["--edition=2024", "--crate-type=dylib", "-Cprefer-dynamic", "-Copt-level=2", "-Cstrip=debuginfo"])
        .arg(format!("--crate-name={name}"))
        .arg(format!("-Cmetadata={name}"))
        .arg(format!("-Ldependency={}", parts.session.dependencies.display()))
        .arg(format!("-Ldependency={}", parts.folder.display()))
        .args(parts.search.iter().map(|folder| format!("-L{folder}")))
        .args(externs(&parts))
        .args(cargo::flags(&parts.session.toolchain).iter().filter(|flag| flag.starts_with("-Clink-arg")))
        .args(exports)
        .arg("-o")
        .arg(&made)
        .arg(&source)
        .stdin(Stdio::null());
    let mut words = String::new();
    let status = cargo::run(command, cancel, |line| {
        if let Said::Stderr(line) = line {
            let _ = writeln!(words, "{line}");
        }
    });
    match status.await {
        Ok(status) if status.success() => {}
        Ok(_) => {
            return Err(DependencyError::Cargo(format!("the dependencies cannot be linked:\n{}", words.trim_end())));
        }
        Err(CallError::Cancelled) => return Err(DependencyError::Cancelled),
        Err(CallError::Start(error)) => return Err(cannot(&parts.session.toolchain.rustc)(error)),
    }
    // Whoever sees it sees all of it.
    std::fs::rename(&made, &library).map_err(cannot(&library))?;
    Ok(layer)
}

fn text(parts: &Parts<'_>) -> String {
    let mut text = String::from("extern crate kissaten as _;\n");
    for layer in &parts.below {
        let _ = writeln!(text, "extern crate {} as _;", layer.name);
    }
    for number in 0..parts.rlibs.len() {
        let _ = writeln!(text, "extern crate part_{number} as _;");
    }
    text
}

fn externs(parts: &Parts<'_>) -> Vec<String> {
    let own = |name: &str, path: &Path| format!("--extern={name}={}", path.display());
    let mut arguments = vec![own("kissaten", &parts.session.library)];
    arguments.extend(parts.below.iter().map(|layer| own(&layer.name, &layer.library)));
    // All of them, as those of the user's own stand in another layer and may be who names them.
    arguments.extend(parts.rlibs.iter().enumerate().map(|(number, path)| own(&format!("part_{number}"), path)));
    arguments
}

/// A name by which no other layer goes.
fn name(parts: &Parts<'_>) -> String {
    let mut hasher = Fnv::default();
    hasher.write(parts.session.target.as_os_str().as_encoded_bytes());
    for layer in &parts.below {
        hasher.write(layer.name.as_bytes());
    }
    for content in &parts.contents {
        hasher.write(content.file.as_bytes());
        hasher.write_u64(content.compiled);
    }
    format!("kissaten_layer_{:016x}", hasher.finish())
}
