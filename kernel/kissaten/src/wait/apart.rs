//! Futures apart: what is noted while they are polled is nobody's, as they may be several futures in one.
//!
//! Of a `FuturesUnordered`, a `select(…)` or somebody's own `Future` any number of futures are polled by turns, and of what the last
//! of them awaits nothing follows for the others. So whoever awaits such a thing waits for that, and for nothing in it.

use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::ptr::null;
use std::task::{Context, Poll};

use futures::future::FusedFuture;

use crate::here::{self, Standing};

/// A future that may be several ones.
pub fn apart<F: IntoFuture>(future: F) -> Apart<F::IntoFuture> {
    Apart(future.into_future())
}

/// See [`apart`].
pub struct Apart<F>(F);

impl<F: Future> Future for Apart<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let _apart = apart_here();
        // SAFETY: the future is pinned with what it is in, and never moved out.
        unsafe { self.map_unchecked_mut(|apart| &mut apart.0) }.poll(context)
    }
}

impl<F: FusedFuture> FusedFuture for Apart<F> {
    fn is_terminated(&self) -> bool {
        self.0.is_terminated()
    }
}

/// A stretch of code in which nothing is noted, until it is dropped.
pub struct ApartHere {
    _standing: Standing,
}

/// What is noted from here on is nobody's.
#[must_use]
#[inline(never)]
pub fn apart_here() -> ApartHere {
    let unit = here::with(|here| here.unit.get());
    // SAFETY: there is no slot.
    ApartHere { _standing: unsafe { here::stand(null(), unit) } }
}
