//! A linker for what cells are compiled to: objects for Linux on x86-64 in, one shared library out. To start a large linker
//! takes as long as it takes this one to be done.
//!
//! It does what rustc asks for such a library, and only what it does wholly: of everything else it says that it is not its
//! own (`Elsewhere`) before it has written anything, and the compiler's own linker does it. It knows ELF; neither cells nor
//! rustc nor where that other linker comes from.

mod arguments;
mod dynamic;
mod elsewhere;
mod files;
mod input;
mod layout;
mod library;
mod live;
mod output;
mod program;
mod relocation;
mod script;
mod unwind;

use std::ffi::OsString;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::elsewhere::{Result, not_ours};
use crate::files::Role;

pub use elsewhere::Elsewhere;
pub use program::{FLAVOR, IT_IS, OTHER, REASONS, as_linker};

/// Links what a command line asks for (without the program's name).
///
/// # Errors
/// When it cannot; nothing was written then.
pub fn link(arguments: &[OsString]) -> Result<()> {
    let plan = arguments::parse(arguments)?;
    let files = files::open(&plan)?;
    let mut inputs = input::Inputs::default();
    for file in files.iter().filter(|file| file.role == Role::Object) {
        inputs.add(&file.bytes)?;
    }
    let script = match &plan.version_script {
        Some(path) => fs::read_to_string(path).map_err(|error| Elsewhere::File(path.display().to_string(), error))?,
        None => return not_ours("no version script"),
    };
    let mut found = 0;
    let exported = script::exported(&script)?;
    for symbol in inputs.symbols.iter_mut().filter(|symbol| !symbol.is_local && symbol.is_defined()) {
        if std::str::from_utf8(symbol.name).is_ok_and(|name| exported.contains(name)) {
            found += 1;
            symbol.is_exported = !symbol.is_hidden;
        }
    }
    if plan.names_are_defined && found < exported.len() {
        return not_ours("a name of the version script is not defined");
    }
    let mut libraries = library::Libraries::read(&files)?;
    libraries.resolve(&mut inputs)?;
    let mut frames = unwind::Frames::read(&inputs)?;
    live::mark(&mut inputs, &mut libraries, &frames, plan.drops_unused)?;
    frames.place(&inputs);
    let needs = relocation::Needs::of(&inputs, &frames)?;
    let names = dynamic::Names::of(&inputs, &libraries, &needs, &plan);
    let bytes = output::Output { inputs: &mut inputs, frames: &frames, needs: &needs, names: &names }.bytes()?;
    write(&plan.output, &bytes)
}

/// Writes the output beside its place and puts it there: what is mapped of an old one stays as it is.
fn write(output: &Path, bytes: &[u8]) -> Result<()> {
    let cannot = |error| Elsewhere::File(output.display().to_string(), error);
    let folder = output.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut beside = tempfile::Builder::new();
    // The user's mask takes from that what it takes.
    let mut beside = beside.permissions(fs::Permissions::from_mode(0o777)).tempfile_in(folder).map_err(cannot)?;
    beside.write_all(bytes).map_err(cannot)?;
    beside.persist(output).map_err(|error| cannot(error.error))?;
    Ok(())
}
