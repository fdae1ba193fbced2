//! Variables that a cell awaits by their names, and does nothing else with: `task.await`, `join!(a, b)`.

use std::collections::BTreeMap;
use std::ops::Range;

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};

use super::mention::plain;

/// Where each stands. Not those in a loop, a closure or a block of their own, where rustc has to judge the second time, and
/// not those that are mentioned anywhere else.
pub(super) fn awaited(statements: &[syn::Stmt], running: TokenStream) -> BTreeMap<String, Range<usize>> {
    let mut found = AwaitedNames::default();
    statements.iter().for_each(|statement| found.visit_stmt(statement));
    let mut counts = BTreeMap::new();
    count(running, &mut counts);
    found.0.retain(|name, _| counts.get(name) == Some(&1));
    found.0
}

/// Names that are awaited, and where.
#[derive(Default)]
struct AwaitedNames(BTreeMap<String, Range<usize>>);

impl<'ast> Visit<'ast> for AwaitedNames {
    fn visit_expr_await(&mut self, awaited: &'ast syn::ExprAwait) {
        if let syn::Expr::Path(path) = &*awaited.base
            && let Some(name) = path.path.get_ident()
        {
            self.0.insert(plain(&name.to_string()), name.span().byte_range());
        }
        visit::visit_expr_await(self, awaited);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        let name = call.path.segments.last().map(|last| last.ident.to_string());
        if !name.is_some_and(|name| name == "join" || name == "try_join") {
            return;
        }
        let tokens: Vec<TokenTree> = call.tokens.clone().into_iter().collect();
        let is_comma = |token: &TokenTree| matches!(token, TokenTree::Punct(punct) if punct.as_char() == ',');
        for argument in tokens.split(is_comma) {
            if let [TokenTree::Ident(name)] = argument {
                self.0.insert(plain(&name.to_string()), name.span().byte_range());
            }
        }
    }

    fn visit_item(&mut self, _: &'ast syn::Item) {}
    fn visit_expr_async(&mut self, _: &'ast syn::ExprAsync) {}
    fn visit_expr_closure(&mut self, _: &'ast syn::ExprClosure) {}
    fn visit_expr_loop(&mut self, _: &'ast syn::ExprLoop) {}
    fn visit_expr_while(&mut self, _: &'ast syn::ExprWhile) {}
    fn visit_expr_for_loop(&mut self, _: &'ast syn::ExprForLoop) {}
}

fn count(tokens: TokenStream, counts: &mut BTreeMap<String, usize>) {
    for token in tokens {
        match token {
            TokenTree::Ident(ident) => *counts.entry(plain(&ident.to_string())).or_default() += 1,
            TokenTree::Group(group) => count(group.stream(), counts),
            // A format string may capture any name.
            TokenTree::Literal(literal) => {
                let mut captured = std::collections::BTreeSet::new();
                super::mention::identifiers(TokenTree::from(literal).into(), &mut captured);
                for name in captured {
                    *counts.entry(name).or_default() += 1;
                }
            }
            TokenTree::Punct(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    fn check(text: &str) -> Vec<String> {
        let parsed = super::super::parse(text, &BTreeSet::new()).unwrap();
        assert!(parsed.awaited.iter().all(|(name, range)| text[range.clone()] == **name));
        parsed.awaited.into_keys().collect()
    }

    #[test]
    fn a_variable_that_is_only_awaited_is_found() {
        assert_eq!(check("let n = task.await?;\nn"), ["task"]);
        assert_eq!(check("let (a, b) = tokio::join!(left, right);"), ["left", "right"]);
        assert_eq!(check("if ready { task.await }"), ["task"]);
        assert!(check("loop { task.await }").is_empty());
        assert!(check("task.abort(); task.await").is_empty());
        assert!(check("println!(\"{task}\"); task.await").is_empty());
        assert!(check("tokio::spawn(async move { task.await })").is_empty());
        assert!(check("f(1).await; self.task.await").is_empty());
    }
}
