//! Statics in an item: those that it declares, also in functions, and the keys of a `thread_local!`. Who owns one is not known
//! here.

use proc_macro2::TokenTree;
use quote::ToTokens;
use syn::parse::{Parse, ParseStream, Parser};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::visit_mut::{self, VisitMut};

use super::super::mention::plain;
use super::{Item, Static, behind_attributes};

/// Collects statics, also those in functions and modules.
pub(super) struct Statics<'a>(pub(super) &'a mut Vec<Static>);

impl<'ast> Visit<'ast> for Statics<'_> {
    fn visit_item_static(&mut self, item: &'ast syn::ItemStatic) {
        if let Some(head) = behind_attributes(item.to_token_stream()) {
            self.0.push(Static {
                name: plain(&item.ident.to_string()),
                range: item.span().byte_range(),
                head,
                type_text: static_type(&item.ty).to_token_stream().to_string(),
                mutable: matches!(item.mutability, syn::StaticMutability::Mut(_)),
                thread_local: false,
            });
        }
        visit::visit_item_static(self, item);
    }
}

/// A static's type as it must be written where the static is declared only: with `'static` where it may be left out
/// of a definition.
fn static_type(type_: &syn::Type) -> syn::Type {
    struct Written;
    impl VisitMut for Written {
        fn visit_type_reference_mut(&mut self, reference: &mut syn::TypeReference) {
            if reference.lifetime.is_none() {
                reference.lifetime = Some(syn::Lifetime::new("'static", reference.and_token.span));
            }
            visit_mut::visit_type_reference_mut(self, reference);
        }
        // Here what is left out means something else.
        fn visit_type_fn_ptr_mut(&mut self, _: &mut syn::TypeFnPtr) {}
        fn visit_parenthesized_generic_arguments_mut(&mut self, _: &mut syn::ParenthesizedGenericArguments) {}
    }
    let mut type_ = type_.clone();
    Written.visit_type_mut(&mut type_);
    type_
}

/// What stands in a `thread_local!`.
struct ThreadLocals(Vec<(Vec<syn::Attribute>, syn::Visibility, syn::Token![static], syn::Ident, syn::Type)>);

impl Parse for ThreadLocals {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut all = Vec::new();
        while !input.is_empty() {
            let attributes = input.call(syn::Attribute::parse_outer)?;
            let visibility = input.parse()?;
            let keyword = input.parse()?;
            let name = input.parse()?;
            input.parse::<syn::Token![:]>()?;
            let type_ = input.parse()?;
            input.parse::<syn::Token![=]>()?;
            // `const { … }` or an expression, up to the semicolon between two declarations.
            while !input.is_empty() && !input.peek(syn::Token![;]) {
                input.parse::<TokenTree>()?;
            }
            input.parse::<Option<syn::Token![;]>>()?;
            all.push((attributes, visibility, keyword, name, type_));
        }
        Ok(Self(all))
    }
}

/// Takes the keys of a `thread_local!` as statics, and makes them public.
pub(super) fn thread_locals(call: &syn::ItemMacro, taken: &mut Item) {
    let Ok(ThreadLocals(all)) = ThreadLocals::parse.parse2(call.mac.tokens.clone()) else { return };
    for (_, visibility, keyword, name, type_) in all {
        match &visibility {
            syn::Visibility::Inherited => taken.edits.insert(keyword.span().byte_range().start, "pub "),
            syn::Visibility::Restricted(restricted) => taken.edits.replace(restricted.span().byte_range(), "pub"),
            syn::Visibility::Public(_) => {}
        }
        taken.statics.push(Static {
            name: plain(&name.to_string()),
            range: call.span().byte_range(),
            head: call.span().byte_range().end,
            type_text: format!("::std::thread::LocalKey<{}>", static_type(&type_).to_token_stream()),
            mutable: false,
            thread_local: true,
        });
    }
}
