//! What is known of a name, in the three forms of which a frontend takes one: Markdown, HTML and plain text.

use compiler::Inspection;
use ipc::MimeBundle;
use pulldown_cmark::{Options, Parser, html::push_html};

/// How much of a value is shown, in bytes.
const LONGEST_VALUE: usize = 4000;

/// The notebook's own words, with the variable's value if it is known; from `detail` 1 on with the source.
pub(super) fn inspection(found: &Inspection, value: Option<&str>, detail: u64) -> MimeBundle {
    let mut markdown = block("rust", &found.signature);
    let mut plain = found.signature.clone();
    if let Some(value) = value {
        let value = shortened(value);
        markdown.push_str(&block("text", &value));
        plain.push_str(&format!(" = {value}"));
    }
    if !found.docs.is_empty() {
        markdown.push_str(&format!("{}\n\n", found.docs));
        plain.push_str(&format!("\n\n{}", found.docs));
    }
    if let Some(place) = &found.place {
        markdown.push_str(&format!("*{place}*\n\n"));
        plain.push_str(&format!("\n\n{place}"));
    }
    if let (Some(source), true) = (&found.source, detail > 0) {
        markdown.push_str(&block("rust", source));
        plain.push_str(&format!("\n\n{source}"));
    }
    let markdown = markdown.trim_end().to_owned();
    let html = html(&markdown);
    words(plain, markdown, html)
}

/// Words that have all three forms.
pub(super) fn words(plain: String, markdown: String, html: String) -> MimeBundle {
    let bundle = [("text/plain", plain), ("text/markdown", markdown), ("text/html", html)];
    bundle.into_iter().map(|(kind, text)| (kind.to_owned(), text.into())).collect()
}

/// A block of code, fenced by more backticks than it has in a row.
fn block(language: &str, code: &str) -> String {
    let longest = code.split(|character| character != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}{language}\n{code}\n{fence}\n\n")
}

fn html(markdown: &str) -> String {
    let mut html = String::new();
    push_html(&mut html, Parser::new_ext(markdown, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH));
    html
}

fn shortened(value: &str) -> String {
    if value.len() <= LONGEST_VALUE {
        return value.to_owned();
    }
    let end = (0..=LONGEST_VALUE).rev().find(|at| value.is_char_boundary(*at)).unwrap_or(0);
    format!("{}…", &value[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_told_about_in_three_forms() {
        let found = Inspection {
            signature: "fn add(a: u8) -> u8".to_owned(),
            docs: "Adds `1`.".to_owned(),
            place: Some("cell 1".to_owned()),
            source: Some("fn add(a: u8) -> u8 { a + 1 }".to_owned()),
            variable: None,
        };
        let bundle = inspection(&found, None, 0);
        assert_eq!(bundle["text/plain"], "fn add(a: u8) -> u8\n\nAdds `1`.\n\ncell 1");
        assert_eq!(bundle["text/markdown"], "```rust\nfn add(a: u8) -> u8\n```\n\nAdds `1`.\n\n*cell 1*");
        let html = bundle["text/html"].as_str().unwrap();
        assert!(html.contains("fn add(a: u8) -&gt; u8") && html.contains("<code>1</code>"), "{html}");
        assert!(inspection(&found, None, 1)["text/plain"].as_str().unwrap().ends_with("{ a + 1 }"));
    }

    #[test]
    fn values_are_shown_and_not_without_end() {
        let signature = "let x: String".to_owned();
        let found =
            Inspection { signature, docs: String::new(), place: None, source: None, variable: Some("x".into()) };
        assert_eq!(inspection(&found, Some("\"a\""), 0)["text/plain"], "let x: String = \"a\"");
        let long = "é".repeat(LONGEST_VALUE);
        assert!(inspection(&found, Some(&long), 0)["text/plain"].as_str().unwrap().len() < LONGEST_VALUE + 100);
        assert!(block("rust", "a```b").starts_with("````rust"));
    }
}
