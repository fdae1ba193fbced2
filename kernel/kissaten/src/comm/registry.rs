//! The registry of targets and comms, and the way from the worker's control thread to whoever waits for a message.
//!
//! Nothing here waits: a frontend that sends faster than code reads fills a queue, and a queue that is too long ends its
//! comm, which both ends are told.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc;

use super::{Comm, Message, Packet, PacketKind, send};
use crate::runtime;

/// How many bytes a comm may hold that nobody has read. Small messages count as [`LEAST`].
const UNREAD: usize = 64 * 1024 * 1024;
/// What every message takes beside its content.
const LEAST: usize = 256;
/// How many comms may wait to be accepted by one target.
const UNACCEPTED: usize = 1024;

static REGISTRY: Mutex<Registry> = Mutex::new(Registry { targets: BTreeMap::new(), comms: BTreeMap::new() });
static TARGETS: AtomicU64 = AtomicU64::new(0);

struct Registry {
    targets: BTreeMap<String, (u64, mpsc::Sender<Comm>)>,
    comms: BTreeMap<String, Open>,
}

/// A comm that neither end has closed.
struct Open {
    shared: Arc<Shared>,
    messages: mpsc::UnboundedSender<Message>,
}

/// What all that know a comm have of it.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(super) id: String,
    pub(super) target: String,
    /// Bytes that came and were not read.
    unread: AtomicUsize,
    /// What the frontend closed it with.
    closing: Mutex<Option<Message>>,
}

/// The end of a comm's queue that is read.
#[derive(Debug)]
pub(crate) struct Incoming {
    shared: Arc<Shared>,
    messages: mpsc::UnboundedReceiver<Message>,
}

impl Incoming {
    pub(super) async fn next(&mut self) -> Option<Message> {
        let message = self.messages.recv().await?;
        self.shared.unread.fetch_sub(cost(&message), Ordering::Relaxed);
        Some(message)
    }
}

fn registry() -> MutexGuard<'static, Registry> {
    REGISTRY.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Held while a target changes and while the server is told so: it hears of it in the order in which it happened. To
/// tell it may wait, so what the control thread needs is not locked meanwhile.
fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn cost(message: &Message) -> usize {
    message.size() + LEAST
}

/// An id that nobody else has.
pub(crate) fn new_id() -> String {
    let random = || RandomState::new().hash_one(0_u8);
    format!("{:016x}{:016x}", random(), random())
}

/// A target with this name, in place of an older one.
pub(super) fn register(name: &str) -> (u64, mpsc::Receiver<Comm>) {
    let serial = TARGETS.fetch_add(1, Ordering::Relaxed) + 1;
    let (sender, opened) = mpsc::channel(UNACCEPTED);
    let _turn = turn();
    registry().targets.insert(name.to_owned(), (serial, sender));
    runtime::send(runtime::Notice::CommTarget { name: name.to_owned(), is_there: true });
    (serial, opened)
}

/// The target is no more, unless another one has its name.
pub(super) fn unregister(name: &str, serial: u64) {
    let _turn = turn();
    let older = {
        let mut registry = registry();
        let is_there = registry.targets.get(name).is_some_and(|(present, _)| *present == serial);
        is_there.then(|| registry.targets.remove(name))
    };
    if older.is_some() {
        runtime::send(runtime::Notice::CommTarget { name: name.to_owned(), is_there: false });
    }
}

/// A comm begins.
pub(super) fn open(id: String, target: String) -> (Arc<Shared>, Incoming) {
    let shared = Arc::new(Shared { id, target, unread: AtomicUsize::new(0), closing: Mutex::new(None) });
    let (sender, messages) = mpsc::unbounded_channel();
    registry().comms.insert(shared.id.clone(), Open { shared: Arc::clone(&shared), messages: sender });
    (Arc::clone(&shared), Incoming { shared, messages })
}

/// The comm is no more; whether it was until now.
pub(super) fn close(shared: &Arc<Shared>) -> bool {
    let mut registry = registry();
    let is_there = registry.comms.get(&shared.id).is_some_and(|open| Arc::ptr_eq(&open.shared, shared));
    if is_there {
        registry.comms.remove(&shared.id);
    }
    is_there
}

/// Whether neither end has closed it.
pub(super) fn is_open(shared: &Arc<Shared>) -> bool {
    registry().comms.get(&shared.id).is_some_and(|open| Arc::ptr_eq(&open.shared, shared))
}

/// What the frontend closed it with.
pub(super) fn closing(shared: &Shared) -> Option<Message> {
    shared.closing.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Whether a comm of this id is open.
#[cfg(test)]
pub(super) fn has(id: &str) -> bool {
    registry().comms.contains_key(id)
}

/// Takes what a frontend says. Called from the thread that reads the control socket, and never waits.
pub(crate) fn receive(packet: Packet) {
    let Packet { id, kind, message } = packet;
    match kind {
        PacketKind::Open { target } => opened(id, target, message),
        PacketKind::Message => arrived(&id, message),
        PacketKind::Close => {
            let Some(open) = registry().comms.remove(&id) else { return };
            *open.shared.closing.lock().unwrap_or_else(PoisonError::into_inner) = Some(message);
        }
    }
}

fn opened(id: String, target: String, message: Message) {
    let accepting = {
        let registry = registry();
        if registry.comms.contains_key(&id) {
            return;
        }
        registry.targets.get(&target).map(|(_, sender)| sender.clone())
    };
    match accepting {
        Some(accepting) => {
            let (shared, incoming) = open(id, target);
            // A comm that is not taken is dropped here, which closes it.
            let _ = accepting.try_send(Comm::opened(shared, message, incoming));
        }
        None => send(&id, PacketKind::Close, Message::empty()),
    }
}

fn arrived(id: &str, message: Message) {
    let overflown = {
        let registry = registry();
        let Some(open) = registry.comms.get(id) else { return };
        let size = cost(&message);
        if open.shared.unread.fetch_add(size, Ordering::Relaxed) + size > UNREAD {
            Some(Arc::clone(&open.shared))
        } else {
            // Whoever drops the other end closes the comm, too.
            let _ = open.messages.send(message);
            None
        }
    };
    if let Some(shared) = overflown
        && close(&shared)
    {
        let words = BTreeMap::from([("error", "more was sent than the cell has read")]);
        let words = Message::new(&words);
        send(&shared.id, PacketKind::Close, words.unwrap_or_else(|_| Message::empty()));
    }
}
