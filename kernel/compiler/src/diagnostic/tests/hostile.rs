//! Too many errors, too deep ones, lines that are none, and places that cannot be: nothing of it may panic.

use annotate_snippets::Renderer;
use cargo_metadata::diagnostic::Diagnostic;

use super::cell;
use crate::diagnostic::render::report;
use crate::diagnostic::{SourceMap, parse, render, summary};

#[test]
fn hundreds_of_errors_stay_readable() {
    let lines = "let x: u8 = \"\";\n".repeat(300);
    let cells = cell(&format!("pub fn f() {{\n{lines}}}\n"));
    let parsed = cells.compile();
    assert_eq!(parsed.diagnostics.iter().filter(|one| super::super::parse::is_error(one)).count(), 300);
    let diagnostics: Vec<&Diagnostic> = parsed.diagnostics.iter().collect();
    let rendered = render(&diagnostics, &cells, &|_| Vec::new());
    assert!(rendered.plain.ends_with("\n\n… and 280 more errors"), "{}", rendered.plain);
    assert!(rendered.ansi.len() < 20_000, "{}", rendered.ansi.len());
    assert_eq!(summary(&diagnostics, &cells), "E0308: mismatched types, and 299 more errors");
}

#[test]
fn a_cell_of_one_enormous_line() {
    let cells = cell(&format!("pub fn f(value: u8) {{ let s = \"{}\"; valeu }}", "🦀".repeat(250_000)));
    let parsed = cells.compile();
    let diagnostics: Vec<&Diagnostic> = parsed.diagnostics.iter().collect();
    let rendered = render(&diagnostics, &cells, &|_| Vec::new());
    assert!(rendered.plain.contains("cannot find value `valeu`"));
    assert!(rendered.plain.len() < 2_000, "{}", rendered.plain.len());
}

#[test]
fn lines_that_are_no_diagnostics() {
    let parsed = parse(
        b"thread 'rustc' panicked at \xff\n{\"$message_type\":\"artifact\",\"artifact\":\"a\",\"emit\":\"link\"}\n\n\
          {\"message\":\"aborting due to 2 previous errors\",\"level\":\"error\",\"spans\":[],\"children\":[],\
          \"code\":null,\"rendered\":\"\"}\nKilled",
    );
    assert_eq!(parsed.diagnostics.len(), 0);
    assert_eq!(parsed.other, "thread 'rustc' panicked at \u{fffd}\nKilled\n");
}

fn span(from: usize, to: usize) -> serde_json::Value {
    serde_json::json!({
        "file_name": "cell 3", "byte_start": from, "byte_end": to, "line_start": 1, "line_end": 1, "column_start": from,
        "column_end": to, "is_primary": from.is_multiple_of(2), "text": [], "label": (!to.is_multiple_of(3)).then_some("a\nlabel \t🦀"),
        "suggested_replacement": null, "suggestion_applicability": null, "expansion": null,
    })
}

#[test]
fn expansions_deeper_than_json_may_be() {
    let mut deep = span(1, 2);
    for depth in 0..120 {
        let mut outer = span(depth, 3);
        outer["label"] = "} \" {".into();
        outer["expansion"] = serde_json::json!({"span": deep, "macro_decl_name": "m!", "def_site_span": null});
        deep = outer;
    }
    let line = serde_json::json!({"message": "deep", "level": "error", "spans": [deep], "children": [], "code": null});
    let parsed = parse(line.to_string().as_bytes());
    assert_eq!(parsed.other, "");
    assert_eq!(parsed.diagnostics[0].message, "deep");
    assert_eq!(parsed.diagnostics[0].spans.len(), 1);
}

/// Columns are bytes here: any byte of any text, also inside a char and past the end.
struct AnyByte(String);

impl SourceMap for AnyByte {
    fn source(&self, _: &str) -> Option<&str> {
        Some(&self.0)
    }

    fn offset(&self, _: &str, _: usize, column: usize) -> Option<usize> {
        (column % 7 != 5).then_some(column)
    }

    fn clean(&self, message: &str) -> String {
        message.to_owned()
    }
}

#[test]
fn no_range_makes_the_renderer_panic() {
    // A linear congruential generator: the cases are always the same.
    let mut state = 1u64;
    let mut random = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    let pieces =
        ["a", "let x", " ", "\n", "\r\n", "\r", "\t", "🦀", "名", "e\u{301}", "\u{200d}", "\u{1b}[31m", "{", ""];
    let codes = ["", "x", "use a::b;\n", "\n", "🦀🦀", "let x = 1", "\t{\n\t}\n", "a\nb\nc\nd\ne\nf\ng\nh\n"];
    for _ in 0..2_000 {
        let length = random(30);
        let map = AnyByte((0..length).map(|_| pieces[random(pieces.len())]).collect());
        let spans = |random: &mut dyn FnMut(usize) -> usize, count: usize| -> Vec<serde_json::Value> {
            (0..count).map(|_| span(random(map.0.len() + 4), random(map.0.len() + 4))).collect()
        };
        let count = random(5);
        let own = spans(&mut random, count);
        let count = 1 + random(3);
        let mut suggested = spans(&mut random, count);
        if random(2) == 0 {
            suggested.sort_by_key(|span| span["byte_start"].as_u64());
        }
        for span in &mut suggested {
            span["suggested_replacement"] = codes[random(codes.len())].into();
        }
        let child =
            serde_json::json!({"message": "do", "level": "help", "spans": suggested, "children": [], "code": null});
        let note = serde_json::json!({"message": "a\n  b", "level": "note", "spans": [], "children": [], "code": null});
        let diagnostic = serde_json::json!({
            "message": "wrong\nhere", "level": "error", "spans": own, "children": [note, child], "code": null
        });
        let diagnostic: Diagnostic = serde_json::from_value(diagnostic).unwrap();
        // Not through `render`, which would catch it.
        let report = report(&diagnostic, &map, &["ours".to_owned()]);
        Renderer::styled().render(&report);
    }
}
