//! Requirements that are refused before anything is built: another tokio, or another futures, under the name of the one
//! that there is.

use cargo_metadata::semver::{Comparator, Op, Version, VersionReq};
use toml::Value;

use crate::session_library::{SHARED, SessionLibrary, are_compatible};

/// Why a requirement is refused, and what to write; `None`: it is not.
pub fn refusal(name: &str, requirement: &Value, session: &SessionLibrary) -> Option<String> {
    let shared = *SHARED.iter().find(|shared| **shared == name)?;
    refuse(shared, requirement, &session.shared_version(shared)?)
}

fn refuse(name: &str, requirement: &Value, ours: &Version) -> Option<String> {
    let part = |key: &str| requirement.get(key).and_then(Value::as_str);
    let there = format!("the notebook has `{name}` {ours}, which all cells share");
    if let Some(package) = part("package").filter(|package| *package != name) {
        return Some(format!("{there}, so `{package}` cannot be called `{name}`; give it another name"));
    }
    if let Some(key) = ["path", "git", "registry"].into_iter().find(|key| part(key).is_some()) {
        let place = part(key).unwrap_or_default();
        return Some(format!(
            "{there}, so none can come from `{place}`; leave it out, or have that one beside it under another name: \
             `my_{name} = {{ package = \"{name}\", {key} = \"{place}\" }}`"
        ));
    }
    let version = part("version")?;
    let wanted = VersionReq::parse(version).ok()?;
    if wanted.matches(ours) || wanted.comparators.iter().any(|comparator| is_near(comparator, ours)) {
        return None;
    }
    let number = wanted.comparators.first().map_or_else(String::new, |first| match (first.major, first.minor) {
        (0, minor) => format!("0{}", minor.unwrap_or(0)),
        (major, _) => major.to_string(),
    });
    Some(format!(
        "{there}, so `{name} = \"{version}\"` cannot be had; leave it out, or have that one beside it under another name: \
         `{name}{number} = {{ package = \"{name}\", version = \"{version}\" }}`"
    ))
}

/// Whether it asks for one that could take the place of ours.
fn is_near(wanted: &Comparator, ours: &Version) -> bool {
    let is_one = matches!(wanted.op, Op::Exact | Op::Caret | Op::Tilde | Op::Wildcard);
    let lowest = Version::new(wanted.major, wanted.minor.unwrap_or(0), wanted.patch.unwrap_or(0));
    is_one && (are_compatible(&lowest, ours) || wanted.minor.is_none() && wanted.major == ours.major)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, requirement: &str) -> Option<String> {
        let requirement: toml::Table = format!("it = {requirement}").parse().unwrap();
        let requirement = match &requirement["it"] {
            Value::String(version) => {
                Value::Table(toml::Table::from_iter([("version".to_owned(), version.as_str().into())]))
            }
            other => other.clone(),
        };
        refuse(name, &requirement, &Version::parse(if name == "tokio" { "1.54.0" } else { "0.3.31" }).unwrap())
    }

    #[test]
    fn another_major_version_is_refused() {
        for (name, requirement) in
            [("tokio", "\"0.2\""), ("tokio", "\"=0.3.1\""), ("tokio", "\"2\""), ("futures", "\"0.1\"")]
        {
            let sentence = check(name, requirement).unwrap();
            assert!(sentence.starts_with(&format!("the notebook has `{name}` ")), "{sentence}");
        }
        let sentence = check("tokio", "\"0.2\"").unwrap();
        assert!(sentence.ends_with("`tokio02 = { package = \"tokio\", version = \"0.2\" }`"), "{sentence}");
        let sentence = check("tokio", "{ path = \"/tokio\" }").unwrap();
        assert!(sentence.ends_with("`my_tokio = { package = \"tokio\", path = \"/tokio\" }`"), "{sentence}");
        assert!(check("futures", "{ package = \"futures-lite\", version = \"2\" }").is_some());
    }

    #[test]
    fn what_the_notebook_can_have_is_not() {
        for requirement in
            ["\"1\"", "\"*\"", "\"1.20\"", "\"=1.40.0\"", "\">=0.2, <2\"", "{ features = [\"test-util\"] }"]
        {
            assert_eq!(check("tokio", requirement), None, "{requirement}");
        }
        assert_eq!(check("futures", "\"0.3\""), None);
        assert_eq!(check("futures", "\"0\""), None);
    }
}
