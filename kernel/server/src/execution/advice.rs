//! What can be said about an error beyond its own words, where these are known: runtimes inside of the runtime, channels
//! whose other end is gone, tasks that did not end well. It goes by the texts of tokio 1.54, std and futures; what could
//! be an error of the user's own gets no advice.

use ipc::Hint;

/// Advice: a kind of hints, and the hint.
pub(super) type Advice = (Hint, &'static str);

const RUN: Advice =
    (Hint::Runtime, "this cell already runs on the kernel's runtime: await the future directly, as in `main().await`");
const BLOCK: Advice = (
    Hint::Runtime,
    "this code already runs on the kernel's runtime: use what awaits instead of what blocks, as `send(…).await` instead \
     of `blocking_send(…)`",
);
const DROP: Advice = (
    Hint::Runtime,
    "this cell already runs on the kernel's runtime and needs no other; one that is there is ended by \
     `shutdown_background()`",
);
const NO_RECEIVER: Advice =
    (Hint::Channel, "every receiver of the channel was dropped; a receiver must live for as long as something is sent");
const NO_SENDER: Advice = (
    Hint::Channel,
    "every sender of the channel was dropped; a sender must live, or have sent, for as long as something is awaited",
);
const NO_OTHER_END: Advice = (Hint::Channel, "the other end of the channel was dropped");
const TASK_PANICKED: Advice =
    (Hint::Panic, "the task that was awaited has panicked; its panic is shown under the cell that spawned it");
const TASK_ABORTED: Advice = (Hint::Panic, "the task that was awaited was aborted before its end");

const NO_LOCAL_SET: Advice = (
    Hint::Runtime,
    "tasks that are not `Send` run on a `LocalSet`: \
     `tokio::task::LocalSet::new().run_until(async { … }).await`, with the `spawn_local` in it",
);
const LOGGER: Advice = (
    Hint::Runtime,
    "a logger stays for the whole session, and one was set before: leave that, or set one with `try_init()` and ignore \
     its error, so that the cell can run again",
);

/// What `unwrap` says before the error.
const UNWRAPPED: &str = "called `Result::unwrap()` on an `Err` value: ";

/// Words about a panic.
pub(super) fn on_panic(message: &str) -> Option<Advice> {
    let begins = |text: &str| message.starts_with(text);
    if begins("Cannot start a runtime from within a runtime") {
        return Some(RUN);
    }
    if begins("Cannot block the current thread from within a runtime") {
        return Some(BLOCK);
    }
    if begins("Cannot drop a runtime in a context where blocking is not allowed") {
        return Some(DROP);
    }
    if begins("`spawn_local` called from outside of a `task::LocalSet`") {
        return Some(NO_LOCAL_SET);
    }
    if is_second_logger(message) {
        return Some(LOGGER);
    }
    // After `expect` the error stands behind words of the user's own.
    match message.strip_prefix(UNWRAPPED) {
        Some(error) => on_debug(error),
        None => message.match_indices(": ").find_map(|(at, colon)| on_debug(&message[at + colon.len()..])),
    }
}

/// Whether `tracing` or `log` say that there is a logger already, whichever crate sets one.
fn is_second_logger(message: &str) -> bool {
    let words =
        ["a global default trace dispatcher has already been set", "after the logging system was already initialized"];
    words.iter().any(|words| message.contains(words)) || message.contains("SetLoggerError(())")
}

/// Words about an error that is shown by `Debug`.
fn on_debug(error: &str) -> Option<Advice> {
    match error {
        "SendError { .. }"
        | "SendError { kind: Disconnected }"
        | "TrySendError { kind: Disconnected }"
        | "TrySendError::Disconnected(..)"
        | "Closed(..)" => Some(NO_RECEIVER),
        "RecvError" | "RecvError(())" => Some(NO_SENDER),
        _ if error.starts_with("SendError(") && error.ends_with(')') => Some(NO_RECEIVER),
        _ if error.starts_with("JoinError::Panic(Id(") => Some(TASK_PANICKED),
        _ if error.starts_with("JoinError::Cancelled(Id(") => Some(TASK_ABORTED),
        _ => None,
    }
}

/// Words about an error that a `?` at the top level returned.
pub(super) fn on_error(type_name: &str, message: &str, sources: &[String]) -> Option<Advice> {
    let path = type_name.split('<').next().unwrap_or_default();
    let known = ["tokio::", "std::sync::mpsc::", "futures::channel::"].iter().any(|root| path.starts_with(root));
    let name = path.rsplit("::").next().unwrap_or_default();
    if is_second_logger(message) {
        return Some(LOGGER);
    }
    if !known {
        // It is wrapped, and may be wrapped in the user's own.
        let wrapped = matches!(path, "alloc::boxed::Box" | "anyhow::Error").then_some(message);
        return wrapped.into_iter().chain(sources.iter().map(String::as_str)).find_map(on_words);
    }
    match name {
        "SendError" | "TrySendError" | "SendTimeoutError" if is_closed(message) => Some(NO_RECEIVER),
        "RecvError" | "TryRecvError" | "RecvTimeoutError" if is_closed(message) => Some(NO_SENDER),
        "Canceled" => Some(NO_SENDER),
        "JoinError" => on_words(message).or_else(|| on_debug(message)),
        _ => None,
    }
}

/// Whether an error of a channel is about its other end: a channel can also be full, empty or too fast. The words are
/// those of `Display`, or of `Debug` where an error has no others.
fn is_closed(message: &str) -> bool {
    let words = ["channel closed", "closed channel", "channel is closed", "half is closed", "receiver is gone"];
    words.iter().any(|words| message.contains(words))
        || message == "Closed"
        || message == "Disconnected"
        || on_debug(message).is_some()
}

/// Words about an error of which only its own are known.
fn on_words(message: &str) -> Option<Advice> {
    match message {
        "channel closed" => Some(NO_OTHER_END),
        "sending on a closed channel" | "send failed because receiver is gone" => Some(NO_RECEIVER),
        "receiving on a closed channel" | "channel is empty and sending half is closed" | "oneshot canceled" => {
            Some(NO_SENDER)
        }
        _ => {
            let (id, end) = message.strip_prefix("task ")?.split_once(' ')?;
            id.parse::<u64>().ok()?;
            match end {
                "was cancelled" => Some(TASK_ABORTED),
                "panicked" => Some(TASK_PANICKED),
                _ => end.starts_with("panicked with message ").then_some(TASK_PANICKED),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panics_are_known_by_their_words() {
        for (message, advice) in [
            ("Cannot start a runtime from within a runtime. This happens because …", RUN),
            ("Cannot block the current thread from within a runtime. This happens because …", BLOCK),
            ("Cannot drop a runtime in a context where blocking is not allowed. This …", DROP),
            ("called `Result::unwrap()` on an `Err` value: SendError { .. }", NO_RECEIVER),
            ("called `Result::unwrap()` on an `Err` value: SendError(\"a: b\")", NO_RECEIVER),
            ("called `Result::unwrap()` on an `Err` value: SendError { kind: Disconnected }", NO_RECEIVER),
            ("called `Result::unwrap()` on an `Err` value: Closed(..)", NO_RECEIVER),
            ("called `Result::unwrap()` on an `Err` value: TrySendError::Disconnected(..)", NO_RECEIVER),
            ("called `Result::unwrap()` on an `Err` value: RecvError(())", NO_SENDER),
            ("called `Result::unwrap()` on an `Err` value: RecvError", NO_SENDER),
            ("the other: task: RecvError(())", NO_SENDER),
            ("`spawn_local` called from outside of a `task::LocalSet` or `runtime::LocalRuntime`", NO_LOCAL_SET),
            (
                "failed to set global default subscriber: SetGlobalDefaultError(\"a global default trace dispatcher has \
                 already been set\")",
                LOGGER,
            ),
            ("Builder::init should not be called after logger initialized: SetLoggerError(())", LOGGER),
            ("no task: JoinError::Panic(Id(7), \"boom\", ...)", TASK_PANICKED),
            ("called `Result::unwrap()` on an `Err` value: JoinError::Panic(Id(7), ...)", TASK_PANICKED),
            ("called `Result::unwrap()` on an `Err` value: JoinError::Cancelled(Id(7))", TASK_ABORTED),
        ] {
            assert_eq!(on_panic(message), Some(advice), "{message}");
        }
    }

    #[test]
    fn other_panics_get_no_advice() {
        for message in [
            "",
            "boom",
            "we are within a runtime",
            "called `Result::unwrap()` on an `Err` value: Full(..)",
            "called `Result::unwrap()` on an `Err` value: Lagged(3)",
            "called `Result::unwrap()` on an `Err` value: Closed",
            "called `Result::unwrap()` on an `Err` value: \"a: RecvError\"",
            "called `Result::unwrap()` on an `Err` value: SendError { kind: Full }",
            "called `Option::unwrap()` on a `None` value",
            "RecvError",
        ] {
            assert_eq!(on_panic(message), None, "{message}");
        }
    }

    #[test]
    fn errors_are_known_by_their_types() {
        for (type_name, message, advice) in [
            ("tokio::sync::mpsc::error::SendError<i32>", "channel closed", NO_RECEIVER),
            ("tokio::sync::mpsc::error::TrySendError<a::B<i32>>", "channel closed", NO_RECEIVER),
            ("tokio::sync::watch::error::SendError<&str>", "SendError { .. }", NO_RECEIVER),
            ("tokio::sync::oneshot::error::RecvError", "channel closed", NO_SENDER),
            ("tokio::sync::broadcast::error::RecvError", "channel closed", NO_SENDER),
            ("tokio::sync::mpsc::error::TryRecvError", "receiving on a closed channel", NO_SENDER),
            ("std::sync::mpsc::SendError<i32>", "sending on a closed channel", NO_RECEIVER),
            ("std::sync::mpsc::RecvTimeoutError", "channel is empty and sending half is closed", NO_SENDER),
            ("futures::channel::mpsc::SendError", "send failed because receiver is gone", NO_RECEIVER),
            ("futures::channel::oneshot::Canceled", "oneshot canceled", NO_SENDER),
            ("tokio::task::JoinError", "task 12 panicked with message \"boom\"", TASK_PANICKED),
            ("tokio::task::JoinError", "task 12 panicked", TASK_PANICKED),
            ("tokio::task::JoinError", "task 12 was cancelled", TASK_ABORTED),
            ("alloc::boxed::Box<dyn core::error::Error>", "channel closed", NO_OTHER_END),
            ("anyhow::Error", "receiving on a closed channel", NO_SENDER),
        ] {
            assert_eq!(on_error(type_name, message, &[]), Some(advice), "{type_name}: {message}");
        }
        assert_eq!(on_error("notebook::Burnt", "no tea", &["channel closed".to_owned()]), Some(NO_OTHER_END));
    }

    #[test]
    fn other_errors_get_no_advice() {
        for (type_name, message) in [
            ("tokio::sync::mpsc::error::TrySendError<i32>", "no available capacity"),
            ("tokio::sync::broadcast::error::RecvError", "channel lagged by 3"),
            ("tokio::sync::mpsc::error::TryRecvError", "receiving on an empty channel"),
            ("std::sync::mpsc::RecvTimeoutError", "timed out waiting on channel"),
            ("futures::channel::mpsc::SendError", "send failed because channel is full"),
            ("notebook::SendError", "channel closed"),
            ("std::num::ParseIntError", "invalid digit found in string"),
            ("anyhow::Error", "the channel closed its shop"),
            ("anyhow::Error", "task force was cancelled"),
        ] {
            assert_eq!(on_error(type_name, message, &[]), None, "{type_name}: {message}");
        }
    }
}
