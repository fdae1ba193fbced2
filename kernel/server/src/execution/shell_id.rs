//! What shells are called, by the spec and in the kernel.

use std::fmt;

/// The id of a shell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ShellId {
    Main,
    /// The subshell that was made as the first, second, …
    Sub(u64),
}

impl ShellId {
    /// The spec's `subshell_id`, of which the main shell has none; `None` if no subshell can be called so.
    pub(super) fn named(subshell_id: Option<&str>) -> Option<Self> {
        let Some(id) = subshell_id else { return Some(Self::Main) };
        let shell = Self::Sub(id.strip_prefix("subshell-")?.parse().ok()?);
        (shell.to_string() == id).then_some(shell)
    }
}

impl fmt::Display for ShellId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Main => f.write_str("main"),
            Self::Sub(number) => write!(f, "subshell-{number}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subshell_has_one_name() {
        assert_eq!(ShellId::named(None), Some(ShellId::Main));
        assert_eq!(ShellId::named(Some("subshell-12")), Some(ShellId::Sub(12)));
        for other in ["", "main", "12", "subshell-", "subshell-012", "subshell-+1", "subshell--1"] {
            assert_eq!(ShellId::named(Some(other)), None, "{other}");
        }
    }
}
