//! [`debug_request`](https://jupyter-client.readthedocs.io/en/stable/messaging.html#debug-request): what of the
//! [Debug Adapter Protocol](https://microsoft.github.io/debug-adapter-protocol) is about variables, for the panel that lists
//! them. Nothing is stepped through: breakpoints come back unverified and say so.

mod murmur;
mod panel;
mod tree;

use std::sync::Arc;

use compiler::Knowledge;
use serde_json::{Value, json};

pub(crate) use self::panel::Panel;
use super::pending::Pending;
use crate::{
    execution::{Look, Looker},
    kernel::Kernel,
    message::Request,
};

/// What there is not, and why one sees it.
const NO_STEPS: &str =
    "Kissaten cannot step through cells yet: breakpoints are not reached, variables can be looked at";
/// A frontend names cells by hashes that begin with this.
const SEED: u32 = 0xc70f_6907;

/// Answers, now or when the values have been looked at.
pub(crate) fn answer(kernel: &mut Kernel, pending: Pending) {
    let request = pending.request();
    let field = |name: &str| request.content.get(name).cloned().unwrap_or_default();
    let arguments = field("arguments");
    let panel = kernel.panel.clone();
    match field("command").as_str() {
        Some("inspectVariables") => {
            let (known, looker, runs) =
                (kernel.execution.knowledge(), kernel.execution.looker(), kernel.execution.runs());
            kernel.analysis.answer(async move {
                let body = inspect(&panel, &known, &looker, runs, pending.request()).await;
                let reply = success(pending.request(), body);
                pending.reply(Ok(reply));
            });
        }
        Some("richInspectVariables") => {
            let name = arguments["variableName"].as_str().unwrap_or_default().to_owned();
            let looker = kernel.execution.looker();
            kernel.analysis.answer(async move {
                let data = look(&looker, Look::Value(name), pending.request()).await;
                let data = data.unwrap_or_else(|| json!({"text/plain": "its value cannot be looked at now"}));
                let reply = success(pending.request(), json!({"data": data, "metadata": {}}));
                pending.reply(Ok(reply));
            });
        }
        _ => {
            let reply = at_once(&panel, request);
            pending.reply(Ok(reply));
        }
    }
}

/// The answer to what needs no look at a value.
pub(crate) fn at_once(panel: &Panel, request: &Request) -> Value {
    let field = |name: &str| request.content.get(name).cloned().unwrap_or_default();
    match now(panel, field("command").as_str().unwrap_or_default(), &field("arguments")) {
        Some(body) => success(request, body),
        None => refusal(request),
    }
}

/// The body of what is answered at once; `None`: there is no such thing here.
fn now(panel: &Panel, command: &str, arguments: &Value) -> Option<Value> {
    Some(match command {
        "debugInfo" => json!({
            "isStarted": panel.is_started(),
            "hashMethod": "Murmur2",
            "hashSeed": SEED,
            "tmpFilePrefix": prefix(),
            "tmpFileSuffix": ".rs",
            "breakpoints": [],
            "stoppedThreads": [],
            "richRendering": true,
            "exceptionPaths": [],
            "copyToGlobals": false,
        }),
        "initialize" => json!({"supportsConfigurationDoneRequest": true, "exceptionBreakpointFilters": []}),
        "attach" => {
            panel.start(true);
            json!({})
        }
        "disconnect" | "terminate" => {
            panel.start(false);
            json!({})
        }
        "configurationDone" | "setExceptionBreakpoints" => json!({}),
        // No file is written: whoever asks wants the name.
        "dumpCell" => {
            let code = arguments["code"].as_str().unwrap_or_default();
            json!({"sourcePath": format!("{}{}.rs", prefix(), murmur::hash(code.as_bytes(), SEED))})
        }
        "setBreakpoints" => {
            let asked = arguments["breakpoints"].as_array().cloned().unwrap_or_default();
            let refused = |breakpoint: Value| {
                let line = breakpoint["line"].clone();
                json!({"verified": false, "line": line, "source": arguments["source"], "message": NO_STEPS})
            };
            json!({"breakpoints": asked.into_iter().map(refused).collect::<Vec<_>>()})
        }
        "variables" => panel.unfold(arguments["variablesReference"].as_u64().unwrap_or_default()),
        "modules" => json!({"modules": [], "totalModules": 0}),
        "threads" => json!({"threads": []}),
        _ => return None,
    })
}

/// All variables. Their values are looked at where no cell runs and they may have changed; a cell that runs has some of
/// them, so that the last that was seen is shown.
async fn inspect(panel: &Panel, known: &Arc<Knowledge>, looker: &Looker, runs: u64, request: &Request) -> Value {
    if panel.is_stale(runs)
        && let Some(data) = look(looker, Look::All, request).await
        && let Ok(values) = serde_json::from_value(data["application/json"].clone())
    {
        panel.saw(values, runs);
    }
    panel.list(&known.variables())
}

async fn look(looker: &Looker, what: Look, request: &Request) -> Option<Value> {
    looker.look(what, &request.parent).await?.await.ok().flatten()
}

/// What the names of cells begin with.
fn prefix() -> String {
    format!("{}/kissaten_{}/", std::env::temp_dir().display(), std::process::id())
}

fn success(request: &Request, body: Value) -> Value {
    let mut reply = response(request);
    reply["status"] = "ok".into();
    reply["success"] = true.into();
    reply["body"] = body;
    reply
}

/// A response of the Debug Adapter Protocol that says no, and an error as all replies have them.
fn refusal(request: &Request) -> Value {
    let mut reply = response(request);
    let error = super::reply::error("NotSupported", NO_STEPS);
    error.as_object().into_iter().flatten().for_each(|(name, value)| reply[name] = value.clone());
    reply["success"] = false.into();
    reply["message"] = NO_STEPS.into();
    reply["body"] = json!({});
    reply
}

fn response(request: &Request) -> Value {
    let field = |name: &str| request.content.get(name).cloned().unwrap_or_default();
    json!({"type": "response", "seq": field("seq"), "request_seq": field("seq"), "command": field("command")})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::tests::request;

    #[test]
    fn the_response_names_its_request() {
        let content = json!({"type": "request", "seq": 7, "command": "stackTrace"});
        let reply = refusal(&request("debug_request", content));
        assert_eq!(
            (&reply["request_seq"], &reply["command"], &reply["success"]),
            (&7.into(), &"stackTrace".into(), &false.into())
        );
        assert_eq!(super::refusal(&request("debug_request", Value::Null))["status"], "error");
    }

    #[test]
    fn breakpoints_say_that_they_are_not_reached() {
        let panel = Panel::default();
        let arguments = json!({"source": {"path": "/x.rs"}, "breakpoints": [{"line": 3}]});
        let reply = now(&panel, "setBreakpoints", &arguments).unwrap();
        let expected = json!([{"verified": false, "line": 3, "source": {"path": "/x.rs"}, "message": NO_STEPS}]);
        assert_eq!(reply["breakpoints"], expected);
        assert_eq!(now(&panel, "next", &Value::Null), None);
        now(&panel, "attach", &Value::Null).unwrap();
        assert_eq!(now(&panel, "debugInfo", &Value::Null).unwrap()["isStarted"], true);
    }
}
