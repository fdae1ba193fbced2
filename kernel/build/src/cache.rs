//! The folders in which session libraries are built and found again: where they are, whose they are, and what is removed of
//! them. What is in them is not known here.

use std::env;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use crate::dependency::{self, Cleaned};
use crate::session_library::SessionError;
use crate::umask;

/// Names the folder under which session libraries are built and looked for.
pub(crate) const CACHE_VARIABLE: &str = "KISSATEN_CACHE";

/// Where session libraries may be, those of the installation first; the last is where one is built.
pub(crate) fn cache_folders() -> Vec<PathBuf> {
    if let Some(given) = env::var_os(CACHE_VARIABLE) {
        return vec![PathBuf::from(given)];
    }
    let executable = env::current_exe().and_then(|path| path.canonicalize()).unwrap_or_default();
    let installed = executable.parent().map(|folder| folder.join("../lib/kissaten")).filter(|folder| folder.is_dir());
    installed.into_iter().chain(dirs::cache_dir().map(|folder| folder.join("kissaten"))).collect()
}

/// The user's own folder in it, which is nobody else's: its place tells, as one that was given may be an installation.
fn own_cache() -> Option<PathBuf> {
    if env::var_os(CACHE_VARIABLE).is_some() { None } else { dirs::cache_dir().map(|folder| folder.join("kissaten")) }
}

/// Makes a folder for session libraries, where it is missing.
pub(crate) fn make_cache(cache: &Path) -> io::Result<()> {
    let rights = if own_cache().is_some_and(|own| own == cache) { 0o700 } else { 0o777 };
    std::fs::DirBuilder::new().recursive(true).mode(rights).create(cache)?;
    close_cache();
    Ok(())
}

/// The folder of the cache that is the user's, and what of it was removed, which is all that no kernel uses.
///
/// # Errors
/// When there is no such folder.
pub fn clean_cache() -> Result<(PathBuf, Cleaned), SessionError> {
    let cache = cache_folders().into_iter().next_back().ok_or(SessionError::NoCache)?;
    let cleaned = dependency::everything(&cache);
    Ok((cache, cleaned))
}

/// Takes everybody else's rights from the user's own cache, as earlier versions left some with them.
pub fn close_cache() {
    // It may be a link to where there is room.
    if let Some(cache) = own_cache().and_then(|cache| cache.canonicalize().ok())
        && let Err(error) = umask::close(&cache)
    {
        tracing::warn!("others can look into {}: {error}", cache.display());
    }
}
