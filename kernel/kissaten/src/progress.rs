//! Progress bars: iterators and streams that show how far they have come.
//!
//! An item costs one store. Whoever looks at the number, ten times a second, is a thread of its own ([`board`]), so that a
//! bar moves whatever the cell does, and no clock is read per item.

mod board;
mod draw;

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use futures::Stream;

use self::board::Bar;

/// Goes through the items and shows how many are done, how fast, and how long the rest will take; of how many, where the
/// iterator knows that.
///
/// ```
/// let mut sum = 0;
/// for n in kissaten::progress(0..1_000) {
///     sum += n;
/// }
/// for line in kissaten::progress("a\nb".lines()).title("lines").total(2) {
///     drop(line);
/// }
/// ```
///
/// A bar that is made while another of the same code goes on is shown below that one, and the next below it takes its
/// place. Where the loop ends early, by `break`, an error, a panic or an interrupt, the bar says where.
pub fn progress<I: IntoIterator>(items: I) -> Progress<I::IntoIter> {
    let items = items.into_iter();
    let (least, most) = items.size_hint();
    Progress { running: BarCount::begin(least, most), items }
}

/// As [`progress`], for the items of a stream.
///
/// ```
/// # use kissaten::futures::{executor::block_on, stream, StreamExt};
/// # block_on(async {
/// let mut pages = kissaten::progress_stream(stream::iter(["a", "b"]));
/// while let Some(page) = pages.next().await {
///     drop(page);
/// }
/// # });
/// ```
pub fn progress_stream<S: Stream>(items: S) -> Progress<S> {
    let (least, most) = items.size_hint();
    Progress { running: BarCount::begin(least, most), items }
}

/// An iterator or a stream that shows how far it has come; see [`progress`] and [`progress_stream`].
#[derive(Debug)]
#[must_use = "iterators and streams do nothing unless they are used"]
pub struct Progress<I> {
    // Dropped first: what the items do when they are dropped is not waited for.
    running: BarCount,
    items: I,
}

impl<I> Progress<I> {
    /// What stands before the bar.
    pub fn title(self, title: impl AsRef<str>) -> Self {
        self.running.bar.set_title(title.as_ref());
        self
    }

    /// How many items there will be, where they do not say so themselves.
    pub fn total(self, total: u64) -> Self {
        self.running.bar.total.store(total, Ordering::Relaxed);
        self
    }
}

impl<I: Iterator> Iterator for Progress<I> {
    type Item = I::Item;

    #[inline]
    fn next(&mut self) -> Option<I::Item> {
        self.running.tell();
        let item = self.items.next();
        self.running.count(item.is_some());
        item
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.items.size_hint()
    }
}

impl<I: ExactSizeIterator> ExactSizeIterator for Progress<I> {}

impl<S: Stream> Stream for Progress<S> {
    type Item = S::Item;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<S::Item>> {
        // SAFETY: only `items` is pinned: it is never moved out of here, and this type's drop is that of its fields.
        let (running, items) = unsafe {
            let this = self.get_unchecked_mut();
            (&mut this.running, Pin::new_unchecked(&mut this.items))
        };
        running.tell();
        let polled = items.poll_next(context);
        if let Poll::Ready(item) = &polled {
            running.count(item.is_some());
        }
        polled
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.items.size_hint()
    }
}

/// The count that moves a bar.
#[derive(Debug)]
struct BarCount {
    bar: Arc<Bar>,
    /// How many items were handed out. The last of them is being worked on, and done when the next is asked for.
    given: u64,
}

impl BarCount {
    #[inline(never)]
    fn begin(least: usize, most: Option<usize>) -> Self {
        // Half the numbers, and more, is what iterators without an end say.
        let known = most.filter(|most| *most < usize::MAX / 2 && (*most > 0 || least == 0));
        Self { bar: board::begin(known.map(|most| most as u64)), given: 0 }
    }

    /// What was handed out is done.
    #[inline]
    fn tell(&self) {
        self.bar.done.store(self.given, Ordering::Relaxed);
    }

    #[inline]
    fn count(&mut self, is_some: bool) {
        if is_some {
            self.given += 1;
        } else {
            self.finish();
        }
    }

    #[cold]
    #[inline(never)]
    fn finish(&self) {
        board::end(&self.bar, true);
    }
}

impl Drop for BarCount {
    fn drop(&mut self) {
        board::end(&self.bar, false);
    }
}
