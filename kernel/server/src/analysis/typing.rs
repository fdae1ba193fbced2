//! Somebody who types on: the letters that follow one question ask for a part of its answer. So that one is kept. What was
//! asked, and of whom, is not known here.

use compiler::Question;
use ipc::analyzer::{Answer, Match};

/// A cache of one answer: the last completions, and for which place in which text they were.
pub(super) struct Typed {
    before: String,
    word: String,
    after: String,
    matches: Vec<Match>,
}

impl Typed {
    /// Keeps an answer, if it is one that can be narrowed down.
    pub(super) fn keep(question: &Question, answer: &Answer) -> Option<Self> {
        let Answer::Completions(matches) = answer else { return None };
        let (before, word, after) = split(question)?;
        let [before, word, after] = [before, word, after].map(str::to_owned);
        Some(Self { before, word, after, matches: matches.clone() })
    }

    /// The answer, if nothing has changed but that the word at the cursor goes on.
    pub(super) fn narrowed(&self, question: &Question) -> Option<Answer> {
        let (before, word, after) = split(question)?;
        if before != self.before || after != self.after || !word.starts_with(&self.word) {
            return None;
        }
        let matches: Vec<Match> = self.matches.iter().filter(|it| it.text.starts_with(word)).cloned().collect();
        // What nothing continues may be something else altogether.
        (!matches.is_empty()).then_some(Answer::Completions(matches))
    }
}

/// What is before the word at the cursor, the word as far as the cursor, and what is behind it.
fn split(question: &Question) -> Option<(&str, &str, &str)> {
    let (typed, after) = question.text.split_at_checked(question.cursor)?;
    let before = typed.trim_end_matches(|letter: char| letter == '_' || letter.is_alphanumeric());
    Some((before, &typed[before.len()..], after))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(before: &str, after: &str) -> Question {
        let text = format!("{before}{after}");
        Question { cursor: before.len(), cell: 0..text.len(), text }
    }

    fn answer(names: &[&str]) -> Answer {
        let a_match = |name: &&str| Match { text: (*name).to_owned(), kind: "function".to_owned() };
        Answer::Completions(names.iter().map(a_match).collect())
    }

    #[test]
    fn a_word_that_goes_on_has_a_part_of_the_answer() {
        let all = answer(&["push", "push_str", "pop"]);
        for first in ["x.", "x.p"] {
            let typed = Typed::keep(&question(first, ");"), &all).unwrap();
            assert_eq!(typed.narrowed(&question("x.pus", ");")), Some(answer(&["push", "push_str"])));
            assert_eq!(typed.narrowed(&question("x.push_", ");")), Some(answer(&["push_str"])));
        }
    }

    #[test]
    fn whatever_else_changes_is_another_question() {
        let typed = Typed::keep(&question("x.pu", ""), &answer(&["push"])).unwrap();
        for (before, after) in [("x.p", ""), ("x.pu", " "), ("y.pu", ""), ("x.pu.pu", ""), ("x.put", "")] {
            assert_eq!(typed.narrowed(&question(before, after)), None, "{before}{after}");
        }
        assert!(Typed::keep(&question("x.pu", ""), &Answer::Nothing).is_none());
    }
}
