//! Notebooks that were exported: their program prints what their cells printed and showed.

use std::path::Path;
use std::process::Command;

use tokio_util::sync::CancellationToken;

use crate::session::Session;

/// Runs the cells, then the program that they were exported as. What it prints, and what was left out.
fn export(cells: &[(&str, Option<&str>)]) -> (String, Vec<String>, String) {
    let mut session = Session::new();
    let mut run = |text: &str, id: Option<&str>| match id {
        Some(id) => session.run_as(text, Some(id)),
        None => session.run(text),
    };
    let shown: Vec<String> = cells.iter().map(|(text, id)| run(text, *id)).collect();
    let shown = shown.join("\n");
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let left_out = runtime.block_on(session.notebook.export(folder.path(), &CancellationToken::new())).unwrap();
    // What runs beside each other waits for its turn in cargo.
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("exported");
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["run", "--quiet", "--offline"]).env("CARGO_TARGET_DIR", target).current_dir(folder.path());
    let output = cargo.output().unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{errors}\n{}", program(folder.path()));
    assert!(!errors.contains("warning"), "{errors}");
    let shown: String = shown
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with("note: "))
        .map(|line| format!("{}\n", line.strip_prefix("= ").unwrap_or(line)))
        .collect();
    (shown, left_out, String::from_utf8(output.stdout).unwrap())
}

fn program(folder: &Path) -> String {
    std::fs::read_to_string(folder.join("src/main.rs")).unwrap()
}

fn check(cells: &[&str]) {
    let cells: Vec<_> = cells.iter().map(|text| (*text, None)).collect();
    let (shown, left_out, printed) = export(&cells);
    assert_eq!(left_out, Vec::<String>::new());
    assert_eq!(printed, shown);
}

#[test]
fn names_mean_what_they_meant_in_their_cells() {
    check(&[
        "use std::sync::Mutex;\nstruct Shared { m: Mutex<u8> }\nlet s = Shared { m: Mutex::new(3) };",
        "use tokio::sync::Mutex;\nlet m = Mutex::new(4);",
        "(*s.m.lock().unwrap(), *m.lock().await)",
        "use std::rc::Rc;\nfn one() -> Rc<u8> { Rc::new(1) }\nlet a = Rc::new(2);",
        "#[derive(Debug)]\nstruct Rc;\n(a, one(), Rc)",
        "use std::fmt::Write;\nlet mut text = String::new();\nwrite!(text, \"a\")?;",
        "use std::io::Write;\nlet mut bytes = Vec::new();\nwrite!(bytes, \"b\")?;\n(text, bytes)",
        "mod inside { pub struct Own(pub u8); }\nuse crate::inside::Own;",
        "Own(7).0",
    ]);
}

#[test]
fn tasks_channels_and_structs() {
    check(&[
        "#[derive(Debug, Clone)]\nstruct Cup { size: u32 }\nuse std::time::Duration;",
        "impl Cup { fn is_big(&self) -> bool { self.size > 2 } }\nlet cup = Cup { size: 3 };\ncup.clone()",
        "let (tx, mut rx) = tokio::sync::mpsc::channel(8);\nlet task = tokio::spawn(async move {\n    for size in 0..3 {\n        \
         tokio::time::sleep(Duration::from_millis(1)).await;\n        tx.send(Cup { size }).await.unwrap();\n    }\n});",
        "while let Some(cup) = rx.recv().await {\n    println!(\"{} {}\", cup.size, cup.is_big());\n}\ntask.await?;",
        "futures::future::join(async { 1 }, async { \"two\" }).await",
        "(1..40).collect::<Vec<u32>>()",
        "(0..30).map(|size| Cup { size }).collect::<Vec<_>>()",
        "fn one() -> u8 { 1 }\nlet f: fn() -> u8 = one;\nf",
        "one",
    ]);
}

#[test]
fn statics_macros_and_modules() {
    check(&[
        "use std::sync::atomic::{AtomicU32, Ordering};\nstatic COUNT: AtomicU32 = AtomicU32::new(0);",
        "use std::sync::atomic::Ordering;\nmacro_rules! twice { ($e:expr) => {{ $e; $e }} }\n\
         twice!(COUNT.fetch_add(1, Ordering::Relaxed))",
        "let base = 1;\nmacro_rules! more { ($n:expr) => { base + $n } }\nmore!(2)",
        "mod shapes { #[derive(Debug, Default)] pub struct Square(pub u8); }\nuse shapes::Square;\nSquare::default()",
        "thread_local! { static LEVEL: std::cell::Cell<u8> = const { std::cell::Cell::new(4) }; }\nLEVEL.with(|l| l.get())",
        "struct Opaque;\nOpaque",
        "COUNT.load(Ordering::Relaxed)",
    ]);
}

#[test]
fn what_is_shown_and_counted() {
    check(&[
        "for n in kissaten::progress(0..3).title(\"three\") {\n    println!(\"{n}\");\n}",
        "use futures::StreamExt;\nlet mut even = kissaten::progress_stream(futures::stream::iter(1..6).filter(|n| futures::future::ready(n % 2 == 0)));\n\
         while let Some(n) = even.next().await {\n    println!(\"{n}\");\n}",
        "kissaten::Latex(\"x^2\")",
        "struct Tea;\nimpl kissaten::Display for Tea {\n    fn mime_bundle(&self) -> kissaten::MimeBundle {\n        \
         kissaten::Html(\"tea\").into()\n    }\n}\nTea",
    ]);
}

#[test]
fn what_ends_with_a_cell_ends_there_in_the_program() {
    check(&[
        "use std::sync::{Arc, Mutex};\nlet shared = Arc::new(Mutex::new(1));",
        // The guard is kept: whoever wants the lock drops it, as in one function.
        "let guard = shared.lock().unwrap();\nprintln!(\"{guard}\");\ndrop(guard);",
        // Its error borrows as well.
        "*shared.lock()? += 1;\n*shared.lock()?",
        "if *shared.lock()? == 2 {\n    println!(\"two\");\n    return;\n}\nprintln!(\"not two\");",
        "let text = \"a\n\n\nb\";\ntext.len()",
        "let x = 1; // one\nlet x = x + 1;\nx // two",
        "Ok(())",
    ]);
}

#[test]
fn a_main_of_the_notebooks_own_is_called_otherwise() {
    check(&["#[tokio::main]\nasync fn main() { println!(\"mine\"); }", "main().await;", "main().await"]);
}

#[test]
fn what_does_not_fit_is_left_out() {
    let (_, left_out, printed) = export(&[
        ("struct P { x: u8 }\nlet p = P { x: 1 };\nprintln!(\"old {}\", p.x);", None),
        ("struct P { x: u8, y: u8 }\nlet p = P { x: 1, y: 2 };\nprintln!(\"new {}\", p.x + p.y);", None),
        ("println!(\"before\"); let n: u8 = \"no\".parse()?;", None),
        ("kissaten::tasks().len()", None),
        ("println!(\"after\");", None),
    ]);
    assert_eq!(printed, "new 3\nafter\n");
    assert_eq!(left_out.len(), 2, "{left_out:?}");
    assert!(left_out[0].starts_with("cell 1 is left out: missing field"), "{left_out:?}");
}

#[test]
fn a_cell_that_ran_again_is_there_once() {
    let (_, left_out, printed) = export(&[
        ("let x = 1;", Some("a")),
        ("println!(\"{x}\");", Some("b")),
        ("let x = 2;", Some("a")),
        ("println!(\"{}\", x * 10);", Some("b")),
    ]);
    assert_eq!((printed.as_str(), left_out.len()), ("20\n", 0));
}
