//! The names that a pattern binds.

use syn::visit::{self, Visit};

use super::mention::plain;

/// Calls `found` with every name that a pattern binds, and whether it is `mut`.
///
/// A single identifier may be a constant or a variant instead; by the language's own convention those are not
/// written like variables, and they are passed over.
pub(crate) fn bound(pattern: &syn::Pat, found: &mut dyn FnMut(String, bool)) {
    struct PatternNames<'a>(&'a mut dyn FnMut(String, bool));
    impl<'ast> Visit<'ast> for PatternNames<'_> {
        fn visit_pat_ident(&mut self, pattern: &'ast syn::PatIdent) {
            let name = plain(&pattern.ident.to_string());
            if !name.starts_with(char::is_uppercase) {
                (self.0)(name, pattern.mutability.is_some());
            }
            visit::visit_pat_ident(self, pattern);
        }
        // What stands in an expression or a type of a pattern binds nothing.
        fn visit_expr(&mut self, _: &'ast syn::Expr) {}
        fn visit_type(&mut self, _: &'ast syn::Type) {}
    }
    PatternNames(found).visit_pat(pattern);
}
