//! The libraries of C within compiled crates.
//!
//! rustc keeps their symbols to itself in a `dylib`: it exports what it knows of Rust. But generic and inlined code of such
//! a crate is compiled into cells, and calls them from there.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fmt::Write;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use object::read::archive::ArchiveFile;
use object::{Object, ObjectSymbol, SymbolScope};

/// The symbols of C in these crates.
pub(super) fn symbols(rlibs: &[PathBuf]) -> io::Result<BTreeSet<String>> {
    let mut symbols = BTreeSet::new();
    for rlib in rlibs.iter().filter(|path| path.extension().is_some_and(|extension| extension == "rlib")) {
        add_symbols(&fs::read(rlib)?, &mut symbols);
    }
    Ok(symbols)
}

/// The arguments with which rustc exports these symbols as well; none, if there are none. What they refer to is written
/// into `folder`.
///
/// No linker has an option that takes anything back from the list of exports that rustc gives it, and most take only one
/// such list. So the linker is called by a script that adds to the list.
pub(super) fn exports(symbols: &BTreeSet<String>, folder: &Path) -> io::Result<Vec<OsString>> {
    if symbols.is_empty() {
        return Ok(Vec::new());
    }
    let mut list = String::new();
    for symbol in symbols {
        let _ = writeln!(list, "    {symbol};");
    }
    fs::write(folder.join("symbols"), list)?;
    // rustc tells from its name how it is to be spoken to.
    let linker = folder.join("cc");
    fs::write(&linker, LINKER)?;
    fs::set_permissions(&linker, Permissions::from_mode(0o700))?;
    let mut argument = OsString::from("-Clinker=");
    argument.push(linker);
    // What two libraries of C call alike is two things.
    Ok(vec![argument, "-Clink-arg=-Wl,-Bsymbolic".into()])
}

const LINKER: &str = r#"#!/bin/sh
set -e
for argument in "$@"; do
    case $argument in
    -Wl,--version-script=*) sed -i "/^ *global:/r ${0%/*}/symbols" "${argument#*=}" ;;
    esac
done
exec cc "$@"
"#;

/// Collects what can be called from elsewhere in the members of an archive that rustc did not make.
fn add_symbols(rlib: &[u8], symbols: &mut BTreeSet<String>) {
    let Ok(archive) = ArchiveFile::parse(rlib) else { return };
    for member in archive.members().filter_map(Result::ok) {
        if member.name().ends_with(b".rcgu.o") || member.name().ends_with(b".rmeta") {
            continue;
        }
        let Some(object) = member.data(rlib).ok().and_then(|data| object::File::parse(data).ok()) else { continue };
        let is_export =
            |symbol: &object::Symbol<'_, '_>| symbol.is_definition() && symbol.scope() == SymbolScope::Dynamic;
        let names = object.symbols().filter(is_export).filter_map(|symbol| symbol.name().ok().map(str::to_owned));
        symbols.extend(names);
    }
}
