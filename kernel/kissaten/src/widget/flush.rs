//! What is sent to frontends beside the code of cells: changes that come faster than a page draws, and answers.
//!
//! A thread does it, which is there while there is something to send.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::message;
use super::model::{INTERVAL, Model};
use super::registry;
use crate::comm::{self, PacketKind};

/// What a frontend has asked for.
pub(super) enum Reply {
    /// The state of one.
    Model(Arc<Model>),
    /// The states of all; asked by this comm.
    All { control: String },
}

struct Queue {
    changed: Vec<Arc<Model>>,
    replies: Vec<Reply>,
    is_running: bool,
}

static QUEUE: Mutex<Queue> = Mutex::new(Queue { changed: Vec::new(), replies: Vec::new(), is_running: false });
static MORE: Condvar = Condvar::new();

fn queue() -> MutexGuard<'static, Queue> {
    QUEUE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Tells of this one's changes in a moment.
pub(super) fn later(model: &Arc<Model>) {
    let mut queue = queue();
    if !queue.changed.iter().any(|other| Arc::ptr_eq(other, model)) {
        queue.changed.push(Arc::clone(model));
    }
    run(queue);
}

/// Tells of all changes that wait, or are being told: who looks at a page when a cell has ended sees what it has set.
pub(crate) fn now() {
    registry::models().iter().for_each(|model| model.send_unsent());
}

/// Answers soon.
pub(super) fn reply(reply: Reply) {
    let mut queue = queue();
    queue.replies.push(reply);
    run(queue);
}

fn run(mut queue: MutexGuard<'_, Queue>) {
    if queue.is_running {
        MORE.notify_one();
        return;
    }
    let sender = std::thread::Builder::new().name("widgets".into()).spawn(send_all);
    queue.is_running = sender.is_ok();
    drop(queue);
    if sender.is_err() {
        // There is no room for a thread: it is sent here.
        send_all();
    }
}

/// Sends until nothing is left to be sent.
fn send_all() {
    loop {
        let mut queue = queue();
        if queue.replies.is_empty() && !queue.changed.is_empty() {
            queue = MORE.wait_timeout(queue, INTERVAL).unwrap_or_else(PoisonError::into_inner).0;
        }
        let replies = std::mem::take(&mut queue.replies);
        if replies.is_empty() && queue.changed.is_empty() {
            queue.is_running = false;
            return;
        }
        let changed = std::mem::take(&mut queue.changed);
        drop(queue);
        changed.iter().for_each(|model| model.send_unsent());
        for reply in replies {
            match reply {
                Reply::Model(model) => model.send_whole(),
                Reply::All { control } => {
                    comm::send(&control, PacketKind::Message, message::states(&registry::models()))
                }
            }
        }
    }
}
