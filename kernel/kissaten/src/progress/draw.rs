//! The drawing of progress, as HTML and as text. What moves it is not known here.

use std::fmt::Write;
use std::time::Duration;

use crate::display::MimeBundle;
use crate::display::duration::duration;
use crate::display::text::{columns, cut, escape, padded, printable};

/// More bars than this on one board are counted.
const MOST: usize = 20;
/// Longer titles are cut.
const TITLE: usize = 40;
/// Columns of a bar as text.
const WIDTH: u64 = 30;
/// A rate of less than this is nobody's.
const MEASURABLE: Duration = Duration::from_millis(1);
/// The time that a bar has to go on before it says how long it will.
const SOON: Duration = Duration::from_millis(300);

/// A bar at one moment.
#[derive(Debug)]
pub(super) struct BarState<'a> {
    pub(super) title: &'a str,
    pub(super) done: u64,
    pub(super) total: Option<u64>,
    pub(super) elapsed: Duration,
    /// Once it has ended: whether the items came to their end.
    pub(super) is_whole: Option<bool>,
}

/// Bars below each other.
pub(super) fn bundle(states: &[BarState<'_>]) -> MimeBundle {
    let (shown, others) = states.split_at(states.len().min(MOST));
    let mut html = String::from(r#"<div style="font-size: 13px; line-height: 20px">"#);
    let mut lines: Vec<String> = Vec::new();
    let titles = shown.iter().map(|state| columns(&state.short_title())).max().unwrap_or(0);
    for state in shown {
        state.html(titles, &mut html);
        lines.push(state.text(titles));
    }
    if !others.is_empty() {
        let more = format!("… and {} more", others.len());
        let _ = write!(html, "<div>{more}</div>");
        lines.push(more);
    }
    html.push_str("</div>");
    MimeBundle::new().with("text/html", html).with("text/plain", lines.join("\n"))
}

impl BarState<'_> {
    /// How much is done, of one; `None`: nobody knows.
    fn part(&self) -> Option<f64> {
        if self.is_whole == Some(true) {
            return Some(1.0);
        }
        let total = self.total.filter(|total| *total > 0 && self.done <= *total)?;
        Some(self.done as f64 / total as f64)
    }

    /// How much of how many, how fast, and until when.
    fn words(&self) -> Vec<String> {
        let done = grouped(self.done);
        let count = match (self.total, self.is_whole) {
            (Some(total), None | Some(false)) if self.done <= total => format!("{done} of {}", grouped(total)),
            _ => done,
        };
        let mut words = vec![if self.is_whole == Some(false) { format!("stopped at {count}") } else { count }];
        words.extend(self.rate());
        words.push(match (self.left(), self.is_whole) {
            (Some(left), None) => format!("{} left", duration(left)),
            (None, None) => duration(self.whole_elapsed()),
            _ => format!("in {}", duration(self.elapsed)),
        });
        words
    }

    /// Elapsed time that does not flicker.
    fn whole_elapsed(&self) -> Duration {
        let unit = if self.elapsed.as_secs() < 10 { 100 } else { 1_000 };
        let units = self.elapsed.as_millis() / unit * unit;
        Duration::from_millis(u64::try_from(units).unwrap_or(u64::MAX))
    }

    fn rate(&self) -> Option<String> {
        let seconds = self.elapsed.as_secs_f64();
        let least = if self.is_whole.is_some() { MEASURABLE } else { SOON };
        let is_sensible = self.done > 0 && self.elapsed >= least;
        let rate = is_sensible.then(|| self.done as f64 / seconds)?;
        Some(if rate < 1.0 {
            format!("{} each", duration(self.elapsed.div_f64(self.done as f64)))
        } else {
            per_second(rate)
        })
    }

    fn left(&self) -> Option<Duration> {
        let total = self.total.filter(|total| self.done > 0 && self.done <= *total && self.elapsed >= SOON)?;
        let left = self.elapsed.as_secs_f64() / self.done as f64 * (total - self.done) as f64;
        // Tenths of seconds that nobody can know would only flicker.
        let left = if left < 10.0 { (left * 10.0).round() / 10.0 } else { left.round() };
        Duration::try_from_secs_f64(left).ok()
    }

    fn short_title(&self) -> String {
        cut(&printable(self.title), TITLE).into_owned()
    }

    /// `titles`: how many columns the longest title of the board takes.
    fn text(&self, titles: usize) -> String {
        let mut text = String::new();
        if titles > 0 {
            let _ = write!(text, "{}  ", padded(&self.short_title(), titles));
        }
        if let Some(part) = self.part() {
            let full = ((part * WIDTH as f64) as u64).min(WIDTH) as usize;
            let _ =
                write!(text, "{}{}  {:3.0} %  ", "━".repeat(full), "─".repeat(WIDTH as usize - full), percent(part));
        }
        text.push_str(&self.words().join("  "));
        text
    }

    fn html(&self, titles: usize, html: &mut String) {
        html.push_str(r#"<div style="display: flex; align-items: center; gap: 12px; white-space: nowrap">"#);
        if titles > 0 {
            let _ = write!(html, r#"<span style="min-width: {titles}ch">{}</span>"#, escape(&self.short_title()));
        }
        let colour = match self.is_whole {
            None => "var(--jp-brand-color1, #1976d2)",
            Some(true) => "var(--jp-success-color1, #388e3c)",
            Some(false) => "var(--jp-warn-color1, #f57c00)",
        };
        if let Some(part) = self.part() {
            let percent = percent(part);
            let _ = write!(
                html,
                r#"<div style="flex: 0 1 300px; height: 8px; border-radius: 4px; overflow: hidden; background: rgba(128, 128, 128, 0.25)"><div style="width: {percent:.1}%; height: 100%; background: {colour}"></div></div><span style="min-width: 36px; text-align: right">{percent:.0} %</span>"#
            );
        } else {
            let _ = write!(
                html,
                r#"<div style="width: 8px; height: 8px; border-radius: 4px; background: {colour}"></div>"#
            );
        }
        for (index, word) in self.words().iter().enumerate() {
            let faint = if index > 0 { "; opacity: 0.7" } else { "" };
            let _ = write!(html, r#"<span style="font-variant-numeric: tabular-nums{faint}">{word}</span>"#);
        }
        html.push_str("</div>");
    }
}

/// What is not whole is never 100 %.
fn percent(part: f64) -> f64 {
    if part < 1.0 { (part * 100.0).min(99.0) } else { 100.0 }
}

/// A number with a comma between thousands.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A rate with two or three digits that count.
fn per_second(rate: f64) -> String {
    let (rate, unit) = match rate {
        ..1e3 => (rate, ""),
        1e3..1e6 => (rate / 1e3, " k"),
        1e6..1e9 => (rate / 1e6, " M"),
        _ => (rate / 1e9, " G"),
    };
    if rate < 10.0 { format!("{rate:.1}{unit}/s") } else { format!("{rate:.0}{unit}/s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(done: u64, total: Option<u64>, seconds: f64, is_whole: Option<bool>) -> BarState<'static> {
        BarState { title: "", done, total, elapsed: Duration::from_secs_f64(seconds), is_whole }
    }

    #[test]
    fn a_bar_in_text() {
        for (state, expected) in [
            (state(0, Some(1_000), 0.0, None), "──────────────────────────────    0 %  0 of 1,000  0 s"),
            (
                state(450, Some(1_000), 4.5, None),
                "━━━━━━━━━━━━━─────────────────   45 %  450 of 1,000  100/s  5.5 s left",
            ),
            (state(999, Some(1_000), 0.1, None), "━━━━━━━━━━━━━━━━━━━━━━━━━━━━━─   99 %  999 of 1,000  100 ms"),
            (
                state(1_000, Some(1_000), 10.0, Some(true)),
                "━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━  100 %  1,000  100/s  in 10 s",
            ),
            (state(7, Some(1_000), 1.0, Some(true)), "━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━  100 %  7  7.0/s  in 1.0 s"),
            (
                state(4, Some(10), 8.0, Some(false)),
                "━━━━━━━━━━━━──────────────────   40 %  stopped at 4 of 10  2.0 s each  in 8.0 s",
            ),
            (state(12_345_678, None, 2.04, None), "12,345,678  6.1 M/s  2.0 s"),
            (state(20, Some(10), 2.0, None), "20  10/s  2.0 s"),
            (state(0, Some(0), 0.0, Some(true)), "━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━  100 %  0  in 0 s"),
        ] {
            assert_eq!(state.text(0), expected);
        }
    }

    #[test]
    fn foreign_titles_do_not_break_out_and_many_bars_are_counted() {
        let states: Vec<BarState<'_>> = (0..25)
            .map(|done| BarState { title: "<a>\n", ..state(done, (done % 2 == 0).then_some(30), 1.0, None) })
            .collect();
        let bundle = bundle(&states);
        let html = bundle.get("text/html").unwrap();
        roxmltree::Document::parse(html).unwrap();
        assert!(html.contains("&lt;a&gt; ") && html.contains("… and 5 more"));
        assert_eq!(bundle.get("text/plain").unwrap().lines().count(), 21);
    }
}
