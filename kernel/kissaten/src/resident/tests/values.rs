//! Values that say when they are used after they were dropped, and what borrows from them.

use std::cell::Cell as StdCell;
use std::rc::Rc;

pub(super) const MAGIC: u64 = 0x6b69_7373_6174_656e;

thread_local! {
    pub(super) static ALIVE: StdCell<i64> = const { StdCell::new(0) };
    /// Every so many drops one panics; 0: none.
    pub(super) static LOUD: StdCell<u64> = const { StdCell::new(0) };
    pub(super) static DROPS: StdCell<u64> = const { StdCell::new(0) };
    /// Whether cells that wait may go on.
    pub(super) static GO: StdCell<bool> = const { StdCell::new(false) };
}

pub(super) fn may_panic() {
    DROPS.set(DROPS.get() + 1);
    if LOUD.get() > 0 && DROPS.get().is_multiple_of(LOUD.get()) && !std::thread::panicking() {
        std::panic::resume_unwind(Box::new("loud"));
    }
}

pub(super) struct Probe(Box<u64>);

impl Probe {
    pub(super) fn new() -> Self {
        ALIVE.set(ALIVE.get() + 1);
        Self(Box::new(MAGIC))
    }

    pub(super) fn check(&self) {
        assert_eq!(*self.0, MAGIC, "used after it was dropped");
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        self.check();
        *self.0 = 0;
        ALIVE.set(ALIVE.get() - 1);
        may_panic();
    }
}

pub(super) type Owner = Vec<Probe>;

pub(super) fn owner() -> Owner {
    vec![Probe::new(), Probe::new()]
}

pub(super) struct Refs<'a>(pub(super) Vec<&'a Probe>);
pub(super) struct Unique<'a>(pub(super) &'a mut Owner);
pub(super) struct Deep<'a>(pub(super) &'a Refs<'a>);
/// Invariant: what is written into one, all that share it see.
pub(super) struct Shared<'a>(pub(super) Rc<StdCell<Option<&'a Probe>>>);

pub(super) fn covariant<'short, 'long: 'short>(
    values: (Refs<'long>, Unique<'long>, Deep<'long>),
) -> (Refs<'short>, Unique<'short>, Deep<'short>) {
    values
}

pub(super) trait Checked {
    fn check(&self);
}
impl Checked for Refs<'_> {
    fn check(&self) {
        self.0.iter().for_each(|probe| probe.check());
    }
}
impl Checked for Unique<'_> {
    fn check(&self) {
        self.0.iter().for_each(Probe::check);
    }
}
impl Checked for Shared<'_> {
    fn check(&self) {
        self.0.get().into_iter().for_each(Probe::check);
    }
}
impl Checked for Deep<'_> {
    fn check(&self) {
        self.0.check();
    }
}

/// What borrows is dropped while what it borrows from is there.
macro_rules! look_when_dropped {
    ($($name:ident)*) => { $(impl Drop for $name<'_> {
        fn drop(&mut self) {
            self.check();
            may_panic();
        }
    })* };
}
look_when_dropped! { Refs Unique Deep Shared }
