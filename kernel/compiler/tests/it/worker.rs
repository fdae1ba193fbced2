//! Cells through the compiler and a real worker: what is printed, shown, kept and said.

use expect_test::expect;

use crate::session::{Session, check};

#[test]
fn a_task_of_one_cell_is_awaited_in_the_next() {
    let spawn = "let h = tokio::spawn(async { tokio::time::sleep(std::time::Duration::from_millis(20)).await; 7 });";
    check(&[spawn, "h.await.unwrap()"], expect!["= 7"]);
    check(&[spawn, "h.await.unwrap()", "tokio::spawn(async { 8 }).await?"], expect!["= 8"]);
}

#[test]
fn variables_of_all_patterns_are_kept() {
    check(
        &[
            "struct P { x: i32, y: i32 }\nlet (a, mut b) = (vec![1], String::from(\"x\")); let P { x: px, .. } = P { x: 3, y: 4 };
             let Some(w) = Some(5) else { return }; let late; if w > 3 { late = 1 } else { late = 2 }",
            "b.push('y'); (a, b, px, w, late)",
        ],
        expect![[r#"= ([1], "xy", 3, 5, 1)"#]],
    );
}

#[test]
fn what_borrows_is_kept_and_so_is_the_rest() {
    let cell = "let m = std::sync::Mutex::new(vec![1, 2]); let guard = m.lock().unwrap(); let n = guard.len();";
    check(&[cell, "(guard.len(), m.try_lock().is_err())"], expect!["= (2, true)"]);
    check(&[cell, "drop(guard);", "(n, m.lock()?.len())"], expect!["= (2, 2)"]);
}

#[test]
fn a_loan_that_only_one_main_could_judge_is_refused_in_the_words_of_rustc() {
    // What is pushed would have to live as long as the vector, which lives in the notebook.
    let cells =
        ["let a = String::from(\"a\"); let mut all = vec![a.as_str()];", "let b = String::from(\"b\"); all.push(&b);"];
    let mut session = Session::new();
    session.run(cells[0]);
    let said = session.run(cells[1]);
    assert!(said.starts_with("error[E0597]: `b` does not live long enough"), "{said}");
    assert_eq!(session.run("all.len()").trim(), "= 1");
}

#[test]
fn whatever_a_type_says_of_its_lifetimes() {
    // Invariant by the way it is written, invariant for a reason, and one that lives for ever.
    check(
        &["let s = String::from(\"a,b\"); let mut p = s.split(',');", "p.next();", "(p.next(), s.len())"],
        expect![[r#"= (Some("b"), 3)"#]],
    );
    check(
        &[
            "let s = String::from(\"ab\"); let mut p = s.chars().peekable();",
            "p.next();",
            "(p.peek().copied(), p.next())",
        ],
        expect!["= (Some('b'), Some('b'))"],
    );
    check(
        &[
            "let s = String::from(\"ab\"); let c = std::cell::Cell::new(s.as_str());",
            "c.set(&s[1..]);",
            "(c.get(), s.len())",
        ],
        expect![[r#"= ("b", 2)"#]],
    );
    check(
        &["let mut v: Vec<&'static str> = vec![]; let r = &mut v;", "r.push(\"x\");", "drop(r);", "v.push(\"y\"); v"],
        expect![[r#"= ["x", "y"]"#]],
    );
}

#[test]
fn what_is_written_into_a_shared_place_lives_as_long_as_that() {
    // `c` and `d` are one cell; `d` still sees what came through `c` when `c` is gone.
    check(
        &[
            "use std::{cell::Cell, rc::Rc}; let s = String::from(\"first\"); let c = Rc::new(Cell::new(s.as_str())); let d = c.clone();",
            "let t = String::from(\"second\"); let u = t.as_str();",
            "c.set(u);",
            "drop(c); let u = 1;",
            "let t = vec![0_u8; 64];",
            "d.get()",
        ],
        expect![[r#"= "second""#]],
    );
}

#[test]
fn an_error_that_borrows_costs_no_variable() {
    check(
        &["let m = std::sync::Mutex::new(vec![1]);", "let n = m.lock()?.len(); let s = 2;", "(n, s)"],
        expect!["= (1, 2)"],
    );
}

#[test]
fn closures_and_async_blocks_that_borrow_run_in_their_cell() {
    check(
        &[
            "let x = 3; let mut n = 0; let f = |y| x + y; let g = async { x }; let mut h = || n += 1; h(); (f(1), g.await)",
        ],
        expect!["= (4, 3)"],
    );
    check(&["let x = 3; let f = async { x };", "let f2 = || x; f2()"], expect!["= 3"]);
    check(&["let k = std::sync::Mutex::new(1); *k.lock()? += 1;", "*k.lock()?"], expect!["= 2"]);
}

#[test]
fn a_lock_of_stdout_does_not_outlive_its_cell() {
    let lock = "use std::io::Write; let mut out = std::io::stdout().lock(); writeln!(out, \"mine\")?;";
    check(
        &[lock, "std::thread::spawn(|| println!(\"another\")).join().is_ok()"],
        expect![[r"
            another
            = true"]],
    );
}

#[test]
fn rustc_says_where_an_earlier_cell_moved_a_variable() {
    check(
        &["let v = vec![1];", "let w = v; w.len()", "v.len()"],
        expect![[r"
            error[E0382]: borrow of moved value: `v`
             --> cell 3:1:1
              |
            1 | v.len()
              | ^ value borrowed here after move
              |
             ::: cell 2:1:9
              |
            1 | let w = v; w.len()
              |         - value moved here"]],
    );
}

#[test]
fn a_failing_cell_loses_no_earlier_variable() {
    let panics = "let x = v.len(); assert!(x > 1, \"too short\");";
    check(&["let v = vec![1];", panics], expect!["panic at cell 2:1: too short"]);
    check(&["let v = vec![1];", panics, "v"], expect!["= [1]"]);
    check(&["let v = vec![1];", "\"a\".parse::<i32>()?;", "v"], expect!["= [1]"]);
}

#[test]
fn statics_live_on_through_later_generations() {
    let define = "use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};\nstatic COUNT: AtomicUsize = AtomicUsize::new(0);
        fn bump() -> usize { static INNER: AtomicUsize = AtomicUsize::new(0); INNER.fetch_add(1, SeqCst); COUNT.fetch_add(1, SeqCst) + 10 * INNER.load(SeqCst) }";
    check(
        &[define, "bump()", "fn more() {}", "bump()", "static S: &str = \"s\"; (bump(), COUNT.load(SeqCst), S)"],
        expect![[r#"= (32, 3, "s")"#]],
    );
    check(
        &[
            "thread_local! { static T: std::cell::Cell<i32> = std::cell::Cell::new(1); }\nT.set(5);",
            "fn more() {}",
            "fn yet() {}\nT.get()",
        ],
        expect!["= 5"],
    );
}

#[test]
fn a_redefined_type_drops_its_variables_and_sets_aside_what_no_longer_fits() {
    check(
        &[
            "struct P { x: i32 }\nlet all = vec![P { x: 1 }]; let n = 1;",
            "fn width(p: &P) -> i32 { p.x }",
            "struct P { y: i32 }",
        ],
        expect![[r"
            note: `width` of cell 2 does not fit what this cell defines and was set aside (E0609: no field `x` on type `&P`); change its cell and run it again
            note: `all` was dropped: its type `Vec<P>` was redefined"]],
    );
}

#[test]
fn a_cell_that_is_run_again_replaces_what_it_defined() {
    let mut session = Session::new();
    session.run("struct S(i32);");
    session.run_as("impl S { fn get(&self) -> i32 { 1 } }", Some("id"));
    session.run_as("impl S { fn get(&self) -> i32 { 2 } }", Some("id"));
    expect!["= 2"].assert_eq(&session.run("S(0).get()"));
    session.run_as("impl std::fmt::Display for S { fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result { write!(f, \"s\") } }", None);
    session.run_as("impl std::fmt::Display for S { fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result { write!(f, \"t\") } }", None);
    expect!["= \"t\""].assert_eq(&session.run("S(0).to_string()"));
}

#[test]
fn half_written_cells_are_told_where_they_stop() {
    check(
        &["let a = std::"],
        expect![[r"
            error: expected identifier, found the end of the cell
             --> cell 1:1:14
              |
            1 | let a = std::
              |              ^ expected identifier"]],
    );
}

#[test]
fn macros_that_stand_for_items_are_items() {
    let define = "macro_rules! dish { ($name:ident) => { #[derive(Debug)] struct $name; }; }\ndish!(Curry);";
    check(&[define, "Curry"], expect!["= Curry"]);
}

#[test]
fn a_future_that_is_never_awaited_is_told() {
    check(
        &["async fn greet() {}\ngreet();"],
        expect![[r"
            warning: unused implementer of `Future` that must be used
             --> cell 1:2:1
              |
            2 | greet();
              | ^^^^^^^
              |
              = note: futures do nothing unless you `.await` or poll them"]],
    );
    check(
        &["async fn greet() {}", "greet()"],
        expect![[r"
            = a future of `()` that has not run: futures do nothing until they are awaited.
            Add `.await` to run it here, or give it to `tokio::spawn` to run it in the background."]],
    );
}

#[test]
fn a_pasted_main_says_how_it_is_run() {
    check(
        &["#[tokio::main]\nasync fn main() { println!(\"hi\"); }"],
        expect![
            "note: `main` is an ordinary async function here, and the cell already runs on the kernel's runtime: run it with `main().await`"
        ],
    );
    check(&["#[tokio::main]\nasync fn main() { println!(\"hi\"); }", "main().await"], expect!["hi"]);
}
