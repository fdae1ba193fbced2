//! The parser of cells: from a cell's text to what it consists of, with places.
//!
//! Everything that leaves here is plain data: byte ranges, names and edits. No syntax tree does, so the parser can
//! run on a thread of its own with a stack that deep nesting does not overflow.

mod arguments;
mod awaited;
mod ending;
mod entry;
mod extern_crate;
mod hint;
mod instrument;
mod item;
mod make;
mod mention;
mod names;
mod open;
mod path;
mod pattern;
mod plain;
mod statement;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use proc_macro2::TokenStream;
use syn::parse::{Parse, ParseStream, Parser};
use syn::spanned::Spanned;

use crate::source_map::Edits;

pub(crate) use ending::Ending;
pub(crate) use entry::Entry;
pub(crate) use hint::{Future, FutureOf, Guess};
pub(crate) use instrument::{Form, Instruments};
pub(crate) use item::{Import, Item, ItemKind, Space, Static};
pub(crate) use make::{Borrowing, Closure, Make, is_copy_type};
pub(crate) use names::{Leaf as UseLeaf, NameForm, NameUse, Names, of_type as names_of_type};
pub(crate) use open::{Open, OpenLet};
pub(crate) use path::Use;

/// Brackets inside brackets; rustc's own parser and passes recurse as well, and overflow not much later.
const DEEPEST: usize = 250;
/// Bytes; only what is used is ever backed by memory.
const STACK: usize = 512 * 1024 * 1024;

/// A cell in its parts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Parsed {
    /// `#![…]` at the head.
    pub(crate) inner_attributes: Vec<Range<usize>>,
    /// The leaves of all `use` declarations at the top level.
    pub(crate) imports: Vec<Import>,
    pub(crate) items: Vec<Item>,
    /// Whether anything is left that runs.
    pub(crate) has_statements: bool,
    /// What makes statements of the text: items blanked, `return;` completed.
    pub(crate) statement_edits: Edits,
    /// What instruments the statements.
    pub(crate) instruments: Instruments,
    /// The names in the statements that are looked up among items and imports.
    pub(crate) names: Names,
    /// Ranges of the text that are no statements.
    pub(crate) item_ranges: Vec<Range<usize>>,
    /// The last expression, when it has no semicolon: what the cell shows.
    pub(crate) tail: Option<Range<usize>>,
    /// The tail is `Ok(())`, which ends many examples: there is nothing to show.
    pub(crate) ok_unit: Option<OkUnit>,
    /// Names that `let` statements at the top level bind, in order, the last of each name.
    pub(crate) bindings: Vec<BoundName>,
    /// The closures in the statements.
    pub(crate) closures: Vec<Closure>,
    /// Closures and async blocks in a `let` at the top level that borrow what they capture.
    pub(crate) borrowing: Vec<Borrowing>,
    /// Names that are bound below the top level.
    pub(crate) inner: BTreeSet<String>,
    /// Statements that can wait for a later cell, identifiers that all others mention, and the statements of earlier cells
    /// that waited for this one.
    pub(crate) open_lets: Vec<OpenLet>,
    pub(crate) busy: BTreeSet<String>,
    pub(crate) opened: Vec<Open>,
    /// Names that a `let` at the top level binds and nothing else in the cell mentions, and those that it only drops.
    pub(crate) unused: BTreeSet<String>,
    /// Identifiers that the statements mention anywhere, also inside format strings.
    pub(crate) mentions: BTreeSet<String>,
    /// Of these, the ones that stand somewhere before the cell itself binds them at its top level.
    pub(crate) reused: BTreeSet<String>,
    /// Where the statements name something by itself.
    pub(crate) uses: Vec<Use>,
    /// Names that any pattern in the statements binds.
    pub(crate) bound_anywhere: BTreeSet<String>,
    /// Names that surely do not survive the cell, and where they are moved: `name.await` and the like.
    pub(crate) surely_moved: BTreeMap<String, Range<usize>>,
    /// Names that are assigned to, wherever.
    pub(crate) assigned: BTreeSet<String>,
    /// The statements that can end the cell early.
    pub(crate) endings: Vec<Ending>,
    /// Variables that are mentioned once, to be awaited there, and where.
    pub(crate) awaited: BTreeMap<String, Range<usize>>,
    /// Whether the statements await nothing.
    pub(crate) is_plain: bool,
    /// What the text alone lets one guess.
    pub(crate) guesses: Vec<Guess>,
    /// Variables that may be futures which nobody awaits.
    pub(crate) futures: Vec<Future>,
    /// Functions that would run by themselves in a program, and that the cell does not call.
    pub(crate) entries: Vec<Entry>,
    /// What is said of items that are for tests only.
    pub(crate) left_out: Vec<String>,
}

/// Whether an `Ok(())` says its error type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OkUnit {
    /// `Ok(())`: nothing to infer it from.
    Bare,
    /// `Ok::<(), Error>(())`, `std::fmt::Result::Ok(())`.
    Typed,
}

/// A name that a `let` at the top level binds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BoundName {
    pub(crate) name: String,
    pub(crate) mutable: bool,
    /// Where its `let` statement stands.
    pub(crate) range: Range<usize>,
    /// The text that boxes it, when it is bound to a closure: `let f: Box<dyn Fn(_) -> _> = Box::new(…);`.
    pub(crate) boxed: Option<String>,
    /// How its value is made.
    pub(crate) make: Make,
    /// The text shows that its type is `Copy`: `let k = 3;`.
    pub(crate) is_copy: bool,
}

/// Why there is no [`Parsed`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unparsed {
    /// rustc has the better words for what is wrong (or knows syntax that the parser does not).
    Syntax,
    /// Nested deeper than any compiler takes.
    TooDeep,
}

/// Takes a cell apart.
///
/// `item_macros` are the macros of earlier cells that stand for items.
///
/// Blocks for as long as the text is long; no more than some ten milliseconds for the longest sensible cell.
pub(crate) fn parse(text: &str, item_macros: &BTreeSet<String>) -> Result<Parsed, Unparsed> {
    on_large_stack(|| parse_here(text, item_macros)).unwrap_or(Err(Unparsed::Syntax))
}

/// Runs what uses the parser on a thread that deep nesting does not overflow. `None` if there is no such thread or it
/// panicked, which is a defect of the parser and not of the cell: rustc is to be asked instead.
pub(crate) fn on_large_stack<T: Send>(work: impl FnOnce() -> T + Send) -> Option<T> {
    std::thread::scope(|scope| {
        let parser = std::thread::Builder::new().name("parser".into()).stack_size(STACK);
        parser.spawn_scoped(scope, work).ok()?.join().ok()
    })
}

/// Whether brackets are nested deeper than any compiler takes.
pub(crate) fn is_too_deep(tokens: &TokenStream) -> bool {
    mention::depth(tokens.clone(), DEEPEST) > DEEPEST
}

pub(crate) fn parse_here(text: &str, item_macros: &BTreeSet<String>) -> Result<Parsed, Unparsed> {
    let tokens: TokenStream = text.parse().map_err(|_| Unparsed::Syntax)?;
    if is_too_deep(&tokens) {
        return Err(Unparsed::TooDeep);
    }
    let body = Body::parse.parse2(tokens).map_err(|_| Unparsed::Syntax)?;
    let mut parsed = Parsed {
        inner_attributes: body.attributes.iter().map(|attribute| attribute.span().byte_range()).collect(),
        ..Parsed::default()
    };
    parsed.item_ranges.clone_from(&parsed.inner_attributes);
    parsed.guesses = hint::guesses(text, &body.statements);
    parsed.futures = hint::futures(&body.statements);
    path::uses(&body.statements, &mut parsed.uses, &mut parsed.bound_anywhere);
    parsed.unused = hint::unused(&body.statements);
    parsed.endings = ending::endings(&body.statements);
    statement::take_apart(text, &body.statements, item_macros, &mut parsed);
    let is_running = |statement: &&syn::Stmt| !matches!(statement, syn::Stmt::Item(_));
    parsed.names = names::of_statements(body.statements.iter().filter(is_running));
    Ok(parsed)
}

/// A cell: inner attributes, then what a block holds.
pub(crate) struct Body {
    attributes: Vec<syn::Attribute>,
    statements: Vec<syn::Stmt>,
}

impl Parse for Body {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        Ok(Self {
            attributes: input.call(syn::Attribute::parse_inner)?,
            statements: input.call(syn::Block::parse_within)?,
        })
    }
}
