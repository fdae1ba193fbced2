//! The tree of a value, out of the text that its `Debug` writes in `{:#?}`: what can be unfolded in a list of variables.
//!
//! It is read by its brackets. What was written by hand in another form, or was cut, is one text.

/// More than so many parts of one value are not listed.
const MOST_PARTS: usize = 1000;
/// How deep a value is read: deeper ones are text.
const MOST_DEPTH: usize = 64;
/// A value in the list is cut behind so many characters.
const WIDTH: usize = 120;

/// A value, and what it consists of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tree {
    /// On one line.
    pub(super) text: String,
    /// Names, indices or keys, and the values that they have.
    pub(super) parts: Vec<(String, Tree)>,
}

impl Tree {
    /// Reads a text.
    pub(super) fn read(text: &str) -> Self {
        let mut tree = read(text.trim(), 0);
        tree.shorten();
        tree
    }

    /// What is reached by these names.
    pub(super) fn at(&self, path: &[String]) -> Option<&Self> {
        path.iter().try_fold(self, |tree, name| tree.parts.iter().find(|(part, _)| part == name).map(|(_, part)| part))
    }

    fn shorten(&mut self) {
        if self.text.chars().count() > WIDTH {
            self.text = self.text.chars().take(WIDTH - 1).chain(['…']).collect();
        }
        self.parts.iter_mut().for_each(|(_, part)| part.shorten());
    }
}

fn leaf(text: &str) -> Tree {
    // What is in quotes has its newlines written as `\n`; others are of a `Debug` by hand.
    Tree { text: text.split_whitespace().collect::<Vec<_>>().join(" "), parts: Vec::new() }
}

fn literal(text: &str) -> Tree {
    Tree { text: text.to_owned(), parts: Vec::new() }
}

fn read(text: &str, depth: usize) -> Tree {
    if text.starts_with(['"', '\'']) {
        return literal(text);
    }
    let Some(open) = text.find(['{', '(', '[']).filter(|_| depth < MOST_DEPTH) else { return leaf(text) };
    let head = text[..open].trim_end();
    let close = match text.as_bytes()[open] {
        b'{' => '}',
        b'(' => ')',
        _ => ']',
    };
    // `Point {`, `Some(`, `alloc::Name<T> {`: words, and nothing else.
    let is_head = head.chars().all(|character| character.is_alphanumeric() || "_:<>&, ".contains(character));
    let inner = text[open + 1..].strip_suffix(close).filter(|_| is_head);
    let Some(elements) = inner.and_then(elements) else { return leaf(text) };
    let mut parts = Vec::new();
    let mut words = Vec::new();
    for (index, element) in elements.iter().enumerate() {
        let (name, value) = match split_name(element).filter(|_| close == '}') {
            Some((name, value)) => (Some(name), value),
            None => (None, *element),
        };
        let part = read(value, depth + 1);
        words.push(name.map_or_else(|| part.text.clone(), |name| format!("{}: {}", leaf(name).text, part.text)));
        // `..` says that there is more, and has no value.
        if value != ".." && parts.len() < MOST_PARTS {
            let name = name.map_or_else(
                || if close == ']' { format!("[{index}]") } else { index.to_string() },
                |name| leaf(name).text,
            );
            parts.push((name, part));
        }
    }
    let (words, between) = (words.join(", "), if head.is_empty() || close != '}' { "" } else { " " });
    let text = match close {
        '}' if elements.is_empty() => format!("{head}{between}{{}}"),
        '}' if head.is_empty() => format!("{{{words}}}"),
        '}' => format!("{head} {{ {words} }}"),
        ')' => format!("{head}({words})"),
        _ => format!("{head}[{words}]"),
    };
    Tree { text, parts }
}

/// What stands between commas; `None` where brackets or quotes are not closed.
fn elements(text: &str) -> Option<Vec<&str>> {
    let mut elements = Vec::new();
    let mut begin = 0;
    let mut open = Vec::new();
    let mut rest = text.char_indices().peekable();
    while let Some((at, character)) = rest.next() {
        match character {
            '"' => loop {
                match rest.next()?.1 {
                    '\\' => {
                        rest.next()?;
                    }
                    '"' => break,
                    _ => {}
                }
            },
            '\'' => {
                // A character; other apostrophes are just that.
                let mut ahead = rest.clone();
                let is_escaped = ahead.next().is_some_and(|(_, first)| first == '\\');
                let end = if is_escaped {
                    ahead.next();
                    ahead.take(12).position(|(_, character)| character == '\'').map(|at| at + 3)
                } else {
                    ahead.next().filter(|(_, character)| *character == '\'').map(|_| 2)
                };
                for _ in 0..end.unwrap_or(0) {
                    rest.next();
                }
            }
            '{' => open.push('}'),
            '(' => open.push(')'),
            '[' => open.push(']'),
            '}' | ')' | ']' if open.pop() != Some(character) => return None,
            ',' if open.is_empty() => {
                elements.push(text[begin..at].trim());
                begin = at + 1;
            }
            _ => {}
        }
    }
    if !open.is_empty() {
        return None;
    }
    let last = text[begin..].trim();
    if !last.is_empty() {
        elements.push(last);
    }
    Some(elements)
}

/// The name of a field, or the key of a map, and its value: they stand before and behind the first `: ` that stands in nothing.
fn split_name(element: &str) -> Option<(&str, &str)> {
    for (at, _) in element.match_indices(": ") {
        let (name, value) = (&element[..at], &element[at + 2..]);
        if elements(name).is_some_and(|elements| elements.len() == 1) {
            return Some((name, value));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    fn lines(tree: &Tree) -> Vec<String> {
        tree.parts.iter().map(|(name, part)| format!("{name} = {}", part.text)).collect()
    }

    #[expect(dead_code, reason = "`Debug` reads them")]
    #[derive(Debug)]
    struct Order<'a> {
        id: u32,
        name: &'a str,
        place: (f32, char),
        none: Option<()>,
    }

    #[test]
    fn structs_and_collections_unfold() {
        let order = Order { id: 7, name: "a, \"b\": {(", place: (1.5, '\''), none: None };
        let tree = Tree::read(&format!("{order:#?}"));
        assert_eq!(tree.text, r#"Order { id: 7, name: "a, \"b\": {(", place: (1.5, '\''), none: None }"#);
        assert_eq!(lines(&tree), ["id = 7", r#"name = "a, \"b\": {(""#, r"place = (1.5, '\'')", "none = None"]);
        let place = tree.at(&["place".to_owned()]).unwrap();
        assert_eq!(lines(place), ["0 = 1.5", r"1 = '\''"]);
        assert_eq!(tree.at(&["place".to_owned(), "7".to_owned()]), None);

        let orders = Tree::read(&format!("{:#?}", vec![Some('('), None]));
        assert_eq!(
            (orders.text.as_str(), lines(&orders)),
            ("[Some('('), None]", vec!["[0] = Some('(')".into(), "[1] = None".into()])
        );
        let map = BTreeMap::from([("a: b", vec![1]), ("c", vec![])]);
        let tree = Tree::read(&format!("{map:#?}"));
        assert_eq!(
            (tree.text.as_str(), lines(&tree)),
            (r#"{"a: b": [1], "c": []}"#, vec![r#""a: b" = [1]"#.into(), r#""c" = []"#.into()])
        );
        let tree = Tree::read(&format!("{:#?}", BTreeSet::from(["x: y"])));
        assert_eq!((tree.text.as_str(), lines(&tree)), (r#"{"x: y"}"#, vec![r#"0 = "x: y""#.into()]));
        assert_eq!(lines(&Tree::read("Task { id: 3, .. }")), ["id = 3"]);
    }

    #[test]
    fn what_is_of_another_form_is_a_text() {
        for text in ["", "7", "2 < 3 { x", "a) (b", "[1, 2", "it's (", "\"(\"", "f(x) = [y]"] {
            let tree = Tree::read(text);
            assert_eq!((tree.text.as_str(), tree.parts.len()), (text, 0));
        }
        assert_eq!(Tree::read(" two\n   lines").text, "two lines");
        let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
        assert!(Tree::read(&deep).text.chars().count() <= WIDTH);
        let many = Tree::read(&format!("{:#?}", vec![0; 5000]));
        assert_eq!(many.parts.len(), MOST_PARTS);
    }
}
