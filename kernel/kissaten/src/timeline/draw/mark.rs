//! The shapes that a lane is made of. No two of them differ by their colour alone.

use super::{PANICKED, POLLED, Short, WAITING};
use crate::timeline::End;

/// The light bar of a life, `middle` being its height on the picture: of a task it has corners, of a future that is a part
/// of another one it is round. Its outline shows also where a projector makes the light colour white.
pub(super) fn life(x: f64, middle: f64, width: f64, height: f64, is_task: bool) -> String {
    let round = if is_task { String::new() } else { format!(" rx=\"{}\"", Short((height / 2.0).min(width / 2.0))) };
    let (x, y, width) = (Short(x), Short(middle - height / 2.0), Short(width));
    format!(
        "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\"{round} fill=\"{WAITING}\" fill-opacity=\".32\" \
         stroke=\"{POLLED}\"/>"
    )
}

/// A flagpole on the bar's start.
pub(super) fn spawn(x: f64, middle: f64, height: f64) -> String {
    let (x, top) = (Short(x), Short(middle - height / 2.0 - 3.0));
    format!("<path d=\"M{x} {top}v{}\" stroke=\"currentColor\" stroke-opacity=\".75\"/>", Short(height + 3.0))
}

/// What stands at the bar's end: a cap for what finished, a cross, a crossed-out box, or an arrow for what goes on.
pub(super) fn end(end: Option<End>, x: f64, middle: f64, height: f64) -> String {
    let centre = Short(x + 7.5);
    let y = Short(middle);
    match end {
        Some(End::Finished) => {
            let top = Short(middle - height / 2.0 - 2.0);
            format!(
                "<path d=\"M{} {top}v{}\" stroke=\"{POLLED}\" stroke-width=\"2.5\"/>",
                Short(x),
                Short(height + 4.0)
            )
        }
        Some(End::Panicked) => format!(
            "<path d=\"M{centre} {y}m-4 -4l8 8m0 -8l-8 8\" stroke=\"{PANICKED}\" stroke-width=\"2.5\" \
             stroke-linecap=\"round\"/>"
        ),
        Some(End::Aborted) => format!(
            "<path d=\"M{centre} {y}m-4 -4h8v8h-8zm0 8l8 -8\" stroke=\"currentColor\" stroke-opacity=\".8\" \
             stroke-width=\"1.3\" fill=\"none\"/>"
        ),
        None => format!(
            "<path d=\"M{centre} {y}m-4 -5l5 5l-5 5\" stroke=\"{POLLED}\" stroke-width=\"2\" fill=\"none\" \
             stroke-linecap=\"round\" stroke-linejoin=\"round\"/>"
        ),
    }
}

/// The strip of how many live, by its outline.
pub(super) fn strip(outline: &str) -> String {
    format!(
        "<path d=\"{outline}\" fill=\"{WAITING}\" fill-opacity=\".4\" stroke=\"{POLLED}\" stroke-opacity=\".8\" \
         stroke-linejoin=\"round\"/>"
    )
}
