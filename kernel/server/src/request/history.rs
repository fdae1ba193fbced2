//! [`history_request`](https://jupyter-client.readthedocs.io/en/stable/messaging.html#history)

use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    history::{Entry, Query},
    message::Request,
};

/// How many cells the end of the history has, where that is not said.
const TAIL: i64 = 10;

/// The content of a `history_request`. `raw` is not read: a cell is run as it was typed.
#[derive(Deserialize)]
struct HistoryRequest {
    #[serde(rename = "hist_access_type")]
    access: Access,
    #[serde(default)]
    output: Option<bool>,
    #[serde(default)]
    session: Option<i64>,
    #[serde(default)]
    start: Option<i64>,
    #[serde(default)]
    stop: Option<i64>,
    #[serde(default)]
    n: Option<i64>,
    #[serde(default)]
    pattern: Option<String>,
    #[serde(default)]
    unique: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Access {
    Range,
    Tail,
    Search,
}

/// What is asked for, and whether with the results.
pub(super) fn query(request: &Request) -> Result<(Query, bool), serde_json::Error> {
    request.content().map(asked)
}

fn asked(content: HistoryRequest) -> (Query, bool) {
    let HistoryRequest { access, output, session, start, stop, n, pattern, unique } = content;
    let query = match access {
        Access::Tail => Query::Tail { n: n.unwrap_or(TAIL) },
        Access::Range => Query::Range { session: session.unwrap_or(0), start: start.unwrap_or(0), stop },
        Access::Search => {
            let pattern = pattern.unwrap_or_else(|| "*".to_owned());
            Query::Search { pattern, n, unique: unique.unwrap_or(false) }
        }
    };
    (query, output.unwrap_or(false))
}

/// `(session, line, source)` for each, or with the result `(session, line, (source, result))`.
pub(super) fn reply(entries: Vec<Entry>, output: bool) -> Value {
    let tuple = |Entry { session, line, source, result }| {
        if output { json!([session, line, [source, result]]) } else { json!([session, line, source]) }
    };
    json!({"status": "ok", "history": entries.into_iter().map(tuple).collect::<Vec<_>>()})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_or_null_has_a_default() {
        let check = |content: Value| serde_json::from_value(content).map(asked);
        let tail = check(json!({"hist_access_type": "tail", "raw": true, "n": null})).unwrap();
        assert_eq!(tail, (Query::Tail { n: 10 }, false));
        let range = check(json!({"hist_access_type": "range", "output": true, "session": -1, "stop": 3})).unwrap();
        assert_eq!(range, (Query::Range { session: -1, start: 0, stop: Some(3) }, true));
        let search = check(json!({"hist_access_type": "search", "pattern": "let*", "unique": true})).unwrap();
        assert_eq!(search, (Query::Search { pattern: "let*".to_owned(), n: None, unique: true }, false));
        assert!(check(json!({})).is_err() && check(json!({"hist_access_type": "dance"})).is_err());
    }

    #[test]
    fn results_stand_beside_their_sources() {
        let entry = |result: Option<&str>| Entry {
            session: 2,
            line: 7,
            source: "1 + 1".to_owned(),
            result: result.map(str::to_owned),
        };
        assert_eq!(reply(vec![entry(Some("2"))], false)["history"], json!([[2, 7, "1 + 1"]]));
        let both = reply(vec![entry(Some("2")), entry(None)], true);
        assert_eq!(both["history"], json!([[2, 7, ["1 + 1", "2"]], [2, 7, ["1 + 1", null]]]));
    }
}
