//! The text around the statements of a cell whose variables borrow or are lent.
//!
//! Why it is sound stands with what it calls, in `kissaten/src/resident.rs`: these lines keep the promises that the `unsafe`
//! functions there ask for.

use super::{Frame, raw};
use crate::api::LoanKind;
use crate::binding::Binding;
use crate::loan::{is_plain, lasting, with_lifetime};
use crate::parse::{Parsed, Use, is_copy_type};
use crate::source_map::{Generated, Region};

/// The lifetime of a cell's loans, as generated functions call it.
const LIFETIME: &str = "'__kissaten";

/// What becomes of a cell's variables where some of them borrow.
#[derive(Clone, Debug, Default)]
pub(crate) struct Loans<'a> {
    /// Older variables that the cell mentions, and which borrow or are lent.
    pub(crate) mentioned: Vec<&'a str>,
    /// New variables that borrow what older ones do, and their types.
    pub(crate) scoped: Vec<(&'a str, &'a str)>,
    /// Of all that borrow, those whose types are invariant in their lifetimes.
    pub(crate) invariant: Vec<&'a str>,
    /// Names that the cell binds: behind its statements they are not those of older variables.
    pub(crate) bound: Vec<&'a str>,
    /// Set where the cell stays.
    pub(crate) stays: Option<Stays<'a>>,
}

impl Loans<'_> {
    /// Whether nothing borrows from anything.
    pub(crate) fn is_none(&self) -> bool {
        self.mentioned.is_empty() && self.scoped.is_empty() && self.invariant.is_empty() && self.stays.is_none()
    }
}

/// What a cell that stays does with its variables. All others that it mentions or binds are ordinary.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stays<'a> {
    /// New ones that borrow, and their types.
    pub(crate) lent: Vec<(&'a str, &'a str)>,
    /// Owners that something borrows from, with their types, and whether they are never given back.
    pub(crate) published: Vec<(&'a str, &'a str, bool)>,
    /// Owners that something may change.
    pub(crate) hidden: Vec<&'a str>,
    /// New ones that are given back when the loans are over.
    pub(crate) given_back: Vec<&'a str>,
}

impl Stays<'_> {
    fn owns(&self, name: &str) -> bool {
        self.hidden.contains(&name) || self.published.iter().any(|(published, ..)| *published == name)
    }
}

/// Before the variables are taken.
pub(super) fn open(out: &mut Generated, loans: &Loans<'_>) {
    let has_scope = !loans.mentioned.is_empty();
    if has_scope {
        out.push("let __kissaten_token = ::kissaten::__cell::Token::new(); ");
        let names: Vec<String> = loans.mentioned.iter().map(|name| format!("{name:?}")).collect();
        let scope = format!(
            "let __kissaten_scope = ::kissaten::__cell::Scope::new(&__kissaten_token, &[{}]); ",
            names.join(", ")
        );
        out.push_region(&scope, Region::Token);
    }
    if loans.stays.is_some() {
        let scope = if has_scope { "Some(&__kissaten_scope)" } else { "None" };
        out.push(&format!("let __kissaten_seat = ::kissaten::__cell::Seat::new(::core::option::Option::{scope}); "));
    }
}

/// The declaration of an older variable that borrows or is lent.
pub(super) fn take(binding: &Binding, loan: LoanKind) -> String {
    let Binding { name, type_text, mutable, .. } = binding;
    if is_copied(binding) {
        return format!(
            "let {}: _ = {{ fn t<{LIFETIME}>(s: &::kissaten::__cell::Scope<{LIFETIME}>) -> {type_text} \
             {{ unsafe {{ *s.place({name:?}) }} }} t(&__kissaten_scope) }};",
            raw(name)
        );
    }
    let type_text = with_lifetime(type_text, LIFETIME);
    let (mutable, call, type_text) = match loan {
        LoanKind::Value => (if *mutable { "mut " } else { "" }, "take", type_text),
        LoanKind::Place | LoanKind::Hidden => ("", "place", format!("&{LIFETIME} {}", in_brackets(&type_text))),
    };
    format!(
        "let {mutable}{}: _ = {{ fn t<{LIFETIME}>(s: &::kissaten::__cell::Scope<{LIFETIME}>) -> {type_text} \
         {{ unsafe {{ s.{call}({name:?}) }} }} t(&__kissaten_scope) }};",
        raw(name)
    )
}

/// Where the user's code names an owner that the frame has a reference to: there it is to be the owner itself.
pub(super) fn places<'p>(parsed: &'p Parsed, frame: &Frame<'_>) -> Vec<&'p Use> {
    let stands = |name: &str| {
        let is_it = |binding: &&Binding| binding.name == name && binding.loan == Some(LoanKind::Place);
        frame.take.iter().any(|binding| is_it(&binding) && !is_copied(binding)) && !parsed.bound_anywhere.contains(name)
    };
    parsed.uses.iter().filter(|place| stands(&place.name)).collect()
}

/// Whether an owner is as good as a copy of it: while it is lent nobody changes it.
fn is_copied(binding: &Binding) -> bool {
    binding.loan == Some(LoanKind::Place) && is_copy_type(&binding.type_text)
}

/// `&'a dyn A + 'a` is no type.
fn in_brackets(type_text: &str) -> String {
    if type_text.starts_with("dyn ") { format!("({type_text})") } else { type_text.to_owned() }
}

/// Whether an older variable goes back before its cell has ended for itself: then rustc has to see that it is not lent.
pub(super) fn is_handed_back(loans: &Loans<'_>, binding: &Binding) -> bool {
    let has_its_name = !loans.bound.contains(&binding.name.as_str());
    has_its_name
        && binding.loan != Some(LoanKind::Place)
        && loans.stays.as_ref().is_some_and(|stays| !stays.owns(&binding.name))
}

/// At the end of the statements: a new variable on its way.
pub(super) fn keep(out: &mut Generated, frame: &Frame<'_>, name: &str) {
    let raw = raw(name);
    let loans = &frame.loans;
    let typed =
        |list: &[(&str, &str)]| list.iter().find(|(known, _)| *known == name).map(|(_, text)| (*text).to_owned());
    let lent = loans.stays.as_ref().and_then(|stays| typed(&stays.lent));
    let line = match (&loans.stays, lent.or_else(|| typed(&loans.scoped))) {
        (Some(stays), _) if stays.owns(name) => return,
        (stays, Some(type_text)) => {
            let (kind, to, call) = match stays {
                Some(stays) if typed(&stays.lent).is_some() => ("Resident", "__kissaten_resident", "lend"),
                _ => ("Scope", "__kissaten_scope", "keep"),
            };
            if loans.invariant.contains(&name) {
                // All of its lifetimes are that of what it is given to.
                let type_text = with_lifetime(&type_text, LIFETIME);
                format!(
                    "{{ fn t<{LIFETIME}>(to: &::kissaten::__cell::{kind}<{LIFETIME}>, v: {type_text}) \
                     {{ unsafe {{ to.{call}({name:?}, v, true) }} }} t(&{to}, {raw}) }};\n"
                )
            } else {
                format!("unsafe {{ {to}.{call}({name:?}, {raw}, false) }};\n")
            }
        }
        (Some(_), None) => format!("__kissaten_resident.keep({name:?}, {raw});\n"),
        (None, None) => {
            let of_type =
                frame.spelled.get(name).map(|type_text| format!("::<{}>", lasting(type_text))).unwrap_or_default();
            format!("::kissaten::__cell::keep{of_type}({name:?}, {raw});\n")
        }
    };
    out.push_region(&line, Region::Keep(name.to_owned()));
}

/// Before the user's statements: what they make is dropped before this, so it may be of a lifetime that this one gives.
pub(super) fn anchor(out: &mut Generated, loans: &Loans<'_>) {
    if loans.stays.is_some() {
        out.push("let __kissaten_anchor = ::kissaten::__cell::Token::new(); ");
    }
}

/// Before the new variables are on their way.
pub(super) fn publish(out: &mut Generated, loans: &Loans<'_>) {
    let Some(stays) = &loans.stays else { return };
    let resident =
        "let __kissaten_resident = ::kissaten::__cell::Resident::new(&__kissaten_seat, &__kissaten_anchor);\n";
    out.push_region(resident, Region::Anchor);
    for (name, type_text, for_good) in &stays.published {
        let raw = raw(name);
        let line = if loans.invariant.contains(name) {
            let type_text = in_brackets(&with_lifetime(type_text, LIFETIME));
            format!(
                "{{ fn t<{LIFETIME}>(to: &::kissaten::__cell::Resident<{LIFETIME}>, v: &{LIFETIME} {type_text}) \
                 {{ unsafe {{ to.publish({name:?}, v, true, true) }} }} t(&__kissaten_resident, &{raw}) }};\n"
            )
        } else {
            format!("unsafe {{ __kissaten_resident.publish({name:?}, &{raw}, {for_good}, false) }};\n")
        };
        out.push_region(&line, Region::Publish((*name).to_owned()));
    }
    for name in &stays.hidden {
        out.push(&format!("__kissaten_resident.hide({name:?});\n"));
    }
}

/// Behind them: the older ones go back, the cell waits, and when it goes on, its owners go back.
pub(super) fn stay(out: &mut Generated, frame: &Frame<'_>) {
    let Some(stays) = &frame.loans.stays else { return };
    for binding in frame.put_back.iter().filter(|binding| is_handed_back(&frame.loans, binding)) {
        let name = &binding.name;
        let (call, invariant) = match binding.loan {
            Some(_) => ("hand_back_lent", format!(", {}", binding.invariant)),
            None => ("hand_back", String::new()),
        };
        let line = format!("unsafe {{ __kissaten_resident.{call}({name:?}, &mut {}{invariant}) }};\n", raw(name));
        out.push_region(&line, Region::HandBack(name.clone()));
    }
    out.push("__kissaten_resident.stay().await;\n");
    for name in &stays.given_back {
        let line = format!("__kissaten_seat.give_back({name:?}, {});\n", raw(name));
        out.push_region(&line, Region::GiveBack((*name).to_owned()));
    }
}

/// At the end of the frame: an older variable goes back, if it has not yet.
pub(super) fn put_back(frame: &Frame<'_>, binding: &Binding) -> String {
    let (name, raw) = (&binding.name, raw(&binding.name));
    let (stays, invariant) = (frame.loans.stays.is_some(), binding.invariant);
    match binding.loan {
        Some(LoanKind::Place | LoanKind::Hidden) => String::new(),
        Some(LoanKind::Value) if stays => {
            format!("unsafe {{ __kissaten_seat.put_back_lent({name:?}, {raw}, {invariant}) }};\n")
        }
        Some(LoanKind::Value) => format!("unsafe {{ __kissaten_scope.put_back({name:?}, {raw}, {invariant}) }};\n"),
        None if stays => format!("__kissaten_seat.put_back({name:?}, {raw});\n"),
        None => format!("::kissaten::__cell::put_back({name:?}, {raw});\n"),
    }
}

/// The last line of the frame.
pub(super) fn close(out: &mut Generated, loans: &Loans<'_>) {
    if !loans.mentioned.is_empty() {
        out.push("__kissaten_scope.end();\n");
    }
}

/// Functions that rustc takes only if types that are kept without their lifetimes are covariant in them.
pub(super) fn covariance(out: &mut Generated, loans: &Loans<'_>) {
    let lent = loans.stays.iter().flat_map(|stays| {
        stays.lent.iter().copied().chain(stays.published.iter().map(|(name, type_text, _)| (*name, *type_text)))
    });
    for (name, type_text) in loans.scoped.iter().copied().chain(lent) {
        if is_plain(type_text) || loans.invariant.contains(&name) {
            continue;
        }
        let (long, short) = (with_lifetime(type_text, "'long"), with_lifetime(type_text, "'short"));
        let check = format!(
            "#[allow(dead_code)] fn __kissaten_covariant_{name}<'short, 'long: 'short>(v: &'short {}) -> &'short {} {{ v }}\n",
            in_brackets(&long),
            in_brackets(&short)
        );
        out.push_region(&check, Region::Covariant(name.to_owned()));
    }
}

/// Whether nothing that is kept may change it.
pub(super) fn can_be_looked_at(loans: &Loans<'_>, name: &str) -> bool {
    loans.stays.as_ref().is_none_or(|stays| !stays.hidden.contains(&name))
}

/// The row of `:vars` for a variable that borrows or is lent. Each has a scope of its own, so none is bound to another.
pub(super) fn row(binding: &Binding, all: &[Binding], shown: &str, method: &str) -> String {
    let Binding { name, type_text, loan, borrows, .. } = binding;
    let to: Vec<&str> =
        all.iter().filter(|other| other.borrows.contains(name)).map(|other| other.name.as_str()).collect();
    let mut shown = shown.to_owned();
    if !borrows.is_empty() {
        shown.push_str(&format!(", borrows from {}", borrows.join(", ")));
    }
    if *loan != Some(LoanKind::Value) && !to.is_empty() {
        shown.push_str(&format!(", lent to {}", to.join(", ")));
    }
    let shown = shown.escape_default();
    if *loan == Some(LoanKind::Hidden) {
        return format!("__kissaten_rows.push(({name:?}, \"{shown}\", ::core::option::Option::None));\n");
    }
    let type_text = in_brackets(&with_lifetime(type_text, LIFETIME));
    format!(
        "{{ let token = ::kissaten::__cell::Token::new(); let scope = ::kissaten::__cell::Scope::new(&token, &[{name:?}]); \
         fn look<'a, {LIFETIME}>(s: &'a ::kissaten::__cell::Scope<{LIFETIME}>) -> ::core::option::Option<&'a {type_text}> \
         {{ unsafe {{ s.look({name:?}) }} }} \
         if let ::core::option::Option::Some(value) = look(&scope) {{ __kissaten_rows.push(({name:?}, \"{shown}\", \
         (&&::kissaten::__cell::Variable(value)).{method}())); }} }}\n"
    )
}

/// A variable that is lent, as rustc is to know it: `exclusive` as one that may be changed elsewhere.
pub(super) fn declare(out: &mut Generated, binding: &Binding) {
    let Binding { name, type_text, loan, .. } = binding;
    let (raw, exclusive) = (raw(name), *loan == Some(LoanKind::Hidden));
    let borrow = if exclusive { "&mut " } else { "&" };
    let text = format!(
        "let mut {raw}: {} = ::kissaten::__cell::moved(); let __kissaten_loan_{name} = {borrow}{raw};",
        lasting(type_text)
    );
    out.push_region(&text, Region::Lent(name.clone()));
    out.push(" ");
}

/// And that the loans are not over when the cell ends.
pub(super) fn declare_ends(out: &mut Generated, frame: &Frame<'_>) {
    for binding in &frame.declared {
        out.push_region(&format!("let _ = &*__kissaten_loan_{};\n", binding.name), Region::End);
    }
}
