//! The notebook's variables: their types as text, and why some are not kept.

mod bounds;

use std::collections::BTreeSet;

use crate::api::{LoanKind, Variable};
use crate::parse::Open;

use bounds::parenthesised;

pub(crate) use bounds::end_of_bounds;

/// A variable that is in the worker's store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Binding {
    pub(crate) name: String,
    /// A type that generated code can name, with full paths.
    pub(crate) type_text: String,
    pub(crate) mutable: bool,
    /// Set where it borrows or is lent.
    pub(crate) loan: Option<LoanKind>,
    /// Where it is lent: the variables that have to go until it is free; what has no name has an empty one.
    pub(crate) held_by: Vec<String>,
    /// Where it is lent: whether it borrows as well, and so does when it is free.
    pub(crate) lends_on: bool,
    /// Whether its type is invariant in its lifetimes, where it borrows.
    pub(crate) invariant: bool,
    /// What it borrows from, by name.
    pub(crate) borrows: Vec<String>,
    /// The frontend's id of the cell that made it.
    pub(crate) cell_id: Option<String>,
    /// Where it was lent to one that may change it: file, line and columns, as in [`Moved`].
    pub(crate) lent_at: Option<(String, usize, usize, usize)>,
    /// The type for people, where the value is in a box that nobody wrote.
    pub(crate) shown: Option<String>,
    /// It is a future that nobody has mentioned since: where it was made.
    pub(crate) unawaited: Option<String>,
}

impl Binding {
    /// As others are told of it.
    pub(crate) fn described(&self) -> Variable {
        Variable {
            name: self.name.clone(),
            type_name: self.shown_type(),
            mutable: self.mutable,
            borrows: self.borrows.clone(),
        }
    }

    /// A variable that neither borrows nor is lent.
    pub(crate) fn new(name: &str, type_text: &str, mutable: bool) -> Self {
        let (name, type_text) = (name.to_owned(), type_text.to_owned());
        Self {
            name,
            type_text,
            mutable,
            loan: None,
            held_by: Vec::new(),
            lends_on: false,
            invariant: false,
            borrows: Vec::new(),
            cell_id: None,
            lent_at: None,
            shown: None,
            unawaited: None,
        }
    }

    /// Its type for people.
    pub(crate) fn shown_type(&self) -> String {
        self.shown.clone().unwrap_or_else(|| shown_type(&self.type_text))
    }

    /// Whether it is one of std's locks, which a panic poisons, or shares one.
    pub(crate) fn is_lock(&self) -> bool {
        if self.loan.is_some() {
            return false;
        }
        let mut type_text = self.type_text.as_str();
        while let Some(shared) = type_text.strip_prefix("std::sync::Arc<") {
            type_text = shared;
        }
        ["std::sync::Mutex<", "std::sync::RwLock<"].iter().any(|lock| type_text.starts_with(lock))
    }
}

/// Why a variable that a cell bound is not in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NotKept {
    /// It borrows from these.
    Borrows(Vec<String>),
    /// It was still borrowed from at the end of its cell.
    Borrowed,
    /// A closure, and the line that would keep it.
    Closure(Option<String>),
    /// A type without a name, described.
    Nameless(String),
    /// An `impl` of several traits, of which no object can be made.
    Traits(String),
    /// A type whose name later cells cannot use.
    Hidden(String),
    /// A type of a crate that the notebook does not name: which, the type, and the line that would make it a dependency.
    Foreign { crate_name: String, type_text: String, line: Option<String> },
    /// Its type, or one that it is built from, was defined anew.
    Redefined(String),
    /// What it borrowed from goes; which, and why, in words.
    LenderGoes(String),
    /// Its type is of a dependency, or built from one, that has become another.
    Rebuilt(String),
    /// The cell moved it; its type, and where.
    Moved(Moved),
    /// A lock of stdout, stderr or stdin.
    Lock(String),
    /// Its type is not settled yet: its statement waits for the cell that uses it.
    Open(Box<Open>),
    /// An item or an import of its name took its place.
    Shadowed,
    /// It is not initialised on every path to the end of its cell.
    Uninitialised,
    /// The cell of this label, which made it, ended before its end.
    Ended(String),
    /// The worker that held it is gone.
    WorkerLost,
}

/// Where an earlier cell moved a variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Moved {
    pub(crate) type_text: String,
    /// Whether it was `mut`: then it can be filled again.
    pub(crate) mutable: bool,
    /// File, line and columns (1-based, in characters) of rustc's "value moved here".
    pub(crate) place: Option<(String, usize, usize, usize)>,
    pub(crate) label: String,
}

impl NotKept {
    /// A sentence for who uses `name` all the same.
    pub(crate) fn reason(&self, name: &str) -> String {
        match self {
            Self::Borrows(from) if from.is_empty() => {
                format!("`{name}` was not kept: it borrows from something that ended with its cell")
            }
            Self::Borrows(from) => {
                let from: Vec<_> = from.iter().map(|name| format!("`{name}`")).collect();
                format!("`{name}` was not kept: it borrows from {}", from.join(" and "))
            }
            Self::Borrowed => format!("`{name}` was not kept: it was still borrowed at the end of its cell"),
            Self::Closure(Some(line)) => format!(
                "`{name}` was not kept: the type of a closure has no name that a later cell could use; box it: `{line}`"
            ),
            Self::Closure(None) => format!(
                "`{name}` was not kept: the type of a closure has no name that a later cell could use; box it, \
                 as a `Box<dyn Fn(…) -> …>`"
            ),
            Self::Nameless(what) if what == ASYNC_CLOSURE => format!(
                "`{name}` was not kept: it is an async closure that has variables in it, whose type has no name that a later cell \
                 could use; write it as an `async fn` that is given them, or use it in the cell that makes it"
            ),
            Self::Nameless(what) if what == CLOSURE_INSIDE => format!(
                "`{name}` was not kept: the closure in it has a type without a name, and it cannot be taken out of what \
                 holds it; box it where it is made: `Box::new(…) as Box<dyn Fn(…) -> …>`"
            ),
            Self::Traits(type_text) => format!(
                "`{name}` was not kept: its type `{type_text}` has no name, and a `dyn` type has room for one of these \
                 traits; make a trait of both (`trait Both: A + B {{}}`) and return a `Box<dyn Both>`"
            ),
            Self::Nameless(what) => format!(
                "`{name}` was not kept: {what} is of a type that has no name that a later cell could use; \
                 box it as a `dyn` type, or use it in the cell that makes it"
            ),
            Self::Hidden(type_text) => {
                format!("`{name}` was not kept: its type `{type_text}` cannot be named outside of its module")
            }
            Self::Foreign { crate_name, type_text, line } => {
                let help = line.as_ref().map(|line| format!("; `{line}` makes it one")).unwrap_or_default();
                format!(
                    "`{name}` was not kept: its type `{type_text}` is of the crate `{crate_name}`, which is no \
                     dependency of the notebook{help}"
                )
            }
            Self::Redefined(type_text) => format!("`{name}` was dropped: its type `{type_text}` was redefined"),
            Self::LenderGoes(lender) => format!("`{name}` was dropped: it borrows from {lender}"),
            Self::Rebuilt(type_text) => {
                format!(
                    "`{name}` was dropped: its type `{type_text}` is of a dependency that was changed; run its cell again"
                )
            }
            Self::Moved(moved) => format!("`{name}` was moved in {}", moved.label),
            Self::Lock(type_text) => {
                format!("`{name}` was not kept: a `{type_text}` would stop all other threads that print")
            }
            Self::Uninitialised => {
                format!("`{name}` was not kept: it is not initialised on every path to the end of its cell")
            }
            Self::Ended(label) => format!("`{name}` was not kept: {label} did not come to its end"),
            Self::Open(open) => {
                format!(
                    "the type of `{name}` is not settled in {}: a cell that uses `{name}` says which it is",
                    open.label
                )
            }
            Self::Shadowed => format!("the variable `{name}` made way for an item of the same name"),
            Self::WorkerLost => format!("`{name}` was lost with the process that held it; run its cell again"),
        }
    }
}

/// What is nameless about a closure whose calls are futures; no `dyn` type takes it.
pub(crate) const ASYNC_CLOSURE: &str = "an async closure";
/// What has a closure in it that stays in it.
const CLOSURE_INSIDE: &str = "something with a closure in it";

/// The type that rustc prints, as text that generated code can use, or what is nameless about it.
pub(crate) fn usable_type(printed: &str) -> Result<String, NotKept> {
    if printed.contains("{closure@") && !printed.contains('<') {
        return Err(NotKept::Closure(None));
    }
    let nameless = [
        ("{async closure", ASYNC_CLOSURE),
        ("{async", "a future"),
        ("async fn body", "a future"),
        ("{coroutine", "a future"),
        ("impl std::future::Future", "a future"),
        ("impl ", "an `impl Trait` value"),
        ("{closure@", CLOSURE_INSIDE),
        ("{type error}", "something"),
    ];
    if printed.starts_with("impl ") && printed.contains(" + ") && !is_nameless_future(printed) {
        return Err(NotKept::Traits(shown_type(printed)));
    }
    if let Some((_, what)) = nameless.iter().find(|(mark, _)| printed.contains(mark)) {
        return Err(NotKept::Nameless((*what).to_owned()));
    }
    if printed.contains('{') {
        return Err(NotKept::Nameless("a function as an item (call it by its name)".to_owned()));
    }
    if printed.contains("::_::") || printed.contains('#') {
        return Err(NotKept::Hidden(shown_type(printed)));
    }
    Ok(with_never(&parenthesised(printed)))
}

/// Whether a type that rustc prints is that of an async function's or block's future itself.
pub(crate) fn is_nameless_future(printed: &str) -> bool {
    ["impl std::future::Future<", "{async block@", "{async fn body", "{async closure body"]
        .iter()
        .any(|mark| printed.starts_with(mark))
}

/// Whether a type is that of the box that a future is kept in.
pub(crate) fn is_boxed_future(type_text: &str) -> bool {
    let inside = type_text.strip_prefix("std::pin::Pin<std::boxed::Box<dyn ");
    let path = inside.and_then(|inside| inside.split('<').next());
    path.is_some_and(|path| path.ends_with("::Future") || path.ends_with("::FusedFuture"))
}

/// The name under which generated code can write `!`, which stable Rust has as a return type only.
const NEVER: &str = "kissaten::__cell::Never";

/// The handle of a task that loops for ever is a `JoinHandle<!>`.
fn with_never(type_text: &str) -> String {
    if type_text.contains('!') { type_text.replace('!', NEVER) } else { type_text.to_owned() }
}

/// A type printed inside of the items crate, where the notebook's own types have no crate in front.
///
/// With full paths everything else begins with the name of its crate, in lower case, or is primitive; so what begins
/// with a capital is the notebook's own, and what begins with the name of one of its modules.
pub(crate) fn with_crate(printed: &str, modules: &BTreeSet<String>) -> String {
    with_words(printed, |out, word, after| {
        let begins_path = !out.ends_with("::") && !out.ends_with('\'');
        let names_associated = after.trim_start().starts_with('=');
        let is_own = word.starts_with(char::is_uppercase) || after.starts_with("::") && modules.contains(word);
        if begins_path && !names_associated && is_own && word != "Self" {
            out.push_str("notebook::");
        }
        out.push_str(word);
    })
}

/// The type with the crates that its paths begin with renamed.
pub(crate) fn with_roots(printed: &str, rename: impl Fn(&str) -> String) -> String {
    with_words(
        printed,
        |out, word, after| {
            if is_root(out, after) { out.push_str(&rename(word)) } else { out.push_str(word) }
        },
    )
}

/// The crates that the paths of a type begin with, in order, each as often as it is there.
pub(crate) fn roots(printed: &str) -> impl Iterator<Item = &str> {
    let is_root = |(at, word): &(usize, &str)| is_root(&printed[..*at], &printed[at + word.len()..]);
    words(printed).filter(is_root).map(|(_, word)| word)
}

/// Whether a path begins with the word between these.
fn is_root(before: &str, after: &str) -> bool {
    after.starts_with("::") && !before.ends_with("::") && !before.ends_with('\'')
}

/// The text with its words written anew; `write` gets what stands before a word, the word, and what comes behind it.
fn with_words(text: &str, mut write: impl FnMut(&mut String, &str, &str)) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let mut from = 0;
    for (at, word) in words(text) {
        out.push_str(&text[from..at]);
        from = at + word.len();
        write(&mut out, word, &text[from..]);
    }
    out + &text[from..]
}

/// The words of a text, and where each stands.
fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let is_part = |character: char| character == '_' || character.is_alphanumeric();
    let mut from = 0;
    std::iter::from_fn(move || {
        let at = from + text[from..].find(is_part)?;
        let length = text[at..].find(|character| !is_part(character)).unwrap_or(text.len() - at);
        from = at + length;
        Some((at, &text[at..from]))
    })
}

/// A type for people: paths shortened to their last part.
pub(crate) fn shown_type(type_text: &str) -> String {
    let type_text = &type_text.replace(NEVER, "!");
    let mut out = String::with_capacity(type_text.len());
    let mut word = String::new();
    let mut characters = type_text.chars().peekable();
    while let Some(character) = characters.next() {
        if character == '_' || character.is_alphanumeric() {
            word.push(character);
        } else if character == ':' && characters.peek() == Some(&':') && !word.is_empty() {
            characters.next();
            word.clear();
        } else {
            out.push_str(&word);
            word.clear();
            out.push(character);
        }
    }
    out + &word
}

/// Whether a type is, or is built from, one of the notebook's types with such a name.
pub(crate) fn mentions_type(type_text: &str, names: &BTreeSet<String>) -> bool {
    let is_part = |character: char| character == '_' || character.is_alphanumeric();
    type_text.match_indices("notebook::").any(|(at, _)| {
        let path = type_text[at..].split(|character: char| !is_part(character) && character != ':').next();
        path.unwrap_or("").split("::").any(|part| names.contains(part))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn printed_types_are_made_usable() {
        let usable = |printed| usable_type(printed).unwrap();
        assert_eq!(usable("&dyn A + B"), "&(dyn A + B)");
        assert_eq!(usable("&dyn A"), "&dyn A");
        assert_eq!(
            usable("Box<dyn for<'a> Fn(&'a str) -> &str + Send>"),
            "Box<dyn for<'a> Fn(&'a str) -> &str + Send>"
        );
        assert_eq!(
            usable("(&mut dyn A + B, Vec<&dyn C<&dyn D + E>>)"),
            "(&mut (dyn A + B), Vec<&dyn C<&(dyn D + E)>>)"
        );
    }

    #[test]
    fn own_types_get_their_crate() {
        let modules = BTreeSet::from(["m".to_owned()]);
        let own = |printed| with_crate(printed, &modules);
        assert_eq!(own("std::vec::Vec<P>"), "std::vec::Vec<notebook::P>");
        assert_eq!(own("(&'static m::A, u8)"), "(&'static notebook::m::A, u8)");
        let object = "std::boxed::Box<dyn for<'a> Own<Item = &'a Q<3>> + 'a>";
        assert_eq!(own(object), "std::boxed::Box<dyn for<'a> notebook::Own<Item = &'a notebook::Q<3>> + 'a>");
        assert_eq!(own("tokio::task::JoinHandle<i32>"), "tokio::task::JoinHandle<i32>");
    }

    #[test]
    fn crates_at_the_beginning_of_paths_are_renamed() {
        let printed = "a::b::C<&'static d::E, <f::G as a::H>::I, [u8; 3]>";
        let renamed = with_roots(printed, |root| format!("{root}{root}"));
        assert_eq!(renamed, "aa::b::C<&'static dd::E, <ff::G as aa::H>::I, [u8; 3]>");
        assert_eq!(roots(printed).collect::<Vec<_>>(), ["a", "d", "f", "a"]);
    }

    #[test]
    fn nameless_types_are_told_apart() {
        assert_eq!(usable_type("{closure@cell 1:1:9: 1:12}"), Err(NotKept::Closure(None)));
        assert!(matches!(usable_type("std::iter::Map<A, {closure@c 1:1: 1:2}>"), Err(NotKept::Nameless(_))));
        assert!(matches!(usable_type("impl Future<Output = ()>"), Err(NotKept::Nameless(_))));
        assert!(matches!(usable_type("fn() -> i32 {notebook::f}"), Err(NotKept::Nameless(_))));
    }

    #[test]
    fn types_are_shown_short() {
        assert_eq!(shown_type("std::vec::Vec<notebook::m::Point>"), "Vec<Point>");
        assert_eq!(shown_type("(i32, &str)"), "(i32, &str)");
        assert_eq!(shown_type(&usable_type("tokio::task::JoinHandle<!>").unwrap()), "JoinHandle<!>");
        assert_eq!(shown_type("<A as std::ops::Add>::Output"), "<A as Add>::Output");
    }

    #[test]
    fn types_mention_what_they_are_built_from() {
        let names = BTreeSet::from(["Point".to_owned()]);
        assert!(mentions_type("std::vec::Vec<notebook::m::Point>", &names));
        assert!(!mentions_type("geo::Point", &names));
        assert!(!mentions_type("notebook::Line", &names));
    }
}
