//! Source maps: from places in generated files back to the user's text.
//!
//! A generated file is written through [`Generated`], which remembers which stretch of it is the user's and which
//! is ours. User text keeps its line numbers, so that the places that rustc bakes into a program (panic
//! locations, `file!`, `line!`) are true without a map; columns and everything else go through this one.

use std::ops::Range;

/// What a stretch of our own text is there for; an error inside of it is about that, not about the user's code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Region {
    /// A statement of an earlier cell that waited for this one; a variable that it binds.
    Open(String),
    /// A variable's declaration from the store.
    Take(String),
    /// A new variable's way into the store.
    Keep(String),
    /// A new variable's type being asked for.
    Type(String),
    /// The type of what a new variable is kept as.
    Boxed(String),
    /// The type of a variable that the cell moves being asked for, where it is bound.
    Asked(String),
    /// An older variable's way back into the store.
    PutBack(String),
    /// An older variable's way back, of which a cell that stays lends nothing.
    HandBack(String),
    /// An owner being published by a cell that stays.
    Publish(String),
    /// An owner going back when its loans are over.
    GiveBack(String),
    /// Whether a type is covariant in its lifetimes being asked for.
    Covariant(String),
    /// The lifetime that a cell has loans for.
    Token,
    /// The lifetime for which a cell that stays lends.
    Anchor,
    /// An older variable that is lent, declared so that rustc says so.
    Lent(String),
    /// An older variable that an earlier cell moved, declared so that rustc says so.
    Moved(String),
    /// A `use` of this or an earlier cell: an index into the live imports.
    Import(usize),
    /// How values of this package are shown.
    Adapter(String),
    /// The end of the cell, where a half-written one is missed to go on.
    End,
}

/// A generated file in the making, and its map.
#[derive(Clone, Debug, Default)]
pub(crate) struct Generated {
    text: String,
    /// Byte stretches that were copied: where in the generated text, and from which offset of the user's.
    segments: Vec<(Range<usize>, usize)>,
    regions: Vec<(Range<usize>, Region)>,
    /// Stretches of our own text that stand in place of a stretch of the user's.
    replacements: Vec<(Range<usize>, Range<usize>)>,
    /// Stretches of our own text that count as the place of the user's at which they stand.
    instruments: Vec<(Range<usize>, usize)>,
}

impl Generated {
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Our own text.
    pub(crate) fn push(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// Our own text that stands for something.
    pub(crate) fn push_region(&mut self, text: &str, region: Region) {
        let start = self.text.len();
        self.text.push_str(text);
        self.regions.push((start..self.text.len(), region));
    }

    /// A stretch of the user's text as it is.
    pub(crate) fn copy(&mut self, user: &str, range: Range<usize>) {
        if range.is_empty() {
            return;
        }
        let start = self.text.len();
        self.text.push_str(&user[range.clone()]);
        self.segments.push((start..self.text.len(), range.start));
    }

    /// As much blank space as a stretch of the user's text takes: same lines, same columns.
    pub(crate) fn blank(&mut self, user: &str, range: Range<usize>) {
        self.text.extend(user[range].chars().map(|character| if character == '\n' { '\n' } else { ' ' }));
    }

    /// The user's offset of a generated one; the end of a copied stretch counts as inside.
    pub(crate) fn user_offset(&self, generated: usize) -> Option<usize> {
        let inside = self.segments.iter().find(|(range, _)| range.contains(&generated));
        let at_end = || self.segments.iter().find(|(range, _)| range.end == generated);
        let copied = inside.or_else(at_end).map(|(range, user)| user + (generated - range.start));
        copied.or_else(|| {
            let mut instruments = self.instruments.iter();
            instruments.find(|(range, _)| range.start <= generated && generated <= range.end).map(|(_, user)| *user)
        })
    }

    /// Whether the text at a generated offset is the user's, as it stands.
    pub(crate) fn is_users(&self, generated: usize) -> bool {
        self.segments.iter().any(|(range, _)| range.contains(&generated))
    }

    /// The stretch of the user's text that the text at a generated offset stands in place of.
    pub(crate) fn replaced(&self, generated: usize) -> Option<Range<usize>> {
        self.replacements.iter().find(|(range, _)| range.contains(&generated)).map(|(_, user)| user.clone())
    }

    /// How far into the text that is there for something a generated offset is.
    pub(crate) fn offset_in_region(&self, generated: usize) -> Option<usize> {
        let found = self.regions.iter().find(|(range, _)| range.start <= generated && generated <= range.end);
        found.map(|(range, _)| generated - range.start)
    }

    /// What the text at a generated offset is there for.
    pub(crate) fn region(&self, generated: usize) -> Option<&Region> {
        self.regions.iter().find(|(range, _)| range.contains(&generated)).map(|(_, region)| region)
    }
}

/// The byte offset of a line and a column (in characters), both counted from 1; the end of a line counts as in it.
pub(crate) fn offset_in(text: &str, line: usize, column: usize) -> Option<usize> {
    let mut start = 0;
    for _ in 1..line {
        start += text[start..].find('\n')? + 1;
    }
    let rest = &text[start..];
    let rest = &rest[..rest.find('\n').unwrap_or(rest.len())];
    let column = column.checked_sub(1)?;
    match rest.char_indices().nth(column) {
        Some((offset, _)) => Some(start + offset),
        None if rest.chars().count() == column => Some(start + rest.len()),
        None => None,
    }
}

/// The line and the column (in characters) of a byte offset, both counted from 1.
pub(crate) fn position_in(text: &str, offset: usize) -> (usize, usize) {
    let offset = text.floor_char_boundary(offset);
    let before = &text[..offset];
    let line = before.matches('\n').count() + 1;
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (line, before[start..].chars().count() + 1)
}

/// Changes to a text by byte ranges of the original: what is to be put in place of them. An insertion is the
/// change of an empty range.
#[derive(Clone, Debug, Default)]
pub(crate) struct Edits(Vec<Edit>);

#[derive(Clone, Debug)]
struct Edit {
    range: Range<usize>,
    text: String,
    /// What is said about the text is said about the place where it stands.
    is_instrument: bool,
    /// It takes the place of a name, so what is inserted before that stays.
    is_name: bool,
    region: Option<Region>,
}

impl Edits {
    pub(crate) fn insert(&mut self, at: usize, text: impl Into<String>) {
        self.0.push(Edit { range: at..at, text: text.into(), is_instrument: false, is_name: false, region: None });
    }

    /// An insertion that stands for something.
    pub(crate) fn insert_region(&mut self, at: usize, text: impl Into<String>, region: Region) {
        self.0.push(Edit {
            range: at..at,
            text: text.into(),
            is_instrument: false,
            is_name: false,
            region: Some(region),
        });
    }

    /// The text of a range with the changes inside of it; lines are not kept.
    pub(crate) fn apply(&self, text: &str, range: Range<usize>) -> String {
        let is_inside = |edit: &&Edit| range.start <= edit.range.start && edit.range.end <= range.end;
        let mut inside: Vec<&Edit> = self.0.iter().filter(is_inside).collect();
        inside.sort_by_key(|edit| (edit.range.start, edit.range.end));
        let (mut out, mut at) = (String::with_capacity(range.len()), range.start);
        for edit in inside.into_iter().filter(|edit| !edit.text.is_empty() || !edit.range.is_empty()) {
            if edit.range.start >= at {
                out.push_str(&text[at..edit.range.start]);
                out.push_str(&edit.text);
                at = edit.range.end;
            }
        }
        out.push_str(&text[at..range.end]);
        out
    }

    /// An insertion around or before the user's text, which must not change what is said of that.
    pub(crate) fn instrument(&mut self, at: usize, text: impl Into<String>) {
        self.0.push(Edit { range: at..at, text: text.into(), is_instrument: true, is_name: false, region: None });
    }

    pub(crate) fn replace(&mut self, range: Range<usize>, text: impl Into<String>) {
        self.0.push(Edit { range, text: text.into(), is_instrument: false, is_name: false, region: None });
    }

    /// Another path in place of a name.
    pub(crate) fn rename(&mut self, range: Range<usize>, text: impl Into<String>) {
        self.0.push(Edit { range, text: text.into(), is_instrument: false, is_name: true, region: None });
    }

    pub(crate) fn extend(&mut self, more: &Self) {
        self.0.extend(more.0.iter().cloned());
    }

    /// Copies a stretch of the user's text with the changes in it; what replaces several lines is followed by as
    /// many newlines as were taken. What is replaced takes the changes inside of it along; of replacements that
    /// overlap the one that starts first wins.
    pub(crate) fn copy(&self, to: &mut Generated, user: &str, range: Range<usize>) {
        let is_inside = |edit: &&Edit| range.start <= edit.range.start && edit.range.end <= range.end;
        let mut inside: Vec<&Edit> = self.0.iter().filter(is_inside).collect();
        inside.sort_by_key(|edit| (edit.range.start, edit.range.end));
        let taken = |edit: &&Edit| if edit.is_name { edit.range.start + 1..edit.range.end } else { edit.range.clone() };
        let replaced: Vec<_> = inside.iter().map(taken).filter(|range| !range.is_empty()).collect();
        inside.retain(|edit| !edit.range.is_empty() || !replaced.iter().any(|range| range.contains(&edit.range.start)));
        let mut at = range.start;
        for Edit { range: edit, text, is_instrument, region, .. } in inside {
            if edit.start < at {
                continue;
            }
            to.copy(user, at..edit.start);
            let start = to.text.len();
            to.push(text);
            if let Some(region) = region {
                to.regions.push((start..to.text.len(), region.clone()));
            }
            if *is_instrument {
                to.instruments.push((start..to.text.len(), edit.start));
            }
            if !edit.is_empty() {
                to.replacements.push((start..to.text.len(), edit.clone()));
            }
            let lines = user[edit.clone()].matches('\n').count().saturating_sub(text.matches('\n').count());
            to.push(&"\n".repeat(lines));
            at = edit.end;
        }
        to.copy(user, at..range.end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_keep_lines_and_the_map_finds_the_way_back() {
        let user = "fn a() {\n  1\n}\nfn b() {}";
        let mut edits = Edits::default();
        edits.insert(0, "dropped with what is replaced");
        edits.replace(0..14, "pub X");
        edits.insert(15, "pub ");
        let mut generated = Generated::default();
        edits.copy(&mut generated, user, 0..user.len());
        assert_eq!(generated.text(), "pub X\n\n\npub fn b() {}");
        let b = generated.text().find('b').and_then(|_| generated.text().find("b()")).unwrap();
        assert_eq!(generated.user_offset(b), user.find("b()"));
        assert_eq!(generated.user_offset(1), None);
    }

    #[test]
    fn places_count_characters() {
        let text = "a\n喫茶 x\n";
        assert_eq!(offset_in(text, 2, 4), Some(9));
        assert_eq!(position_in(text, 9), (2, 4));
        assert_eq!(offset_in(text, 2, 5), Some(10));
        assert_eq!(offset_in(text, 2, 6), None);
        assert_eq!(offset_in(text, 3, 1), Some(text.len()));
        assert_eq!(offset_in(text, 9, 1), None);
    }
}
