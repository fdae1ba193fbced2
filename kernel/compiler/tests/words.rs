//! What users read about their errors is what rustc says, but for places.
//!
//! Each example of `words/*.md` is told twice: by the kernel, as cells, and by plain stable rustc, which gets the items
//! as a file and the statements as `fn main`, or as an async function where they await. Titles, labels, what they point
//! at, notes, helps and suggested code are compared; names of files and numbers of lines are not.

mod session;

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;

use cargo_metadata::diagnostic::{Diagnostic, DiagnosticLevel};
use compiler::{Notebook, PrepareError, SessionLibrary, Source};
use tokio_util::sync::CancellationToken;

/// An erring example.
struct Example {
    title: String,
    items: String,
    statements: String,
}

fn examples(text: &str) -> Vec<Example> {
    let mut found = Vec::new();
    for part in text.split("\n## ").skip(1) {
        let (title, rest) = part.split_once('\n').unwrap();
        let fence = |name: &str| {
            let (_, rest) = rest.split_once(&format!("```{name}\n"))?;
            Some(rest.split_once("\n```").unwrap().0.to_owned())
        };
        let (items, statements) = (fence("rust items").unwrap_or_default(), fence("rust").unwrap_or_default());
        found.push(Example { title: title.to_owned(), items, statements });
    }
    found
}

/// What rustc says when it is called by hand.
fn by_rustc(example: &Example) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("items", &example.items);
    if !example.statements.is_empty() {
        let include = if example.items.is_empty() { "" } else { "include!(\"items\");" };
        let is_async = if example.statements.contains(".await") { "async " } else { "" };
        write("statements", &format!("{include}{is_async}fn main() {{\n{}\n}}\n", example.statements));
    }
    let root = if example.statements.is_empty() { "items" } else { "statements" };
    let output = Command::new(session::library().rustc())
        .args(["--edition=2024", "--crate-type=lib", "--emit=obj", "--error-format=json"])
        // The crates that are as good as std in a notebook are as good as dependencies of the program.
        .args(session::library().externs().iter().filter(|argument| !argument.starts_with("--extern=kissaten=")))
        .arg(root)
        .current_dir(folder.path())
        .env_remove("RUSTC_BOOTSTRAP")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    let diagnostics = said.lines().filter_map(|line| serde_json::from_str::<Diagnostic>(line).ok());
    let errors = diagnostics.filter(|one| one.level == DiagnosticLevel::Error && !one.message.starts_with("aborting"));
    let rendered: Vec<String> = errors.filter_map(|error| error.rendered).collect();
    assert!(!rendered.is_empty(), "rustc finds nothing wrong with {}", example.title);
    essence(&rendered.join("\n"))
}

/// What the kernel says.
async fn by_kernel(example: &Example, library: &SessionLibrary) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let mut notebook = Notebook::new(library.clone(), folder.path()).unwrap();
    for (number, text) in [&example.items, &example.statements].into_iter().enumerate() {
        if !text.is_empty() {
            let said = error_of(&mut notebook, text, number + 1).await;
            if let Some(said) = said {
                return essence(&said);
            }
        }
    }
    vec!["no error".to_owned()]
}

async fn error_of(notebook: &mut Notebook, text: &str, number: usize) -> Option<String> {
    let source = Source {
        text: text.to_owned(),
        label: format!("cell {number}"),
        cell_id: None,
        opt_level: None,
        timeline: false,
        show_type: false,
        remember: false,
        is_expression: false,
    };
    match notebook.prepare(&source, &CancellationToken::new()).await {
        Ok(_) => None,
        Err(PrepareError::Compile(error)) => Some(error.rendered.plain),
        Err(other) => panic!("{other}"),
    }
}

/// The lines of a rendered error without places.
fn essence(rendered: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut is_foreign = false;
    for line in rendered.lines() {
        let trimmed = line.trim();
        if let Some(place) = trimmed.strip_prefix("--> ").or(trimmed.strip_prefix("::: ")) {
            // Where std's source is there, it is shown; users see no more of it than its words.
            is_foreign = Path::new(place).is_absolute();
            continue;
        }
        is_foreign &= line.starts_with([' ', '.']) || line.starts_with(char::is_numeric);
        let behind_number = line.trim_start_matches([' ', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9']);
        let is_drawing = behind_number.starts_with('|') || trimmed == "...";
        if is_drawing && (is_foreign || trimmed == "...") {
            continue;
        }
        let edit = ["- ", "+ ", "~ "].iter().any(|mark| behind_number.starts_with(mark));
        let line = match behind_number.strip_prefix('|') {
            Some(drawn) => format!("|{drawn}"),
            None if edit && line.starts_with(char::is_numeric) => behind_number.to_owned(),
            None => trimmed.strip_prefix("= ").unwrap_or(line).to_owned(),
        };
        let line = line.trim_end();
        // Words that only point somewhere say nothing without the place.
        let points = line.ends_with(" here") && line.starts_with("note: ");
        if !matches!(line, "" | "|") && !points {
            lines.push(line.to_owned());
        }
    }
    // rustc's order is not always the same.
    lines.sort();
    lines
}

fn compare(name: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/words").join(name);
    let mut examples = examples(&std::fs::read_to_string(path).unwrap());
    if let Ok(only) = std::env::var("KISSATEN_WORDS") {
        examples.retain(|example| example.title.contains(&only));
    }
    let library = session::library();
    let (all, differ) = (Mutex::new(examples.iter()), Mutex::new(Vec::new()));
    // Mostly they wait for rustc.
    let work = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        loop {
            let Some(example) = all.lock().unwrap().next() else { break };
            let (ours, rustcs) = (runtime.block_on(by_kernel(example, &library)), by_rustc(example));
            if ours != rustcs {
                let (ours, rustcs) = (ours.join("\n"), rustcs.join("\n"));
                let both = format!("## {}\n--- users read\n{ours}\n--- rustc says\n{rustcs}\n", example.title);
                differ.lock().unwrap().push(both);
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(work);
        }
    });
    let differ = differ.into_inner().unwrap();
    assert!(differ.is_empty(), "{} of {name}:\n{}", differ.len(), differ.join("\n"));
}

#[test]
fn types_and_calls() {
    compare("types.md");
}

#[test]
fn moves_and_borrows() {
    compare("borrows.md");
}

#[test]
fn names_and_syntax() {
    compare("names.md");
}

#[test]
fn traits_and_async() {
    compare("traits.md");
}
