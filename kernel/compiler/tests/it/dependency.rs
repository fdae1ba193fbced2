//! Dependencies through the compiler and a real worker: packages of the user's own, so that nothing is fetched.

use std::path::Path;

use build::{Change, DependencyError, Progress};
use expect_test::{Expect, expect};
use tokio_util::sync::CancellationToken;

use crate::session::Session;

/// A package with this source, and further lines in its Cargo.toml.
fn package(folder: &Path, name: &str, source: &str, more: &str) {
    let folder = folder.join(name);
    std::fs::create_dir_all(folder.join("src")).unwrap();
    let manifest = format!("[package]\nname = \"{name}\"\nversion = \"0.3.1\"\nedition = \"2024\"\n{more}");
    std::fs::write(folder.join("Cargo.toml"), manifest).unwrap();
    std::fs::write(folder.join("src/lib.rs"), source).unwrap();
}

/// A session that is offline, and a folder for packages.
fn begin() -> (Session, tempfile::TempDir) {
    let mut session = Session::new();
    session.notebook.set_offline(true);
    (session, tempfile::tempdir().unwrap())
}

/// Does what `:dep` does; what has come of it, as text.
fn depend(session: &mut Session, folder: &Path, line: &str) -> String {
    let change = Change::from_line(line, folder).unwrap();
    match session.change_dependencies(&change, &CancellationToken::new()) {
        Ok(changed) => {
            let restart = changed.restart.map(|restart| {
                session.restart_worker();
                format!("; lost {}: {}", restart.lost.join(", "), restart.reason)
            });
            let mut answer = format!("+[{}] -[{}]", changed.added.join(", "), changed.removed.join(", "));
            answer.push_str(&restart.unwrap_or_default());
            for line in changed.notes.iter().chain(&changed.warnings).chain(&changed.refused) {
                answer.push_str(&format!("\n{line}"));
            }
            session.forget.extend(changed.lost);
            answer
        }
        Err(error) => error.to_string().replace(&*folder.to_string_lossy(), "FOLDER"),
    }
}

#[track_caller]
fn check(answer: &str, expected: Expect) {
    expected.assert_eq(answer);
}

#[test]
fn a_dependency_is_used_and_its_types_are_kept() {
    let (mut session, folder) = begin();
    package(
        folder.path(),
        "menu",
        "#[derive(Debug, Clone)] pub struct Dish(pub u8); pub fn dish() -> Dish { Dish(3) }",
        "",
    );
    session.run("let before = vec![1]; struct Own;");
    check(&depend(&mut session, folder.path(), "menu = { path = \"menu\" }"), expect!["+[menu 0.3.1] -[]"]);
    check(&session.run("let d = menu::dish(); struct Order { dish: menu::Dish }"), expect![""]);
    check(&session.run("let o = Order { dish: d.clone() }; (d, o.dish.0, before)"), expect!["= (Dish(3), 3, [1])"]);
    check(
        &session.run("fn more() -> u8 { o_dish(&menu::dish()) }\nfn o_dish(d: &menu::Dish) -> u8 { d.0 + 1 }"),
        expect![""],
    );
    check(&session.run("more()"), expect!["= 4"]);
    check(&depend(&mut session, folder.path(), "-menu"), expect!["+[] -[menu]"]);
    assert!(session.run("menu::dish()").contains("E0433"));
    check(&depend(&mut session, folder.path(), "-menu"), expect!["`menu` is no dependency; `:show_deps` lists them"]);
}

#[test]
fn one_static_for_all_cells_also_after_more_dependencies() {
    let (mut session, folder) = begin();
    let counter = "use std::sync::atomic::*; static N: AtomicU8 = AtomicU8::new(0); pub fn next() -> u8 { N.fetch_add(1, Ordering::SeqCst) }";
    package(folder.path(), "counter", counter, "");
    package(
        folder.path(),
        "other",
        "pub fn twice() -> u8 { counter::next(); counter::next() }",
        "[dependencies]\ncounter = { path = \"../counter\" }",
    );
    depend(&mut session, folder.path(), "counter = { path = \"counter\" }");
    check(&session.run("counter::next()"), expect!["= 0"]);
    check(&depend(&mut session, folder.path(), "other = { path = \"other\" }"), expect!["+[other 0.3.1] -[]"]);
    check(&session.run("(other::twice(), counter::next())"), expect!["= (2, 3)"]);
}

#[test]
fn tokio_is_the_sessions() {
    let (mut session, folder) = begin();
    let source =
        "pub fn spawn() -> tokio::task::JoinHandle<u8> { tokio::spawn(async { tokio::task::yield_now().await; 7 }) }";
    package(folder.path(), "cook", source, "[dependencies]\ntokio = { version = \"1\", features = [\"rt\"] }");
    session.run("let mine = tokio::spawn(async { 1 });");
    check(&depend(&mut session, folder.path(), "cook = { path = \"cook\" }"), expect!["+[cook 0.3.1] -[]"]);
    check(&session.run("let theirs = cook::spawn();"), expect![""]);
    check(&session.run("(theirs.await?, mine.await?)"), expect!["= (7, 1)"]);
}

#[test]
fn a_macro_may_have_another_tokio() {
    let (mut session, folder) = begin();
    let source =
        "#[proc_macro] pub fn price(_: proc_macro::TokenStream) -> proc_macro::TokenStream { \"3\".parse().unwrap() }";
    let more = "[lib]\nproc-macro = true\n[dependencies]\ntokio = { version = \"1\", default-features = false }";
    package(folder.path(), "menu", source, more);
    check(&depend(&mut session, folder.path(), "menu = { path = \"menu\" }"), expect!["+[menu 0.3.1] -[]"]);
    check(&session.run("menu::price!()"), expect!["= 3"]);
}

#[test]
fn cells_call_what_a_crate_brings_in_c() {
    let (mut session, folder) = begin();
    let source = "unsafe extern \"C\" { fn add(a: i32, b: i32) -> i32; static mut calls: i32; }
        #[inline] pub fn sum<T: Into<i32>>(a: T, b: T) -> (i32, i32) { unsafe { (add(a.into(), b.into()), calls) } }
        pub fn total(all: &[i32]) -> i32 { all.iter().fold(0, |a, b| sum(a, *b).0) }";
    package(folder.path(), "abacus", source, "");
    let folder_of = folder.path().join("abacus");
    std::fs::write(folder_of.join("add.c"), "int calls; int add(int a, int b) { calls++; return a + b; }").unwrap();
    let script = r#"
        use std::process::Command;
        fn main() {
            let out = std::env::var("OUT_DIR").unwrap();
            let (object, library) = (format!("{out}/add.o"), format!("{out}/libabacus.a"));
            assert!(Command::new("cc").args(["-fPIC", "-c", "add.c", "-o", &object]).status().unwrap().success());
            assert!(Command::new("ar").args(["rcs", &library, &object]).status().unwrap().success());
            println!("cargo::rustc-link-search=native={out}");
            println!("cargo::rustc-link-lib=static=abacus");
        }"#;
    std::fs::write(folder_of.join("build.rs"), script).unwrap();
    depend(&mut session, folder.path(), "abacus = { path = \"abacus\" }");
    // What is compiled into the cell calls the same library as what the crate calls itself.
    check(&session.run("(abacus::total(&[1, 2, 3]), abacus::sum(1, 2))"), expect!["= (6, (3, 4))"]);
}

#[test]
fn a_chart_and_a_frame_show_as_they_are_meant() {
    let (mut session, folder) = begin();
    let charming = "#[derive(Debug)] pub struct Chart;
        pub struct HtmlRenderer(String, u64, u64);
        impl HtmlRenderer {
            pub fn new<S: Into<String>>(title: S, width: u64, height: u64) -> Self { Self(title.into(), width, height) }
            pub fn render(&self, _: &Chart) -> Result<String, ()> { Ok(format!(\"<p>{}</p>\", self.0)) }
        }";
    package(folder.path(), "charming", charming, "");
    depend(&mut session, folder.path(), "charming = { path = \"charming\" }");
    check(&session.run("charming::Chart"), expect!["= a chart, which a browser draws"]);
    // Of a version that is otherwise, values show as any others.
    package(folder.path(), "polars", "#[derive(Debug)] pub struct Frame(pub i32);", "");
    depend(&mut session, folder.path(), "polars = { path = \"polars\" }");
    check(&session.run("(polars::Frame(1), 2)"), expect!["= (Frame(1), 2)"]);
    check(&session.run("charming::Chart"), expect!["= a chart, which a browser draws"]);
}

#[test]
fn a_renamed_crate_is_called_as_cells_call_it() {
    let (mut session, folder) = begin();
    package(folder.path(), "menu", "#[derive(Debug)] pub struct Dish;", "");
    depend(&mut session, folder.path(), "card = { path = \"menu\", package = \"menu\" }");
    check(&session.run("let d = card::Dish;"), expect![""]);
    check(&session.run("d"), expect!["= Dish"]);
}

#[test]
fn a_type_of_a_crate_that_cells_cannot_name_is_not_kept() {
    let (mut session, folder) = begin();
    package(folder.path(), "inner", "pub struct Hidden;", "");
    package(
        folder.path(),
        "outer",
        "pub fn make() -> inner::Hidden { inner::Hidden }",
        "[dependencies]\ninner = { path = \"../inner\" }",
    );
    depend(&mut session, folder.path(), "outer = { path = \"outer\" }");
    check(&session.run("let h = outer::make(); let n = 1;"), expect![""]);
    let answer = session.run("n + h");
    let reason = "`h` was not kept: its type `Hidden` is of the crate `inner`, which is no dependency of the notebook";
    assert!(answer.contains(reason), "{answer}");
}

#[test]
fn a_changed_source_is_built_anew_and_what_was_lost_is_told() {
    let (mut session, folder) = begin();
    package(folder.path(), "menu", "pub fn price() -> u8 { 1 }", "");
    depend(&mut session, folder.path(), "menu = { path = \"menu\" }");
    check(&session.run("fn total() -> u8 { menu::price() + 10 }\nlet p = menu::price(); p"), expect!["= 1"]);
    assert!(!session.notebook.has_stale_dependencies());
    package(folder.path(), "menu", "pub fn price() -> u8 { 2 }", "");
    assert!(session.notebook.has_stale_dependencies());
    check(&depend(&mut session, folder.path(), ""), expect!["+[] -[]"]);
    check(&session.run("(menu::price(), total(), p)"), expect!["= (2, 12, 1)"]);
    check(&session.run("total()"), expect!["= 12"]);
}

#[test]
fn what_runs_goes_on_when_a_source_changes() {
    let (mut session, folder) = begin();
    let source = |fields: &str, price: u8| {
        format!(
            "use std::sync::atomic::*; static SOLD: AtomicU8 = AtomicU8::new(0);
             #[derive(Debug)] pub struct Dish {{ {fields} pub price: u8 }}
             impl Dish {{ pub fn sell(&self) -> u8 {{ SOLD.fetch_add(self.price, Ordering::SeqCst) + self.price }} }}
             impl Default for Dish {{ fn default() -> Self {{ Dish {{ price: {price}, ..unsafe {{ std::mem::zeroed() }} }} }} }}"
        )
    };
    package(folder.path(), "menu", &source("", 1), "");
    depend(&mut session, folder.path(), "menu = { path = \"menu\" }");
    session.run(
        "use menu::Dish as Meal; struct Order { meal: Meal } struct Own(u8);
         static ORDERS: std::sync::Mutex<Vec<Meal>> = std::sync::Mutex::new(vec![]);
         static COUNT: std::sync::atomic::AtomicU8 = std::sync::atomic::AtomicU8::new(5);
         let (dish, orders, order) = (menu::Dish::default(), vec![Some(Meal::default())], Order { meal: Meal::default() });
         let (own, numbers) = (Own(3), vec![1.5, 2.5]);
         let any: Box<dyn std::any::Any> = Box::new(menu::Dish::default());
         COUNT.store(6, std::sync::atomic::Ordering::SeqCst);
         let (send, mut receive) = tokio::sync::mpsc::unbounded_channel::<u8>();
         let (told, tell) = tokio::sync::oneshot::channel::<u8>();
         let task = tokio::spawn(async move {
             let dish = menu::Dish::default();
             while let Some(n) = receive.recv().await { for _ in 0..n { dish.sell(); } }
             told.send(dish.sell()).unwrap();
         });",
    );
    package(folder.path(), "menu", &source("pub name: [u64; 9],", 10), "");
    check(
        &depend(&mut session, folder.path(), ""),
        expect![[r#"
        +[] -[]
        The variables `dish`, `order`, `orders` were dropped, as `menu` was changed: their types are others now.
        The static `ORDERS` starts anew, as `menu` was changed."#]],
    );
    // Both forms are loaded, and neither is taken for the other.
    check(
        &session.run("(any.is::<menu::Dish>(), Meal::default().sell(), own.0, numbers, COUNT.load(std::sync::atomic::Ordering::SeqCst), ORDERS.lock()?.len())"),
        expect!["= (false, 10, 3, [1.5, 2.5], 6, 0)"],
    );
    check(&session.run("send.send(4)?; drop(send); tell.await?"), expect!["= 5"]);
    check(&session.run("menu::Dish::default().sell()"), expect!["= 20"]);
    check(
        &session.run("dish"),
        expect![[r#"
        error[E0425]: cannot find value `dish` in this scope
         --> cell 5:1:1
          |
        1 | dish
          | ^^^^ not found in this scope
          |
          = note: `dish` was dropped: its type `Dish` is of a dependency that was changed; run its cell again"#]],
    );
    check(&session.run("let order = Order { meal: Meal::default() }; order.meal.price"), expect!["= 10"]);
}

#[test]
fn a_feature_changes_a_crate_beside_what_runs() {
    let (mut session, folder) = begin();
    let counter = "use std::sync::atomic::*; static N: AtomicU8 = AtomicU8::new(0); #[derive(Debug)] pub struct Count(pub u8); pub fn next() -> Count { Count(N.fetch_add(1, Ordering::SeqCst)) }";
    package(folder.path(), "counter", counter, "");
    let menu =
        "#[derive(Debug, Default)] pub struct Dish { #[cfg(feature = \"vegan\")] pub vegan: bool, pub price: u8 }";
    package(folder.path(), "menu", menu, "[features]\nvegan = []\n[dependencies]\ncounter = { path = \"../counter\" }");
    depend(&mut session, folder.path(), "counter = { path = \"counter\" }");
    depend(&mut session, folder.path(), "menu = { path = \"menu\" }");
    check(
        &session.run("let (points, dish, count) = (vec![(1.0, 2.0)], menu::Dish::default(), counter::next());"),
        expect![""],
    );
    check(
        &depend(&mut session, folder.path(), "menu = { path = \"menu\", features = [\"vegan\"] }"),
        expect![[r#"
        +[menu 0.3.1] -[]
        The variable `dish` was dropped, as `menu` is needed with other features: its type is another one now."#]],
    );
    check(
        &session.run("(points, counter::next(), count, menu::Dish::default())"),
        expect!["= ([(1.0, 2.0)], Count(1), Count(0), Dish { vegan: false, price: 0 })"],
    );
    // And back.
    check(&depend(&mut session, folder.path(), "menu = { path = \"menu\" }"), expect!["+[menu 0.3.1] -[]"]);
    check(&session.run("(menu::Dish::default(), counter::next())"), expect!["= (Dish { price: 0 }, Count(2))"]);
}

#[test]
fn an_attribute_that_changes_changes_what_it_stands_on() {
    let (mut session, folder) = begin();
    let source = |field: &str| {
        format!(
            "use proc_macro::TokenStream;
             #[proc_macro_attribute] pub fn dish(_: TokenStream, _: TokenStream) -> TokenStream {{
                 \"#[derive(Debug, Default)] pub struct Dish {{ {field} pub price: u8 }}\".parse().unwrap()
             }}"
        )
    };
    package(folder.path(), "menu", &source(""), "[lib]\nproc-macro = true");
    depend(&mut session, folder.path(), "menu = { path = \"menu\" }");
    session.run("#[menu::dish] struct Dish; let (dish, n) = (Dish::default(), 1);");
    package(folder.path(), "menu", &source("pub stars: [u64; 4],"), "[lib]\nproc-macro = true");
    check(
        &depend(&mut session, folder.path(), ""),
        expect![[r#"
        +[] -[]
        The variable `dish` was dropped, as `menu` was changed: its type is another one now."#]],
    );
    check(&session.run("(Dish::default(), n)"), expect!["= (Dish { stars: [0, 0, 0, 0], price: 0 }, 1)"]);
}

#[test]
fn another_tokio_is_refused_and_the_rest_comes() {
    let (mut session, folder) = begin();
    package(folder.path(), "menu", "pub fn price() -> u8 { 1 }", "");
    let mut change = Change::from_line("tokio = \"0.2\"", folder.path()).unwrap();
    change.and(Change::from_line("menu = { path = \"menu\" }", folder.path()).unwrap());
    let changed = session.change_dependencies(&change, &CancellationToken::new()).unwrap();
    assert_eq!((changed.added, changed.refused.len()), (vec!["menu 0.3.1".to_owned()], 1));
    check(&session.run("menu::price()"), expect!["= 1"]);
}

#[test]
fn another_tokio_beside_the_sessions_is_a_crate_as_any_other() {
    let (mut session, folder) = begin();
    package(folder.path(), "tokio", "pub struct Runtime; pub fn spawn() -> u8 { 2 }", "");
    let more = "[dependencies]\ntokio = { path = \"../tokio\" }";
    package(folder.path(), "cook", "pub fn spawn() -> u8 { tokio::spawn() }", more);
    check(&depend(&mut session, folder.path(), "cook = { path = \"cook\" }"), expect!["+[cook 0.3.1] -[]"]);
    check(&session.run("let task = tokio::spawn(async { 3 }); cook::spawn()"), expect!["= 2"]);
    check(
        &depend(&mut session, folder.path(), "old = { package = \"tokio\", path = \"tokio\" }"),
        expect!["+[old 0.3.1] -[]"],
    );
    check(
        &session.run("let (runtime, other) = (old::Runtime, tokio::spawn(async { 4 })); old::spawn()"),
        expect!["= 2"],
    );
    check(&session.run("drop(runtime); other.await?"), expect!["= 4"]);
    // What nobody names is not taken for what has a name.
    package(folder.path(), "futures", "pub struct Stream;", "");
    let more = "[dependencies]\nfutures = { path = \"../futures\" }";
    package(folder.path(), "river", "pub fn flow() -> futures::Stream { futures::Stream }", more);
    depend(&mut session, folder.path(), "river = { path = \"river\" }");
    session.run("let (stream, ours) = (river::flow(), futures::channel::mpsc::unbounded::<u8>());");
    check(&session.run("ours.0.is_closed()"), expect!["= false"]);
    check(
        &session.run("stream;"),
        expect![[r#"
        error[E0425]: cannot find value `stream` in this scope
         --> cell 6:1:1
          |
        1 | stream;
          | ^^^^^^ not found in this scope
          |
          = note: `stream` was not kept: its type `Stream` is of the crate `futures 0.3.1`, which is no dependency of the notebook"#]],
    );
}

#[test]
fn cargos_warnings_are_told_once() {
    let (mut session, folder) = begin();
    package(folder.path(), "menu", "pub fn price() -> u8 { 1 }", "");
    package(folder.path(), "soup", "pub fn price() -> u8 { 1 }", "");
    check(
        &depend(&mut session, folder.path(), "menu = { path = \"menu\", featurs = [\"a\"] }"),
        expect![[r#"
        +[menu 0.3.1] -[]
        unused manifest key: dependencies.menu.featurs"#]],
    );
    check(&depend(&mut session, folder.path(), "soup = { path = \"soup\" }"), expect!["+[soup 0.3.1] -[]"]);
    let (mut second, _) = begin();
    check(
        &depend(&mut second, folder.path(), "menu = { path = \"menu\", featurs = [\"a\"] }"),
        expect![[r#"
        +[menu 0.3.1] -[]
        unused manifest key: dependencies.menu.featurs"#]],
    );
}

#[test]
fn cargos_words_are_the_error_and_nothing_changes() {
    let (mut session, folder) = begin();
    package(folder.path(), "broken", "pub fn price() -> u8 { \"free\" }", "");
    package(folder.path(), "menu", "pub fn price() -> u8 { 1 }", "");
    depend(&mut session, folder.path(), "menu = { path = \"menu\" }");
    let before = session.notebook.dependencies();
    let answer = depend(&mut session, folder.path(), "broken = { path = \"broken\" }");
    assert!(answer.starts_with("[E0308]: mismatched types") || answer.contains("mismatched types"), "{answer}");
    let answer = depend(&mut session, folder.path(), "menu = { path = \"menu\", features = [\"vegan\"] }");
    assert!(answer.contains("feature") && answer.contains("vegan"), "{answer}");
    let answer = depend(&mut session, folder.path(), "gone = { path = \"gone\" }");
    assert!(answer.contains("FOLDER/gone/Cargo.toml"), "{answer}");
    let answer = depend(&mut session, folder.path(), "no-such-crate-of-kissaten = \"1\"");
    assert!(answer.contains("no matching package named `no-such-crate-of-kissaten` found"), "{answer}");
    assert!(answer.contains("offline"), "{answer}");
    assert_eq!(session.notebook.dependencies(), before);
    check(&session.run("menu::price()"), expect!["= 1"]);
}

#[test]
fn a_finished_set_is_found_without_cargo() {
    let (mut first, folder) = begin();
    package(folder.path(), "menu", "pub fn price() -> u8 { 1 }", "");
    depend(&mut first, folder.path(), "menu = { path = \"menu\" }");
    let (mut second, _) = begin();
    let change = Change::from_line("menu = { path = \"menu\" }", folder.path()).unwrap();
    let mut told: Vec<Progress> = Vec::new();
    let changed =
        second.change_with_progress(&change, &mut |progress| told.push(progress), &CancellationToken::new()).unwrap();
    assert_eq!((changed.compiled, told), (0, vec![]));
    check(&second.run("menu::price()"), expect!["= 1"]);
}

#[test]
fn a_cancelled_build_changes_nothing() {
    let (mut session, folder) = begin();
    let script = "fn main() { std::thread::sleep(std::time::Duration::from_secs(3600)) }";
    package(folder.path(), "slow", "", "build = \"build.rs\"");
    std::fs::write(folder.path().join("slow/build.rs"), script).unwrap();
    let change = Change::from_line("slow = { path = \"slow\" }", folder.path()).unwrap();
    let cancel = CancellationToken::new();
    // The build has begun once there is progress, and never ends by itself.
    let result = session.change_with_progress(&change, &mut |_| cancel.cancel(), &cancel);
    assert!(matches!(result, Err(DependencyError::Cancelled)), "{result:?}");
    assert_eq!(session.notebook.dependencies(), "");
    check(&session.run("1 + 1"), expect!["= 2"]);
}
