//! The kinds of content that every frontend shows: text in a few languages, and pictures.

use data_encoding::BASE64;

use super::{Display, MimeBundle};

macro_rules! text_types {
    ($($(#[$doc:meta])* $name:ident $bundle:expr;)*) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $name<T>(pub T);

        impl<T: AsRef<str>> Display for $name<T> {
            fn mime_bundle(&self) -> MimeBundle {
                let bundle: fn(&str) -> MimeBundle = $bundle;
                bundle(self.0.as_ref())
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
    /// Text that is shown as HTML.
    ///
    /// ```
    /// kissaten::display(&kissaten::Html("<b>bold</b>"));
    /// ```
    Html |text| source("text/html", text);
    /// Text that is shown as Markdown.
    ///
    /// ```
    /// kissaten::display(&kissaten::Markdown(format!("# {} cups", 3)));
    /// ```
    Markdown |text| source("text/markdown", text);
    /// A formula, or text with formulas in it. What has no delimiter of its own (`$`, `\[`, `\(`, `\begin`) is one formula
    /// that stands for itself.
    ///
    /// ```
    /// kissaten::display(&kissaten::Latex(r"\int_0^1 x^2\,dx = \frac{1}{3}"));
    /// kissaten::display(&kissaten::Latex(r"The area is $\pi r^2$."));
    /// ```
    Latex latex;
    /// Text that is shown as an SVG picture.
    ///
    /// ```
    /// kissaten::display(&kissaten::Svg(r#"<svg xmlns="http://www.w3.org/2000/svg"><circle r="9"/></svg>"#));
    /// ```
    Svg |text| source("image/svg+xml", text);
    /// Text that is shown as it is, without quotes.
    ///
    /// ```
    /// kissaten::display(&kissaten::Plain("no \"escapes\""));
    /// ```
    Plain |text| MimeBundle::new().with("text/plain", text);
}

/// The text in its language, and for frontends without it as it was written.
#[inline(never)]
fn source(mime_type: &str, text: &str) -> MimeBundle {
    MimeBundle::new().with(mime_type, text).with("text/plain", text)
}

#[inline(never)]
fn latex(text: &str) -> MimeBundle {
    let is_delimited = ["$", r"\[", r"\(", r"\begin"].iter().any(|delimiter| text.contains(delimiter));
    if is_delimited {
        return source("text/latex", text);
    }
    source("text/latex", text).with("text/latex", format!("$\\displaystyle {}$", text.trim()))
}

macro_rules! pictures {
    ($($(#[$doc:meta])* $name:ident $picture:expr;)*) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $name<T>(pub T);

        impl<T: AsRef<[u8]>> $name<T> {
            /// The picture at another size than its own, in pixels of the page: a picture of twice as many is sharp on
            /// fine screens.
            pub fn sized(&self, width: u32, height: u32) -> MimeBundle {
                sized($picture, self.0.as_ref(), width, height)
            }
        }

        impl<T: AsRef<[u8]>> Display for $name<T> {
            fn mime_bundle(&self) -> MimeBundle {
                picture($picture, self.0.as_ref())
            }
        }

        impl<T: AsRef<[u8]>> From<$name<T>> for MimeBundle {
            fn from(value: $name<T>) -> Self {
                value.mime_bundle()
            }
        }
    )* };
}

/// What is known of a format: MIME type and name.
type Format = (&'static str, &'static str);

pictures! {
    /// The bytes of a PNG file, shown as a picture.
    ///
    /// ```no_run
    /// let bytes = std::fs::read("plot.png")?;
    /// kissaten::display(&kissaten::Png(&bytes));
    /// kissaten::display(&kissaten::Png(&bytes).sized(320, 240));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    Png ("image/png", "PNG");
    /// The bytes of a JPEG file, shown as a picture.
    ///
    /// ```no_run
    /// kissaten::display(&kissaten::Jpeg(std::fs::read("photo.jpg")?));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    Jpeg ("image/jpeg", "JPEG");
}

#[inline(never)]
fn picture((mime_type, name): Format, bytes: &[u8]) -> MimeBundle {
    let size = png_size(bytes).map(|(width, height)| format!("{width}×{height}, ")).unwrap_or_default();
    let words = format!("{name} picture, {size}{}", byte_count(bytes.len()));
    MimeBundle::new().with(mime_type, BASE64.encode(bytes)).with("text/plain", words)
}

#[inline(never)]
fn sized(format: Format, bytes: &[u8], width: u32, height: u32) -> MimeBundle {
    picture(format, bytes).with_metadata(format.0, format!(r#"{{"width":{width},"height":{height}}}"#))
}

/// Width and height, which every PNG file says at the same place.
fn png_size(bytes: &[u8]) -> Option<(u32, u32)> {
    let header = bytes.strip_prefix(b"\x89PNG\r\n\x1a\n")?.get(4..16)?.strip_prefix(b"IHDR")?;
    let number = |bytes: &[u8]| bytes.try_into().ok().map(u32::from_be_bytes);
    Some((number(&header[..4])?, number(&header[4..])?))
}

/// A number of bytes for people.
fn byte_count(bytes: usize) -> String {
    let tenths = |unit: usize| (bytes * 10 / unit / 10, bytes * 10 / unit % 10);
    match bytes {
        0..1_000 => format!("{bytes} bytes"),
        1_000..1_000_000 => format!("{}.{} kB", tenths(1_000).0, tenths(1_000).1),
        _ => format!("{}.{} MB", tenths(1_000_000).0, tenths(1_000_000).1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_without_delimiters_get_them() {
        let latex = |text: &str| Latex(text).mime_bundle().get("text/latex").unwrap().to_owned();
        assert_eq!(latex("x^2 "), r"$\displaystyle x^2$");
        for text in ["an $x$", r"\begin{align}a\end{align}", r"\[x\]", r"\(x\)"] {
            assert_eq!(latex(text), text);
        }
        assert_eq!(Latex("x^2").mime_bundle().get("text/plain"), Some("x^2"));
    }

    #[test]
    fn pictures_are_base64_and_say_what_they_are() {
        let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x02\x80\0\0\x01\xe0";
        let bundle = Png(png).sized(320, 240);
        assert_eq!(bundle.get("image/png"), Some("iVBORw0KGgoAAAANSUhEUgAAAoAAAAHg"));
        assert_eq!(bundle.get("text/plain"), Some("PNG picture, 640×480, 24 bytes"));
        assert_eq!(bundle.metadata().collect::<Vec<_>>(), [("image/png", r#"{"width":320,"height":240}"#)]);
        let jpeg = Jpeg(vec![0; 12_345]).mime_bundle();
        assert_eq!(jpeg.get("text/plain"), Some("JPEG picture, 12.3 kB"));
        assert_eq!(Png(b"").mime_bundle().get("text/plain"), Some("PNG picture, 0 bytes"));
    }
}
