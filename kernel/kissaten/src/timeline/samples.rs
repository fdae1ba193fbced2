//! Timelines to look at and to try the drawing on.

use std::time::Duration;

use super::{End, Fold, Lane, Timeline};

pub(super) const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// A task of the cell 3 that is polled briefly at its spawn, at each multiple of `every`, and at its end.
pub(super) fn lane(name: &str, line: u32, parent: usize, (from, to): (u64, u64), every: u64, end: Option<End>) -> Lane {
    let brief = |at: u64| (ms(at), ms(at) + Duration::from_micros(40));
    let polls: Vec<_> = (from..to).step_by(every as usize).chain([to]).map(brief).collect();
    Lane {
        parent: Some(parent),
        task: Some(u64::from(line)),
        name: name.into(),
        place: Some(format!("cell 3, line {line}")),
        spawned: ms(from),
        end: end.map(|end| (ms(to), end)),
        poll_count: polls.len() as u64,
        busy: Duration::from_micros(40) * polls.len() as u32,
        polls,
        ..Lane::default()
    }
}

pub(super) fn cell(elapsed: Duration, polls: Vec<(Duration, Duration)>) -> Timeline {
    let lane = Lane {
        name: "cell 3".into(),
        end: Some((elapsed, End::Finished)),
        poll_count: polls.len() as u64,
        busy: polls.iter().map(|(from, to)| to.saturating_sub(*from)).sum(),
        polls,
        ..Lane::default()
    };
    Timeline { label: "cell 3".into(), elapsed, lanes: vec![lane], ..Timeline::default() }
}

/// Two tasks at once.
pub(super) fn gather() -> Timeline {
    let mut timeline = cell(ms(3_004), vec![(ms(0), ms(1)), (ms(3_003), ms(3_004))]);
    timeline.lanes.push(lane("task1", 12, 0, (1, 3_002), 1_000, Some(End::Finished)));
    timeline.lanes.push(lane("task2", 13, 0, (1, 2_002), 1_000, Some(End::Finished)));
    timeline
}

/// Tasks of tasks, a panic, an abort, work without a pause, and one that goes on.
pub(super) fn nested() -> Timeline {
    let mut timeline = cell(ms(1_450), vec![(ms(0), ms(40)), (ms(700), ms(701)), (ms(1_440), ms(1_450))]);
    let spawn = |name, line, parent, life, every, end| lane(name, line, parent, life, every, Some(end));
    timeline.lanes.extend([
        spawn("supervise", 4, 0, (20, 1_400), 350, End::Finished),
        spawn("fetch", 9, 1, (60, 640), 90, End::Finished),
        spawn("parse", 15, 2, (200, 560), 60, End::Finished),
        spawn("fetch", 9, 1, (80, 480), 70, End::Panicked),
        spawn("async block", 21, 1, (100, 1_100), 100, End::Aborted),
        spawn("compute", 27, 0, (150, 950), 400, End::Finished),
        lane("heartbeat_of_the_connection_to_the_server", 33, 0, (160, 1_450), 2, None),
        spawn("喫茶店 ☕", 40, 0, (500, 1_300), 250, End::Finished),
    ]);
    timeline.lanes[6].polls = vec![(ms(150), ms(540)), (ms(545), ms(950))];
    timeline.lanes[6].busy = ms(795);
    timeline
}

/// A thousand tasks in waves, of which some fail, and thousands more that were only counted.
pub(super) fn many() -> Timeline {
    let mut timeline = cell(ms(5_000), vec![(ms(0), ms(300)), (ms(4_990), ms(5_000))]);
    for index in 0..1_000_u64 {
        let from = index * 3 + (index * 7_919) % 40;
        let to = from + 300 + (index * 104_729) % 1_100;
        let end = match index % 250 {
            100 => End::Panicked,
            200 => End::Aborted,
            _ => End::Finished,
        };
        timeline.lanes.push(lane("fetch", 7, 0, (from, to), 200, Some(end)));
        if index % 10 == 0 {
            let parent = timeline.lanes.len() - 1;
            timeline.lanes.push(lane("store", 11, parent, (from + 100, to), 100, Some(End::Finished)));
        }
    }
    timeline.folded.push(Fold {
        name: "log".into(),
        place: Some("cell 3, line 19".into()),
        parent: Some(0),
        tasks: 12_000,
        finished: 11_990,
        first: ms(100),
        living: (0..100).map(|at| (ms(100 + at * 49), (at * (100 - at)) * 2)).collect(),
        lived: ms(1_200_000),
        poll_count: 30_000,
        busy: ms(90),
        ..Fold::default()
    });
    timeline
}

/// A timeline that is another one, that many times as fast.
pub(super) fn scaled(mut timeline: Timeline, factor: f64) -> Timeline {
    let scale = |time: &mut Duration| *time = time.mul_f64(factor);
    scale(&mut timeline.elapsed);
    for lane in &mut timeline.lanes {
        scale(&mut lane.spawned);
        scale(&mut lane.busy);
        lane.end.iter_mut().for_each(|(end, _)| scale(end));
        lane.polls.iter_mut().for_each(|(from, to)| {
            scale(from);
            scale(to);
        });
    }
    timeline
}

/// All samples, by name.
pub(super) fn all() -> Vec<(&'static str, Timeline)> {
    vec![
        ("gather", gather()),
        ("nested", nested()),
        ("single", cell(ms(1_203), vec![(ms(0), ms(400)), (ms(800), ms(1_203))])),
        ("many", many()),
        ("microseconds", scaled(gather(), 1e-4)),
        ("minutes", scaled(nested(), 207.0)),
        ("running", Timeline { running: true, ..scaled(nested(), 2_900.0) }),
        ("empty", Timeline::default()),
    ]
}
