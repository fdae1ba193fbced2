//! The command line of a linker of the GNU kind, as far as rustc uses it for a library. Of files it knows the names.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::elsewhere::{Result, not_ours};

/// What is asked for.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) output: PathBuf,
    /// In the order in which they define what others lack.
    pub(crate) inputs: Vec<Input>,
    /// Where libraries are that are given by name.
    pub(crate) folders: Vec<PathBuf>,
    pub(crate) soname: Option<String>,
    pub(crate) run_path: Option<String>,
    pub(crate) version_script: Option<PathBuf>,
    /// What the version script names has to be there.
    pub(crate) names_are_defined: bool,
    pub(crate) drops_unused: bool,
}

#[derive(Debug, PartialEq)]
pub(crate) enum Input {
    Object(PathBuf),
    Archive(PathBuf),
    /// `as_needed`: it is named in the output only if it is used.
    Shared {
        path: PathBuf,
        as_needed: bool,
    },
    /// `-l`
    Named {
        name: String,
        as_needed: bool,
        is_dynamic: bool,
    },
}

/// What of the command line has to be there: without it something else is made.
#[derive(Default)]
struct Required {
    shared: bool,
    now: bool,
    relro: bool,
    header: bool,
}

/// Reads a command line, without the program's name.
pub(crate) fn parse(arguments: &[OsString]) -> Result<Plan> {
    let mut plan = Plan::default();
    let mut required = Required::default();
    let (mut as_needed, mut is_dynamic) = (false, true);
    let mut words = Vec::new();
    for argument in arguments {
        let Some(word) = argument.to_str() else { return not_ours("an argument is not UTF-8") };
        words.push(word);
    }
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        let mut value = || match words.next() {
            Some(value) => Ok(value.to_owned()),
            None => not_ours(format!("{word} without a value")),
        };
        match word {
            "-flavor" if value()? == "gnu" => {}
            "-shared" => required.shared = true,
            "--eh-frame-hdr" => required.header = true,
            "-z" => match value()?.as_str() {
                "now" => required.now = true,
                "relro" => required.relro = true,
                "noexecstack" => {}
                other => return not_ours(format!("-z {other}")),
            },
            "-o" => plan.output = value()?.into(),
            "--as-needed" => as_needed = true,
            "--no-as-needed" => as_needed = false,
            "-Bdynamic" => is_dynamic = true,
            "-Bstatic" => is_dynamic = false,
            "--gc-sections" => plan.drops_unused = true,
            "--no-gc-sections" => plan.drops_unused = false,
            "--no-undefined-version" => plan.names_are_defined = true,
            "-L" => plan.folders.push(folder(&value()?)?),
            "-rpath" => {
                let folders = plan.run_path.take().into_iter().chain([value()?]).collect::<Vec<_>>();
                plan.run_path = Some(folders.join(":"));
            }
            "-soname" => plan.soname = Some(value()?),
            // No debug information is ever written. How much it takes trouble about strings, and with how many threads.
            "--strip-debug" | "-O0" | "-O1" => {}
            _ if word.starts_with("--threads=") => {}
            _ => {
                if let Some(name) = word.strip_prefix("-soname=") {
                    plan.soname = Some(name.to_owned());
                } else if let Some(script) = word.strip_prefix("--version-script=") {
                    if plan.version_script.replace(script.into()).is_some() {
                        return not_ours("two version scripts");
                    }
                } else if let Some(path) = word.strip_prefix("-L") {
                    plan.folders.push(folder(path)?);
                } else if let Some(name) = word.strip_prefix("-l").filter(|name| !name.is_empty()) {
                    if name.starts_with(':') {
                        return not_ours(word);
                    }
                    plan.inputs.push(Input::Named { name: name.to_owned(), as_needed, is_dynamic });
                } else {
                    plan.inputs.push(file(word, as_needed)?);
                }
            }
        }
    }
    if !(required.shared && required.now && required.relro && required.header) {
        return not_ours("no library of the usual kind");
    }
    if plan.output.file_name().is_none() {
        return not_ours("no output");
    }
    Ok(plan)
}

fn folder(path: &str) -> Result<PathBuf> {
    if path.starts_with('=') || path.starts_with("$SYSROOT") { not_ours("a system root") } else { Ok(path.into()) }
}

fn file(word: &str, as_needed: bool) -> Result<Input> {
    let path = PathBuf::from(word);
    match path.extension().and_then(|extension| extension.to_str()) {
        _ if word.starts_with(['-', '@']) => not_ours(format!("the argument {word}")),
        Some("o") => Ok(Input::Object(path)),
        Some("a" | "rlib") => Ok(Input::Archive(path)),
        Some("so") => Ok(Input::Shared { path, as_needed }),
        _ => not_ours(format!("the file {word}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Plan> {
        parse(&line.split(' ').map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn what_rustc_says_is_understood() {
        let plan = parsed(
            "-flavor gnu --version-script=/t/list --no-undefined-version /t/symbols.o a.o --as-needed -Bdynamic /s/libstd.so \
             -Bstatic /s/libbuiltins.rlib -L /t/raw -Bdynamic --eh-frame-hdr -z noexecstack -o a.so --gc-sections -shared \
             -z relro -z now -L/usr/lib -rpath /s -rpath $ORIGIN -lm --threads=1",
        )
        .unwrap();
        assert_eq!(plan.inputs[3], Input::Archive("/s/libbuiltins.rlib".into()));
        assert_eq!(plan.inputs[4], Input::Named { name: "m".to_owned(), as_needed: true, is_dynamic: true });
        assert_eq!(plan.folders, ["/t/raw", "/usr/lib"].map(PathBuf::from));
        assert_eq!((plan.run_path.as_deref(), plan.soname), (Some("/s:$ORIGIN"), None));
        assert!(plan.names_are_defined && plan.drops_unused);
    }

    #[test]
    fn what_is_not_known_is_left_to_the_other() {
        let usual = "-shared -z now -z relro --eh-frame-hdr -o a.so";
        assert!(parsed(usual).is_ok());
        for word in [
            "-pie",
            "--whole-archive",
            "-z defs",
            "@/t/linker-arguments",
            "--icf=all",
            "a.bc",
            "-L=/lib",
            "-l:libm.so.6",
            "-l",
            "-o",
        ] {
            assert!(parsed(&format!("{usual} {word}")).is_err(), "{word}");
        }
        for word in usual.split(" -").map(|word| word.trim_start_matches('-')) {
            assert!(parsed(&usual.replace(word, "O0")).is_err(), "{word}");
        }
    }
}
