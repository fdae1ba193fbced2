//! Whatever a cell is, it is split and parsed without a panic, and no line of it is lost or moved: cells of the corpus
//! (`fuzz/cell`), changed at random for a bounded time (see `kissaten_fuzz`).

use std::collections::BTreeSet;
use std::thread;

use kissaten_fuzz::Unstructured;

use super::{Command, split_commands, split_file_marks};
use crate::parse;

fn corpus() -> Vec<String> {
    let files = kissaten_fuzz::corpus(concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/cell")).unwrap();
    files.into_iter().map(|file| String::from_utf8(file).unwrap()).collect()
}

/// A place between two characters.
fn place(text: &str, u: &mut Unstructured<'_>) -> kissaten_fuzz::Result<usize> {
    let at = u.int_in_range(0..=text.len())?;
    Ok((0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0))
}

fn change(text: &mut String, corpus: &[String], u: &mut Unstructured<'_>) -> kissaten_fuzz::Result<()> {
    const PIECES: [&str; 26] = [
        "\n!", "\n?", "?", "---\n", "\n", "\r\n", "\n:", "\n%", "\n%%", "\"", "'", "r#\"", "/*", "*/", "//", "{", "}",
        "(", ")", "#[", "]", "::", "\u{feff}", "\0", "é", "let x = ",
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
    let on = |command: &Command| command.line..command.line + command.lines;
    let of_commands: BTreeSet<usize> = commands.iter().flat_map(on).collect();
    assert_eq!(of_commands.len(), commands.iter().map(|command| command.lines).sum::<usize>(), "a line is one command");
    for (index, line) in lines.iter().enumerate() {
        if of_commands.contains(&(index + 1)) {
            assert!(left.get(index).is_none_or(|left| left.trim().is_empty()), "{text:?}");
        } else {
            assert_eq!(left.get(index), Some(line), "{text:?}");
        }
    }
    for command in &commands {
        let line = lines[command.line - 1].trim();
        let is_habit = line.starts_with(['!', '?', '-']) || line.ends_with('?');
        assert!(is_habit || line.contains(&command.name), "{text:?}");
        assert!(!command.name.is_empty(), "{text:?}");
    }
    if super::in_code(&commands) {
        assert_eq!(split_commands(&rest).0, [], "what is left has no commands: {text:?}");
    }
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
    kissaten_fuzz::try_out(|u| {
        let mut text = u.choose(&corpus)?.clone();
        change(&mut text, &corpus, u)?;
        target(&text);
        Ok(())
    });
}
