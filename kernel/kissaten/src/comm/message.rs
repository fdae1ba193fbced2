//! Messages of comms: JSON, what is said about it, and bytes.

use serde::{Deserialize, Serialize};

use super::Error;
use crate::display::json;

/// One message of a comm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    data: String,
    metadata: String,
    buffers: Vec<Vec<u8>>,
}

impl Message {
    /// A message with this data.
    ///
    /// # Errors
    /// [`Error::Data`] where the value cannot be JSON.
    pub fn new(data: &(impl Serialize + ?Sized)) -> Result<Self, Error> {
        Ok(Self { data: text(data)?, ..Self::empty() })
    }

    /// A message that says nothing.
    pub fn empty() -> Self {
        Self { data: "{}".to_owned(), metadata: "{}".to_owned(), buffers: Vec::new() }
    }

    /// Says something about it: a struct or a map.
    ///
    /// # Errors
    /// [`Error::Data`] where the value cannot be JSON.
    pub fn with_metadata(self, metadata: &(impl Serialize + ?Sized)) -> Result<Self, Error> {
        Ok(Self { metadata: text(metadata)?, ..self })
    }

    /// Adds bytes, which are no JSON; there may be several.
    #[must_use]
    pub fn with_buffer(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.buffers.push(bytes.into());
        self
    }

    /// The data as a value of whatever type can be read from it.
    ///
    /// # Errors
    /// [`Error::Data`] where the type wants something else.
    pub fn data<'de, T: Deserialize<'de>>(&'de self) -> Result<T, Error> {
        value(&self.data)
    }

    /// What is said about it, likewise.
    ///
    /// # Errors
    /// As [`data`](Self::data).
    pub fn metadata<'de, T: Deserialize<'de>>(&'de self) -> Result<T, Error> {
        value(&self.metadata)
    }

    /// The data as it came, which is JSON.
    pub fn json(&self) -> &str {
        &self.data
    }

    /// The bytes beside it.
    pub fn buffers(&self) -> &[Vec<u8>] {
        &self.buffers
    }

    /// How many bytes it holds.
    pub(super) fn size(&self) -> usize {
        self.data.len() + self.metadata.len() + self.buffers.iter().map(Vec::len).sum::<usize>()
    }

    /// What came from elsewhere: data and metadata are JSON.
    #[doc(hidden)]
    pub fn from_parts(data: String, metadata: String, buffers: Vec<Vec<u8>>) -> Self {
        Self { data, metadata, buffers }
    }

    /// For whoever sends it.
    #[doc(hidden)]
    pub fn into_parts(self) -> (String, String, Vec<Vec<u8>>) {
        (self.data, self.metadata, self.buffers)
    }
}

fn text(value: &(impl Serialize + ?Sized)) -> Result<String, Error> {
    json::to_text(value).map_err(|error| Error::Data(error.to_string()))
}

fn value<'de, T: Deserialize<'de>>(text: &'de str) -> Result<T, Error> {
    json::from_text(text).map_err(|error| Error::Data(error.to_string()))
}
