//! Instrumented cells through a real worker: what is written into the code changes nothing that a user can see.

use expect_test::{Expect, expect};

use crate::session::Session;

/// Runs cells in one session; the answer of the last one is compared.
#[track_caller]
fn run(cells: &[&str], expected: Expect) -> Session {
    let mut session = Session::new();
    let (last, before) = cells.split_last().expect("there is a cell");
    for cell in before {
        let said = session.run(cell);
        assert!(!said.contains("error"), "{said}");
    }
    expected.assert_eq(&session.run(last));
    session
}

/// The last cell compiles with what is written into it.
#[track_caller]
fn check(cells: &[&str], expected: Expect) {
    assert!(run(cells, expected).is_instrumented());
}

/// It compiles without only.
#[track_caller]
fn check_plain(cells: &[&str], expected: Expect) {
    assert!(!run(cells, expected).is_instrumented());
}

#[test]
fn loops_functions_and_closures_do_what_they_did() {
    let items = "
        fn sum(n: u32) -> u32 { let mut s = 0; for i in 0..n { s += i } s }
        fn fib(n: u32) -> u32 { if n < 2 { n } else { fib(n - 1) + fib(n - 2) } }
        const fn steps(mut n: u32) -> u32 { let mut s = 0; while n > 1 { n /= 2; s += 1 } s }
        const TEN: usize = { let mut n = 0; loop { n += 1; if n == 10 { break n } } };
        static SQUARES: std::sync::LazyLock<Vec<u32>> = std::sync::LazyLock::new(|| (0..4).map(|x| x * x).collect());
        extern \"C\" fn callback(n: i32) -> i32 { let mut m = n; while m < 10 { m += 1 } m }
        trait Twice { fn get(&self) -> u32; fn twice(&self) -> u32 { self.get() * 2 } }
        struct A(u32);
        impl Twice for A { fn get(&self) -> u32 { self.0 } }
        unsafe fn risky(p: *const u32) -> u32 { unsafe { *p } }
        async fn later(n: u32) -> u32 { for _ in 0..n { tokio::task::yield_now().await } n }
        macro_rules! count { ($n:expr) => {{ let mut i = 0; while i < $n { i += 1 } let mut j = 0; loop { j += 1; if j == i { break } } j }}; }
        fn apply<F: Fn(u32) -> u32>(f: F) -> u32 { f(1) }
        #[forbid(unsafe_code)] fn safe() -> u32 { (0..3).map(|x| x).sum() }";
    check(&[items], expect![""]);
    run(
        &[
            items,
            "let a = [0u8; TEN]; (sum(10), fib(10), steps(1000), a.len(), SQUARES.len(), callback(3), A(4).twice(), unsafe { risky(&5) }, later(3).await, count!(7), safe())",
        ],
        expect!["= (45, 55, 9, 10, 4, 10, 8, 5, 3, 7, 3)"],
    );
    check(
        &[
            items,
            "let n = 'outer: loop { let mut i = 0; loop { i += 1; if i == 5 { break 'outer i * 2 } } };
             let mut w = vec![1, 2, 3]; let mut popped = 0; while let Some(x) = w.pop() { if x == 2 { continue } popped += x }
             let text = String::from(\"x\"); let by_move = move || text.len(); let mut count = 0; let mut bump = || count += 1; bump(); bump();
             let typed = |x: u32| -> u32 { x + 1 }; let nested = |x: u32| move |y: u32| x + y; let as_fn: fn(u32) -> u32 = |x| if x > 1 { 1 } else { 2 } + x;
             let asynced = async |x: u32| { later(x).await + 1 }; let never = |x: bool| -> u32 { if x { return 3 } panic!(\"no\") };
             (n, popped, by_move(), count, typed(1), nested(1)(2), as_fn(1), asynced(2).await, never(true), apply(|x| x + count!(2)))",
        ],
        expect!["= (10, 4, 1, 2, 2, 3, 3, 3, 3, 3)"],
    );
}

#[test]
fn all_levels_compile_it() {
    for level in 0..4 {
        let mut session = Session::new();
        session.opt_level = Some(level);
        let cell = format!(
            "fn f{level}(n: u64) -> u64 {{ let mut s = 0; for i in 0..n {{ s += i }} s }}\ntokio::spawn(async {{ f{level}(4) }}).await?"
        );
        expect!["= 6"].assert_eq(&session.run(&cell));
        assert!(session.is_instrumented());
        let loops = "let n = 5000; let mut v = vec![0u64; n]; for i in 0..n { if i % 2 == 0 { continue } v[i] = i as u64; }
            let mut small = 0u8; for i in 0..200 { small = small.wrapping_add(i); } let mut sum = 0; for i in -3000..3000i32 { sum += i.abs() }
            let mut floats = 0.0; for i in 0..4 { for j in 0..3 { floats += f64::from(i * j).sqrt(); } }
            (v[4999], v.len(), small, sum, floats as i32)";
        expect!["= (4999, 5000, 188, 9000000, 10)"].assert_eq(&session.run(loops));
        assert!(level > 1 || session.is_instrumented());
    }
}

#[test]
fn loops_that_count_end_where_they_did() {
    let items = "
        fn bytes(n: u8) -> (u32, u8) { let (mut i, mut r) = (0, 0); while i < n { r += 1; i += 1 } (r, i) }
        fn threes(n: i8) -> (u32, i8) { let (mut i, mut r) = (-128, 0); while i <= n { r += 1; i += 3; } (r, i) }
        fn long(n: i64) -> (i64, i64) { let (mut i, mut s) = (-3000, 0); while i < n { s += i; i += 1 } (s, i) }
        fn wide(n: i128) -> (u32, i128) { let (mut i, mut r) = (n - 5000, 0); while i <= n { r += 1; i += 7; } (r, i - n) }
        fn left(n: usize) -> usize { let mut i = 0; while i <= n { if i > 2500 { return i } i += 2; } 0 }
        fn total(v: &mut Vec<u64>) -> u64 { let (mut i, mut s) = (0, 0); while i < v.len() { if v[i] == 7 { v.push(1) } s += v[i]; i += 1 } s }
        fn over(n: u8) -> (u32, u8) { let (mut i, mut r) = (0, 0u32); while i < n { r += 1; if r == 9999 { return (r, i) } i += 4; } (r, i) }
        fn never(n: u16) -> (u32, u16) { let (mut i, mut r) = (0, 0u32); while i <= n { r += 1; if r == 99999 { return (r, i) } i += 1 } (r, i) }";
    for level in 0..4 {
        let mut session = Session::new();
        session.opt_level = Some(level);
        assert_eq!(session.run(items), "");
        let ends = "let mut v: Vec<u64> = (0..3000).map(|x| x % 1000).collect();
            print!(\"{:?}\", (bytes(0), bytes(255), threes(124), threes(-128), long(-3000), long(3000), wide(1), wide(i128::MAX - 9)));
            print!(\"{:?}\", (left(2500), left(usize::MAX - 1), total(&mut v)))";
        expect!["((0, 0), (255, 255), (85, 127), (1, -125), (0, -3000), (-3000, 3000), (715, 5), (715, 5))(0, 2502, 1498503)"].assert_eq(&session.run(ends));
        assert_eq!(session.is_instrumented(), level < 2);
        // Without optimisation an overflow panics.
        if level > 0 {
            let overflows = "print!(\"{:?}\", (over(255), over(253), over(252), never(u16::MAX), never(65534)))";
            expect!["((9999, 56), (9999, 56), (63, 252), (99999, 34462), (65535, 65535))"]
                .assert_eq(&session.run(overflows));
        }
    }
}

#[test]
fn tasks_and_threads_of_all_kinds_start() {
    let items = "async fn one() -> u32 { 1 }";
    check(
        &[
            items,
            "let f = async { 2 }; let boxed: std::pin::Pin<Box<dyn Future<Output = u32> + Send>> = Box::pin(one());
             let a = tokio::spawn(async { 1 }).await?; let b = tokio::spawn(f).await?; let c = tokio::spawn(one()).await?; let d = tokio::spawn(boxed).await?;
             let h = tokio::runtime::Handle::current(); let e = h.spawn(one()).await?; let f = h.spawn_blocking(|| 5).await?; let g = tokio::task::spawn_blocking(move || a + b).await?;
             tokio::spawn(one()); let r: Result<u32, String> = tokio::spawn(async { Ok(3) }).await?;
             (a, b, c, d, e, f, g, r, tokio::task::block_in_place(|| 4))",
        ],
        expect!["= (1, 2, 1, 1, 1, 5, 3, Ok(3), 4)"],
    );
    check(
        &[
            items,
            "let mut set = tokio::task::JoinSet::new(); let h = tokio::runtime::Handle::current();
             set.spawn(one()); set.spawn_on(async { 2 }, &h); let abort = set.spawn_blocking(|| 3); set.spawn_blocking_on(|| 4, &h);
             let mut all = 0; while let Some(x) = set.join_next().await { all += x? }
             let local = tokio::task::LocalSet::new(); let rc = std::rc::Rc::new(5);
             let five = local.run_until(async { tokio::task::spawn_local(async move { *rc }).await }).await?;
             (all, five, abort.is_finished())",
        ],
        expect!["= (10, 5, true)"],
    );
    check(
        &["let v = vec![1, 2, 3]; let mut sum = 0;
           std::thread::scope(|s| { s.spawn(|| sum = v.iter().sum()); s.spawn(|| v.len()); });
           let b = std::thread::Builder::new().name(\"b\".into()).spawn(|| std::thread::current().name().map(str::to_owned))?.join().unwrap();
           let c = std::thread::Builder::new().spawn(move || v.len())?; let c = c.join().unwrap();
           let d = std::thread::spawn(|| { let mut n = 0; while n < 3 { n += 1 } n }).join().unwrap();
           let status = std::process::Command::new(\"true\").spawn()?.wait()?;
           (sum, b, c, d, status.success())"],
        expect![[r#"= (6, Some("b"), 3, 3, true)"#]],
    );
}

#[test]
fn futures_side_by_side_end_as_before() {
    check(
        &[
            "async fn n(n: u32) -> u32 { tokio::task::yield_now().await; n } async fn r(n: u32) -> Result<u32, String> { Ok(n) }",
            "let (a, b) = (n(1), n(2)); let h = tokio::spawn(n(7));
             let (c, d, e) = tokio::join!(a, b, async { 3 }); let (f, g) = tokio::try_join!(r(4), r(5))?; let (i, j) = futures::join!(n(6), h);
             let k = tokio::select! { biased; x = n(8) => x, _ = std::future::pending::<()>(), if c == 1 => { loop {} } };
             let all = futures::future::join_all([n(9), n(10)]).await;
             (c, d, e, f, g, i, j?, k, all)",
        ],
        expect!["= (1, 2, 3, 4, 5, 6, 7, 8, [9, 10])"],
    );
}

#[test]
fn a_timeline_changes_no_result() {
    let mut session = Session::new();
    session.timeline = true;
    let cell = "async fn n(n: u32) -> u32 { tokio::task::yield_now().await; n }
                struct Later; impl IntoFuture for Later { type Output = u32; type IntoFuture = std::future::Ready<u32>; fn into_future(self) -> Self::IntoFuture { std::future::ready(4) } }
                async fn twice(x: u32) -> u32 { n(x).await + n(x).await }
                fn later() -> Later { Later }
                (n(1).await, twice(2).await, tokio::spawn(n(3)).await?, later().await, tokio::join!(n(5), twice(3)))";
    expect!["= (1, 4, 3, 4, (5, 6))"].assert_eq(&session.run(cell));
    assert!(session.is_instrumented());
}

#[test]
fn errors_are_about_the_users_code_alone() {
    check_plain(
        &[
            "let rc = std::rc::Rc::new(1);\ntokio::spawn(async move { println!(\"{rc}\"); tokio::task::yield_now().await; });",
        ],
        expect![[r#"
            error: future cannot be sent between threads safely
             --> cell 1:2:1
              |
            2 | tokio::spawn(async move { println!("{rc}"); tokio::task::yield_now().await; });
              | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ future created by async block is not `Send`
              |
              = help: within `{async block@cell 1:2:14: 2:24}`, the trait `Send` is not implemented for `Rc<i32>`
            note: captured value is not `Send`
             --> cell 1:2:38
              |
            2 | tokio::spawn(async move { println!("{rc}"); tokio::task::yield_now().await; });
              |                                      ^^ has type `Rc<i32>` which is not `Send`
              = note: required by a bound in `tokio::spawn`"#]],
    );
    check_plain(
        &["tokio::spawn(async { loop { let x: u8 = \"\"; } });"],
        expect![[r#"
        error[E0308]: mismatched types
         --> cell 1:1:41
          |
        1 | tokio::spawn(async { loop { let x: u8 = ""; } });
          |                                    --   ^^ expected `u8`, found `&str`
          |                                    |
          |                                    expected due to this"#]],
    );
    check_plain(
        &["let v = vec![1];\nstd::thread::spawn(|| v.len());"],
        expect![[r#"
        error[E0373]: closure may outlive the current function, but it borrows `v`, which is owned by the current function
         --> cell 1:2:20
          |
        2 | std::thread::spawn(|| v.len());
          |                    ^^ - `v` is borrowed here
          |                    |
          |                    may outlive borrowed value `v`
          |
        note: function requires argument type to outlive `'static`
         --> cell 1:2:1
          |
        2 | std::thread::spawn(|| v.len());
          | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        help: to force the closure to take ownership of `v` (and any other referenced variables), use the `move` keyword
          |
        2 | std::thread::spawn(move || v.len());
          |                    ++++"#]],
    );
    check_plain(
        &["tokio::join!(5, async { 1 })"],
        expect![[r#"
        error[E0277]: `{integer}` is not a future
         --> cell 1:1:14
          |
        1 | tokio::join!(5, async { 1 })
          | -------------^--------------
          | |            |
          | |            `{integer}` is not a future
          | required by a bound introduced by this call
          |
          = help: the trait `Future` is not implemented for `{integer}`
          = note: {integer} must be a future or must implement `IntoFuture` to be awaited
          = note: required for `{integer}` to implement `IntoFuture`
          = note: required by a bound in `tokio::future::maybe_done::maybe_done`

        error[E0277]: `{integer}` is not a future
         --> cell 1:1:1
          |
        1 | tokio::join!(5, async { 1 })
          | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^ `{integer}` is not a future
          |
          = help: the trait `Future` is not implemented for `{integer}`
          = note: required by a bound in `tokio::future::maybe_done::MaybeDone`
          = note: this error originates in the macro `$crate::join` which comes from the expansion of the macro `pin_project`

        error[E0277]: `{integer}` is not a future
         --> cell 1:1:1
          |
        1 | tokio::join!(5, async { 1 })
          | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^ `{integer}` is not a future
          |
          = help: the trait `Future` is not implemented for `{integer}`
          = note: required by a bound in `tokio::future::maybe_done::MaybeDone`
          = note: this error originates in the macro `$crate::join` which comes from the expansion of the macro `pin_project`

        error[E0277]: `{integer}` is not a future
         --> cell 1:1:1
          |
        1 | tokio::join!(5, async { 1 })
          | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^ `{integer}` is not a future
          |
          = help: the trait `Future` is not implemented for `{integer}`
          = note: required by a bound in `tokio::future::maybe_done::MaybeDone`
          = note: this error originates in the macro `$crate::join` which comes from the expansion of the macro `pin_project`

        error[E0277]: `{integer}` is not a future
         --> cell 1:1:1
          |
        1 | tokio::join!(5, async { 1 })
          | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^ `{integer}` is not a future
          |
          = help: the trait `Future` is not implemented for `{integer}`
          = note: required by a bound in `tokio::future::maybe_done::MaybeDone`
          = note: this error originates in the macro `$crate::join` which comes from the expansion of the macro `pin_project`

        error[E0599]: the method `take_output` exists for struct `Pin<&mut tokio::future::maybe_done::MaybeDone<{integer}>>`, but its trait bounds were not satisfied
         --> cell 1:1:1
          |
        1 | tokio::join!(5, async { 1 })
          | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^ method cannot be called due to unsatisfied trait bounds
          |
          = note: the following trait bounds were not satisfied:
                  `{integer}: Future`
          = note: this error originates in the macro `$crate::join` which comes from the expansion of the macro `tokio::join`"#]],
    );
}

#[test]
fn warnings_show_nothing_of_ours() {
    check(
        &[
            "fn forever(n: u32) -> u32 {\n    forever(n + 1)\n}\nfn ok() -> Result<(), String> { Ok(()) }\nstd::thread::Builder::new().spawn(|| ok());\ntokio::spawn(async { ok(); loop { ok(); tokio::task::yield_now().await } });\nlet f = |x: u32| { ok(); x };",
        ],
        expect![[r#"
            warning: function cannot return without recursing
             --> cell 1:1:1
              |
            1 | fn forever(n: u32) -> u32 {
              | ^^^^^^^^^^^^^^^^^^^^^^^^^ cannot return without recursing
            2 |     forever(n + 1)
              |     -------------- recursive call site
              |
              = help: a `loop` may express intention better if this is on purpose

            warning: unused `Result` that must be used
             --> cell 1:5:1
              |
            5 | std::thread::Builder::new().spawn(|| ok());
              | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
              |
              = note: this `Result` may be an `Err` variant, which should be handled
            help: use `let _ = ...` to ignore the resulting value
              |
            5 | let _ = std::thread::Builder::new().spawn(|| ok());
              | +++++++

            warning: unused `Result` that must be used
             --> cell 1:6:22
              |
            6 | tokio::spawn(async { ok(); loop { ok(); tokio::task::yield_now().await } });
              |                      ^^^^
              |
              = note: this `Result` may be an `Err` variant, which should be handled
            help: use `let _ = ...` to ignore the resulting value
              |
            6 | tokio::spawn(async { let _ = ok(); loop { ok(); tokio::task::yield_now().await } });
              |                      +++++++

            warning: unused `Result` that must be used
             --> cell 1:6:35
              |
            6 | tokio::spawn(async { ok(); loop { ok(); tokio::task::yield_now().await } });
              |                                   ^^^^
              |
              = note: this `Result` may be an `Err` variant, which should be handled
            help: use `let _ = ...` to ignore the resulting value
              |
            6 | tokio::spawn(async { ok(); loop { let _ = ok(); tokio::task::yield_now().await } });
              |                                   +++++++

            warning: unused `Result` that must be used
             --> cell 1:7:20
              |
            7 | let f = |x: u32| { ok(); x };
              |                    ^^^^
              |
              = note: this `Result` may be an `Err` variant, which should be handled
            help: use `let _ = ...` to ignore the resulting value
              |
            7 | let f = |x: u32| { let _ = ok(); x };
              |                    +++++++"#]],
    );
}

#[test]
fn what_does_not_bear_instruments_runs_without() {
    check_plain(
        &[
            "fn spawn(f: &mut dyn FnMut(u32)) { f(1) }\nlet mut s = 0;\nspawn(&mut |x| s += x);\nlet g: &mut dyn FnMut(u32) = &mut |x| s += x;\nspawn(g); spawn(g);\ns",
        ],
        expect!["= 3"],
    );
    check_plain(
        &["macro_rules! join { ($($x:literal),*) => { concat!($($x),*) }; }", "join!(\"a\", \"b\")"],
        expect![[r#"= "ab""#]],
    );
    // What was in the way stays without, and only that.
    let total = "macro_rules! total { ($n:expr) => {{ let mut i = 0; while i < $n { i += 1 } i }}; }\nconst A: u32 = total!(3); fn g() {}";
    check_plain(&[total], expect![""]);
    check(&[total, "fn f() -> u32 { g(); A }"], expect![""]);
    check(&[total, "fn f() -> u32 { g(); A }", "(|| f())()"], expect!["= 3"]);
    check_plain(
        &["#[deny(warnings)] fn f(p: *const u8) -> u8 { unsafe { loop { if !p.is_null() { break *p } } } }", "f(&3)"],
        expect!["= 3"],
    );
}

#[test]
fn places_in_running_code_are_the_cells() {
    check(
        &["fn f() {\n    for i in 0..2 {\n        assert!(i < 1, \"too large\");\n    }\n}\nf()"],
        expect!["panic at cell 1:3: too large"],
    );
    check(
        &[
            "let h = tokio::spawn(async {\n    let at = || (file!(), line!());\n    (at(), line!(), std::panic::Location::caller().line())\n});\nh.await?",
        ],
        expect![[r#"= (("cell 000001", 2), 3, 3)"#]],
    );
    check(
        &[
            "#[track_caller] fn spawn<F: Future>(_: F) -> u32 { std::panic::Location::caller().line() }\n\nlet a =\n    spawn(async {});\n(a, line!())",
        ],
        expect!["= (4, 5)"],
    );
    check(
        &["let r = tokio::spawn(async {\n\n    let v: Vec<u8> = vec![]; v[0]\n}).await;\nr.is_err()"],
        expect![[r#"
            hint for run 1: a task (spawned at cell 1, line 1) panicked at cell 1, line 3:
            index out of bounds: the len is 0 but the index is 0
            = true"#]],
    );
}

#[test]
fn locks_and_what_else_survives_go_back_as_they_were() {
    let define = "use std::sync::{Arc, Mutex, RwLock}; let m = Mutex::new(1); let a = Arc::new(Mutex::new(vec![1])); let r = Arc::new(Arc::new(RwLock::new(2))); let r#fn = Mutex::new(3);";
    run(
        &[define, "*m.lock()? += 1; a.lock()?.push(*r.read()?); let moved = r#fn;", "(m, a.lock()?.len(), r, moved)"],
        expect![[r#"
            = (
                Mutex { data: 2, poisoned: false, .. },
                2,
                RwLock { data: 2, poisoned: false, .. },
                Mutex { data: 3, poisoned: false, .. },
            )"#]],
    );
}
