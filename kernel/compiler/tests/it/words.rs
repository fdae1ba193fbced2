//! What users read about their errors is what rustc says, but for places.
//!
//! Each example of `words/*.md` is told twice: by the kernel, as cells, and by plain stable rustc, which gets the items
//! as a file and the statements as `fn main`, or as an async function where they await. Titles, labels, what they point
//! at, notes, helps and suggested code are compared; names of files and numbers of lines are not.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Mutex, OnceLock};

use build::SessionLibrary;
use cargo_metadata::diagnostic::{Diagnostic, DiagnosticLevel};
use compiler::{Notebook, PrepareError, Source};
use tokio_util::sync::CancellationToken;

use crate::session;

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
        .arg(format!("--sysroot={}", without_source().display()))
        .args(["--edition=2024", "--crate-type=lib", "--emit=obj", "--error-format=json"])
        // The crates that are as good as std in a notebook are as good as dependencies of the program.
        .args(session::library().externs().iter().filter(|argument| !argument.starts_with("--extern=kissaten=")))
        .arg(root)
        .current_dir(folder.path())
        .env_remove("RUSTC_BOOTSTRAP")
        .env_remove("CARGO_CRATE_NAME")
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

/// The folder of the compiler's libraries without std's source, which rustc shows where it is and users do not see.
fn without_source() -> &'static Path {
    static FOLDER: OnceLock<tempfile::TempDir> = OnceLock::new();
    let make = || {
        let folder = tempfile::tempdir().unwrap();
        let inside = folder.path().join("lib/rustlib");
        std::fs::create_dir_all(&inside).unwrap();
        let libraries = session::library().rustc().ancestors().nth(2).unwrap().join("lib/rustlib");
        for entry in std::fs::read_dir(libraries).unwrap().map(|entry| entry.unwrap()) {
            if entry.path().join("lib").is_dir() {
                std::os::unix::fs::symlink(entry.path(), inside.join(entry.file_name())).unwrap();
            }
        }
        folder
    };
    FOLDER.get_or_init(make).path()
}

/// What the kernel says.
async fn by_kernel(cells: &[&str], library: &SessionLibrary) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let mut notebook = Notebook::new(library.clone(), folder.path()).unwrap();
    for (number, text) in cells.iter().enumerate() {
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
        // Where a macro of std's calls itself, and what a nightly compiler could tell more.
        let line = line.split(" (in Nightly builds").next().unwrap_or_default().trim_end();
        if line.ends_with("note: in this macro invocation") {
            continue;
        }
        let line = without_places(if line.starts_with('|') { line } else { line.trim_start() });
        // Words that only point somewhere say nothing without the place.
        let points = line.ends_with(" here") && line.starts_with("note: ");
        if !matches!(line.as_str(), "" | "|") && !points {
            lines.push(line);
        }
    }
    // A line without a mark stands there for those around it, which are others where the text is in two cells.
    let is_drawn = |line: &str| line.starts_with('|');
    let is_mark = |line: &str| {
        line.strip_prefix('|').is_some_and(|drawn| drawn.trim_start().starts_with(['^', '-', '|', '_', '+', '~']))
    };
    let mut told: Vec<String> = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let is_marked = lines.get(index + 1).is_some_and(|next| is_mark(next));
        if !is_drawn(line) || is_mark(line) || is_marked {
            told.push(line.clone());
        }
    }
    // rustc's order is not always the same.
    told.sort();
    told
}

/// `{closure@cell 2:2:20: 2:27}` without the place.
fn without_places(line: &str) -> String {
    let mut parts = line.split('@');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |line, part| line + "@" + part.find('}').map_or(part, |end| &part[end..]))
}

fn compare(name: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/words").join(name);
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
            let rustcs = by_rustc(example);
            let Example { title, items, statements } = example;
            // In two cells, and in one.
            let mut kernels = vec![runtime.block_on(by_kernel(&[items, statements], &library))];
            if !items.is_empty() && !statements.is_empty() {
                let text = format!("{items}\n{statements}");
                kernels.push(runtime.block_on(by_kernel(&[&text], &library)));
            }
            for ours in kernels.iter().filter(|ours| **ours != rustcs) {
                let (ours, rustcs) = (ours.join("\n"), rustcs.join("\n"));
                let both = format!("## {title}\n--- users read\n{ours}\n--- rustc says\n{rustcs}\n");
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
