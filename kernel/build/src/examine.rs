//! What of a machine decides whether cells can be compiled: each thing looked at, with what to do where it is wrong.
//!
//! It looks and changes nothing. What Jupyter needs is not known here.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use nix::sys::statvfs::statvfs;

use crate::cache::cache_folders;
use crate::cargo;
use crate::dependency::size_of;
use crate::private::is_private;
use crate::session_library::SessionLibrary;
use crate::toolchain::{self, Toolchain, has_cc};

/// How much room a session library and some crates want, in bytes.
const ROOM: u64 = 1 << 30;

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Fine,
    /// Something that a user may want to have otherwise.
    Note,
    /// Cells do not run because of it.
    Fault,
}

/// A thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub state: State,
    /// `rustc 1.95.0, /home/me/.cargo/bin/rustc`
    pub what: String,
    /// What mends it, or what it is good for.
    pub mend: Option<String>,
}

impl Finding {
    /// Something that is as it should be.
    pub fn fine(what: impl Into<String>) -> Self {
        Self { state: State::Fine, what: what.into(), mend: None }
    }

    /// Something that could be better.
    pub fn note(what: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { state: State::Note, what: what.into(), mend: Some(mend.into()) }
    }

    /// Something that is wrong.
    pub fn fault(what: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { state: State::Fault, what: what.into(), mend: Some(mend.into()) }
    }
}

/// Looks at the toolchain, at the linker, at the session library and at the folders that they are kept in.
///
/// Blocks; starts some short processes.
pub fn examine() -> Vec<Finding> {
    let mut findings = Vec::new();
    match Toolchain::find() {
        Ok(toolchain) => of_toolchain(&toolchain, &mut findings),
        Err(error) => findings.push(Finding::fault(error.to_string(), "run `kissaten rust install`")),
    }
    of_variables(&mut findings);
    let folders = cache_folders();
    if folders.is_empty() {
        findings
            .push(Finding::fault("there is no folder for a cache", "set KISSATEN_CACHE to one that can be written"));
    }
    for (index, folder) in folders.iter().enumerate() {
        of_cache(folder, index + 1 == folders.len(), &mut findings);
    }
    of_temporary(&mut findings);
    findings.push(match SessionLibrary::find() {
        Ok(Some(library)) => Finding::fine(format!("session library for rustc {}", library.rustc_release())),
        Ok(None) => Finding::note(
            "no session library yet",
            "the first cell builds it, in about a minute; so does `kissaten build`",
        ),
        Err(error) => Finding::fault(format!("no session library: {error}"), "see above"),
    });
    findings
}

fn of_toolchain(toolchain: &Toolchain, findings: &mut Vec<Finding>) {
    findings.push(Finding::fine(format!("rustc {}, {}", toolchain.release, toolchain.rustc.display())));
    findings.push(match cargo::find(toolchain) {
        Some(cargo) => Finding::fine(format!("cargo, {}", cargo.display())),
        None => Finding::fault("no cargo beside rustc nor on PATH", "run `kissaten rust install`"),
    });
    let has_cc = has_cc();
    findings.push(match (toolchain.link_flags.is_empty(), has_cc) {
        (false, _) => Finding::fine("linker: rust-lld, which came with rustc"),
        (true, true) => Finding::fine("linker: that of cc"),
        (true, false) => {
            Finding::fault("no linker: neither `cc` nor a rust-lld that works here", "install gcc or clang")
        }
    });
    if !has_cc {
        findings.push(match toolchain::zig().filter(|_| toolchain.tools.is_some()) {
            Some(zig) => Finding::fine(format!("C compiler: zig, {}", zig.display())),
            None => Finding::note(
                "no C compiler: crates with C code in them cannot be compiled",
                "`apt install gcc`, or without root `pip install 'kissaten[cc]'`",
            ),
        });
    }
}

/// Variables that change what is built.
fn of_variables(findings: &mut Vec<Finding>) {
    for name in ["KISSATEN_RUSTC", "KISSATEN_SOURCE", "KISSATEN_CACHE", "RUSTC", "RUSTUP_TOOLCHAIN"] {
        if let Some(value) = std::env::var_os(name) {
            findings.push(Finding::note(format!("{name} is set: {}", value.display()), "unset it, unless it is meant"));
        }
    }
}

fn of_cache(folder: &Path, is_users: bool, findings: &mut Vec<Finding>) {
    let shown = folder.display();
    let Ok(metadata) = std::fs::metadata(folder) else {
        if is_users {
            findings.push(Finding::fine(format!("cache {shown}: not there yet")));
        }
        return;
    };
    let size = size_of(folder) >> 20;
    let mode = metadata.mode() & 0o777;
    findings.push(if is_private(folder) {
        Finding::fine(format!("cache {shown}: {size} MB, of user {}, mode {mode:o}", metadata.uid()))
    } else {
        Finding::fault(
            format!("cache {shown} can be written to by others (of user {}, mode {mode:o})", metadata.uid()),
            format!("`chmod go-w {shown}` and the folders above it, or set KISSATEN_CACHE to a folder of your own"),
        )
    });
    if is_users && tempfile::tempfile_in(folder).is_err() {
        findings.push(Finding::fault(
            format!("cache {shown} cannot be written"),
            "make room or take it over, or set KISSATEN_CACHE to a folder that can be written",
        ));
    }
    of_file_system(folder, ROOM, findings);
}

fn of_temporary(findings: &mut Vec<Finding>) {
    let folder = std::env::temp_dir();
    if tempfile::tempfile_in(&folder).is_err() {
        findings.push(Finding::fault(
            format!("the folder for temporary files, {}, cannot be written", folder.display()),
            "set TMPDIR to another one",
        ));
    }
    of_file_system(&folder, ROOM / 10, findings);
}

/// Whether there is room in a folder, and whether a library in it may be loaded.
fn of_file_system(folder: &Path, room: u64, findings: &mut Vec<Finding>) {
    let Ok(status) = statvfs(folder) else { return };
    let shown = folder.display();
    // The types are smaller on some systems.
    #[allow(clippy::useless_conversion)]
    let free = u64::from(status.blocks_available()) * u64::from(status.fragment_size());
    if free < room {
        findings.push(Finding::fault(format!("{shown} has room for {} MB only", free >> 20), "remove something there"));
    }
    // The others do not tell it here.
    #[cfg(target_os = "linux")]
    if status.flags().contains(nix::sys::statvfs::FsFlags::ST_NOEXEC) {
        findings.push(Finding::fault(
            format!("{shown} is mounted noexec: no library can be loaded from there"),
            "set TMPDIR, or KISSATEN_CACHE, to a folder elsewhere",
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_that_runs_these_tests_has_no_faults_of_its_toolchain() {
        let mut findings = Vec::new();
        of_toolchain(&Toolchain::find().unwrap(), &mut findings);
        assert!(findings.iter().all(|finding| finding.state != State::Fault), "{findings:?}");
    }

    #[test]
    fn a_cache_of_all_is_a_fault() {
        let folder = tempfile::tempdir().unwrap();
        let open = folder.path().join("open");
        std::fs::create_dir(&open).unwrap();
        std::fs::set_permissions(&open, std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
        let mut findings = Vec::new();
        of_cache(&open, true, &mut findings);
        assert_eq!(findings[0].state, State::Fault, "{findings:?}");
    }
}
