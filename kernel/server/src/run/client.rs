//! One cell after the other: requests to the kernel, and what becomes of the messages that it sends.

use std::{
    collections::HashMap,
    io::{self, IsTerminal},
    sync::Arc,
    time::Duration,
};

use anyhow::bail;
use jupyter_protocol::{Header, JupyterMessage};
use serde_json::{Value, json};
use tokio::time::{self, Instant, Interval};

use super::{
    notebook::{CodeCell, Notebook},
    outputs::NotebookOutputs,
    question::{TerminalQuestions, line},
    terminal::Terminal,
    widgets::WidgetStates,
};
use crate::{
    channel::{local::Inbox, router::Received},
    events::Events,
    message::{Channel, Parent, Request, content},
};

/// The client that runs a notebook, the only one of its kernel.
pub(super) struct NotebookClient {
    inbox: Inbox,
    events: Events<Received>,
    /// Whether there is somebody to answer questions.
    allow_stdin: bool,
    /// Whether what stands behind a cell that errs runs as well.
    keep_going: bool,
    /// After which time a cell is interrupted.
    limit: Option<Duration>,
    terminal: Terminal,
    outputs: NotebookOutputs,
    widgets: WidgetStates,
    questions: TerminalQuestions,
    /// The requests, by id, and the cells that they are of.
    requests: HashMap<String, usize>,
}

impl NotebookClient {
    pub(super) fn new(
        inbox: Inbox,
        events: Events<Received>,
        allow_stdin: bool,
        keep_going: bool,
        limit: Option<Duration>,
    ) -> Self {
        Self {
            inbox,
            events,
            allow_stdin,
            keep_going,
            limit,
            terminal: Terminal::new(),
            outputs: NotebookOutputs::default(),
            widgets: WidgetStates::default(),
            questions: TerminalQuestions::default(),
            requests: HashMap::new(),
        }
    }

    /// Runs all cells, or all until the first that errs and may not; whether all ran. The outputs are in the notebook
    /// however it ends.
    pub(super) async fn run(mut self, notebook: &mut Notebook) -> anyhow::Result<bool> {
        let cells = notebook.begin();
        let result = self.run_cells(notebook, &cells).await;
        for (cell, outputs) in self.outputs.into_cells() {
            notebook.set_outputs(cell, outputs);
        }
        if let Some(widgets) = self.widgets.metadata() {
            notebook.set_widgets(widgets);
        }
        result
    }

    async fn run_cells(&mut self, notebook: &mut Notebook, cells: &[CodeCell]) -> anyhow::Result<bool> {
        let mut all_ran = true;
        for cell in cells {
            let reply = self.run_cell(cell).await?;
            notebook.set_execution_count(cell.index, reply["execution_count"].clone());
            if reply["status"] != "ok" && !cell.may_err {
                all_ran = false;
                if !self.keep_going {
                    break;
                }
            }
            // `:quit`
            let mut payloads = reply["payload"].as_array().into_iter().flatten();
            if payloads.any(|payload| payload["source"] == "ask_exit") {
                break;
            }
        }
        Ok(all_ran)
    }

    /// Runs a cell; the content of its reply.
    async fn run_cell(&mut self, cell: &CodeCell) -> anyhow::Result<Value> {
        let stops = !cell.may_err && !self.keep_going;
        let request = json!({"code": cell.source, "allow_stdin": self.allow_stdin, "stop_on_error": stops});
        let id = self.send(Channel::Shell, "execute_request", None, json!({"cellId": cell.id}), request).await;
        self.requests.insert(id.clone(), cell.index);
        let mut reply = None;
        // Who presses ■ once more ends a cell that heeds no interrupt.
        let mut limit = self.limit.map(|limit| time::interval_at(Instant::now() + limit, limit));
        loop {
            tokio::select! {
                message = self.inbox.next() => {
                    let Some(message) = message else { bail!("the kernel ended while a cell ran") };
                    let message = message.message;
                    let content = serde_json::to_value(&message.content)?;
                    let is_of_cell = message.parent_header.as_ref().is_some_and(|parent| parent.msg_id == id);
                    match message.header.msg_type.as_str() {
                        "execute_reply" if is_of_cell => reply = Some(content),
                        "status" if is_of_cell && content["execution_state"] == "idle" => break,
                        _ => self.take(&message, &content)?,
                    }
                }
                answer = self.questions.answer() => self.answer(answer).await,
                () = next_tick(&mut limit) => {
                    self.send(Channel::Control, "interrupt_request", None, Value::Null, json!({})).await;
                }
            }
        }
        self.terminal.end_cell()?;
        // The reply leaves before the cell is idle; its channel is another one.
        while reply.is_none() {
            let Some(message) = self.inbox.next().await else { bail!("the kernel ended while a cell ran") };
            let message = message.message;
            let content = serde_json::to_value(&message.content)?;
            match message.header.msg_type.as_str() {
                "execute_reply" => reply = Some(content),
                _ => self.take(&message, &content)?,
            }
        }
        Ok(reply.unwrap_or_default())
    }

    /// What the kernel shows or asks.
    fn take(&mut self, message: &JupyterMessage, content: &Value) -> anyhow::Result<()> {
        let kind = message.header.msg_type.as_str();
        if kind == "input_request" {
            // Who sees the prompt may type at once: by then nothing of a password is echoed.
            self.questions.ask(&message.header.msg_id, content["password"] == true);
            self.terminal.prompt(content["prompt"].as_str().unwrap_or_default())?;
            return Ok(());
        }
        self.terminal.show(kind, content)?;
        self.widgets.take(kind, content, &message.buffers);
        let cell = message.parent_header.as_ref().and_then(|parent| self.requests.get(&parent.msg_id));
        if let Some(cell) = cell {
            self.outputs.take(*cell, kind, content);
        }
        Ok(())
    }

    async fn answer(&mut self, answer: Option<String>) {
        // Nobody types what comes from elsewhere, so nothing of it is seen.
        if io::stdin().is_terminal() {
            self.terminal.answered();
        }
        if let Some(question) = self.questions.take_open() {
            let content = json!({"value": line(answer)});
            self.send(Channel::Stdin, "input_reply", Some(question), Value::Null, content).await;
        }
    }

    async fn send(
        &self,
        channel: Channel,
        kind: &str,
        question: Option<String>,
        metadata: Value,
        content: Value,
    ) -> String {
        let header = header(kind);
        let id = header.msg_id.clone();
        let parent = Arc::new(Parent { channel, identities: Vec::new(), header, subshell_id: None });
        // A kernel that is no more is told by the end of its messages.
        let request = Request { parent, question, metadata, content, buffers: Vec::new() };
        self.events.send(Received::Request(request)).await;
        id
    }
}

/// The next time that a cell is interrupted, if there is a limit.
async fn next_tick(limit: &mut Option<Interval>) {
    match limit {
        Some(limit) => {
            limit.tick().await;
        }
        None => std::future::pending().await,
    }
}

fn header(kind: &str) -> Header {
    JupyterMessage::new(content(kind, Value::Null), None).header
}
