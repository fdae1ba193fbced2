//! Shared libraries and archives: who of them has a name that the objects lack. What is inside an archive it does not know:
//! where something of one is needed, it is another linker's.

use std::collections::HashSet;
use std::ops::Deref;

use object::LittleEndian as LE;
use object::elf;
use object::read::archive::ArchiveFile;
use object::read::elf::{Dyn as _, FileHeader as _, GnuHashTable, Sym as _, SymbolTable, VersionTable};

use crate::elsewhere::{Result, not_ours, shown};
use crate::files::{File, Role};
use crate::input::{Header, Inputs, Place};

/// What may have a name that the objects lack, in the order of the command line.
pub(crate) struct Libraries<'d> {
    pub(crate) all: Vec<Library<'d>>,
    pub(crate) versions: Vec<Version<'d>>,
}

/// A version of names of a library.
#[derive(Debug, PartialEq)]
pub(crate) struct Version<'d> {
    pub(crate) library: usize,
    pub(crate) name: &'d [u8],
}

pub(crate) enum Library<'d> {
    Shared(Shared<'d>),
    Archive { bytes: &'d [u8], names: Option<HashSet<&'d [u8]>> },
}

pub(crate) struct Shared<'d> {
    pub(crate) soname: Vec<u8>,
    /// Whether the output says that it needs it.
    pub(crate) is_needed: bool,
    hash: GnuHashTable<'d, Header>,
    symbols: SymbolTable<'d, Header>,
    versions: Option<VersionTable<'d, Header>>,
}

/// A symbol of a shared library.
struct Found<'d> {
    sort: u8,
    version: Option<&'d [u8]>,
}

impl<'d> Libraries<'d> {
    pub(crate) fn read(files: &'d [File]) -> Result<Self> {
        let mut all = Vec::new();
        for file in files {
            match &file.role {
                Role::Object => {}
                Role::Archive => all.push(Library::Archive { bytes: &file.bytes, names: None }),
                Role::Shared { name, as_needed } => {
                    let shared = Shared::read(&file.bytes, name, !as_needed)?;
                    let is_same =
                        |other: &Library<'_>| matches!(other, Library::Shared(other) if other.soname == shared.soname);
                    match all.iter_mut().find(|other| is_same(other)) {
                        Some(Library::Shared(other)) => other.is_needed |= shared.is_needed,
                        _ => all.push(Library::Shared(shared)),
                    }
                }
            }
        }
        Ok(Self { all, versions: Vec::new() })
    }

    /// Finds what the objects lack. What nobody has is found when the output is loaded.
    pub(crate) fn resolve(&mut self, inputs: &mut Inputs<'d>) -> Result<()> {
        for symbol in inputs.symbols.iter_mut().filter(|symbol| !symbol.is_local && symbol.place == Place::Undefined) {
            if symbol.is_hidden {
                return not_ours(format!("{} is nowhere", shown(symbol.name)));
            }
            for (library, provider) in self.all.iter_mut().enumerate() {
                match provider {
                    Library::Archive { .. } if symbol.is_weak => {}
                    Library::Archive { bytes, names } => {
                        if names_of(bytes, names)?.contains(symbol.name) {
                            return not_ours(format!("{} is in an archive", shown(symbol.name)));
                        }
                    }
                    Library::Shared(shared) => {
                        let Some(found) = shared.find(symbol.name)? else { continue };
                        if (found.sort == elf::STT_TLS) != (symbol.sort == elf::STT_TLS)
                            && symbol.sort != elf::STT_NOTYPE
                        {
                            return not_ours(format!("{} is of a thread or not", shown(symbol.name)));
                        }
                        // One that chooses a function is called as a function is.
                        symbol.sort = if found.sort == elf::STT_GNU_IFUNC { elf::STT_FUNC } else { found.sort };
                        let version = found.version.map(|name| {
                            let version = Version { library, name };
                            self.versions.iter().position(|known| *known == version).unwrap_or_else(|| {
                                self.versions.push(version);
                                self.versions.len() - 1
                            })
                        });
                        symbol.place = Place::Shared { library, version };
                        break;
                    }
                }
            }
        }
        Ok(())
    }

    pub(crate) fn shared(&self, library: usize) -> Option<&Shared<'d>> {
        self.all
            .get(library)
            .and_then(|library| if let Library::Shared(shared) = library { Some(shared) } else { None })
    }

    pub(crate) fn need(&mut self, library: usize) {
        if let Some(Library::Shared(shared)) = self.all.get_mut(library) {
            shared.is_needed = true;
        }
    }
}

/// The names that an archive defines, read when they are first asked for.
fn names_of<'a, 'd>(bytes: &'d [u8], names: &'a mut Option<HashSet<&'d [u8]>>) -> Result<&'a HashSet<&'d [u8]>> {
    if names.is_none() {
        let archive = ArchiveFile::parse(bytes)?;
        let mut all = HashSet::new();
        let Some(symbols) = archive.symbols()? else {
            // There are libraries that are empty since all of theirs is in another.
            return match archive.members().next() {
                None => Ok(names.insert(all)),
                Some(_) => not_ours("an archive without a list"),
            };
        };
        for symbol in symbols {
            all.insert(symbol?.name());
        }
        *names = Some(all);
    }
    Ok(names.get_or_insert_default())
}

impl<'d> Shared<'d> {
    fn read(bytes: &'d [u8], name: &str, is_needed: bool) -> Result<Self> {
        let header = Header::parse(bytes)?;
        if header.e_machine.get(LE) != elf::EM_X86_64 || header.e_type.get(LE) != elf::ET_DYN {
            return not_ours(format!("{name} is of another kind"));
        }
        let table = header.sections(LE, bytes)?;
        let (Some((hash, _)), Some((dynamic, link))) = (table.gnu_hash(LE, bytes)?, table.dynamic(LE, bytes)?) else {
            return not_ours(format!("{name} has no names"));
        };
        let strings = table.strings(LE, bytes, link)?;
        let soname = dynamic.iter().find(|entry| entry.tag32(LE) == Some(elf::DT_SONAME));
        let soname = match soname {
            Some(entry) => entry.string(LE, strings)?,
            None => name.as_bytes(),
        };
        Ok(Self {
            soname: soname.to_vec(),
            is_needed,
            hash,
            symbols: table.symbols(LE, bytes, elf::SHT_DYNSYM)?,
            versions: table.versions(LE, bytes)?,
        })
    }

    fn find(&self, name: &[u8]) -> Result<Option<Found<'d>>> {
        let none = VersionTable::default();
        let versions = self.versions.as_ref().unwrap_or(&none);
        let found = self.hash.find(LE, name, elf::gnu_hash(name), None, &self.symbols, versions);
        let Some((index, symbol)) = found else { return Ok(None) };
        if symbol.is_undefined(LE) || symbol.st_visibility() == elf::STV_HIDDEN {
            return Ok(None);
        }
        let version = versions.version_index(LE, index);
        if version.is_hidden() || version.is_local() {
            return not_ours(format!("{} has an old version only", shown(name)));
        }
        let version = versions.version(version)?.map(|version| version.name());
        Ok(Some(Found { sort: symbol.st_type(), version }))
    }
}

impl<'d> Deref for Libraries<'d> {
    type Target = [Library<'d>];

    fn deref(&self) -> &[Library<'d>] {
        &self.all
    }
}
