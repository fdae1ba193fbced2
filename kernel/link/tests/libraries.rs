//! What is linked, loaded and called: libraries that rustc compiles, with this linker in the place of its own.

#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::mem::ManuallyDrop;
use std::path::{Path, PathBuf};
use std::process::Command;

use expect_test::{Expect, expect};
use libloading::Library;
use object::{Object as _, ObjectSymbol as _, SymbolScope};
use tempfile::TempDir;

/// A folder for libraries, and the compiler that makes them.
struct Bench {
    folder: TempDir,
    rustc: OsString,
    /// Where `libstd.so` is, and the compiler's own linker.
    libraries: PathBuf,
}

impl Bench {
    fn new() -> Self {
        let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let output = Command::new(&rustc).args(["--print", "target-libdir"]).output().unwrap();
        let libraries = PathBuf::from(String::from_utf8(output.stdout).unwrap().trim());
        Self { folder: tempfile::tempdir().unwrap(), rustc, libraries }
    }

    fn own_linker(&self) -> PathBuf {
        self.libraries.parent().unwrap().join("bin/rust-lld")
    }

    /// Compiles a library. `linker`: what rustc starts; `other`: what that starts for what it does not do. What it says of
    /// that comes back, or what rustc said if it failed.
    fn compile(
        &self,
        name: &str,
        text: &str,
        arguments: &[&str],
        linker: &Path,
        other: &Path,
    ) -> Result<String, String> {
        let path = |file: String| self.folder.path().join(file);
        let reasons = path(format!("{name}.reasons"));
        let _ = fs::remove_file(&reasons);
        fs::write(path(format!("{name}.rs")), text).unwrap();
        let mut rustc = Command::new(&self.rustc);
        rustc.env(link::OTHER, other).env(link::REASONS, &reasons).env("RUSTC_BOOTSTRAP", "1");
        rustc.args([
            "--edition=2024",
            "-Cprefer-dynamic",
            "-Clinker-flavor=ld.lld",
            "-Zlink-native-libraries=no",
            "-Awarnings",
        ]);
        rustc.args([
            "-Clink-args=-L/usr/lib/x86_64-linux-gnu -L/lib/x86_64-linux-gnu -L/usr/lib64 -L/usr/lib",
            "-Clink-arg=-lm",
        ]);
        rustc.arg(format!("-Clinker={}", linker.display())).arg(format!("-L{}", self.folder.path().display()));
        rustc.arg(format!("-Clink-args=-rpath {}:$ORIGIN", self.libraries.display()));
        rustc.args(arguments).arg("-o").arg(self.library(name)).arg(path(format!("{name}.rs")));
        let output = rustc.output().unwrap();
        if output.status.success() {
            Ok(fs::read_to_string(reasons).unwrap_or_default())
        } else {
            Err(String::from_utf8(output.stderr).unwrap())
        }
    }

    /// Compiles a library that is linked by this linker and by no other.
    fn make(&self, name: &str, text: &str, arguments: &[&str]) {
        let linker = Path::new(env!("CARGO_BIN_EXE_kissaten-link"));
        assert_eq!(self.compile(name, text, arguments, linker, Path::new("/nowhere")).as_deref(), Ok("linked here\n"));
    }

    fn library(&self, name: &str) -> PathBuf {
        self.folder.path().join(format!("lib{name}.so"))
    }

    /// Loads a library for good: at the end of a thread, what it has there is dropped by the library's code.
    fn load(&self, name: &str) -> ManuallyDrop<Library> {
        // SAFETY: what it does when it is loaded is written in these tests.
        ManuallyDrop::new(unsafe { Library::new(self.library(name)) }.unwrap())
    }

    /// What a library has for the loader.
    fn interface(&self, name: &str) -> Interface {
        let bytes = fs::read(self.library(name)).unwrap();
        let file = object::File::parse(&*bytes).unwrap();
        let names = |is_wanted: bool| {
            let symbols = file.dynamic_symbols().filter(|symbol| symbol.is_undefined() == is_wanted);
            symbols.filter(|symbol| !symbol.is_local()).map(|symbol| symbol.name().unwrap().to_owned()).collect()
        };
        Interface { defined: names(false), wanted: names(true), imports: imports(&bytes) }
    }
}

/// What a library has for the loader, without addresses.
#[derive(Debug, PartialEq)]
struct Interface {
    defined: BTreeSet<String>,
    wanted: BTreeSet<String>,
    /// The libraries that it needs, in their order, and the versions of names that it wants of them.
    imports: (Vec<String>, BTreeSet<String>),
}

fn imports(bytes: &[u8]) -> (Vec<String>, BTreeSet<String>) {
    use object::LittleEndian as LE;
    use object::read::elf::{Dyn as _, FileHeader as _};

    let header = object::elf::FileHeader64::<LE>::parse(bytes).unwrap();
    let table = header.sections(LE, bytes).unwrap();
    let (dynamic, link) = table.dynamic(LE, bytes).unwrap().unwrap();
    let strings = table.strings(LE, bytes, link).unwrap();
    let text = |name: &[u8]| String::from_utf8(name.to_vec()).unwrap();
    let needed = dynamic.iter().filter(|entry| entry.tag32(LE) == Some(object::elf::DT_NEEDED));
    let needed = needed.map(|entry| text(entry.string(LE, strings).unwrap())).collect();
    let symbols = table.symbols(LE, bytes, object::elf::SHT_DYNSYM).unwrap();
    let mut versions = BTreeSet::new();
    if let Some(known) = table.versions(LE, bytes).unwrap() {
        for (index, symbol) in symbols.enumerate() {
            if let Some(version) = known.version(known.version_index(LE, index)).unwrap() {
                let name = text(symbols.symbol_name(LE, symbol).unwrap());
                versions.insert(format!("{name} {} {}", text(version.name()), text(version.file().unwrap())));
            }
        }
    }
    (needed, versions)
}

/// A function of a library without arguments.
fn call(library: &Library, name: &str) -> u64 {
    // SAFETY: all functions of these libraries have this type.
    let function = unsafe { library.get::<unsafe extern "C" fn() -> u64>(name.as_bytes()) }.unwrap();
    // SAFETY: they need nothing.
    unsafe { function() }
}

/// Some of everything that cells are made of.
const EVERYTHING: &str = r#"
    use std::cell::Cell;
    use std::sync::atomic::{AtomicU64, Ordering};

    thread_local! {
        static COUNT: Cell<u64> = const { Cell::new(40) };
        static TEXTS: Cell<Vec<String>> = Cell::new(vec!["a".to_owned()]);
    }
    static ZEROS: [AtomicU64; 5000] = [const { AtomicU64::new(0) }; 5000];
    static NUMBER: AtomicU64 = AtomicU64::new(7);
    static MADE: AtomicU64 = AtomicU64::new(0);
    #[repr(align(64))]
    struct Apart(u8);
    static APART: Apart = Apart(3);
    #[used]
    #[unsafe(link_section = ".init_array")]
    static MAKE: extern "C" fn() = make;
    extern "C" fn make() {
        MADE.store(12, Ordering::Relaxed);
    }

    #[unsafe(no_mangle)]
    pub extern "C" fn threads() -> u64 {
        let count = || {
            COUNT.set(COUNT.get() + 1);
            COUNT.get() + TEXTS.take().len() as u64
        };
        let other = std::thread::spawn(count).join().unwrap();
        other * 1000 + count() * 10 + TEXTS.take().len() as u64
    }
    #[unsafe(no_mangle)]
    pub extern "C" fn statics() -> u64 {
        NUMBER.fetch_add(1, Ordering::Relaxed);
        let zeros = ZEROS.iter().map(|zero| zero.load(Ordering::Relaxed)).sum::<u64>();
        let apart = std::hint::black_box(&APART);
        let far = (&raw const apart.0).addr() as u64 % 64;
        NUMBER.load(Ordering::Relaxed) * 1000 + zeros + far + u64::from(apart.0) + MADE.load(Ordering::Relaxed) * 10
    }
    #[unsafe(no_mangle)]
    pub extern "C" fn panics() -> u64 {
        struct Dropped<'a>(&'a Cell<u64>);
        impl Drop for Dropped<'_> {
            fn drop(&mut self) {
                self.0.set(self.0.get() + 1);
            }
        }
        let dropped = Cell::new(0);
        std::panic::set_hook(Box::new(|_| {}));
        let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let _one = Dropped(&dropped);
            let numbers: Vec<u64> = std::hint::black_box(vec![]);
            numbers[2]
        }));
        let words = panic.unwrap_err().downcast::<String>().unwrap();
        dropped.get() * 1000 + words.len() as u64
    }
    trait Shape { fn area(&self) -> f64; }
    struct Square(f64);
    struct Round(f64);
    impl Shape for Square { fn area(&self) -> f64 { self.0 * self.0 } }
    impl Shape for Round { fn area(&self) -> f64 { self.0.sin().powf(2.5).exp() } }
    #[unsafe(no_mangle)]
    pub extern "C" fn shapes() -> u64 {
        let shapes: [Box<dyn Shape>; 2] = [Box::new(Square(3.0)), Box::new(Round(1.5))];
        shapes.iter().map(|shape| (shape.area() * 100.0) as u64).sum()
    }
    #[inline(never)]
    fn deep_inside() -> String {
        std::backtrace::Backtrace::force_capture().to_string()
    }
    #[unsafe(no_mangle)]
    pub extern "C" fn traced() -> u64 {
        u64::from(std::hint::black_box(deep_inside()).contains("deep_inside"))
    }
    #[unsafe(no_mangle)]
    pub extern "C" fn texts() -> u64 {
        let words = ["one", "two", "three"].map(|word| format!("{word:>7}!"));
        match words.join(",").len() {
            0 => 1, 1 => 20, 2 => 33, 3 => 4, 26 => 58, 27 => 6, _ => 7,
        }
    }
"#;

#[test]
fn what_cells_are_made_of_works() {
    let bench = Bench::new();
    for level in ["0", "1", "3"] {
        let name = format!("everything{level}");
        bench.make(&name, EVERYTHING, &["--crate-type=cdylib", &format!("-Copt-level={level}")]);
        let library = bench.load(&name);
        // std looks once in a process for the libraries that it knows the functions of.
        let traced = (level == "0").then_some(("traced", 1));
        let others =
            [("threads", 42 * 1000 + 420), ("statics", 8123), ("panics", 1052), ("shapes", 1170), ("texts", 58)];
        for (function, value) in others.into_iter().chain(traced) {
            assert_eq!(call(&library, function), value, "{function} at level {level}");
        }
    }
}

const ITEMS: &str = r#"
    use std::cell::Cell;
    pub static TEXT: &str = "items";
    pub static mut NUMBER: u64 = 5;
    thread_local! { pub static OWN: Cell<u64> = const { Cell::new(1) }; }
    #[derive(Debug, Clone, Default)]
    pub struct Item { pub name: String, pub parts: Vec<Item> }
    impl Item {
        pub fn count(&self) -> usize { 1 + self.parts.iter().map(Item::count).sum::<usize>() }
    }
    pub fn count_own() -> u64 { OWN.set(OWN.get() * 3); OWN.get() }
    pub fn shown<T: std::fmt::Debug>(value: T) -> String { format!("{value:?}") }
"#;
const USER: &str = r#"
    #[unsafe(no_mangle)]
    pub extern "C" fn uses() -> u64 {
        unsafe { items::NUMBER += 1 };
        let item = items::Item { name: items::TEXT.to_owned(), parts: vec![items::Item::default(); 3] };
        items::count_own();
        let panic = std::panic::catch_unwind(|| items::shown(1).parse::<u64>().unwrap());
        item.count() as u64 * 1000 + items::OWN.get() * 100 + unsafe { items::NUMBER } * 10 + panic.unwrap()
    }
"#;

#[test]
fn one_library_uses_another() {
    let bench = Bench::new();
    bench.make("items", ITEMS, &["--crate-type=dylib"]);
    bench.make("user", USER, &["--crate-type=cdylib", "--extern=items"]);
    assert_eq!(call(&bench.load("user"), "uses"), 4361);
}

/// The compiler's own linker makes the same of the same, as far as the loader sees.
#[test]
fn the_interface_is_that_of_the_other_linker() {
    let bench = Bench::new();
    let other = bench.own_linker();
    for (text, kind) in
        [(EVERYTHING, "--crate-type=cdylib"), (ITEMS, "--crate-type=dylib"), (USER, "--crate-type=cdylib")]
    {
        // The user's items are linked by this one.
        let is_items = text == ITEMS;
        let interfaces = [Path::new(env!("CARGO_BIN_EXE_kissaten-link")), &other].map(|linker| {
            let arguments: &[&str] = if text == USER { &[kind, "--extern=items"] } else { &[kind] };
            let name = if is_items { "items" } else { "library" };
            bench.compile(name, text, arguments, linker, Path::new("/nowhere")).unwrap();
            bench.interface(name)
        });
        let [ours, mut others] = interfaces;
        // rustc names it lest an archive's be left out, and nothing here calls it.
        others.wanted.retain(|name| ours.wanted.contains(name) || !name.ends_with("rust_begin_unwind"));
        assert_eq!(ours, others);
        if is_items {
            bench.make("items", ITEMS, &[kind]);
        }
    }
}

/// Why something is left to the other linker, which gets all that this one got.
#[test]
fn what_is_not_known_is_left_to_the_other() {
    let bench = Bench::new();
    let check = |text: &str, arguments: &[&str], expected: Expect| {
        let arguments = [&["--crate-type=cdylib"], arguments].concat();
        let linker = Path::new(env!("CARGO_BIN_EXE_kissaten-link"));
        let reasons = bench.compile("other", text, &arguments, linker, &bench.own_linker());
        expected.assert_eq(reasons.as_deref().unwrap_or_else(|said| said));
        // It is a library, or else the text could not be linked at all.
        if reasons.is_ok() {
            assert!(bench.interface("other").defined.contains("entry"));
        }
        let _ = fs::remove_file(bench.library("other"));
    };
    let entry = |text: &str| format!("#[unsafe(no_mangle)] pub extern \"C\" fn entry(a: u64) -> u64 {{ {text} }}");
    check(
        &entry("(u128::MAX / u128::from(a)) as u64"),
        &[],
        expect![[r#"
        __udivti3 is in an archive
    "#]],
    );
    check(
        &format!("#[used] #[unsafe(link_section = \"own\")] static A: u8 = 1; {}", entry("a")),
        &[],
        expect![[r#"
            the section own
        "#]],
    );
    let thread = "core::arch::global_asm!(\".section .tbss.one,\\\"awT\\\",@nobits\", \".hidden one\", \".globl one\", \"one: .zero 8\", \".text\");";
    let code = "let b: u64; unsafe { core::arch::asm!(\"mov one@GOTTPOFF(%rip), {}\", out(reg) b, options(att_syntax)) }; a + b";
    check(
        &format!("{thread} {}", entry(code)),
        &[],
        expect![[r#"
        relocation 22 to one in .text.entry
    "#]],
    );
    check(
        &entry("a"),
        &["-Clink-arg=--icf=all"],
        expect![[r#"
        the argument --icf=all
    "#]],
    );
    fs::write(bench.folder.path().join("large"), vec![7; 65 << 20]).unwrap();
    let large = format!("#[used] static A: [u8; 65 << 20] = *include_bytes!({:?});", bench.folder.path().join("large"));
    check(
        &format!("{large} {}", entry("a")),
        &[],
        expect![[r#"
        objects that are large
    "#]],
    );
    check(
        &entry("a"),
        &["-Cdebuginfo=1"],
        expect![[r#"
        the section .debug_gdb_scripts
    "#]],
    );
}

/// A library whose file is replaced while it is loaded stays what it is.
#[test]
fn what_is_loaded_is_not_written_over() {
    let bench = Bench::new();
    let text = |number: u64| {
        format!(
            "static A: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new({number});
             #[unsafe(no_mangle)] pub extern \"C\" fn number() -> u64 {{ A.load(std::sync::atomic::Ordering::Relaxed) + {number} }}"
        )
    };
    bench.make("replaced", &text(4), &["--crate-type=cdylib"]);
    let library = bench.load("replaced");
    bench.make("replaced", &text(50), &["--crate-type=cdylib"]);
    assert_eq!(call(&library, "number"), 8);
    use std::os::unix::fs::PermissionsExt as _;
    let mode = fs::metadata(bench.library("replaced")).unwrap().permissions().mode();
    assert_eq!(mode & 0o700, 0o700);
}

/// What the user's mask leaves of the other names is kept; symbols of functions are found by debuggers.
#[test]
fn all_symbols_are_there_for_debuggers() {
    let bench = Bench::new();
    bench.make("symbols", EVERYTHING, &["--crate-type=cdylib"]);
    let bytes = fs::read(bench.library("symbols")).unwrap();
    let file = object::File::parse(&*bytes).unwrap();
    let symbols: Vec<_> = file.symbols().filter(|symbol| symbol.is_definition()).collect();
    let of = |part: &str| symbols.iter().filter(|symbol| symbol.name().unwrap().contains(part)).collect::<Vec<_>>();
    assert_eq!(of("threads").iter().filter(|symbol| symbol.scope() == SymbolScope::Dynamic).count(), 1);
    let inside = of("deep_inside");
    assert!(inside.iter().any(|symbol| symbol.size() > 0 && symbol.scope() != SymbolScope::Dynamic), "{inside:?}");
}

/// Whoever has rustc start it can ask first whether it starts.
#[test]
fn it_says_that_it_is_a_linker() {
    let ask = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kissaten-link"));
        command.args(arguments).env(link::OTHER, "").status().unwrap().success()
    };
    assert!(ask(&[link::FLAVOR]));
    assert!(!ask(&[]));
    // The other one is nowhere.
    assert!(!ask(&[link::FLAVOR, "gnu", "--version"]));
}
