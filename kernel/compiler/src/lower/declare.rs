//! Variables that a cell's statements find declared without having made them.

use super::{Frame, raw};
use crate::binding::Binding;
use crate::source_map::{Generated, Region};

/// A variable that belongs to a part which has not made it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Owned<'a> {
    pub(crate) name: &'a str,
    pub(crate) mutable: bool,
    pub(crate) level: usize,
}

/// A variable that an earlier cell moved.
#[derive(Clone, Debug)]
pub(crate) struct MovedVariable<'a> {
    pub(crate) name: String,
    pub(crate) type_text: &'a str,
    pub(crate) mutable: bool,
    /// It is declared without a value, as this cell fills it; else as moved, for rustc's words.
    pub(crate) is_empty: bool,
}

impl MovedVariable<'_> {
    pub(super) fn declaration(&self) -> String {
        let Self { type_text, mutable, is_empty, .. } = self;
        let (name, mutable) = (raw(&self.name), if *mutable { "mut " } else { "" });
        if *is_empty {
            return format!("let {mutable}{name}: {type_text};");
        }
        format!("let {mutable}{name}: {type_text} = ::kissaten::__cell::moved(); ::core::mem::drop({name});")
    }
}

/// What begins a part with the variables that it takes over.
pub(super) fn take_over(frame: &Frame<'_>, level: usize) -> String {
    let declaration = |owned: &Owned<'_>| {
        let (name, mutable) = (raw(owned.name), if owned.mutable { "mut " } else { "" });
        format!("let {mutable}{name} = {name}; ")
    };
    frame.owned.iter().filter(|owned| owned.level == level).map(declaration).collect()
}

/// Before variables are taken: asks whether all are there with the types that this is compiled for. Where it is one only, nothing
/// is lost when that is not so.
pub(super) fn ask(out: &mut Generated, frame: &Frame<'_>) {
    let ordinary = || frame.take.iter().filter(|variable| variable.loan.is_none());
    if frame.is_flat || ordinary().count() < 2 {
        return;
    }
    out.push("if !::kissaten::__cell::holds(&[");
    for Binding { name, type_text, .. } in ordinary() {
        let asked = format!("({name:?}, ::core::any::TypeId::of::<{type_text}>()), ");
        out.push_region(&asked, Region::Take(name.clone()));
    }
    out.push("]) { return; } ");
}
