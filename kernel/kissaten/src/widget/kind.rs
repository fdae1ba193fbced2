//! The kinds of widgets, by the names under which ipywidgets has them.

/// A kind of widget.
#[derive(Debug)]
pub(super) struct Kind {
    /// What it is called in sentences.
    pub(super) noun: &'static str,
    /// The names of model and view, but for `Model` and `View` behind them.
    pub(super) name: &'static str,
    pub(super) module: &'static str,
    pub(super) version: &'static str,
    /// Whether it stays in the page when its last handle is gone: it can only be looked at.
    pub(super) stays: bool,
}

const fn control(noun: &'static str, name: &'static str, stays: bool) -> Kind {
    Kind { noun, name, module: "@jupyter-widgets/controls", version: "2.0.0", stays }
}

pub(super) static INT_SLIDER: Kind = control("slider", "IntSlider", false);
pub(super) static FLOAT_SLIDER: Kind = control("slider", "FloatSlider", false);
pub(super) static BUTTON: Kind = control("button", "Button", false);
pub(super) static CHECKBOX: Kind = control("checkbox", "Checkbox", false);
pub(super) static TOGGLE: Kind = control("toggle", "ToggleButton", false);
pub(super) static TEXT: Kind = control("text", "Text", false);
pub(super) static PASSWORD: Kind = control("password", "Password", false);
pub(super) static DROPDOWN: Kind = control("dropdown", "Dropdown", false);
pub(super) static INT_PROGRESS: Kind = control("progress", "IntProgress", true);
pub(super) static FLOAT_PROGRESS: Kind = control("progress", "FloatProgress", true);
pub(super) static LABEL: Kind = control("label", "Label", true);
pub(super) static HTML: Kind = control("HTML", "HTML", true);
pub(super) static ROW: Kind = control("row", "HBox", true);
pub(super) static COLUMN: Kind = control("column", "VBox", true);
pub(super) static OUTPUT: Kind =
    Kind { noun: "output", name: "Output", module: "@jupyter-widgets/output", version: "1.0.0", stays: true };
