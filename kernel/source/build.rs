//! Packs the source of the session library: the workspace's manifests, and the crates that are built on the user's machine.
//!
//! In a checkout they stand beside this crate; in a package of it `source.tar.gz` has them. The same text gives the same
//! bytes, so their hash says which source it is.

#[path = "src/fnv.rs"]
#[expect(unreachable_pub, reason = "the library gives it on")]
mod fnv;

use std::{
    env, fs,
    hash::Hasher,
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use flate2::{Compression, read::GzDecoder, write::GzEncoder};

use self::fnv::Fnv;

/// What the session library is made of.
const CRATES: [&str; 6] = ["ground", "instances", "ipc", "kissaten", "marks", "worker"];

/// Set by `kernel/package.sh`: the archive is written beside this file too, where `cargo package` takes it from.
const PACK: &str = "KISSATEN_PACK";

fn main() -> io::Result<()> {
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default()).join("source.tar.gz");
    let packaged = Path::new("source.tar.gz");
    println!("cargo:rerun-if-env-changed={PACK}");
    let archive = if Path::new("../kissaten/Cargo.toml").is_file() {
        pack(Path::new("../.."))?
    } else {
        println!("cargo:rerun-if-changed={}", packaged.display());
        let mut archive = Vec::new();
        GzDecoder::new(fs::File::open(packaged)?).read_to_end(&mut archive)?;
        archive
    };
    let mut hasher = Fnv::default();
    hasher.write(&archive);
    println!("cargo:rustc-env=KISSATEN_SOURCE_HASH={:016x}", hasher.finish());
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    packed.write_all(&archive)?;
    let packed = packed.finish()?;
    if env::var_os(PACK).is_some() {
        fs::write(packaged, &packed)?;
    }
    fs::write(out, packed)
}

fn pack(root: &Path) -> io::Result<Vec<u8>> {
    let mut files = vec![PathBuf::from("Cargo.toml"), PathBuf::from("Cargo.lock")];
    files.iter().for_each(|file| println!("cargo:rerun-if-changed={}", root.join(file).display()));
    for member in folder(&root.join("kernel"))? {
        let Some(name) = member.file_name().and_then(|name| name.to_str()) else { continue };
        let within = Path::new("kernel").join(name);
        if !member.join("Cargo.toml").is_file() {
            continue;
        }
        // Of the other members cargo wants to see the manifest, and a target that it never builds.
        files.push(within.join("Cargo.toml"));
        // A new file shows in its folder.
        println!("cargo:rerun-if-changed={}", member.join("Cargo.toml").display());
        if CRATES.contains(&name) {
            println!("cargo:rerun-if-changed={}", member.join("src").display());
            collect(root, &within.join("src"), &mut files)?;
        }
    }
    let mut archive = tar::Builder::new(Vec::new());
    let mut append = |path: &Path, text: &[u8]| {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, path, text)
    };
    for path in &files {
        append(path, &fs::read(root.join(path))?)?;
        let Some(member) = path.parent().filter(|member| member.starts_with("kernel") && path.ends_with("Cargo.toml"))
        else {
            continue;
        };
        if member.file_name().and_then(|name| name.to_str()).is_none_or(|name| !CRATES.contains(&name)) {
            for target in ["src/lib.rs", "src/main.rs"].map(|target| member.join(target)) {
                if root.join(&target).is_file() {
                    append(&target, b"")?;
                }
            }
        }
    }
    archive.into_inner()
}

/// The files of a crate, without its tests.
fn collect(root: &Path, within: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for path in folder(&root.join(within))? {
        let Some(name) = path.file_name().map(Path::new) else { continue };
        if path.is_dir() {
            if name != Path::new("tests") {
                collect(root, &within.join(name), files)?;
            }
        } else {
            files.push(within.join(name));
        }
    }
    Ok(())
}

/// What is in a folder, in an order of its own.
fn folder(path: &Path) -> io::Result<Vec<PathBuf>> {
    let mut entries = fs::read_dir(path)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    entries.sort();
    Ok(entries)
}
