//! [`kernel_info_request`](https://jupyter-client.readthedocs.io/en/stable/messaging.html#kernel-info)

use serde_json::{Value, json};

use crate::session::PROTOCOL_VERSION;

/// What the kernel is and what language it runs.
pub(crate) fn reply(rustc_version: &str) -> Value {
    let version = env!("CARGO_PKG_VERSION");
    json!({
        "status": "ok",
        "protocol_version": PROTOCOL_VERSION,
        "implementation": "kissaten",
        "implementation_version": version,
        "language_info": {
            "name": "rust",
            "version": rustc_version,
            "mimetype": "text/x-rustsrc",
            "file_extension": ".rs",
            "pygments_lexer": "rust",
            "codemirror_mode": "rust",
            "nbconvert_exporter": "script",
        },
        "banner": format!(
            "Kissaten {version}: async Rust {rustc_version}. All cells share one tokio runtime; `.await` works \
             everywhere, `:help` lists the commands."
        ),
        "help_links": [
            {"text": "The Rust Programming Language", "url": "https://doc.rust-lang.org/book/"},
            {"text": "The standard library", "url": "https://doc.rust-lang.org/std/"},
            {"text": "Tokio", "url": "https://docs.rs/tokio/latest/tokio/"},
            {"text": "futures", "url": "https://docs.rs/futures/latest/futures/"},
        ],
        "debugger": true,
        "supported_features": ["debugger", "iopub_welcome", "kernel subshells"],
    })
}
