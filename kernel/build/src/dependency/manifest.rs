//! The package that cargo is given for a notebook's dependencies: nothing but those, and the crates that they share with
//! the session library, compiled under the same profile.

use std::io;
use std::path::Path;

use toml::{Table, Value};

use crate::cargo::PROFILE;
use crate::session_library::SessionLibrary;

/// The name of that package.
pub(super) const PACKAGE: &str = "notebook";
/// How dependencies are optimised, whatever the cells' level is.
const OPT_LEVEL: i64 = 2;

/// The Cargo.toml.
pub(super) fn manifest(session: &SessionLibrary, dependencies: &Table) -> io::Result<String> {
    let mut dependencies = dependencies.clone();
    let ground = session.source.join("kernel/ground");
    let ground = Table::from_iter([("path".to_owned(), Value::String(ground.to_string_lossy().into_owned()))]);
    dependencies.insert("kissaten-ground".to_owned(), Value::Table(ground));
    let mut package = Table::new();
    package.insert("name".to_owned(), PACKAGE.into());
    package.insert("version".to_owned(), "0.0.0".into());
    package.insert("edition".to_owned(), "2024".into());
    let mut library = Table::new();
    library.insert("path".to_owned(), "lib.rs".into());
    let profile = Table::from_iter([(PROFILE.to_owned(), Value::Table(profile(session)?))]);
    let mut manifest = Table::new();
    manifest.insert("package".to_owned(), Value::Table(package));
    manifest.insert("lib".to_owned(), Value::Table(library));
    manifest.insert("workspace".to_owned(), Value::Table(Table::new()));
    manifest.insert("dependencies".to_owned(), Value::Table(dependencies));
    manifest.insert("profile".to_owned(), Value::Table(profile));
    Ok(manifest.to_string())
}

/// The session's profile for the crates that the session library has; else the same at another level. All of a profile is
/// in the hashes by which cargo tells one compiled crate from another.
fn profile(session: &SessionLibrary) -> io::Result<Table> {
    let source: Table = std::fs::read_to_string(session.source.join("Cargo.toml"))?
        .parse()
        .map_err(|error: toml::de::Error| io::Error::other(error.to_string()))?;
    let named = |name: &str| source.get("profile")?.get(name)?.as_table().cloned();
    let mut profile = named("release").unwrap_or_default();
    profile.extend(named(PROFILE).unwrap_or_default());
    profile.insert("inherits".to_owned(), "release".into());
    profile.insert("opt-level".to_owned(), OPT_LEVEL.into());
    let of_session = session.levels.iter().map(|(name, level)| {
        // `s` and `z` are words.
        let level = level.parse::<i64>().map_or_else(|_| Value::from(level.as_str()), Value::from);
        (name.clone(), Value::Table(Table::from_iter([("opt-level".to_owned(), level)])))
    });
    profile.insert("package".to_owned(), Value::Table(of_session.collect()));
    Ok(profile)
}

/// Writes a file unless it has that text already: cargo goes by times.
pub(super) fn write(path: &Path, text: &str) -> io::Result<()> {
    if std::fs::read_to_string(path).is_ok_and(|there| there == text) {
        return Ok(());
    }
    std::fs::write(path, text)
}
