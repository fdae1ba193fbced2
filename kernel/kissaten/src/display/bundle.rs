//! Representations of one thing by MIME type, and what is said about them.

/// Representations of one thing: MIME type and content. The content of JSON types is JSON text, that of binary
/// types base64, that of all others the text itself.
///
/// Shows whatever a frontend knows how to show, also types that this crate knows nothing of:
///
/// ```
/// # use kissaten::MimeBundle;
/// let chart = r#"{"mark": "bar", "data": {"values": [{"a": 1}]}}"#;
/// let bundle = MimeBundle::new().with("application/vnd.vegalite.v5+json", chart).with("text/plain", "a chart");
/// kissaten::display(&bundle);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MimeBundle {
    data: Vec<(String, String)>,
    metadata: Vec<(String, String)>,
}

impl MimeBundle {
    /// An empty bundle; it needs at least one representation to be shown.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a representation, or replaces the one of this type.
    #[must_use]
    pub fn with(mut self, mime_type: impl Into<String>, content: impl Into<String>) -> Self {
        put(&mut self.data, mime_type.into(), content.into());
        self
    }

    /// Says something about the display, in JSON: the message's `metadata` of this name. By custom the name is the MIME
    /// type that it is about, and the value an object; what is no JSON is sent as text.
    ///
    /// ```
    /// # use kissaten::{Display, Png};
    /// # let bytes: &[u8] = &[];
    /// kissaten::display(&Png(bytes).mime_bundle().with_metadata("image/png", r#"{"width": 200}"#));
    /// ```
    #[must_use]
    pub fn with_metadata(mut self, name: impl Into<String>, json: impl Into<String>) -> Self {
        put(&mut self.metadata, name.into(), json.into());
        self
    }

    /// The representations, in the order in which they were added.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.data.iter().map(|(mime_type, content)| (mime_type.as_str(), content.as_str()))
    }

    /// What is said about them, as JSON text.
    pub fn metadata(&self) -> impl Iterator<Item = (&str, &str)> {
        self.metadata.iter().map(|(name, json)| (name.as_str(), json.as_str()))
    }

    /// The content of this type.
    pub fn get(&self, mime_type: &str) -> Option<&str> {
        self.iter().find(|(present, _)| *present == mime_type).map(|(_, content)| content)
    }

    /// Representations and metadata for whoever sends them: a display may be large, and is not to be copied.
    #[doc(hidden)]
    pub fn into_parts(self) -> [Vec<(String, String)>; 2] {
        [self.data, self.metadata]
    }
}

fn put(fields: &mut Vec<(String, String)>, name: String, value: String) {
    fields.retain(|(present, _)| *present != name);
    fields.push((name, value));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_of_a_type_counts_and_all_keep_their_order() {
        let bundle = MimeBundle::new().with("a/b", "1").with("c/d", "2").with("a/b", "3").with_metadata("a/b", "{}");
        assert_eq!(bundle.iter().collect::<Vec<_>>(), [("c/d", "2"), ("a/b", "3")]);
        assert_eq!(bundle.metadata().collect::<Vec<_>>(), [("a/b", "{}")]);
        assert_eq!((bundle.get("c/d"), bundle.get("e/f")), (Some("2"), None));
    }
}
