//! The text of `{:#?}` with what fits on a line on one.
//!
//! `{:#?}` gives each field a line of its own, so that ten points are 42 lines. Here its text is taken apart by its
//! indentation and put together again. Whether that was understood is known: all of it on one line must be what `{:?}`
//! writes; where it is not, as with a `Debug` by hand, `{:#?}` stays.
//!
//! It needs nothing of the crate around it: exported programs have it as well.

/// How many characters fit on a line.
pub(crate) const WIDTH: usize = 80;
/// Elements of a list up to this length, in characters, stand side by side.
const SHORT: usize = 16;
/// What a level is moved in by.
const INDENT: usize = 4;

/// The text of `{:#?}` with what fits on a line on one; `None`: it is not what it seems.
pub(crate) fn laid_out(pretty: &str, line: &str) -> Option<String> {
    let mut lines = pretty.lines().peekable();
    let node = DebugNode::read(&mut lines, 0)?;
    let mut flat = String::with_capacity(line.len());
    node.flat(&mut flat);
    if flat != line || lines.next().is_some() {
        return None;
    }
    let mut out = String::with_capacity(pretty.len());
    node.lay_out(0, &mut out);
    Some(out)
}

/// A value, or a field with its value: `head`, or `head {` … `}`; a map whose keys have fields goes on after the brace.
struct DebugNode<'a>(Vec<(&'a str, Vec<DebugNode<'a>>)>);

type Lines<'a> = std::iter::Peekable<std::str::Lines<'a>>;

fn indent(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

fn closes(text: &str) -> bool {
    text.starts_with(['}', ']', ')'])
}

fn opens(text: &str) -> bool {
    text.ends_with(['{', '[', '('])
}

impl<'a> DebugNode<'a> {
    fn read(lines: &mut Lines<'a>, level: usize) -> Option<Self> {
        let mut parts = Vec::new();
        loop {
            let line = lines.next_if(|line| indent(line) == level)?;
            let text = &line[level..];
            let mut children = Vec::new();
            if opens(text) {
                while lines.peek().is_some_and(|line| indent(line) > level) {
                    children.push(DebugNode::read(lines, level + INDENT)?);
                }
            }
            let goes_on = opens(text);
            parts.push((text, children));
            if !goes_on {
                return Some(Self(parts));
            }
            if !lines.peek().is_some_and(|line| indent(line) == level && closes(&line[level..])) {
                return None;
            }
        }
    }

    /// All of it on one line, as `{:?}` has it.
    fn flat(&self, out: &mut String) {
        for (text, children) in &self.0 {
            out.push_str(text);
            if !opens(text) {
                continue;
            }
            // Names have their fields between spaces, maps and sets do not.
            let before = text.strip_suffix(" {").and_then(|before| before.chars().next_back());
            let spaced = before.is_some_and(|last| last != ':');
            let one = (*text == "(" || text.ends_with(": (")) && children.len() == 1;
            let mut first = true;
            for child in children {
                if !first || spaced {
                    out.push(' ');
                }
                first = false;
                child.flat(out);
            }
            if out.ends_with(',') && !one {
                out.pop();
            }
            if spaced {
                out.push(' ');
            }
        }
    }

    fn lay_out(&self, level: usize, out: &mut String) {
        let from = out.len();
        out.extend(std::iter::repeat_n(' ', level));
        self.flat(out);
        if out[from..].chars().count() <= WIDTH {
            return;
        }
        out.truncate(from);
        for (index, (text, children)) in self.0.iter().enumerate() {
            if index > 0 {
                out.push('\n');
            }
            out.extend(std::iter::repeat_n(' ', level));
            out.push_str(text);
            if children.iter().all(DebugNode::is_short) && text.ends_with('[') {
                fill(children, level + INDENT, out);
                continue;
            }
            for child in children {
                out.push('\n');
                child.lay_out(level + INDENT, out);
            }
        }
    }

    fn is_short(&self) -> bool {
        matches!(self.0.as_slice(), [(text, _)] if text.chars().count() <= SHORT)
    }
}

/// Short elements, as many on each line as fit.
fn fill(elements: &[DebugNode<'_>], level: usize, out: &mut String) {
    let mut column = WIDTH + 1;
    for (text, _) in elements.iter().flat_map(|element| &element.0) {
        let length = text.chars().count();
        if column + 1 + length > WIDTH {
            out.push('\n');
            out.extend(std::iter::repeat_n(' ', level));
            column = level + length;
        } else {
            out.push(' ');
            column += 1 + length;
        }
        out.push_str(text);
    }
}
