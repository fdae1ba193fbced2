//! Uses of variables: where a cell's statements name one by itself, as an expression.

use std::collections::BTreeSet;
use std::ops::Range;

use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use super::mention::plain;

/// Macros whose arguments are expressions.
const OF_EXPRESSIONS: [&str; 20] = [
    "print",
    "println",
    "eprint",
    "eprintln",
    "format",
    "write",
    "writeln",
    "panic",
    "todo",
    "unreachable",
    "assert",
    "assert_eq",
    "assert_ne",
    "debug_assert",
    "debug_assert_eq",
    "debug_assert_ne",
    "vec",
    "dbg",
    "join",
    "try_join",
];

/// One such place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Use {
    pub(crate) name: String,
    pub(crate) range: Range<usize>,
    /// In `Point { x }`, it is the name of the field as well.
    pub(crate) is_field: bool,
}

/// Finds the places, and all names that any pattern binds, at whatever depth.
pub(super) fn uses(statements: &[syn::Stmt], uses: &mut Vec<Use>, bound: &mut BTreeSet<String>) {
    let mut found = PathFinder { uses, bound };
    for statement in statements.iter().filter(|statement| !matches!(statement, syn::Stmt::Item(_))) {
        found.visit_stmt(statement);
    }
}

/// The visitor that collects the paths of an expression.
struct PathFinder<'a> {
    uses: &'a mut Vec<Use>,
    bound: &'a mut BTreeSet<String>,
}

impl<'ast> Visit<'ast> for PathFinder<'_> {
    fn visit_expr_path(&mut self, path: &'ast syn::ExprPath) {
        if let Some(name) = path.path.get_ident().filter(|_| path.attrs.is_empty()) {
            let (name, range) = (plain(&name.to_string()), path.span().byte_range());
            self.uses.push(Use { name, range, is_field: false });
        }
        visit::visit_expr_path(self, path);
    }

    fn visit_field_value(&mut self, field: &'ast syn::FieldValue) {
        if field.colon_token.is_none()
            && let syn::Member::Named(name) = &field.member
        {
            let (name, range) = (plain(&name.to_string()), name.span().byte_range());
            self.uses.push(Use { name, range, is_field: true });
            return;
        }
        visit::visit_field_value(self, field);
    }

    fn visit_pat_ident(&mut self, pattern: &'ast syn::PatIdent) {
        self.bound.insert(plain(&pattern.ident.to_string()));
        visit::visit_pat_ident(self, pattern);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        let Some(name) = call.path.segments.last() else { return };
        if !OF_EXPRESSIONS.iter().any(|known| name.ident == known) {
            return;
        }
        let arguments = Punctuated::<syn::Expr, syn::Token![,]>::parse_terminated;
        let Ok(arguments) = arguments.parse2(call.tokens.clone()) else { return };
        for argument in &arguments {
            match argument {
                // `println!("{x}", x = y)`.
                syn::Expr::Assign(named) => PathFinder { uses: self.uses, bound: self.bound }.visit_expr(&named.right),
                other => PathFinder { uses: self.uses, bound: self.bound }.visit_expr(other),
            }
        }
    }

    // An item sees no variables.
    fn visit_item(&mut self, _: &'ast syn::Item) {}
}
