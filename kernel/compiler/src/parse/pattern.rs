//! The names that a pattern binds.
//!
//! A single identifier may be a constant or a variant instead, and the text alone does not tell. Where a pattern has to fit
//! anything, as in a `let` without `else`, it is a variable at any rate; elsewhere the language's own convention decides.

use syn::visit::{self, Visit};

use super::mention::plain;

/// Calls `found` with every name that a `let` binds, and whether it is `mut`.
pub(crate) fn bound(local: &syn::Local, found: &mut dyn FnMut(String, bool)) {
    if local.init.as_ref().is_some_and(|init| init.diverge.is_some()) {
        visit_names(&local.pat, &|name| !is_variant(name), found);
    } else {
        irrefutable(&local.pat, found);
    }
}

/// As [`bound`], for a pattern that has to fit anything.
pub(crate) fn irrefutable(pattern: &syn::Pat, found: &mut dyn FnMut(String, bool)) {
    visit_names(pattern, &|_| true, found);
}

/// As [`bound`], for a pattern of a `match`, where constants stand as well.
pub(crate) fn in_match(pattern: &syn::Pat, found: &mut dyn FnMut(String, bool)) {
    visit_names(pattern, &|name| !name.starts_with(char::is_uppercase), found);
}

/// Whether a name is written as those of variants are: `None`, but not `X` or `ROWS`, which formulas have.
fn is_variant(name: &str) -> bool {
    name.starts_with(char::is_uppercase) && name.contains(char::is_lowercase)
}

fn visit_names(pattern: &syn::Pat, is_variable: &dyn Fn(&str) -> bool, found: &mut dyn FnMut(String, bool)) {
    struct PatternNames<'a> {
        is_variable: &'a dyn Fn(&str) -> bool,
        found: &'a mut dyn FnMut(String, bool),
    }
    impl<'ast> Visit<'ast> for PatternNames<'_> {
        fn visit_pat_ident(&mut self, pattern: &'ast syn::PatIdent) {
            let name = plain(&pattern.ident.to_string());
            // Only variables are written so.
            let is_sure = pattern.mutability.is_some() || pattern.by_ref.is_some() || pattern.subpat.is_some();
            if is_sure || (self.is_variable)(&name) {
                (self.found)(name, pattern.mutability.is_some());
            }
            visit::visit_pat_ident(self, pattern);
        }
        // What stands in an expression or a type of a pattern binds nothing.
        fn visit_expr(&mut self, _: &'ast syn::Expr) {}
        fn visit_type(&mut self, _: &'ast syn::Type) {}
    }
    PatternNames { is_variable, found }.visit_pat(pattern);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> String {
        let statements = syn::parse_str::<syn::File>(&format!("fn f() {{ {text} }}")).unwrap();
        let syn::Item::Fn(function) = &statements.items[0] else { unreachable!() };
        let syn::Stmt::Local(local) = &function.block.stmts[0] else { unreachable!() };
        let mut names = Vec::new();
        bound(local, &mut |name, mutable| names.push(if mutable { format!("mut {name}") } else { name }));
        names.join(" ")
    }

    #[test]
    fn capital_letters_are_names_of_variables_too() {
        assert_eq!(names("let (X, mut Y) = grid();"), "X mut Y");
        assert_eq!(names("let Matrix = a;"), "Matrix");
        assert_eq!(names("let Point { x, y: Y } = p;"), "x Y");
        assert_eq!(names("let Some(X) = x else { return };"), "X");
        assert_eq!(names("let None = x else { return };"), "");
        assert_eq!(names("let [ref First, Rest @ ..] = x else { return };"), "First Rest");
        assert_eq!(names("let (a, 0..=MAX) = x else { return };"), "a");
    }
}
