//! Changes that users ask for: a line of `:dep`, a table of `%%deps`, words of `kissaten prebuild`. Nothing is looked
//! up here.

use std::path::Path;

use toml::{Table, Value};

use super::DependencyError;

/// A change to the dependencies of a notebook.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Change {
    /// Requirements by the names that cells will have for them.
    pub add: Table,
    /// Names.
    pub remove: Vec<String>,
}

/// Names that are taken.
const OWN: [&str; 3] = ["kissaten", "notebook", "kissaten-ground"];
/// What stands for "any version, best the newest".
pub(crate) const ANY: &str = "*";

impl Change {
    /// From the words of a command: `rand = "0.9"`, `rand`, `rand@0.9`, `-rand`, several names. Paths are relative to `directory`.
    ///
    /// # Errors
    /// A sentence about what cannot be read.
    pub fn from_line(line: &str, directory: &Path) -> Result<Self, DependencyError> {
        let line = without_comment(line).trim().trim_end_matches(';').trim_end();
        if line.contains('=') && !line.starts_with('-') && !is_word_with_version(line) {
            return match bare_version(line) {
                // There is nothing else that it could mean.
                Some((name, version)) => Self::from_table(&format!("{name} = \"{version}\""), directory),
                None => Self::from_table(line, directory),
            };
        }
        let mut change = Self::default();
        for word in line.split_whitespace() {
            if let Some(name) = word.strip_prefix('-') {
                change.remove.push(name.to_owned());
                continue;
            }
            let (name, version) = word.split_once('@').unwrap_or((word, ANY));
            change.insert(name, Value::String(version.to_owned()), directory)?;
        }
        Ok(change)
    }

    /// From a TOML table, with or without its `[dependencies]`.
    ///
    /// # Errors
    /// TOML's own words, or a sentence about what cannot be used.
    pub fn from_table(text: &str, directory: &Path) -> Result<Self, DependencyError> {
        let mut table: Table = text.parse().map_err(|error: toml::de::Error| {
            DependencyError::Request(format!(
                "this is not how Cargo.toml writes dependencies: {}",
                error.to_string().trim_end()
            ))
        })?;
        if let Some(Value::Table(dependencies)) = table.remove("dependencies") {
            if let Some(other) = table.keys().next() {
                let sentence = format!("`[{other}]` cannot be used here, only `[dependencies]`");
                return Err(DependencyError::Request(sentence));
            }
            table = dependencies;
        }
        let mut change = Self::default();
        for (name, requirement) in table {
            if let Value::Integer(_) | Value::Float(_) = requirement {
                // As it was written: `0.10` is no number.
                let mut lines = text.lines().filter_map(bare_version);
                let version = lines.find(|(found, _)| *found == name).map_or("1", |(_, version)| version);
                return Err(DependencyError::Request(format!(
                    "a version stands in quotes; write `{name} = \"{version}\"`"
                )));
            }
            if let Some(Value::Integer(_) | Value::Float(_)) = requirement.get("version") {
                let words = "a version stands in quotes, as in `version = \"0.9\"`";
                return Err(DependencyError::Request(format!("`{name}`: {words}")));
            }
            change.insert(&name, requirement, directory)?;
        }
        Ok(change)
    }

    /// From the table at the head of a script of cargo's, where `[dependencies]` is one of several. What concerns only the
    /// package or its profiles says nothing here.
    ///
    /// # Errors
    /// As [`from_table`](Self::from_table).
    pub fn from_script(text: &str, directory: &Path) -> Result<Self, DependencyError> {
        let Ok(mut table) = text.parse::<Table>() else { return Self::from_table(text, directory) };
        let named = ["package", "profile", "lints", "workspace", "features"];
        let is_manifest = table.contains_key("dependencies") || named.iter().any(|name| table.contains_key(*name));
        if !is_manifest {
            return Self::from_table(text, directory);
        }
        named.iter().for_each(|name| drop(table.remove(*name)));
        table.entry("dependencies").or_insert_with(|| Value::Table(Table::new()));
        Self::from_table(&table.to_string(), directory)
    }

    /// Adds a later change to this one.
    pub fn and(&mut self, later: Self) {
        for name in &later.remove {
            self.add.remove(name);
        }
        self.remove.retain(|name| !later.add.contains_key(name));
        self.remove.extend(later.remove);
        self.add.extend(later.add);
    }

    fn insert(&mut self, name: &str, requirement: Value, directory: &Path) -> Result<(), DependencyError> {
        let wrong = |sentence: String| Err(DependencyError::Request(sentence));
        let is_name = |name: &str| {
            name.starts_with(|first: char| first.is_alphabetic() || first == '_')
                && name.chars().all(|character| character.is_alphanumeric() || matches!(character, '-' | '_'))
        };
        if !is_name(name) {
            return wrong(format!(
                "`{name}` is no name of a crate; write `:dep name`, `:dep name = \"1\"` or `:dep -name`"
            ));
        }
        if OWN.contains(&name) {
            return wrong(format!("`{name}` is always there and cannot be a dependency"));
        }
        let mut requirement = match requirement {
            Value::String(version) => Table::from_iter([("version".to_owned(), Value::String(version))]),
            Value::Table(requirement) => requirement,
            other => return wrong(format!("`{name} = {other}` is no requirement; write `{name} = \"1\"`")),
        };
        if requirement.contains_key("workspace") {
            return wrong(format!("`{name}` cannot come from a workspace, as a notebook has none; write its version"));
        }
        requirement.remove("optional");
        // As cargo read it until edition 2024.
        if let Some(value) = requirement.remove("default_features") {
            requirement.entry("default-features").or_insert(value);
        }
        if let Some(Value::String(path)) = requirement.get_mut("path") {
            let whole = directory.join(&*path);
            *path = whole.canonicalize().unwrap_or(whole).to_string_lossy().into_owned();
        } else if !["version", "git", "registry"].iter().any(|key| requirement.contains_key(*key)) {
            requirement.insert("version".to_owned(), Value::String(ANY.to_owned()));
        }
        self.add.insert(name.to_owned(), Value::Table(requirement));
        Ok(())
    }
}

/// What stands before a comment of TOML's or Rust's. In quotes there is none.
fn without_comment(line: &str) -> &str {
    let (mut quote, mut before) = (None, ' ');
    for (at, character) in line.char_indices() {
        match quote {
            Some(open) if character == open => quote = None,
            Some(_) => {}
            None if matches!(character, '"' | '\'') => quote = Some(character),
            None if before.is_whitespace() && (character == '#' || line[at..].starts_with("//")) => return &line[..at],
            None => {}
        }
        before = character;
    }
    line
}

/// The name and the version in `rand = 0.8.5`, where the version has no quotes.
fn bare_version(line: &str) -> Option<(&str, &str)> {
    let (name, version) = without_comment(line).trim().split_once('=')?;
    let (name, version) = (name.trim(), version.trim());
    let is_part = |character: char| {
        character.is_ascii_alphanumeric()
            || matches!(character, '.' | '-' | '+' | '^' | '~' | '=' | '<' | '>' | '*' | ',' | ' ')
    };
    let begins =
        version.starts_with(|first: char| first.is_ascii_digit() || matches!(first, '^' | '~' | '=' | '<' | '>' | '*'));
    (begins && version.chars().all(is_part) && !name.contains(['.', '"', ' '])).then_some((name, version))
}

/// `rand@=0.9.1`
fn is_word_with_version(line: &str) -> bool {
    line.split_once('@')
        .is_some_and(|(name, version)| !name.contains(['=', ' ', '"']) && !version.contains([' ', '"', '{']))
}

/// The table as Cargo.toml has it, one dependency a line.
pub fn to_text(table: &Table) -> String {
    let mut text = String::new();
    for (name, requirement) in table {
        let requirement = match requirement {
            Value::Table(parts) if parts.len() == 1 => parts.get("version").unwrap_or(requirement),
            other => other,
        };
        text.push_str(&format!("{name} = {requirement}\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str) -> String {
        match Change::from_line(line, Path::new("/notebooks")) {
            Ok(change) => {
                let removed: String = change.remove.iter().map(|name| format!("-{name}\n")).collect();
                removed + &to_text(&change.add)
            }
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn lines_are_what_cargo_takes_and_less() {
        assert_eq!(check("rand = \"0.9\""), "rand = \"0.9\"\n");
        assert_eq!(check("rand"), "rand = \"*\"\n");
        assert_eq!(check("rand@0.9 serde"), "rand = \"0.9\"\nserde = \"*\"\n");
        assert_eq!(check("rand@=0.9.1"), "rand = \"=0.9.1\"\n");
        assert_eq!(check("-rand -serde"), "-rand\n-serde\n");
        let derive = "serde = { version = \"1\", features = [\"derive\"] }";
        assert_eq!(check(derive), "serde = { features = [\"derive\"], version = \"1\" }\n");
        assert_eq!(check("menu = { path = \"../menu\" }"), "menu = { path = \"/notebooks/../menu\" }\n");
        let older = "p = { version = \"1\", default_features = false }";
        assert_eq!(check(older), "p = { default-features = false, version = \"1\" }\n");
        assert_eq!(check("m = { package = \"menu\" }"), "m = { package = \"menu\", version = \"*\" }\n");
    }

    #[test]
    fn what_is_no_requirement_is_told() {
        assert_eq!(check("kissaten"), "`kissaten` is always there and cannot be a dependency");
        assert_eq!(check("rand = true"), "`rand = true` is no requirement; write `rand = \"1\"`");
        assert!(check("rand = 0.9\"").starts_with("this is not how Cargo.toml writes dependencies: "));
        assert!(check("9").starts_with("`9` is no name of a crate"));
        assert!(check("a.workspace = true").ends_with("write its version"));
    }

    #[test]
    fn a_version_needs_no_quotes_in_a_line() {
        for version in ["9", "0.10", "0.8.5", "^1", "=1.0.0-rc.1", "*", ">=1, <3", "1.*"] {
            assert_eq!(check(&format!("rand = {version}")), format!("rand = \"{version}\"\n"));
        }
        let inside = "`rand`: a version stands in quotes, as in `version = \"0.9\"`";
        assert_eq!(check("rand = { version = 0.9 }"), inside);
        assert!(check("rand = nine").starts_with("this is not how Cargo.toml writes dependencies: "));
        let error = Change::from_table("log = \"1\"\nrand = 0.10 # for dice", Path::new("/")).unwrap_err();
        assert_eq!(error.to_string(), "a version stands in quotes; write `rand = \"0.10\"`");
    }

    #[test]
    fn comments_are_none_of_it() {
        assert_eq!(check("rand = \"0.9\" // for dice"), "rand = \"0.9\"\n");
        assert_eq!(check("rand = 0.9; # for dice"), "rand = \"0.9\"\n");
        assert_eq!(check("rand // for `dice = 1`"), "rand = \"*\"\n");
        assert_eq!(check("-rand # no more dice"), "-rand\n");
        let url = "r = { git = \"https://example.org/#a\" }";
        assert_eq!(check(url), "r = { git = \"https://example.org/#a\" }\n");
    }

    #[test]
    fn tables_come_with_and_without_a_head() {
        for text in
            ["a = \"1\"\nb = { version = \"2\" }", "[dependencies]\na = \"1\"\n[dependencies.b]\nversion = \"2\""]
        {
            let change = Change::from_table(text, Path::new("/")).unwrap();
            assert_eq!(to_text(&change.add), "a = \"1\"\nb = \"2\"\n");
        }
        let error = Change::from_table("[dependencies]\n[package]", Path::new("/")).unwrap_err();
        assert_eq!(error.to_string(), "`[package]` cannot be used here, only `[dependencies]`");
    }

    #[test]
    fn a_later_change_wins() {
        let line = |line| Change::from_line(line, Path::new("/")).unwrap();
        let mut change = line("a = \"1\"");
        change.and(line("-a"));
        assert_eq!(change, line("-a"));
        change.and(line("a = \"2\""));
        assert_eq!(change, line("a = \"2\""));
    }
}
