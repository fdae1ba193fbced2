//! The source of the session library, as it was when the program was compiled, and how it comes into a folder.
//!
//! A program that carries it is one file: `cargo install`, a wheel and an archive need nothing beside it. It knows neither
//! where caches are nor how it is compiled.

mod fnv;

use std::{fs, io, path::Path};

use flate2::read::GzDecoder;

pub use self::fnv::Fnv;

const ARCHIVE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/source.tar.gz"));

/// The hash of all of its text.
pub const HASH: u64 = match u64::from_str_radix(env!("KISSATEN_SOURCE_HASH"), 16) {
    Ok(hash) => hash,
    Err(_) => panic!("the build script writes a number"),
};

/// Unpacks the source into `place`, a folder of its own, where it is not there already: a cargo workspace.
///
/// Two processes may do so at once: it is unpacked beside its place and renamed, so nobody sees half of it.
///
/// # Errors
/// When the folder above cannot be written.
pub fn unpack(place: &Path) -> io::Result<()> {
    if is_whole(place) {
        return Ok(());
    }
    let above = place.parent().ok_or(io::ErrorKind::InvalidInput)?;
    let unpacked = tempfile::Builder::new().prefix("source-").tempdir_in(above)?;
    let mut archive = tar::Archive::new(GzDecoder::new(ARCHIVE));
    // cargo goes by times: what is unpacked now is newer than all that was compiled before.
    archive.set_preserve_mtime(false);
    archive.unpack(unpacked.path())?;
    if fs::rename(unpacked.path(), place).is_err() && !is_whole(place) {
        // What is there was damaged.
        fs::remove_dir_all(place)?;
        fs::rename(unpacked.path(), place)?;
    }
    Ok(())
}

/// Whether all files are there with the length that they should have.
fn is_whole(place: &Path) -> bool {
    let mut archive = tar::Archive::new(GzDecoder::new(ARCHIVE));
    let Ok(mut entries) = archive.entries() else { return false };
    entries.all(|entry| {
        let Ok(entry) = entry else { return false };
        let (Ok(path), size) = (entry.path(), entry.size()) else { return false };
        fs::metadata(place.join(path)).is_ok_and(|found| found.len() == size)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_unpacked_once_and_again_where_it_was_damaged() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("source");
        unpack(&place).unwrap();
        assert!(place.join("Cargo.lock").is_file() && place.join("kernel/server/src/main.rs").is_file());
        let file = place.join("kernel/kissaten/src/lib.rs");
        let text = fs::read(&file).unwrap();
        assert!(!text.is_empty());
        fs::write(&file, "").unwrap();
        unpack(&place).unwrap();
        assert_eq!(fs::read(&file).unwrap(), text);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left there");
    }
}
