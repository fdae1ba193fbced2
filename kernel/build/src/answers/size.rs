//! How much the remembered answers take, and which of them go first.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// The folder of the answers in that of a session library.
pub(crate) const ANSWERS: &str = "answers";
/// What the names of files begin with that are being written.
pub(super) const TORN: &str = ".torn-";
/// After that time nobody writes such a file any more.
const ABANDONED: Duration = Duration::from_secs(3600);

/// All answers in a folder, the one that was not used for the longest time first: when it was used, where it is, its size.
pub(crate) fn answers_by_last_use(folder: &Path) -> Vec<(SystemTime, PathBuf, u64)> {
    let mut answers: Vec<_> = files(folder).filter(|(_, path, _)| !is_torn(path)).collect();
    answers.sort();
    answers
}

/// How many there are, and their bytes.
pub(super) fn size_of_answers(folder: &Path) -> (u64, u64) {
    files(folder).filter(|(_, path, _)| !is_torn(path)).fold((0, 0), |(count, sum), (.., size)| (count + 1, sum + size))
}

/// Removes what was begun and never finished, as its kernel was killed.
pub(crate) fn remove_torn(folder: &Path) {
    for (time, path, _) in files(folder).filter(|(_, path, _)| is_torn(path)) {
        if time.elapsed().is_ok_and(|since| since > ABANDONED) {
            let _ = std::fs::remove_file(path);
        }
    }
}

fn is_torn(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(TORN))
}

fn files(folder: &Path) -> impl Iterator<Item = (SystemTime, PathBuf, u64)> {
    let entries = |folder: PathBuf| std::fs::read_dir(folder).into_iter().flatten().flatten();
    let shards = entries(folder.to_owned()).filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    shards.flat_map(move |shard| entries(shard.path())).filter_map(|entry| {
        let metadata = entry.metadata().ok().filter(std::fs::Metadata::is_file)?;
        Some((metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH), entry.path(), metadata.len()))
    })
}
