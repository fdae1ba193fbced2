//! The rows that are shown: a tree of lanes, as many as one can read, and the rest folded by name and place.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use super::{End, Fold, Lane, Timeline};

/// More rows than this are folded.
const MOST_ROWS: usize = 40;
/// How many of those that did not return are kept out of the folds.
const MOST_FAILED: usize = 10;
/// How many of each fold's first ones are kept out of it.
const FIRST: usize = 2;
/// Deeper rows are not indented further.
const MOST_DEPTH: usize = 8;

/// One row of the picture.
pub(super) struct Row<'a> {
    /// How deep it stands in the tree, for the indentation.
    pub(super) depth: usize,
    /// For each depth above its own up to it, whether a line goes on below this row.
    pub(super) goes_on: Vec<bool>,
    pub(super) what: What<'a>,
}

/// What a row shows.
pub(super) enum What<'a> {
    Lane(&'a Lane),
    Many(Fold),
}

/// The rows in order of the tree: what was spawned stands under what spawned it.
pub(super) fn rows(timeline: &Timeline) -> Vec<Row<'_>> {
    let tree = Tree::new(timeline);
    let nodes = tree.readable();
    let depths: Vec<usize> = nodes.iter().map(|node| node.depth.min(MOST_DEPTH)).collect();
    let row = |(index, node): (usize, &FoldNode)| Row {
        depth: depths[index],
        goes_on: (1..=depths[index]).map(|depth| has_sibling(&depths[index + 1..], depth)).collect(),
        what: tree.what(node),
    };
    nodes.iter().enumerate().map(row).collect()
}

/// Whether one of the depth comes before the subtree that it would be in ends.
fn has_sibling(depths_below: &[usize], depth: usize) -> bool {
    depths_below.iter().find(|below| **below <= depth) == Some(&depth)
}

/// Lanes that are one row, with the folds that are part of it.
#[derive(Default)]
struct FoldNode {
    depth: usize,
    lanes: Vec<usize>,
    folds: Vec<usize>,
}

/// Which lanes and folds stand under which lane.
struct Tree<'a> {
    timeline: &'a Timeline,
    /// By lane.
    lanes_below: Vec<Vec<usize>>,
    folds_below: Vec<Vec<usize>>,
    roots: FoldNode,
}

impl<'a> Tree<'a> {
    fn new(timeline: &'a Timeline) -> Self {
        let count = timeline.lanes.len();
        let mut tree = Self {
            timeline,
            lanes_below: vec![Vec::new(); count],
            folds_below: vec![Vec::new(); count],
            roots: FoldNode::default(),
        };
        for (index, parent) in parents(&timeline.lanes).into_iter().enumerate() {
            parent.map_or(&mut tree.roots.lanes, |parent| &mut tree.lanes_below[parent]).push(index);
        }
        for (index, fold) in timeline.folded.iter().enumerate() {
            let parent = fold.parent.filter(|parent| *parent < count);
            parent.map_or(&mut tree.roots.folds, |parent| &mut tree.folds_below[parent]).push(index);
        }
        tree
    }

    /// All of it if that is not too much, else folded, with as many lanes of interest on their own as there is room for.
    fn readable(&self) -> Vec<FoldNode> {
        if self.timeline.lanes.len() + self.timeline.folded.len() <= MOST_ROWS {
            return self.nodes(|_| true);
        }
        let of_interest = self.of_interest();
        let mut readable = self.nodes(|_| false);
        for count in 1..=of_interest.len() {
            let alone: HashSet<usize> = of_interest[..count].iter().copied().collect();
            let nodes = self.nodes(|lane| alone.contains(&lane));
            if nodes.len() > MOST_ROWS {
                break;
            }
            readable = nodes;
        }
        shortened(readable)
    }

    /// The lanes that are worth a row of their own, the worthiest first.
    fn of_interest(&self) -> Vec<usize> {
        let ended = |wanted: End| {
            let lanes = self.timeline.lanes.iter().enumerate();
            lanes.filter(move |(_, lane)| lane.end.is_some_and(|(_, end)| end == wanted)).map(|(index, _)| index)
        };
        let failed: Vec<usize> = ended(End::Panicked).chain(ended(End::Aborted)).take(MOST_FAILED).collect();
        let mut seen: HashMap<Key<'_>, usize> = HashMap::new();
        let mut first = |(index, lane): (usize, &'a Lane)| {
            let seen = seen.entry(key(lane)).or_default();
            *seen += 1;
            (*seen <= FIRST && !failed.contains(&index)).then_some(index)
        };
        let first: Vec<usize> = self.timeline.lanes.iter().enumerate().filter_map(&mut first).collect();
        failed.into_iter().chain(first).take(MOST_ROWS).collect()
    }

    /// The tree from top to bottom; siblings of one name and place are one node, unless they stand alone.
    fn nodes(&self, alone: impl Fn(usize) -> bool) -> Vec<FoldNode> {
        let mut nodes = Vec::new();
        let mut pending = self.siblings(0, &self.roots.lanes, &self.roots.folds, &alone);
        pending.reverse();
        // Not recursive: tasks may be nested as deep as they like.
        while let Some(node) = pending.pop() {
            let mut lanes: Vec<usize> = node.lanes.iter().flat_map(|lane| &self.lanes_below[*lane]).copied().collect();
            lanes.sort_unstable();
            let folds: Vec<usize> = node.lanes.iter().flat_map(|lane| &self.folds_below[*lane]).copied().collect();
            let below = self.siblings(node.depth + 1, &lanes, &folds, &alone);
            pending.extend(below.into_iter().rev());
            nodes.push(node);
        }
        nodes
    }

    fn siblings(&self, depth: usize, lanes: &[usize], folds: &[usize], alone: impl Fn(usize) -> bool) -> Vec<FoldNode> {
        let mut siblings: Vec<FoldNode> = Vec::new();
        let mut by_key: HashMap<Key<'_>, usize> = HashMap::new();
        for &lane in lanes {
            let next = siblings.len();
            let place = if alone(lane) { next } else { *by_key.entry(key(&self.timeline.lanes[lane])).or_insert(next) };
            if place == next {
                siblings.push(FoldNode { depth, ..FoldNode::default() });
            }
            siblings[place].lanes.push(lane);
        }
        for &fold in folds {
            let next = siblings.len();
            let folded = &self.timeline.folded[fold];
            let place = *by_key.entry((&folded.name, folded.place.as_deref())).or_insert(next);
            if place == next {
                siblings.push(FoldNode { depth, ..FoldNode::default() });
            }
            siblings[place].folds.push(fold);
        }
        siblings
    }

    fn what(&self, node: &FoldNode) -> What<'a> {
        match (&*node.lanes, &*node.folds) {
            ([lane], []) => What::Lane(&self.timeline.lanes[*lane]),
            ([], [fold]) => What::Many(self.timeline.folded[*fold].clone()),
            (lanes, folds) => What::Many(self.merged(lanes, folds)),
        }
    }

    fn merged(&self, lanes: &[usize], folds: &[usize]) -> Fold {
        let now = self.timeline.span();
        let lanes = lanes.iter().map(|lane| one(&self.timeline.lanes[*lane], now));
        let folds = folds.iter().map(|fold| self.timeline.folded[*fold].clone());
        let parts: Vec<Fold> = lanes.chain(folds).collect();
        let mut living = Steps::default();
        let mut merged = parts.first().cloned().unwrap_or_default();
        for part in &parts {
            living.add(part, now);
        }
        for part in parts.iter().skip(1) {
            if part.name != merged.name {
                // Only what is cut off at the end has not one name.
                (merged.name, merged.place) = ("others".to_owned(), None);
            }
            merged.tasks = merged.tasks.saturating_add(part.tasks);
            merged.finished = merged.finished.saturating_add(part.finished);
            merged.panicked = merged.panicked.saturating_add(part.panicked);
            merged.aborted = merged.aborted.saturating_add(part.aborted);
            merged.first = merged.first.min(part.first);
            merged.last = merged.last.zip(part.last).map(|(one, other)| one.max(other));
            merged.lived = merged.lived.saturating_add(part.lived);
            merged.poll_count = merged.poll_count.saturating_add(part.poll_count);
            merged.busy = merged.busy.saturating_add(part.busy);
        }
        merged.living = living.counts();
        merged
    }
}

/// What must be alike in lanes of one fold: name and place.
type Key<'a> = (&'a str, Option<&'a str>);

fn key(lane: &Lane) -> Key<'_> {
    (function(&lane.name), lane.place.as_deref())
}

/// A name without what the function is given.
fn function(name: &str) -> &str {
    name.strip_suffix(')').and_then(|name| name.split_once('(')).map_or(name, |(function, _)| function)
}

/// The rows that there is room for, and one of all the others.
fn shortened(mut nodes: Vec<FoldNode>) -> Vec<FoldNode> {
    if nodes.len() > MOST_ROWS {
        let mut others = FoldNode { depth: 1, ..FoldNode::default() };
        for node in nodes.drain(MOST_ROWS - 1..) {
            others.lanes.extend(node.lanes);
            others.folds.extend(node.folds);
        }
        nodes.push(others);
    }
    nodes
}

/// The parents that make a tree: a lane that is said to be below itself is a root.
fn parents(lanes: &[Lane]) -> Vec<Option<usize>> {
    let mut parents: Vec<Option<usize>> =
        lanes.iter().map(|lane| lane.parent.filter(|parent| *parent < lanes.len())).collect();
    // By which lane's walk to the root each was passed.
    let mut passed: Vec<Option<usize>> = vec![None; lanes.len()];
    for start in 0..lanes.len() {
        let mut lane = start;
        while passed[lane].is_none() {
            passed[lane] = Some(start);
            match parents[lane] {
                Some(parent) if passed[parent] == Some(start) => parents[lane] = None,
                Some(parent) => lane = parent,
                None => break,
            }
        }
    }
    parents
}

/// A lane as a fold of one.
fn one(lane: &Lane, now: Duration) -> Fold {
    let ended = |wanted| u64::from(lane.end.is_some_and(|(_, end)| end == wanted));
    let (from, to) = lane.life(now);
    Fold {
        name: function(&lane.name).to_owned(),
        place: lane.place.clone(),
        parent: lane.parent,
        tasks: 1,
        finished: ended(End::Finished),
        panicked: ended(End::Panicked),
        aborted: ended(End::Aborted),
        first: from,
        last: lane.end.map(|_| to),
        living: vec![(from, 1), (to, u64::from(lane.end.is_none()))],
        lived: to.saturating_sub(from),
        poll_count: lane.poll_count,
        busy: lane.busy,
    }
}

/// Changes of how many live.
#[derive(Default)]
struct Steps(Vec<(Duration, i128)>);

impl Steps {
    fn add(&mut self, fold: &Fold, now: Duration) {
        let mut before = 0;
        for (moment, count) in fold.living_or_guess(now) {
            self.0.push((moment, i128::from(count) - before));
            before = count.into();
        }
    }

    /// The counts over time: those that begin at a moment count before those that end there, so that the shortest lives
    /// show too.
    fn counts(mut self) -> Vec<(Duration, u64)> {
        self.0.sort_unstable_by_key(|(moment, change)| (*moment, -change));
        let mut living = 0_i128;
        let count = |(moment, change)| {
            living += change;
            (moment, u64::try_from(living.max(0)).unwrap_or(u64::MAX))
        };
        self.0.into_iter().map(count).collect()
    }
}
