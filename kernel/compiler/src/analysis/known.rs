//! Names that are always there: Rust's own words, and the first steps of the paths that everybody writes. The rest of std
//! and of the crates is the analyzer's.

use super::Kind;

/// Words that can begin an expression, a statement or an item.
pub(super) const KEYWORDS: &[&str] = &[
    "as", "async", "await", "break", "const", "continue", "crate", "dyn", "else", "enum", "extern", "false", "fn",
    "for", "if", "impl", "in", "let", "loop", "match", "mod", "move", "mut", "pub", "ref", "return", "self", "static",
    "struct", "super", "trait", "true", "type", "union", "unsafe", "use", "where", "while",
];

/// Types that are there without a `use`.
pub(super) const TYPES: &[&str] = &[
    "Box", "Option", "Result", "String", "Vec", "bool", "char", "f32", "f64", "i128", "i16", "i32", "i64", "i8",
    "isize", "str", "u128", "u16", "u32", "u64", "u8", "usize",
];

/// Traits of the same kind.
pub(super) const TRAITS: &[&str] = &[
    "AsMut",
    "AsRef",
    "AsyncFn",
    "AsyncFnMut",
    "AsyncFnOnce",
    "Clone",
    "Copy",
    "Default",
    "DoubleEndedIterator",
    "Drop",
    "Eq",
    "ExactSizeIterator",
    "Extend",
    "Fn",
    "FnMut",
    "FnOnce",
    "From",
    "FromIterator",
    "Future",
    "Into",
    "IntoFuture",
    "IntoIterator",
    "Iterator",
    "Ord",
    "PartialEq",
    "PartialOrd",
    "Send",
    "Sized",
    "Sync",
    "ToOwned",
    "ToString",
    "TryFrom",
    "TryInto",
    "Unpin",
];

/// Variants and functions of the same kind.
pub(super) const VALUES: &[(&str, Kind)] = &[
    ("Err", Kind::Variant),
    ("None", Kind::Variant),
    ("Ok", Kind::Variant),
    ("Some", Kind::Variant),
    ("drop", Kind::Function),
];

/// Macros of the same kind.
pub(super) const MACROS: &[&str] = &[
    "assert!",
    "assert_eq!",
    "assert_ne!",
    "cfg!",
    "column!",
    "compile_error!",
    "concat!",
    "dbg!",
    "debug_assert!",
    "debug_assert_eq!",
    "debug_assert_ne!",
    "env!",
    "eprint!",
    "eprintln!",
    "file!",
    "format!",
    "format_args!",
    "include!",
    "include_bytes!",
    "include_str!",
    "line!",
    "macro_rules!",
    "matches!",
    "module_path!",
    "option_env!",
    "panic!",
    "print!",
    "println!",
    "stringify!",
    "thread_local!",
    "todo!",
    "unimplemented!",
    "unreachable!",
    "vec!",
    "write!",
    "writeln!",
];

/// What `#[derive(…)]` takes without a crate.
pub(super) const DERIVES: &[&str] =
    &["Clone", "Copy", "Debug", "Default", "Eq", "Hash", "Ord", "PartialEq", "PartialOrd"];

/// Crates that every cell can name.
pub(super) const CRATES: &[&str] = &["alloc", "core", "futures", "kissaten", "std", "tokio"];

/// The modules and functions at the root of a crate, and of the modules that come up most.
pub(super) fn inside(path: &str) -> Option<(&'static [&'static str], &'static [&'static str])> {
    Some(match path {
        "std" => (
            &[
                "alloc",
                "any",
                "arch",
                "array",
                "ascii",
                "backtrace",
                "borrow",
                "boxed",
                "cell",
                "char",
                "clone",
                "cmp",
                "collections",
                "convert",
                "default",
                "env",
                "error",
                "f32",
                "f64",
                "ffi",
                "fmt",
                "fs",
                "future",
                "hash",
                "hint",
                "io",
                "iter",
                "marker",
                "mem",
                "net",
                "num",
                "ops",
                "option",
                "os",
                "panic",
                "path",
                "pin",
                "prelude",
                "process",
                "ptr",
                "rc",
                "result",
                "slice",
                "str",
                "string",
                "sync",
                "task",
                "thread",
                "time",
                "vec",
            ],
            &[],
        ),
        "core" => (
            &[
                "any", "array", "cell", "char", "clone", "cmp", "convert", "fmt", "future", "hash", "hint", "iter",
                "marker", "mem", "num", "ops", "option", "panic", "pin", "ptr", "result", "slice", "str", "sync",
                "task", "time",
            ],
            &[],
        ),
        "std::collections" => (
            &["binary_heap", "btree_map", "btree_set", "hash_map", "hash_set", "linked_list", "vec_deque"],
            &["BTreeMap", "BTreeSet", "BinaryHeap", "HashMap", "HashSet", "LinkedList", "VecDeque"],
        ),
        "std::sync" => (
            &["atomic", "mpsc"],
            &["Arc", "Barrier", "Condvar", "LazyLock", "Mutex", "MutexGuard", "Once", "OnceLock", "RwLock", "Weak"],
        ),
        "std::time" => (&[], &["Duration", "Instant", "SystemTime", "UNIX_EPOCH"]),
        "tokio" => (
            &["fs", "io", "net", "process", "runtime", "signal", "sync", "task", "time"],
            &["join!", "main", "pin!", "select!", "spawn", "task_local!", "test", "try_join!"],
        ),
        "tokio::sync" => (
            &["broadcast", "mpsc", "oneshot", "watch"],
            &["Barrier", "Mutex", "MutexGuard", "Notify", "OnceCell", "RwLock", "Semaphore"],
        ),
        "tokio::time" => (
            &["error"],
            &[
                "Duration",
                "Instant",
                "Interval",
                "Sleep",
                "Timeout",
                "interval",
                "interval_at",
                "sleep",
                "sleep_until",
                "timeout",
                "timeout_at",
            ],
        ),
        "tokio::task" => (
            &["coop"],
            &[
                "AbortHandle",
                "JoinError",
                "JoinHandle",
                "JoinSet",
                "LocalSet",
                "block_in_place",
                "spawn",
                "spawn_blocking",
                "spawn_local",
                "yield_now",
            ],
        ),
        "futures" => (
            &["channel", "executor", "future", "io", "lock", "prelude", "sink", "stream", "task"],
            &[
                "Future",
                "FutureExt",
                "Sink",
                "SinkExt",
                "Stream",
                "StreamExt",
                "TryFutureExt",
                "TryStreamExt",
                "join!",
                "pin_mut!",
                "select!",
                "try_join!",
            ],
        ),
        "kissaten" => (
            &["comm", "futures", "lesson", "runtime", "serde", "timeline", "tokio", "widget"],
            &[
                "Display",
                "DisplayHandle",
                "Html",
                "Jpeg",
                "Json",
                "JsonError",
                "Latex",
                "Markdown",
                "MimeBundle",
                "Plain",
                "Png",
                "Progress",
                "Svg",
                "Task",
                "TaskState",
                "Tasks",
                "Wait",
                "clear_output",
                "display",
                "display_under",
                "display_with_id",
                "input",
                "input_password",
                "page",
                "progress",
                "progress_stream",
                "set_next_input",
                "table",
                "tasks",
                "update_display",
                "watch_tasks",
            ],
        ),
        "kissaten::lesson" => (
            &[],
            &[
                "Bars",
                "Diary",
                "DiaryEntry",
                "HttpReply",
                "HttpRequest",
                "Meter",
                "bars",
                "claim",
                "get",
                "memory",
                "roll",
                "seats",
                "threads",
                "work",
            ],
        ),
        _ => return None,
    })
}

/// What a name of these looks like.
pub(super) fn kind(name: &str) -> Kind {
    if name.ends_with('!') {
        Kind::Macro
    } else if name.chars().all(|character| character.is_uppercase() || character == '_') && name.len() > 1 {
        Kind::Constant
    } else if name.starts_with(char::is_uppercase) {
        Kind::Type
    } else {
        Kind::Function
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The names of a `use`, as they are where it stands.
    fn names(tree: &syn::UseTree, into: &mut BTreeSet<String>) {
        match tree {
            syn::UseTree::Path(path) => names(&path.tree, into),
            syn::UseTree::Group(group) => group.items.iter().for_each(|tree| names(tree, into)),
            syn::UseTree::Name(name) => drop(into.insert(name.ident.to_string())),
            syn::UseTree::Rename(rename) => drop(into.insert(rename.rename.to_string())),
            syn::UseTree::Glob(_) => panic!("the names behind a glob are not known"),
        }
    }

    #[test]
    fn the_names_for_lessons_are_those_that_there_are() {
        fn named(item: &syn::Item) -> Option<(&syn::Visibility, String)> {
            match item {
                syn::Item::Fn(item) => Some((&item.vis, item.sig.ident.to_string())),
                syn::Item::Struct(item) => Some((&item.vis, item.ident.to_string())),
                _ => None,
            }
        }

        let file = syn::parse_file(include_str!("../../../kissaten/src/lesson.rs")).unwrap();
        let mut there = BTreeSet::new();
        for (vis, name) in file.items.iter().filter_map(named) {
            if matches!(vis, syn::Visibility::Public(_)) {
                there.insert(name);
            }
        }
        let known: BTreeSet<String> =
            inside("kissaten::lesson").unwrap().1.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(known, there);
    }

    #[test]
    fn the_names_of_the_session_library_are_those_that_it_has() {
        let library = syn::parse_file(include_str!("../../../kissaten/src/lib.rs")).unwrap();
        let mut there = BTreeSet::new();
        for item in &library.items {
            match item {
                syn::Item::Use(item) if matches!(item.vis, syn::Visibility::Public(_)) => names(&item.tree, &mut there),
                syn::Item::Mod(item) if matches!(item.vis, syn::Visibility::Public(_)) && item.attrs.is_empty() => {
                    there.insert(item.ident.to_string());
                }
                _ => {}
            }
        }
        let (modules, others) = inside("kissaten").unwrap();
        let known: BTreeSet<String> = modules.iter().chain(others).map(|name| (*name).to_owned()).collect();
        assert_eq!(known, there);
    }
}
