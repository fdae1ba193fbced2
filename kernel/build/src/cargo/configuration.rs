//! The user's configuration of cargo, where it names another machine to compile for: no variable takes that back, as the
//! machine itself in its place makes cargo keep its files in other folders. So cargo is given a home without it.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use toml::Table;

use crate::toolchain::cargo_home;

/// A home for cargo like the user's own but for that setting; `None` where the user's will do. It is kept in `target`.
pub(super) fn without_target(target: &Path) -> Option<PathBuf> {
    let home = cargo_home()?;
    let text = ["config.toml", "config"].iter().find_map(|name| fs::read_to_string(home.join(name)).ok())?;
    let mut configuration: Table = text.parse().ok()?;
    configuration.get_mut("build")?.as_table_mut()?.remove("target")?;
    let place = target.join("cargo-home");
    make(&home, &place, &configuration.to_string())
        .inspect_err(|error| tracing::warn!("cargo compiles for another machine, as its configuration says: {error}"))
        .ok()?;
    Some(place)
}

/// Makes a home that shares everything with another but the configuration.
fn make(home: &Path, place: &Path, configuration: &str) -> io::Result<()> {
    fs::create_dir_all(place)?;
    for entry in fs::read_dir(home)? {
        let entry = entry?;
        let to = place.join(entry.file_name());
        if entry.file_name() != "config" && entry.file_name() != "config.toml" && !to.exists() {
            // What is there is a link to what has gone.
            let _ = fs::remove_file(&to);
            symlink(entry.path(), to)?;
        }
    }
    let to = place.join("config.toml");
    if fs::read_to_string(&to).is_ok_and(|there| there == configuration) {
        return Ok(());
    }
    let beside = tempfile::NamedTempFile::new_in(place)?;
    fs::write(beside.path(), configuration)?;
    beside.persist(to).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_home_is_shared_but_for_the_configuration() {
        let folder = tempfile::tempdir().unwrap();
        let (home, place) = (folder.path().join("home"), folder.path().join("place"));
        fs::create_dir_all(home.join("registry")).unwrap();
        fs::write(home.join("config.toml"), "[build]\ntarget = \"x\"\n").unwrap();
        for _ in 0..2 {
            make(&home, &place, "[build]\n").unwrap();
            assert_eq!(fs::read_to_string(place.join("config.toml")).unwrap(), "[build]\n");
            assert_eq!(fs::read_link(place.join("registry")).unwrap(), home.join("registry"));
        }
    }
}
