//! The size of the cache: when it grows beyond its limit, what was used longest ago goes first, and nothing that a kernel
//! uses now.
//!
//! First go session libraries of other compilers and sources, with all that was built for them; then what lies beside the
//! present one: sets, with those files of cargo's that no other set takes, and answers of rustc that are remembered.

use std::collections::BTreeSet;
use std::env;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::cache::{MANIFEST, USED};
use super::set::Set;
use crate::answers::{ANSWERS, answers_by_last_use, remove_torn};
use crate::cargo::PROFILE;
use crate::session_library::read;

/// Names the limit: a number of bytes, or with `M` or `G` of larger ones.
const LIMIT_VARIABLE: &str = "KISSATEN_CACHE_LIMIT";
const DEFAULT_LIMIT: u64 = 20 << 30;

/// Cleans the cache that `target` is in, if that has become too large. What cannot be removed stays.
pub(crate) fn to_limit(target: &Path) {
    to_size(target, env::var(LIMIT_VARIABLE).ok().and_then(|limit| parse_size(&limit)).unwrap_or(DEFAULT_LIMIT));
}

fn to_size(target: &Path, limit: u64) {
    let Some(cache) = target.parent() else { return };
    let mut size = size_of(cache);
    for other in by_last_use(folders(cache).filter(|folder| folder != target)) {
        if size <= limit {
            return;
        }
        size -= remove_unused(&other);
    }
    remove_torn(&target.join(ANSWERS));
    let sets = folders(&target.join("sets")).map(|set| (last_use(&set), Beside::Set(set)));
    let answers = answers_by_last_use(&target.join(ANSWERS)).into_iter();
    let answers = answers.map(|(time, path, bytes)| (time, Beside::Answer(path, bytes)));
    let mut beside: Vec<(SystemTime, Beside)> = sets.chain(answers).collect();
    beside.sort();
    for (_, oldest) in beside {
        if size <= limit {
            return;
        }
        match oldest {
            Beside::Set(set) => {
                if remove_unused(&set) > 0 {
                    remove_orphans(target);
                    size = size_of(cache);
                }
            }
            // Whoever reads it at this moment has it open.
            Beside::Answer(path, bytes) => {
                if std::fs::remove_file(path).is_ok() {
                    size = size.saturating_sub(bytes);
                }
            }
        }
    }
}

/// What lies beside a session library.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Beside {
    Set(PathBuf),
    Answer(PathBuf, u64),
}

/// What was removed of a cache, and what was not.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Cleaned {
    /// How many bytes there are more now.
    pub freed: u64,
    /// Folders that a kernel uses at this moment, or that cannot be removed.
    pub kept: Vec<PathBuf>,
}

/// Removes everything from a cache that is in no kernel's use: libraries, dependencies, what they were built from. Of
/// anything else that is in the folder it knows nothing, and lets it be.
pub(crate) fn everything(cache: &Path) -> Cleaned {
    let mut cleaned = Cleaned::default();
    let is_ours = |path: &PathBuf, starts: &[&str]| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        starts.iter().any(|start| name.starts_with(start))
    };
    for folder in folders(cache).filter(|path| is_ours(path, &["session-", "tools-"])) {
        cleaned.freed += remove_unused(&folder);
        if folder.exists() {
            cleaned.kept.push(folder);
        }
    }
    if cleaned.kept.is_empty() {
        for file in files(cache).filter(|path| is_ours(path, &["latest-"])) {
            let size = std::fs::metadata(&file).map_or(0, |metadata| metadata.len());
            cleaned.freed += if std::fs::remove_file(file).is_ok() { size } else { 0 };
        }
        // It may hold something that is not ours.
        let _ = std::fs::remove_dir(cache);
    }
    cleaned
}

/// A number of bytes, or with `M` or `G` of larger ones: `512M`.
pub fn parse_size(limit: &str) -> Option<u64> {
    let (number, unit) = match limit.trim().strip_suffix(['G', 'g']) {
        Some(number) => (number, 1 << 30),
        None => limit.trim().strip_suffix(['M', 'm']).map_or((limit.trim(), 1), |number| (number, 1 << 20)),
    };
    number.trim().parse::<u64>().ok()?.checked_mul(unit)
}

fn folders(folder: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())).map(|entry| entry.path())
}

/// The one that was not used for the longest time comes first.
fn by_last_use(folders: impl Iterator<Item = PathBuf>) -> Vec<PathBuf> {
    let mut folders: Vec<(SystemTime, PathBuf)> = folders.map(|folder| (last_use(&folder), folder)).collect();
    folders.sort();
    folders.into_iter().map(|(_, folder)| folder).collect()
}

fn last_use(folder: &Path) -> SystemTime {
    let time = |path: &Path| std::fs::metadata(path).and_then(|metadata| metadata.modified()).ok();
    time(&folder.join(USED)).or_else(|| time(folder)).unwrap_or(SystemTime::UNIX_EPOCH)
}

/// Removes a folder and returns what that freed: nothing, if it or a set in it is in use.
fn remove_unused(folder: &Path) -> u64 {
    let locks: Option<Vec<File>> = std::iter::once(folder.to_owned())
        .chain(super::clean::folders(&folder.join("sets")))
        .filter_map(|folder| File::options().write(true).open(folder.join(USED)).ok())
        .map(|file| file.try_lock().ok().map(|()| file))
        .collect();
    if locks.is_none() {
        return 0;
    }
    let size = size_of(folder);
    if std::fs::remove_dir_all(folder).is_ok() { size } else { 0 }
}

/// Removes what cargo made after the session library and no set takes any more.
fn remove_orphans(target: &Path) {
    let sets: Vec<Set> = folders(&target.join("sets")).filter_map(|folder| read(&folder.join(MANIFEST))).collect();
    let layers: BTreeSet<&Path> =
        sets.iter().flat_map(|set| &set.layers).map(|layer| layer.library.as_path()).collect();
    for layer in files(&target.join("layers")).filter(|layer| !layers.contains(layer.as_path())) {
        let _ = std::fs::remove_file(layer);
    }
    // Of one crate there are several files, which differ in their ending.
    let stem = |name: &str| name.split('.').next().unwrap_or_default().trim_start_matches("lib").to_owned();
    let taken: BTreeSet<String> = sets.iter().flat_map(|set| &set.files).map(|file| stem(file)).collect();
    let time = |path: &Path| std::fs::metadata(path).and_then(|metadata| metadata.modified()).ok();
    let Some(built) = time(&target.join("session.json")) else { return };
    for file in files(&target.join(PROFILE).join("deps")) {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if time(&file).is_some_and(|time| time > built) && !taken.contains(&stem(&name)) {
            let _ = std::fs::remove_file(file);
        }
    }
}

fn files(folder: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file())).map(|entry| entry.path())
}

/// The length of all files in a folder, in bytes.
pub(crate) fn size_of(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let sizes = entries.map(|entry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => size_of(&entry.path()),
        Ok(metadata) => metadata.len(),
        Err(_) => 0,
    });
    sizes.sum()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn all_is_removed_but_what_is_used_and_what_is_not_ours() {
        let cache = tempfile::tempdir().unwrap();
        for folder in ["session-1", "session-2", "tools-1", "mine"] {
            std::fs::create_dir(cache.path().join(folder)).unwrap();
            std::fs::write(cache.path().join(folder).join(USED), "abc").unwrap();
        }
        std::fs::write(cache.path().join("latest-1.json"), "{}").unwrap();
        let used = File::open(cache.path().join("session-2").join(USED)).unwrap();
        used.try_lock_shared().unwrap();
        let kept = vec![cache.path().join("session-2")];
        assert_eq!(everything(cache.path()), Cleaned { freed: 6, kept });
        assert!(cache.path().join("latest-1.json").exists(), "it belongs to the one that is used");
        // A child that another test starts at this moment has the file too, and with it the lock.
        used.unlock().unwrap();
        assert_eq!(everything(cache.path()), Cleaned { freed: 5, kept: Vec::new() });
        assert!(cache.path().join("mine").exists());
    }
    use crate::dependency::cache::use_of;

    #[test]
    fn limits_have_units() {
        assert_eq!(parse_size("5"), Some(5));
        assert_eq!(parse_size("2M"), Some(2 << 20));
        assert_eq!(parse_size("20 G"), Some(20 << 30));
        assert_eq!(parse_size("much"), None);
    }

    #[test]
    fn the_oldest_answers_go_first() {
        let cache = tempfile::tempdir().unwrap();
        let target = cache.path().join("session-1");
        let place = |name: &str| target.join(ANSWERS).join("ab").join(name);
        std::fs::create_dir_all(target.join(ANSWERS).join("ab")).unwrap();
        // Neither by name nor in the order in which they were made.
        for (name, age) in [("b", 30), ("d", 10), ("a", 20), ("c", 40)] {
            std::fs::write(place(name), [0; 1000]).unwrap();
            let used = SystemTime::now() - Duration::from_secs(age);
            File::options().write(true).open(place(name)).unwrap().set_modified(used).unwrap();
        }
        let left = || ["a", "b", "c", "d"].into_iter().filter(|name| place(name).exists()).collect::<String>();
        to_size(&target, 4000);
        assert_eq!(left(), "abcd");
        to_size(&target, 2500);
        assert_eq!(left(), "ad");
        to_size(&target, 999);
        assert_eq!(left(), "");
    }

    #[test]
    fn what_is_in_use_stays() {
        let cache = tempfile::tempdir().unwrap();
        let folder = cache.path().join("session-1");
        let set = folder.join("sets/a");
        std::fs::create_dir_all(&set).unwrap();
        std::fs::write(set.join("x"), [0; 100]).unwrap();
        let used = use_of(&set).unwrap();
        assert_eq!(remove_unused(&folder), 0);
        assert!(set.is_dir());
        used.unlock().unwrap();
        assert_eq!(remove_unused(&folder), 100);
        assert!(!folder.exists());
    }
}
