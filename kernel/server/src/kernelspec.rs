//! The kernelspec: how Jupyter learns that there is a kernel and how it is started.
//!
//! See [kernel specs](https://jupyter-client.readthedocs.io/en/stable/kernels.html#kernel-specs).

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, bail};
use clap::Args;
use serde_json::{Map, Value, json};

/// The kernel's name for Jupyter, and that of its directory.
const NAME: &str = "kissaten";
const LOGO: &str = include_str!("logo.svg");
/// Where rustc was found when the kernel was installed, for a Jupyter that is started without it on its `PATH`.
const TOOLCHAIN_PATH: &str = "KISSATEN_TOOLCHAIN_PATH";

/// The arguments of `install` and `uninstall`: where the kernelspec is, or will be.
#[derive(Args)]
#[group(multiple = false)]
pub(crate) struct InstallPlace {
    /// In DIR/share/jupyter/kernels.
    #[arg(long, value_name = "DIR")]
    prefix: Option<PathBuf>,
    /// In the Python environment that is active, else in that of `python3`.
    #[arg(long)]
    sys_prefix: bool,
    /// In the user's own Jupyter directory (the default).
    #[arg(long)]
    user: bool,
}

impl InstallPlace {
    fn directory(&self) -> anyhow::Result<PathBuf> {
        let data = if let Some(prefix) = &self.prefix {
            std::path::absolute(prefix)?.join("share/jupyter")
        } else if self.sys_prefix {
            sys_prefix()?.join("share/jupyter")
        } else {
            jupyter_zmq_client::user_data_dir().context("failed to find the user's Jupyter directory")?
        };
        Ok(data.join("kernels").join(NAME))
    }
}

/// Writes the kernelspec and prints where it is.
pub(crate) fn install(place: &InstallPlace) -> anyhow::Result<()> {
    let directory = place.directory()?;
    let shown = directory.display();
    fs::create_dir_all(&directory).with_context(|| format!("failed to make the directory `{shown}`"))?;
    let program = env::current_exe().context("failed to find out where this program is")?;
    let spec = spec(&program, environment());
    let text = serde_json::to_string_pretty(&spec).context("failed to write the kernelspec as JSON")?;
    for (name, text) in [("kernel.json", text.as_str()), ("logo-svg.svg", LOGO)] {
        fs::write(directory.join(name), format!("{}\n", text.trim_end()))
            .with_context(|| format!("failed to write `{shown}/{name}`"))?;
    }
    println!("{shown}");
    Ok(())
}

/// Removes the kernelspec and prints where it was.
pub(crate) fn uninstall(place: &InstallPlace) -> anyhow::Result<()> {
    let directory = place.directory()?;
    let shown = directory.display();
    if !directory.join("kernel.json").exists() {
        bail!("there is no kernelspec in `{shown}`");
    }
    fs::remove_dir_all(&directory).with_context(|| format!("failed to remove `{shown}`"))?;
    println!("{shown}");
    Ok(())
}

/// Puts the directory that was recorded at install time behind the present `PATH`.
///
/// # Safety
/// No other thread may be running.
pub(crate) unsafe fn restore_toolchain_path() {
    let Some(recorded) = env::var_os(TOOLCHAIN_PATH) else { return };
    let path = env::var_os("PATH").unwrap_or_default();
    let directories = env::split_paths(&path).chain(env::split_paths(&recorded));
    if let Ok(path) = env::join_paths(directories) {
        // SAFETY: the caller's promise.
        unsafe { env::set_var("PATH", path) };
    }
}

fn spec(program: &Path, environment: Map<String, Value>) -> Value {
    json!({
        "argv": [program, "kernel", "--connection-file", "{connection_file}"],
        "display_name": "Rust (Kissaten)",
        "language": "rust",
        "interrupt_mode": "message",
        "env": environment,
        "metadata": {"debugger": true},
    })
}

/// What a kernel needs to find rustc where the shell that installs it does.
fn environment() -> Map<String, Value> {
    let mut environment = Map::new();
    let path = env::var_os("PATH").unwrap_or_default();
    if let Some(directory) = env::split_paths(&path).find(|directory| directory.join("rustc").is_file()) {
        environment.insert(TOOLCHAIN_PATH.to_owned(), directory.to_string_lossy().into());
    }
    for name in ["CARGO_HOME", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN"] {
        if let Ok(value) = env::var(name) {
            environment.insert(name.to_owned(), value.into());
        }
    }
    environment
}

/// What Python calls `sys.prefix`.
fn sys_prefix() -> anyhow::Result<PathBuf> {
    if let Some(prefix) = env::var_os("VIRTUAL_ENV").or_else(|| env::var_os("CONDA_PREFIX")) {
        return Ok(prefix.into());
    }
    let output = Command::new("python3")
        .args(["-c", "import sys; print(sys.prefix)"])
        .output()
        .context("failed to ask `python3` for its prefix; `--prefix DIR` needs no Python")?;
    if !output.status.success() {
        bail!("`python3` did not tell its prefix; `--prefix DIR` needs no Python");
    }
    Ok(String::from_utf8(output.stdout).context("the prefix of `python3` is not UTF-8")?.trim().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernelspec_is_installed_and_taken_back() {
        let prefix = tempfile::tempdir().unwrap();
        let place = InstallPlace { prefix: Some(prefix.path().to_owned()), sys_prefix: false, user: false };
        assert!(uninstall(&place).is_err());
        install(&place).unwrap();
        install(&place).unwrap();
        let directory = prefix.path().join("share/jupyter/kernels/kissaten");
        let spec: Value = serde_json::from_slice(&fs::read(directory.join("kernel.json")).unwrap()).unwrap();
        assert_eq!(spec["language"], "rust");
        assert_eq!(spec["interrupt_mode"], "message");
        assert!(Path::new(spec["argv"][0].as_str().unwrap()).is_absolute());
        uninstall(&place).unwrap();
        assert!(!directory.exists());
    }
}
