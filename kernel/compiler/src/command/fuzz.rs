//! Whatever a cell is, it is split and parsed without a panic, and no line of it is lost or moved: cells of the corpus
//! (`fuzz/cell`), changed at random for a bounded time. A failure prints its seed, and `KISSATEN_FUZZ_SEED` runs that one
//! again.

use std::collections::BTreeSet;
use std::path::Path;
use std::{env, fs, thread};

use arbtest::arbitrary::{self, Unstructured};
use arbtest::arbtest;

use super::{split_commands, split_file_marks};
use crate::parse;

/// How long is tried, in milliseconds; `KISSATEN_FUZZ_MS` is another time.
const BUDGET: u64 = 3_000;

fn corpus() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/cell");
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| fs::read_to_string(path).unwrap()).collect()
}

/// A place between two characters.
fn place(text: &str, u: &mut Unstructured<'_>) -> arbitrary::Result<usize> {
    let at = u.int_in_range(0..=text.len())?;
    Ok((0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0))
}

fn change(text: &mut String, corpus: &[String], u: &mut Unstructured<'_>) -> arbitrary::Result<()> {
    const PIECES: [&str; 22] = [
        "\n", "\r\n", "\n:", "\n%", "\n%%", "\"", "'", "r#\"", "/*", "*/", "//", "{", "}", "(", ")", "#[", "]", "::",
        "\u{feff}", "\0", "é", "let x = ",
    ];
    for _ in 0..u.int_in_range(0..=6)? {
        let (a, b) = (place(text, u)?, place(text, u)?);
        let range = a.min(b)..a.max(b);
        match u.int_in_range(0..=4)? {
            0 => text.replace_range(range, ""),
            1 => text.insert_str(a, u.choose(&PIECES)?),
            2 => {
                let piece = text[range].to_owned();
                text.insert_str(b, &piece);
            }
            3 => text.insert_str(a, &u.choose(corpus)?.clone()),
            _ => text.insert(a, u.arbitrary()?),
        }
    }
    Ok(())
}

fn target(text: &str) {
    let (commands, rest) = split_commands(text);
    let (marks, code) = split_file_marks(text);
    let text = &(" ".repeat(marks.chars().count()) + code);
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let left: Vec<&str> = rest.split_inclusive('\n').collect();
    let of_commands: BTreeSet<usize> = commands.iter().map(|command| command.line).collect();
    assert_eq!(of_commands.len(), commands.len(), "a line is one command");
    for (index, line) in lines.iter().enumerate() {
        if of_commands.contains(&(index + 1)) {
            assert!(left.get(index).is_none_or(|left| left.trim().is_empty()), "{text:?}");
        } else {
            assert_eq!(left.get(index), Some(line), "{text:?}");
        }
    }
    for command in &commands {
        assert!(lines[command.line - 1].contains(&command.name) && !command.name.is_empty(), "{text:?}");
    }
    assert_eq!(split_commands(&rest).0, [], "what is left has no commands: {text:?}");
    // Ranges of the text are taken out of what is parsed. The parser needs a stack of its own, as in the kernel; there its
    // panic would not end anything, here it does.
    let parsed = thread::scope(|scope| {
        let parser = thread::Builder::new().stack_size(64 << 20);
        parser.spawn_scoped(scope, || drop(parse::parse_here(&rest, &BTreeSet::new()))).unwrap().join()
    });
    assert!(parsed.is_ok(), "{text:?}");
}

#[test]
fn the_corpus() {
    corpus().iter().for_each(|text| target(text));
}

#[test]
fn changed_cells() {
    let corpus = corpus();
    let number = |name| {
        let value = env::var(name).ok()?;
        value.strip_prefix("0x").map_or_else(|| value.parse().ok(), |digits| u64::from_str_radix(digits, 16).ok())
    };
    let property = |u: &mut Unstructured<'_>| {
        let mut text = u.choose(&corpus)?.clone();
        change(&mut text, &corpus, u)?;
        target(&text);
        Ok(())
    };
    let test = arbtest(property).size_max(4096).budget_ms(number("KISSATEN_FUZZ_MS").unwrap_or(BUDGET));
    match number("KISSATEN_FUZZ_SEED") {
        Some(seed) => drop(test.seed(seed)),
        None => drop(test),
    }
}
