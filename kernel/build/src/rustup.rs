//! A Rust toolchain for who has none: got by rustup, into the user's own folders, without root and without a new shell.
//!
//! rustup itself is downloaded where it is missing, from where its own documentation says, or from the mirror that
//! `RUSTUP_DIST_SERVER` names. See [its environment](https://rust-lang.github.io/rustup/environment-variables.html). It
//! does not know what the toolchain is for.

use std::env;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;
use tokio_util::sync::CancellationToken;

use crate::cargo::{self, CallError, Said};
use crate::sha256;
use crate::toolchain::{Toolchain, ToolchainError, cargo_home, on_path};
use crate::umask;

/// Where rustup downloads from, unless the user has a mirror.
const SERVER: &str = "https://static.rust-lang.org";
/// More than any rustup has, in bytes: what is longer is something else.
const LONGEST: u64 = 200 << 20;

/// Why there is no toolchain after all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InstallError {
    #[error("rustup could not be downloaded from `{0}`: {1}")]
    Download(String, String),
    #[error("what came from `{0}` is not what it says: its checksum differs, so it was not run")]
    Checksum(String),
    #[error("rustup failed:\n{0}")]
    Rustup(String),
    #[error("rustup cannot be run here: {0}")]
    Environment(String),
    #[error(transparent)]
    Toolchain(#[from] ToolchainError),
    #[error("cancelled")]
    Cancelled,
}

/// Gets the stable toolchain, in its minimal profile, or updates the one that is too old; returns its release.
///
/// `progress` gets a line for each thing that is done.
///
/// # Errors
/// When there is no network, when rustup fails, with its words, and when what was got cannot be used.
///
/// # Cancel safety
/// rustup ends when this is dropped or `cancel` is triggered. It leaves a toolchain that is whole, or none.
pub async fn install(
    cancel: &CancellationToken,
    mut progress: impl FnMut(&str) + Send,
) -> Result<String, InstallError> {
    let cannot = |error: std::io::Error| InstallError::Environment(error.to_string());
    let folder = umask::temporary_folder("kissaten-rustup-").map_err(cannot)?;
    if let Some(rustup) = find() {
        let arguments = ["toolchain", "install", "stable", "--profile", "minimal", "--no-self-update"];
        run(&rustup, &arguments, cancel, &mut progress).await?;
        // It is what a bare `rustc` means, unless another one was chosen.
        if let Err(InstallError::Rustup(_)) = run(&rustup, &["default"], cancel, &mut |_: &str| {}).await {
            run(&rustup, &["default", "stable"], cancel, &mut progress).await?;
        }
    } else {
        progress("downloading rustup");
        let program = folder.path().join("rustup-init");
        let to = program.clone();
        let downloading = tokio::task::spawn_blocking(move || download(&to));
        tokio::select! {
            () = cancel.cancelled() => return Err(InstallError::Cancelled),
            done = downloading => done.map_err(|error| InstallError::Environment(error.to_string()))??,
        }
        let arguments = ["-y", "--profile", "minimal", "--default-toolchain", "stable", "--no-modify-path"];
        run(&program, &arguments, cancel, &mut progress).await?;
    }
    let found = tokio::task::spawn_blocking(Toolchain::find).await;
    Ok(found.map_err(|error| InstallError::Environment(error.to_string()))??.release)
}

/// The rustup that is there.
fn find() -> Option<PathBuf> {
    let usual = cargo_home().map(|home| home.join("bin/rustup"));
    usual.into_iter().chain(on_path("rustup")).find(|path| path.is_file())
}

async fn run(
    rustup: &Path,
    arguments: &[&str],
    cancel: &CancellationToken,
    progress: &mut (impl FnMut(&str) + Send),
) -> Result<(), InstallError> {
    let mut command = Command::new(rustup);
    command
        .args(arguments)
        .env("RUSTUP_INIT_SKIP_PATH_CHECK", "yes")
        .env_remove("RUSTUP_TOOLCHAIN")
        .stdin(Stdio::null());
    umask::give_users(&mut command);
    let mut said: Vec<String> = Vec::new();
    let status = cargo::run(command, cancel, |line| {
        let (Said::Stdout(line) | Said::Stderr(line)) = line else { return };
        // Between its lines it draws bars.
        let line = line.rsplit('\r').next().unwrap_or_default().trim();
        if let Some(line) = line.strip_prefix("info: ") {
            progress(line);
        }
        said.push(line.to_owned());
    });
    match status.await {
        Ok(status) if status.success() => Ok(()),
        Ok(_) => {
            let from = said.iter().position(|line| line.starts_with("error")).unwrap_or(0);
            Err(InstallError::Rustup(said[from..].join("\n").trim_end().to_owned()))
        }
        Err(CallError::Cancelled) => Err(InstallError::Cancelled),
        Err(CallError::Start(error)) => Err(InstallError::Environment(error.to_string())),
    }
}

/// Where the program that installs rustup is.
fn address() -> String {
    let given = |name: &str| env::var(name).ok().filter(|given| !given.is_empty());
    let root = given("RUSTUP_UPDATE_ROOT").unwrap_or_else(|| {
        let server = given("RUSTUP_DIST_SERVER").unwrap_or_else(|| SERVER.to_owned());
        format!("{}/rustup", server.trim_end_matches('/'))
    });
    let system = if cfg!(target_os = "macos") { "apple-darwin" } else { "unknown-linux-gnu" };
    format!("{}/dist/{}-{system}/rustup-init", root.trim_end_matches('/'), env::consts::ARCH)
}

/// Blocks until the program is at `to`, with the checksum that its server has for it.
fn download(to: &Path) -> Result<(), InstallError> {
    let address = address();
    let program = get(&address)?;
    let checksum = String::from_utf8(get(&format!("{address}.sha256"))?).unwrap_or_default();
    let found = sha256(&program);
    if checksum.split_whitespace().next().is_none_or(|said| !said.eq_ignore_ascii_case(&found)) {
        return Err(InstallError::Checksum(address));
    }
    let cannot = |error: std::io::Error| InstallError::Environment(error.to_string());
    std::fs::write(to, program).map_err(cannot)?;
    std::fs::set_permissions(to, std::fs::Permissions::from_mode(0o700)).map_err(cannot)
}

fn get(address: &str) -> Result<Vec<u8>, InstallError> {
    let cannot = |error: String| InstallError::Download(address.to_owned(), error);
    let response = ureq::get(address).call().map_err(|error| cannot(error.to_string()))?;
    let mut body = Vec::new();
    let reader = response.into_body().into_reader();
    reader.take(LONGEST).read_to_end(&mut body).map_err(|error| cannot(error.to_string()))?;
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rustup_comes_from_where_its_documentation_says() {
        assert!(
            address().starts_with("https://static.rust-lang.org/rustup/dist/") && address().ends_with("/rustup-init")
        );
    }
}
