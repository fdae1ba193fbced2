//! What cargo says, for people: its errors and warnings, without what is about the package around the dependencies.

use std::path::Path;

use super::manifest::PACKAGE;

/// What cargo does, as it tells it.
const STEPS: [&str; 11] = [
    "Compiling",
    "Updating",
    "Locking",
    "Adding",
    "Downloading",
    "Downloaded",
    "Blocking",
    "Fresh",
    "Downgrading",
    "Removing",
    "Finished",
];

/// cargo's error, whole.
pub(super) fn error(words: &[String], folder: &Path) -> String {
    let from = words.iter().position(|line| line.starts_with("error")).unwrap_or(0);
    let lines: Vec<&str> = words[from..].iter().map(String::as_str).filter(|line| !is_step(line)).collect();
    let text = without_package(&lines.join("\n"), folder);
    text.strip_prefix("error: ").unwrap_or(&text).trim_end().to_owned()
}

/// Its warnings, each whole.
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

fn is_step(line: &str) -> bool {
    STEPS.iter().any(|step| line.trim_start().strip_prefix(step).is_some_and(|rest| rest.starts_with(' ')))
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
