//! Transcripts: what a frontend is told, message by message, when cells run, err, are interrupted or looked into.

use expect_test::{Expect, expect};
use serde_json::json;

use super::Client;
use crate::{history::History, message::Channel};

const FOREVER: &str = "println!(\"waits\"); std::future::pending::<()>().await";

/// Runs cells in one kernel; the transcript of the last one is compared.
async fn check(cells: &[&str], expected: Expect) {
    let mut client = Client::new().await;
    let (last, before) = cells.split_last().unwrap();
    for cell in before {
        client.run(cell).await;
    }
    expected.assert_eq(&client.run(last).await);
    client.end().await;
}

#[tokio::test]
async fn a_cell_prints_and_has_a_result() {
    let cell = "println!(\"hello\"); eprintln!(\"oh\"); tokio::spawn(async { 7 }).await?";
    check(
        &[cell],
        expect![[r#"
        iopub status busy
        iopub execute_input [1]
        iopub stream stdout "hello\n"
        iopub stream stderr "oh\n"
        iopub execute_result [1] text/plain 7
        iopub status idle
        shell execute_reply ok [1]"#]],
    )
    .await;
}

#[tokio::test]
async fn a_cell_that_does_not_compile_changes_nothing() {
    check(
        &["let cups = 3;", "let cups: u8 = \"three\";"],
        expect![[r#"
        iopub status busy
        iopub execute_input [2]
        iopub error CompileError: E0308: mismatched types
            | error[E0308]: mismatched types
            |  --> cell 2:1:16
            |   |
            | 1 | let cups: u8 = "three";
            |   |           --   ^^^^^^^ expected `u8`, found `&str`
            |   |           |
            |   |           expected due to this
        iopub status idle
        shell execute_reply error [2]"#]],
    )
    .await;
    check(
        &["let cups = 3;", "let cups: u8 = \"three\";", "cups"],
        expect![[r#"
        iopub status busy
        iopub execute_input [3]
        iopub execute_result [3] text/plain 3
        iopub status idle
        shell execute_reply ok [3]"#]],
    )
    .await;
}

#[tokio::test]
async fn a_panic_ends_its_cell_alone() {
    check(
        &["panic!(\"no beans\")"],
        expect![[r#"
        iopub status busy
        iopub execute_input [1]
        iopub error Panic: no beans
            | Panic: no beans
            |   --> cell 1, line 1
        iopub status idle
        shell execute_reply error [1]"#]],
    )
    .await;
    check(
        &["let cups = 3;", "panic!()", "cups"],
        expect![[r#"
        iopub status busy
        iopub execute_input [3]
        iopub execute_result [3] text/plain 3
        iopub status idle
        shell execute_reply ok [3]"#]],
    )
    .await;
}

#[tokio::test]
async fn what_waits_behind_a_cell_that_errs_is_not_run() {
    let mut client = Client::new().await;
    let (erring, waiting) = (client.start("nope").await, client.start("1").await);
    client.finish(&erring).await;
    expect![[r#"
        iopub status busy
        iopub status idle
        shell execute_reply aborted [1]"#]]
    .assert_eq(&client.finish(&waiting).await);
    expect![[r#"
        iopub status busy
        iopub execute_input [2]
        iopub execute_result [2] text/plain 2
        iopub status idle
        shell execute_reply ok [2]"#]]
    .assert_eq(&client.run("2").await);
    client.end().await;
}

#[tokio::test]
async fn an_interrupt_ends_a_cell_and_loses_no_variable() {
    let mut client = Client::new().await;
    client.run("let mut cups = vec![1];").await;
    let cell = client.start(&format!("cups.push(2); {FOREVER}; cups.push(3);")).await;
    client.until(&cell, "waits").await;
    let interrupt = client.send_on(Channel::Control, "interrupt_request", None, json!({})).await;
    expect![[r#"
        iopub status busy
        iopub status idle
        shell interrupt_reply ok"#]]
    .assert_eq(&client.finish(&interrupt).await);
    expect![[r#"
        iopub status busy
        iopub execute_input [2]
        iopub stream stdout "waits\n"
        iopub error Interrupted: it was waiting at cell 2, line 1: `std::future::pending::<()>()`
            | Interrupted: it was waiting at cell 2, line 1: `std::future::pending::<()>()`
        iopub status idle
        shell execute_reply error [2]"#]]
    .assert_eq(&client.finish(&cell).await);
    expect![[r#"
        iopub status busy
        iopub execute_input [3]
        iopub execute_result [3] text/plain [1, 2]
        iopub status idle
        shell execute_reply ok [3]"#]]
    .assert_eq(&client.run("cups").await);
    client.end().await;
}

#[tokio::test]
async fn a_running_cell_keeps_nobody_from_an_answer() {
    let mut client = Client::new().await;
    client.run("let (tell, told) = tokio::sync::oneshot::channel::<()>(); let placid = 1u8;").await;
    let cell = client.start("println!(\"waits\"); told.await?; \"told\"").await;
    client.until(&cell, "waits").await;
    let asked = json!({ "code": "plac", "cursor_pos": 4 });
    assert_eq!(client.reply("complete_request", asked).await["matches"], json!(["placid"]));
    let asked = json!({ "code": "placid", "cursor_pos": 3, "detail_level": 0 });
    assert_eq!(client.reply("inspect_request", asked).await["data"]["text/plain"], "let placid: u8");
    assert_eq!(client.reply("is_complete_request", json!({ "code": "{" })).await["status"], "incomplete");
    let names = client.reply("kernel_info_request", json!({})).await;
    assert_eq!((&names["implementation"], &names["status"]), (&json!("kissaten"), &json!("ok")));
    // All that while it waits.
    assert!(!client.messages(&cell).iter().any(|(kind, _)| kind == "execute_reply"));
    let interrupt = client.send_on(Channel::Control, "interrupt_request", None, json!({})).await;
    client.finish(&interrupt).await;
    expect![[r#"
        iopub status busy
        iopub execute_input [2]
        iopub stream stdout "waits\n"
        iopub error Interrupted: it was waiting at cell 2, line 1: `told.await`; no task holds the sender: it is in a variable, in the cell itself, or in a future that nobody polls
            | Interrupted: it was waiting at cell 2, line 1: `told.await`; no task holds the sender: it is in a variable, in the cell itself, or in a future that nobody polls
        iopub status idle
        shell execute_reply error [2]"#]]
    .assert_eq(&client.finish(&cell).await);
    client.end().await;
}

#[tokio::test]
async fn a_task_prints_under_the_cell_that_began_it() {
    let mut client = Client::new().await;
    let first = client.start("let (tell, told) = tokio::sync::oneshot::channel::<()>();\nlet task = tokio::spawn(async move { told.await.unwrap(); println!(\"from the task\"); });").await;
    client.finish(&first).await;
    expect![[r#"
        iopub status busy
        iopub execute_input [2]
        iopub stream stdout "from the cell\n"
        iopub status idle
        shell execute_reply ok [2]"#]]
    .assert_eq(&client.run("tell.send(()).unwrap(); task.await?; println!(\"from the cell\");").await);
    client.until(&first, "from the task").await;
    expect![[r#"
        iopub status busy
        iopub execute_input [1]
        iopub status idle
        iopub stream stdout "from the task\n"
        shell execute_reply ok [1]"#]]
    .assert_eq(&client.finish(&first).await);
    client.end().await;
}

#[tokio::test]
async fn is_complete_knows_open_ends() {
    let mut client = Client::new().await;
    let mut told = String::new();
    for code in ["let a = 1;", "fn f() {", "let = 5;", "x.iter().", "%%timing", ":help"] {
        let reply = client.reply("is_complete_request", json!({ "code": code })).await;
        told.push_str(&format!(
            "{code} → {}{}\n",
            reply["status"],
            reply.get("indent").map(|indent| format!(" {indent}")).unwrap_or_default()
        ));
    }
    expect![[r#"
        let a = 1; → "complete"
        fn f() { → "incomplete" "    "
        let = 5; → "invalid"
        x.iter(). → "incomplete" "    "
        %%timing → "incomplete" ""
        :help → "complete"
    "#]]
    .assert_eq(&told);
    client.end().await;
}

#[tokio::test]
async fn another_session_finds_what_was_run() {
    let folder = tempfile::tempdir().unwrap();
    let history = || History::in_file(folder.path().join("history.sqlite"), 1 << 30);
    let mut client = Client::with_history(history()).await;
    for cell in ["let a = 20;", "a + 1", "nope"] {
        client.run(cell).await;
    }
    client.end().await;
    let mut client = Client::with_history(history()).await;
    let asked = json!({ "hist_access_type": "tail", "n": 10, "output": true, "raw": true });
    let reply = client.reply("history_request", asked).await;
    assert_eq!(
        reply["history"],
        json!([[1, 1, ["let a = 20;", null]], [1, 2, ["a + 1", "21"]], [1, 3, ["nope", null]]])
    );
    let asked = json!({ "hist_access_type": "search", "pattern": "*a*", "n": 1, "output": false, "raw": true });
    assert_eq!(client.reply("history_request", asked).await["history"], json!([[1, 2, "a + 1"]]));
    client.end().await;
}

#[tokio::test]
async fn a_question_is_answered() {
    let mut client = Client::new().await;
    let cell = client.start("print!(\"before\"); let name = kissaten::input(\"Name? \").await?; name.len()").await;
    client.until(&cell, "input_request").await;
    let asked = client.messages(&cell).iter().find(|(kind, _)| kind == "input_request").unwrap();
    let question = asked.1["id"].as_str().map(str::to_owned);
    client.send_on(Channel::Stdin, "input_reply", question, json!({ "value": "Hana" })).await;
    expect![[r#"
        iopub status busy
        iopub execute_input [1]
        iopub stream stdout "before"
        stdin input_request "Name? "
        iopub execute_result [1] text/plain 4
        iopub status idle
        shell execute_reply ok [1]"#]]
    .assert_eq(&client.finish(&cell).await);
    client.end().await;
}

#[tokio::test]
async fn a_worker_that_dies_is_replaced() {
    check(
        &["let lost = 1;", "std::process::abort()"],
        expect![[r#"
        iopub status busy
        iopub execute_input [2]
        iopub error Abort: an abort ended the worker process
            | Abort: an abort ended the worker process
            | The variable `lost` was lost.
        iopub status idle
        shell execute_reply error [2]"#]],
    )
    .await;
    check(
        &["fn kept() -> u8 { 7 }", "std::process::abort()", "kept()"],
        expect![[r#"
        iopub status busy
        iopub execute_input [3]
        iopub execute_result [3] text/plain 7
        iopub status idle
        shell execute_reply ok [3]"#]],
    )
    .await;
}

#[tokio::test]
async fn what_is_no_request_has_an_error_reply() {
    let mut client = Client::new().await;
    expect![[r#"
        iopub status busy
        iopub status idle
        shell execute_reply error [null]"#]]
    .assert_eq(&client.ask("execute_request", json!({ "code": 7 })).await);
    expect![[r#"
        iopub status busy
        iopub status idle
        shell complete_reply error"#]]
    .assert_eq(&client.ask("complete_request", json!("nothing")).await);
    client.end().await;
}

#[tokio::test]
async fn shutdown_is_answered_also_while_a_cell_runs() {
    let mut client = Client::new().await;
    let cell = client.start(FOREVER).await;
    client.until(&cell, "waits").await;
    let request = client.send_on(Channel::Control, "shutdown_request", None, json!({ "restart": false })).await;
    client.ended().await;
    expect![[r#"
        iopub status busy
        iopub status idle
        shell shutdown_reply ok"#]]
    .assert_eq(&super::lines(client.messages(&request)));
    expect![[r#"
        iopub status busy
        iopub execute_input [1]
        iopub stream stdout "waits\n"
        iopub status idle
        shell execute_reply error [1]"#]]
    .assert_eq(&super::lines(client.messages(&cell)));
}

#[tokio::test]
async fn a_command_for_a_cell_is_refused_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let mut client = Client::new().await;
    for (command, number) in ["fmt", "deps", "clippy", "timing"].into_iter().zip(1..) {
        let file = folder.path().join("cells.rs");
        std::fs::write(&file, format!("%%{command}\nlet cups = 3;")).unwrap();
        let transcript = client.run(&format!(":load {}", file.display())).await;
        let refusal = format!("iopub error CommandError: `%%{command}` is for a cell and not for a file\n");
        assert!(transcript.contains(&refusal) && transcript.ends_with(&format!("error [{number}]")), "{transcript}");
    }
    client.end().await;
}
