//! What the shapes mean: those that are in the picture.

use std::fmt::Write;

use super::{BAR, Drawing, EDGE, POLLED, SMALL_SIZE, Short, WAITING, What, mark, width};
use crate::timeline::End;
use crate::timeline::fold::Row;
use crate::timeline::words::GOES_ON;

/// How wide the bar of an example is.
const SAMPLE: f64 = 16.0;

impl Drawing<'_> {
    /// Draws the line of examples and returns the picture's height.
    pub(super) fn legend(&mut self, rows: &[Row<'_>], top: f64) -> f64 {
        let middle = top + BAR / 2.0;
        let mut x = EDGE;
        for (word, shape) in entries(rows, middle) {
            let text = x + SAMPLE + 6.0;
            let _ = write!(
                self.out,
                "<g transform=\"translate({} 0)\">{shape}</g>\
                 <text x=\"{}\" y=\"{}\" font-size=\"{SMALL_SIZE}\" opacity=\".75\">{word}</text>",
                Short(x),
                Short(text),
                Short(middle + 4.0)
            );
            x = text + width(word, SMALL_SIZE) + 16.0;
        }
        (top + BAR + 8.0).round()
    }
}

/// Words and examples, each in a box that begins at zero.
fn entries(rows: &[Row<'_>], middle: f64) -> Vec<(&'static str, String)> {
    let lanes = || rows.iter().filter_map(|row| if let What::Lane(lane) = row.what { Some(lane) } else { None });
    let ended = |wanted| lanes().any(|lane| lane.end.map(|(_, end)| end) == wanted);
    let end = |end| mark::end(end, SAMPLE / 2.0 - 7.5, middle, BAR);
    let many = rows.iter().any(|row| matches!(row.what, What::Many(_)));
    let y = Short(middle);
    let polled = format!("<path d=\"M0 {y}h{SAMPLE}\" stroke=\"{POLLED}\" stroke-width=\"{BAR}\"/>");
    let living = format!(
        "<path d=\"M0 {}v-4h5v-6h6v3h5v7z\" fill=\"{WAITING}\" fill-opacity=\".4\" stroke=\"{POLLED}\" stroke-opacity=\".8\"/>",
        Short(middle + 5.0)
    );
    let cap = mark::end(Some(End::Finished), SAMPLE / 2.0, middle, BAR);
    let entries = [
        (lanes().next().is_some(), "polled", polled),
        (lanes().next().is_some(), "waiting", mark::life(0.0, middle, SAMPLE, BAR)),
        (many, "how many live", living),
        (ended(Some(End::Finished)), End::Finished.word(), cap),
        (ended(Some(End::Panicked)), End::Panicked.word(), end(Some(End::Panicked))),
        (ended(Some(End::Aborted)), End::Aborted.word(), end(Some(End::Aborted))),
        (ended(None), GOES_ON, end(None)),
    ];
    entries.into_iter().filter(|(is_used, ..)| *is_used).map(|(_, word, shape)| (word, shape)).collect()
}
