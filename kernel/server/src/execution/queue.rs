//! Cells that wait for their turn.

use std::collections::VecDeque;

use serde_json::Value;

use crate::request::{execute::ExecuteRequest, pending::Pending};

/// An `execute_request` that could be read.
pub(crate) struct Order {
    /// Counted up.
    pub(crate) number: u64,
    pub(crate) request: Pending,
    pub(crate) content: ExecuteRequest,
}

impl Order {
    /// `metadata.cellId`, which stays when the cell is run again.
    pub(super) fn cell_id(&self) -> Option<String> {
        cell_id(&self.request)
    }
}

/// The frontend's own id of the cell that it asks for.
pub(super) fn cell_id(request: &Pending) -> Option<String> {
    request.request().metadata.get("cellId").and_then(Value::as_str).map(str::to_owned)
}

/// The cells that wait, in the order in which they were received; whether more are taken in depends on whether one before
/// them erred.
#[derive(Debug)]
pub(super) struct Queue<T = Order> {
    orders: VecDeque<T>,
    aborting: bool,
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self { orders: VecDeque::new(), aborting: false }
    }
}

impl<T> Queue<T> {
    /// Takes an order in, or hands it back: a cell before it erred while this one was on its way.
    pub(super) fn push(&mut self, order: T) -> Option<T> {
        if self.aborting {
            return Some(order);
        }
        self.orders.push_back(order);
        None
    }

    /// The next order.
    pub(super) fn pop(&mut self) -> Option<T> {
        self.orders.pop_front()
    }

    /// Those that wait.
    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.orders.iter()
    }

    /// Whether none waits.
    pub(super) fn is_empty(&self) -> bool {
        self.orders.is_empty()
    }

    /// A cell erred: hands back all that wait. `refuse`: more is not taken in until [`abort_ends`](Self::abort_ends).
    pub(super) fn abort(&mut self, refuse: bool) -> VecDeque<T> {
        self.aborting = refuse;
        std::mem::take(&mut self.orders)
    }

    /// What is received from now on was asked for by somebody who could know of the error.
    pub(super) fn abort_ends(&mut self) {
        self.aborting = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_aborts_what_was_received_before_it_and_nothing_after() {
        let mut queue = Queue::default();
        for order in [1, 2, 3] {
            assert_eq!(queue.push(order), None);
        }
        assert_eq!(queue.pop(), Some(1));
        assert_eq!(queue.abort(true), [2, 3]);
        assert_eq!(queue.push(4), Some(4));
        queue.abort_ends();
        assert_eq!(queue.push(5), None);
        assert_eq!((queue.pop(), queue.pop()), (Some(5), None));
    }
}
