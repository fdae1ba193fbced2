//! Relocations: what each needs in the output (a place for an address, a stub, a word to the loader), and what it writes.
//! The same function says both.

use std::collections::HashMap;

use object::LittleEndian as LE;
use object::elf;

use crate::elsewhere::{Result, not_ours, shown};
use crate::input::{Inputs, Kind, Place, Rela, Section, SectionId, Symbol, SymbolId};
use crate::unwind::Frames;

/// What the output has besides what the objects bring.
#[derive(Debug, Default)]
pub(crate) struct Needs {
    /// The words of the table of addresses.
    pub(crate) words: Vec<Word>,
    /// Where a symbol's address is in it.
    addresses: HashMap<SymbolId, usize>,
    /// Where in it the two words on a symbol of threads are; of no symbol: those on this library.
    thread_pairs: HashMap<Option<SymbolId>, usize>,
    /// The functions that are called by a stub, with the words that the stubs read.
    pub(crate) stubs: Vec<usize>,
    stub_of: HashMap<SymbolId, usize>,
    /// What is said to the loader.
    pub(crate) dynamic: Vec<Dynamic>,
}

/// What stands in the table of addresses before the loader sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Word {
    /// The loader writes it.
    Zero,
    /// A number that is no address.
    Constant(u64),
    /// Where a symbol lies among those of its thread.
    ThreadOffset(SymbolId),
}

/// What the loader is told.
#[derive(Debug)]
pub(crate) struct Dynamic {
    pub(crate) sort: u32,
    pub(crate) place: At,
    /// The symbol, where it is found by name.
    pub(crate) symbol: Option<SymbolId>,
    pub(crate) value: Value,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum At {
    Section(SectionId, u64),
    Word(usize),
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Value {
    Number(i64),
    /// Where a symbol of the output is, and a number.
    Address(SymbolId, i64),
}

/// What a relocation means here.
#[derive(Clone, Copy, Debug)]
enum Meaning {
    Nothing,
    /// Eight bytes that the loader writes.
    ByLoader(SymbolId),
    /// Eight bytes that hold a number.
    Number(u64),
    /// How far it is to a symbol; `true`: in eight bytes, else in four.
    Distance(SymbolId, bool),
    /// How far it is to a symbol's stub.
    Stub(SymbolId),
    /// How far it is to the word with a symbol's address.
    Word(SymbolId),
    /// How far it is to the two words on a symbol of threads.
    ThreadPair(Option<SymbolId>),
    /// Where a symbol lies among those of its thread, in four bytes.
    ThreadOffset(SymbolId),
}

fn meaning(inputs: &Inputs<'_>, section: &Section<'_>, relocation: &Rela) -> Result<Meaning> {
    let sort = relocation.r_type(LE, false);
    if sort == elf::R_X86_64_NONE {
        return Ok(Meaning::Nothing);
    }
    let id = inputs.target(section, relocation)?;
    let symbol = &inputs.symbols[id];
    let unknown = || not_ours(format!("relocation {sort} to {} in {}", shown(symbol.name), shown(section.name)));
    let is_here = matches!(symbol.place, Place::In { .. }) && !symbol.is_dynamic();
    // One that is local and nowhere is none.
    if symbol.place == Place::File || symbol.place == Place::Undefined && (symbol.is_hidden || symbol.is_local) {
        return unknown();
    }
    let is_of_thread = symbol.sort == elf::STT_TLS || is_thread_section(inputs, symbol);
    let wants_thread = matches!(sort, elf::R_X86_64_TLSGD | elf::R_X86_64_DTPOFF32);
    if sort != elf::R_X86_64_TLSLD && is_of_thread != wants_thread {
        return unknown();
    }
    Ok(match sort {
        elf::R_X86_64_64 => match symbol.place {
            _ if !is_written(section.kind) => return unknown(),
            Place::Absolute(value) if !symbol.is_dynamic() => Meaning::Number(value),
            _ => Meaning::ByLoader(id),
        },
        elf::R_X86_64_PC32 | elf::R_X86_64_PLT32 if is_here => Meaning::Distance(id, false),
        elf::R_X86_64_PC64 if is_here => Meaning::Distance(id, true),
        elf::R_X86_64_PLT32 if symbol.is_dynamic() && section.kind == Kind::Text => Meaning::Stub(id),
        elf::R_X86_64_GOTPCREL | elf::R_X86_64_GOTPCRELX | elf::R_X86_64_REX_GOTPCRELX => Meaning::Word(id),
        elf::R_X86_64_TLSGD => Meaning::ThreadPair(Some(id)),
        elf::R_X86_64_TLSLD => Meaning::ThreadPair(None),
        elf::R_X86_64_DTPOFF32 if is_here => Meaning::ThreadOffset(id),
        _ => return unknown(),
    })
}

fn is_thread_section(inputs: &Inputs<'_>, symbol: &Symbol<'_>) -> bool {
    let Place::In { section, .. } = symbol.place else { return false };
    matches!(inputs.sections[section].kind, Kind::ThreadData | Kind::ThreadZero)
}

/// Whether the loader can write there.
fn is_written(kind: Kind) -> bool {
    matches!(kind, Kind::ThreadData | Kind::Constructors | Kind::Destructors | Kind::Relocated | Kind::Data)
}

impl Needs {
    /// What all that is used needs.
    pub(crate) fn of(inputs: &Inputs<'_>, frames: &Frames<'_>) -> Result<Self> {
        let mut needs = Self::default();
        for (id, section) in inputs.sections.iter().enumerate().filter(|(_, section)| section.is_live) {
            if section.kind == Kind::Metadata && !section.relocations.is_empty() {
                return not_ours("relocations in what is not loaded");
            }
            for relocation in section.relocations {
                needs.add(inputs, id, relocation)?;
            }
        }
        for record in frames.records() {
            for relocation in record.relocations {
                needs.add(inputs, record.section, relocation)?;
            }
        }
        // Those without a name go first, as the loader is told their number.
        needs.dynamic.sort_by_key(|dynamic| dynamic.sort != elf::R_X86_64_RELATIVE);
        Ok(needs)
    }

    fn add(&mut self, inputs: &Inputs<'_>, id: SectionId, relocation: &Rela) -> Result<()> {
        match meaning(inputs, &inputs.sections[id], relocation)? {
            Meaning::Nothing | Meaning::Number(_) | Meaning::Distance(..) | Meaning::ThreadOffset(_) => {}
            Meaning::ByLoader(symbol) => {
                let offset = relocation.r_offset.get(LE);
                if offset.checked_add(8).is_none_or(|end| end > inputs.sections[id].size) {
                    return not_ours("a relocation outside of its section");
                }
                let place = At::Section(id, offset);
                let addend = relocation.r_addend.get(LE);
                self.dynamic.push(if inputs.symbols[symbol].is_dynamic() {
                    Dynamic { sort: elf::R_X86_64_64, place, symbol: Some(symbol), value: Value::Number(addend) }
                } else {
                    let value = Value::Address(symbol, addend);
                    Dynamic { sort: elf::R_X86_64_RELATIVE, place, symbol: None, value }
                });
            }
            Meaning::Word(symbol) => {
                self.word(inputs, symbol);
            }
            Meaning::Stub(symbol) => {
                let word = self.word(inputs, symbol);
                let stubs = &mut self.stubs;
                self.stub_of.entry(symbol).or_insert_with(|| {
                    stubs.push(word);
                    stubs.len() - 1
                });
            }
            Meaning::ThreadPair(symbol) => self.thread_pair(inputs, symbol),
        }
        Ok(())
    }

    /// The word with the address of a symbol.
    fn word(&mut self, inputs: &Inputs<'_>, id: SymbolId) -> usize {
        let symbol = &inputs.symbols[id];
        let next = self.words.len();
        let word = *self.addresses.entry(id).or_insert(next);
        if word == next {
            let place = At::Word(word);
            let (content, dynamic) = match symbol.place {
                _ if symbol.is_dynamic() => {
                    let value = Value::Number(0);
                    (Word::Zero, Some(Dynamic { sort: elf::R_X86_64_GLOB_DAT, place, symbol: Some(id), value }))
                }
                Place::Absolute(value) => (Word::Constant(value), None),
                _ => {
                    let value = Value::Address(id, 0);
                    (Word::Zero, Some(Dynamic { sort: elf::R_X86_64_RELATIVE, place, symbol: None, value }))
                }
            };
            self.words.push(content);
            self.dynamic.extend(dynamic);
        }
        word
    }

    fn thread_pair(&mut self, inputs: &Inputs<'_>, symbol: Option<SymbolId>) {
        let word = self.words.len();
        if self.thread_pairs.contains_key(&symbol) {
            return;
        }
        self.thread_pairs.insert(symbol, word);
        let named = symbol.filter(|&id| inputs.symbols[id].is_dynamic());
        let mut say = |sort, word| {
            self.dynamic.push(Dynamic { sort, place: At::Word(word), symbol: named, value: Value::Number(0) });
        };
        say(elf::R_X86_64_DTPMOD64, word);
        let second = match symbol {
            Some(_) if named.is_some() => {
                say(elf::R_X86_64_DTPOFF64, word + 1);
                Word::Zero
            }
            Some(id) => Word::ThreadOffset(id),
            None => Word::Zero,
        };
        self.words.extend([Word::Zero, second]);
    }
}

/// Where things are in the output.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Addresses {
    pub(crate) words: u64,
    pub(crate) stubs: u64,
    /// Where what each thread has begins.
    pub(crate) thread: u64,
}

/// Length of a word of the table of addresses, and of a stub.
pub(crate) const WORD: u64 = 8;
pub(crate) const STUB: u64 = 8;

impl Needs {
    /// The stubs: each jumps to where its word says.
    pub(crate) fn stub_bytes(&self, addresses: &Addresses) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        for (index, &word) in self.stubs.iter().enumerate() {
            let next = addresses.stubs + STUB * index as u64 + 6;
            bytes.extend([0xff, 0x25]);
            bytes.extend(four(addresses.words + WORD * word as u64, next)?);
            // Nothing comes here: a trap.
            bytes.extend([0x0f, 0x0b]);
        }
        Ok(bytes)
    }

    /// Relocates `bytes`, which are of a section from `start` on and lie at `address`.
    pub(crate) fn relocate(
        &self,
        inputs: &Inputs<'_>,
        addresses: &Addresses,
        section: SectionId,
        (start, address): (u64, u64),
        relocations: &[Rela],
        bytes: &mut [u8],
    ) -> Result<()> {
        for relocation in relocations {
            let (offset, addend) = (relocation.r_offset.get(LE).wrapping_sub(start), relocation.r_addend.get(LE));
            let place = address.wrapping_add(offset);
            let distance = |to: u64| four(to.wrapping_add_signed(addend), place);
            let missing = || not_ours("a relocation that was not foreseen");
            let short = match meaning(inputs, &inputs.sections[section], relocation)? {
                Meaning::Nothing | Meaning::ByLoader(_) => continue,
                Meaning::Number(value) => {
                    write(bytes, offset, &value.wrapping_add_signed(addend).to_le_bytes())?;
                    continue;
                }
                Meaning::Distance(symbol, true) => {
                    let value = address_of(inputs, symbol).wrapping_add_signed(addend).wrapping_sub(place);
                    write(bytes, offset, &value.to_le_bytes())?;
                    continue;
                }
                Meaning::Distance(symbol, false) => distance(address_of(inputs, symbol))?,
                Meaning::Stub(symbol) => match self.stub_of.get(&symbol) {
                    Some(&stub) => distance(addresses.stubs + STUB * stub as u64)?,
                    None => return missing(),
                },
                Meaning::Word(symbol) => match self.addresses.get(&symbol) {
                    Some(&word) => distance(addresses.words + WORD * word as u64)?,
                    None => return missing(),
                },
                Meaning::ThreadPair(symbol) => match self.thread_pairs.get(&symbol) {
                    Some(&word) => distance(addresses.words + WORD * word as u64)?,
                    None => return missing(),
                },
                Meaning::ThreadOffset(symbol) => {
                    four(address_of(inputs, symbol).wrapping_add_signed(addend), addresses.thread)?
                }
            };
            write(bytes, offset, &short)?;
        }
        Ok(())
    }
}

/// Where a symbol of the output is.
pub(crate) fn address_of(inputs: &Inputs<'_>, symbol: SymbolId) -> u64 {
    match inputs.symbols[symbol].place {
        Place::In { section, offset } => inputs.sections[section].address.wrapping_add(offset),
        Place::Absolute(value) => value,
        _ => 0,
    }
}

/// How far it is, in four bytes.
fn four(to: u64, from: u64) -> Result<[u8; 4]> {
    match i32::try_from(to.wrapping_sub(from) as i64) {
        Ok(distance) => Ok(distance.to_le_bytes()),
        Err(_) => not_ours("a distance that is too large"),
    }
}

fn write(bytes: &mut [u8], offset: u64, value: &[u8]) -> Result<()> {
    let place = usize::try_from(offset).ok().and_then(|start| bytes.get_mut(start..start.checked_add(value.len())?));
    match place {
        Some(place) => {
            place.copy_from_slice(value);
            Ok(())
        }
        None => not_ours("a relocation outside of its section"),
    }
}
