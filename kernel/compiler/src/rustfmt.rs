//! Code of a cell in the form that rustfmt gives it. rustfmt knows files and no cells, so the code goes there as the
//! body of a function, and comes back without it.
//!
//! What rustfmt leaves alone, as macros with a syntax of their own, stands in the body one level deeper than in the cell,
//! so that it is where it was when the level is taken away again. Lines inside of string literals are never moved.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::{env, io};

use build::Toolchain;
use ra_ap_rustc_lexer::{FrontmatterAllowed, TokenKind, tokenize};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

const HEAD: &str = "async fn __kissaten_cell() {\n";
/// Settings that rustfmt makes from `max_width`, unless they are set.
const WIDTHS: [&str; 8] = [
    "array_width",
    "attr_fn_like_width",
    "chain_width",
    "fn_call_width",
    "single_line_if_else_max_width",
    "single_line_let_else_max_width",
    "struct_lit_width",
    "struct_variant_width",
];

/// Why code was not formatted. The texts are for users.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FormatError {
    #[error("rustfmt is not installed; `rustup component add rustfmt` gets it")]
    Missing,
    #[error("rustfmt cannot be used ({0})")]
    Unusable(#[from] io::Error),
    #[error("rustfmt does not format this cell: {0}")]
    Refused(String),
}

/// The user's settings, as far as they must change for a body.
struct Settings {
    /// What one level is indented by.
    level: String,
    /// In the form `name=value,name=value`.
    overrides: String,
}

/// Formats code that the parser understands. The settings of `rustfmt.toml` are those for the present folder.
///
/// # Cancel safety
/// Dropping the future ends rustfmt.
pub(crate) async fn format(toolchain: &Toolchain, code: &str) -> Result<String, FormatError> {
    let program = find(&toolchain.sysroot).ok_or(FormatError::Missing)?;
    let settings = settings(&program).await?;
    let body =
        moved(code, |line| if line.trim().is_empty() { line.to_owned() } else { format!("{}{line}", settings.level) });
    let arguments = ["--emit", "stdout", "--config", &settings.overrides];
    let formatted = call(&program, &arguments, format!("{HEAD}{body}\n}}\n")).await?;
    let formatted = formatted.replace("\r\n", "\n");
    let inside = formatted.strip_prefix(HEAD).and_then(|rest| rest.trim_end().strip_suffix('}'));
    // A body of comments alone, or of nothing.
    let Some(inside) = inside.or_else(|| formatted.trim_end().strip_prefix(HEAD.trim_end())?.strip_suffix('}')) else {
        return Err(FormatError::Refused("its answer is not the code that it was given".to_owned()));
    };
    let moved = moved(inside, |line| line.strip_prefix(&settings.level).unwrap_or(line).to_owned());
    Ok(moved.trim_matches('\n').trim_end().to_owned())
}

/// The toolchain's own, else the one that a shell would call.
fn find(sysroot: &Path) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let cargo = dirs::home_dir().map(|home| home.join(".cargo/bin"));
    let searched = env::split_paths(&path).chain(cargo).map(|folder| folder.join("rustfmt")).collect::<Vec<_>>();
    std::iter::once(sysroot.join("bin/rustfmt")).chain(searched).find(|path| path.is_file())
}

async fn settings(program: &Path) -> Result<Settings, FormatError> {
    let printed = call(program, &["--print-config", "current", "."], String::new()).await?;
    // An older one prints what a newer one would refuse; nothing of it is passed on but numbers.
    let table: toml::Table = printed.parse().unwrap_or_default();
    let number = |name: &str| table.get(name).and_then(toml::Value::as_integer);
    let spaces = number("tab_spaces").unwrap_or(4).clamp(1, 16);
    let is_tab = table.get("hard_tabs").and_then(toml::Value::as_bool).unwrap_or(false);
    let mut overrides = vec![format!("max_width={}", number("max_width").unwrap_or(100).saturating_add(spaces))];
    overrides.extend(WIDTHS.iter().filter_map(|name| Some(format!("{name}={}", number(name)?))));
    let level = if is_tab { "\t".to_owned() } else { " ".repeat(spaces as usize) };
    Ok(Settings { level, overrides: overrides.join(",") })
}

/// Calls rustfmt with a text; what it answers.
async fn call(program: &Path, arguments: &[&str], text: String) -> Result<String, FormatError> {
    let mut command = Command::new(program);
    command.args(["--edition", "2024"]).args(arguments).kill_on_drop(true);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn()?;
    let stdin = child.stdin.take();
    let write = async {
        if let Some(mut stdin) = stdin {
            // One that ended before it read all says why.
            let _ = stdin.write_all(text.as_bytes()).await;
        }
    };
    let (output, ()) = tokio::join!(child.wait_with_output(), write);
    let output = output?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let words = String::from_utf8_lossy(&output.stderr);
    // So says rustup in the place of a component that is not there.
    if words.contains("is not installed") || words.contains("is not applicable to the") {
        return Err(FormatError::Missing);
    }
    Err(FormatError::Refused(words.lines().next().unwrap_or("it does not say why").to_owned()))
}

/// The text with each line changed, but those that begin inside of a literal.
fn moved(text: &str, change: impl Fn(&str) -> String) -> String {
    let mut fixed = Vec::new();
    let mut from = 0;
    for token in tokenize(text, FrontmatterAllowed::No) {
        let end = from + token.len as usize;
        if matches!(token.kind, TokenKind::Literal { .. }) {
            fixed.push(from + 1..end);
        }
        from = end;
    }
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let is_fixed = fixed.binary_search_by(|range| {
            if range.end <= at {
                std::cmp::Ordering::Less
            } else if range.start > at {
                std::cmp::Ordering::Greater
            } else {
                std::cmp::Ordering::Equal
            }
        });
        if is_fixed.is_ok() {
            out.push_str(line)
        } else {
            out.push_str(&change(line))
        }
        at += line.len();
    }
    out
}

#[cfg(test)]
mod tests;
