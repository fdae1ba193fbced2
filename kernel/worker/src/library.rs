//! Loading of what the compiler made.

use std::mem::ManuallyDrop;
use std::path::Path;

use kissaten::runtime::Entry;
use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};

/// Loads a cell's library and returns its entry point.
///
/// `RTLD_LOCAL`, because libraries of different generations have symbols of the same names: each must see its
/// own. Nothing is ever unloaded: variables, tasks and `'static` references point into the libraries.
pub(crate) fn load(path: &Path, entry: &str) -> Result<Entry, libloading::Error> {
    // SAFETY: the library was written by the compiler for this very process; all its initialisers are rustc's or
    // those of crates that the user chose.
    let library = ManuallyDrop::new(unsafe { Library::open(Some(path), RTLD_NOW | RTLD_LOCAL)? });
    // SAFETY: the compiler gives the symbol this type, and both sides come from one rustc.
    Ok(unsafe { *library.get::<Entry>(entry.as_bytes())? })
}
