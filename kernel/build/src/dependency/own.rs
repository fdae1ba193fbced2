//! Packages of the user's own, which a dependency's `path` leads to: where they are, by which files it is told that they
//! have changed, and how rustc is made to tell what it compiled before from what it compiles now.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use tokio::process::Command;

use super::set;
use crate::cargo::Units;
use crate::toolchain::Toolchain;

/// Folders of packages of the user's own, for the script.
const FOLDERS: &str = "KISSATEN_OWN_PACKAGES";
/// What tells one build from all others, for the script.
const BUILD: &str = "KISSATEN_BUILD";

/// The folder of a package that is the user's own.
pub(super) fn folder(id: &str) -> Option<PathBuf> {
    let path = id.strip_prefix("path+file://")?;
    Some(PathBuf::from(decoded(path.rsplit_once('#').map_or(path, |(path, _)| path))))
}

/// The folders of all of them.
pub(super) fn folders(units: &Units) -> BTreeSet<PathBuf> {
    units.units.iter().filter_map(|unit| folder(&unit.pkg_id)).collect()
}

/// The files that cargo lists in `list` and the manifests in `folders`, where `is_users` says that they are the user's,
/// with their times.
pub(super) fn sources(
    list: &Path,
    folders: &BTreeSet<PathBuf>,
    is_users: impl Fn(&Path) -> bool,
) -> Vec<(PathBuf, u64)> {
    let list = fs::read_to_string(list).unwrap_or_default();
    let listed = list.split_once(": ").map_or("", |(_, files)| files).replace("\\ ", "\0");
    let files = listed.split_whitespace().map(|file| PathBuf::from(file.replace('\0', " ")));
    let manifests = folders.iter().map(|folder| folder.join("Cargo.toml"));
    let files: BTreeSet<PathBuf> = files.chain(manifests).filter(|file| is_users(file)).collect();
    files.into_iter().map(|file| (set::modified(&file), file)).map(|(time, file)| (file, time)).collect()
}

/// Makes cargo call rustc by a script that gives each compile of a package in `folders` an identity of its own.
///
/// Its older form may still be loaded. With one identity for both, a type of the one would be taken for that of the other,
/// though its layout may have changed.
pub(super) fn tell_apart(
    call: &mut Command,
    folders: &BTreeSet<PathBuf>,
    toolchain: &Toolchain,
    target: &Path,
) -> io::Result<()> {
    // cargo remembers what it has asked a compiler by its path, so the script is always the same file.
    let script = target.join("rustc");
    let text = format!(
        r#"#!/bin/sh
case ":${FOLDERS}:" in
*":$CARGO_MANIFEST_DIR:"*) exec '{0}' "$@" "-Cmetadata=${BUILD}" ;;
esac
exec '{0}' "$@"
"#,
        toolchain.rustc.display().to_string().replace('\'', r"'\''")
    );
    if !fs::read_to_string(&script).is_ok_and(|there| there == text) {
        // Another kernel may be about to start it. It is for whoever the rest of the folder is for: the umask says.
        let new = target.join(format!("rustc.{}", std::process::id()));
        let mut file = fs::File::options().create(true).write(true).truncate(true).mode(0o777).open(&new)?;
        file.write_all(text.as_bytes())?;
        drop(file);
        fs::rename(&new, &script)?;
    }
    let build = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
    let folders: Vec<String> = folders.iter().map(|folder| folder.display().to_string()).collect();
    call.env("RUSTC", script).env(FOLDERS, folders.join(":")).env(BUILD, build.to_string());
    Ok(())
}

/// A path as it stands in a URL, with its `%20`.
fn decoded(path: &str) -> String {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let [first, others @ ..] = rest {
        let digits = others.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) if *first == b'%' => {
                bytes.push(byte);
                rest = &others[2..];
            }
            _ => {
                bytes.push(*first);
                rest = others;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_read_from_urls() {
        assert_eq!(folder("path+file:///home/me/my%20menu#menu@0.1.0"), Some("/home/me/my menu".into()));
        assert_eq!(folder("path+file:///home/me/100%#0.1.0"), Some("/home/me/100%".into()));
        assert_eq!(folder("registry+https://example.org/index#rand@0.9.0"), None);
    }
}
