//! A timeline as text, for terminals and for screen readers.

use std::time::Duration;

use super::axis::Axis;
use super::fold::{self, Row, What};
use super::{Timeline, strip};
use crate::display::duration::duration;
use crate::display::text::{columns, cut, padded, printable};

/// How wide a bar is, in columns.
const BAR: usize = 40;
/// How wide names and places may be, in columns.
const LABEL: usize = 44;

const POLLED: char = '█';
const POLLED_BRIEFLY: char = '▒';
const WAITING: char = '░';
/// From none that lives to the most at once.
const LIVING: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The headline, a line for each row, and what the blocks mean.
pub(super) fn text(timeline: &Timeline) -> String {
    let now = timeline.span();
    let axis = Axis::new(now);
    let rows = fold::rows(timeline);
    let (took, compared) = timeline.headline();
    let mut lines = vec![compared.map_or(took.clone(), |compared| format!("{took}; {compared}"))];
    let labels: Vec<String> = rows.iter().map(|row| label(row, &timeline.label)).collect();
    let width = labels.iter().map(|label| columns(label)).max().unwrap_or(0);
    for (row, label) in rows.iter().zip(labels) {
        let (from, to) = row.what.life(now);
        let life = format!("{}–{}", moment(from), moment(to));
        lines.push(format!("{}  {}  {life}  {}", padded(&label, width), bar(row, &axis, now), row.what.state()));
    }
    lines.extend(legend(&rows));
    lines.join("\n")
}

fn moment(moment: Duration) -> String {
    if moment.is_zero() { "0".to_owned() } else { duration(moment) }
}

fn label(row: &Row<'_>, cell: &str) -> String {
    let name = row.what.name();
    let place = row.what.place(cell);
    let text = if place.is_empty() { name } else { format!("{name}  {place}") };
    format!("{}{}", tree(row), cut(&printable(&text), LABEL))
}

/// The lines from a row to what is above it.
fn tree(row: &Row<'_>) -> String {
    let Some((own, above)) = row.goes_on.split_last() else { return String::new() };
    let above: String = above.iter().map(|goes_on| if *goes_on { "│  " } else { "   " }).collect();
    above + if *own { "├─ " } else { "└─ " }
}

fn bar(row: &Row<'_>, axis: &Axis, now: Duration) -> String {
    match &row.what {
        What::Many(fold) => {
            let living = strip::living(&fold.living_or_guess(now), axis, BAR);
            let most = living.iter().copied().max().unwrap_or(0).max(1);
            let scale = (LIVING.len() - 1) as f64 / most as f64;
            living.into_iter().map(|count| LIVING[(count as f64 * scale).ceil() as usize]).collect()
        }
        What::Lane(lane) => {
            let column = |moment| (axis.share(moment) * BAR as f64) as usize;
            let (from, to) = lane.life(now);
            let from = column(from).min(BAR - 1);
            let mut bar = [' '; BAR];
            bar[from..column(to).max(from + 1)].fill(WAITING);
            for run in strip::runs(&lane.polls, axis, BAR as f64, 1e-3) {
                for (index, place) in bar.iter_mut().enumerate().skip(run.from as usize) {
                    let (left, right) = (index as f64, (index + 1) as f64);
                    let polled = run.to.min(right) - run.from.max(left);
                    if polled <= 0.0 {
                        break;
                    }
                    let solid = *place == POLLED || (polled >= 0.5 && !run.sparse);
                    *place = if solid { POLLED } else { POLLED_BRIEFLY };
                }
            }
            bar.iter().collect()
        }
    }
}

fn legend(rows: &[Row<'_>]) -> Option<String> {
    let lanes = rows.iter().any(|row| matches!(row.what, What::Lane(_)));
    let many = rows.iter().any(|row| matches!(row.what, What::Many(_)));
    let lanes = lanes.then(|| format!("{POLLED} polled  {POLLED_BRIEFLY} polled briefly  {WAITING} waiting"));
    let many = many.then(|| format!("{}{}{} how many live at once", LIVING[1], LIVING[4], LIVING[8]));
    let parts: Vec<String> = lanes.into_iter().chain(many).collect();
    (!parts.is_empty()).then(|| parts.join("  "))
}
