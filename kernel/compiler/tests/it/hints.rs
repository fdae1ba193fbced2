//! Hints at what compiles and is hardly meant, through rustc and a real worker.

use expect_test::expect;

use crate::session::check;

const DEFINE: &str = "async fn later() -> u32 { 1 } fn plain() -> u32 { 2 } fn made() -> impl Future<Output = u32> { later() } \
                      struct S; impl S { async fn go(&self) {} }";

#[test]
fn futures_that_nobody_awaits() {
    check(
        &[
            DEFINE,
            "let a = later();\nlet b = async { plain() };\nlet c = made(); let x = 3;\nlet d = async move { x };",
        ],
        expect![""],
    );
    check(
        &[DEFINE, "let a = later();\nlet b = async { plain() };\nlet c = made();", "c.await; let a = 1;\ndrop(b);"],
        expect![[r#"
            hint: cell 3, line 1: `a` of cell 2, line 1 was dropped and never awaited: it did nothing
            hint: cell 3, line 2: `b` of cell 2, line 2 was dropped and never awaited: it did nothing"#]],
    );
    check(
        &[DEFINE, "let _ = later();\nlet _ = async { 1 };\nlet s = S; let e = s.go();"],
        expect![[r#"
        hint: cell 2, line 1: the future of `later` was never awaited: it did nothing; add `.await`
        hint: cell 2, line 2: this future was never awaited: it did nothing; add `.await`"#]],
    );
}

#[test]
fn what_looks_like_one_and_is_awaited_or_is_none() {
    check(&[DEFINE, "let a = later(); let b = later(); tokio::join!(a, b)"], expect!["= (1, 1)"]);
    check(
        &[
            DEFINE,
            "let _ = plain(); let n = plain(); let h = tokio::spawn(later()); let _ = later().await; let boxed: std::pin::Pin<Box<dyn Future<Output = u32>>> = Box::pin(later());",
        ],
        expect![""],
    );
    check(
        &[DEFINE, "let a = later(); let f = |x: u32| async move { x }; futures::future::join_all([a]).await"],
        expect!["= [1]"],
    );
}

#[test]
fn guards_and_sleeps_are_told_with_their_places() {
    check(
        &[
            "use std::sync::Mutex;\nlet m = Mutex::new(1);\nlet g = m.lock()?;\ntokio::task::yield_now().await;\nasync fn f() {\n    std::thread::sleep(std::time::Duration::ZERO)\n}",
        ],
        expect![[r#"
            hint: cell 1, line 3: the guard `g` is held over the `.await` in line 4: whoever wants the lock meanwhile blocks a whole thread; let it end before the `.await`, or use `tokio::sync::Mutex`
            hint: cell 1, line 6: `thread::sleep` in async code stops a whole thread, and all tasks that it would run; use `tokio::time::sleep(…).await`, or `tokio::task::spawn_blocking` for what has to block"#]],
    );
}
