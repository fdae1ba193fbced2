//! What code of a cell asks of the frontend beside its outputs. How a payload looks in the reply is told by
//! [`execute`](crate::request::execute).

use ipc::{CellId, MimeBundle};

use super::{Execution, note};
use crate::request::execute::Payload;

impl Execution {
    /// The reply of the run's cell will have this.
    pub(super) fn payload(&mut self, run: CellId, payload: Payload) {
        if self.turn_where(|stage| stage.runs(run))
            && let Some(cell) = &mut self.cell
        {
            cell.payloads.push(payload);
            return;
        }
        // Its reply has left.
        if let (Payload::Page { data }, Some(parent)) = (payload, self.audience(run)) {
            self.outgoing.publish(note::bundle(data, MimeBundle::new()), Some(parent));
        }
    }
}
