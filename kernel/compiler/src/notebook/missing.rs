//! Help for names that rustc does not find, where it is of a crate that is no dependency, or of a feature of one.
//!
//! It goes by rustc's words, and for macros, which rustc knows nothing of, by what the well-known crates have.

use cargo_metadata::diagnostic::Diagnostic;

use super::Notebook;
use crate::analysis::registry_crates;

/// The kind of a macro: how it is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum MacroKind {
    Derive,
    Attribute,
    Call,
}

/// Macros of well-known crates: the crate, the feature that it has them by, and their names.
const MACROS: [(MacroKind, &str, Option<&str>, &[&str]); 30] = [
    (MacroKind::Derive, "serde", Some("derive"), &["Serialize", "Deserialize"]),
    (MacroKind::Derive, "clap", Some("derive"), &["Parser", "Subcommand", "Args", "ValueEnum"]),
    (MacroKind::Derive, "thiserror", None, &["Error"]),
    (MacroKind::Derive, "strum", Some("derive"), &["EnumString", "EnumIter", "EnumCount", "AsRefStr", "IntoStaticStr"]),
    (MacroKind::Derive, "bytemuck", Some("derive"), &["Pod", "Zeroable"]),
    (MacroKind::Derive, "zerocopy", Some("derive"), &["FromBytes", "IntoBytes", "KnownLayout", "Unaligned"]),
    (MacroKind::Derive, "sqlx", None, &["FromRow"]),
    (MacroKind::Derive, "prost", None, &["Message", "Enumeration", "Oneof"]),
    (MacroKind::Derive, "derive_builder", None, &["Builder"]),
    (MacroKind::Derive, "schemars", None, &["JsonSchema"]),
    (MacroKind::Derive, "zeroize", Some("derive"), &["Zeroize", "ZeroizeOnDrop"]),
    (MacroKind::Derive, "arbitrary", Some("derive"), &["Arbitrary"]),
    (MacroKind::Derive, "educe", None, &["Educe"]),
    (MacroKind::Attribute, "serde", Some("derive"), &["serde"]),
    (MacroKind::Attribute, "async-trait", None, &["async_trait"]),
    (MacroKind::Attribute, "tracing", None, &["instrument"]),
    (MacroKind::Attribute, "rstest", None, &["rstest"]),
    (MacroKind::Attribute, "serde_with", None, &["serde_as", "skip_serializing_none"]),
    (MacroKind::Attribute, "pin-project", None, &["pin_project"]),
    (MacroKind::Call, "serde_json", None, &["json"]),
    (MacroKind::Call, "anyhow", None, &["anyhow", "bail", "ensure"]),
    (MacroKind::Call, "lazy_static", None, &["lazy_static"]),
    (MacroKind::Call, "bitflags", None, &["bitflags"]),
    (MacroKind::Call, "tracing", None, &["trace", "debug", "info", "warn", "error", "info_span", "debug_span"]),
    (MacroKind::Call, "maplit", None, &["hashmap", "btreemap", "hashset", "btreeset"]),
    (MacroKind::Call, "ndarray", None, &["array"]),
    (MacroKind::Call, "nalgebra", None, &["matrix", "vector", "dmatrix", "dvector"]),
    (MacroKind::Call, "cfg-if", None, &["cfg_if"]),
    (MacroKind::Call, "async-stream", None, &["stream", "try_stream"]),
    (MacroKind::Call, "insta", None, &["assert_snapshot", "assert_debug_snapshot"]),
];

/// Names of other things that a crate has by a feature.
const FEATURES: [(&str, &str, &[&str]); 3] = [
    ("serde", "derive", &["Serialize", "Deserialize"]),
    ("clap", "derive", &["Parser", "Subcommand", "Args", "ValueEnum"]),
    ("reqwest", "blocking", &["blocking"]),
];

/// Begins the lines of traits that have a method which is missed.
const CANDIDATE: &str = "candidate #";

impl Notebook {
    /// Says of a missing crate what rustc says where there is no Cargo.toml: in a notebook there is none to add it to.
    pub(super) fn without_manifest(error: &mut Diagnostic) {
        for help in &mut error.children {
            if let Some(rest) = help.message.strip_prefix("if you wanted to use a crate named `")
                && let Some((name, _)) = rest.split_once('`')
            {
                help.message = format!("you might be missing a crate named `{name}`");
            }
        }
    }

    /// Takes out of an error the traits of crates that cells cannot name: what is loaded is more than what is there.
    pub(super) fn without_foreign_traits(&self, error: &mut Diagnostic) {
        let is_there = |line: &str| {
            let path = line.split('`').nth(1).unwrap_or_default();
            let root = path.split_once("::").map(|(root, _)| root);
            root.is_none_or(|root| self.dependencies.can_name(root))
        };
        let mut nothing_left = false;
        error.children.retain_mut(|note| {
            let is_candidate = |line: &&str| line.trim_start().starts_with(CANDIDATE);
            let (all, head): (Vec<_>, Vec<_>) = note.message.lines().partition(is_candidate);
            let left: Vec<&str> = all.iter().copied().filter(|line| is_there(line)).collect();
            let Some(item) = head.first().and_then(|head| head.split('`').nth(1)) else { return true };
            let mut message = match left.len() {
                length if length == all.len() => return true,
                0 => {
                    nothing_left = true;
                    return false;
                }
                1 => format!("the following trait defines an item `{item}`, perhaps you need to implement it:"),
                _ => head.join("\n"),
            };
            for (index, line) in left.iter().enumerate() {
                let behind = line.split_once(": ").map_or("", |(_, behind)| behind);
                message.push_str(&format!("\n{CANDIDATE}{}: {behind}", index + 1));
            }
            note.message = message;
            true
        });
        if nothing_left {
            error.children.retain(|help| !help.message.starts_with("items from traits can only be used"));
        }
    }

    /// The line that mends an error, in a sentence.
    pub(super) fn missing_crate(&self, error: &Diagnostic) -> Option<String> {
        self.gated(error).or_else(|| self.missing_macro(error)).or_else(|| self.missing_path(error))
    }

    /// A path that begins with nothing that rustc knows.
    fn missing_path(&self, error: &Diagnostic) -> Option<String> {
        let named = |text: &str, begin: &str| Some(text.strip_prefix(begin)?.split('`').next()?.to_owned());
        let surely = named(&error.message, "can't find crate for `");
        let children = || error.children.iter().map(|child| child.message.as_str());
        let labels = error.spans.iter().filter_map(|span| span.label.as_deref());
        let perhaps = || {
            let of_help = children().find_map(|help| named(help, "you might be missing a crate named `"));
            let begin = "use of unresolved module or unlinked crate `";
            of_help.or_else(|| labels.into_iter().find_map(|label| named(label, begin)))
        };
        let is_sure = surely.is_some();
        let name = surely.or_else(perhaps)?;
        let (package, is_known) = package(&name);
        // What rustc finds elsewhere, or finds misspelt, is hardly a crate that nobody has heard of.
        let is_elsewhere = children()
            .any(|help| help.starts_with("consider importing") || help.contains("with a similar name exists"));
        let replacements = error.children.iter().flat_map(|help| &help.spans);
        let mut replacements = replacements.filter_map(|span| span.suggested_replacement.as_deref());
        let is_module = |code: &str| [";", "::"].iter().any(|end| code.contains(&format!("::{name}{end}")));
        // It is there, but not for this cell: private, or for tests only.
        let is_own = self.items.items.iter().any(|live| live.item.name.as_ref().is_some_and(|(_, own)| *own == name));
        if is_own || !is_sure && (is_elsewhere && !is_known || replacements.any(is_module)) {
            return None;
        }
        // The names behind it tell the feature.
        let code: String = error
            .spans
            .iter()
            .filter(|span| span.is_primary)
            .flat_map(|span| &span.text)
            .map(|line| line.text.as_str())
            .collect();
        let words: Vec<&str> = code.split(|character: char| character != '_' && !character.is_alphanumeric()).collect();
        let feature =
            FEATURES.iter().find(|(of, _, names)| *of == package && names.iter().any(|name| words.contains(name)));
        Some(sentence(&package, feature.map(|(_, feature, _)| *feature)))
    }

    fn missing_macro(&self, error: &Diagnostic) -> Option<String> {
        let rest = error.message.strip_prefix("cannot find ")?;
        let (kind, rest) = [
            ("derive macro `", MacroKind::Derive),
            ("attribute `", MacroKind::Attribute),
            ("macro `", MacroKind::Call),
        ]
        .into_iter()
        .find_map(|(begin, kind)| Some((kind, rest.strip_prefix(begin)?)))?;
        let name = rest.split('`').next()?;
        let mut found = MACROS.iter().filter(|(of, .., names)| *of == kind && names.contains(&name));
        let (_, package, feature, _) = found.next()?;
        let crate_name = package.replace('-', "_");
        match (self.dependencies.externs().any(|known| known.name == crate_name), feature) {
            (false, _) => Some(sentence(package, *feature)),
            (true, Some(feature)) => {
                let line = self.dependencies.line_with_feature(&crate_name, feature)?;
                Some(with_feature(&crate_name, feature, &line))
            }
            // rustc knows what it has, and says how to import it.
            (true, None) => None,
        }
    }

    /// What a dependency has only with a feature: rustc says with which.
    fn gated(&self, error: &Diagnostic) -> Option<String> {
        let notes = error.children.iter().map(|note| note.message.as_str());
        let labels = error.children.iter().flat_map(|note| &note.spans).filter_map(|span| span.label.as_deref());
        let feature = notes.chain(labels).find_map(|note| {
            let behind = note.split("gated behind the `").nth(1)?;
            let (feature, rest) = behind.split_once('`')?;
            rest.trim_start().starts_with("feature").then(|| feature.to_owned())
        })?;
        let names = error.message.split('`').skip(1).step_by(2).flat_map(|quoted| quoted.split("::"));
        let code = error.spans.iter().filter(|span| span.is_primary).flat_map(|span| &span.text);
        let code: Vec<&str> = code
            .flat_map(|line| line.text.split(|character: char| character != '_' && !character.is_alphanumeric()))
            .collect();
        names.chain(code).find_map(|name| {
            let line = self.dependencies.line_with_feature(name, &feature)?;
            Some(with_feature(name, &feature, &line))
        })
    }
}

/// The package that a crate's name is of, and whether it is a known one.
fn package(name: &str) -> (String, bool) {
    let known = registry_crates();
    let hyphened = name.replace('_', "-");
    match (known.contains(name), known.contains(&hyphened)) {
        (true, _) => (name.to_owned(), true),
        (false, true) => (hyphened, true),
        (false, false) => (name.to_owned(), false),
    }
}

fn sentence(package: &str, feature: Option<&str>) -> String {
    match feature {
        None => format!("help: `:dep {package}` at the head of a cell adds the crate `{package}`"),
        Some(feature) => format!(
            "help: `:dep {package} = {{ features = [\"{feature}\"] }}` at the head of a cell adds the crate `{package}` with \
             what is named here"
        ),
    }
}

fn with_feature(crate_name: &str, feature: &str, line: &str) -> String {
    format!("help: the crate `{crate_name}` has this with its feature `{feature}`: `{line}`")
}
