//! Cells that wait for their turn.

use std::collections::VecDeque;

use crate::{message::Request, request::execute::Content};

/// An `execute_request` that could be read.
#[derive(Debug)]
pub(crate) struct Order {
    pub(crate) request: Request,
    pub(crate) content: Content,
}

/// In the order in which they were received; whether more are taken in depends on whether one before them erred.
#[derive(Debug, Default)]
pub(super) struct Queue {
    orders: VecDeque<Order>,
    aborting: bool,
}

impl Queue {
    /// Takes an order in, or hands it back: a cell before it erred while this one was on its way.
    pub(super) fn push(&mut self, order: Order) -> Option<Order> {
        if self.aborting {
            return Some(order);
        }
        self.orders.push_back(order);
        None
    }

    /// The next order.
    pub(super) fn pop(&mut self) -> Option<Order> {
        self.orders.pop_front()
    }

    /// Whether none waits.
    pub(super) fn is_empty(&self) -> bool {
        self.orders.is_empty()
    }

    /// A cell erred: hands back all that wait. `refuse`: more is not taken in until [`abort_ends`](Self::abort_ends).
    pub(super) fn abort(&mut self, refuse: bool) -> VecDeque<Order> {
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
    use serde_json::json;

    use super::*;

    fn order(code: &str) -> Order {
        let request = crate::message::tests::request("execute_request", json!({"code": code}));
        Order { content: request.content().unwrap(), request }
    }

    fn codes(orders: impl IntoIterator<Item = Order>) -> Vec<String> {
        orders.into_iter().map(|order| order.content.code).collect()
    }

    #[test]
    fn an_error_aborts_what_was_received_before_it_and_nothing_after() {
        let mut queue = Queue::default();
        for code in ["1", "2", "3"] {
            assert!(queue.push(order(code)).is_none());
        }
        assert_eq!(codes(queue.pop()), ["1"]);
        assert_eq!(codes(queue.abort(true)), ["2", "3"]);
        assert_eq!(codes(queue.push(order("4"))), ["4"]);
        queue.abort_ends();
        assert!(queue.push(order("5")).is_none());
        assert_eq!(codes(queue.pop()), ["5"]);
        assert!(queue.pop().is_none());
    }
}
