//! What is used: sections that what is exported reaches by its relocations. All else is left out, and what only that needs is
//! not asked of a shared library.

use crate::elsewhere::{Result, not_ours, shown};
use crate::input::{Inputs, Kind, Place, Rela, SectionId};
use crate::library::Libraries;
use crate::unwind::Frames;

/// Marks what is used. `drops_unused`: whether anything is left out at all.
pub(crate) fn mark(
    inputs: &mut Inputs<'_>,
    libraries: &mut Libraries<'_>,
    frames: &Frames<'_>,
    drops_unused: bool,
) -> Result<()> {
    let mut descriptions: Vec<Vec<usize>> = vec![Vec::new(); inputs.sections.len()];
    for (index, description) in frames.descriptions.iter().enumerate() {
        descriptions[description.function].push(index);
    }
    let mut queue = Vec::new();
    for id in 0..inputs.sections.len() {
        let section = &inputs.sections[id];
        let is_root = section.is_root || !drops_unused;
        if is_root && section.kind != Kind::None && section.kind != Kind::Frames && !section.is_discarded {
            reach(inputs, &mut queue, id)?;
        }
    }
    let exported: Vec<_> =
        inputs.symbols.iter().filter(|symbol| symbol.is_exported).map(|symbol| symbol.place).collect();
    for place in exported {
        if let Place::In { section, .. } = place {
            reach(inputs, &mut queue, section)?;
        }
    }
    while let Some(id) = queue.pop() {
        follow(inputs, libraries, &mut queue, id, inputs.sections[id].relocations)?;
        for &index in &descriptions[id] {
            let description = &frames.descriptions[index];
            // The first leads to the function, which is here already.
            let own = description.record.relocations.get(1..).unwrap_or_default();
            let common = &frames.commons[description.common];
            follow(inputs, libraries, &mut queue, description.record.section, own)?;
            follow(inputs, libraries, &mut queue, common.section, common.relocations)?;
        }
    }
    Ok(())
}

fn follow(
    inputs: &mut Inputs<'_>,
    libraries: &mut Libraries<'_>,
    queue: &mut Vec<SectionId>,
    from: SectionId,
    relocations: &[Rela],
) -> Result<()> {
    for relocation in relocations {
        let symbol = &inputs.symbols[inputs.target(&inputs.sections[from], relocation)?];
        match symbol.place {
            Place::In { section, .. } => reach(inputs, queue, section)?,
            Place::Shared { library, .. } if !symbol.is_weak => libraries.need(library),
            _ => {}
        }
    }
    Ok(())
}

fn reach(inputs: &mut Inputs<'_>, queue: &mut Vec<SectionId>, id: SectionId) -> Result<()> {
    let section = &mut inputs.sections[id];
    if section.is_discarded || section.kind == Kind::None || section.kind == Kind::Frames {
        return not_ours(format!("the section {} is needed", shown(section.name)));
    }
    if !section.is_live {
        section.is_live = true;
        queue.push(id);
    }
    Ok(())
}
