//! What the user has set for all cells to come. What a setting does is not known here.

use ipc::Layout;

use crate::hint::Hints;

/// The settings, as commands change them.
#[derive(Debug, Default)]
pub(super) struct Settings {
    /// `:timing`: whether cells tell how long they took.
    pub(super) timing: bool,
    /// `:types`: whether results tell their type.
    pub(super) types: bool,
    /// `:fmt`: how values are laid out.
    pub(super) layout: Layout,
    /// `:hints`: which kinds are given.
    pub(super) hints: Hints,
    /// Whether the user's own configuration was read.
    pub(super) configured: bool,
}
