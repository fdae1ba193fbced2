//! Displays and their places: a display's content comes over the control socket, and a word in the worker's stdout
//! says where it belongs. Which of the two is read first is chance. What is shown where is not known here.

use std::collections::{BTreeMap, HashSet};

use ipc::{CellId, Display};

/// The places of displays: what came without its other half.
#[derive(Debug, Default)]
pub(super) struct Places {
    /// Contents whose place was not read yet, by number.
    contents: BTreeMap<u64, Display>,
    /// Places that nobody waits for any more.
    skipped: HashSet<u64>,
    /// Displays that were shown before their place was read.
    shown: HashSet<u64>,
}

/// The content of a place.
#[derive(Debug, PartialEq)]
pub(super) enum PlaceContent {
    Here(Box<Display>),
    /// It was shown before.
    Shown,
    /// It has not come yet.
    Missing,
}

impl Places {
    /// A content has come. Handed back is what is not to wait for its place.
    pub(super) fn arrived(&mut self, number: u64, display: Display) -> Option<Display> {
        if self.skipped.remove(&number) {
            return Some(display);
        }
        self.contents.insert(number, display);
        None
    }

    /// A place was read.
    pub(super) fn at(&mut self, number: u64) -> PlaceContent {
        match self.contents.remove(&number) {
            Some(display) => PlaceContent::Here(Box::new(display)),
            None if self.shown.remove(&number) => PlaceContent::Shown,
            None => PlaceContent::Missing,
        }
    }

    /// This place's content is not waited for.
    pub(super) fn skip(&mut self, number: u64) {
        self.skipped.insert(number);
    }

    /// The contents of a run that are still without a place, in order. They are shown now, and not again at their place.
    pub(super) fn left(&mut self, cell: CellId) -> Vec<Display> {
        let numbers: Vec<u64> =
            self.contents.iter().filter(|(_, display)| display.cell == cell).map(|(number, _)| *number).collect();
        self.shown.extend(&numbers);
        numbers.iter().filter_map(|number| self.contents.remove(number)).collect()
    }

    /// The worker is gone: no place is read any more. All contents that are left, in order.
    pub(super) fn end(&mut self) -> Vec<Display> {
        std::mem::take(self).contents.into_values().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn display(cell: u64, number: u64) -> Display {
        let (data, metadata) = Default::default();
        Display { cell: CellId(cell), number: Some(number), data, metadata, display_id: None, update: false }
    }

    #[test]
    fn a_content_is_shown_once_whichever_half_comes_first() {
        let mut places = Places::default();
        assert_eq!(places.arrived(1, display(7, 1)), None);
        assert_eq!(places.at(1), PlaceContent::Here(Box::new(display(7, 1))));
        assert_eq!(places.at(1), PlaceContent::Missing);

        places.skip(2);
        assert_eq!(places.arrived(2, display(7, 2)), Some(display(7, 2)));

        for (cell, number) in [(7, 4), (8, 5), (7, 3)] {
            assert_eq!(places.arrived(number, display(cell, number)), None);
        }
        assert_eq!(places.left(CellId(7)), [display(7, 3), display(7, 4)]);
        assert_eq!(places.left(CellId(7)), []);
        assert_eq!((places.at(3), places.at(3)), (PlaceContent::Shown, PlaceContent::Missing));
        assert_eq!(places.end(), [display(8, 5)]);
        assert_eq!(places.at(4), PlaceContent::Missing, "the next worker counts anew");
    }
}
