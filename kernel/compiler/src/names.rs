//! The names of cells in what is compiled. A program must not depend on how often cells were run, so rustc is given a name
//! that the text decides (`cell k3x9za`); what the cell is called this time is written over it when the library is loaded,
//! with as many characters (`cell 000003`), and takes its place in what rustc says (`cell 3`).

use std::hash::Hasher;
use std::path::Path;

use build::session_library::Fnv;

/// The least number of characters that stand for a number.
const DIGITS: usize = 6;

const CHARACTERS: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyz";

/// What a file of a cell is for: a cell may have one of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileKind {
    Statements,
    /// Statements in the items crate.
    Run,
    Items,
    Macros,
}

/// The name of a file of a cell's code, in the three forms that it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FileName {
    /// For rustc: the text decides it, and of the label only its kind.
    pub(crate) stable: String,
    /// For the loaded program: as long as that.
    pub(crate) wide: String,
    /// For diagnostics: how the compiler tells its files from each other.
    pub(crate) shown: String,
}

impl FileName {
    /// The name of the file of a cell that is called `label`.
    pub(crate) fn new(label: &str, text: &str, purpose: FileKind) -> Self {
        let (kind, wide) = match label.rsplit_once(' ') {
            Some((kind, number)) if !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()) => {
                (format!("{kind} "), format!("{kind} {number:0>DIGITS$}"))
            }
            // Code that was loaded from somewhere: all of its name is what changes.
            _ => (String::new(), format!("{label:DIGITS$}")),
        };
        let prefix = match purpose {
            FileKind::Statements | FileKind::Items => "",
            FileKind::Run => "run/",
            FileKind::Macros => "macros/",
        };
        let mut stable = kind;
        let mut hasher = Fnv::default();
        hasher.write(prefix.as_bytes());
        hasher.write(stable.as_bytes());
        hasher.write(text.as_bytes());
        let mut rest = hasher.finish();
        // A letter is first, so that it is no number.
        let mut characters = &CHARACTERS[10..];
        while stable.len() < wide.len() {
            if rest == 0 {
                hasher.write_u8(0);
                rest = hasher.finish();
            }
            let count = characters.len() as u64;
            stable.push(char::from(characters[(rest % count) as usize]));
            rest /= count;
            characters = CHARACTERS;
        }
        Self { stable, wide, shown: format!("{prefix}{label}") }
    }
}

/// The files that the code of a cell is compiled from, below the kernel's folder; for tests, which look into them.
#[doc(hidden)]
pub fn files_of(label: &str, text: &str) -> [String; 4] {
    use FileKind::{Items, Macros, Run, Statements};
    [("cells", Statements), ("items", Run), ("items", Items), ("items", Macros)]
        .map(|(folder, purpose)| format!("{folder}/{}", FileName::new(label, text, purpose).stable))
}

/// Writes names over others of the same length, wherever they stand.
pub(crate) fn overwrite<'a>(bytes: &mut [u8], names: impl IntoIterator<Item = (&'a str, &'a str)>) {
    for (from, to) in names {
        debug_assert_eq!(from.len(), to.len());
        if from == to || from.len() != to.len() {
            continue;
        }
        let places: Vec<usize> = memchr::memmem::find_iter(bytes, from).collect();
        for place in places {
            bytes[place..place + to.len()].copy_from_slice(to.as_bytes());
        }
    }
}

/// Puts the names that people know into what rustc said, which is JSON.
pub(crate) fn show(said: Vec<u8>, names: &[FileName]) -> Vec<u8> {
    names.iter().fold(said, |said, name| {
        let finder = memchr::memmem::Finder::new(&name.stable);
        let Some(first) = finder.find(&said) else { return said };
        let shown = serde_json::to_string(&name.shown).unwrap_or_default();
        let shown = shown.trim_matches('"');
        let (mut out, mut at, mut next) = (Vec::with_capacity(said.len()), 0, Some(first));
        while let Some(place) = next {
            out.extend_from_slice(&said[at..place]);
            out.extend_from_slice(shown.as_bytes());
            at = place + name.stable.len();
            next = finder.find(&said[at..]).map(|place| at + place);
        }
        out.extend_from_slice(&said[at..]);
        out
    })
}

/// The name of a file without its folder.
pub(crate) fn of_file(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// What a text is called by itself, in symbols.
pub(crate) fn of_text(text: &str) -> String {
    let mut hasher = Fnv::default();
    hasher.write(text.as_bytes());
    format!("{:016x}", hasher.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_decides_the_name_and_the_label_its_kind() {
        let name = |label: &str, text: &str| FileName::new(label, text, FileKind::Statements);
        let (third, later) = (name("cell 3", "x"), name("cell 12345", "x"));
        assert_eq!(third.stable, later.stable);
        assert_eq!((third.wide.as_str(), later.wide.as_str()), ("cell 000003", "cell 012345"));
        assert_ne!(third.stable, name("cell 3", "y").stable);
        assert_ne!(third.stable, FileName::new("cell 3", "x", FileKind::Run).stable);
        assert_eq!(FileName::new("cell 3", "x", FileKind::Run).shown, "run/cell 3");
        for label in ["cell 3", "unnumbered cell 77", "subshell 1 cell 3", "cell 123456789", "file a.rs", "x"] {
            let FileName { stable, wide, .. } = name(label, "text");
            assert_eq!(stable.len(), wide.len(), "{label}");
            assert!(!stable.ends_with(' ') && stable != wide, "{stable}");
        }
    }

    #[test]
    fn names_are_shown_and_written_over() {
        let name = FileName::new("cell 3", "x", FileKind::Statements);
        let said = format!("a {0} b{0}", name.stable).into_bytes();
        assert_eq!(show(said.clone(), std::slice::from_ref(&name)), b"a cell 3 bcell 3");
        let mut bytes = said;
        overwrite(&mut bytes, [(name.stable.as_str(), name.wide.as_str())]);
        assert_eq!(bytes, b"a cell 000003 bcell 000003");
    }
}
