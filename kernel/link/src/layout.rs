//! The parts of the output: which there are, and where each lies in the file and in memory. What stands in them it does not
//! know.

use object::elf;

use crate::elsewhere::{Result, not_ours};
use crate::input::{Inputs, Kind, SectionId};

/// A part of the output: a section of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Sort {
    Symbols,
    Versions,
    WantedVersions,
    Hash,
    Strings,
    Relocations,
    ExceptionTable,
    ReadOnly,
    FrameTable,
    Frames,
    Text,
    Stubs,
    ThreadData,
    ThreadZero,
    Constructors,
    Destructors,
    Relocated,
    Dynamic,
    Words,
    Data,
    Zero,
    Metadata,
    AllSymbols,
    SectionNames,
    AllStrings,
}

/// What the loader does with a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    Run,
    /// Written by the loader alone.
    Relocate,
    Write,
    /// It does not see it.
    None,
}

/// What is always the same of a part.
pub(crate) struct Form {
    pub(crate) name: &'static str,
    pub(crate) sort: u32,
    pub(crate) access: Access,
    /// Flags besides those that the access says.
    flags: u32,
    pub(crate) entry: u64,
    align: u64,
    pub(crate) link: Option<Sort>,
}

impl Sort {
    const ALL: [Self; 25] = [
        Self::Symbols,
        Self::Versions,
        Self::WantedVersions,
        Self::Hash,
        Self::Strings,
        Self::Relocations,
        Self::ExceptionTable,
        Self::ReadOnly,
        Self::FrameTable,
        Self::Frames,
        Self::Text,
        Self::Stubs,
        Self::ThreadData,
        Self::ThreadZero,
        Self::Constructors,
        Self::Destructors,
        Self::Relocated,
        Self::Dynamic,
        Self::Words,
        Self::Data,
        Self::Zero,
        Self::Metadata,
        Self::AllSymbols,
        Self::SectionNames,
        Self::AllStrings,
    ];

    /// What objects bring for it.
    pub(crate) fn of(kind: Kind) -> Option<Self> {
        Some(match kind {
            Kind::ExceptionTable => Self::ExceptionTable,
            Kind::ReadOnly => Self::ReadOnly,
            Kind::Text => Self::Text,
            Kind::ThreadData => Self::ThreadData,
            Kind::ThreadZero => Self::ThreadZero,
            Kind::Constructors => Self::Constructors,
            Kind::Destructors => Self::Destructors,
            Kind::Relocated => Self::Relocated,
            Kind::Data => Self::Data,
            Kind::Zero => Self::Zero,
            Kind::Metadata => Self::Metadata,
            Kind::None | Kind::Frames => return None,
        })
    }

    pub(crate) fn form(self) -> Form {
        use Access::{None as Unseen, Read, Relocate, Run, Write};
        let form = |name, sort, access, entry, align, link| Form { name, sort, access, flags: 0, entry, align, link };
        let of_threads = |form: Form| Form { flags: elf::SHF_TLS, ..form };
        let (bits, zero) = (elf::SHT_PROGBITS, elf::SHT_NOBITS);
        match self {
            Self::Symbols => form(".dynsym", elf::SHT_DYNSYM, Read, 24, 8, Some(Self::Strings)),
            Self::Versions => form(".gnu.version", elf::SHT_GNU_VERSYM, Read, 2, 2, Some(Self::Symbols)),
            Self::WantedVersions => form(".gnu.version_r", elf::SHT_GNU_VERNEED, Read, 0, 4, Some(Self::Strings)),
            Self::Hash => form(".gnu.hash", elf::SHT_GNU_HASH, Read, 0, 8, Some(Self::Symbols)),
            Self::Strings => form(".dynstr", elf::SHT_STRTAB, Read, 0, 1, None),
            Self::Relocations => form(".rela.dyn", elf::SHT_RELA, Read, 24, 8, Some(Self::Symbols)),
            Self::ExceptionTable => form(".gcc_except_table", bits, Read, 0, 1, None),
            Self::ReadOnly => form(".rodata", bits, Read, 0, 1, None),
            Self::FrameTable => form(".eh_frame_hdr", bits, Read, 0, 4, None),
            Self::Frames => form(".eh_frame", bits, Read, 0, 8, None),
            Self::Text => form(".text", bits, Run, 0, 1, None),
            Self::Stubs => form(".plt", bits, Run, 0, 16, None),
            Self::ThreadData => of_threads(form(".tdata", bits, Relocate, 0, 1, None)),
            Self::ThreadZero => of_threads(form(".tbss", zero, Relocate, 0, 1, None)),
            Self::Constructors => form(".init_array", elf::SHT_INIT_ARRAY, Relocate, 8, 8, None),
            Self::Destructors => form(".fini_array", elf::SHT_FINI_ARRAY, Relocate, 8, 8, None),
            Self::Relocated => form(".data.rel.ro", bits, Relocate, 0, 1, None),
            Self::Dynamic => form(".dynamic", elf::SHT_DYNAMIC, Relocate, 16, 8, Some(Self::Strings)),
            Self::Words => form(".got", bits, Relocate, 8, 8, None),
            Self::Data => form(".data", bits, Write, 0, 1, None),
            Self::Zero => form(".bss", zero, Write, 0, 1, None),
            Self::Metadata => form(".rustc", bits, Unseen, 0, 1, None),
            Self::AllSymbols => form(".symtab", elf::SHT_SYMTAB, Unseen, 24, 8, Some(Self::AllStrings)),
            Self::SectionNames => form(".shstrtab", elf::SHT_STRTAB, Unseen, 0, 1, None),
            Self::AllStrings => form(".strtab", elf::SHT_STRTAB, Unseen, 0, 1, None),
        }
    }
}

impl Form {
    pub(crate) fn flags(&self) -> u32 {
        self.flags
            | match self.access {
                Access::Read => elf::SHF_ALLOC,
                Access::Run => elf::SHF_ALLOC | elf::SHF_EXECINSTR,
                Access::Relocate | Access::Write => elf::SHF_ALLOC | elf::SHF_WRITE,
                Access::None => 0,
            }
    }
}

/// A part, and where it lies.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) sort: Sort,
    pub(crate) size: u64,
    pub(crate) align: u64,
    pub(crate) offset: u64,
    pub(crate) address: u64,
    /// What of the objects it is made of.
    pub(crate) sections: Vec<SectionId>,
}

impl Part {
    /// Whether the file has it.
    pub(crate) fn is_in_file(&self) -> bool {
        self.sort.form().sort != elf::SHT_NOBITS
    }

    pub(crate) fn in_file(&self) -> u64 {
        if self.is_in_file() { self.size } else { 0 }
    }
}

/// Where everything lies.
#[derive(Debug)]
pub(crate) struct Layout {
    pub(crate) parts: Vec<Part>,
    /// Where what the loader alone writes ends: at the end of a page.
    pub(crate) relocated_end: u64,
}

pub(crate) const PAGE: u64 = 0x1000;

impl Layout {
    /// The parts of objects that are used, and those others of which the sizes are given, if they are not empty.
    pub(crate) fn new(inputs: &Inputs<'_>, sizes: &[(Sort, u64)]) -> Result<Self> {
        let mut parts: Vec<Part> = Vec::new();
        for sort in Sort::ALL {
            let is_of =
                |&id: &SectionId| inputs.sections[id].is_live && Sort::of(inputs.sections[id].kind) == Some(sort);
            let mut part =
                Part { sort, size: 0, align: sort.form().align, offset: 0, address: 0, sections: Vec::new() };
            part.sections = (0..inputs.sections.len()).filter(is_of).collect();
            for section in part.sections.iter().map(|&id| &inputs.sections[id]) {
                if !section.align.is_power_of_two() || section.align > PAGE {
                    return not_ours("an alignment");
                }
                part.align = part.align.max(section.align);
                part.size = part.size.next_multiple_of(section.align) + section.size;
            }
            part.size += sizes.iter().find(|(known, _)| *known == sort).map_or(0, |(_, size)| *size);
            // Symbols may be in an empty one.
            if part.size > 0 || !part.sections.is_empty() {
                parts.push(part);
            }
        }
        // What each thread has is one piece, and aligned as such.
        let of_threads = |part: &&mut Part| matches!(part.sort, Sort::ThreadData | Sort::ThreadZero);
        let align = parts.iter_mut().filter(of_threads).map(|part| part.align).max();
        if let (Some(align), Some(first)) = (align, parts.iter_mut().find(|part| of_threads(part))) {
            first.align = align;
        }
        Ok(Self { parts, relocated_end: 0 })
    }

    /// Gives everything its place, from `start` on, and tells the sections.
    pub(crate) fn place(&mut self, inputs: &mut Inputs<'_>, start: u64) {
        let (mut offset, mut address) = (start, start);
        let mut access = Access::Read;
        for part in &mut self.parts {
            let form = part.sort.form();
            if form.access == Access::None {
                address = 0;
            } else if form.access != access {
                // The next segment: of the same page of the file, on a page of its own.
                address = address.next_multiple_of(PAGE) + offset % PAGE;
            }
            access = form.access;
            let before = offset;
            offset = offset.next_multiple_of(part.align);
            if access != Access::None {
                address += offset - before;
            }
            (part.offset, part.address) = (offset, address);
            let mut at = part.address;
            for &id in &part.sections {
                let section = &mut inputs.sections[id];
                at = at.next_multiple_of(section.align);
                section.address = at;
                at += section.size;
            }
            offset += part.in_file();
            // What each thread has of zeros lies in no segment but that of threads.
            if access != Access::None && part.sort != Sort::ThreadZero {
                address += part.size;
            }
        }
        let relocated = self.with(Access::Relocate).filter(|part| part.sort != Sort::ThreadZero);
        self.relocated_end = relocated.map(|part| part.address + part.size).max().unwrap_or(0).next_multiple_of(PAGE);
    }

    pub(crate) fn part(&self, sort: Sort) -> Option<&Part> {
        self.parts.iter().find(|part| part.sort == sort)
    }

    /// Where a part begins in memory; 0 for one that is not there.
    pub(crate) fn address(&self, sort: Sort) -> u64 {
        self.part(sort).map_or(0, |part| part.address)
    }

    /// The number of a part among the sections, of which the first is none.
    pub(crate) fn number(&self, sort: Sort) -> u16 {
        self.parts.iter().position(|part| part.sort == sort).map_or(0, |position| position as u16 + 1)
    }

    /// The parts that the loader treats alike.
    pub(crate) fn with(&self, access: Access) -> impl Iterator<Item = &Part> {
        self.parts.iter().filter(move |part| part.sort.form().access == access)
    }
}
