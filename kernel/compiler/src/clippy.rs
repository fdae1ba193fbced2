//! The call of clippy in the place of rustc, and which of its lints are about what the user wrote.

use std::path::{Path, PathBuf};

use cargo_metadata::diagnostic::Diagnostic;

use crate::PrepareError;
use crate::rustc;

/// Lints that hold for what other crates can see: items are public in a notebook only because the kernel makes them so.
const FOR_OTHER_CRATES: [&str; 9] = [
    "len_without_is_empty",
    "missing_safety_doc",
    "module_inception",
    "must_use_unit",
    "new_ret_no_self",
    "new_without_default",
    "result_unit_err",
    "should_implement_trait",
    "too_long_first_doc_paragraph",
];
/// Lints that speak of the brackets which the kernel puts around a tail expression.
const FOR_OUR_BRACKETS: [&str; 1] = ["double_parens"];
/// Of clippy's settings the one that is not for a library.
const SETTINGS: &str = "avoid-breaking-exported-api = false\n";
const SETTINGS_FILES: [&str; 2] = [".clippy.toml", "clippy.toml"];

/// The arguments of rustc as clippy needs them: nothing is linked, no state of rustc's is touched, and what clippy takes
/// for an error is a warning, as the cell is judged and not refused.
pub(crate) fn arguments(arguments: Vec<String>) -> Vec<String> {
    let is_kept = |argument: &String| !argument.starts_with(rustc::INCREMENTAL) && !argument.starts_with("-Clink");
    let mut arguments: Vec<String> = arguments.into_iter().filter(is_kept).collect();
    arguments.push("-Wclippy::correctness".to_owned());
    let off = FOR_OTHER_CRATES.iter().chain(&FOR_OUR_BRACKETS);
    arguments.extend(off.map(|lint| format!("-Aclippy::{lint}")));
    arguments
}

/// The folder of clippy's settings: the user's, looked for as clippy does from `start` upwards, else `own`, in which
/// they are written.
pub(crate) fn settings(start: Option<PathBuf>, own: &Path) -> Result<PathBuf, PrepareError> {
    let has_settings = |folder: &&Path| SETTINGS_FILES.iter().any(|name| folder.join(name).is_file());
    if let Some(folder) = start.as_deref().and_then(|start| start.ancestors().find(has_settings)) {
        return Ok(folder.to_owned());
    }
    crate::notebook::write(own, SETTINGS_FILES[1], SETTINGS)?;
    Ok(own.to_owned())
}

/// Whether a diagnostic is one of clippy's.
pub(crate) fn is_lint(diagnostic: &Diagnostic) -> bool {
    diagnostic.code.as_ref().is_some_and(|code| code.code.starts_with("clippy::"))
}
