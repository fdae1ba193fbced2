//! What a call of rustc comes to, as soon as that is whole: rustc tells of a finished library some milliseconds before it
//! has ended.
//!
//! What is compiled, and what the diagnostics say, is not known here.

use std::io;

use build::ProcessGroup;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio_util::sync::CancellationToken;

/// The argument with which rustc tells of what it has written.
pub(super) const TELLS: &str = "--json=artifacts";

/// What rustc came to.
#[derive(Debug, Default)]
pub(super) struct Answer {
    /// The code that it ended with, or will.
    pub(super) code: Option<i32>,
    pub(super) said: Vec<u8>,
}

/// Waits for rustc's answer; `None` if it was cancelled before. What it still has to do for its own sake when the library is
/// whole, it does while that is loaded.
///
/// # Errors
/// When the system does not tell.
///
/// # Cancel safety
/// rustc and the linker are killed when this is dropped or `cancel` is triggered.
pub(super) async fn answer(mut group: ProcessGroup, cancel: &CancellationToken) -> io::Result<Option<Answer>> {
    let mut answer = Answer::default();
    let stderr = group.take_stderr();
    let read = async {
        let Some(mut stderr) = stderr else { return Ok(None) };
        let is_whole = until_linked(&mut stderr, &mut answer.said).await?;
        io::Result::Ok(Some(stderr).filter(|_| is_whole))
    };
    let read = tokio::select! {
        read = read => read?,
        () = cancel.cancelled() => {
            // What it writes to may be used again at once.
            group.end().await;
            return Ok(None);
        }
    };
    if let Some(mut stderr) = read {
        answer.code = Some(0);
        tokio::spawn(async move {
            // It would not end well if nobody read what it says.
            let _ = tokio::io::copy(&mut stderr, &mut tokio::io::sink()).await;
            let _ = group.wait().await;
        });
        return Ok(Some(answer));
    }
    tokio::select! {
        status = group.wait() => answer.code = status?.code(),
        () = cancel.cancelled() => {
            group.end().await;
            return Ok(None);
        }
    }
    Ok(Some(answer))
}

/// Reads until rustc tells of the library, which is its last word but for remarks, or to the end; whether it told.
async fn until_linked(stderr: &mut (impl AsyncRead + Unpin), said: &mut Vec<u8>) -> io::Result<bool> {
    // The lines before it are whole, and were looked at.
    let mut line = 0;
    loop {
        if stderr.read_buf(said).await? == 0 {
            return Ok(false);
        }
        while let Some(length) = said[line..].iter().position(|byte| *byte == b'\n') {
            if tells_of_library(&said[line..line + length]) {
                return Ok(true);
            }
            line += length + 1;
        }
    }
}

fn tells_of_library(line: &[u8]) -> bool {
    // All others are diagnostics, which may be long.
    line.starts_with(br#"{"$message_type":"artifact""#) && line.ends_with(br#""emit":"link"}"#)
}

#[cfg(test)]
mod tests {
    use std::process::Stdio;

    use super::*;

    const LINKED: &str = r#"{"$message_type":"artifact","artifact":"/tmp/lib.so","emit":"link"}"#;

    async fn answer_of(script: &str, cancel: &CancellationToken) -> Option<Answer> {
        let mut command = tokio::process::Command::new("sh");
        command.args(["-c", script]).stdout(Stdio::null()).stderr(Stdio::piped());
        answer(ProcessGroup::spawn(&mut command).unwrap(), cancel).await.unwrap()
    }

    #[tokio::test]
    async fn a_library_is_not_waited_for_longer_than_until_it_is_told_of() {
        let script = format!("echo one >&2; echo '{LINKED}' >&2; sleep 600");
        let answer = answer_of(&script, &CancellationToken::new()).await.unwrap();
        assert_eq!(answer.code, Some(0));
        assert_eq!(String::from_utf8(answer.said).unwrap(), format!("one\n{LINKED}\n"));
    }

    #[tokio::test]
    async fn without_a_library_the_end_counts() {
        let never = CancellationToken::new();
        let metadata = LINKED.replace("link", "metadata");
        let answer = answer_of(&format!("echo '{metadata}' >&2; printf torn >&2; exit 7"), &never).await.unwrap();
        assert_eq!(answer.code, Some(7));
        assert!(answer.said.ends_with(b"torn"));
        // A crash has no code.
        let answer = answer_of("kill -SEGV $$", &never).await.unwrap();
        assert_eq!((answer.code, answer.said.len()), (None, 0));
    }

    #[tokio::test]
    async fn who_cancels_waits_for_nothing() {
        let cancel = CancellationToken::new();
        cancel.cancel();
        assert!(answer_of("sleep 600", &cancel).await.is_none());
    }
}
