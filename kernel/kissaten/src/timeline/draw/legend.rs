//! The legend: what the shapes mean, of those that are in the picture.

use std::fmt::Write;

use super::{BAR, Drawing, EDGE, POLLED, SMALL_SIZE, Short, WIDTH, What, mark, width};
use crate::timeline::End;
use crate::timeline::Lane;
use crate::timeline::fold::Row;
use crate::timeline::words::{CANCELLED, GOES_ON};

/// How wide the bar of an example is.
const SAMPLE: f64 = 16.0;
/// The middle of a row, from its top.
const MIDDLE: f64 = BAR / 2.0;
/// From one line of examples to the next.
const LINE: f64 = 20.0;

impl Drawing<'_> {
    /// Draws the line of examples and returns the picture's height.
    pub(super) fn legend(&mut self, rows: &[Row<'_>], top: f64) -> f64 {
        let (mut x, mut top) = (EDGE, top);
        for (word, shape) in self.entries(rows) {
            let end = x + SAMPLE + 6.0 + width(word, SMALL_SIZE);
            if end > WIDTH {
                (x, top) = (EDGE, top + LINE);
            }
            let _ = write!(
                self.out,
                "<g transform=\"translate({} {})\">{shape}\
                 <text x=\"{}\" y=\"{}\" font-size=\"{SMALL_SIZE}\" opacity=\".75\">{word}</text></g>",
                Short(x),
                Short(top),
                Short(SAMPLE + 6.0),
                Short(MIDDLE + 4.0)
            );
            x += SAMPLE + 6.0 + width(word, SMALL_SIZE) + 14.0;
        }
        (top + BAR + 8.0).round()
    }

    /// Words and examples, each example in a box that begins at zero.
    fn entries(&self, rows: &[Row<'_>]) -> Vec<(&'static str, String)> {
        let lanes = || rows.iter().filter_map(|row| if let What::Lane(lane) = row.what { Some(lane) } else { None });
        let has_lanes = lanes().next().is_some();
        let folds = || rows.iter().filter_map(|row| if let What::Many(fold) = &row.what { Some(fold) } else { None });
        let has_folds = folds().next().is_some();
        let many_go_on = folds().any(|fold| fold.living_on() > 0);
        let is_sparse = lanes().any(|lane| self.runs(lane).iter().any(|run| run.sparse));
        let ends = |wanted| lanes().any(|lane| lane.end.map(|(_, end)| end) == wanted);
        let end = |end| mark::end(end, SAMPLE / 2.0 - 7.5, MIDDLE, BAR);
        let has_tasks = lanes().any(|lane| !lane.branch);
        let has_branches = lanes().any(|lane| lane.branch);
        let is_cancelled = |lane: &Lane| lane.end.is_some_and(|(_, end)| end == End::Aborted);
        let (cancelled, aborted) = (
            lanes().any(|lane| lane.branch && is_cancelled(lane)),
            lanes().any(|lane| !lane.branch && is_cancelled(lane)),
        );
        let waiting = mark::life(0.0, MIDDLE, SAMPLE, BAR, has_tasks);
        let spawned = waiting.clone() + &mark::spawn(0.0, MIDDLE, BAR);
        let finished = waiting.clone() + &mark::end(Some(End::Finished), SAMPLE, MIDDLE, BAR);
        let entries = [
            (has_tasks, "spawned", spawned),
            (has_branches, "awaited in place", mark::life(0.0, MIDDLE, SAMPLE, BAR, false)),
            (has_lanes, "polled", polled(BAR)),
            (is_sparse, "polled often, briefly", waiting.clone() + &polled(BAR / 2.0)),
            (has_lanes, "waiting", waiting),
            (has_folds, "how many live", mark::strip("M0 11.5v-4h5v-6h6v3h5v7z")),
            (ends(Some(End::Finished)), End::Finished.word(), finished),
            (ends(Some(End::Panicked)), End::Panicked.word(), end(Some(End::Panicked))),
            (aborted, End::Aborted.word(), end(Some(End::Aborted))),
            (cancelled, CANCELLED, end(Some(End::Aborted))),
            (ends(None) || many_go_on, GOES_ON, end(None)),
        ];
        entries.into_iter().filter(|(is_used, ..)| *is_used).map(|(_, word, shape)| (word, shape)).collect()
    }
}

fn polled(height: f64) -> String {
    format!("<path d=\"M0 {MIDDLE}h{SAMPLE}\" stroke=\"{POLLED}\" stroke-width=\"{height}\"/>")
}
