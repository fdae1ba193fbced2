//! What tells how to unwind: `.eh_frame` taken apart into its records, those of what is left out dropped, the rest put
//! together with the table by which an address finds its own. What relocations do it does not know.

use object::LittleEndian as LE;
use object::elf;

use crate::elsewhere::{Result, not_ours};
use crate::input::{Inputs, Kind, Place, Rela, SectionId};

/// A record: a common part (CIE), or the description of a function (FDE).
#[derive(Clone, Debug)]
pub(crate) struct Record<'d> {
    pub(crate) section: SectionId,
    /// Where in the section it begins.
    pub(crate) start: u64,
    pub(crate) data: &'d [u8],
    pub(crate) relocations: &'d [Rela],
    /// Where in the output's section it begins.
    pub(crate) offset: u64,
}

/// How a function is unwound.
#[derive(Debug)]
pub(crate) struct Description<'d> {
    pub(crate) record: Record<'d>,
    /// The common part that it goes on from.
    pub(crate) common: usize,
    /// Where the function is.
    pub(crate) function: SectionId,
    /// Where in that section it begins.
    pub(crate) begin: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Frames<'d> {
    pub(crate) commons: Vec<Record<'d>>,
    pub(crate) descriptions: Vec<Description<'d>>,
    /// Length of all of it, with its end.
    pub(crate) size: u64,
}

/// A pointer relative to its own place, in four bytes.
const RELATIVE: u8 = 0x10 | 0x0b;
/// A pointer relative to the table, in four bytes.
const RELATIVE_TO_TABLE: u8 = 0x30 | 0x0b;
/// A number without a sign, in four bytes.
const NUMBER: u8 = 0x03;
/// Length of what a table begins with, and of an entry.
const TABLE: (u64, u64) = (12, 8);

impl<'d> Frames<'d> {
    /// Takes the sections of all objects apart.
    pub(crate) fn read(inputs: &Inputs<'d>) -> Result<Self> {
        let mut frames = Self::default();
        for (id, section) in inputs.sections.iter().enumerate().filter(|(_, section)| section.kind == Kind::Frames) {
            if !section.relocations.is_sorted_by_key(|relocation| relocation.r_offset.get(LE)) {
                return not_ours("relocations out of order");
            }
            // Where commons begin in this section, and which they are.
            let mut own: Vec<(u64, usize)> = Vec::new();
            let (mut at, mut relocations) = (0, section.relocations);
            while let Some(length) = word(section.data, at) {
                if length == 0 {
                    break;
                }
                let end = at + 4 + length as usize;
                let (Some(data), Some(id_of_common)) = (section.data.get(at..end), word(section.data, at + 4)) else {
                    return not_ours("a record for unwinding of another kind");
                };
                let count =
                    relocations.iter().take_while(|relocation| relocation.r_offset.get(LE) < end as u64).count();
                let (of_record, others) = relocations.split_at(count);
                relocations = others;
                let record = Record { section: id, start: at as u64, data, relocations: of_record, offset: 0 };
                if id_of_common == 0 {
                    check(data)?;
                    own.push((at as u64, frames.common(inputs, record)?));
                } else {
                    let start = (at as u64 + 4).checked_sub(u64::from(id_of_common));
                    let common = own.iter().find(|(known, _)| Some(*known) == start);
                    let Some(&(_, common)) = common else {
                        return not_ours("a record for unwinding without a common part");
                    };
                    frames.describe(inputs, record, common)?;
                }
                at = end;
            }
            if section.data[at..].iter().any(|&byte| byte != 0) || !relocations.is_empty() {
                return not_ours("something after the records for unwinding");
            }
        }
        Ok(frames)
    }

    /// A common part, or another one that says the same.
    fn common(&mut self, inputs: &Inputs<'d>, new: Record<'d>) -> Result<usize> {
        let targets = |record: &Record<'d>| {
            let section = &inputs.sections[record.section];
            let target = |relocation: &Rela| {
                let place = relocation.r_offset.get(LE) - record.start;
                let symbol = inputs.target(section, relocation)?;
                Ok((place, relocation.r_type(LE, false), symbol, relocation.r_addend.get(LE)))
            };
            record.relocations.iter().map(target).collect::<Result<Vec<_>>>()
        };
        let wanted = targets(&new)?;
        for (index, known) in self.commons.iter().enumerate() {
            if known.data == new.data && targets(known)? == wanted {
                return Ok(index);
            }
        }
        self.commons.push(new);
        Ok(self.commons.len() - 1)
    }

    fn describe(&mut self, inputs: &Inputs<'d>, record: Record<'d>, common: usize) -> Result<()> {
        let first = record.relocations.first();
        let Some(first) = first.filter(|first| {
            first.r_offset.get(LE) == record.start + 8 && first.r_type(LE, false) == elf::R_X86_64_PC32
        }) else {
            return not_ours("a function that is unwound in another way");
        };
        let symbol = &inputs.symbols[inputs.target(&inputs.sections[record.section], first)?];
        let (begin, function) = match symbol.place {
            Place::In { section, offset } => (offset.wrapping_add_signed(first.r_addend.get(LE)), section),
            // It was left out for another one.
            Place::Undefined | Place::Shared { .. } => return Ok(()),
            _ => return not_ours("an unwound function that is nowhere"),
        };
        // That of another object is described there.
        let (described, of_function) = (&inputs.sections[record.section], &inputs.sections[function]);
        if !of_function.is_discarded && of_function.object == described.object {
            self.descriptions.push(Description { record, common, function, begin });
        }
        Ok(())
    }

    /// Drops what describes functions that are not there, and gives the rest its places.
    pub(crate) fn place(&mut self, inputs: &Inputs<'d>) {
        self.descriptions.retain(|description| inputs.sections[description.function].is_live);
        let used: Vec<_> = (0..self.commons.len())
            .map(|common| self.descriptions.iter().any(|description| description.common == common))
            .collect();
        let mut offset = 0;
        for (common, record) in self.commons.iter_mut().enumerate() {
            record.offset = offset;
            if used[common] {
                offset += record.data.len() as u64;
            } else {
                (record.data, record.relocations) = (&[], &[]);
            }
        }
        for description in &mut self.descriptions {
            description.record.offset = offset;
            offset += description.record.data.len() as u64;
        }
        self.size = if self.descriptions.is_empty() { 0 } else { offset + 4 };
    }

    /// All records that are left.
    pub(crate) fn records(&self) -> impl Iterator<Item = &Record<'d>> {
        self.commons.iter().chain(self.descriptions.iter().map(|description| &description.record))
    }

    pub(crate) fn table_size(&self) -> u64 {
        if self.descriptions.is_empty() { 0 } else { TABLE.0 + TABLE.1 * self.descriptions.len() as u64 }
    }

    /// The records, not relocated yet.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.size as usize);
        for record in self.records() {
            bytes.extend(record.data);
        }
        for description in &self.descriptions {
            let place = description.record.offset + 4;
            let back = (place - self.commons[description.common].offset) as u32;
            bytes[place as usize..place as usize + 4].copy_from_slice(&back.to_le_bytes());
        }
        bytes.resize(self.size as usize, 0);
        bytes
    }

    /// The table by which an address finds its description. `table`, `frames`: where both are.
    pub(crate) fn table(&self, inputs: &Inputs<'d>, table: u64, frames: u64) -> Result<Vec<u8>> {
        let mut entries = Vec::with_capacity(self.descriptions.len());
        let relative = |address: u64, to: u64| match i32::try_from(address.wrapping_sub(to) as i64) {
            Ok(relative) => Ok(relative),
            Err(_) => not_ours("a library that is too large"),
        };
        for description in &self.descriptions {
            let function = inputs.sections[description.function].address.wrapping_add(description.begin);
            entries.push((relative(function, table)?, relative(frames + description.record.offset, table)?));
        }
        entries.sort_unstable();
        let mut bytes = vec![1, RELATIVE, NUMBER, RELATIVE_TO_TABLE];
        bytes.extend(relative(frames, table + 4)?.to_le_bytes());
        bytes.extend((entries.len() as u32).to_le_bytes());
        for (function, description) in entries {
            bytes.extend(function.to_le_bytes());
            bytes.extend(description.to_le_bytes());
        }
        Ok(bytes)
    }
}

fn word(data: &[u8], at: usize) -> Option<u32> {
    let bytes = data.get(at..at.checked_add(4)?)?;
    Some(u32::from_le_bytes(bytes.try_into().ok()?))
}

/// Whether functions are said where they are in the way that the table is made from.
fn check(common: &[u8]) -> Result<()> {
    match encoding(common) {
        Some(RELATIVE) => Ok(()),
        _ => not_ours("functions that are unwound in another way"),
    }
}

/// How a common part says that pointers to functions are written.
fn encoding(common: &[u8]) -> Option<u8> {
    let rest = common.get(9..)?;
    let end = rest.iter().position(|&byte| byte == 0)?;
    let words = rest[..end].strip_prefix(b"z")?;
    let mut rest = rest[end + 1..].iter().copied();
    let mut skip = || rest.find(|byte| byte & 0x80 == 0);
    // The two alignments, the register of the return address (a byte), and how long the following is.
    for _ in 0..4 {
        skip()?;
    }
    if common[8] != 1 {
        return None;
    }
    for word in words {
        match word {
            b'R' => return rest.next(),
            b'L' => drop(rest.next()?),
            b'P' => {
                let width = match rest.next()? & 0x0f {
                    0x0b | 0x03 => 4,
                    0x0c | 0x04 | 0x00 => 8,
                    _ => return None,
                };
                rest.nth(width - 1)?;
            }
            b'S' | b'B' => {}
            _ => return None,
        }
    }
    None
}
