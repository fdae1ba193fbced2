//! One list of the notebook's and the analyzer's completions.

use std::collections::HashMap;

use compiler::{Completion, Completions};
use ipc::analyzer::Match;

use super::offer::{Completed, Offer};

/// What both know comes first, with the notebook's words about it; then the analyzer's by name, then the notebook's. The
/// analyzer sees what the notebook only guesses: where it has an answer, words that it does not have come last.
pub(super) fn completions(own: Completions, theirs: Vec<Match>) -> Completed {
    let mut known: HashMap<&str, &Completion> = HashMap::new();
    for found in &own.matches {
        known.insert(&found.text, found);
    }
    let (mut both, mut others) = (Vec::new(), Vec::new());
    let mut seen = std::collections::HashSet::new();
    for Match { text, kind } in theirs {
        // Our own names are not for users.
        if text.starts_with("__") || !seen.insert(text.clone()) {
            continue;
        }
        match known.get(text.as_str()) {
            Some(found) => both.push(offer(found)),
            None => others.push(Offer { text, kind, signature: String::new() }),
        }
    }
    let place = |offer: &Offer| own.matches.iter().position(|found| found.text == offer.text);
    both.sort_by_key(place);
    others.sort_by(|one, other| one.text.cmp(&other.text));
    let rest = own.matches.iter().filter(|found| !seen.contains(&found.text)).map(offer);
    let matches = both.into_iter().chain(others).chain(rest).collect();
    Completed { range: own.range, matches }
}

fn offer(found: &Completion) -> Offer {
    Offer { text: found.text.clone(), kind: found.kind.word().to_owned(), signature: found.signature.clone() }
}

#[cfg(test)]
mod tests {
    use compiler::Kind;

    use super::*;

    #[test]
    fn no_name_comes_twice_and_what_both_know_is_first() {
        let own = |text: &str, signature: &str| Completion {
            text: text.to_owned(),
            kind: Kind::Method,
            signature: signature.to_owned(),
        };
        let theirs = |text: &str| Match { text: text.to_owned(), kind: "function".to_owned() };
        let own = Completions { range: 1..2, matches: vec![own("z", "fn z()"), own("own", ""), own("b", "fn b()")] };
        let merged =
            completions(own, vec![theirs("c"), theirs("b"), theirs("a"), theirs("z"), theirs("a"), theirs("__x")]);
        let texts: Vec<_> = merged.matches.iter().map(|offer| offer.text.as_str()).collect();
        assert_eq!(texts, ["z", "b", "a", "c", "own"]);
        assert_eq!(merged.matches[0].signature, "fn z()");
    }
}
