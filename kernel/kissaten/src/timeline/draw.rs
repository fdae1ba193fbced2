//! A timeline as an SVG picture: a lane for each row, under one axis of time.
//!
//! Everything is said by attributes of the shapes and in the colour of the text around: GitHub takes styles away, a page
//! of JupyterLab is dark when its user's system is light, and ids would have to differ from picture to picture.

mod legend;
mod mark;

use std::fmt::Write;
use std::time::Duration;

use super::axis::Axis;
use super::fold::{self, Row, What};
use super::{Fold, Lane, Timeline, strip};
use crate::display::duration::duration;
use crate::display::text::{columns, cut, escape};

/// The width of the picture; all lengths are in its units, which are pixels where there is room.
const WIDTH: f64 = 760.0;
/// Free space at the left and right edge.
const EDGE: f64 = 8.0;
/// Where the text of the headline stands.
const HEADLINE: f64 = 22.0;
/// Where the labels of the axis stand.
const AXIS: f64 = 48.0;
/// Where the rows begin.
const ROWS: f64 = 58.0;
const LANE: f64 = 24.0;
const BAR: f64 = 12.0;
/// The row of a fold, and the strip in it.
const MANY: f64 = 42.0;
const STRIP: f64 = 28.0;
/// How far a row stands to the right of the one that it belongs to.
const INDENT: f64 = 16.0;
/// Free space for marks behind the end of a bar.
const MARKS: f64 = 20.0;
/// No poll is drawn shorter.
const SHORTEST: f64 = 1.5;

const NAME_SIZE: f64 = 12.5;
const SMALL_SIZE: f64 = 11.0;
/// How wide a column of text is, of its size; a little too much for most text, because fonts differ.
const COLUMN: f64 = 0.56;

/// Okabe and Ito's blue, sky blue and vermilion, which the colour-blind can tell apart; blue a little lighter than
/// theirs, so that it stands out on black as it does on white.
const POLLED: &str = "#0f7cc0";
const WAITING: &str = "#56b4e9";
const PANICKED: &str = "#d55e00";

/// Colours for where there is no text around: as a file. In a page it matches nothing.
const FILE_STYLE: &str =
    "<style>svg:root{color:#1f2328}@media(prefers-color-scheme:dark){svg:root{color:#e6edf3}}</style>";

/// The picture as a file of its own.
pub(super) fn svg(timeline: &Timeline) -> String {
    picture(timeline, FILE_STYLE)
}

/// The picture as a part of a page.
pub(super) fn inline(timeline: &Timeline) -> String {
    picture(timeline, "")
}

fn picture(timeline: &Timeline, style: &str) -> String {
    let rows = fold::rows(timeline);
    let mut drawing = Drawing::new(timeline, &rows);
    drawing.headline();
    let height = if rows.is_empty() { HEADLINE + EDGE } else { drawing.rows(&rows) };
    let (took, compared) = timeline.headline();
    let label = escape(&compared.map_or(took.clone(), |compared| format!("{took}; {compared}")));
    let told = escape_lines(&told(timeline, &rows));
    // Styles only where the picture is no worse without them.
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" aria-label=\"{label}\" viewBox=\"0 0 {WIDTH} {height}\" \
         width=\"{WIDTH}\" height=\"{height}\" style=\"width:100%;max-width:{WIDTH}px;height:auto\" \
         font-family=\"system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans',sans-serif\" font-size=\"{NAME_SIZE}\" \
         fill=\"currentColor\"><title>{label}</title><desc>{told}</desc>{style}{}</svg>",
        drawing.out
    )
}

/// What the rows say, for who does not see them: a line for each.
fn told(timeline: &Timeline, rows: &[Row<'_>]) -> String {
    let now = timeline.span();
    let line = |row: &Row<'_>| {
        let (from, to) = row.what.life(now);
        let (name, place) = (row.what.name(), row.what.place(&timeline.label));
        let place = if place.is_empty() { String::new() } else { format!(", {place}") };
        let of = if row.depth == 0 { String::new() } else { format!(", level {}", row.depth) };
        format!(
            "{name}{place}{of}: {}, from {} to {}, {}; {}",
            figure(&row.what, now),
            duration(from),
            duration(to),
            row.what.state(),
            row.what.ran()
        )
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn height(row: &Row<'_>) -> f64 {
    match row.what {
        What::Lane(_) => LANE,
        What::Many(_) => MANY,
    }
}

struct Drawing<'a> {
    timeline: &'a Timeline,
    now: Duration,
    axis: Axis,
    /// Where the bars begin and end.
    left: f64,
    right: f64,
    out: String,
}

impl<'a> Drawing<'a> {
    fn new(timeline: &'a Timeline, rows: &[Row<'_>]) -> Self {
        let now = timeline.span();
        let label = |row: &Row<'_>| {
            let place = row.what.place(&timeline.label);
            let gap = if place.is_empty() { 0.0 } else { SMALL_SIZE };
            let first = width(&row.what.name(), NAME_SIZE) + gap + width(&place, SMALL_SIZE);
            let second = if matches!(row.what, What::Many(_)) { width(&row.what.state(), SMALL_SIZE) } else { 0.0 };
            row.depth as f64 * INDENT + first.max(second)
        };
        let figures = rows.iter().map(|row| width(&figure(&row.what, now), SMALL_SIZE)).fold(0.0, f64::max).min(120.0);
        let labels = rows.iter().map(label).fold(0.0, f64::max).clamp(60.0, 250.0);
        Self {
            timeline,
            now,
            axis: Axis::new(now),
            left: (EDGE + labels + 16.0).ceil(),
            right: (WIDTH - EDGE - figures - MARKS).floor(),
            out: String::new(),
        }
    }

    /// Where a moment stands.
    fn x(&self, moment: Duration) -> f64 {
        self.left + self.axis.share(moment) * (self.right - self.left)
    }

    fn headline(&mut self) {
        let (took, compared) = self.timeline.headline();
        let took = escape(&cut(&took, 60));
        let compared = compared.map(|compared| format!("<tspan opacity=\".7\">; {}</tspan>", escape(&compared)));
        let compared = compared.unwrap_or_default();
        let _ = write!(
            self.out,
            "<text x=\"{EDGE}\" y=\"{HEADLINE}\" font-size=\"14\"><tspan font-weight=\"600\">{took}</tspan>{compared}</text>"
        );
    }

    fn axis(&mut self, bottom: f64) {
        let room = (self.right - self.left) / 80.0;
        let (mut lines, mut labels) = (String::new(), String::new());
        for tick in self.axis.ticks(room as u32) {
            let x = Short(self.left + tick.share * (self.right - self.left));
            let _ = write!(lines, "M{x} {}V{}", Short(AXIS + 5.0), Short(bottom));
            let _ = write!(labels, "<text x=\"{x}\" y=\"{AXIS}\">{}</text>", tick.label);
        }
        let _ = write!(
            self.out,
            "<path d=\"{lines}\" stroke=\"currentColor\" opacity=\".13\" fill=\"none\"/>\
             <g font-size=\"{SMALL_SIZE}\" opacity=\".65\" text-anchor=\"middle\">{labels}</g>"
        );
    }

    /// Draws the rows and what goes with them, and returns the picture's height.
    fn rows(&mut self, rows: &[Row<'_>]) -> f64 {
        let bottom = ROWS + rows.iter().map(height).sum::<f64>();
        self.axis(bottom);
        let mut top = ROWS;
        for row in rows {
            self.row(row, top);
            top += height(row);
        }
        self.legend(rows, bottom + 14.0)
    }

    fn row(&mut self, row: &Row<'_>, top: f64) {
        let details = escape_lines(&row.what.details(self.now));
        let _ = write!(self.out, "<g><title>{details}</title>");
        // Makes the whole row answer to the pointer.
        let _ = write!(
            self.out,
            "<rect x=\"0\" y=\"{}\" width=\"{WIDTH}\" height=\"{}\" fill-opacity=\"0\"/>",
            Short(top),
            Short(height(row))
        );
        self.label(row, top);
        let (x, y) = (Short(WIDTH - EDGE), Short(top + height(row) / 2.0 + 4.0));
        let figure = escape(&figure(&row.what, self.now));
        let _ = write!(
            self.out,
            "<text x=\"{x}\" y=\"{y}\" text-anchor=\"end\" font-size=\"{SMALL_SIZE}\" opacity=\".75\">{figure}</text>"
        );
        match &row.what {
            What::Lane(lane) => self.lane(lane, top + LANE / 2.0),
            What::Many(fold) => self.many(fold, top + MANY / 2.0),
        }
        self.out.push_str("</g>");
    }

    fn label(&mut self, row: &Row<'_>, top: f64) {
        // The name's middle: a fold has its counts on a second line.
        let (middle, counts) = match row.what {
            What::Lane(_) => (top + LANE / 2.0, None),
            What::Many(_) => (top + MANY / 2.0 - 7.5, Some(row.what.state())),
        };
        self.tree(row, top, middle);
        let x = EDGE + row.depth as f64 * INDENT;
        let room = self.left - 16.0 - x;
        let (name, place) = (row.what.name(), row.what.place(&self.timeline.label));
        let place = fitted(&place, SMALL_SIZE, (room - width(&name, NAME_SIZE) - SMALL_SIZE).max(room * 0.4));
        let beside = if place.is_empty() { 0.0 } else { width(&place, SMALL_SIZE) + SMALL_SIZE };
        let name = escape(&fitted(&name, NAME_SIZE, room - beside));
        let weight = if row.depth == 0 { " font-weight=\"600\"" } else { "" };
        let place = if place.is_empty() {
            String::new()
        } else {
            format!(
                "<tspan dx=\"7\" font-size=\"{SMALL_SIZE}\" font-weight=\"400\" opacity=\".6\">{}</tspan>",
                escape(&place)
            )
        };
        let (x, y) = (Short(x), Short(middle + 4.5));
        let _ = write!(self.out, "<text x=\"{x}\" y=\"{y}\"{weight}>{name}{place}</text>");
        if let Some(counts) = counts {
            let counts = escape(&fitted(&counts, SMALL_SIZE, room));
            let y = Short(middle + 19.5);
            let _ = write!(
                self.out,
                "<text x=\"{x}\" y=\"{y}\" font-size=\"{SMALL_SIZE}\" opacity=\".75\">{counts}</text>"
            );
        }
    }

    /// The lines from a row to what it belongs to.
    fn tree(&mut self, row: &Row<'_>, top: f64, middle: f64) {
        let mut lines = String::new();
        let bottom = top + height(row);
        for (depth, goes_on) in row.goes_on.iter().enumerate() {
            let x = Short(EDGE + depth as f64 * INDENT + 4.5);
            let own = depth + 1 == row.goes_on.len();
            if own || *goes_on {
                let _ = write!(lines, "M{x} {}V{}", Short(top), Short(if *goes_on { bottom } else { middle }));
            }
            if own {
                let _ = write!(lines, "M{x} {}h7", Short(middle));
            }
        }
        if !lines.is_empty() {
            let _ = write!(self.out, "<path d=\"{lines}\" stroke=\"currentColor\" opacity=\".35\" fill=\"none\"/>");
        }
    }

    fn lane(&mut self, lane: &Lane, middle: f64) {
        let (from, to) = lane.life(self.now);
        let wide = (self.x(to) - self.x(from)).max(SHORTEST);
        let start = self.x(from).min(self.right - SHORTEST);
        let is_task = !lane.branch;
        self.out.push_str(&mark::life(start, middle, wide, BAR, is_task));
        let runs = self.runs(lane);
        let full = if is_task { BAR } else { BAR - 5.0 };
        for (sparse, thick) in [(false, full), (true, full / 2.0)] {
            let mut path = String::new();
            for run in runs.iter().filter(|run| run.sparse == sparse) {
                let _ = write!(path, "M{} {}h{}", Short(self.left + run.from), Short(middle), Short(run.to - run.from));
            }
            if !path.is_empty() {
                let _ = write!(self.out, "<path d=\"{path}\" stroke=\"{POLLED}\" stroke-width=\"{thick}\"/>");
            }
        }
        if is_task {
            self.out.push_str(&mark::spawn(start, middle, BAR));
        }
        self.out.push_str(&mark::end(lane.end.map(|(_, end)| end), start + wide, middle, BAR));
    }

    fn runs(&self, lane: &Lane) -> Vec<strip::StripRun> {
        strip::runs(&lane.polls, &self.axis, self.right - self.left, SHORTEST)
    }

    /// How many live, as the height of a strip.
    fn many(&mut self, fold: &Fold, middle: f64) {
        // A column for each pair of units: narrower ones cannot be told apart.
        let columns = ((self.right - self.left) / 2.0) as usize;
        let living = strip::living(&fold.living_or_guess(self.now), &self.axis, columns);
        let most = living.iter().copied().max().unwrap_or(0);
        let base = middle + STRIP / 2.0;
        let step = (self.right - self.left) / columns as f64;
        let top = |count: u64| {
            let share = count as f64 / most.max(1) as f64;
            // One of thousands is still there.
            if count == 0 { base } else { base - (share * STRIP).max(SHORTEST) }
        };
        let mut path = format!("M{} {}", Short(self.left), Short(base));
        for (column, count) in living.iter().enumerate() {
            if column == 0 || living[column - 1] != *count {
                let _ = write!(path, "H{}V{}", Short(self.left + column as f64 * step), Short(top(*count)));
            }
        }
        let _ = write!(path, "H{}V{}Z", Short(self.right), Short(base));
        self.out.push_str(&mark::strip(&path));
        if fold.living_on() > 0 {
            self.out.push_str(&mark::end(None, self.right, middle, STRIP));
        }
    }
}

/// The figure at the end of a row: how long it lived, or how many lived at once.
fn figure(what: &What<'_>, now: Duration) -> String {
    match what {
        What::Lane(lane) => {
            let (from, to) = lane.life(now);
            duration(to.saturating_sub(from))
        }
        What::Many(fold) => {
            let most = fold.living_or_guess(now).into_iter().map(|(_, count)| count).max();
            format!("max {}", super::words::grouped(most.unwrap_or(0)))
        }
    }
}

/// About how wide a text is.
fn width(text: &str, size: f64) -> f64 {
    columns(text) as f64 * size * COLUMN
}

/// The text, cut to about that width.
fn fitted(text: &str, size: f64, room: f64) -> String {
    // What was measured to fit does so, however the division was rounded.
    cut(text, (room / (size * COLUMN) + 1e-3).max(1.0) as usize).into_owned()
}

fn escape_lines(text: &str) -> String {
    text.lines().map(escape).collect::<Vec<_>>().join("\n")
}

/// A length with at most one decimal: more cannot be seen, and most of a picture is numbers.
struct Short(f64);

impl std::fmt::Display for Short {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}", (self.0 * 10.0).round() / 10.0)
    }
}
