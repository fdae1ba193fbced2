//! The module `kissaten` of an exported program: what the notebook had from Kissaten, as far as it makes sense in a
//! terminal.
#![allow(dead_code, unused)]

pub mod lesson;
mod lines;
mod type_name;

use std::fmt::Debug;
use std::io::{self, Write};

pub use futures;
pub use std::println;
pub use tokio;

/// Prints what the notebook showed below a cell.
macro_rules! show {
    ($value:expr) => {
        match &($value) {
            value => {
                use $crate::kissaten::probes::*;
                (&&&$crate::kissaten::Shown(value)).show();
            }
        }
    };
}
pub(crate) use show;

/// A value that is shown. The first of its `show` methods that fits is taken.
pub struct Shown<'a, T: ?Sized>(pub &'a T);

pub mod probes {
    use super::{Debug, Display, Shown, debug_text, plain_text, type_name};

    pub trait ShowDisplay {
        fn show(self);
    }

    impl<T: Display + ?Sized> ShowDisplay for &&&Shown<'_, T> {
        fn show(self) {
            println!("{}", plain_text(self.0));
        }
    }

    pub trait ShowDebug {
        fn show(self);
    }

    impl<T: Debug + ?Sized> ShowDebug for &&Shown<'_, T> {
        fn show(self) {
            println!("{}", debug_text(self.0));
        }
    }

    pub trait ShowName {
        fn show(self);
    }

    impl<T: ?Sized> ShowName for &Shown<'_, T> {
        fn show(self) {
            println!("{}", type_name::nameless(std::any::type_name::<T>(), size_of_val(self.0) == 0));
        }
    }
}

/// The text of a value, with what fits on a line on one.
fn debug_text<T: Debug + ?Sized>(value: &T) -> String {
    if let Some(text) = type_name::pointer(std::any::type_name::<T>()) {
        return text;
    }
    let line = format!("{value:?}");
    if line.chars().count() <= lines::WIDTH {
        return line;
    }
    let pretty = format!("{value:#?}");
    lines::laid_out(&pretty, &line).unwrap_or(pretty)
}

/// An error of any type that has words.
pub struct Error(String);

impl<E: std::fmt::Display> From<E> for Error {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

impl Debug for Error {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Representations of one thing: MIME type and content.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MimeBundle(Vec<(String, String)>);

impl MimeBundle {
    pub fn new() -> Self {
        Self::default()
    }

    #[must_use]
    pub fn with(mut self, mime_type: impl Into<String>, content: impl Into<String>) -> Self {
        let (mime_type, content) = (mime_type.into(), content.into());
        self.0.retain(|(present, _)| *present != mime_type);
        self.0.push((mime_type, content));
        self
    }

    /// A terminal has no use for it.
    #[must_use]
    pub fn with_metadata(self, _name: impl Into<String>, _json: impl Into<String>) -> Self {
        self
    }

    pub fn get(&self, mime_type: &str) -> Option<&str> {
        self.iter().find(|(present, _)| *present == mime_type).map(|(_, content)| content)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(mime_type, content)| (mime_type.as_str(), content.as_str()))
    }
}

/// A type that says itself how it is shown.
pub trait Display {
    fn mime_bundle(&self) -> MimeBundle;
}

impl Display for MimeBundle {
    fn mime_bundle(&self) -> MimeBundle {
        self.clone()
    }
}

macro_rules! text_types {
    ($($name:ident $mime:literal;)*) => { $(
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $name<T>(pub T);

        impl<T: AsRef<str>> Display for $name<T> {
            fn mime_bundle(&self) -> MimeBundle {
                MimeBundle::new().with($mime, self.0.as_ref()).with("text/plain", self.0.as_ref())
            }
        }

        impl<T: AsRef<str>> From<$name<T>> for MimeBundle {
            fn from(value: $name<T>) -> Self {
                value.mime_bundle()
            }
        }
    )* };
}

text_types! {
    Html "text/html";
    Latex "text/latex";
    Markdown "text/markdown";
    Svg "image/svg+xml";
    Plain "text/plain";
}

macro_rules! pictures {
    ($($name:ident $mime:literal;)*) => { $(
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $name<T>(pub T);

        impl<T: AsRef<[u8]>> $name<T> {
            pub fn sized(&self, _width: u32, _height: u32) -> MimeBundle {
                self.mime_bundle()
            }
        }

        impl<T: AsRef<[u8]>> Display for $name<T> {
            fn mime_bundle(&self) -> MimeBundle {
                MimeBundle::new().with("text/plain", format!("({}, {} bytes)", $mime, self.0.as_ref().len()))
            }
        }
    )* };
}

pictures! {
    Png "image/png";
    Jpeg "image/jpeg";
}

/// Prints the text of a value.
pub fn display<T: Display + ?Sized>(value: &T) {
    println!("{}", plain_text(value));
}

/// Prints it now, and what it changes to below that.
pub fn display_with_id<T: Display + ?Sized>(value: &T) -> DisplayHandle {
    display_under("", value)
}

/// As [`display_with_id`].
pub fn display_under<T: Display + ?Sized>(id: &str, value: &T) -> DisplayHandle {
    display(value);
    DisplayHandle(id.to_owned())
}

/// Prints what something that was displayed changes to.
pub fn update_display<T: Display + ?Sized>(_id: &str, value: &T) -> bool {
    display(value);
    true
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DisplayHandle(String);

impl DisplayHandle {
    pub fn update<T: Display + ?Sized>(&self, value: &T) {
        display(value);
    }

    pub fn id(&self) -> &str {
        &self.0
    }
}

/// What was printed stays.
pub fn clear_output(_wait: bool) {}

/// The items themselves: what a notebook shows as a bar is not printed.
pub fn progress<I: IntoIterator>(items: I) -> Progress<I::IntoIter> {
    Progress(items.into_iter())
}

/// See [`progress`].
pub fn progress_stream<S: futures::Stream>(items: S) -> Progress<std::pin::Pin<Box<S>>> {
    Progress(Box::pin(items))
}

pub struct Progress<I>(I);

impl<I> Progress<I> {
    #[must_use]
    pub fn title(self, _title: impl AsRef<str>) -> Self {
        self
    }

    #[must_use]
    pub fn total(self, _total: u64) -> Self {
        self
    }
}

impl<I: Iterator> Iterator for Progress<I> {
    type Item = I::Item;

    fn next(&mut self) -> Option<I::Item> {
        self.0.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl<S: futures::Stream + Unpin> futures::Stream for Progress<S> {
    type Item = S::Item;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<S::Item>> {
        std::pin::Pin::new(&mut self.0).poll_next(context)
    }
}

fn plain_text<T: Display + ?Sized>(value: &T) -> String {
    let bundle = value.mime_bundle();
    let text = bundle.iter().find(|(mime_type, _)| *mime_type == "text/plain").map(|(_, text)| text.to_owned());
    text.unwrap_or_else(|| {
        let kinds: Vec<&str> = bundle.iter().map(|(mime_type, _)| mime_type).collect();
        format!("({})", kinds.join(", "))
    })
}

/// Reads a line from stdin.
pub async fn input(prompt: impl AsRef<str>) -> io::Result<String> {
    print!("{}", prompt.as_ref());
    io::stdout().flush()?;
    let read = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        io::stdin().read_line(&mut line).map(|length| (length, line))
    });
    match read.await.map_err(io::Error::other)?? {
        (0, _) => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "there is no more input")),
        (_, line) => Ok(line.trim_end_matches(['\r', '\n']).to_owned()),
    }
}

/// As [`input`]; what is typed is seen.
pub async fn input_password(prompt: impl AsRef<str>) -> io::Result<String> {
    input(prompt).await
}
