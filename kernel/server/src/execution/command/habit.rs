//! The magics of IPython and other kernels, as people write them out of habit: done by what Kissaten has for it, or answered with
//! its name. What a sentence speaks of is known to no code here.

use compiler::Command;

use super::error::CommandError;

/// Magics that a command of ours does, and its name.
const SAME: [(&str, &str); 16] = [
    ("sx", "sh"),
    ("system", "sh"),
    ("time", "timing"),
    ("who", "vars"),
    ("who_ls", "vars"),
    ("whos", "vars"),
    ("reset", "clear"),
    ("lsmagic", "help"),
    ("magic", "help"),
    ("quickref", "help"),
    ("pinfo", "doc"),
    ("pdoc", "doc"),
    ("exit", "quit"),
    ("set_env", "env"),
    ("run", "load"),
    ("tb", "explain"),
];

/// Magics that only say what there is instead; what stands below is Rust.
const INSTEAD: [(&str, &str); 29] = [
    ("alias", "`!program` runs a program"),
    ("autoawait", "`.await` works at the top level of every cell, always"),
    ("autocall", "functions are called with brackets"),
    ("autoreload", "a cell that is run again takes the place of what it defined, always"),
    ("capture", "what a cell prints is shown; `let text = format!(…);` keeps a text"),
    ("cd", "`std::env::set_current_dir(\"folder\")?` does that"),
    ("conda", "`:dep rand = \"0.9\"` adds a crate"),
    ("config", "`:help` lists what can be set"),
    ("debug", "`dbg!(…)` shows a value and where it is; `:tasks` and `%%timeline` show what tasks do"),
    ("dirs", "`std::env::current_dir()` tells the folder"),
    ("hist", "the up-arrow of a console, and its search, find what was run"),
    ("history", "the up-arrow of a console, and its search, find what was run"),
    ("load_ext", "`:dep rand = \"0.9\"` adds a crate"),
    ("ls", "`!ls` lists a folder"),
    ("mamba", "`:dep rand = \"0.9\"` adds a crate"),
    ("matplotlib", "what a cell ends in is shown; `:dep plotters` with the feature `evcxr` draws"),
    ("memit", "`:timing` tells how long compiling and running take"),
    ("pdb", "`dbg!(…)` shows a value and where it is; `:tasks` and `%%timeline` show what tasks do"),
    ("pip", "`:dep rand = \"0.9\"` adds a crate"),
    ("precision", "`format!(\"{x:.3}\")` says how many digits are shown"),
    ("prun", "`%%timeline` draws what a cell's tasks did and when"),
    ("pwd", "`std::env::current_dir()` tells the folder"),
    ("pylab", "what a cell ends in is shown; `:dep plotters` with the feature `evcxr` draws"),
    ("rehashx", "`!program` runs a program"),
    ("reset_selective", "`drop(x)` ends one variable, `:clear` forgets all"),
    ("timeit", "`%%timing` tells how long one run takes; a loop with `std::time::Instant` measures many"),
    ("use", "`:dep rand = \"0.9\"` adds a crate"),
    ("xdel", "`drop(x)` ends one variable, `:clear` forgets all"),
    ("xmode", "errors are shown whole; `:explain` explains the last one"),
];

/// Magics of a whole cell that is no Rust.
const OTHER_CODE: [(&str, &str); 10] = [
    ("R", "a cell of this kernel is Rust"),
    ("cmd", "`tokio::process::Command` runs other programs"),
    ("file", "`std::fs::write(\"name\", \"text\")?` writes a file"),
    ("javascript", "`kissaten::Html(\"<script>…</script>\")` at the end of a cell shows HTML with a script"),
    ("js", "`kissaten::Html(\"<script>…</script>\")` at the end of a cell shows HTML with a script"),
    ("perl", "`tokio::process::Command::new(\"perl\")` runs other programs"),
    ("python", "`tokio::process::Command::new(\"python3\")` runs other programs"),
    ("python3", "`tokio::process::Command::new(\"python3\")` runs other programs"),
    ("script", "`tokio::process::Command` runs other programs"),
    ("writefile", "`std::fs::write(\"name\", \"text\")?` writes a file"),
];

/// What is said where a crate is added that shows nothing in a notebook: `indicatif 0.18.0`.
pub(in crate::execution) fn of_crate(added: &str) -> Option<&'static str> {
    let name = added.split(' ').next().unwrap_or_default();
    matches!(name, "indicatif" | "kdam" | "pbr" | "linya").then_some(
        "progress bars of terminals draw nothing or a mess in a notebook, which is none: `for x in kissaten::progress(items)` \
         draws one, `kissaten::progress_stream` for a stream",
    )
}

/// A habit from elsewhere, as what is to be done about it.
pub(super) enum Habit {
    /// Our own command for it.
    Same(Command),
    /// A sentence for a note.
    Instead(String),
}

/// What is meant by a command that is none of ours.
pub(super) fn habit(command: &Command) -> Option<Result<Habit, CommandError>> {
    let Command { name, argument, .. } = command;
    let find =
        |table: &[(&'static str, &'static str)]| table.iter().find(|(known, _)| known == name).map(|(_, words)| *words);
    if let Some(words) = find(&OTHER_CODE) {
        return Some(Err(CommandError::OtherCode { name: name.clone(), instead: words }));
    }
    if let Some(words) = find(&INSTEAD) {
        return Some(Ok(Habit::Instead(format!("`%{name}` is none of Kissaten's: {words}."))));
    }
    let ours = find(&SAME)?;
    let mut same = Command { name: ours.to_owned(), ..command.clone() };
    match name.as_str() {
        // The statement on the line would have to be a cell.
        "time" if !argument.is_empty() => return Some(Err(CommandError::Time)),
        "time" => same.whole_cell = true,
        // Whose switches say which variables, and not to ask.
        "who" | "whos" | "who_ls" | "reset" | "lsmagic" | "magic" | "quickref" | "exit" | "tb" => {
            same.argument.clear();
            same.whole_cell = false;
        }
        "set_env" if !argument.contains('=') => same.argument = argument.replacen(char::is_whitespace, "=", 1),
        _ => {}
    }
    Some(Ok(Habit::Same(same)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::execution::command::{
        Action, cell::CellOption, compiler::CompilerCommand, kernel::KernelCommand, parse,
    };

    fn check(line: &str) -> Result<Action, String> {
        let (commands, _) = compiler::split_commands(line);
        parse(&commands[0]).map_err(|error| error.to_string())
    }

    #[test]
    fn what_there_is_for_it_is_done() {
        for line in ["%%time", "%time"] {
            assert_eq!(check(line), Ok(Action::Cell(CellOption::Timing)), "{line}");
        }
        for line in ["%who", "%whos", "%who int", "%who_ls"] {
            assert_eq!(check(line), Ok(Action::Compiler(CompilerCommand::Variables)), "{line}");
        }
        assert_eq!(check("%reset -f"), Ok(Action::Compiler(CompilerCommand::Clear)));
        let set = Action::Kernel(KernelCommand::SetEnv { name: "A".to_owned(), value: "b c".to_owned() });
        assert_eq!((check("%set_env A b c"), check("%set_env A=b c")), (Ok(set.clone()), Ok(set)));
        assert_eq!(check("%run a.rs"), Ok(Action::Kernel(KernelCommand::Load("a.rs".into()))));
        assert_eq!(
            check("%time x + 1"),
            Err("`%time` takes no code; `%%timing` above a cell tells how long that took".to_owned())
        );
    }

    #[test]
    fn crates_for_terminals_are_told_of() {
        assert!(of_crate("indicatif 0.18.6").is_some_and(|words| words.contains("kissaten::progress")));
        assert_eq!(of_crate("colored 3.1.1"), None);
    }

    #[test]
    fn the_rest_says_by_what_in_a_line() {
        let sorted = |names: &[(&str, &str)]| names.windows(2).all(|pair| pair[0].0 < pair[1].0);
        assert!(sorted(&INSTEAD) && sorted(&OTHER_CODE));
        for (name, words) in INSTEAD.iter().chain(&OTHER_CODE) {
            assert!(!words.ends_with('.') && !words.contains('\n'), "{name}");
        }
        // Each command that a habit stands for is there.
        for (name, _) in SAME {
            assert!(!check(&format!("%{name}")).is_err_and(|error| error.starts_with("there is no command")), "{name}");
        }
        assert_eq!(
            check("%pip install rand"),
            Ok(Action::Kernel(KernelCommand::Replaced(
                "`%pip` is none of Kissaten's: `:dep rand = \"0.9\"` adds a crate.".to_owned()
            )))
        );
        assert_eq!(
            check("%%perl"),
            Err("`%%perl` is none of Kissaten's, whose cells are Rust: `tokio::process::Command::new(\"perl\")` runs \
                 other programs"
                .to_owned())
        );
    }
}
