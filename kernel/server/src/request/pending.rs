//! A request from its arrival to its end. This file alone says `busy` and `idle`, and it sends every reply.
//!
//! **Each request gets exactly one reply, and each message one `busy` before and one `idle` after all that is published
//! for it.** So whoever is to answer is given a [`Pending`], of which there is one for a request and which an answer uses
//! up. If it is dropped instead, by a task that panicked or was left behind, it answers itself with an error.

use std::sync::Arc;

use jupyter_protocol::Status;
use serde_json::Value;

use super::reply::{self, reply_type};
use crate::{
    channel::Outgoing,
    message::{Parent, Request, content},
};

/// A pending request, or another message that is not done with.
pub(crate) struct Pending {
    request: Request,
    outgoing: Outgoing,
    state: Turn,
}

/// The turn of a message: how far it is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Turn {
    /// Its turn has not come.
    Waits,
    Busy,
    Idle,
}

impl Pending {
    /// Nothing is said of it yet.
    pub(super) fn new(request: Request, outgoing: Outgoing) -> Self {
        Self { request, outgoing, state: Turn::Waits }
    }

    /// The message itself.
    pub(crate) fn request(&self) -> &Request {
        &self.request
    }

    /// Under whom all is published that is about it.
    pub(crate) fn parent(&self) -> &Arc<Parent> {
        &self.request.parent
    }

    /// Its turn begins: `busy`, if that was not said.
    pub(crate) fn begin(&mut self) {
        if self.state == Turn::Waits {
            self.state = Turn::Busy;
            self.outgoing.publish(Status::busy(), Some(&self.request.parent));
        }
    }

    /// Its one reply, and `idle`. Content that its handler could not read is answered too.
    pub(crate) fn reply(mut self, result: Result<Value, serde_json::Error>) {
        let reply = result.unwrap_or_else(|error| reply::malformed(self.request.message_type(), &error));
        self.reply_now(reply);
    }

    /// The same, where the reply leaves only when all that was published before has left.
    pub(crate) fn reply_in_order(mut self, reply: Value) {
        self.begin();
        let reply = content(reply_type(self.request.message_type()), reply);
        self.outgoing.reply_in_order(reply, &self.request.parent);
        self.idle();
    }

    /// The end of a message that has no reply.
    pub(super) fn end(mut self) {
        self.begin();
        self.idle();
    }

    /// Whether it is one of those that have a reply.
    pub(super) fn is_request(&self) -> bool {
        self.request.message_type().ends_with("_request")
    }

    fn reply_now(&mut self, reply: Value) {
        self.begin();
        let reply = content(reply_type(self.request.message_type()), reply);
        self.outgoing.reply(reply, &self.request.parent);
        self.idle();
    }

    fn idle(&mut self) {
        self.state = Turn::Idle;
        self.outgoing.publish(Status::idle(), Some(&self.request.parent));
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if self.state == Turn::Idle {
            return;
        }
        tracing::error!("a `{}` was not answered", self.request.message_type());
        if self.is_request() {
            self.reply_now(reply::error("Unanswered", "Kissaten has not answered this, which is a defect in Kissaten"));
        } else {
            self.begin();
            self.idle();
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{channel::local, message::tests::request};

    /// What is sent about a message of this type, of which somebody disposes.
    async fn sent(message_type: &str, dispose: impl FnOnce(Pending)) -> Vec<String> {
        let (outgoing, mut inbox) = local::connect();
        dispose(Pending::new(request(message_type, json!({})), outgoing));
        let mut sent = Vec::new();
        while let Some(outbound) = inbox.next().await {
            let content = serde_json::to_value(&outbound.message.content).unwrap();
            let state = content["execution_state"].as_str().or(content["ename"].as_str());
            sent.push(state.map_or(outbound.message.header.msg_type, str::to_owned));
        }
        // The reply goes a way of its own.
        sent.sort();
        sent
    }

    #[tokio::test]
    async fn a_request_is_answered_once_whatever_becomes_of_it() {
        let begun_twice = |mut pending: Pending| {
            pending.begin();
            pending.begin();
            pending.reply(Ok(json!({})));
        };
        assert_eq!(sent("dance_request", begun_twice).await, ["busy", "dance_reply", "idle"]);
        let in_order = |pending: Pending| pending.reply_in_order(json!({}));
        assert_eq!(sent("execute_request", in_order).await, ["busy", "execute_reply", "idle"]);
        assert_eq!(sent("dance_request", drop).await, ["Unanswered", "busy", "idle"]);
        assert_eq!(sent("comm_msg", Pending::end).await, ["busy", "idle"]);
        assert_eq!(sent("comm_msg", drop).await, ["busy", "idle"]);
    }
}
