//! The kinds of widgets, by the names under which ipywidgets has them.

/// A kind of widget.
#[derive(Debug)]
pub(super) struct WidgetKind {
    /// What it is called in sentences.
    pub(super) noun: &'static str,
    /// The name of the model, but for `Model` behind it.
    pub(super) name: &'static str,
    /// The name of the view, but for `View` behind it.
    pub(super) view: &'static str,
    pub(super) module: &'static str,
    pub(super) version: &'static str,
    /// Whether it stays in the page when its last handle is gone: it can only be looked at.
    pub(super) stays: bool,
}

const fn control(noun: &'static str, name: &'static str, stays: bool) -> WidgetKind {
    WidgetKind { noun, name, view: name, module: "@jupyter-widgets/controls", version: "2.0.0", stays }
}

pub(super) static INT_SLIDER: WidgetKind = control("slider", "IntSlider", false);
pub(super) static FLOAT_SLIDER: WidgetKind = control("slider", "FloatSlider", false);
pub(super) static BUTTON: WidgetKind = control("button", "Button", false);
pub(super) static CHECKBOX: WidgetKind = control("checkbox", "Checkbox", false);
pub(super) static TOGGLE: WidgetKind = control("toggle", "ToggleButton", false);
pub(super) static TEXT: WidgetKind = control("text", "Text", false);
pub(super) static PASSWORD: WidgetKind = control("password", "Password", false);
pub(super) static DROPDOWN: WidgetKind = control("dropdown", "Dropdown", false);
// Both models have one view.
pub(super) static INT_PROGRESS: WidgetKind =
    WidgetKind { view: "Progress", ..control("progress", "IntProgress", true) };
pub(super) static FLOAT_PROGRESS: WidgetKind =
    WidgetKind { view: "Progress", ..control("progress", "FloatProgress", true) };
pub(super) static LABEL: WidgetKind = control("label", "Label", true);
pub(super) static HTML: WidgetKind = control("HTML", "HTML", true);
pub(super) static ROW: WidgetKind = control("row", "HBox", true);
pub(super) static COLUMN: WidgetKind = control("column", "VBox", true);
pub(super) static OUTPUT: WidgetKind =
    WidgetKind { module: "@jupyter-widgets/output", version: "1.0.0", ..control("output", "Output", true) };
