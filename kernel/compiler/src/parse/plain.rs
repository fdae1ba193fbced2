//! Whether the statements of a cell await anything, as far as the text tells: where they do not, they need not become a
//! future, which costs rustc more than a closure.

use proc_macro2::{TokenStream, TokenTree};

use super::arguments::AWAIT_NOTHING;

/// Whether there is no `.await`, nor a macro that could become one.
pub(super) fn is_plain(tokens: TokenStream) -> bool {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let is_known = |window: &[TokenTree]| match window {
        [TokenTree::Ident(name), TokenTree::Punct(mark), TokenTree::Group(_)] if mark.as_char() == '!' => {
            let name = name.to_string();
            // A keyword is before a negation.
            AWAIT_NOTHING.contains(&name.as_str()) || syn::parse_str::<syn::Ident>(&name).is_err()
        }
        _ => true,
    };
    tokens.windows(3).all(is_known)
        && tokens.into_iter().all(|token| match token {
            TokenTree::Ident(name) => name != "await",
            TokenTree::Group(group) => is_plain(group.stream()),
            TokenTree::Punct(_) | TokenTree::Literal(_) => true,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_awaits_or_may_is_not_plain() {
        let check = |text: &str| is_plain(text.parse().unwrap());
        for plain in [
            "let y = x + 1; y",
            "println!(\"await {}\", f(x)?);",
            "if !(a && b) { vec![1] } else { vec![] }",
            "a != (b)",
        ] {
            assert!(check(plain), "{plain}");
        }
        for other in [
            "f().await;",
            "let task = tokio::spawn(async { f().await });",
            "println!(\"{}\", f().await);",
            "tokio::select! { a = b => {} }",
            "join!(a, b)",
            "{ vec![mine!(1)] }",
        ] {
            assert!(!check(other), "{other}");
        }
    }
}
