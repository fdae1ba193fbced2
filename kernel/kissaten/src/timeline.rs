//! Timelines: what became of a cell's tasks over time, as plain data, which draws itself.
//!
//! It answers for the shape of that data and for how it is shown. It deliberately does not know how it was collected,
//! and trusts none of it: a clock may be coarse, a parent may have ended before its children began.

mod axis;
mod draw;
mod fold;
mod life;
#[cfg(test)]
mod samples;
mod strip;
#[cfg(test)]
mod tests;
mod text;
mod words;

use std::time::Duration;

use crate::display::text::escape;
use crate::display::{Display, MimeBundle};

/// The tasks of one run of a cell, from its start to its end, or to now.
///
/// All times are since the cell's start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Timeline {
    /// The cell's name: `cell 3`.
    pub label: String,
    /// From the cell's start to its end, or to now. Tasks may go on for longer.
    pub elapsed: Duration,
    /// Whether the cell still runs.
    pub running: bool,
    /// The cell's own future first, then what it spawned, in order of the spawn.
    pub lanes: Vec<Lane>,
    /// What is not told lane by lane, because there were too many.
    pub folded: Vec<Fold>,
    /// Whether some waited for locks, permits or channels of others, or for a processor: then their lives do not add up.
    pub contended: bool,
}

/// The life of one future.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lane {
    /// Index in [`Timeline::lanes`] of the one that spawned or polls it; `None` for the cell.
    pub parent: Option<usize>,
    /// tokio's id of the task; `None` for the cell's own future and for a future that is polled as a part of another
    /// one (an argument of `join!`).
    pub task: Option<u64>,
    /// The function, `async block`, or for the cell its label.
    pub name: String,
    /// Where it was spawned: `cell 3, line 2`.
    pub place: Option<String>,
    /// When it was spawned.
    pub spawned: Duration,
    /// When and how it ended; `None` while it lives.
    pub end: Option<(Duration, End)>,
    /// When it was polled: from and to, in order; at most a few hundred, neighbours are joined when there are more.
    pub polls: Vec<(Duration, Duration)>,
    /// How often it was polled.
    pub poll_count: u64,
    /// How long it was polled, in total.
    pub busy: Duration,
    /// Whether it is polled as a part of another one (an argument of `join!`, something that is awaited), and no task.
    pub branch: bool,
    /// Where it stood when it was aborted or dropped: `cell 3, line 4: rx.recv()`.
    pub stood: Option<String>,
}

/// How a task ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It returned.
    Finished,
    /// It panicked.
    Panicked,
    /// It was aborted, or dropped before it was ready.
    Aborted,
}

/// Many tasks of one name and place, counted instead of told one by one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fold {
    /// As [`Lane::name`].
    pub name: String,
    /// As [`Lane::place`].
    pub place: Option<String>,
    /// As [`Lane::parent`].
    pub parent: Option<usize>,
    /// How many there were.
    pub tasks: u64,
    /// How many of them returned.
    pub finished: u64,
    /// How many panicked.
    pub panicked: u64,
    /// How many were aborted.
    pub aborted: u64,
    /// When the first was spawned.
    pub first: Duration,
    /// When the last ended; `None` if some go on.
    pub last: Option<Duration>,
    /// How many lived from each of these moments on, in order; at most a few hundred. Empty if that is not known.
    pub living: Vec<(Duration, u64)>,
    /// The sum of their lives, to their end or to now; zero if that is not known.
    pub lived: Duration,
    /// How often they were polled, in total.
    pub poll_count: u64,
    /// How long they were polled, in total.
    pub busy: Duration,
}

impl Timeline {
    /// The picture as an SVG file of its own, with colours for light and dark surroundings.
    pub fn svg(&self) -> String {
        draw::svg(self)
    }
}

/// Shows the picture instead of the text, where both the style and the picture were let through. On a phone it keeps a
/// width at which its words can be read, and is moved with a finger.
const STYLE: &str = "<style>.kissaten-timeline:has(svg){display:block!important;overflow-x:auto}\
                     .kissaten-timeline>svg{min-width:620px}\
                     .kissaten-timeline:has(svg)+details{display:none}</style>";

/// As HTML with the picture in it, and as text.
///
/// The picture stands in the page itself, where it takes the page's colours and its lanes tell about themselves. As
/// `image/svg+xml` JupyterLab would make it an image, which knows nothing of the page's theme. JupyterLab takes the
/// tags of a picture out of a notebook that it does not trust, and with them the style: then what is left of it stays
/// hidden, and the text is there instead. Where only styles are taken away, the text stands below the picture and can be folded.
impl Display for Timeline {
    fn mime_bundle(&self) -> MimeBundle {
        let (picture, text) = (draw::inline(self), text::text(self));
        let (headline, rest) = text.split_once('\n').unwrap_or((&text, ""));
        let html = format!(
            "{STYLE}<div class=\"kissaten-timeline\" hidden=\"hidden\">{picture}</div>\
             <details open=\"open\"><summary>{}</summary><pre>{}</pre></details>",
            escape(headline),
            // Line by line: `escape` is for one line.
            rest.lines().map(escape).collect::<Vec<_>>().join("\n"),
        );
        MimeBundle::new().with("text/html", html).with("text/plain", text)
    }
}
