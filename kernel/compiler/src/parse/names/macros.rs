//! Names in macro calls, in the rules of macros and in attributes.

use std::collections::BTreeSet;

use proc_macro2::{TokenStream, TokenTree};
use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::visit::Visit;

use super::super::mention::plain;
use super::{Finder, NameForm};

/// Macros whose first string captures names.
const FORMATS: [&str; 27] = [
    "format",
    "print",
    "println",
    "eprint",
    "eprintln",
    "write",
    "writeln",
    "panic",
    "format_args",
    "assert",
    "assert_eq",
    "assert_ne",
    "debug_assert",
    "debug_assert_eq",
    "debug_assert_ne",
    "todo",
    "unimplemented",
    "unreachable",
    "trace",
    "debug",
    "info",
    "warn",
    "error",
    "bail",
    "anyhow",
    "ensure",
    "eyre",
];

/// Attributes that are Rust's own.
const BUILTIN: [&str; 34] = [
    "allow",
    "automatically_derived",
    "cfg",
    "cfg_attr",
    "cold",
    "default",
    "deny",
    "deprecated",
    "derive",
    "doc",
    "expect",
    "export_name",
    "forbid",
    "global_allocator",
    "ignore",
    "inline",
    "link",
    "link_name",
    "macro_export",
    "macro_use",
    "must_use",
    "no_mangle",
    "non_exhaustive",
    "path",
    "proc_macro",
    "recursion_limit",
    "repr",
    "should_panic",
    "target_feature",
    "test",
    "track_caller",
    "type_length_limit",
    "used",
    "warn",
];

impl Finder {
    pub(super) fn attribute(&mut self, attribute: &syn::Attribute) {
        let path = attribute.path();
        if path.is_ident("derive") {
            let paths = attribute.parse_args_with(Punctuated::<syn::Path, syn::Token![,]>::parse_terminated);
            paths.iter().flatten().for_each(|path| self.visit_path(path));
            return;
        }
        // One word in front of a type or a field is mostly a derive's own, and no name in sight.
        let is_known = path.get_ident().is_some_and(|word| BUILTIN.contains(&word.to_string().as_str()));
        let of_derive = path.get_ident().is_some() && self.in_type;
        if !is_known && !of_derive {
            self.visit_path(path);
        }
    }

    pub(super) fn macro_call(&mut self, call: &syn::Macro) {
        self.visit_path(&call.path);
        let name = call.path.segments.last().map(|last| last.ident.to_string()).unwrap_or_default();
        if FORMATS.contains(&name.as_str()) {
            self.captured(call);
        }
        // What is only shown as text.
        if name == "stringify" {
            return;
        }
        let arguments = Punctuated::<syn::Expr, syn::Token![,]>::parse_terminated;
        if let Ok(arguments) = arguments.parse2(call.tokens.clone()) {
            for argument in &arguments {
                match argument {
                    // `println!("{x}", x = 1)`.
                    syn::Expr::Assign(named) if matches!(&*named.left, syn::Expr::Path(_)) => {
                        self.visit_expr(&named.right)
                    }
                    other => self.visit_expr(other),
                }
            }
        } else if let Ok(statements) = syn::Block::parse_within.parse2(call.tokens.clone()) {
            let scope = super::Level::default();
            self.scoped(scope, |finder| statements.iter().for_each(|statement| finder.visit_stmt(statement)));
        } else {
            self.tokens(&call.tokens);
        }
    }

    /// What the rules of a macro write. A name in there is looked up where the macro is called, unless it says more.
    pub(super) fn macro_rules(&mut self, definition: &syn::Macro) {
        let tokens: Vec<TokenTree> = definition.tokens.clone().into_iter().collect();
        for window in tokens.windows(3) {
            if let [TokenTree::Punct(first), TokenTree::Punct(second), TokenTree::Group(body)] = window
                && first.as_char() == '='
                && second.as_char() == '>'
            {
                self.tokens(&body.stream());
            }
        }
    }

    /// By the tokens alone: what begins a path, and is not given its name there.
    fn tokens(&mut self, tokens: &TokenStream) {
        let tokens: Vec<TokenTree> = tokens.clone().into_iter().collect();
        let bound = bound_in(&tokens);
        for (index, token) in tokens.iter().enumerate() {
            match token {
                TokenTree::Group(group) => self.tokens(&group.stream()),
                TokenTree::Ident(ident) => {
                    let name = plain(&ident.to_string());
                    let is_type = name.starts_with(char::is_uppercase);
                    if syn::parse_str::<syn::Ident>(&ident.to_string()).is_err()
                        || !begins_path(&tokens, index)
                        || bound.contains(&name)
                        || self.is_variable(&name)
                        || !is_type && !is_used(&tokens, index)
                        || !self.is_visible(&name)
                    {
                        continue;
                    }
                    self.found(name, NameForm::Path(ident.span().byte_range()));
                }
                _ => {}
            }
        }
    }

    /// Constants that format strings capture.
    fn captured(&mut self, call: &syn::Macro) {
        let end = call.delimiter.span().close().byte_range().start;
        let last = call.tokens.clone().into_iter().last();
        let comma = !matches!(&last, Some(TokenTree::Punct(punct)) if punct.as_char() == ',');
        let mut seen = BTreeSet::new();
        for token in call.tokens.clone() {
            let TokenTree::Literal(literal) = token else { continue };
            let text = literal.to_string();
            if !text.ends_with(['"', '#']) {
                continue;
            }
            for hole in text.replace("{{", "").split('{').skip(1) {
                let name = hole.split(['}', ':']).next().unwrap_or_default().trim();
                // By the language's own convention the rest are variables.
                if name.starts_with(char::is_uppercase)
                    && syn::parse_str::<syn::Ident>(name).is_ok()
                    && self.is_visible(name)
                    && seen.insert(name.to_owned())
                {
                    self.found(name.to_owned(), NameForm::Captured { end, comma });
                }
            }
        }
    }
}

fn punct(tokens: &[TokenTree], index: Option<usize>) -> Option<char> {
    match tokens.get(index?) {
        Some(TokenTree::Punct(punct)) => Some(punct.as_char()),
        _ => None,
    }
}

fn word(tokens: &[TokenTree], index: Option<usize>) -> Option<String> {
    match tokens.get(index?) {
        Some(TokenTree::Ident(ident)) => Some(ident.to_string()),
        _ => None,
    }
}

/// Whether nothing before a word makes it something else than the beginning of a path.
fn begins_path(tokens: &[TokenTree], index: usize) -> bool {
    let before = |steps: usize| punct(tokens, index.checked_sub(steps));
    let is_part = match before(1) {
        Some('.') => before(2) != Some('.'),
        Some(':') => before(2) == Some(':'),
        Some('\'' | '$') => true,
        _ => false,
    };
    let defines = word(tokens, index.checked_sub(1)).is_some_and(|before| {
        [
            "fn",
            "struct",
            "enum",
            "union",
            "trait",
            "type",
            "mod",
            "const",
            "static",
            "let",
            "mut",
            "ref",
            "macro_rules",
            "use",
        ]
        .contains(&before.as_str())
    });
    !is_part && !defines
}

/// Whether a word in lower case is called, opened as a module, or a macro.
fn is_used(tokens: &[TokenTree], index: usize) -> bool {
    match tokens.get(index + 1) {
        Some(TokenTree::Group(group)) => group.delimiter() == proc_macro2::Delimiter::Parenthesis,
        Some(TokenTree::Punct(first)) => {
            first.as_char() == '!' && punct(tokens, Some(index + 2)) != Some('=')
                || first.as_char() == ':' && punct(tokens, Some(index + 2)) == Some(':')
        }
        _ => false,
    }
}

/// Words that these tokens seem to bind: `let x`, `x = future => …`, `|x|`.
fn bound_in(tokens: &[TokenTree]) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (index, token) in tokens.iter().enumerate() {
        let TokenTree::Ident(ident) = token else { continue };
        let name = plain(&ident.to_string());
        let after = word(tokens, index.checked_sub(1))
            .is_some_and(|word| ["let", "mut", "ref", "for"].contains(&word.as_str()));
        let is_given =
            punct(tokens, Some(index + 1)) == Some('=') && !matches!(punct(tokens, Some(index + 2)), Some('=' | '>'));
        let is_parameter =
            punct(tokens, index.checked_sub(1)) == Some('|') || punct(tokens, Some(index + 1)) == Some('|');
        if !name.starts_with(char::is_uppercase) && (after || is_given || is_parameter) {
            names.insert(name);
        }
    }
    names
}
