//! The worker: the process that runs the cells. What it is told and what it tells is [`ipc`]'s; what a cell is, is not
//! known here.

pub(crate) mod death;
mod limit;
mod process;
mod programs;
pub(crate) mod supervisor;

pub(crate) use process::Happening;
pub(crate) use supervisor::Supervisor;
