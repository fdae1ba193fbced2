//! The items crate: its root, and a file for each cell that has items.

use crate::items::{CellText, Items, LiveItem, Owner};
use crate::names::{self, FileKind, FileName};
use crate::parse::{Form, ItemKind, Static};
use crate::scope::Arrangement;
use crate::source_map::{Edits, Generated, Region};

/// The root of the items crate: imports, then macros, then all other items, by cell; the statements of a cell last.
pub(crate) fn items_root(
    arrangement: &Arrangement<'_>,
    files: &[ItemsFile],
    statements: Option<&str>,
    layer: Option<&str>,
) -> Generated {
    let mut out = Generated::default();
    out.push("#[macro_use] extern crate kissaten;\nextern crate self as notebook;\n");
    out.push(layer.unwrap_or_default());
    for (index, live) in super::in_stable_order(arrangement.at_root()) {
        out.push_region(&live.import.text, Region::Import(index));
        out.push("\n");
    }
    for file in files {
        out.push(&format!("include!({:?});\n", file.file.stable));
    }
    if let Some(statements) = statements {
        out.push(&format!("include!({statements:?});\n"));
    }
    out
}

/// A file of the items crate.
#[derive(Clone, Debug)]
pub(crate) struct ItemsFile {
    /// What it is called for rustc and in the program.
    pub(crate) file: FileName,
    /// As it is known here.
    pub(crate) name: String,
    pub(crate) serial: u64,
    pub(crate) generated: Generated,
}

/// The files with the live items of all cells: first those with macros, which must be known in all that follow.
///
/// `form` says how the items of a cell's text are instrumented, if they are.
pub(crate) fn items_files(
    items: &Items,
    arrangement: &Arrangement<'_>,
    form: &dyn Fn(&CellText) -> Option<Form>,
) -> Vec<ItemsFile> {
    let mut serials: Vec<u64> = items.items.iter().map(|live| live.cell.serial).collect();
    serials.sort_unstable();
    serials.dedup();
    let mut files = Vec::new();
    for (purpose, is_macro) in [(FileKind::Macros, true), (FileKind::Items, false)] {
        let first = files.len();
        for serial in &serials {
            let of_file =
                |live: &&LiveItem| live.cell.serial == *serial && (live.item.kind == ItemKind::Macro) == is_macro;
            let of_file: Vec<&LiveItem> = items.items.iter().filter(of_file).collect();
            if let Some(first) = of_file.first() {
                let file = FileName::new(&first.cell.label, &first.cell.text, purpose);
                files.push(ItemsFile {
                    name: file.shown.clone(),
                    file,
                    serial: *serial,
                    generated: items_file(items, arrangement, &of_file, form),
                });
            }
        }
        // Their order means nothing, and a cell that is run again does not change it. rustc compiles again what stands
        // behind a new one, so the largest come first: what a notebook gets later is mostly a small one.
        files[first..].sort_by(|one, other| {
            let length = |file: &ItemsFile| std::cmp::Reverse(file.generated.text().len());
            (length(one), &one.file.stable).cmp(&(length(other), &other.file.stable))
        });
    }
    files
}

fn items_file(
    items: &Items,
    arrangement: &Arrangement<'_>,
    of_cell: &[&LiveItem],
    form: &dyn Fn(&CellText) -> Option<Form>,
) -> Generated {
    let form = of_cell.first().and_then(|live| form(&live.cell));
    let mut out = Generated::default();
    let mut at = 0;
    for live in of_cell {
        let (text, range) = (&live.cell.text, live.item.range.clone());
        out.blank(text, at..range.start);
        item_edits(items, arrangement, live, form).copy(&mut out, text, range.clone());
        at = range.end;
    }
    out.push("\n");
    out
}

fn item_edits(items: &Items, arrangement: &Arrangement<'_>, live: &LiveItem, form: Option<Form>) -> Edits {
    // First, because a checkpoint is a statement, and what else is inserted where it is begins one.
    let mut edits = form.map(|form| live.item.instruments.edits(form)).unwrap_or_default();
    if let ItemKind::Impl { members, .. } = &live.item.kind {
        for index in &live.cut {
            edits.replace(members[*index].range.clone(), "");
        }
    }
    let mut thread_locals = String::new();
    for declared in &live.item.statics {
        let key = (live.cell.serial, declared.range.start, declared.name.clone());
        match items.owners.get(&key) {
            Some(owner) => {
                let type_text = arrangement.type_text(live, &declared.type_text);
                let declaration = elsewhere(declared, &type_text, owner);
                if declared.thread_local {
                    thread_locals.push_str(&declaration);
                } else {
                    edits.replace(declared.range.clone(), declaration);
                }
            }
            None => {
                let type_text = arrangement.type_text(live, &declared.type_text);
                edits.insert(declared.head, here(declared, &type_text, &symbol(&live.cell, declared)));
            }
        }
    }
    if !thread_locals.is_empty() {
        edits.replace(live.item.range.clone(), thread_locals);
    }
    edits.extend(&live.item.edits);
    edits.extend(&arrangement.edits(live));
    edits
}

/// The symbol of a static that is defined in the library being made.
pub(crate) fn symbol(cell: &CellText, declared: &Static) -> String {
    format!("kissaten_static_{}_{}_{}", names::of_text(&cell.text), declared.range.start, declared.name)
}

/// A static's first definition gets a name that later libraries can bind to.
fn here(declared: &Static, type_text: &str, symbol: &str) -> String {
    if declared.thread_local {
        // The key is a constant; this one can be referred to.
        let name = &declared.name;
        format!(" #[unsafe(export_name = \"{symbol}\")] pub static __kissaten_{symbol}: {type_text} = {name};")
    } else {
        format!("#[unsafe(export_name = \"{symbol}\")] ")
    }
}

/// A static that another library owns.
fn elsewhere(declared: &Static, type_text: &str, owner: &Owner) -> String {
    let Static { name, mutable, .. } = declared;
    let kind = if *mutable { "static mut" } else { "safe static" };
    format!("unsafe extern \"Rust\" {{ #[link_name = \"{}\"] pub {kind} {name}: {type_text}; }} ", owner.symbol)
}
