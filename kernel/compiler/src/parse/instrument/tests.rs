//! Text in, instrumented text out.

use std::collections::BTreeSet;

use expect_test::{Expect, expect};

use super::{Checkpoint, Form};
use crate::source_map::{Edits, Generated};

mod waits;

fn instrumented(text: &str, form: Form) -> String {
    let parsed = crate::parse::parse(text, &BTreeSet::new()).unwrap();
    let mut edits = Edits::default();
    edits.extend(&parsed.instruments.edits(form));
    for item in parsed.items.iter().filter(|item| item.kind != crate::parse::ItemKind::Macro) {
        edits.extend(&item.instruments.edits(form));
    }
    let mut generated = Generated::default();
    edits.copy(&mut generated, text, 0..text.len());
    let short = generated.text().replace("::kissaten::__cell::check();", "CHECK;");
    short.replace("::kissaten::__cell::", "").replace("::kissaten::", "")
}

#[track_caller]
fn check(text: &str, expected: Expect) {
    expected.assert_eq(&instrumented(
        text,
        Form { checkpoint: Checkpoint::Call, chunks: false, timeline: false, shares_tasks: true },
    ));
}

#[test]
fn bodies_begin_with_a_checkpoint() {
    check(
        "fn a() { loop { break } }\nfn b<T>(x: T) -> T\nwhere T: Copy\n{\n    while c() {}\n    for _ in 0..3 { d(); }\n    x\n}",
        expect![[r#"
            fn a() {CHECK;  loop {CHECK;  break } }
            fn b<T>(x: T) -> T
            where T: Copy
            {CHECK; 
                while c() {CHECK; }
                for _ in 0..3 {CHECK;  d(); }
                x
            }"#]],
    );
    check(
        "impl A { async fn a(&self) { b() } unsafe fn b() { c!() } }\ntrait B { fn a(&self) -> u8 { 1 } fn b(&self); }\nimpl B for A { fn b(&self) {} }\nmod m { pub(super) fn c() { fn d() { e() } } }",
        expect![[r#"
            impl A { async fn a(&self) {CHECK;  b() } unsafe fn b() {CHECK;  c!() } }
            trait B { fn a(&self) -> u8 {CHECK;  1 } fn b(&self); }
            impl B for A { fn b(&self) {CHECK; } }
            mod m { pub(super) fn c() {CHECK;  fn d() {CHECK;  e() } } }"#]],
    );
    check(
        "'a: loop { let x = 'b: while let Some(x) = y { break 'a; }; }",
        expect!["'a: loop {CHECK;  let x = 'b: while let Some(x) = y {CHECK;  break 'a; }; }"],
    );
    check(
        "fn f() {\n    #![allow(unused)]\n    //! words\n    g();\n}",
        expect![[r#"
            fn f() {
                #![allow(unused)]
                //! words
                CHECK; g();
            }"#]],
    );
    check("for x in (|| y)() {}", expect!["for x in (|| { CHECK; (y) })() {CHECK; }"]);
}

#[test]
fn closures_become_blocks() {
    check(
        "let f = |x| x + 1; let g = move |x: u8| -> u8 { x }; let h = async || {}; let i = async move |a| b;",
        expect![
            "let f = |x| { CHECK; (x + 1) }; let g = move |x: u8| -> u8 {CHECK;  x }; let h = async || {CHECK; }; let i = async move |a| { CHECK; (b) };"
        ],
    );
    check(
        "v.iter().map(|a| |b| unsafe { c(a) } < b).filter(|_| match d { _ => true } as bool)",
        expect![
            "v.iter().map(|a| { CHECK; (|b| { CHECK; (unsafe { c(a) } < b) }) }).filter(|_| { CHECK; (match d { _ => true } as bool) })"
        ],
    );
    check("|| println!(\"喫\"); || return", expect![[r#"|| { CHECK; (println!("喫")) }; || { CHECK; (return) }"#]]);
}

#[test]
fn what_the_compiler_runs_and_what_cannot_be_left_has_no_checkpoint() {
    for text in [
        "const fn f() { while a {} loop {} }",
        "const A: u8 = { loop { break 1 } }; static B: L = L::new(|| 1);",
        "enum E { A = { loop { break 1 } } }",
        "let a: [u8; { loop { break 1 } }] = [0; { loop { break 1 } }];",
        "let a = const { loop { break 1 } }; f::<{ loop { break 1 } }>();",
        "extern \"C\" fn f() { loop {} || 1; } extern fn g() { for _ in a {} }",
        "#[unsafe(naked)] fn f() { naked_asm!(\"ret\") }",
        "#[some::attribute] fn f() { loop {} }",
        "fn f(&self, x: f64) -> Option<f64> { if x > 1.0 { return None } Some(self.y.max(x).sqrt() + self.v[0]) }",
        "impl A { fn new(x: u8) -> Self { Self { x, y: B(1) } } }",
        "dbg!(|| 1); assert!(v.all(|x| x)); stringify!(|| 1); unknown!(loop {})",
    ] {
        assert_eq!(
            instrumented(
                text,
                Form { checkpoint: Checkpoint::Call, chunks: false, timeline: true, shares_tasks: true }
            ),
            text
        );
    }
    check(
        "extern \"Rust\" fn f() { g() } extern \"C\" fn g() { fn h() { f() } }",
        expect![[r#"extern "Rust" fn f() {CHECK;  g() } extern "C" fn g() { fn h() {CHECK;  f() } }"#]],
    );
}

#[test]
fn arguments_of_known_macros_are_looked_into() {
    check(
        "println!(\"{} {a}\", v.map(|x| x), a = || 1); vec![|| 1, || 2]; vec![|| 1; n]; assert!(v.all(|x| x), \"\");",
        expect![[
            r#"println!("{} {a}", v.map(|x| { CHECK; (x) }), a = || { CHECK; (1) }); vec![|| { CHECK; (1) }, || { CHECK; (2) }]; vec![|| { CHECK; (1) }; n]; assert!(v.all(|x| { CHECK; (x) }), "");"#
        ]],
    );
    check("matches!(f(|| 1), Some(x) if x > 1)", expect!["matches!(f(|| { CHECK; (1) }), Some(x) if x > 1)"]);
    check(
        "tokio::select! {\n    biased;\n    Some(x) = f(|| 1), if g(|| 2) => { loop {} }\n    _ = a => || 1,\n    else => tokio::spawn(b),\n}",
        expect![[r#"
            tokio::select! {
                biased;
                Some(x) = arm({ note(some(2, &[{ use awaits::*; (&&Awaits(&a)).key() }]), &"tokio::select! { biased; Some(x) = f(|| 1), if g(|| 2) => {…"); 0 }, f(|| { CHECK; (1) }), &"f(|| 1)"), if g(|| { CHECK; (2) }) => { loop {CHECK; } }
                _ = a => || { CHECK; (1) },
                else => __spawned!(tokio::spawn(__task!(b))),
            }"#]],
    );
}

#[test]
fn loops_in_what_a_macro_writes() {
    check(
        "macro_rules! m {\n    (loop { $($t:tt)* }) => { loop { $($t)* } while x(S {}) { } while let Some(_) = $e { 1 } for i in $e { } };\n    ($t:ty) => { impl A for $t { fn f<F: for<'a> B<'a>>() { o!(loop {}); while match a { _ => b } { } if !a { loop { } } } } };\n    (const) => { const fn f() { loop {} } };\n}",
        expect![[r#"
            macro_rules! m {
                (loop { $($t:tt)* }) => { loop {CHECK;  $($t)* } while x(S {}) {CHECK;  } while let Some(_) = $e {CHECK;  1 } for i in $e {CHECK;  } };
                ($t:ty) => { impl A for $t { fn f<F: for<'a> B<'a>>() { o!(loop {}); while match a { _ => b } { } if !a { loop {CHECK;  } } } } };
                (const) => { const fn f() { loop {} } };
            }"#]],
    );
}

#[test]
fn what_is_spawned_is_wrapped() {
    check(
        "let h = tokio::spawn(async { 1 }); tokio::spawn(f(x)).await?; return spawn(x)",
        expect![[
            r#"let h = __spawned!(tokio::spawn(__task!(async { 1 }))); at(__spawned!(tokio::spawn(__task!(f(x)))), &"tokio::spawn(f(x))").await?; return __spawned!(spawn(__lane!(x)))"#
        ]],
    );
    check(
        "set.spawn(a).abort(); set.spawn_on(b, &h); set.spawn_blocking(|| 1); rt().spawn_blocking(f)",
        expect![
            "__spawned!(set.spawn(__lane!(a))).abort(); __spawned!(set.spawn_on(__lane!(b), &h)); __spawned!(set.spawn_blocking(carry(|| { CHECK; (1) }))); __spawned!(rt().spawn_blocking(carry(f)))"
        ],
    );
    check(
        "tokio::task::block_in_place(|| f()) + thread::spawn(f).join()?",
        expect!["tokio::task::block_in_place(carry(|| { CHECK; (f()) })) + thread::spawn(carry(f)).join()?"],
    );
    check(
        "thread::scope(|s| { s.spawn(|| v.len()); s.spawn(|_| 1); Builder::new().spawn_scoped(s, || 1) })",
        expect![
            "thread::scope(|s| {CHECK;  s.spawn(carry(|| { CHECK; (v.len()) })); s.spawn(|_| { CHECK; (1) }); Builder::new().spawn_scoped(s, carry(|| { CHECK; (1) })) })"
        ],
    );
    check(
        "tokio::spawn(async move { tokio::spawn(inner()).await })",
        expect![[
            r#"__spawned!(tokio::spawn(__task!(async move { at(__spawned!(tokio::spawn(__task!(inner()))), &"tokio::spawn(inner())").await })))"#
        ]],
    );
    check(
        "tokio::task::spawn(a); task::spawn(b); tasks::spawn(c); tokio::spawn(|| 1)",
        expect![
            "__spawned!(tokio::task::spawn(__task!(a))); __spawned!(task::spawn(__task!(b))); __spawned!(tasks::spawn(__lane!(c))); tokio::spawn(carry(|| { CHECK; (1) }))"
        ],
    );
    let form = Form { checkpoint: Checkpoint::None, chunks: false, timeline: false, shares_tasks: false };
    assert_eq!(instrumented("tokio::spawn(a)", form), "__spawned!(tokio::spawn(__lane!(a)))");
    check(
        "vec![tokio::spawn(a)]; pool.spawn(async || 1)",
        expect!["vec![__spawned!(tokio::spawn(__task!(a)))]; pool.spawn(async || { CHECK; (1) })"],
    );
    for text in ["Command::new(a).spawn()?", "tokio::spawn::<F>(f)", "spawn", "spawner(x)"] {
        assert_eq!(
            instrumented(
                text,
                Form { checkpoint: Checkpoint::Call, chunks: false, timeline: true, shares_tasks: true }
            ),
            text
        );
    }
}

#[test]
fn tight_loops_over_ranges_have_checkpoints_in_some_rounds() {
    let chunks = Form { checkpoint: Checkpoint::Call, chunks: true, timeline: false, shares_tasks: true };
    let check = |text: &str, expected: Expect| expected.assert_eq(&instrumented(text, chunks));
    check(
        "for i in 0..n { s ^= i.wrapping_mul(3); if s > i { continue } }\nfor _ in a.len()..f64::max(b, c) as usize {}",
        expect![[r#"
            for __kissaten_chunk in chunks(0..n) {for i in __kissaten_chunk { s ^= i.wrapping_mul(3); if s > i { continue } }}
            for __kissaten_chunk in chunks(a.len()..f64::max(b, c) as usize) {for _ in __kissaten_chunk {}}"#]],
    );
    check(
        "for i in 0..n {\n    for mut j in 0..n {\n        v[i][j] += Some(j).unwrap();\n    }\n}",
        expect![[r#"
        for i in 0..n {CHECK; 
            for __kissaten_chunk in chunks(0..n) {for mut j in __kissaten_chunk {
                v[i][j] += Some(j).unwrap();
            }}
        }"#]],
    );
    for text in [
        "for i in 0..n { if v[i] { break } }",
        "for i in 0..n { f(i) }",
        "for i in 0..n { v[i].load() }",
        "for i in 0..n { println!() }",
        "for i in 0..=n { s += i }",
        "for i in 0.. { s += i }",
        "for (i, j) in 0..n { s += i }",
        "'a: for i in 0..n { continue 'a }",
        "for i in 0..n { g.await }",
        "for i in 0..n { s += (|| i)() }",
        "for i in v { s += i }",
    ] {
        assert!(!instrumented(text, chunks).contains("chunk"), "{text}");
    }
}

#[test]
fn tight_loops_that_count_have_checkpoints_in_some_rounds() {
    let chunks = Form { checkpoint: Checkpoint::Call, chunks: true, timeline: false, shares_tasks: true };
    let check = |text: &str, expected: Expect| expected.assert_eq(&instrumented(text, chunks));
    check(
        "while i < n { s = s.wrapping_mul(31).wrapping_add(i); i += 1 }",
        expect!["while i < n {for _ in rounds(i, n, 1, false) { s = s.wrapping_mul(31).wrapping_add(i); i += 1 }}"],
    );
    check(
        "while i <= 1_000u8 {\n    v[i] ^= n; *t += v[i].max(i.pow(2));\n    i += 3;\n}",
        expect![[r#"
        while i <= 1_000u8 {for _ in rounds(i, 1_000u8, 3, true) {
            v[i] ^= n; *t += v[i].max(i.pow(2));
            i += 3;
        }}"#]],
    );
    check(
        "while r#in < v.len() { if v[r#in] > 2 { return } v[0] = 1; r#in += 0x2_usize; }",
        expect![
            "while r#in < v.len() {for _ in rounds(r#in, v . len (), 0x2_usize, false) { if v[r#in] > 2 { return } v[0] = 1; r#in += 0x2_usize; }}"
        ],
    );
    check(
        "while a { while i < n { let (x, ref y) = w; z.0 = f64::from(*x); v[i].swap(&mut w[0]); i += 1 } }",
        expect![
            "while a {CHECK;  while i < n {for _ in rounds(i, n, 1, false) { let (x, ref y) = w; z.0 = f64::from(*x); v[i].swap(&mut w[0]); i += 1 }} }"
        ],
    );
    check(
        "unsafe { f() } unsafe fn f() { fn g() { while i < N { i += 1 } } }",
        expect![
            "unsafe { f() } unsafe fn f() {CHECK;  fn g() {CHECK;  while i < N {for _ in rounds(i, N, 1, false) { i += 1 }} } }"
        ],
    );
    for text in [
        "while i < n {}",
        "while i < n { s += 1 }",
        "while i < n { i += 0 }",
        "while i < n { i += k }",
        "while i < n { i -= 1 }",
        "while i < n { i += 1; s += i }",
        "while i < n + 1 { i += 1 }",
        "while i < 1.0 { i += 1 }",
        "while i > n { i += 1 }",
        "while i != n { i += 1 }",
        "while *i < n { *i += 1 }",
        "while a.i < n { a.i += 1 }",
        "while i < n && a { i += 1 }",
        "while i < i { i += 1 }",
        "'a: while i < n { i += 1 }",
        "while i < n { if v[i] { break } i += 1 }",
        "while i < n { if v[i] { continue } i += 1 }",
        "while i < n { f(i); i += 1 }",
        "while i < n { f().await; i += 1 }",
        "while i < n { s += (|| i)(); i += 1 }",
        "while i < n { i *= 2; i += 1 }",
        "while i < n { n -= 1; i += 1 }",
        "while i < n { (s, n) = (n, s); i += 1 }",
        "while i < n { r = &mut n; i += 1 }",
        "while i < n { r = (&mut (i)).min(r); i += 1 }",
        "while i < n { n.push(1); i += 1 }",
        "while i < n { let i = 3; i += 1 }",
        "while i < n { let ref mut r = s; i += 1 }",
        "while i < n { match s { n => s += n } i += 1 }",
        "while i < n { unsafe { *p += 1 } i += 1 }",
        "unsafe { while i < n { *p += 1; i += 1 } }",
        "unsafe fn f() { while i < n { *p += 1; i += 1 } }",
        "while i < v.len() { s += 1; i += 1 }",
        "while i < v.len() { s += v[i]; v = w; i += 1 }",
        "while i < v.len() { s += v[i]; v.take(); i += 1 }",
        "while i < v.len() { s += v[i]; v.w.take(); i += 1 }",
        "while i < v.w.len() { s += v.w[i]; i += 1 }",
        "extern \"C\" fn f() { while i < n { i += 1 } }",
    ] {
        assert!(!instrumented(text, chunks).contains("rounds"), "{text}");
    }
}

#[test]
fn the_form_follows_the_level_and_what_the_cell_forbids() {
    let of = |level, text| Form::new(level, false, text).checkpoint;
    assert_eq!([0, 1, 2, 3].map(|level| of(level, "")), {
        [Checkpoint::Read, Checkpoint::Call, Checkpoint::None, Checkpoint::None]
    });
    assert_eq!(of(0, "#[forbid(unsafe_code)] fn f() {}"), Checkpoint::Call);
    expect!["loop {if unsafe { CHECK } { checkpoint(); } }"]
        .assert_eq(&instrumented("loop {}", Form::new(0, false, "")));
}

#[test]
fn places_in_and_behind_what_is_inserted_are_the_users() {
    let text = "a(); tokio::spawn(b);";
    let parsed = crate::parse::parse(text, &BTreeSet::new()).unwrap();
    let mut generated = Generated::default();
    parsed.instruments.edits(Form::new(0, false, text)).copy(&mut generated, text, 0..text.len());
    let at = |words| generated.user_offset(generated.text().find(words).unwrap());
    assert_eq!(at("::kissaten::__spawned!"), text.find("tokio"));
    assert_eq!(at("spawned!"), text.find("tokio"));
    assert_eq!(at("task!"), text.find("b)"));
    assert_eq!(at("));"), text.rfind(");"));
    assert_eq!(generated.user_offset(generated.text().len() - 1), Some(text.len() - 1));
}

#[test]
fn the_stop_button_is_heard_where_it_is_awaited() {
    check(
        "tokio::select! { _ = tokio::signal::ctrl_c() => 1, _ = f(ctrl_c()) => 2 }; ctrl_c(3); a.ctrl_c();",
        expect![[
            r#"tokio::select! { _ = at_key(SOME + 2, ctrl_c(tokio::signal::ctrl_c()), &"tokio::select! { _ = tokio::signal::ctrl_c() => 1, _ = f(ctr…") => 1, _ = arm(0, f(ctrl_c(ctrl_c())), &"f(ctrl_c())") => 2 }; ctrl_c(3); a.ctrl_c();"#
        ]],
    );
}

#[test]
fn what_may_set_a_logger_is_known_by_its_name() {
    check(
        "fmt().init(); a::b::init(); init(); app.init(1); x(subscriber::set_global_default(f())?); try_init().init().c();",
        expect![
            "__logger!(fmt().init()); __logger!(a::b::init()); init(); app.init(1); \
             x(__logger!(subscriber::set_global_default(f()))?); __logger!(try_init().init()).c();"
        ],
    );
}
