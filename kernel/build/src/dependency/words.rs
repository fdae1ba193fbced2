//! cargo's messages, for people: its errors and warnings, without what is about the package around the dependencies.

use std::path::Path;

use super::manifest::PACKAGE;
use crate::cargo::is_step;
use crate::toolchain::NO_C_COMPILER;

/// cargo's error, whole.
pub(super) fn error(words: &[String], folder: &Path) -> String {
    if let Some(sentence) = no_compiler(words) {
        return sentence;
    }
    let from = words.iter().position(|line| line.starts_with("error")).unwrap_or(0);
    let is_for_people = |line: &&str| !is_step(line) && !is_for_cargo(line);
    let lines: Vec<&str> = words[from..].iter().map(String::as_str).filter(is_for_people).collect();
    let text = without_package(&lines.join("\n"), folder);
    text.strip_prefix("error: ").unwrap_or(&text).trim_end().to_owned()
}

/// cargo's warnings, each whole.
pub(super) fn warnings(words: &[String], folder: &Path) -> Vec<String> {
    let mut warnings: Vec<String> = Vec::new();
    let mut is_inside = false;
    for line in words {
        if let Some(words) = line.strip_prefix("warning: ") {
            // The profile is ours: it names what the session library is built from.
            is_inside = !words.starts_with("profile package spec");
            if is_inside {
                let words = without_package(words, folder);
                warnings.push(words.strip_prefix("the notebook: ").unwrap_or(&words).to_owned());
            }
        } else if is_step(line) || line.starts_with("error") {
            is_inside = false;
        } else if let Some(last) = warnings.last_mut().filter(|_| is_inside) {
            last.push('\n');
            last.push_str(&without_package(line, folder));
        }
    }
    for warning in &mut warnings {
        warning.truncate(warning.trim_end().len());
    }
    warnings
}

/// Whether cargo could not reach a registry or a repository.
pub(super) fn is_about_network(words: &str) -> bool {
    ["resolve host", "network failure", "failed to connect", "Couldn't connect", "[6] ", "[7] ", "[28] "]
        .iter()
        .any(|mark| words.contains(mark))
}

/// A sentence instead of all that is said where a crate with C code in it finds no C compiler.
fn no_compiler(words: &[String]) -> Option<String> {
    let found = words.iter().find_map(|line| Some(&line[line.find(NO_C_COMPILER)?..]))?;
    let failed = words.iter().find_map(|line| line.split_once("custom build command for `"));
    let name = failed.and_then(|(_, rest)| rest.split([' ', '`']).next()).unwrap_or("a crate");
    Some(format!("`{name}`: {found}"))
}

/// What a build script says to cargo, and what the crate `cc` says of the environment.
fn is_for_cargo(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with("cargo:rerun-if") || line.starts_with("cargo::rerun-if") || line.ends_with(" = None")
}

fn without_package(text: &str, folder: &Path) -> String {
    let folder = folder.display();
    let package = format!("package `{PACKAGE} v0.0.0 ({folder})`");
    text.replace(&package, "the notebook").replace(&format!("{folder}/Cargo.toml"), "the notebook")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crate_that_finds_no_c_compiler_is_told_in_a_sentence() {
        let words = [
            "error: failed to run custom build command for `zstd-sys v2.0.1`",
            "  cargo:rerun-if-env-changed=CC",
            "  cargo:warning=There is no C compiler here, and so on.",
        ];
        let words = words.map(str::to_owned);
        assert_eq!(error(&words, Path::new("/f")), "`zstd-sys`: There is no C compiler here, and so on.");
        assert_eq!(error(&words[..2], Path::new("/f")), words[0].strip_prefix("error: ").unwrap());
    }

    #[test]
    fn warnings_are_taken_from_between_the_steps() {
        let said = "    Updating crates.io index\n\
                    warning: /sets/1/Cargo.toml: unused manifest key: dependencies.rand.featurs\n\
                    warning: profile package spec `libc` in profile `session` did not match any packages\n\
                    \n    Did you mean `log`?\n\
                    warning: package `a v1.0.0` in Cargo.lock is yanked in registry `crates-io`\n  more of it\n     \
                    Locking 3 packages\nelse";
        let said: Vec<String> = said.lines().map(str::to_owned).collect();
        assert_eq!(
            warnings(&said, Path::new("/sets/1")),
            [
                "unused manifest key: dependencies.rand.featurs",
                "package `a v1.0.0` in Cargo.lock is yanked in registry `crates-io`\n  more of it"
            ]
        );
    }
}
