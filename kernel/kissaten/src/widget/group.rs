//! Widgets beside and below one another.

use std::sync::Arc;

use super::handle::{Alive, Handle, Widget, widget};
use super::kind::{COLUMN, ROW, WidgetKind};
use super::state;
use crate::display::value::Value;

/// Several widgets: a tuple of them, an array, a `Vec` or a slice. They may be references.
pub trait Widgets {
    #[doc(hidden)]
    fn handles(&self, take: &mut dyn FnMut(&Handle));
}

impl<W: Widget> Widgets for [W] {
    fn handles(&self, take: &mut dyn FnMut(&Handle)) {
        self.iter().for_each(|widget| take(widget.handle()));
    }
}

impl<W: Widget, const N: usize> Widgets for [W; N] {
    fn handles(&self, take: &mut dyn FnMut(&Handle)) {
        self.as_slice().handles(take);
    }
}

impl<W: Widget> Widgets for Vec<W> {
    fn handles(&self, take: &mut dyn FnMut(&Handle)) {
        self.as_slice().handles(take);
    }
}

impl<W: Widgets + ?Sized> Widgets for &W {
    fn handles(&self, take: &mut dyn FnMut(&Handle)) {
        (**self).handles(take);
    }
}

macro_rules! tuples {
    ($($($name:ident)+;)*) => { $(
        impl<$($name: Widget),+> Widgets for ($($name,)+) {
            #[expect(non_snake_case, reason = "each type has a value of its name")]
            fn handles(&self, take: &mut dyn FnMut(&Handle)) {
                let ($($name,)+) = self;
                $(take($name.handle());)+
            }
        }
    )* };
}

tuples! { A; A B; A B C; A B C D; A B C D E; A B C D E F; A B C D E F G; A B C D E F G H; }

fn collect(widgets: &dyn Widgets) -> (Vec<Arc<Alive>>, Value) {
    let mut children = Vec::new();
    widgets.handles(&mut |handle| children.push(handle.alive()));
    let names = state::list(children.iter().map(|child| Value::Text(format!("IPY_MODEL_{}", child.model.id))));
    (children, names)
}

fn set(handle: &Handle, widgets: &dyn Widgets) {
    let (children, names) = collect(widgets);
    handle.model().set_children(children, names);
}

fn group(kind: &'static WidgetKind, widgets: &dyn Widgets) -> Handle {
    let handle = Handle::new(kind, vec![("children", state::list([]))]);
    set(&handle, widgets);
    handle
}

macro_rules! groups {
    ($($(#[$doc:meta])* $type:ident $kind:ident)*) => { $(
        $(#[$doc])*
        pub struct $type(Handle);

        widget! { $type }

        impl $type {
            /// These widgets, as one that holds a handle of each.
            pub fn new(widgets: impl Widgets) -> Self {
                Self::of(group(&$kind, &widgets))
            }

            fn of(handle: Handle) -> Self {
                Self(handle)
            }

            /// Puts these in the place of those that stand there.
            pub fn set(&self, widgets: impl Widgets) {
                set(&self.0, &widgets);
            }
        }
    )* };
}

groups! {
    /// Widgets beside one another.
    ///
    /// ```
    /// # use kissaten::widget::{Button, Label, Row};
    /// let (stop, state) = (Button::new("Stop"), Label::new("running"));
    /// let row = Row::new((&stop, &state));
    /// ```
    Row ROW
    /// Widgets below one another.
    ///
    /// ```
    /// # use kissaten::widget::{Column, Slider};
    /// let cups = [Slider::new(0..=10), Slider::new(0..=10)];
    /// let column = Column::new(&cups);
    /// ```
    Column COLUMN
}
