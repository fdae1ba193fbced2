//! What links: the linker that comes with rustc, called directly where that can be, and where there is no C compiler a
//! program that stands in for one.
//!
//! rustc calls `cc` to link, for `cc` knows where the system's libraries are and which objects a program begins with.
//! Where there is none, a folder is made with links to the libraries, a start object and the static half of the C library
//! of our own, and a script `cc` that says the same to `rust-lld`. It knows neither cells nor dependencies.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{Toolchain, has_cc, on_path};
use crate::cache::{cache_folders, make_cache};

/// What a program is linked to, by the names without a number: of these `-l` is given by rustc.
const LIBRARIES: [(&str, &str); 7] = [
    ("c", "libc.so.6"),
    ("gcc_s", "libgcc_s.so.1"),
    ("m", "libm.so.6"),
    ("rt", "librt.so.1"),
    ("pthread", "libpthread.so.0"),
    ("dl", "libdl.so.2"),
    ("util", "libutil.so.1"),
];

/// The C library from which on it has all that a program needs in its shared half.
const OLDEST_C_LIBRARY: (u32, u32) = (2, 34);

/// Where a program starts. As the same flags link shared objects, which have no `main`, that is weak here.
#[cfg(target_arch = "x86_64")]
const START: &str = "
    .weak main
    .globl _start
    .hidden _start
    _start:
        xor %ebp, %ebp
        mov %rdx, %r9
        pop %rsi
        mov %rsp, %rdx
        and $-16, %rsp
        push %rax
        push %rsp
        xor %r8d, %r8d
        xor %ecx, %ecx
        mov main@GOTPCREL(%rip), %rdi
        call *__libc_start_main@GOTPCREL(%rip)
        hlt
";
#[cfg(target_arch = "aarch64")]
const START: &str = "
    .weak main
    .globl _start
    .hidden _start
    _start:
        mov x29, #0
        mov x30, #0
        mov x5, x0
        ldr x1, [sp]
        add x2, sp, #8
        mov x6, sp
        adrp x0, :got:main
        ldr x0, [x0, :got_lo12:main]
        mov x3, #0
        mov x4, #0
        bl __libc_start_main
        brk #1
";
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
const START: &str = "";

#[cfg(target_arch = "aarch64")]
const LOADER: &str = "/lib/ld-linux-aarch64.so.1";
#[cfg(not(target_arch = "aarch64"))]
const LOADER: &str = "/lib64/ld-linux-x86-64.so.2";

/// This program, where it is a linker too.
static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
/// Whether rustc could not start it: it may run elsewhere than this process.
static CANNOT_START: AtomicBool = AtomicBool::new(false);

/// Says that this process's program links when it is started as a linker (see the crate `link`), as far as systems go for
/// which it does.
pub fn this_program_links() {
    if cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        // Under this name it is there for as long as this process, whatever becomes of its file: another version may be
        // installed meanwhile.
        let _ = PROGRAM.set(PathBuf::from(format!("/proc/{}/exe", std::process::id())));
    }
}

/// This program under a name by which others can start it as a linker. It is tried once: a sandbox may forbid that, and where
/// the loader was called by hand, the name is the loader's.
fn this_program() -> Option<&'static Path> {
    static STARTS: OnceLock<bool> = OnceLock::new();
    let program = PROGRAM.get()?;
    let starts = || {
        let mut command = Command::new(program);
        command.arg(link::FLAVOR).env(link::OTHER, "").stdin(Stdio::null()).stderr(Stdio::null());
        // Under that number there may be somebody else, where `/proc` is that of other processes.
        let answer = command.output().map(|output| output.stdout).unwrap_or_default();
        let starts = answer.trim_ascii() == link::IT_IS.as_bytes() && is_this(program);
        tracing::debug!(starts, "this program as a linker");
        starts
    };
    (*STARTS.get_or_init(starts) && !CANNOT_START.load(Ordering::Relaxed)).then_some(program.as_path())
}

/// Whether a path leads to the file that this process runs.
fn is_this(path: &Path) -> bool {
    let which = |path: &Path| fs::metadata(path).map(|metadata| (metadata.dev(), metadata.ino())).ok();
    which(path).is_some_and(|file| which(Path::new("/proc/self/exe")) == Some(file))
}

/// Whether rustc says that it could not start this program as its linker; it is not told to again then.
pub fn could_not_link(said: &[u8], program: &str) -> bool {
    let said = String::from_utf8_lossy(said);
    let is_it = [format!("could not exec the linker `{program}`"), format!("linker `{program}` not found")]
        .iter()
        .any(|words| said.contains(words));
    if is_it {
        CANNOT_START.store(true, Ordering::Relaxed);
    }
    is_it
}

impl Toolchain {
    /// Has a call of rustc link by this program, which starts the compiler's own linker where it has to. What is made does not
    /// tell which of them made it: it is no part of what makes two calls the same. Back come the names of both, as errors
    /// are the other's and rustc tells them of this one.
    pub fn link_by_this_program(&self, command: &mut Command) -> Option<[String; 2]> {
        if self.link_flags.is_empty() || self.host != "x86_64-unknown-linux-gnu" {
            return None;
        }
        let (program, other) = (this_program()?, self.own_linker()?);
        let names = [program, &other].map(|path| path.display().to_string());
        // The last one counts.
        command.arg(format!("-Clinker={}", names[0])).env(link::OTHER, other);
        Some(names)
    }

    /// The linker that comes with the compiler, if it does.
    fn own_linker(&self) -> Option<PathBuf> {
        let linker = self.sysroot.join("lib/rustlib").join(&self.host).join("bin/rust-lld");
        linker.is_file().then_some(linker)
    }

    /// Flags with which rustc calls that linker itself: it saves the start of `cc`, which knows where the system's libraries
    /// are and is asked for that here, once.
    pub(super) fn direct_linker(&self) -> Option<Vec<String>> {
        let linker = self.own_linker()?;
        let mut flags = vec![format!("-Clinker={}", linker.to_str()?), "-Clinker-flavor=ld.lld".to_owned()];
        let folders = if let Some(tools) = &self.tools { vec![tools.clone()] } else { folders_of_cc()? };
        for folder in folders {
            flags.push(format!("-Clink-arg=-L{}", folder.to_str()?));
        }
        Some(flags)
    }

    /// A folder with a `cc` that links, where the user has none and one can be made; to be put behind `PATH`.
    pub(super) fn stand_in(&self) -> Option<PathBuf> {
        if has_cc() || START.is_empty() || c_library()? < OLDEST_C_LIBRARY {
            return None;
        }
        let linker = self.own_linker()?;
        let cache = cache_folders().into_iter().next_back()?;
        let made =
            make_cache(&cache).and_then(|()| self.make_tools(&linker, &cache.join(format!("tools-{}", self.release))));
        made.inspect_err(|error| tracing::warn!("no stand-in for a C compiler can be made: {error}")).ok()
    }

    /// What is said to whoever links or compiles C, where that is not the user's own `cc`: a real one comes before the one
    /// that stands in for it.
    pub(crate) fn tool_variables(&self) -> Vec<(&'static str, OsString)> {
        let Some(tools) = self.tools.clone() else { return Vec::new() };
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = std::env::join_paths(std::env::split_paths(&path).chain([tools]));
        let zig = (C_COMPILER, zig().unwrap_or_default().into_os_string());
        path.ok().map(|path| ("PATH", path)).into_iter().chain([zig]).collect()
    }

    /// Compiles a text that needs no library to `name.o`.
    fn compile_object(&self, folder: &Path, name: &str, text: &str) -> io::Result<PathBuf> {
        let (source, object) = (folder.join(format!("{name}.rs")), folder.join(format!("{name}.o")));
        fs::write(&source, text)?;
        let mut rustc = self.command();
        rustc.args(["--edition=2024", "--crate-type=lib", "--emit=obj", "-Cpanic=abort", "-Copt-level=1"]);
        let status = rustc.arg("-o").arg(&object).arg(&source).stderr(Stdio::null()).status()?;
        if status.success() {
            Ok(object)
        } else {
            Err(io::Error::other(format!("rustc does not compile {}", source.display())))
        }
    }

    fn make_tools(&self, linker: &Path, folder: &Path) -> io::Result<PathBuf> {
        fs::create_dir_all(folder)?;
        for (name, file) in LIBRARIES {
            let library = system_library(file).ok_or_else(|| io::Error::other(format!("there is no {file}")))?;
            let link = folder.join(format!("lib{name}.so"));
            let _ = fs::remove_file(&link);
            if name == "c" {
                // A part of it is in the loader, as thread-local storage, and a part in each program.
                let half = folder.join("libc_nonshared.a");
                let parts = [library.as_path(), &half].map(|part| format!("\"{}\"", part.display())).join(" ");
                fs::write(link, format!("GROUP ( {parts} AS_NEEDED ( {LOADER} ) )\n"))?;
            } else {
                std::os::unix::fs::symlink(library, link)?;
            }
        }
        self.compile_object(folder, "start", &start_source())?;
        let half = self.compile_object(folder, "nonshared", &static_half_source())?;
        fs::write(folder.join("libc_nonshared.a"), archive_of(&fs::read(half)?))?;
        let script = SCRIPT
            .replace("@LINKER@", &quoted(linker))
            .replace("@LOADER@", LOADER)
            .replace("@FOLDER@", &quoted(folder))
            .replace("@TARGET@", std::env::consts::ARCH);
        let cc = folder.join("cc");
        // Written beside and renamed, as another kernel may be running it.
        let beside = tempfile::NamedTempFile::new_in(folder)?;
        fs::write(beside.path(), script)?;
        fs::set_permissions(beside.path(), fs::Permissions::from_mode(0o755))?;
        beside.into_temp_path().persist(&cc).map_err(|error| error.error)?;
        for other in NAMES {
            let link = folder.join(other);
            let _ = fs::remove_file(&link);
            std::os::unix::fs::symlink("cc", link)?;
        }
        Ok(folder.to_owned())
    }
}

/// Where `cc` says that the system's libraries are.
fn folders_of_cc() -> Option<Vec<PathBuf>> {
    let mut folders = Vec::new();
    for library in ["libc.so", "libgcc_s.so.1"] {
        let output = Command::new("cc").arg(format!("-print-file-name={library}")).output().ok()?;
        let path = PathBuf::from(String::from_utf8(output.stdout).ok()?.trim());
        let folder = path.canonicalize().ok()?.parent()?.to_path_buf();
        let named = path.parent()?.to_path_buf();
        for folder in [named, folder] {
            if !folders.contains(&folder) {
                folders.push(folder);
            }
        }
    }
    // `-lgcc_s` wants the name without a number, which gcc keeps in a folder of its own.
    let output = Command::new("cc").arg("-print-libgcc-file-name").output().ok()?;
    folders.push(PathBuf::from(String::from_utf8(output.stdout).ok()?.trim()).parent()?.to_path_buf());
    Some(folders)
}

/// The version of the C library that this process runs with.
#[cfg(target_env = "gnu")]
fn c_library() -> Option<(u32, u32)> {
    // SAFETY: it returns a text that lives as long as the process.
    let version = unsafe { std::ffi::CStr::from_ptr(libc::gnu_get_libc_version()) }.to_str().ok()?;
    let (major, rest) = version.split_once('.')?;
    let minor = rest.split('.').next()?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

#[cfg(not(target_env = "gnu"))]
fn c_library() -> Option<(u32, u32)> {
    None
}

/// Where a library of the system is: beside the C library that this process runs with, or in a usual place.
fn system_library(file: &str) -> Option<PathBuf> {
    let maps = fs::read_to_string("/proc/self/maps").unwrap_or_default();
    let mapped =
        maps.lines().filter_map(|line| line.split_once('/')).map(|(_, path)| PathBuf::from(format!("/{path}")));
    let of_c = mapped.filter(|path| path.file_name().is_some_and(|name| name == "libc.so.6"));
    let folders = of_c.filter_map(|path| Some(path.parent()?.to_owned()));
    let triple = format!("{}-linux-gnu", std::env::consts::ARCH);
    let usual = [
        format!("/lib/{triple}"),
        format!("/usr/lib/{triple}"),
        "/lib64".into(),
        "/usr/lib64".into(),
        "/usr/lib".into(),
    ];
    folders.chain(usual.map(PathBuf::from)).map(|folder| folder.join(file)).find(|path| path.is_file())
}

fn start_source() -> String {
    let syntax = if cfg!(target_arch = "x86_64") { ", options(att_syntax)" } else { "" };
    format!("#![no_std]\ncore::arch::global_asm!(r#\"{START}\"#{syntax});\n")
}

/// What a C library has in its static half, which is linked into each program and each library that asks for it. They are
/// never unloaded, so what they leave for the end is left for that of the process.
fn static_half_source() -> String {
    let mut text = "#![no_std]\nuse core::ptr::null;\ntype F = *const ();\n".to_owned();
    for (name, arguments, called, given) in [
        ("atexit", "f: F", "__cxa_atexit(f: F, argument: F, object: F)", "f, null(), null()"),
        ("at_quick_exit", "f: F", "__cxa_at_quick_exit(f: F, object: F)", "f, null()"),
        ("pthread_atfork", "a: F, b: F, c: F", "__register_atfork(a: F, b: F, c: F, object: F)", "a, b, c, null()"),
    ] {
        let function = called.split('(').next().unwrap_or_default();
        text.push_str(&format!(
            "unsafe extern \"C\" {{ fn {called} -> i32; }}\n\
             core::arch::global_asm!(\".hidden {name}\");\n\
             #[unsafe(no_mangle)]\npub unsafe extern \"C\" fn {name}({arguments}) -> i32 {{ unsafe {{ {function}({given}) }} }}\n"
        ));
    }
    text
}

/// An archive of one object, as linkers read it: they take the object where something in it is asked for.
fn archive_of(object: &[u8]) -> Vec<u8> {
    let mut archive = b"!<arch>\n".to_vec();
    archive.extend(format!("{:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n", "nonshared.o/", 0, 0, 0, 644, object.len()).bytes());
    archive.extend(object);
    archive.extend(std::iter::repeat_n(b'\n', object.len() % 2));
    archive
}

/// A word of a shell.
fn quoted(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', r"'\''"))
}

/// How the script's sentence begins where C or C++ is to be compiled and nothing can do it.
pub(crate) const NO_C_COMPILER: &str = "There is no C";

/// Says to the linker what rustc says to `cc`. What is C itself goes to the C compiler that pip brings, if it is there.
const SCRIPT: &str = include_str!("cc.sh");

/// What the programs of a C compiler are called, all of which the script is.
const NAMES: [&str; 5] = ["c++", "g++", "gcc", "ar", "ranlib"];

/// Names to the script the program that compiles C.
const C_COMPILER: &str = "KISSATEN_ZIG";

/// zig, which compiles C: that of `pip install kissaten[cc]` beside this program, or one on `PATH`. It is looked for at each
/// build, as environments share a cache.
pub(crate) fn zig() -> Option<PathBuf> {
    let program = std::env::current_exe().ok();
    let beside = program.as_deref().and_then(Path::parent).map(|folder| folder.join("python-zig"));
    beside.into_iter().chain(on_path("python-zig")).chain(on_path("zig")).find(|zig| zig.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the script makes of the words of rustc, where the linker is a program that prints them.
    fn told(words: &[&str]) -> String {
        let folder = tempfile::tempdir().unwrap();
        let script =
            SCRIPT.replace("@LINKER@", "printf '%s\\n'").replace("@LOADER@", "/loader").replace("@FOLDER@", "/tools");
        let cc = folder.path().join("cc");
        fs::write(&cc, script).unwrap();
        let output = Command::new("sh").arg(&cc).args(words).output().unwrap();
        String::from_utf8([output.stdout, output.stderr].concat()).unwrap().lines().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn what_rustc_says_to_cc_is_said_to_the_linker() {
        assert_eq!(
            told(&[
                "-m64",
                "a b.o",
                "-Wl,-z,relro,-z,now",
                "-Wl,-rpath,$ORIGIN",
                "-pie",
                "-nodefaultlibs",
                "-o",
                "out*"
            ]),
            "-flavor gnu -L/tools -dynamic-linker /loader /tools/start.o a b.o -z relro -z now -rpath $ORIGIN -pie -o out* -lc"
        );
        assert_eq!(told(&["-shared", "a.o", "-B/ld", "-fuse-ld=lld"]), "-flavor gnu -L/tools -shared a.o -lc");
        assert!(told(&["-c", "x.c", "-o", "x.o"]).starts_with(NO_C_COMPILER));
        assert!(told(&["--version"]).starts_with(NO_C_COMPILER));
        assert!(told(&["-c", "x.cpp", "-o", "x.o"]).starts_with("There is no C++ compiler here"));
    }

    #[test]
    fn a_linker_that_cannot_be_started_is_told_from_one_that_fails() {
        let program = "/proc/7/exe";
        for other in ["error: linking with `/proc/7/exe` failed: exit status: 1", "linker `/proc/77/exe` not found", ""]
        {
            assert!(!could_not_link(other.as_bytes(), program), "{other}");
        }
        assert!(!CANNOT_START.load(Ordering::Relaxed));
        for it in [
            "error: linker `/proc/7/exe` not found",
            "error: could not exec the linker `/proc/7/exe`: Stale file handle",
        ] {
            assert!(could_not_link(it.as_bytes(), program), "{it}");
        }
        assert!(this_program().is_none(), "it is not told to again");
    }

    #[test]
    fn a_path_to_another_program_is_not_this_one() {
        assert!(is_this(Path::new("/proc/self/exe")) && is_this(&std::env::current_exe().unwrap()));
        assert!(!is_this(Path::new("/proc/1/no-such-file")) && !is_this(Path::new("/bin/sh")));
    }

    #[test]
    fn the_systems_libraries_are_found() {
        for (_, file) in LIBRARIES {
            assert!(system_library(file).is_some(), "{file}");
        }
    }
}
