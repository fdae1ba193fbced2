//! The files that the command line names, found and opened. What stands in them it does not know, but for the few words with
//! which the system's libraries say where they really are.

use std::fs;
use std::path::{Path, PathBuf};

use memmap2::Mmap;

use crate::arguments::{Input, Plan};
use crate::elsewhere::{Elsewhere, Result, not_ours};

/// An opened file.
#[derive(Debug)]
pub(crate) struct File {
    pub(crate) role: Role,
    pub(crate) bytes: Bytes,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Role {
    Object,
    Archive,
    /// `name`: what it is called where it does not say so itself.
    Shared {
        name: String,
        as_needed: bool,
    },
}

/// What stands in a file. Only what is read of a large one is loaded.
#[derive(Debug)]
pub(crate) enum Bytes {
    Read(Vec<u8>),
    Mapped(Mmap),
}

impl std::ops::Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Read(bytes) => bytes,
            Self::Mapped(map) => map,
        }
    }
}

/// How large objects may be together: of what is larger the time is not in the start of a linker, and this one has it in
/// memory several times.
const MOST_BYTES: usize = 64 * 1024 * 1024;

/// Opens all inputs, in their order.
pub(crate) fn open(plan: &Plan) -> Result<Vec<File>> {
    let mut files = Vec::new();
    let mut left = MOST_BYTES;
    for input in &plan.inputs {
        match input {
            Input::Object(path) => {
                let size = fs::metadata(path).map_err(|error| cannot(path, error))?.len();
                left = match usize::try_from(size).ok().and_then(|size| left.checked_sub(size)) {
                    Some(left) => left,
                    None => return not_ours("objects that are large"),
                };
                let bytes = fs::read(path).map_err(|error| cannot(path, error))?;
                files.push(File { role: Role::Object, bytes: Bytes::Read(bytes) });
            }
            Input::Archive(path) => files.push(File { role: Role::Archive, bytes: map(path)? }),
            Input::Shared { path, as_needed } => {
                let name = path.to_string_lossy().into_owned();
                open_library(plan, path, name, *as_needed, &mut files)?;
            }
            Input::Named { name, as_needed, is_dynamic } => {
                let (path, name) = find(plan, name, *is_dynamic)?;
                open_library(plan, &path, name, *as_needed, &mut files)?;
            }
        }
    }
    Ok(files)
}

/// Where a library that is given by name is, and what it is called where it does not say so itself.
fn find(plan: &Plan, name: &str, is_dynamic: bool) -> Result<(PathBuf, String)> {
    let (shared, archive) = (format!("lib{name}.so"), format!("lib{name}.a"));
    for folder in &plan.folders {
        for file in [Some(&shared).filter(|_| is_dynamic), Some(&archive)].into_iter().flatten() {
            let path = folder.join(file);
            if path.exists() {
                return Ok((path, file.clone()));
            }
        }
    }
    not_ours(format!("no library {name}"))
}

fn open_library(plan: &Plan, path: &Path, name: String, as_needed: bool, files: &mut Vec<File>) -> Result<()> {
    let bytes = map(path)?;
    let role = if bytes.starts_with(b"\x7fELF") {
        Role::Shared { name, as_needed }
    } else if bytes.starts_with(b"!<arch>\n") {
        Role::Archive
    } else {
        for Named { name, only_if_needed } in script(&bytes)? {
            let (path, name) = if let Some(name) = name.strip_prefix("-l") {
                find(plan, name, true)?
            } else if name.starts_with('/') {
                (PathBuf::from(&name), name)
            } else {
                let path = plan.folders.iter().map(|folder| folder.join(&name)).find(|path| path.exists());
                let Some(path) = path else { return not_ours(format!("no library {name}")) };
                (path, name)
            };
            if map(&path)?.get(..4).is_none_or(|start| start != b"\x7fELF" && start != b"!<ar") {
                return not_ours(format!("{name} in a script"));
            }
            open_library(plan, &path, name, as_needed || only_if_needed, files)?;
        }
        return Ok(());
    };
    files.push(File { role, bytes });
    Ok(())
}

/// A file that a script names.
#[derive(Debug, PartialEq)]
struct Named {
    name: String,
    only_if_needed: bool,
}

/// The files that a script stands for: `GROUP ( /lib/libm.so.6 AS_NEEDED ( /lib/libmvec.so.1 ) )`.
fn script(bytes: &[u8]) -> Result<Vec<Named>> {
    let Ok(mut rest) = std::str::from_utf8(bytes) else { return not_ours("a library of another kind") };
    let mut text = String::new();
    while let Some((before, after)) = rest.split_once("/*") {
        let Some((_, after)) = after.split_once("*/") else { return not_ours("a comment without an end") };
        text.push_str(before);
        rest = after;
    }
    text.push_str(rest);
    let text = text.replace('(', " ( ").replace(')', " ) ");
    let mut words = text.split_whitespace();
    let mut files = Vec::new();
    while let Some(command) = words.next() {
        if words.next() != Some("(") {
            return not_ours("a script of another kind");
        }
        let (mut depth, mut as_needed) = (1, false);
        while depth > 0 {
            match words.next() {
                Some(")") => {
                    depth -= 1;
                    as_needed = false;
                }
                Some("AS_NEEDED") if depth == 1 && words.next() == Some("(") => {
                    depth += 1;
                    as_needed = true;
                }
                Some("elf64-x86-64") if command == "OUTPUT_FORMAT" => {}
                Some(name) if matches!(command, "GROUP" | "INPUT") && !name.contains(['=', ',', '"', '(']) => {
                    files.push(Named { name: name.to_owned(), only_if_needed: as_needed });
                }
                _ => return not_ours("a script of another kind"),
            }
        }
    }
    Ok(files)
}

fn map(path: &Path) -> Result<Bytes> {
    let file = fs::File::open(path).map_err(|error| cannot(path, error))?;
    // SAFETY: the bytes are only looked at, and compilers and packages put a new file in the place of an old one instead of
    // writing into it.
    let map = unsafe { Mmap::map(&file) };
    Ok(Bytes::Mapped(map.map_err(|error| cannot(path, error))?))
}

fn cannot(path: &Path, error: std::io::Error) -> Elsewhere {
    Elsewhere::File(path.display().to_string(), error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_name_files() {
        let text = "/* GNU ld script\n*/\nOUTPUT_FORMAT(elf64-x86-64)\nGROUP ( /lib/libm.so.6  AS_NEEDED ( /lib/libmvec.so.1 ) )\n";
        let named = |name: &str, only_if_needed| Named { name: name.to_owned(), only_if_needed };
        let files = script(text.as_bytes()).unwrap();
        assert_eq!(files, [named("/lib/libm.so.6", false), named("/lib/libmvec.so.1", true)]);
        let files = script(b"GROUP ( libgcc_s.so.1 -lgcc )").unwrap();
        assert_eq!(files, [named("libgcc_s.so.1", false), named("-lgcc", false)]);
        for text in
            ["GROUP ( =/lib/x.so )", "GROUP ( /lib/libm.so", "GROUP /lib/libm.so", "SECTIONS { }", "/* x", "\u{7f}ELG"]
        {
            assert!(script(text.as_bytes()).is_err(), "{text}");
        }
    }
}
