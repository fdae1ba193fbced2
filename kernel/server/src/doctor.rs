//! `kissaten doctor`: what a bug report needs, and the mend of each finding: the toolchain, the caches, the kernelspecs, and
//! the environment that JupyterLab runs in. It looks, and changes nothing.

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use build::{Finding, State};
use serde_json::Value;

use crate::{analysis, history};

/// Prints the findings. The code says whether one is a fault.
pub(crate) fn run() -> ExitCode {
    let program = env::current_exe().unwrap_or_default();
    let version = env!("CARGO_PKG_VERSION");
    let mut findings = vec![Finding::fine(format!("kissaten {version}, {}", program.display()))];
    findings.extend(build::examine());
    findings.push(match analysis::program() {
        Some(analyzer) => Finding::fine(format!("analyzer, {}", analyzer.display())),
        None => Finding::note(
            "no analyzer: completion knows the notebook's own names alone",
            "the wheel and `./install.sh` bring it",
        ),
    });
    findings.push(of_history());
    findings.extend(of_kernelspecs(&program));
    findings.extend(of_jupyterlab());
    let mut is_well = true;
    for Finding { state, what, mend } in &findings {
        let mark = match state {
            State::Fine => "ok   ",
            State::Note => "note ",
            State::Fault => "FAULT",
        };
        println!("{mark}  {what}");
        if let Some(mend) = mend {
            println!("         {mend}");
        }
        is_well &= *state != State::Fault;
    }
    println!("{}", if is_well { "Cells can run." } else { "Mend what is marked FAULT, and call this again." });
    if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn of_history() -> Finding {
    let Some(file) = history::file() else { return Finding::note("the history is off", "unset KISSATEN_HISTORY") };
    let shown = file.display();
    match fs::metadata(&file) {
        Err(_) => Finding::fine(format!("history {shown}: none yet")),
        Ok(metadata) if fs::OpenOptions::new().append(true).open(&file).is_ok() => {
            Finding::fine(format!("history {shown}: {} KB", metadata.len() >> 10))
        }
        Ok(_) => Finding::note(
            format!("history {shown} cannot be written, so nothing is added"),
            "take it over, or set KISSATEN_HISTORY to another file",
        ),
    }
}

/// Where Jupyter looks for kernelspecs, as far as that can be known without asking it.
fn jupyter_folders() -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = env::split_paths(&env::var_os("JUPYTER_PATH").unwrap_or_default()).collect();
    folders.extend(jupyter_zmq_client::user_data_dir().ok());
    let prefixes = ["VIRTUAL_ENV", "CONDA_PREFIX"].into_iter().filter_map(env::var_os).map(PathBuf::from);
    let program = env::current_exe().ok();
    let own = program.as_deref().and_then(Path::parent).and_then(Path::parent).map(Path::to_path_buf);
    let lab = jupyter_lab().and_then(|lab| Some(lab.parent()?.parent()?.to_path_buf()));
    let usual = ["/usr/local", "/usr"].map(PathBuf::from);
    folders.extend(prefixes.chain(own).chain(lab).chain(usual).map(|prefix| prefix.join("share/jupyter")));
    let mut seen = Vec::new();
    for folder in folders {
        if !seen.contains(&folder) {
            seen.push(folder);
        }
    }
    seen
}

fn of_kernelspecs(program: &Path) -> Vec<Finding> {
    let mut findings = Vec::new();
    for folder in jupyter_folders() {
        let Ok(kernels) = fs::read_dir(folder.join("kernels")) else { continue };
        for kernel in kernels.flatten().map(|kernel| kernel.path()) {
            findings.extend(of_kernelspec(&kernel, program));
        }
    }
    if findings.is_empty() {
        findings.push(Finding::fault("no kernelspec of Kissaten is where Jupyter looks", "run `kissaten install`"));
    }
    findings
}

/// What there is to say of a kernelspec, if it is Kissaten's.
fn of_kernelspec(folder: &Path, program: &Path) -> Option<Finding> {
    let shown = folder.display();
    let text = fs::read(folder.join("kernel.json")).ok()?;
    let spec: Value = serde_json::from_slice(&text).ok()?;
    let first = spec["argv"][0].as_str()?.replace("{resource_dir}", folder.to_str()?);
    if Path::new(&first).file_name()? != "kissaten" {
        return None;
    }
    Some(match fs::canonicalize(&first) {
        Ok(there) if fs::canonicalize(program).is_ok_and(|program| program == there) => {
            Finding::fine(format!("kernelspec {shown}"))
        }
        Ok(there) => Finding::note(
            format!("kernelspec {shown} starts another one: {}", there.display()),
            "Jupyter takes the first kernelspec that it finds; `kissaten install` writes one for this program",
        ),
        Err(_) => Finding::fault(
            format!("kernelspec {shown} starts `{first}`, which is not there"),
            "run `kissaten install`, or remove that folder",
        ),
    })
}

/// The `jupyter-lab` that a shell would call, or the one beside this program.
fn jupyter_lab() -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let beside = env::current_exe().ok().and_then(|program| Some(program.parent()?.to_path_buf()));
    let mut folders = beside.into_iter().chain(env::split_paths(&path));
    folders.find_map(|folder| Some(folder.join("jupyter-lab")).filter(|lab| lab.is_file()))
}

/// The packages of the environment that serves JupyterLab.
fn of_jupyterlab() -> Vec<Finding> {
    const PACKAGES: &str = "import importlib.metadata as m, json\n\
        print(json.dumps({d.metadata['Name'].lower().replace('-', '_'): d.version for d in m.distributions() if d.metadata['Name']}))";
    let Some(lab) = jupyter_lab() else {
        return vec![Finding::note("no JupyterLab on PATH", "`pip install jupyterlab`; other frontends do as well")];
    };
    // The script's first line names its Python.
    let text = fs::read_to_string(&lab).unwrap_or_default();
    let python = text.lines().next().and_then(|line| line.strip_prefix("#!")).map(str::trim).map(PathBuf::from);
    let python = python.filter(|python| python.is_file()).or_else(|| Some(lab.parent()?.join("python3")));
    let output = python.and_then(|python| Command::new(python).args(["-c", PACKAGES]).output().ok());
    let packages: BTreeMap<String, String> =
        output.and_then(|output| serde_json::from_slice(&output.stdout).ok()).unwrap_or_default();
    let mut findings = vec![match packages.get("jupyterlab") {
        Some(version) => Finding::fine(format!("JupyterLab {version}, {}", lab.display())),
        None => Finding::note(format!("JupyterLab, {}, does not tell its packages", lab.display()), "run it by hand"),
    }];
    if packages.contains_key("jupyterlab") {
        findings.push(match packages.get("jupyterlab_widgets") {
            Some(version) => Finding::fine(format!("jupyterlab_widgets {version}")),
            None => Finding::note(
                "no jupyterlab_widgets: sliders and buttons show as text",
                "`pip install 'kissaten[widgets]'`",
            ),
        });
        if packages.contains_key("jupyter_server_documents") {
            findings.push(Finding::note(
                "jupyter_server_documents: what a task prints after its cell is lost there, for every kernel",
                "`pip uninstall jupyter_server_documents`; jupyter-collaboration keeps it",
            ));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernelspec_that_starts_nothing_is_a_fault() {
        let folder = tempfile::tempdir().unwrap();
        let write =
            |argv: &str| fs::write(folder.path().join("kernel.json"), format!(r#"{{"argv":["{argv}"]}}"#)).unwrap();
        let program = folder.path().join("kissaten");
        fs::write(&program, "").unwrap();
        write("python3");
        assert_eq!(of_kernelspec(folder.path(), &program), None);
        write("{resource_dir}/kissaten");
        assert_eq!(of_kernelspec(folder.path(), &program).unwrap().state, State::Fine);
        assert_eq!(of_kernelspec(folder.path(), Path::new("/bin/sh")).unwrap().state, State::Note);
        write("/gone/kissaten");
        assert_eq!(of_kernelspec(folder.path(), &program).unwrap().state, State::Fault);
    }
}
