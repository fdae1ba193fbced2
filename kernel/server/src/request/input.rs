//! [`input_request`](https://jupyter-client.readthedocs.io/en/stable/messaging.html#messages-on-the-stdin-router-dealer-channel),
//! which the kernel sends, and the content of its reply. When something is asked is told by
//! [`execution`](crate::execution).

use ipc::InputAnswer;
use jupyter_protocol::JupyterMessageContent;
use serde::Deserialize;
use serde_json::json;

use crate::{message::content, output::Prompt};

/// What frontends send for the end of the input, as a terminal would.
const END: &str = "\u{4}";

/// The content of an `input_reply`.
#[derive(Debug, Deserialize)]
pub(crate) struct InputReply {
    value: String,
}

impl InputReply {
    /// What the user has said.
    pub(crate) fn answer(self) -> InputAnswer {
        if self.value == END { InputAnswer::End } else { InputAnswer::Line(self.value) }
    }
}

/// A question.
pub(crate) fn request(prompt: &Prompt) -> JupyterMessageContent {
    content("input_request", json!({"prompt": prompt.text, "password": prompt.password}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_lines_or_the_end() {
        let check = |value| serde_json::from_value(json!({"value": value})).map(InputReply::answer);
        assert_eq!(check(json!("")).unwrap(), InputAnswer::Line(String::new()));
        assert_eq!(check(json!("a\u{4}")).unwrap(), InputAnswer::Line("a\u{4}".to_owned()));
        assert_eq!(check(json!("\u{4}")).unwrap(), InputAnswer::End);
        assert!(check(json!(7)).is_err());
    }
}
