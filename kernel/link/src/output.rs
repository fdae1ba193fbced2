//! The output, byte by byte: headers, tables, and what the objects bring, relocated.

use object::LittleEndian as LE;
use object::elf;

use crate::dynamic::{Names, add_string};
use crate::elsewhere::Result;
use crate::input::{Inputs, Kind, Place, Symbol};
use crate::layout::{Access, Layout, PAGE, Part, Sort};
use crate::relocation::{Addresses, At, Needs, STUB, Value, WORD, Word, address_of};
use crate::unwind::Frames;

/// Lengths of headers, and of the entries of tables.
const HEADER: u64 = 64;
const SEGMENT: u64 = 56;
const SECTION: u64 = 64;
const SYMBOL: u64 = 24;
const RELOCATION: u64 = 24;
const ENTRY: u64 = 16;

/// Everything of which the output is made.
pub(crate) struct Output<'a, 'd> {
    pub(crate) inputs: &'a mut Inputs<'d>,
    pub(crate) frames: &'a Frames<'d>,
    pub(crate) needs: &'a Needs,
    pub(crate) names: &'a Names,
}

/// What the output has for debuggers and traces: all symbols.
struct AllSymbols {
    table: Vec<u8>,
    strings: Vec<u8>,
    /// The number of the first that is not local.
    first_global: u32,
}

/// A segment: what the loader sees.
struct Segment {
    sort: u32,
    flags: u32,
    offset: u64,
    address: u64,
    in_file: u64,
    in_memory: u64,
    align: u64,
}

impl Output<'_, '_> {
    /// All bytes of the output.
    pub(crate) fn bytes(&mut self) -> Result<Vec<u8>> {
        let entries = self.dynamic_entries(&Layout { parts: Vec::new(), relocated_end: 0 }).len() as u64;
        let mut sizes = vec![
            (Sort::Symbols, SYMBOL * (self.names.symbols.len() as u64 + 1)),
            (Sort::Versions, self.names.versions.len() as u64),
            (Sort::WantedVersions, self.names.wanted.len() as u64),
            (Sort::Hash, self.names.hash.len() as u64),
            (Sort::Strings, self.names.strings.len() as u64),
            (Sort::Relocations, RELOCATION * self.needs.dynamic.len() as u64),
            (Sort::FrameTable, self.frames.table_size()),
            (Sort::Frames, self.frames.size),
            (Sort::Stubs, STUB * self.needs.stubs.len() as u64),
            (Sort::Dynamic, ENTRY * entries),
            (Sort::Words, WORD * self.needs.words.len() as u64),
            // How long they are is known when the numbers of all parts are.
            (Sort::AllSymbols, 1),
            (Sort::SectionNames, 1),
            (Sort::AllStrings, 1),
        ];
        let mut layout = Layout::new(self.inputs, &sizes)?;
        let count = self.segments(&layout).len() as u64;
        let start = HEADER + SEGMENT * count;
        layout.place(self.inputs, start);
        let symbols = self.all_symbols(&layout);
        let mut section_names = vec![0];
        let name_offsets: Vec<_> =
            layout.parts.iter().map(|part| add_string(&mut section_names, part.sort.form().name.as_bytes())).collect();
        for (sort, size) in &mut sizes {
            match sort {
                Sort::AllSymbols => *size = symbols.table.len() as u64,
                Sort::AllStrings => *size = symbols.strings.len() as u64,
                Sort::SectionNames => *size = section_names.len() as u64,
                _ => {}
            }
        }
        layout = Layout::new(self.inputs, &sizes)?;
        layout.place(self.inputs, start);
        let end = layout.parts.iter().map(|part| part.offset + part.in_file()).max().unwrap_or(start);
        let table = end.next_multiple_of(8);

        let mut bytes = vec![0; (table + SECTION * (layout.parts.len() as u64 + 1)) as usize];
        put(&mut bytes, 0, &header(&layout, count, table));
        for (index, segment) in self.segments(&layout).iter().enumerate() {
            put(&mut bytes, HEADER + SEGMENT * index as u64, &segment.bytes());
        }
        let addresses = Addresses {
            words: layout.address(Sort::Words),
            stubs: layout.address(Sort::Stubs),
            thread: thread_parts(&layout).map(|part| part.address).min().unwrap_or(0),
        };
        for part in layout.parts.iter().filter(|part| part.is_in_file()) {
            let content = match part.sort {
                Sort::AllSymbols => symbols.table.clone(),
                Sort::AllStrings => symbols.strings.clone(),
                Sort::SectionNames => section_names.clone(),
                _ => self.content(&layout, &addresses, part)?,
            };
            put(&mut bytes, part.offset, &content);
        }
        for (index, (part, name)) in layout.parts.iter().zip(name_offsets).enumerate() {
            let header = self.section_header(&layout, part, name, symbols.first_global);
            put(&mut bytes, table + SECTION * (index as u64 + 1), &header);
        }
        Ok(bytes)
    }

    /// What stands in a part.
    fn content(&self, layout: &Layout, addresses: &Addresses, part: &Part) -> Result<Vec<u8>> {
        Ok(match part.sort {
            Sort::Symbols => self.dynamic_symbols(layout, addresses),
            Sort::Versions => self.names.versions.clone(),
            Sort::WantedVersions => self.names.wanted.clone(),
            Sort::Hash => self.names.hash.clone(),
            Sort::Strings => self.names.strings.clone(),
            Sort::Relocations => self.dynamic_relocations(addresses),
            Sort::FrameTable => self.frames.table(self.inputs, part.address, layout.address(Sort::Frames))?,
            Sort::Frames => self.frame_bytes(addresses, part)?,
            Sort::Stubs => self.needs.stub_bytes(addresses)?,
            Sort::Dynamic => {
                let entries = self.dynamic_entries(layout).into_iter();
                entries.flat_map(|(tag, value)| [u64::from(tag), value]).flat_map(u64::to_le_bytes).collect()
            }
            Sort::Words => self.word_bytes(addresses),
            _ => self.section_bytes(addresses, part)?,
        })
    }

    fn section_bytes(&self, addresses: &Addresses, part: &Part) -> Result<Vec<u8>> {
        // What lies between functions is a trap.
        let filler = if part.sort == Sort::Text { 0xcc } else { 0 };
        let mut bytes = vec![filler; part.size as usize];
        for &id in &part.sections {
            let section = &self.inputs.sections[id];
            let start = (section.address - part.address) as usize;
            let own = &mut bytes[start..start + section.data.len()];
            own.copy_from_slice(section.data);
            let place = (0, section.address);
            self.needs.relocate(self.inputs, addresses, id, place, section.relocations, own)?;
        }
        Ok(bytes)
    }

    fn frame_bytes(&self, addresses: &Addresses, part: &Part) -> Result<Vec<u8>> {
        let mut bytes = self.frames.bytes();
        for record in self.frames.records() {
            let start = record.offset as usize;
            let own = &mut bytes[start..start + record.data.len()];
            let place = (record.start, part.address + record.offset);
            self.needs.relocate(self.inputs, addresses, record.section, place, record.relocations, own)?;
        }
        Ok(bytes)
    }

    fn word_bytes(&self, addresses: &Addresses) -> Vec<u8> {
        let content = |word: &Word| match *word {
            Word::Zero => 0,
            Word::Constant(value) => value,
            Word::ThreadOffset(symbol) => address_of(self.inputs, symbol).wrapping_sub(addresses.thread),
        };
        self.needs.words.iter().map(content).flat_map(u64::to_le_bytes).collect()
    }

    fn dynamic_relocations(&self, addresses: &Addresses) -> Vec<u8> {
        let mut bytes = Vec::new();
        for dynamic in &self.needs.dynamic {
            let place = match dynamic.place {
                At::Section(section, offset) => self.inputs.sections[section].address + offset,
                At::Word(word) => addresses.words + WORD * word as u64,
            };
            let value = match dynamic.value {
                Value::Number(number) => number as u64,
                Value::Address(symbol, addend) => address_of(self.inputs, symbol).wrapping_add_signed(addend),
            };
            let info = u64::from(self.names.number(dynamic.symbol)) << 32 | u64::from(dynamic.sort);
            bytes.extend([place, info, value].into_iter().flat_map(u64::to_le_bytes));
        }
        bytes
    }

    fn dynamic_symbols(&self, layout: &Layout, addresses: &Addresses) -> Vec<u8> {
        let mut bytes = vec![0; SYMBOL as usize];
        for (&id, &name) in self.names.symbols.iter().zip(&self.names.offsets) {
            bytes.extend(self.symbol(layout, addresses, &self.inputs.symbols[id], name, address_of(self.inputs, id)));
        }
        bytes
    }

    /// A symbol as tables have it.
    fn symbol(&self, layout: &Layout, addresses: &Addresses, symbol: &Symbol<'_>, name: u32, address: u64) -> Vec<u8> {
        let (number, value, size) = match symbol.place {
            Place::In { section, .. } => {
                let kind = self.inputs.sections[section].kind;
                let base = if matches!(kind, Kind::ThreadData | Kind::ThreadZero) { addresses.thread } else { 0 };
                let number = Sort::of(kind).map_or(elf::SHN_UNDEF, |sort| layout.number(sort));
                (number, address.wrapping_sub(base), symbol.size)
            }
            Place::Absolute(value) => (elf::SHN_ABS, value, symbol.size),
            Place::File => (elf::SHN_ABS, 0, 0),
            Place::Undefined | Place::Shared { .. } => (elf::SHN_UNDEF, 0, 0),
        };
        let is_outer = symbol.is_exported || !symbol.is_defined() && symbol.place != Place::File;
        let binding = match is_outer {
            true if symbol.is_weak => elf::STB_WEAK,
            true => elf::STB_GLOBAL,
            false => elf::STB_LOCAL,
        };
        let visibility = if symbol.is_hidden { elf::STV_HIDDEN } else { elf::STV_DEFAULT };
        let mut bytes = name.to_le_bytes().to_vec();
        bytes.extend([binding << 4 | symbol.sort, visibility]);
        bytes.extend(number.to_le_bytes());
        bytes.extend([value, size].into_iter().flat_map(u64::to_le_bytes));
        bytes
    }

    fn all_symbols(&self, layout: &Layout) -> AllSymbols {
        let (mut strings, mut table) = (vec![0], vec![0; SYMBOL as usize]);
        let addresses = Addresses {
            thread: thread_parts(layout).map(|part| part.address).min().unwrap_or(0),
            ..Addresses::default()
        };
        let mut seen = vec![false; self.inputs.symbols.len()];
        let is_shown = |symbol: &Symbol<'_>| match symbol.place {
            Place::In { section, .. } => {
                self.inputs.sections[section].is_live
                    && symbol.sort != elf::STT_SECTION
                    && !(symbol.is_local && symbol.name.starts_with(b".L"))
            }
            Place::File | Place::Absolute(_) => true,
            Place::Undefined | Place::Shared { .. } => false,
        };
        let mut push = |id: usize| {
            let symbol = &self.inputs.symbols[id];
            let name = add_string(&mut strings, symbol.name);
            table.extend(self.symbol(layout, &addresses, symbol, name, address_of(self.inputs, id)));
        };
        let mut count = 1;
        for &id in self.inputs.objects.iter().flatten() {
            let symbol = &self.inputs.symbols[id];
            if is_shown(symbol) && !symbol.is_exported && !std::mem::replace(&mut seen[id], true) {
                push(id);
                count += 1;
            }
        }
        self.names.symbols.iter().for_each(|&id| push(id));
        AllSymbols { table, strings, first_global: count }
    }

    /// What the loader is told first.
    fn dynamic_entries(&self, layout: &Layout) -> Vec<(u32, u64)> {
        let mut entries = Vec::new();
        entries.extend(self.names.run_path.map(|name| (elf::DT_RUNPATH, u64::from(name))));
        entries.extend(self.names.needed.iter().map(|&name| (elf::DT_NEEDED, u64::from(name))));
        entries.extend(self.names.soname.map(|name| (elf::DT_SONAME, u64::from(name))));
        entries.push((elf::DT_FLAGS, u64::from(elf::DF_BIND_NOW)));
        entries.push((elf::DT_FLAGS_1, u64::from(elf::DF_1_NOW)));
        if !self.needs.dynamic.is_empty() {
            entries.push((elf::DT_RELA, layout.address(Sort::Relocations)));
            entries.push((elf::DT_RELASZ, RELOCATION * self.needs.dynamic.len() as u64));
            entries.push((elf::DT_RELAENT, RELOCATION));
            let unnamed = self.needs.dynamic.iter().filter(|dynamic| dynamic.sort == elf::R_X86_64_RELATIVE).count();
            entries.push((elf::DT_RELACOUNT, unnamed as u64));
        }
        entries.push((elf::DT_SYMTAB, layout.address(Sort::Symbols)));
        entries.push((elf::DT_SYMENT, SYMBOL));
        entries.push((elf::DT_STRTAB, layout.address(Sort::Strings)));
        entries.push((elf::DT_STRSZ, self.names.strings.len() as u64));
        entries.push((elf::DT_GNU_HASH, layout.address(Sort::Hash)));
        for (kind, sort, start, size) in [
            (Kind::Constructors, Sort::Constructors, elf::DT_INIT_ARRAY, elf::DT_INIT_ARRAYSZ),
            (Kind::Destructors, Sort::Destructors, elf::DT_FINI_ARRAY, elf::DT_FINI_ARRAYSZ),
        ] {
            if self.inputs.sections.iter().any(|section| section.is_live && section.kind == kind) {
                entries.push((start, layout.address(sort)));
                entries.push((size, layout.part(sort).map_or(0, |part| part.size)));
            }
        }
        if !self.names.versions.is_empty() {
            entries.push((elf::DT_VERSYM, layout.address(Sort::Versions)));
            entries.push((elf::DT_VERNEED, layout.address(Sort::WantedVersions)));
            entries.push((elf::DT_VERNEEDNUM, u64::from(self.names.wanted_of)));
        }
        entries.push((elf::DT_NULL, 0));
        entries
    }

    fn segments(&self, layout: &Layout) -> Vec<Segment> {
        let (read, write, run) = (elf::PF_R, elf::PF_W, elf::PF_X);
        let mut segments = Vec::new();
        let own = |sort, flags, part: &Part| Segment {
            sort,
            flags,
            offset: part.offset,
            address: part.address,
            in_file: part.in_file(),
            in_memory: part.size,
            align: part.align,
        };
        for (access, flags) in [
            (Access::Read, read),
            (Access::Run, read | run),
            (Access::Relocate, read | write),
            (Access::Write, read | write),
        ] {
            let mut segment =
                Segment { sort: elf::PT_LOAD, flags, offset: 0, address: 0, in_file: 0, in_memory: 0, align: PAGE };
            let mut parts = layout.with(access).filter(|part| part.sort != Sort::ThreadZero).peekable();
            let Some(first) = parts.peek() else { continue };
            // Not one that is empty. The first has the headers too.
            if layout.with(access).map(|part| part.size).sum::<u64>() == 0 {
                continue;
            }
            if access != Access::Read {
                (segment.offset, segment.address) = (first.offset, first.address);
            }
            for part in parts {
                segment.in_file = segment.in_file.max(part.offset + part.in_file() - segment.offset);
                segment.in_memory = part.address + part.size - segment.address;
            }
            if access == Access::Relocate {
                segment.in_memory = layout.relocated_end.saturating_sub(segment.address);
                segments.push(Segment { sort: elf::PT_GNU_RELRO, flags: read, align: 1, ..segment });
            }
            segments.push(segment);
        }
        // Those that are loaded are in the order of their addresses, and before what lies in them.
        segments.sort_by_key(|segment| segment.sort != elf::PT_LOAD);
        let mut of_threads = thread_parts(layout).peekable();
        if let Some(first) = of_threads.peek() {
            let mut segment = own(elf::PT_TLS, read, first);
            for part in of_threads {
                segment.in_file = segment.in_file.max(part.offset + part.in_file() - segment.offset);
                segment.in_memory = part.address + part.size - segment.address;
            }
            segments.push(segment);
        }
        segments.extend(layout.part(Sort::Dynamic).map(|part| own(elf::PT_DYNAMIC, read | write, part)));
        segments.extend(layout.part(Sort::FrameTable).map(|part| own(elf::PT_GNU_EH_FRAME, read, part)));
        let nothing = Segment { sort: 0, flags: 0, offset: 0, address: 0, in_file: 0, in_memory: 0, align: 0 };
        segments.push(Segment { sort: elf::PT_GNU_STACK, flags: read | write, ..nothing });
        segments
    }

    fn section_header(&self, layout: &Layout, part: &Part, name: u32, first_global: u32) -> Vec<u8> {
        let form = part.sort.form();
        let info = match part.sort {
            Sort::Symbols => 1,
            Sort::AllSymbols => first_global,
            Sort::WantedVersions => self.names.wanted_of,
            _ => 0,
        };
        let link = form.link.map_or(0, |sort| u32::from(layout.number(sort)));
        let mut bytes = Vec::new();
        bytes.extend([name, form.sort].into_iter().flat_map(u32::to_le_bytes));
        bytes.extend(
            [u64::from(form.flags()), part.address, part.offset, part.size].into_iter().flat_map(u64::to_le_bytes),
        );
        bytes.extend([link, info].into_iter().flat_map(u32::to_le_bytes));
        bytes.extend([part.align, form.entry].into_iter().flat_map(u64::to_le_bytes));
        bytes
    }
}

/// What each thread has of its own.
fn thread_parts(layout: &Layout) -> impl Iterator<Item = &Part> {
    layout.parts.iter().filter(|part| matches!(part.sort, Sort::ThreadData | Sort::ThreadZero))
}

impl Segment {
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend([self.sort, self.flags].into_iter().flat_map(u32::to_le_bytes));
        let fields = [self.offset, self.address, self.address, self.in_file, self.in_memory, self.align];
        bytes.extend(fields.into_iter().flat_map(u64::to_le_bytes));
        bytes
    }
}

fn header(layout: &Layout, segments: u64, sections: u64) -> Vec<u8> {
    let header = elf::FileHeader64::<LE> {
        e_ident: elf::Ident {
            magic: elf::ELFMAG,
            class: elf::ELFCLASS64,
            data: elf::ELFDATA2LSB,
            version: elf::EV_CURRENT,
            os_abi: elf::ELFOSABI_NONE,
            abi_version: 0,
            padding: [0; 7],
        },
        e_type: object::U16::new(LE, elf::ET_DYN),
        e_machine: object::U16::new(LE, elf::EM_X86_64),
        e_version: object::U32::new(LE, elf::EV_CURRENT.into()),
        e_entry: object::U64::new(LE, 0),
        e_phoff: object::U64::new(LE, HEADER),
        e_shoff: object::U64::new(LE, sections),
        e_flags: object::U32::new(LE, 0),
        e_ehsize: object::U16::new(LE, HEADER as u16),
        e_phentsize: object::U16::new(LE, SEGMENT as u16),
        e_phnum: object::U16::new(LE, segments as u16),
        e_shentsize: object::U16::new(LE, SECTION as u16),
        e_shnum: object::U16::new(LE, layout.parts.len() as u16 + 1),
        e_shstrndx: object::U16::new(LE, layout.number(Sort::SectionNames)),
    };
    object::pod::bytes_of(&header).to_vec()
}

fn put(bytes: &mut [u8], offset: u64, content: &[u8]) {
    bytes[offset as usize..offset as usize + content.len()].copy_from_slice(content);
}
