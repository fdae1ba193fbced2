//! Answers to questions: evcxr's, in the words of the messages.

use evcxr::CommandContext;
use ipc::analyzer::{Answer, Match, Wish};

/// What evcxr says where it knows nothing.
const NOTHING: &str = "No documentation found";

/// The answer to one question.
pub(crate) fn to(context: &mut CommandContext, what: Wish, text: &str, cursor: usize) -> anyhow::Result<Answer> {
    match what {
        Wish::Complete => complete(context, text, cursor),
        Wish::Inspect => inspect(context, text, cursor),
    }
}

fn complete(context: &mut CommandContext, text: &str, cursor: usize) -> anyhow::Result<Answer> {
    let completions = context.completions(text, cursor)?;
    let word = text.get(completions.start_offset..cursor).unwrap_or_default();
    let mut matches = Vec::new();
    for found in completions.completions {
        if let Some(text) = name(&found.code).filter(|text| text.starts_with(word)) {
            let kind = if text.ends_with('!') { "macro" } else { found.kind };
            matches.push(Match { text, kind: kind.to_owned() });
        }
    }
    Ok(Answer::Completions(matches))
}

/// The name that a completion begins with: its arguments are the user's to write. `None`: it is no name, but a proposal for
/// a whole expression.
fn name(code: &str) -> Option<String> {
    let is_part = |character: char| character == '_' || character == '#' || character.is_alphanumeric();
    let end = code.find(|character| !is_part(character)).unwrap_or(code.len());
    let (name, rest) = code.split_at(end);
    let is_macro = rest.starts_with('!');
    let is_call = rest.is_empty() || is_macro || rest.starts_with(['(', ' ', ':', '<', '{', ';', ',']);
    if name.is_empty() || !is_call {
        return None;
    }
    Some(format!("{name}{}", if is_macro { "!" } else { "" }))
}

fn inspect(context: &mut CommandContext, text: &str, cursor: usize) -> anyhow::Result<Answer> {
    let (plain, html) = context.hover_at(text, cursor)?;
    if plain.trim().is_empty() || plain.trim() == NOTHING {
        return Ok(Answer::Nothing);
    }
    // evcxr has Markdown for itself, and gives away what it made of it.
    let markdown = htmd::convert(&html).unwrap_or_else(|_| plain.clone());
    Ok(Answer::Words { plain, markdown, html })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn completions_are_names() {
        for (code, text) in [
            ("push(value)", Some("push")),
            ("len()", Some("len")),
            ("x", Some("x")),
            ("println!()", Some("println!")),
            ("r#type", Some("r#type")),
            ("std::", Some("std")),
            ("while $1 {}", Some("while")),
            ("home.x", None),
            ("&home", None),
        ] {
            assert_eq!(name(code).as_deref(), text, "{code}");
        }
    }
}
