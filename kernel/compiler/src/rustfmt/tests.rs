use expect_test::{Expect, expect};

use super::*;

/// What becomes of the code, and that nothing more becomes of it.
fn check(code: &str, expect: Expect) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let toolchain = Toolchain::find().unwrap();
    let formatted = runtime.block_on(format(&toolchain, code)).unwrap();
    expect.assert_eq(&formatted);
    assert_eq!(runtime.block_on(format(&toolchain, &formatted)).unwrap(), formatted);
}

#[test]
fn statements_items_and_the_tail_stay_what_they_are() {
    check(
        "use std::time::Duration;\nasync fn f( d:Duration )->u8{1}\n\n\nlet   x=f(d).await ;\nprintln!(\"{x}\");\nif x>1 {2} else {3}",
        expect![[r#"
            use std::time::Duration;
            async fn f(d: Duration) -> u8 {
                1
            }

            let x = f(d).await;
            println!("{x}");
            if x > 1 { 2 } else { 3 }"#]],
    );
}

#[test]
fn what_rustfmt_leaves_alone_stays_where_it_is() {
    check(
        "let v = json!({\n    \"a\": 1,\n      \"b\": [1,2]\n});\nlet s = \"a\n  b\nc\";\nlet r = r#\"\n    x\n\"#;\n/* a\n   b */\n// c\nv",
        expect![[r##"
            let v = json!({
                "a": 1,
                  "b": [1,2]
            });
            let s = "a
              b
            c";
            let r = r#"
                x
            "#;
            /* a
            b */
            // c
            v"##]],
    );
}

#[test]
fn lines_may_be_as_long_as_in_a_file() {
    let fits = format!("let name = function(argument, {});", "x".repeat(64));
    assert_eq!(fits.len(), 96);
    check(
        &fits,
        expect![["let name = function(argument, xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx);"]],
    );
}

#[test]
fn comments_and_inner_attributes_are_code_as_well() {
    check("// alone", expect!["// alone"]);
    check(
        "#![allow(unused)]\nlet  a=1;",
        expect![[r#"
        #![allow(unused)]
        let a = 1;"#]],
    );
    check("  ", expect![""]);
}

#[test]
fn without_rustfmt_it_is_told_how_to_get_it() {
    let proxy = tempfile::tempdir().unwrap();
    let path = proxy.path().join("rustfmt");
    let script = "#!/bin/sh\necho \"error: 'rustfmt' is not installed for the toolchain 'stable'\" >&2\nexit 1\n";
    std::fs::write(&path, script).unwrap();
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let error = runtime.block_on(settings(&path)).err().unwrap();
    assert_eq!(error.to_string(), "rustfmt is not installed; `rustup component add rustfmt` gets it");
    let missing = runtime.block_on(settings(&proxy.path().join("none"))).err().unwrap();
    assert!(matches!(missing, FormatError::Unusable(_)), "{missing}");
}
