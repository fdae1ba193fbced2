//! The end of a cell's statements, and of each part of them: what they have made goes into the store.

use super::{ErrorType, Frame, loan, raw};
use crate::boxing::Plan;
use crate::source_map::{Generated, Region};

/// Keeps what a part has made, and closes it.
pub(super) fn end_part(out: &mut Generated, frame: &Frame<'_>, level: usize) {
    let is_here = |name: &&&str| frame.levels.get(**name).copied().unwrap_or(0) == level;
    for name in frame.end.iter().rev().filter(is_here) {
        out.push_region(&format!("::core::mem::drop({});\n", raw(name)), Region::Keep((*name).to_owned()));
    }
    let keep: Vec<&str> = frame.keep.iter().filter(is_here).copied().collect();
    let can_be_asked = |name: &&str| loan::can_be_looked_at(&frame.loans, name);
    ask_types(out, keep.iter().copied().filter(can_be_asked), Region::Type);
    let plan = |name: &str| frame.boxing.and_then(|plans| plans.get(name));
    let boxed: Vec<(&str, &Plan)> = keep.iter().filter_map(|name| Some((*name, plan(name)?))).collect();
    for (name, plan) in &boxed {
        let text = format!("let {0} = {1};\n", raw(name), plan.expression(&raw(name)));
        out.push_region(&text, Region::Keep((*name).to_owned()));
    }
    ask_types(out, boxed.iter().map(|(name, _)| *name), Region::Boxed);
    if level == 0 {
        loan::declare_ends(out, frame);
        loan::publish(out, &frame.loans);
    }
    for name in &keep {
        loan::keep(out, frame, name);
    }
    for name in frame.forget.iter().filter(is_here) {
        out.push(&format!("::kissaten::__cell::forget(\"{name}\");\n"));
    }
    if level == 0 {
        // A cell that stays has no other parts.
        loan::stay(out, frame);
    }
    let error_type = match frame.error_type {
        ErrorType::Display => "CellError",
        ErrorType::Debug => "CellDebugError",
    };
    out.push(&format!("::core::result::Result::Ok::<(), ::kissaten::__cell::{error_type}>(())\n"));
    out.push_region("}", Region::End);
    out.push(frame.end_of_part());
}

/// Makes rustc's lint print the types of variables.
fn ask_types<'a>(out: &mut Generated, names: impl Iterator<Item = &'a str>, region: fn(String) -> Region) {
    let mut names = names.peekable();
    if names.peek().is_some() {
        out.push("#[warn(trivial_casts)] {\n");
        names.for_each(|name| out.push_region(&format!("let _ = &{} as &_;\n", raw(name)), region(name.to_owned())));
        out.push("}\n");
    }
}
