//! Sliders, and bars that show how far something is.

use std::marker::PhantomData;
use std::ops::RangeInclusive;

use super::handle::{Handle, control, labelled, value, widget};
use super::kind::{FLOAT_PROGRESS, FLOAT_SLIDER, INT_PROGRESS, INT_SLIDER};
use super::number::{self, Numeric};

/// Widgets with a number of a range.
macro_rules! ranged {
    ($($(#[$doc:meta])* $type:ident)*) => { $(
        $(#[$doc])*
        pub struct $type<T>(Handle, PhantomData<fn() -> T>);

        widget! { $type<T: Numeric> }
        labelled! { $type<T: Numeric> }
        value! { $type<T: Numeric>, T, number::value, number::now }

        impl<T: Numeric> $type<T> {
            fn of(handle: Handle) -> Self {
                Self(handle, PhantomData)
            }

            /// Moves it; what is beyond the range becomes its nearest end. It may be called as often as one likes: of what
            /// comes faster than a page draws, the last is shown.
            pub fn set(&self, value: T) {
                number::set(&self.0, T::IS_FLOAT, value.to_f64());
            }
        }
    )* };
}

ranged! {
    /// A slider: a number of a range, chosen with the mouse or the arrow keys.
    ///
    /// ```
    /// # use kissaten::widget::Slider;
    /// let cups = Slider::new(0..=10).label("Cups").with_value(3);
    /// let heat = Slider::new(0.0..=1.0).step(0.05);
    /// assert_eq!((cups.value(), heat.value()), (3, 0.0));
    /// ```
    Slider

    /// A bar that shows how far something is.
    ///
    /// ```
    /// # use kissaten::widget::Progress;
    /// let done = Progress::new(0..=200).label("Downloaded");
    /// done.set(50);
    /// ```
    Progress
}

control! { Slider<T: Numeric> }

impl<T: Numeric> Slider<T> {
    /// A slider over this range, at its begin.
    ///
    /// # Panics
    /// Where the range is empty, or endless.
    #[track_caller]
    pub fn new(range: RangeInclusive<T>) -> Self {
        Self::of(slider(T::IS_FLOAT, range.start().to_f64(), range.end().to_f64()))
    }

    /// The same at another place.
    #[must_use]
    pub fn with_value(self, value: T) -> Self {
        self.set(value);
        self
    }

    /// The same with so much between one value and the next: 1, and for floats a hundredth of the range, if it is not said.
    #[must_use]
    pub fn step(self, step: T) -> Self {
        number::set_field(&self.0, "step", T::IS_FLOAT, step.to_f64());
        self
    }
}

#[track_caller]
#[inline(never)]
fn slider(is_float: bool, least: f64, most: f64) -> Handle {
    let handle = number::ranged([&INT_SLIDER, &FLOAT_SLIDER], is_float, least, most).with("disabled", false);
    if !is_float {
        return handle.with("step", number::of(false, 1.0));
    }
    // Two digits behind the step's first place are more than a mouse can tell apart.
    let step = (most - least) / 100.0;
    let digits = (1..=12).find(|digits| step * 10_f64.powi(*digits) >= 0.999).unwrap_or(12).max(2);
    let handle = handle.with("readout_format", format!(".{digits}f").as_str());
    if step > 0.0 { handle.with("step", number::of(true, step)) } else { handle }
}

impl<T: Numeric> Progress<T> {
    /// A bar for this range, at its begin.
    ///
    /// # Panics
    /// Where the range is empty, or endless.
    #[track_caller]
    pub fn new(range: RangeInclusive<T>) -> Self {
        let (least, most) = (range.start().to_f64(), range.end().to_f64());
        Self::of(number::ranged([&INT_PROGRESS, &FLOAT_PROGRESS], T::IS_FLOAT, least, most))
    }
}
