//! `extern crate`: a crate, its macros, a second name for one. It holds for later cells as a `use` does.

use quote::ToTokens;
use syn::spanned::Spanned;

use super::item::Import;
use super::mention::plain;

/// An `extern crate`. `None` for `extern crate self as name;`, which is about the crate that it stands in.
pub(super) fn import(declaration: &syn::ItemExternCrate) -> Option<Import> {
    let crate_name = &declaration.ident;
    let bound = declaration.rename.as_ref().map_or(crate_name, |(_, name)| name);
    if crate_name == "self" {
        return None;
    }
    let is_macro_use = |attribute: &&syn::Attribute| attribute.path().is_ident("macro_use");
    let macro_use =
        declaration.attrs.iter().find(is_macro_use).map(|attribute| attribute.to_token_stream().to_string());
    let macro_use = macro_use.map(|attribute| attribute + " ").unwrap_or_default();
    let text = match &declaration.rename {
        // It is there already, with its macros.
        None if crate_name == "kissaten" => "use kissaten as _;".to_owned(),
        None => format!("{macro_use}extern crate {crate_name};"),
        Some((_, name)) => format!("{macro_use}extern crate {crate_name} as {name};"),
    };
    let name = (bound != "_").then(|| plain(&bound.to_string()));
    Some(Import { name, text, range: declaration.span().byte_range() })
}
