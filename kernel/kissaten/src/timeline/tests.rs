//! The promises of every drawing: it is well-formed, bounded in size, and never panics.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::time::Duration;

use super::samples::{self, ms};
use super::{End, Fold, Lane, Timeline};
use crate::display::Display;

const LARGEST: usize = 150 * 1024;

/// Draws it in every form, and checks what holds for each.
fn check(timeline: &Timeline) -> (String, String) {
    let svg = timeline.svg();
    assert!(svg.len() <= LARGEST, "{} bytes", svg.len());
    if let Err(error) = roxmltree::Document::parse(&svg) {
        panic!("{error}\n{svg}");
    }
    let bundle = timeline.mime_bundle();
    let mut contents = bundle.iter().map(|(_, content)| content.to_owned());
    let (html, text) = (contents.next().unwrap_or_default(), contents.next().unwrap_or_default());
    assert!(html.len() <= LARGEST + 32 * 1024, "{} bytes", html.len());
    assert!(text.lines().count() <= 42, "{text}");
    assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    (svg, text)
}

#[test]
fn the_samples_are_drawn() {
    for (name, timeline) in samples::all() {
        let (svg, text) = check(&timeline);
        // To look at them: the folder must exist.
        if let Some(folder) = std::env::var_os("KISSATEN_TIMELINES") {
            let folder = std::path::PathBuf::from(folder);
            let html = timeline.mime_bundle().iter().next().map(|(_, html)| html.to_owned());
            for (kind, content) in [("svg", svg), ("txt", text), ("html", html.unwrap_or_default())] {
                std::fs::write(folder.join(name).with_extension(kind), content).expect("the folder exists");
            }
        }
    }
}

#[test]
fn text_tells_the_tree_the_bars_and_the_ends() {
    let (_, text) = check(&samples::gather());
    expect_test::expect![[r#"
        cell 3 took 3.0 s; one after another it would have been 5.0 s (1.7 × as long)
        cell 3             ▒░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░▒  0–3.0 s  finished
        ├─ task1  line 12  ▒░░░░░░░░░░░░▒░░░░░░░░░░░░▒░░░░░░░░░░░░▒  1.0 ms–3.0 s  finished
        └─ task2  line 13  ▒░░░░░░░░░░░░▒░░░░░░░░░░░░▒               1.0 ms–2.0 s  finished
        █ polled  ▒ polled briefly  ░ waiting"#]]
    .assert_eq(&text);
}

#[test]
fn what_waits_for_others_is_not_counted_twice() {
    let headline = |timeline: &Timeline| check(timeline).1.lines().next().map(str::to_owned).unwrap_or_default();
    assert_eq!(
        headline(&samples::gather()),
        "cell 3 took 3.0 s; one after another it would have been 5.0 s (1.7 × as long)"
    );
    assert_eq!(headline(&samples::cell(ms(1_203), Vec::new())), "cell 3 took 1.2 s");
    let mut in_order = samples::cell(ms(2_000), Vec::new());
    for from in [0, 1_000] {
        in_order.lanes.push(samples::lane("task", 1, 0, (from, from + 1_000), 500, Some(End::Finished)));
    }
    assert_eq!(headline(&in_order), "cell 3 took 2.0 s; one after another it would have been as long");
}

#[test]
fn what_cannot_be_known_is_not_compared() {
    let headline = |timeline: &Timeline| check(timeline).1.lines().next().map(str::to_owned).unwrap_or_default();
    let mut cut = samples::gather();
    cut.lanes[1].end = Some((ms(3_002), End::Aborted));
    cut.lanes[1].branch = true;
    cut.lanes[1].stood = Some("cell 3, line 7: rx.recv()".into());
    assert_eq!(headline(&cut), "cell 3 took 3.0 s");
    assert!(check(&cut).1.contains("cancelled at cell 3, line 7: rx.recv()"));
    assert_eq!(headline(&Timeline { contended: true, ..samples::gather() }), "cell 3 took 3.0 s");
    // Who goes on when the cell has ended has no length.
    let mut open = samples::gather();
    open.lanes[2].end = None;
    assert_eq!(headline(&open), "cell 3 took 3.0 s");
    assert!(headline(&Timeline { running: true, ..open }).contains("one after another"));
}

#[test]
fn tasks_of_a_function_are_one_row_whatever_they_are_given() {
    let mut timeline = samples::cell(ms(2_000), Vec::new());
    for n in 0..100 {
        timeline.lanes.push(samples::lane(&format!("fetch({n})"), 1, 0, (0, 1_000), 500, Some(End::Finished)));
    }
    let (_, text) = check(&timeline);
    assert!(text.contains("fetch ×98") && text.contains("fetch(0)"), "{text}");
}

#[test]
fn waiting_for_a_busy_thread_saves_nothing() {
    let mut blocked = samples::cell(ms(2_000), vec![(ms(0), ms(2_000))]);
    for from in [0, 1_000] {
        // Both are there from the beginning, but each keeps the thread for a second.
        let mut lane = samples::lane("block", 1, 0, (0, from + 1_000), 500, Some(End::Finished));
        lane.polls = vec![(ms(from), ms(from + 1_000))];
        blocked.lanes.push(lane);
    }
    let (_, text) = check(&blocked);
    assert_eq!(text.lines().next(), Some("cell 3 took 2.0 s; one after another it would have been as long"));
}

#[test]
fn a_thousand_tasks_become_a_few_rows_and_failures_stay_in_sight() {
    let (svg, text) = check(&samples::many());
    assert!(text.contains("fetch ×990  line 7") && text.contains("log ×12,000  line 19"), "{text}");
    assert_eq!(text.lines().filter(|line| line.ends_with(" panicked")).count(), 4);
    assert!(svg.contains("max "));
}

#[test]
fn foreign_names_do_not_break_out() {
    let mut timeline = samples::gather();
    timeline.label = "</text>&\u{1b}".into();
    timeline.lanes[1].name = "<script>\"'&\u{0}\u{ffff}".repeat(200);
    timeline.lanes[2].place = Some("喫茶".repeat(5_000));
    let (svg, text) = check(&timeline);
    assert!(!svg.contains("<script") && !text.contains('\u{1b}'));
}

/// Numbers without a pattern, but with the limits that matter among them.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        // xorshift64
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }

    fn time(&mut self) -> Duration {
        match self.below(40) {
            0 => Duration::ZERO,
            1 => Duration::MAX,
            2 => Duration::from_nanos(self.below(1_000)),
            _ => ms(self.below(10_000)),
        }
    }

    fn parent(&mut self, lanes: u64) -> Option<usize> {
        (self.below(10) > 0).then(|| self.below(lanes + 2) as usize)
    }

    fn name(&mut self) -> String {
        ["fetch", "a<b>", "喫茶店☕", "", "\u{7}&&&", "x".repeat(300).as_str()][self.below(6) as usize].to_owned()
    }

    fn place(&mut self) -> Option<String> {
        let line = self.below(50);
        (line > 0).then(|| format!("cell 3, line {line}"))
    }

    fn lane(&mut self, lanes: u64) -> Lane {
        let end = [End::Finished, End::Panicked, End::Aborted][self.below(3) as usize];
        let polls = if lanes > 100 { 300 } else { 20 };
        Lane {
            parent: self.parent(lanes),
            task: Some(self.below(1_000)),
            name: self.name(),
            place: self.place(),
            spawned: self.time(),
            end: (self.below(3) > 0).then(|| (self.time(), end)),
            polls: (0..self.below(polls)).map(|_| (self.time(), self.time())).collect(),
            poll_count: self.below(u64::MAX),
            busy: self.time(),
            branch: self.below(2) > 0,
            stood: self.place(),
        }
    }

    fn fold(&mut self, lanes: u64) -> Fold {
        let mut counts = || if self.below(5) == 0 { u64::MAX } else { self.below(1_000) };
        let (tasks, finished, panicked, aborted) = (counts(), counts(), counts(), counts());
        Fold {
            name: self.name(),
            place: self.place(),
            parent: self.parent(lanes),
            tasks,
            finished,
            panicked,
            aborted,
            first: self.time(),
            last: (self.below(2) > 0).then(|| self.time()),
            living: (0..self.below(30)).map(|_| (self.time(), self.below(u64::MAX))).collect(),
            lived: self.time(),
            poll_count: self.below(u64::MAX),
            busy: self.time(),
        }
    }

    fn timeline(&mut self) -> Timeline {
        let lanes = [0, 1, 5, 45, 400][self.below(5) as usize];
        let folds = [0, 2, 60][self.below(3) as usize];
        Timeline {
            label: self.name(),
            elapsed: self.time(),
            running: self.below(2) > 0,
            lanes: (0..lanes).map(|_| self.lane(lanes)).collect(),
            folded: (0..folds).map(|_| self.fold(lanes)).collect(),
            contended: self.below(2) > 0,
        }
    }
}

#[test]
fn nothing_that_is_measured_wrongly_panics() {
    let seed = RandomState::new().build_hasher().finish() | 1;
    let mut random = Random(seed);
    println!("seed {seed}");
    for _ in 0..150 {
        check(&random.timeline());
    }
}

#[test]
fn a_chain_of_tasks_may_be_as_deep_as_it_likes() {
    let lanes = (0..20_000).map(|index| Lane {
        parent: Some(index + 1),
        name: format!("task{}", index % 7),
        end: Some((ms(10), End::Finished)),
        polls: (0..300).map(|at| (ms(at), ms(at + 1))).collect(),
        ..Lane::default()
    });
    check(&Timeline { elapsed: ms(300), lanes: lanes.collect(), ..Timeline::default() });
}
