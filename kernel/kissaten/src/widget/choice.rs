//! A choice among several.

use super::handle::{Handle, control, labelled, value, widget};
use super::kind::DROPDOWN;
use super::state::{self, Fields};
use crate::display::value::Value;

/// A list that unfolds, of which one is chosen: at first the first.
///
/// ```
/// # use kissaten::widget::Dropdown;
/// let drink = Dropdown::new(["mocha", "matcha"]).label("Drink");
/// assert_eq!((drink.value().as_str(), drink.index()), ("mocha", 0));
/// ```
pub struct Dropdown(Handle);

widget! { Dropdown }
labelled! { Dropdown }
control! { Dropdown }
value! { Dropdown, String, chosen }

impl Dropdown {
    /// A choice among these.
    pub fn new<S: Into<String>>(options: impl IntoIterator<Item = S>) -> Self {
        Self::of(dropdown(options.into_iter().map(S::into).collect()))
    }

    fn of(handle: Handle) -> Self {
        Self(handle)
    }

    /// The same with another one chosen.
    ///
    /// # Panics
    /// Where it is none of the options.
    #[must_use]
    #[track_caller]
    pub fn with_value(self, option: &str) -> Self {
        self.set(option);
        self
    }

    /// The place of the one that is chosen, counted from 0.
    pub fn index(&self) -> usize {
        self.0.read(index)
    }

    /// Chooses this one.
    ///
    /// # Panics
    /// Where it is none of the options.
    #[track_caller]
    pub fn set(&self, option: &str) {
        let options = self.0.read(options);
        let index = options.iter().position(|other| other == option);
        let Some(index) = index else { panic!("`{option}` is none of the options, which are {options:?}") };
        self.0.set("index", at(index));
    }

    /// Chooses the one at this place, counted from 0.
    ///
    /// # Panics
    /// Where there are fewer.
    #[track_caller]
    pub fn set_index(&self, index: usize) {
        let count = self.0.read(options).len();
        assert!(index < count, "there is no option {index}: there are {count}, counted from 0");
        self.0.set("index", at(index));
    }
}

fn at(index: usize) -> Value {
    Value::Integer(i128::try_from(index).unwrap_or_default())
}

fn dropdown(options: Vec<String>) -> Handle {
    let options = state::list(options.into_iter().map(Value::Text));
    Handle::new(&DROPDOWN, vec![("_options_labels", options), ("index", at(0)), ("disabled", false.into())])
}

fn options(fields: &Fields) -> Vec<String> {
    let Value::Sequence(options, _) = state::field(fields, "_options_labels") else { return Vec::new() };
    options.iter().map(|option| state::text(option).to_owned()).collect()
}

fn index(fields: &Fields) -> usize {
    if let Value::Integer(index) = state::field(fields, "index") { usize::try_from(*index).unwrap_or(0) } else { 0 }
}

/// The words of what is chosen; without any options, none.
pub(super) fn chosen(fields: &Fields) -> String {
    options(fields).into_iter().nth(index(fields)).unwrap_or_default()
}
