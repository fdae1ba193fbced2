//! Variables that a cell's statements find declared without having made them.

use super::{Frame, loan, raw};
use crate::binding::Binding;
use crate::loan::{is_of_calls, lasting};
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
        let type_text = lasting(type_text);
        let (name, mutable) = (raw(&self.name), if *mutable { "mut " } else { "" });
        if *is_empty {
            return format!("let {mutable}{name}: {type_text};");
        }
        format!("let {mutable}{name}: {type_text} = ::kissaten::__cell::moved(); ::core::mem::drop({name});")
    }
}

/// Older variables are taken out of the store, and those that borrow or are lent as their scope has them.
pub(super) fn take(out: &mut Generated, frame: &Frame<'_>) {
    ask(out, frame);
    for variable in &frame.take {
        let Binding { name, type_text, mutable, loan, .. } = variable;
        let is_lent = frame.lent.iter().any(|(lent, _)| lent == name);
        let is_exclusive = loan::is_handed_back(&frame.loans, variable) && frame.put_back.contains(variable);
        let mutable = if *mutable || is_lent || is_exclusive { "mut " } else { "" };
        let declaration = match loan {
            Some(kind) => loan::take(&Binding { mutable: !mutable.is_empty(), ..variable.clone() }, *kind),
            None => {
                let type_text = lasting(type_text);
                format!("let {mutable}{}: {type_text} = ::kissaten::__cell::take(\"{name}\");", raw(name))
            }
        };
        out.push_region(&declaration, Region::Take((*name).clone()));
        out.push(" ");
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

/// Before variables are taken: asks whether those are there with the types that this is compiled for whose types could be read
/// back as others. Where it is one only, nothing is lost when that is not so.
fn ask(out: &mut Generated, frame: &Frame<'_>) {
    let is_unsure = |variable: &&Binding| variable.loan.is_none() && is_of_calls(&variable.type_text);
    let mut unsure = frame.take.iter().filter(is_unsure).peekable();
    if frame.is_flat || frame.take.len() < 2 || unsure.peek().is_none() {
        return;
    }
    out.push("if !::kissaten::__cell::holds(&[");
    for Binding { name, type_text, .. } in unsure {
        let asked = format!("({name:?}, ::core::any::TypeId::of::<{}>()), ", lasting(type_text));
        out.push_region(&asked, Region::Take(name.clone()));
    }
    out.push("]) { return; } ");
}
