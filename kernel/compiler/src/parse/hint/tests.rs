//! Which texts are hinted at, and which must not be.

use std::collections::BTreeSet;

use expect_test::{Expect, expect};

use super::HintKind;
use crate::parse::{Parsed, parse};
use crate::source_map::position_in;

fn parsed(text: &str) -> Parsed {
    parse(text, &BTreeSet::new()).unwrap()
}

#[track_caller]
fn check(text: &str, expected: Expect) {
    let guesses = parsed(text).guesses;
    let shown: Vec<_> =
        guesses.iter().map(|guess| format!("{}: {}", position_in(text, guess.at).0, guess.text)).collect();
    expected.assert_eq(&shown.join("\n"));
}

/// In a cell and in an async function.
#[track_caller]
fn holds(text: &str) {
    for text in [text.to_owned(), format!("async fn f() {{ {text} }}"), format!("|| async move {{ {text} }}")] {
        let kinds: Vec<_> = parsed(&text).guesses.iter().map(|guess| guess.kind).collect();
        assert_eq!(kinds, [HintKind::Guard], "{text}");
    }
}

#[track_caller]
fn is_silent(text: &str) {
    assert_eq!(parsed(text).guesses, [], "{text}");
}

#[test]
fn the_words() {
    check(
        "let m = Mutex::new(1);\nlet g = m.lock().unwrap();\nprintln!(\"{g}\");\nsleep(d).await;",
        expect![
            "2: the guard `g` is held over the `.await` in line 4: whoever wants the lock meanwhile blocks a whole thread; let it end before the `.await`, or use `tokio::sync::Mutex`"
        ],
    );
    check(
        "while let Some(x) = q.write().unwrap().pop() {\n    f(x).await\n}",
        expect![
            "1: the guard in the head of this `while let` is held over the `.await` in line 2: whoever wants the lock meanwhile blocks a whole thread; let it end before the `.await`, or use `tokio::sync::RwLock`"
        ],
    );
    check(
        "tokio::spawn(async {\n    std::thread::sleep(d);\n});",
        expect![
            "2: `thread::sleep` in async code stops a whole thread, and all tasks that it would run; use `tokio::time::sleep(…).await`, or `tokio::task::spawn_blocking` for what has to block"
        ],
    );
}

#[test]
fn guards_over_awaits() {
    holds("let mut g = m.lock().unwrap(); g.push(1); f().await;");
    holds("let g: MutexGuard<_> = m.lock().expect(\"\"); { *g = 1; if a { f(&g).await } }");
    holds("let g = m.read().unwrap_or_else(PoisonError::into_inner); g[0].f(g.x); tokio::join!(a, b);");
    holds("let g = m.lock()?; let x = f().await?; drop(g);");
    holds("let g = m.lock(); *g += 1; f().await;");
    holds("let Ok(g) = m.write() else { return }; f().await;");
    holds("match m.lock().unwrap().get(&1) { Some(_) => f().await, None => {} }");
    holds("if let Some(x) = m.lock().unwrap().pop() && x > 1 { f(x).await }");
    holds("for x in m.read().unwrap().iter() { f(x).await }");
    holds("let g = m.lock().unwrap(); tokio::select! { x = f() => x }");
}

#[test]
fn guards_that_end_in_time() {
    is_silent("let g = m.lock().await; f().await;");
    is_silent("let g = m.lock().unwrap(); g.push(1); drop(g); f().await;");
    is_silent("{ let g = m.lock().unwrap(); g.push(1); } f().await;");
    is_silent("let n = m.lock().unwrap().len(); f(n).await;");
    is_silent("let g = m.lock().unwrap(); tokio::spawn(async { f().await });");
    is_silent("let g = m.lock().unwrap(); let c = async || f().await; g.x();");
    is_silent("let out = std::io::stdout().lock(); f().await;");
    is_silent("let g = m.lock(); let g = g.await; f().await;");
    is_silent("let g = m.lock(); let (g, x) = tokio::join!(g, f());");
    is_silent("let g = m.lock().unwrap(); if a { std::mem::drop(g) } f().await;");
    is_silent("let g = m.lock().unwrap(); let n = consume(g); f(n).await;");
    is_silent("let g = m.lock().unwrap(); let g = 1; f(g).await;");
    is_silent("let n = file.read(&mut buffer).unwrap(); f(n).await;");
    is_silent("let g = m.try_lock().unwrap(); f().await;");
    is_silent("fn f() { let g = m.lock().unwrap(); let a = async { b().await }; }");
    is_silent("if m.lock().unwrap().is_empty() { f().await } while m.lock().unwrap().x() { f().await }");
    is_silent("match { let g = m.lock().unwrap(); g.len() } { 0 => f().await, _ => {} }");
    is_silent("if let Some(x) = m.lock().unwrap().pop() { f(x) } else { g().await }");
    is_silent("match m.lock().await.get(1) { Some(x) => f(x).await, None => {} }");
}

#[test]
fn sleeps_that_block() {
    for text in ["async fn f() { thread::sleep(d) }", "tokio::join!(async { std::thread::sleep(d) }, g())"] {
        assert_eq!(parsed(text).guesses.len(), 1, "{text}");
    }
    assert_eq!(parsed("impl A { async fn f(&self) { loop { thread::sleep(d) } } }").guesses.len(), 1);
    is_silent("std::thread::sleep(d);");
    is_silent("fn f() { thread::sleep(d) }");
    is_silent("async fn f() { tokio::time::sleep(d).await }");
    is_silent("async fn f() { spawn_blocking(|| thread::sleep(d)).await }");
    is_silent("async { std::thread::spawn(move || { thread::sleep(d) }); }");
    is_silent("async { fn g() { thread::sleep(d) } sleep(d) }");
}

#[test]
fn variables_that_nobody_mentions_again() {
    let candidates = |text: &str| {
        let all = parsed(text).futures.into_iter();
        all.map(|future| format!("{} {:?}", future.name.unwrap_or("_".to_owned()), future.of)).collect::<Vec<_>>()
    };
    assert_eq!(
        candidates("let a = async { 1 }; let b = f(); let c = x.g(); let _ = h(); let _ = x.g();"),
        ["a Block", "b Call(\"f\")", "c Type", "_ Call(\"h\")"]
    );
    for text in [
        "let a = f(); a.await",
        "let a = f(); tokio::join!(a, b)",
        "let a = f(); tokio::spawn(a);",
        "let a = f(); g(a)",
        "let a = f(); println!(\"{a:?}\")",
        "let a = f(); let a = Box::pin(a);",
        "let a = async {}; tokio::select! { _ = a => {} }",
        "let (a, b) = (f(), g());",
        "let _ = f().await;",
    ] {
        assert_eq!(candidates(text), [""; 0], "{text}");
    }
}
