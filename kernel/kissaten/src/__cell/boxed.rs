//! The choice of what a value becomes whose type has no name, made by rustc's method lookup in the cell's own compile.
//!
//! Later cells can only name a trait object, so such a value is boxed when it is kept, as the most that it is: a future
//! with `Send` where it is, an iterator that can be reversed where it can. The lookup is that of
//! `display::probe`: of several traits that have the same method for differently referenced receivers, the first that fits
//! wins. Whether a closure or an async block of the same body is `Send` is decided after that: the lookup takes
//! it for granted, rustc then refuses our line, and the compiler tries again with [`local`] alone.
//!
//! Lifetimes are those of the value: who keeps it asks for `'static`.

use std::iter::Peekable;
use std::pin::Pin;

use futures::Stream;
use futures::future::{FusedFuture, Future, FutureExt, Shared};
use futures::stream::FusedStream;

/// What is both double-ended and of known length; a trait object has room for one of them only.
pub trait DoubleEndedExact: DoubleEndedIterator + ExactSizeIterator {}

impl<T: DoubleEndedIterator + ExactSizeIterator + ?Sized> DoubleEndedExact for T {}

/// A value to be boxed. Called as `(&&…&Probe(&value)).kissaten_kind().kissaten_boxed(value)`.
pub struct Probe<'a, T>(pub &'a T);

/// What a kind takes, and what it makes of it.
macro_rules! kinds {
    ([$($refs:tt)*]) => {};
    ([$($refs:tt)*] $name:ident $tag:ident <$type:ty> ($($bound:tt)*) -> $boxed:ty { |$value:ident| $make:expr } $($rest:tt)*) => {
        pub trait $name {
            fn kissaten_kind(self) -> $tag;
        }

        impl<T: $($bound)*> $name for $($refs)* Probe<'_, $type> {
            #[inline]
            fn kissaten_kind(self) -> $tag {
                $tag
            }
        }

        pub struct $tag;

        impl $tag {
            #[inline]
            pub fn kissaten_boxed<'a, T: $($bound)* + 'a>(self, $value: $type) -> $boxed {
                $make
            }
        }

        kinds! { [$($refs)* &] $($rest)* }
    };
}

// From what fits last to what fits first.
kinds! { [&]
    AsItIs AsItIsKind<T> (Sized) -> T { |value| value }
    Iterates IteratesKind<T> (Iterator) -> Box<dyn Iterator<Item = T::Item> + 'a> { |value| Box::new(value) }
    Exact ExactKind<T> (ExactSizeIterator) -> Box<dyn ExactSizeIterator<Item = T::Item> + 'a> { |value| Box::new(value) }
    Double DoubleKind<T> (DoubleEndedIterator) -> Box<dyn DoubleEndedIterator<Item = T::Item> + 'a> { |value| Box::new(value) }
    Both BothKind<T> (DoubleEndedExact) -> Box<dyn DoubleEndedExact<Item = T::Item> + 'a> { |value| Box::new(value) }
    IteratesSend IteratesSendKind<T> (Iterator + Send) -> Box<dyn Iterator<Item = T::Item> + Send + 'a> { |value| Box::new(value) }
    ExactSend ExactSendKind<T> (ExactSizeIterator + Send) -> Box<dyn ExactSizeIterator<Item = T::Item> + Send + 'a> { |value| Box::new(value) }
    DoubleSend DoubleSendKind<T> (DoubleEndedIterator + Send) -> Box<dyn DoubleEndedIterator<Item = T::Item> + Send + 'a> { |value| Box::new(value) }
    BothSend BothSendKind<T> (DoubleEndedExact + Send) -> Box<dyn DoubleEndedExact<Item = T::Item> + Send + 'a> { |value| Box::new(value) }
    // What was peeked at is its next item at any rate.
    Peeks PeeksKind<Peekable<T>> (Iterator) -> Peekable<Box<dyn Iterator<Item = T::Item> + 'a>> {
        |value| (Box::new(value) as Box<dyn Iterator<Item = T::Item> + 'a>).peekable()
    }
    PeeksSend PeeksSendKind<Peekable<T>> (Iterator<Item: Send> + Send) -> Peekable<Box<dyn Iterator<Item = T::Item> + Send + 'a>> {
        |value| (Box::new(value) as Box<dyn Iterator<Item = T::Item> + Send + 'a>).peekable()
    }
    Streams StreamsKind<T> (Stream) -> Pin<Box<dyn Stream<Item = T::Item> + 'a>> { |value| Box::pin(value) }
    StreamsFused StreamsFusedKind<T> (FusedStream) -> Pin<Box<dyn FusedStream<Item = T::Item> + 'a>> { |value| Box::pin(value) }
    StreamsSend StreamsSendKind<T> (Stream + Send) -> Pin<Box<dyn Stream<Item = T::Item> + Send + 'a>> { |value| Box::pin(value) }
    StreamsFusedSend StreamsFusedSendKind<T> (FusedStream + Send) -> Pin<Box<dyn FusedStream<Item = T::Item> + Send + 'a>> { |value| Box::pin(value) }
    Runs RunsKind<T> (Future) -> Pin<Box<dyn Future<Output = T::Output> + 'a>> { |value| Box::pin(value) }
    RunsFused RunsFusedKind<T> (FusedFuture) -> Pin<Box<dyn FusedFuture<Output = T::Output> + 'a>> { |value| Box::pin(value) }
    RunsSend RunsSendKind<T> (Future + Send) -> Pin<Box<dyn Future<Output = T::Output> + Send + 'a>> { |value| Box::pin(value) }
    RunsFusedSend RunsFusedSendKind<T> (FusedFuture + Send) -> Pin<Box<dyn FusedFuture<Output = T::Output> + Send + 'a>> { |value| Box::pin(value) }
    // What can be cloned stays so.
    Shares SharesKind<Shared<T>> (Future<Output: Clone>) -> Shared<Pin<Box<dyn Future<Output = T::Output> + 'a>>> {
        |value| (Box::pin(value) as Pin<Box<dyn Future<Output = T::Output> + 'a>>).shared()
    }
    SharesSend SharesSendKind<Shared<T>> (Future<Output: Clone + Send + Sync> + Send) -> Shared<Pin<Box<dyn Future<Output = T::Output> + Send + 'a>>> {
        |value| (Box::pin(value) as Pin<Box<dyn Future<Output = T::Output> + Send + 'a>>).shared()
    }
    // What is in such a box already.
    Pinned PinnedKind<Pin<Box<T>>> (Future) -> Pin<Box<dyn Future<Output = T::Output> + 'a>> { |value| value }
    PinnedStream PinnedStreamKind<Pin<Box<T>>> (Stream) -> Pin<Box<dyn Stream<Item = T::Item> + 'a>> { |value| value }
    PinnedSend PinnedSendKind<Pin<Box<T>>> (Future + Send) -> Pin<Box<dyn Future<Output = T::Output> + Send + 'a>> { |value| value }
    PinnedStreamSend PinnedStreamSendKind<Pin<Box<T>>> (Stream + Send) -> Pin<Box<dyn Stream<Item = T::Item> + Send + 'a>> { |value| value }
}

/// The kinds without `Send`.
pub mod local {
    pub use super::{
        AsItIs, Both, Double, Exact, Iterates, Peeks, Pinned, PinnedStream, Runs, RunsFused, Shares, Streams,
        StreamsFused,
    };
}

/// All kinds.
pub mod all {
    pub use super::local::*;
    pub use super::{
        BothSend, DoubleSend, ExactSend, IteratesSend, PeeksSend, PinnedSend, PinnedStreamSend, RunsFusedSend,
        RunsSend, SharesSend, StreamsFusedSend, StreamsSend,
    };
}
