use super::*;
use crate::parse::parse;
use expect_test::{Expect, expect};
use std::collections::BTreeSet;

/// The plans that a text gives by itself.
#[track_caller]
fn check(text: &str, expected: Expect) {
    let parsed = parse(text, &BTreeSet::new()).unwrap();
    let variables = Variables(parsed.bindings.iter().map(|bound| bound.name.clone()).collect());
    let plans = parsed.bindings.iter().filter_map(|bound| {
        let plan = of_text(&bound.make, bound.mutable, &variables)?;
        Some(format!("{}: {}", bound.name, words(&plan)))
    });
    expected.assert_eq(&plans.collect::<Vec<_>>().join("\n"));
}

fn words(plan: &Plan) -> String {
    match plan {
        Plan::AsItIs => "as it is".to_owned(),
        Plan::Lazy { .. } => "lazy".to_owned(),
        Plan::Call(callable) => {
            let (kind, parameters) = (callable.kind, callable.parameters.join(", "));
            let output = if callable.output.does_nothing() { "_".to_owned() } else { words(&callable.output) };
            format!("{}{kind:?}({parameters}) -> {output}", callable.holder.unwrap_or_default())
        }
        Plan::Tuple(all) => format!("({})", all.iter().map(words).collect::<Vec<_>>().join(", ")),
        Plan::Vec(inner) => format!("vec of {}", words(inner)),
        Plan::Mapped(inner) => format!("map of {}", words(inner)),
        Plan::Object { .. } | Plan::Coerced(_) | Plan::Held(..) => unreachable!("no text gives it"),
    }
}

#[test]
fn a_text_shows_what_has_no_name() {
    check(
        "let a = async {}; let b = brew(); let c = Box::pin(brew()); let d = it.map(|x| x).rev(); let e = timeout(d, async {});",
        expect![[r#"
            a: lazy
            b: lazy
            c: lazy
            d: lazy
            e: lazy"#]],
    );
    check(
        "let k = 1; let f = |x: i32| x; let g = |x: i32| x + k; let mut h = || k; let i = |k: u8| k; let j = Box::new(|| k); \
         let l = |x| async move { x }; let m = |x| move |y: i32| x + y; let n = async |x: u32| x;",
        expect![[r#"
            f: Pointer(i32) -> _
            g: Fn(i32) -> _
            h: FnMut() -> _
            i: Pointer(u8) -> _
            j: BoxFn() -> _
            l: Fn(_) -> lazy
            m: Fn(_) -> Pointer(i32) -> _
            n: Fn(u32) -> _"#]],
    );
    check(
        "let a = (1, brew()); let (b, c) = (brew(), 2); let d = vec![brew()]; let e = [|| 1]; let f = Some(async {});",
        expect![[r#"
            a: (as it is, lazy)
            b: lazy
            d: vec of lazy
            e: map of Pointer() -> _
            f: map of lazy"#]],
    );
}

#[test]
fn a_text_that_shows_nothing_is_left_alone() {
    check(
        "let a = tokio::spawn(async {}); let b = it.map(|x| x).collect::<Vec<_>>(); let c: Box<dyn Fn()> = Box::new(|| ()); \
         let d = brew().await; let e = make(|x| x); let f = v.iter().rev(); let g = (1, 2);",
        expect![[""]],
    );
}

#[test]
fn boxes_are_shown_as_what_is_in_them() {
    let check = |short: &str, expected: &str| assert_eq!(shown(short), expected);
    check("Pin<Box<dyn Future<Output = u32> + Send>>", "impl Future<Output = u32>");
    check("(Box<dyn Fn(i32) -> i32 + Send + Sync>, i32)", "(impl Fn(i32) -> i32, i32)");
    check("Vec<Box<dyn for<'a> Fn(&'a str) -> usize + Send + Sync>>", "Vec<impl Fn(&str) -> usize>");
    check(
        "Arc<dyn Fn() -> Pin<Box<dyn Future<Output = ()> + Send>> + Send>",
        "Arc<impl Fn() -> impl Future<Output = ()>>",
    );
    check("Box<dyn DoubleEndedExact<Item = u8> + Send>", "impl DoubleEndedIterator<Item = u8> + ExactSizeIterator");
    check("Peekable<Box<dyn Iterator<Item = u8>>>", "Peekable<impl Iterator<Item = u8>>");
    check("&(dyn Fn(u8) -> u8 + Send + Sync)", "impl Fn(u8) -> u8");
    check("for<'a> fn(&'a str) -> usize", "fn(&str) -> usize");
}
