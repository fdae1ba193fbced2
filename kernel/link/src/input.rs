//! Objects: their sections, and the symbols of all of them together. How they come to lie in the output it does not know.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use object::LittleEndian as LE;
use object::elf;
use object::read::elf::{FileHeader as _, SectionHeader as _, Sym as _};

use crate::elsewhere::{Result, not_ours, shown};

pub(crate) type Header = elf::FileHeader64<LE>;
pub(crate) type Rela = elf::Rela64<LE>;

/// The place of a section among those of all objects.
pub(crate) type SectionId = usize;
/// The place of a symbol among those of all objects.
pub(crate) type SymbolId = usize;

/// What a section becomes a part of, in the order of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// Nothing.
    None,
    ExceptionTable,
    ReadOnly,
    /// What unwinds, which is taken apart (see `unwind`).
    Frames,
    Text,
    ThreadData,
    ThreadZero,
    Constructors,
    Destructors,
    Relocated,
    Data,
    Zero,
    /// What no program reads when it runs: rustc's own words on a library.
    Metadata,
}

/// A section of an object.
#[derive(Debug)]
pub(crate) struct Section<'d> {
    pub(crate) name: &'d [u8],
    pub(crate) kind: Kind,
    pub(crate) data: &'d [u8],
    pub(crate) size: u64,
    pub(crate) align: u64,
    pub(crate) relocations: &'d [Rela],
    pub(crate) object: usize,
    /// Whether it is kept whether it is used or not.
    pub(crate) is_root: bool,
    pub(crate) is_live: bool,
    /// Whether it was left out for another one of its group's name.
    pub(crate) is_discarded: bool,
    pub(crate) address: u64,
}

/// Where what a symbol names is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Place {
    Undefined,
    Absolute(u64),
    In {
        section: SectionId,
        offset: u64,
    },
    /// In a shared library, by its place on the command line; with the number of its version in `Inputs::versions`.
    Shared {
        library: usize,
        version: Option<usize>,
    },
    /// The name of a source file.
    File,
}

#[derive(Clone, Debug)]
pub(crate) struct Symbol<'d> {
    pub(crate) name: &'d [u8],
    pub(crate) place: Place,
    /// Of what is defined: whether another definition comes before it. Else: whether nobody needs it.
    pub(crate) is_weak: bool,
    pub(crate) is_hidden: bool,
    pub(crate) is_local: bool,
    /// Whether the world is told.
    pub(crate) is_exported: bool,
    /// Its type in ELF.
    pub(crate) sort: u8,
    pub(crate) size: u64,
}

impl Symbol<'_> {
    pub(crate) fn is_defined(&self) -> bool {
        matches!(self.place, Place::Absolute(_) | Place::In { .. })
    }

    /// Whether what it means is known only when the output is loaded.
    pub(crate) fn is_dynamic(&self) -> bool {
        match self.place {
            Place::Undefined => !self.is_hidden,
            Place::Shared { .. } => true,
            _ => self.is_exported,
        }
    }
}

/// What all objects have.
#[derive(Debug, Default)]
pub(crate) struct Inputs<'d> {
    pub(crate) sections: Vec<Section<'d>>,
    pub(crate) symbols: Vec<Symbol<'d>>,
    /// The symbols of each object, by their numbers there.
    pub(crate) objects: Vec<Vec<SymbolId>>,
    pub(crate) by_name: HashMap<&'d [u8], SymbolId>,
    groups: HashMap<&'d [u8], usize>,
}

impl<'d> Inputs<'d> {
    /// Takes in an object.
    pub(crate) fn add(&mut self, data: &'d [u8]) -> Result<()> {
        let header = Header::parse(data)?;
        if !header.is_little_endian() || !header.is_class_64() || header.e_type.get(LE) != elf::ET_REL {
            return not_ours("an object of another kind");
        }
        if header.e_machine.get(LE) != elf::EM_X86_64 {
            return not_ours("an object for another machine");
        }
        let table = header.sections(LE, data)?;
        let symbols = table.symbols(LE, data, elf::SHT_SYMTAB)?;
        let (object, base) = (self.objects.len(), self.sections.len());
        for (_, section) in table.enumerate() {
            let (name, kind, is_root) = classify(table.section_name(LE, section)?, section)?;
            self.sections.push(Section {
                name,
                kind,
                data: if kind == Kind::None { &[] } else { section.data(LE, data)? },
                size: section.sh_size.get(LE),
                align: section.sh_addralign.get(LE).max(1),
                relocations: &[],
                object,
                is_root,
                is_live: false,
                is_discarded: false,
                address: 0,
            });
        }
        for (_, section) in table.enumerate() {
            if let Some((flags, members)) = section.group(LE, data)? {
                let symbol = symbols.symbol(object::SymbolIndex(section.sh_info.get(LE) as usize))?;
                let name = symbols.symbol_name(LE, symbol)?;
                if flags != elf::GRP_COMDAT || name.is_empty() || section.link(LE) != symbols.section() {
                    return not_ours("a group of another kind");
                }
                if let Entry::Vacant(entry) = self.groups.entry(name) {
                    entry.insert(object);
                    continue;
                }
                for member in members {
                    let Some(section) = self.sections.get_mut(base + member.get(LE) as usize) else {
                        return not_ours("a group of no sections");
                    };
                    section.is_discarded = true;
                }
            } else if let Some((relocations, link)) = section.rela(LE, data)? {
                let Some(target) = self.sections.get_mut(base + section.sh_info.get(LE) as usize) else {
                    return not_ours("relocations of no section");
                };
                if link != symbols.section() || !target.relocations.is_empty() {
                    return not_ours("relocations of another kind");
                }
                target.relocations = if target.kind == Kind::None { &[] } else { relocations };
            }
        }
        let mut own = Vec::with_capacity(symbols.len());
        for (index, symbol) in symbols.enumerate() {
            let (name, value) = (symbols.symbol_name(LE, symbol)?, symbol.st_value(LE));
            let mut place = match symbol.st_shndx(LE) {
                elf::SHN_UNDEF => Place::Undefined,
                elf::SHN_ABS if symbol.st_type() == elf::STT_FILE => Place::File,
                elf::SHN_ABS => Place::Absolute(value),
                elf::SHN_COMMON => return not_ours("a common symbol"),
                _ => match symbols.symbol_section(LE, symbol, index)? {
                    Some(section) if section.0 + base < self.sections.len() => {
                        Place::In { section: base + section.0, offset: value }
                    }
                    _ => return not_ours("a symbol of an unknown section"),
                },
            };
            let is_local = symbol.st_bind() == elf::STB_LOCAL;
            if let Place::In { section, .. } = place
                && self.sections[section].is_discarded
                && !is_local
            {
                place = Place::Undefined;
            }
            own.push(self.add_symbol(Symbol {
                name,
                place,
                is_weak: symbol.st_bind() == elf::STB_WEAK,
                is_hidden: match symbol.st_visibility() {
                    elf::STV_DEFAULT => false,
                    elf::STV_HIDDEN => true,
                    _ => return not_ours("a visibility"),
                },
                is_local,
                is_exported: false,
                sort: match symbol.st_type() {
                    sort @ elf::STT_NOTYPE..=elf::STT_FILE | sort @ elf::STT_TLS => sort,
                    _ => return not_ours("a type of symbols"),
                },
                size: symbol.st_size(LE),
            })?);
            if !matches!(symbol.st_bind(), elf::STB_LOCAL | elf::STB_GLOBAL | elf::STB_WEAK) {
                return not_ours("a binding of symbols");
            }
        }
        self.objects.push(own);
        Ok(())
    }

    fn add_symbol(&mut self, new: Symbol<'d>) -> Result<SymbolId> {
        let id = self.symbols.len();
        if new.is_local {
            self.symbols.push(new);
            return Ok(id);
        }
        if new.name.is_empty() || new.name.contains(&b'@') || is_made_by_linkers(new.name) {
            return not_ours(format!("the symbol {}", shown(new.name)));
        }
        let known = match self.by_name.entry(new.name) {
            Entry::Vacant(entry) => {
                entry.insert(id);
                self.symbols.push(new);
                return Ok(id);
            }
            Entry::Occupied(entry) => *entry.get(),
        };
        let old = &mut self.symbols[known];
        let is_hidden = old.is_hidden || new.is_hidden;
        match (old.is_defined(), new.is_defined()) {
            (true, true) if !old.is_weak && !new.is_weak => {
                return not_ours(format!("{} is defined twice", shown(new.name)));
            }
            (true, true) if new.is_weak => {}
            (_, true) => *old = new,
            (true, false) => {}
            (false, false) => {
                old.is_weak &= new.is_weak;
                if old.sort == elf::STT_NOTYPE {
                    old.sort = new.sort;
                }
            }
        }
        old.is_hidden = is_hidden;
        Ok(known)
    }

    /// What a relocation of a section is about.
    pub(crate) fn target(&self, section: &Section<'_>, relocation: &Rela) -> Result<SymbolId> {
        let symbols = self.objects.get(section.object);
        match symbols.and_then(|symbols| symbols.get(relocation.r_sym(LE, false) as usize)) {
            Some(&symbol) => Ok(symbol),
            None => not_ours("a relocation to no symbol"),
        }
    }
}

/// Names that linkers give a meaning, and those that they call when a library is loaded.
fn is_made_by_linkers(name: &[u8]) -> bool {
    const PREFIXES: [&[u8]; 9] = [
        b"__start_",
        b"__stop_",
        b"__rela_iplt_",
        b"__init_array_",
        b"__fini_array_",
        b"__preinit_array_",
        b"__wrap_",
        b"__real_",
        b"__llvm_",
    ];
    const NAMES: [&[u8]; 19] = [
        b"_init",
        b"_fini",
        b"_end",
        b"end",
        b"_etext",
        b"etext",
        b"_edata",
        b"edata",
        b"__bss_start",
        b"__ehdr_start",
        b"__executable_start",
        b"__dso_handle",
        b"_GLOBAL_OFFSET_TABLE_",
        b"_DYNAMIC",
        b"_TLS_MODULE_BASE_",
        b"_PROCEDURE_LINKAGE_TABLE_",
        b"__GNU_EH_FRAME_HDR",
        b"__rela_dyn",
        b"__gmon_start__",
    ];
    NAMES.contains(&name) || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// What a section becomes a part of, and whether it is kept in any case.
fn classify<'d>(name: &'d [u8], section: &elf::SectionHeader64<LE>) -> Result<(&'d [u8], Kind, bool)> {
    const NAMED: [(&[u8], Kind); 8] = [
        (b".text", Kind::Text),
        (b".rodata", Kind::ReadOnly),
        (b".gcc_except_table", Kind::ExceptionTable),
        (b".data.rel.ro", Kind::Relocated),
        (b".data", Kind::Data),
        (b".bss", Kind::Zero),
        (b".tdata", Kind::ThreadData),
        (b".tbss", Kind::ThreadZero),
    ];
    let unknown = || not_ours(format!("the section {}", shown(name)));
    let (sort, flags) = (section.sh_type.get(LE), section.sh_flags.get(LE));
    let known = elf::SHF_WRITE
        | elf::SHF_ALLOC
        | elf::SHF_EXECINSTR
        | elf::SHF_MERGE
        | elf::SHF_STRINGS
        | elf::SHF_INFO_LINK
        | elf::SHF_GROUP
        | elf::SHF_TLS
        | elf::SHF_GNU_RETAIN;
    let is_root = flags & u64::from(elf::SHF_GNU_RETAIN) != 0;
    let has = |flag: u32| flags & u64::from(flag) != 0;
    match sort {
        elf::SHT_NULL | elf::SHT_SYMTAB | elf::SHT_STRTAB | elf::SHT_RELA | elf::SHT_GROUP | elf::SHT_SYMTAB_SHNDX => {
            return Ok((name, Kind::None, false));
        }
        _ if flags & !u64::from(known) != 0 => return unknown(),
        elf::SHT_X86_64_UNWIND | elf::SHT_PROGBITS if name == b".eh_frame" => return Ok((name, Kind::Frames, true)),
        // It says what each object can do; as the others say nothing, there is nothing to be said together.
        elf::SHT_NOTE if name == b".note.gnu.property" => return Ok((name, Kind::None, false)),
        elf::SHT_INIT_ARRAY if name == b".init_array" => return Ok((name, Kind::Constructors, true)),
        elf::SHT_FINI_ARRAY if name == b".fini_array" => return Ok((name, Kind::Destructors, true)),
        elf::SHT_PROGBITS if !has(elf::SHF_ALLOC) => {
            return match name {
                b".rustc" => Ok((name, Kind::Metadata, true)),
                b".comment" | b".note.GNU-stack" => Ok((name, Kind::None, false)),
                _ => unknown(),
            };
        }
        elf::SHT_PROGBITS | elf::SHT_NOBITS => {}
        _ => return unknown(),
    }
    let is_of = |prefix: &[u8]| name.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest[0] == b'.');
    let Some((_, kind)) = NAMED.into_iter().find(|(prefix, _)| is_of(prefix)) else { return unknown() };
    let expected = match kind {
        Kind::Text => elf::SHF_EXECINSTR,
        Kind::ReadOnly | Kind::ExceptionTable => 0,
        Kind::ThreadData | Kind::ThreadZero => elf::SHF_WRITE | elf::SHF_TLS,
        _ => elf::SHF_WRITE,
    };
    let seen = [elf::SHF_WRITE, elf::SHF_EXECINSTR, elf::SHF_TLS].into_iter().filter(|&flag| has(flag));
    let is_zero = sort == elf::SHT_NOBITS;
    if seen.fold(0, |all, flag| all | flag) != expected || is_zero != matches!(kind, Kind::Zero | Kind::ThreadZero) {
        return unknown();
    }
    Ok((name, kind, is_root))
}
