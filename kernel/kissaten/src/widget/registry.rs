//! The registry of the models that frontends know, and what frontends say to them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::flush::{self, Reply};
use super::message::{self, PageSays};
use super::model::Model;
use crate::comm::{Packet, PacketKind};
use crate::display::MimeBundle;
use crate::{here, runtime};

/// The target of each widget's comm.
pub(super) const TARGET: &str = "jupyter.widget";
/// The target by which a page that was reloaded asks for all widgets.
const CONTROL: &str = "jupyter.widget.control";
/// The type of a display that is a view of a widget.
pub(super) const VIEW: &str = "application/vnd.jupyter.widget-view+json";

static REGISTRY: Mutex<Models> =
    Mutex::new(Models { models: BTreeMap::new(), controls: BTreeSet::new(), is_registered: false });

struct Models {
    models: BTreeMap<String, Arc<Model>>,
    /// The comms by which frontends ask for all.
    controls: BTreeSet<String>,
    is_registered: bool,
}

fn registry() -> MutexGuard<'static, Models> {
    REGISTRY.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Frontends know this one from now on.
pub(super) fn insert(model: &Arc<Model>) {
    let is_first = {
        let mut registry = registry();
        registry.models.insert(model.id.clone(), Arc::clone(model));
        !std::mem::replace(&mut registry.is_registered, true)
    };
    if is_first {
        runtime::send(runtime::Notice::CommTarget { name: CONTROL.to_owned(), is_there: true });
    }
}

pub(super) fn remove(id: &str) {
    // What it holds goes when nothing is locked any more.
    let removed = registry().models.remove(id);
    drop(removed);
}

/// All that frontends know.
pub(super) fn models() -> Vec<Arc<Model>> {
    registry().models.values().cloned().collect()
}

fn model(id: &str) -> Option<Arc<Model>> {
    registry().models.get(id).cloned()
}

/// Takes what a frontend says to a widget; gives back what is said to somebody else. Called from the thread that reads
/// the control socket, and never waits.
pub(crate) fn receive(packet: Packet) -> Option<Packet> {
    match &packet.kind {
        PacketKind::Open { target } if target == CONTROL => {
            let mut registry = registry();
            if !registry.is_registered {
                return Some(packet);
            }
            registry.controls.insert(packet.id);
        }
        PacketKind::Open { .. } => return Some(packet),
        PacketKind::Message => {
            let is_control = registry().controls.contains(&packet.id);
            let model = model(&packet.id);
            if !is_control && model.is_none() {
                return Some(packet);
            }
            match (model, message::said(&packet.message)) {
                (Some(model), PageSays::Update(fields)) => model.changed_by_frontend(fields),
                (Some(model), PageSays::Signal) => model.signalled(),
                (Some(model), PageSays::AskState) => flush::reply(Reply::Model(model)),
                (None, PageSays::AskStates) => flush::reply(Reply::All { control: packet.id }),
                _ => {}
            }
        }
        PacketKind::Close => {
            let mut registry = registry();
            let model = registry.models.remove(&packet.id);
            if model.is_none() && !registry.controls.remove(&packet.id) {
                return Some(packet);
            }
            drop(registry);
            if let Some(model) = model {
                model.closed_by_frontend();
            }
        }
    }
    None
}

/// The last expression of a cell has this to show. A widget that it made there is not taken away with it.
pub(crate) fn shown_as_result(data: &MimeBundle) {
    if let Some(model) = data.get(VIEW).and_then(message::model_of_view).and_then(|id| model(&id)) {
        model.is_result_of(here::run());
    }
}
