//! A copy of what is live, for whoever asks about code while the notebook is with the compiler.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::Notebook;
use crate::analysis::{AnalyzerPlace, Knowledge};

impl Notebook {
    /// The number of [`knowledge`](Self::knowledge): another one as soon as there is something else to know.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// What is live now. It costs about as much as trying a cell on a copy; nothing is read or parsed before it is asked.
    pub fn knowledge(&self) -> Knowledge {
        let crates = self.dependencies.externs().map(|found| (found.name.clone(), found.version.clone()));
        Knowledge {
            revision: self.revision,
            items: self.items.clone(),
            bindings: self.bindings.values().cloned().collect(),
            crates: crates.collect(),
            place: self.place(),
            index: OnceLock::new(),
        }
    }

    fn place(&self) -> AnalyzerPlace {
        let toolchain = &self.session.toolchain;
        let own = self.session.source.join("kernel/kissaten");
        let mut dependencies =
            format!("kissaten = {{ package = \"kissaten-session\", path = {:?} }}\n", own.display().to_string());
        dependencies.push_str("tokio = { version = \"1\", features = [\"full\"] }\n");
        let named = self.dependencies.lines();
        for line in named.lines().filter(|line| !line.starts_with("tokio =") && !line.starts_with("futures =")) {
            dependencies.push_str(line);
            dependencies.push('\n');
        }
        let lock = self.dependencies.lock().map_or_else(|| self.session.source.join("Cargo.lock"), Path::to_path_buf);
        AnalyzerPlace {
            rustc: toolchain.rustc.clone(),
            dependencies,
            on_demand: vec![("futures", "futures = \"0.3\"\n")],
            lock,
            std_source: std_source(&toolchain.sysroot),
            online: !self.is_offline(),
        }
    }
}

/// Where the source of std is: where the user says, in rustup's component, in Debian's package.
fn std_source(sysroot: &Path) -> Option<PathBuf> {
    let given = std::env::var_os("RUST_SRC_PATH").map(PathBuf::from);
    let library = Path::new("lib/rustlib/src/rust/library");
    let usual = [sysroot, Path::new("/usr")].map(|place| place.join(library));
    given.into_iter().chain(usual).find(|folder| folder.join("std/src/lib.rs").is_file())
}
