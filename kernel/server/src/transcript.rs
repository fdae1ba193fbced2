//! A whole kernel in the test's own process, and what it answers as lines that people can read.
//!
//! Requests go the way of all requests and cells run in a real worker; only the sockets are left out (`channel/local.rs`).
//! The lines are those of `tests/transcript.py`: of each request first what was published, then the reply. What is about
//! sockets, processes and files that are left behind is tested in `tests/protocol`.

mod tests;

use std::{
    collections::{BTreeMap, HashMap},
    env,
    sync::Arc,
    thread::{self, JoinHandle},
    time::Duration,
};

use anstream::adapter::strip_str;
use build::{SessionLibrary, umask};
use jupyter_protocol::JupyterMessage;
use serde_json::{Value, json};
use tokio::{
    sync::{OnceCell, mpsc},
    time::timeout,
};

use crate::{
    channel::{
        local::{self, Inbox},
        router::Received,
    },
    dispatcher::{self, Event},
    history::History,
    message::{Channel, Parent, Request, content},
    outside::Outside,
};

/// How long to wait for a message before the kernel counts as hung. No test measures time with it.
const HANG: Duration = Duration::from_secs(120);

/// A message's kind and content.
type Message = (String, Value);

/// A client, and the kernel that it is the only one of.
struct Client {
    inbox: Inbox,
    events: mpsc::Sender<Event>,
    kernel: Option<JoinHandle<anyhow::Result<()>>>,
    /// All that was received, by the request that it is about.
    received: HashMap<String, Vec<Message>>,
}

/// The session library, built once for all tests of the process if there is none for this source.
async fn library() -> SessionLibrary {
    static LIBRARY: OnceCell<SessionLibrary> = OnceCell::const_new();
    let find = || async {
        match SessionLibrary::find().unwrap() {
            Some(found) => found,
            None => SessionLibrary::build(|progress| eprintln!("{}", progress.doing)).await.unwrap(),
        }
    };
    LIBRARY.get_or_init(find).await.clone()
}

impl Client {
    async fn new() -> Self {
        Self::with_history(History::off()).await
    }

    async fn with_history(history: History) -> Self {
        // One for all kernels of the process: the first one's own would be gone with it.
        umask::keep_temporary_in(env::temp_dir().join("kissaten-transcripts")).unwrap();
        let (events, receiver) = mpsc::channel(256);
        let (outgoing, inbox) = local::connect();
        let found = Ok(Some(library().await));
        let serve = {
            let events = events.clone();
            // It stays on one thread.
            move || dispatcher::own_runtime()?.block_on(dispatcher::serve(outgoing, events, receiver, found, history))
        };
        let kernel = Some(thread::spawn(serve));
        Self { inbox, events, kernel, received: HashMap::new() }
    }

    /// Sends a request without waiting for anything; its id.
    async fn send_on(&self, channel: Channel, kind: &str, answers: Option<String>, body: Value) -> String {
        let header = JupyterMessage::new(content(kind, Value::Null), None).header;
        let id = header.msg_id.clone();
        let parent = Arc::new(Parent { channel, identities: Vec::new(), header, subshell_id: None });
        let request = Request { parent, question: answers, metadata: json!({}), content: body, buffers: Vec::new() };
        assert!(self.events.send(Received::Request(request).into()).await.is_ok(), "the kernel has ended");
        id
    }

    async fn send(&self, kind: &str, body: Value) -> String {
        self.send_on(Channel::Shell, kind, None, body).await
    }

    /// Sends a cell.
    async fn start(&self, code: &str) -> String {
        self.send("execute_request", json!({ "code": code, "allow_stdin": true })).await
    }

    /// Waits for the next message and files it.
    async fn receive(&mut self) {
        let next = timeout(HANG, self.inbox.next()).await;
        let Ok(Some(outbound)) = next else { panic!("no message comes; received: {:#?}", self.received) };
        let message = outbound.message;
        // What has no parent is about the kernel itself.
        let parent = message.parent_header.as_ref().map(|parent| parent.msg_id.clone()).unwrap_or_default();
        let body = serde_json::to_value(&message.content).unwrap();
        let kind = message.header.msg_type.clone();
        // A question is answered by the id of its message.
        let body = if kind == "input_request" { json!({ "id": message.header.msg_id, "asked": body }) } else { body };
        self.received.entry(parent).or_default().push((kind, body));
    }

    fn messages(&self, request: &str) -> &[Message] {
        self.received.get(request).map_or(&[], Vec::as_slice)
    }

    /// Receives until the lines of a request contain this text.
    async fn until(&mut self, request: &str, text: &str) {
        while !lines(self.messages(request)).contains(text) {
            self.receive().await;
        }
    }

    /// Receives until the request has its reply and the kernel is idle again; the transcript.
    async fn finish(&mut self, request: &str) -> String {
        let is_idle = |(kind, body): &Message| kind == "status" && body["execution_state"] == "idle";
        let is_reply = |(kind, _): &Message| kind.ends_with("_reply");
        while !(self.messages(request).iter().any(is_idle) && self.messages(request).iter().any(is_reply)) {
            self.receive().await;
        }
        lines(self.messages(request))
    }

    /// A request and its transcript.
    async fn ask(&mut self, kind: &str, body: Value) -> String {
        let request = self.send(kind, body).await;
        self.finish(&request).await
    }

    /// The content of a request's reply.
    async fn reply(&mut self, kind: &str, body: Value) -> Value {
        let request = self.send(kind, body).await;
        self.finish(&request).await;
        let reply = self.messages(&request).iter().find(|(kind, _)| kind.ends_with("_reply"));
        reply.map(|(_, body)| body.clone()).unwrap_or_default()
    }

    /// A cell and its transcript.
    async fn run(&mut self, code: &str) -> String {
        let request = self.start(code).await;
        self.finish(&request).await
    }

    /// Ends the kernel, and checks what holds for every request: busy, idle and one reply.
    async fn end(mut self) {
        let _ = self.events.send(Outside::End("the test has ended").into()).await;
        self.ended().await;
    }

    /// The same, for a kernel that was told already.
    async fn ended(&mut self) {
        while let Some(outbound) = timeout(HANG, self.inbox.next()).await.expect("the kernel ends") {
            let parent = outbound.message.parent_header.as_ref().map(|parent| parent.msg_id.clone());
            let body = serde_json::to_value(&outbound.message.content).unwrap();
            self.received.entry(parent.unwrap_or_default()).or_default().push((outbound.message.header.msg_type, body));
        }
        self.kernel.take().unwrap().join().unwrap().unwrap();
        for (request, messages) in self.received.iter().filter(|(request, _)| !request.is_empty()) {
            let count = |wanted: &dyn Fn(&Message) -> bool| messages.iter().filter(|message| wanted(message)).count();
            let state = |wanted: &'static str| count(&|(_, body)| body["execution_state"] == wanted);
            let replies = count(&|(kind, _)| kind.ends_with("_reply"));
            assert_eq!((state("busy"), state("idle"), replies), (1, 1, 1), "{request}: {messages:#?}");
        }
    }
}

/// The transcript of one request.
fn lines(messages: &[Message]) -> String {
    let (shell, iopub): (Vec<_>, Vec<_>) = messages.iter().partition(|(kind, _)| kind.ends_with("_reply"));
    let mut lines = Vec::new();
    for run in iopub.chunk_by(|one, other| (one.0 == "stream") == (other.0 == "stream")) {
        if run[0].0 == "stream" {
            lines.extend(streams(run));
        } else {
            run.iter().for_each(|message| lines.extend(line("iopub", message)));
        }
    }
    for message in shell {
        lines.extend(line("shell", message));
    }
    lines.join("\n")
}

/// Between the two streams no order is promised, so there is a fixed one.
fn streams(run: &[&Message]) -> Vec<String> {
    let mut texts = BTreeMap::<&str, String>::new();
    for (_, body) in run {
        texts.entry(body["name"].as_str().unwrap()).or_default().push_str(body["text"].as_str().unwrap());
    }
    let shown = |name: &str| texts.get(name).map(|text| format!("iopub stream {name} {:?}", plain(text)));
    ["stdout", "stderr"].iter().filter_map(|name| shown(name)).collect()
}

fn line(channel: &str, (kind, body): &Message) -> Vec<String> {
    let text = |value: &Value| plain(value.as_str().unwrap_or_default());
    let head = format!("{channel} {kind}");
    match kind.as_str() {
        "status" => vec![format!("{head} {}", text(&body["execution_state"]))],
        "execute_input" => vec![format!("{head} [{}]", body["execution_count"])],
        "execute_result" => bundle(format!("{head} [{}]", body["execution_count"]), &body["data"]),
        "display_data" | "update_display_data" => bundle(head, &body["data"]),
        "error" => {
            let mut lines =
                vec![format!("{head} {}: {}", text(&body["ename"]), text(&body["evalue"]).replace('\n', "\\n"))];
            for part in body["traceback"].as_array().unwrap() {
                lines.extend(below(&text(part)));
            }
            lines
        }
        "execute_reply" => vec![format!("{head} {} [{}]", text(&body["status"]), body["execution_count"])],
        "input_request" => vec![format!("stdin {kind} {:?}", text(&body["asked"]["prompt"]))],
        _ if body["status"].is_string() => vec![format!("{head} {}", text(&body["status"]))],
        _ => vec![head],
    }
}

fn bundle(head: String, data: &Value) -> Vec<String> {
    let data = data.as_object().unwrap();
    let kinds: Vec<_> = data.keys().map(String::as_str).collect();
    let shown = plain(data["text/plain"].as_str().unwrap_or_default());
    if kinds.len() == 1 && !shown.contains('\n') {
        return vec![format!("{head} {} {shown}", kinds[0])];
    }
    let mut lines = vec![format!("{head} {}", kinds.join(", "))];
    lines.extend(below(&shown));
    lines
}

fn below(text: &str) -> Vec<String> {
    text.split('\n').map(|line| format!("    | {line}").trim_end().to_owned()).collect()
}

fn plain(text: &str) -> String {
    strip_str(text).to_string()
}
