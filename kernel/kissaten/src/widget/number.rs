//! The numbers that a slider or a progress bar can have.

use super::handle::Handle;
use super::kind::WidgetKind;
use super::state::{self, Fields};
use crate::display::value::Value;

/// A number of Rust's: all integers but those of 128 bits, and floats. The page holds doubles, so of integers 53 bits.
pub trait Numeric: Copy + Send + Sync + sealed::Sealed + 'static {
    #[doc(hidden)]
    const IS_FLOAT: bool;
    #[doc(hidden)]
    fn to_f64(self) -> f64;
    #[doc(hidden)]
    fn from_f64(number: f64) -> Self;
}

mod sealed {
    pub trait Sealed {}
}

macro_rules! numbers {
    ($is_float:literal: $($type:ty)*) => { $(
        impl sealed::Sealed for $type {}

        impl Numeric for $type {
            const IS_FLOAT: bool = $is_float;

            fn to_f64(self) -> f64 {
                self as f64
            }

            // A cast stops at the bounds of its type.
            fn from_f64(number: f64) -> Self {
                number as Self
            }
        }
    )* };
}

numbers! { false: i8 i16 i32 i64 isize u8 u16 u32 u64 usize }
numbers! { true: f32 f64 }

/// The value among the fields, within its range.
pub(super) fn value<T: Numeric>(fields: &Fields) -> T {
    T::from_f64(within(fields))
}

/// The value that a widget has now, within its range.
pub(super) fn now<T: Numeric>(handle: &Handle) -> T {
    T::from_f64(read(handle))
}

#[inline(never)]
fn read(handle: &Handle) -> f64 {
    handle.read(within)
}

fn within(fields: &Fields) -> f64 {
    let [value, least, most] = ["value", "min", "max"].map(|name| state::number(state::field(fields, name)));
    value.clamp(least, most.max(least))
}

/// A number as a field.
pub(super) fn of(is_float: bool, number: f64) -> Value {
    if is_float { Value::Float(number) } else { Value::Integer(number as i128) }
}

/// Puts another number.
#[inline(never)]
pub(super) fn set_field(handle: &Handle, name: &'static str, is_float: bool, number: f64) {
    handle.set(name, of(is_float, number));
}

/// A widget with a number in a range.
#[track_caller]
#[inline(never)]
pub(super) fn ranged(kinds: [&'static WidgetKind; 2], is_float: bool, least: f64, most: f64) -> Handle {
    let noun = kinds[0].noun;
    assert!(least.is_finite() && most.is_finite(), "a {noun} needs a range with an end on both sides");
    assert!(least <= most, "a {noun} from {least} to {most} has no values: its range is empty");
    let number = |number| of(is_float, number);
    let fields = vec![("min", number(least)), ("max", number(most)), ("value", number(least))];
    Handle::new(kinds[usize::from(is_float)], fields)
}

/// Puts the value within the range.
#[inline(never)]
pub(super) fn set(handle: &Handle, is_float: bool, number: f64) {
    handle.model().change(|state| {
        let [least, most] = ["min", "max"].map(|name| state::number(state::field(&state.fields, name)));
        // What is no number is none of the range.
        let number = if number.is_nan() { least } else { number.clamp(least, most) };
        ("value", state::put(&mut state.fields, "value", of(is_float, number)))
    });
}
