//! The parser of rustc's stderr: diagnostics, and what is none.
//!
//! Answers for the wire form only: one JSON object a line, between lines of other programs (a linker, a crash of
//! rustc). Knows nothing of cells.

use cargo_metadata::diagnostic::{Diagnostic, DiagnosticLevel};

use super::message;

/// The output of rustc, its stderr, taken apart.
#[derive(Debug, Default)]
pub(crate) struct RustcOutput {
    /// In rustc's order, without its closing remarks ("aborting due to …").
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// The lines that were no diagnostics: a crash, `Killed`, what a linker prints.
    pub(crate) other: String,
}

pub(super) fn is_error(diagnostic: &Diagnostic) -> bool {
    matches!(diagnostic.level, DiagnosticLevel::Error | DiagnosticLevel::Ice)
}

pub(crate) fn parse(stderr: &[u8]) -> RustcOutput {
    let mut parsed = RustcOutput::default();
    for line in String::from_utf8_lossy(stderr).lines() {
        let object = line.trim_start();
        if object.is_empty() {
            continue;
        }
        let diagnostic = serde_json::from_str::<Diagnostic>(object)
            .or_else(|_| serde_json::from_str(&without_deep_expansions(object)));
        match diagnostic {
            Ok(diagnostic) if is_remark(&diagnostic) => {}
            Ok(mut diagnostic) => {
                message::name_top_level(&mut diagnostic);
                parsed.diagnostics.push(diagnostic);
            }
            // Artifact notifications and the like: rustc's, and for nobody here.
            Err(_) if object.starts_with(r#"{"$message_type""#) => {}
            Err(_) => {
                parsed.other.push_str(line);
                parsed.other.push('\n');
            }
        }
    }
    parsed
}

/// Remarks on the run as a whole. They send the reader to a terminal, and count what is counted elsewhere.
fn is_remark(diagnostic: &Diagnostic) -> bool {
    let message = &diagnostic.message;
    diagnostic.level == DiagnosticLevel::FailureNote
        || diagnostic.spans.is_empty()
            && (message.starts_with("aborting due to ")
                || message.starts_with("For more information about ")
                || message.starts_with("Some errors have detailed explanations")
                || message.ends_with(" warning emitted")
                || message.ends_with(" warnings emitted"))
}

/// Cuts the innermost of very deep macro expansions off a line of JSON: `serde_json` refuses to nest further than 128
/// levels, and one recursive macro must not cost the message.
fn without_deep_expansions(line: &str) -> String {
    const KEY: &str = r#""expansion":"#;
    const DEEPEST: usize = 100;

    let mut kept = String::with_capacity(line.len());
    let mut copied = 0;
    let (mut depth, mut in_string, mut escaped) = (0usize, false, false);
    // While inside an object that is being cut: the depth at which it ends.
    let mut cut = None;
    for (at, byte) in line.bytes().enumerate() {
        if byte == b'{' && !in_string && cut.is_none() && depth >= DEEPEST && line[..at].ends_with(KEY) {
            kept.push_str(&line[copied..at]);
            kept.push_str("null");
            cut = Some(depth);
        }
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => depth += 1,
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
        if byte == b'}' && !in_string && cut == Some(depth) {
            copied = at + 1;
            cut = None;
        }
    }
    kept.push_str(&line[copied..]);
    kept
}
