//! Comms between frontends and code of cells: which are open, and whom a message is for. What they say is not known here.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use ipc::{CellId, Comm, CommKind};
use serde_json::json;

use super::{audience::Audience, widget};
use crate::{channel::Outgoing, message::Parent, request::comm, worker::Supervisor};

/// How many comms can be open at once: a frontend that opens more has lost count.
const MOST: usize = 100_000;

/// The open comms, and the targets that frontends can open more for.
#[derive(Debug, Default)]
pub(super) struct Comms {
    targets: BTreeSet<String>,
    /// The targets of the open ones, by id.
    open: BTreeMap<String, String>,
    /// The frontends' questions for the state of a widget that are not answered yet, by its id.
    asked: BTreeMap<String, VecDeque<Parent>>,
}

/// The addressee of a frontend's message.
#[derive(Debug, PartialEq, Eq)]
enum Way {
    Worker,
    /// The comm cannot be opened: it is to be closed.
    Refused,
    /// Nobody: the comm is no more, and the frontend will hear of it or has.
    Nobody,
}

impl Comms {
    /// The worker's word on a target.
    pub(super) fn target(&mut self, name: String, is_there: bool) {
        if is_there {
            self.targets.insert(name);
        } else {
            self.targets.remove(&name);
        }
    }

    /// Notes what a frontend says.
    fn said_by_frontend(&mut self, comm: &Comm) -> Way {
        let is_open = self.open.contains_key(&comm.id);
        match &comm.kind {
            CommKind::Open { .. } if is_open => Way::Nobody,
            CommKind::Open { target } if self.targets.contains(target) && self.open.len() < MOST => {
                self.open.insert(comm.id.clone(), target.clone());
                Way::Worker
            }
            CommKind::Open { .. } => Way::Refused,
            CommKind::Close if self.open.remove(&comm.id).is_some() => Way::Worker,
            CommKind::Message if is_open => Way::Worker,
            CommKind::Message | CommKind::Close => Way::Nobody,
        }
    }

    /// Notes what code of a cell says; whether a frontend still cares.
    fn said_by_cell(&mut self, comm: &Comm) -> bool {
        match &comm.kind {
            CommKind::Open { target } => self.open.insert(comm.id.clone(), target.clone()).is_none(),
            CommKind::Message => self.open.contains_key(&comm.id),
            CommKind::Close => self.open.remove(&comm.id).is_some(),
        }
    }

    /// The open ones of a target, or all: id and target.
    pub(super) fn open(&self, target: Option<&str>) -> impl Iterator<Item = (&str, &str)> {
        let open = self.open.iter().map(|(id, target)| (id.as_str(), target.as_str()));
        open.filter(move |(_, of)| target.is_none_or(|target| target == *of))
    }

    /// A frontend says something.
    pub(super) fn hear_frontend(&mut self, message: Comm, parent: &Parent, worker: &Supervisor, outgoing: &Outgoing) {
        match self.said_by_frontend(&message) {
            Way::Worker => {
                let is_widget = self.open.get(&message.id).is_some_and(|target| target == widget::TARGET);
                if let Some(echo) = is_widget.then(|| widget::echo(&message)).flatten() {
                    comm::publish(echo, outgoing, Some(parent));
                }
                if is_widget && widget::asks_state(&message) {
                    self.asked.entry(message.id.clone()).or_default().push_back(parent.clone());
                }
                worker.send(ipc::Request::Comm(message));
            }
            Way::Refused => outgoing.publish(comm::close(&message.id, json!({})), Some(parent)),
            Way::Nobody => tracing::debug!("dropped a message for a comm that is not open"),
        }
    }

    /// Code of a cell says something.
    pub(super) fn hear_cell(
        &mut self,
        run: CellId,
        message: Comm,
        audience: &mut Audience,
        worker: &Supervisor,
        outgoing: &Outgoing,
    ) {
        if !self.said_by_cell(&message) {
            return;
        }
        // What was printed before it stands before it.
        audience.show(run, worker);
        if let Some(question) = self.answered(&message) {
            return comm::publish(message, outgoing, Some(&question));
        }
        comm::publish(message, outgoing, audience.of(run).map(|parent| &**parent));
    }

    /// The question that this message answers. A page knows the state that it has asked for by the message's parent.
    fn answered(&mut self, message: &Comm) -> Option<Parent> {
        if matches!(message.kind, CommKind::Close) {
            self.asked.remove(&message.id);
        }
        let questions = self.asked.get_mut(&message.id).filter(|_| widget::is_whole_state(message))?;
        let question = questions.pop_front();
        if questions.is_empty() {
            self.asked.remove(&message.id);
        }
        question
    }

    /// The worker is gone, and its ends of all comms with it.
    pub(super) fn close(&mut self, outgoing: &Outgoing) {
        for (id, target) in std::mem::take(self).open {
            if target == widget::TARGET {
                comm::publish(widget::dead(&id), outgoing, None);
            } else {
                outgoing.publish(comm::close(&id, json!({})), None);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: CommKind) -> Comm {
        Comm { id: "7".to_owned(), kind, data: json!({}), metadata: ipc::MimeBundle::new(), buffers: Vec::new() }
    }

    #[test]
    fn a_comm_is_open_from_its_opening_to_its_first_closing() {
        let open = || message(CommKind::Open { target: "slider".to_owned() });
        let (say, close) = (message(CommKind::Message), message(CommKind::Close));
        let mut comms = Comms::default();
        assert_eq!(comms.said_by_frontend(&open()), Way::Refused);
        comms.target("slider".to_owned(), true);
        assert_eq!(comms.said_by_frontend(&say), Way::Nobody);
        assert_eq!(comms.said_by_frontend(&open()), Way::Worker);
        assert_eq!(comms.said_by_frontend(&open()), Way::Nobody, "an id is opened once");
        assert_eq!((comms.said_by_frontend(&say), comms.said_by_cell(&say)), (Way::Worker, true));
        assert!(comms.said_by_cell(&close));
        assert_eq!((comms.said_by_frontend(&close), comms.said_by_cell(&say)), (Way::Nobody, false));

        assert!(comms.said_by_cell(&open()) && comms.said_by_cell(&say));
        assert_eq!(comms.said_by_frontend(&close), Way::Worker);
        assert!(!comms.said_by_cell(&close));
        comms.target("slider".to_owned(), false);
        assert_eq!(comms.said_by_frontend(&open()), Way::Refused);
    }
}
