//! The cells, as the compiler writes them.

use std::cell::Cell as StdCell;
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;

use super::values::*;
use crate::__cell::{CellError, Guarded, keep, put_back, take};
use crate::resident::{LoanKind, Resident, Scope, Seat, Token};
use crate::runtime::Program;

/// How a cell ends.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum End {
    Well,
    Panics,
    Errs,
}

macro_rules! end {
    ($end:expr) => {
        match $end {
            End::Well => {}
            End::Panics => std::panic::resume_unwind(Box::new("the cell's")),
            End::Errs => return Err(CellError::from(std::fmt::Error)),
        }
    };
}

pub(super) async fn wait() {
    std::future::poll_fn(|_| if GO.get() { Poll::Ready(()) } else { Poll::Pending }).await;
}

macro_rules! refs {
    ($scope:ident, $name:expr) => {{
        fn typed<'x>(scope: &Scope<'x>, name: &str) -> Refs<'x> {
            // SAFETY: (type): it was kept as this.
            unsafe { scope.take(name) }
        }
        typed(&$scope, $name)
    }};
}

macro_rules! placed {
    ($scope:ident, $name:expr, $type:ty) => {{
        fn typed<'x>(scope: &Scope<'x>, name: &str) -> &'x $type {
            // SAFETY: (type): it was published as this.
            unsafe { scope.place(name) }
        }
        typed(&$scope, $name)
    }};
}

pub(super) type Name = &'static str;

pub(super) fn own(name: Name, end: End) -> Program {
    Box::pin(async move {
        let body = pin!(async {
            let value = owner();
            end!(end);
            keep(name, value);
            Ok(())
        });
        Guarded(body).await;
    })
}

/// An owner and what borrows from it, both new.
pub(super) fn both(o: Name, b: Name, end: End) -> Program {
    Box::pin(async move {
        let seat = Seat::new(None);
        let body = pin!(async {
            let value = owner();
            let refs = Refs(value.iter().collect());
            let _not_kept = owner();
            end!(end);
            let anchor = Token::new();
            let resident = Resident::new(&seat, &anchor);
            // SAFETY: (covariance): see `covariant`, here and below; it stands in the frame.
            unsafe { resident.publish(o, &value, false, false) };
            // SAFETY: (covariance).
            unsafe { resident.lend(b, refs, false) };
            resident.stay().await;
            seat.give_back(o, value);
            Ok(())
        });
        Guarded(body).await;
    })
}

/// An older owner is lent, and another is changed and goes back.
pub(super) fn lend(o: Name, b: Name, other: Option<Name>, end: End) -> Program {
    Box::pin(async move {
        let seat = Seat::new(None);
        let value: Owner = take(o);
        let mut changed: Option<Owner> = other.map(take);
        {
            let body = pin!(async {
                let refs = Refs(value.iter().collect());
                if let Some(changed) = &mut changed {
                    changed.push(Probe::new());
                }
                end!(end);
                let anchor = Token::new();
                let resident = Resident::new(&seat, &anchor);
                // SAFETY: (covariance); it stands in the frame.
                unsafe { resident.publish(o, &value, false, false) };
                // SAFETY: (covariance).
                unsafe { resident.lend(b, refs, false) };
                if let (Some(other), Some(changed)) = (other, &mut changed) {
                    // SAFETY: it goes to `put_back` below.
                    unsafe { resident.hand_back(other, changed) };
                }
                resident.stay().await;
                Ok(())
            });
            Guarded(body).await;
        }
        if let (Some(other), Some(changed)) = (other, changed) {
            seat.put_back(other, changed);
        }
        seat.put_back(o, value);
    })
}

pub(super) fn unique(o: Name, u: Name, end: End) -> Program {
    Box::pin(async move {
        let seat = Seat::new(None);
        let mut value: Owner = take(o);
        {
            let body = pin!(async {
                let unique = Unique(&mut value);
                end!(end);
                let anchor = Token::new();
                let resident = Resident::new(&seat, &anchor);
                resident.hide(o);
                // SAFETY: (covariance).
                unsafe { resident.lend(u, unique, false) };
                resident.stay().await;
                Ok(())
            });
            Guarded(body).await;
        }
        seat.put_back(o, value);
    })
}

/// One more that borrows from an owner which is lent already.
pub(super) fn again(o: Name, b: Name, end: End, waits: bool) -> Program {
    Box::pin(async move {
        let token = Token::new();
        let scope = Scope::new(&token, &[o]);
        let value = placed!(scope, o, Owner);
        {
            let body = pin!(async {
                let refs = Refs(value.iter().collect());
                if waits {
                    wait().await;
                }
                refs.check();
                end!(end);
                // SAFETY: (covariance).
                unsafe { scope.keep(b, refs, false) };
                Ok(())
            });
            Guarded(body).await;
        }
        scope.end();
    })
}

/// Two that share a cell with a reference in it.
pub(super) fn share(o: Name, c: Name, d: Name, end: End) -> Program {
    Box::pin(async move {
        let token = Token::new();
        let scope = Scope::new(&token, &[o]);
        let value = placed!(scope, o, Owner);
        {
            let body = pin!(async {
                let one = Shared(Rc::new(StdCell::new(value.first())));
                let two = Shared(Rc::clone(&one.0));
                end!(end);
                fn keep<'x>(scope: &Scope<'x>, name: &str, value: Shared<'x>) {
                    // SAFETY: (exact).
                    unsafe { scope.keep(name, value, true) };
                }
                keep(&scope, c, one);
                keep(&scope, d, two);
                Ok(())
            });
            Guarded(body).await;
        }
        scope.end();
    })
}

/// Another reference is written into such a cell.
pub(super) fn write(c: Name, b: Name, end: End) -> Program {
    Box::pin(async move {
        let token = Token::new();
        let scope = Scope::new(&token, &[c, b]);
        let shared = {
            fn typed<'x>(scope: &Scope<'x>, name: &str) -> Shared<'x> {
                // SAFETY: (type): it was kept as this.
                unsafe { scope.take(name) }
            }
            typed(&scope, c)
        };
        let refs = refs!(scope, b);
        {
            let body = pin!(async {
                shared.0.set(refs.0.first().copied());
                end!(end);
                Ok(())
            });
            Guarded(body).await;
        }
        // SAFETY: (covariance).
        unsafe { scope.put_back(b, refs, false) };
        // SAFETY: (exact).
        unsafe { scope.put_back(c, shared, true) };
        scope.end();
    })
}

/// What borrows is lent itself; a new owner goes along.
pub(super) fn deep(b: Name, d: Name, o: Name, end: End) -> Program {
    Box::pin(async move {
        let token = Token::new();
        let scope = Scope::new(&token, &[b]);
        let seat = Seat::new(Some(&scope));
        let refs = refs!(scope, b);
        {
            let body = pin!(async {
                let fresh = owner();
                let deep = Deep(&refs);
                end!(end);
                let anchor = Token::new();
                let resident = Resident::new(&seat, &anchor);
                // SAFETY: (covariance); it stands in the frame.
                unsafe { resident.publish(b, &refs, false, false) };
                resident.keep(o, fresh);
                // SAFETY: (covariance).
                unsafe { resident.lend(d, deep, false) };
                resident.stay().await;
                Ok(())
            });
            Guarded(body).await;
        }
        // SAFETY: (covariance).
        unsafe { seat.put_back_lent(b, refs, false) };
        scope.end();
    })
}

/// A new owner is lent while an older one that borrows goes back.
pub(super) fn beside(b: Name, o: Name, c: Name, end: End) -> Program {
    Box::pin(async move {
        let token = Token::new();
        let scope = Scope::new(&token, &[b]);
        let seat = Seat::new(Some(&scope));
        let mut refs = refs!(scope, b);
        {
            let body = pin!(async {
                let value = owner();
                let new = Refs(value.iter().chain(refs.0.iter().copied()).collect());
                refs.0.reverse();
                end!(end);
                let anchor = Token::new();
                let resident = Resident::new(&seat, &anchor);
                // SAFETY: (covariance); it stands in the frame.
                unsafe { resident.publish(o, &value, false, false) };
                // SAFETY: (covariance).
                unsafe { resident.lend(c, new, false) };
                // SAFETY: it goes to `put_back_lent` below; (covariance).
                unsafe { resident.hand_back_lent(b, &mut refs, false) };
                resident.stay().await;
                seat.give_back(o, value);
                Ok(())
            });
            Guarded(body).await;
        }
        // SAFETY: (covariance).
        unsafe { seat.put_back_lent(b, refs, false) };
        scope.end();
    })
}

/// What two refer to comes together in one.
pub(super) fn join(into: Name, from: Name, end: End, waits: bool) -> Program {
    Box::pin(async move {
        let token = Token::new();
        let scope = Scope::new(&token, &[into, from]);
        let mut all = refs!(scope, into);
        let more = refs!(scope, from);
        {
            let body = pin!(async {
                all.0.extend(more.0.iter().copied());
                all.0.truncate(12);
                if waits {
                    wait().await;
                }
                all.check();
                end!(end);
                Ok(())
            });
            Guarded(body).await;
        }
        // SAFETY: (covariance).
        unsafe { scope.put_back(from, more, false) };
        // SAFETY: (covariance).
        unsafe { scope.put_back(into, all, false) };
        scope.end();
    })
}

/// What borrows gets another name, or goes.
pub(super) fn moved(from: Name, to: Option<Name>, end: End) -> Program {
    Box::pin(async move {
        let token = Token::new();
        let scope = Scope::new(&token, &[from]);
        let refs = refs!(scope, from);
        {
            let body = pin!(async {
                let refs = refs;
                end!(end);
                if let Some(to) = to {
                    // SAFETY: (covariance).
                    unsafe { scope.keep(to, refs, false) };
                }
                Ok(())
            });
            Guarded(body).await;
        }
        scope.end();
    })
}

pub(super) fn push(u: Name, end: End) -> Program {
    Box::pin(async move {
        let token = Token::new();
        let scope = Scope::new(&token, &[u]);
        let unique = {
            fn typed<'x>(scope: &Scope<'x>, name: &str) -> Unique<'x> {
                // SAFETY: (type): it was kept as this.
                unsafe { scope.take(name) }
            }
            typed(&scope, u)
        };
        {
            let body = pin!(async {
                if unique.0.len() < 8 {
                    unique.0.push(Probe::new());
                }
                unique.check();
                end!(end);
                Ok(())
            });
            Guarded(body).await;
        }
        // SAFETY: (covariance).
        unsafe { scope.put_back(u, unique, false) };
        scope.end();
    })
}

pub(super) fn look(names: Vec<(Name, LoanKind)>) -> Program {
    Box::pin(async move {
        let token = Token::new();
        for (name, kind) in names {
            let scope = Scope::new(&token, &[name]);
            // SAFETY: (type): they were kept or published as these, and nobody takes them meanwhile.
            unsafe {
                match (&name[..1], kind) {
                    ("o", LoanKind::Place) => scope.look::<Owner>(name).unwrap().iter().for_each(Probe::check),
                    ("b", _) => scope.look::<Refs<'_>>(name).unwrap().check(),
                    ("u", _) => scope.look::<Unique<'_>>(name).unwrap().check(),
                    ("c", _) => scope.look::<Shared<'_>>(name).unwrap().check(),
                    ("d", _) => scope.look::<Deep<'_>>(name).unwrap().check(),
                    _ => {}
                }
            }
        }
    })
}

pub(super) fn ordinary(o: Name, end: End) -> Program {
    Box::pin(async move {
        let mut value: Owner = take(o);
        {
            let body = pin!(async {
                value.iter().for_each(Probe::check);
                if value.len() < 8 {
                    value.push(Probe::new());
                }
                end!(end);
                Ok(())
            });
            Guarded(body).await;
        }
        put_back(o, value);
    })
}
