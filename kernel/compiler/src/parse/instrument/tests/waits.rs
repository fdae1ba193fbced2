//! What is awaited: the notes of it, and the lanes of futures.

use expect_test::{Expect, expect};

use super::super::{Checkpoint, Form};
use super::{check, instrumented};

#[test]
fn futures_side_by_side_are_branches() {
    check(
        "let (a, b) = tokio::join!(x, f(y).await); futures::try_join!(biased; g())",
        expect![[
            r#"let (a, b) = tokio::join!(beside({ note(ALL, &"tokio::join!(x, f(y).await)"); { use awaits::*; (&&Awaits(&x)).key() } }, x, &"x"), beside(0, at(f(y), &"f(y)").await, &"f(y).await")); futures::try_join!(biased; beside({ note(ALL, &"futures::try_join!(biased; g())"); 0 }, g(), &"g()"))"#
        ]],
    );
    let timeline = Form { checkpoint: Checkpoint::None, chunks: false, timeline: true, shares_tasks: true };
    let text =
        "f(a).await?; b.g().await; c.await; tokio::join!(d(e().await)); tokio::spawn(h).await; while i().await {}";
    expect![[r#"at(behind({ use probes::*; names("f", &[(&&Variable(&a)).text()]) }, branch(f(a))), &"f(a)").await?; at(branch(b.g()), &"b.g()").await; at_key({ use awaits::*; (&&Awaits(&c)).key() }, c, &"c.await").await; tokio::join!(beside({ note(ALL, &"tokio::join!(d(e().await))"); 0 }, d(at(branch(e()), &"e()").await), &"d(e().await)")); at(branch(__spawned!(tokio::spawn(__task!(h)))), &"tokio::spawn(h)").await; while at(branch(i()), &"i()").await {}"#]].assert_eq(&instrumented(text, timeline));
    assert_eq!(
        instrumented("f().await; || loop {}", Form { timeline: false, ..timeline }),
        "at(f(), &\"f()\").await; || loop {}"
    );
}

#[test]
fn a_timeline_is_told_with_what_futures_are_made() {
    let timeline = Form { checkpoint: Checkpoint::None, chunks: false, timeline: true, shares_tasks: true };
    let check = |text: &str, expected: Expect| expected.assert_eq(&instrumented(text, timeline));
    check(
        "join_all(v.iter().map(|o| brew(o, 1))).await",
        expect![[
            r#"at_key(ALL, branch(join_all(::core::iter::IntoIterator::into_iter(v.iter().map(|o| { { use probes::*; names("brew", &[(&&Variable(&o)).text(), (&&Variable(&1)).text()]) }; brew(o, 1) })).map(|future| beside({ use awaits::*; (&&Awaits(&future)).key() }, future, &"v.iter().map(|o| brew(o, 1))")))), &"join_all(v.iter().map(|o| brew(o, 1)))").await"#
        ]],
    );
    check(
        "s.map(|o| { let p = f(o); m.brew(p) }).buffered(2); s.map(brew).collect::<JoinSet<_>>()",
        expect![[
            r#"futures::StreamExt::map(s.map(|o| { let p = f(o); { { use probes::*; names("brew", &[(&&Variable(&p)).text()]) }; m.brew(p) } }), |future| beside(0, future, &"future")).buffered(2); ::core::iter::Iterator::map(s.map(move |__kissaten_item| { { use probes::*; names("brew", &[(&&Variable(&__kissaten_item)).text()]) }; brew(__kissaten_item) }), |future| __lane!(future)).collect::<JoinSet<_>>()"#
        ]],
    );
    check(
        "join_all([brew(1), brew(&o)])",
        expect![[
            r#"join_all([beside({ use probes::*; names("brew", &[(&&Variable(&1)).text()]) } + 0, brew(1), &"brew(1)"), beside({ use probes::*; names("brew", &[(&&Variable(&&o)).text()]) } + 0, brew(&o), &"brew(&o)")])"#
        ]],
    );
    check(
        "let v: Vec<_> = s.map(|o| brew(o)).collect(); let w: Vec<_> = s.map(f).collect(); { let v = 1; } let v = join_all(v);",
        expect![[
            r#"let __kissaten_made_v = made(); let v: Vec<_> = s.map(|o| { __kissaten_made_v.add({ use probes::*; names("brew", &[(&&Variable(&o)).text()]) }); brew(o) }).collect(); let w: Vec<_> = s.map(f).collect(); { let v = 1; } let v = join_all(::core::iter::IntoIterator::into_iter(v).map(|future| { __kissaten_made_v.next(); beside({ use awaits::*; (&&Awaits(&future)).key() }, future, &"v") }));"#
        ]],
    );
    // It may be another one, or have become one.
    let (text, plain) = (
        "let v: Vec<_> = s.map(brew).collect(); let v = w; join_all(v)",
        "join_all(::core::iter::IntoIterator::into_iter(v).map(|future| beside({ use awaits::*; (&&Awaits(&future)).key() }, future, &\"v\")))",
    );
    assert_eq!(instrumented(text, timeline), format!("let v: Vec<_> = s.map(brew).collect(); let v = w; {plain}"));
    let text = text.replace("v: Vec<_>", "mut v: Vec<_>").replace("let v = w", "v.pop()");
    assert_eq!(instrumented(&text, timeline), format!("let mut v: Vec<_> = s.map(brew).collect(); v.pop(); {plain}"));
    check(
        "f(n, g(n), None).await; f(g(1), None).await",
        expect![[
            r#"at(behind({ use probes::*; names("f", &[(&&Variable(&n)).text(), ::core::option::Option::None, ::core::option::Option::None]) }, branch(f(n, g(n), None))), &"f(n, g(n), None)").await; at(branch(f(g(1), None)), &"f(g(1), None)").await"#
        ]],
    );
    check(
        "join_all(vec![brew(1), Box::pin(o)])",
        expect![[
            r#"join_all(::core::iter::IntoIterator::into_iter(vec![brew(1), Box::pin(o)]).map(|future| beside({ use awaits::*; (&&Awaits(&future)).key() }, future, &"vec![brew(1), Box::pin(o)]")))"#
        ]],
    );
}

#[test]
fn what_is_in_a_timeout_is_told_with_its_limit() {
    check(
        "timeout(d, rx.recv()).await; timeout(f(d), g()).await; timeout(d, sleep(e)).await",
        expect![[
            r#"at_key(SOME + 1, timeout(limit(d), timed(limited(), { use awaits::*; (&&Awaits(&rx)).key() }, rx.recv(), &"rx.recv()")), &"timeout(d, rx.recv())").await; at_key(SOME + 1, timeout(limit(f(d)), timed(limited(), 0, g(), &"g()")), &"timeout(f(d), g())").await; at(timeout(d, sleep(e)), &"timeout(d, sleep(e))").await"#
        ]],
    );
    // What is kept in a variable keeps its type, unless code of a cell runs in it.
    check("let t = timeout(d, rx.recv());", expect!["let t = timeout(d, rx.recv());"]);
}

#[test]
fn what_may_be_several_futures_is_apart() {
    check(
        "all.next().await; select(a, b).await; tokio::join!(s.collect::<Vec<_>>(), f())",
        expect![[
            r#"at_key({ use awaits::*; (&&Awaits(&all)).key() }, apart(all.next()), &"all.next()").await; at(apart(select(a, b)), &"select(a, b)").await; tokio::join!(beside({ note(ALL, &"tokio::join!(s.collect::<Vec<_>>(), f())"); 0 }, apart(s.collect::<Vec<_>>()), &"s.collect::<Vec<_>>()"), beside(0, f(), &"f()"))"#
        ]],
    );
    check(
        "impl Future for A { type Output = (); fn poll(self: Pin<&mut Self>, c: &mut Context) -> Poll<()> { self.a(c) } }",
        expect![
            "impl Future for A { type Output = (); fn poll(self: Pin<&mut Self>, c: &mut Context) -> Poll<()> {let __kissaten_apart = apart_here(); CHECK;  self.a(c) } }"
        ],
    );
}

#[test]
fn arms_in_which_no_code_of_a_cell_runs_are_known_by_their_keys() {
    check(
        "select! { x = a => 1, y = rx.recv() => 2, z = lock.lock() => 3, _ = sleep(d) => 4, v = s.next() => 5 }",
        expect![[
            r#"select! { x = a => 1, y = at_key(some(5, &[{ use awaits::*; (&&Awaits(&rx)).key() }, { use awaits::*; (&&Awaits(&s)).key() }]), rx.recv(), &"select! { x = a => 1, y = rx.recv() => 2, z = lock.lock() =>…") => 2, z = arm({ use awaits::*; (&&Awaits(&lock)).key() }, lock.lock(), &"lock.lock()") => 3, _ = sleep(d) => 4, v = apart(s.next()) => 5 }"#
        ]],
    );
}

#[test]
fn macros_that_may_await_end_what_was_noted_before() {
    check(
        "a!(1); let b = c! { 2 }?; select! { x = y => {} }; d![3]; println!(\"\"); async { e!(4); || { f!(5); 6 } }; g!(7)",
        expect![[
            r#"note(0, &"a!(1)"); a!(1); note(0, &"c! { 2 }"); let b = c! { 2 }?; note(0, &"select! { x = y => {} }"); select! { x = y => {} }; note(0, &"d![3]"); d![3]; println!(""); async { note(0, &"e!(4)"); e!(4); || {CHECK;  f!(5); 6 } }; g!(7)"#
        ]],
    );
    check("fn f() { a!(1); }", expect!["fn f() {CHECK;  a!(1); }"]);
}
