//! What the loader reads by name: the symbols that the output has and wants, with their hash table, their versions, and the
//! names of libraries. Of addresses it knows nothing.

use std::collections::HashMap;

use object::elf;

use crate::arguments::Plan;
use crate::input::{Inputs, Place, SymbolId};
use crate::library::{Libraries, Library};
use crate::relocation::Needs;

/// The tables, but for the addresses in them.
#[derive(Debug, Default)]
pub(crate) struct Names {
    /// The symbols in their order; the first has the number 1.
    pub(crate) symbols: Vec<SymbolId>,
    numbers: HashMap<SymbolId, u32>,
    /// Where the name of each is.
    pub(crate) offsets: Vec<u32>,
    pub(crate) strings: Vec<u8>,
    pub(crate) hash: Vec<u8>,
    /// The version of each symbol; empty, where none has one.
    pub(crate) versions: Vec<u8>,
    /// The versions that are wanted.
    pub(crate) wanted: Vec<u8>,
    /// From how many libraries they are.
    pub(crate) wanted_of: u32,
    /// Where the names of the needed libraries are.
    pub(crate) needed: Vec<u32>,
    pub(crate) soname: Option<u32>,
    pub(crate) run_path: Option<u32>,
}

/// The version of what has none.
const GLOBAL: u16 = elf::VER_NDX_GLOBAL;
/// By how much a hash is shifted for its second bit in the filter.
const SHIFT: u32 = 26;

impl Names {
    pub(crate) fn of(inputs: &Inputs<'_>, libraries: &Libraries<'_>, needs: &Needs, plan: &Plan) -> Self {
        let mut names = Self { strings: vec![0], ..Self::default() };
        for symbol in needs.dynamic.iter().filter_map(|dynamic| dynamic.symbol) {
            if !inputs.symbols[symbol].is_defined() {
                names.add(symbol);
            }
        }
        let wanted = names.symbols.len();
        let mut exported: Vec<_> =
            (0..inputs.symbols.len()).filter(|&symbol| inputs.symbols[symbol].is_exported).collect();
        let buckets = (exported.len() / 4).max(1) as u32;
        let hash_of = |symbol: SymbolId| elf::gnu_hash(inputs.symbols[symbol].name);
        exported.sort_by_key(|&symbol| hash_of(symbol) % buckets);
        for &symbol in &exported {
            names.add(symbol);
        }
        let hashes: Vec<_> = exported.into_iter().map(hash_of).collect();
        names.hash = hash_table(&hashes, buckets, wanted as u32 + 1);
        for symbol in names.symbols.clone() {
            let offset = names.string(inputs.symbols[symbol].name);
            names.offsets.push(offset);
        }
        let needed: Vec<_> = libraries
            .iter()
            .filter_map(|library| if let Library::Shared(shared) = library { Some(shared) } else { None })
            .filter(|shared| shared.is_needed)
            .map(|shared| shared.soname.clone())
            .collect();
        names.needed = needed.iter().map(|soname| names.string(soname)).collect();
        names.soname = plan.soname.as_ref().map(|name| names.string(name.as_bytes()));
        names.run_path = plan.run_path.as_ref().map(|path| names.string(path.as_bytes()));
        names.add_versions(inputs, libraries);
        names
    }

    fn add(&mut self, symbol: SymbolId) {
        let next = self.symbols.len() as u32 + 1;
        self.numbers.entry(symbol).or_insert_with(|| {
            self.symbols.push(symbol);
            next
        });
    }

    fn string(&mut self, text: &[u8]) -> u32 {
        add_string(&mut self.strings, text)
    }

    /// The number of a symbol; 0 is that of none.
    pub(crate) fn number(&self, symbol: Option<SymbolId>) -> u32 {
        symbol.and_then(|symbol| self.numbers.get(&symbol)).copied().unwrap_or(0)
    }

    fn add_versions(&mut self, inputs: &Inputs<'_>, libraries: &Libraries<'_>) {
        // By libraries, the versions that are wanted of each.
        let mut wanted: Vec<(usize, Vec<usize>)> = Vec::new();
        let mut of_symbols = vec![elf::VER_NDX_LOCAL];
        let mut numbers: HashMap<usize, u16> = HashMap::new();
        for &symbol in &self.symbols {
            let version = match inputs.symbols[symbol].place {
                Place::Shared { library, version: Some(version) }
                    if libraries.shared(library).is_some_and(|shared| shared.is_needed) =>
                {
                    let next = GLOBAL + 1 + numbers.len() as u16;
                    *numbers.entry(version).or_insert_with(|| {
                        match wanted.iter_mut().find(|(known, _)| *known == library) {
                            Some((_, versions)) => versions.push(version),
                            None => wanted.push((library, vec![version])),
                        }
                        next
                    })
                }
                _ => GLOBAL,
            };
            of_symbols.push(version);
        }
        if wanted.is_empty() {
            return;
        }
        self.versions = of_symbols.iter().flat_map(|version| version.to_le_bytes()).collect();
        self.wanted_of = wanted.len() as u32;
        for (position, (library, versions)) in wanted.iter().enumerate() {
            let soname = libraries.shared(*library).map(|shared| shared.soname.clone()).unwrap_or_default();
            // It is the needed library's name, which is there once more: it is short.
            let file = self.string(&soname);
            let next = if position + 1 == wanted.len() { 0 } else { 16 + 16 * versions.len() as u32 };
            self.wanted.extend(elf::VER_NEED_CURRENT.to_le_bytes());
            self.wanted.extend((versions.len() as u16).to_le_bytes());
            for field in [file, 16, next] {
                self.wanted.extend(field.to_le_bytes());
            }
            for (position, version) in versions.iter().enumerate() {
                let name = libraries.versions[*version].name;
                let offset = self.string(name);
                self.wanted.extend(elf::hash(name).to_le_bytes());
                self.wanted.extend(0u16.to_le_bytes());
                self.wanted.extend(numbers[version].to_le_bytes());
                self.wanted.extend(offset.to_le_bytes());
                let next: u32 = if position + 1 == versions.len() { 0 } else { 16 };
                self.wanted.extend(next.to_le_bytes());
            }
        }
    }
}

/// Adds a text with its end, and says where it is.
pub(crate) fn add_string(strings: &mut Vec<u8>, text: &[u8]) -> u32 {
    let offset = strings.len() as u32;
    strings.extend(text);
    strings.push(0);
    offset
}

/// The table by which the loader finds a name. `hashes`: of the symbols from `first` on, in the order of their buckets.
fn hash_table(hashes: &[u32], buckets: u32, first: u32) -> Vec<u8> {
    let words = (hashes.len() * 12).div_ceil(64).next_power_of_two();
    let mut filter = vec![0u64; words];
    let mut firsts = vec![0u32; buckets as usize];
    let mut chains = Vec::with_capacity(hashes.len());
    for (index, &hash) in hashes.iter().enumerate() {
        filter[(hash / 64) as usize % words] |= 1 << (hash % 64) | 1 << ((hash >> SHIFT) % 64);
        let bucket = hash % buckets;
        let first_of_bucket = &mut firsts[bucket as usize];
        if *first_of_bucket == 0 {
            *first_of_bucket = first + index as u32;
        }
        let is_last = hashes.get(index + 1).is_none_or(|next| next % buckets != bucket);
        chains.push(hash & !1 | u32::from(is_last));
    }
    let mut table = Vec::new();
    for word in [buckets, first, words as u32, SHIFT] {
        table.extend(word.to_le_bytes());
    }
    table.extend(filter.into_iter().flat_map(u64::to_le_bytes));
    table.extend(firsts.into_iter().chain(chains).flat_map(u32::to_le_bytes));
    table
}
