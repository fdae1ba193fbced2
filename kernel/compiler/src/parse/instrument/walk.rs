//! The way through the syntax tree: which expression gets which piece.
//!
//! Pieces are noted before and after what they enclose, in the order of the text; so those at one place nest.

mod beside;
mod unknown;

use std::collections::{BTreeMap, BTreeSet};

use syn::Expr;
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use beside::futures_in;
pub(super) use beside::timed;

use super::spawn::Spawn;
use super::{Instruments, Making, Piece, Wrap, await_note, checkpoint, chunk, count};
use crate::parse::arguments::{self, Beside};
use crate::parse::pattern;

/// Notes the pieces of all that it visits.
pub(super) struct Walk<'a> {
    pieces: &'a mut Vec<(usize, Piece)>,
    collections: &'a mut BTreeSet<String>,
    lists: &'a mut BTreeMap<String, Making>,
    /// Where the calls begin that make futures which get their lanes as they are made.
    named: BTreeSet<usize>,
    /// Where the call begins that makes what a list has, and the pieces before and behind it.
    listed: Option<(usize, [usize; 2])>,
    /// Whether a panic may leave the function that is being visited.
    can_unwind: bool,
    /// Whether the functions that are being visited are a trait's, which std calls in loops of its own.
    of_trait: bool,
    /// Whether the functions that are being visited are a future's or a stream's own.
    of_future: bool,
    /// Whether what is being visited is awaited in.
    is_async: bool,
    /// Whether a pointer to anything may be written through where it does not show.
    is_unsafe: bool,
}

impl<'a> Walk<'a> {
    pub(super) fn new(instruments: &'a mut Instruments) -> Self {
        let Instruments { pieces, collections, lists } = instruments;
        Self {
            pieces,
            collections,
            lists,
            named: BTreeSet::new(),
            listed: None,
            can_unwind: true,
            of_trait: false,
            of_future: false,
            is_async: true,
            is_unsafe: false,
        }
    }

    fn check(&mut self, block: &syn::Block, attributes: &[syn::Attribute]) {
        if self.can_unwind {
            self.pieces.push((checkpoint::head(block, attributes), Piece::Check));
        }
    }

    fn chunk<const N: usize>(&mut self, parts: [(usize, chunk::LoopPart); N]) {
        self.pieces.extend(parts.map(|(at, part)| (at, Piece::Chunk(part))));
    }

    fn wrapped(&mut self, expression: &Expr, wrap: Wrap) {
        let range = expression.span().byte_range();
        self.pieces.push((range.start, Piece::Wrap(wrap)));
        self.visit_expr(expression);
        self.pieces.push((range.end, Piece::WrapEnd(wrap)));
    }

    /// Something that is awaited by itself.
    fn awaited(&mut self, base: &Expr) {
        let range = base.span().byte_range();
        let key = match base {
            Expr::Call(call) if futures_in(call).is_some() => Some("::kissaten::__cell::ALL".to_owned()),
            base => await_note::key(base),
        };
        let names = await_note::names(base);
        let begin = match &key {
            Some(_) => "::kissaten::__cell::at_key(",
            None => "::kissaten::__cell::at(",
        };
        self.pieces.push((range.start, Piece::Note(begin.to_owned())));
        if let Some(key) = key {
            self.pieces.push((range.start, Piece::Note(format!("{key}, "))));
        }
        if let Some(names) = &names {
            // Before what it is given is moved.
            self.pieces.push((range.start, Piece::Timeline(format!("::kissaten::__cell::behind({names}, "))));
        }
        match base {
            Expr::Call(_) | Expr::MethodCall(_) => {
                self.pieces.push((range.start, Piece::Wrap(Wrap::Awaited)));
                match base {
                    Expr::Call(call) if let Some(future) = timed(call, true) => self.limited(call, future),
                    base => self.polled(base),
                }
                self.pieces.push((range.end, Piece::WrapEnd(Wrap::Awaited)));
            }
            base => self.polled(base),
        }
        if names.is_some() {
            self.pieces.push((range.end, Piece::Timeline(")".to_owned())));
        }
        self.pieces.push((range.end, Piece::Note(format!(", {})", await_note::literal(base)))));
    }

    /// The future of a task. What it is given ends with nobody, so it can stand in a block.
    fn task(&mut self, future: &Expr, wrap: Wrap) {
        let Some(names) = await_note::names(future) else { return self.wrapped(future, wrap) };
        let range = future.span().byte_range();
        self.pieces.push((range.start, Piece::Wrap(wrap)));
        self.pieces.push((range.start, Piece::Timeline(format!("{{ {names}; "))));
        self.visit_expr(future);
        self.pieces.push((range.end, Piece::Timeline(" }".to_owned())));
        self.pieces.push((range.end, Piece::WrapEnd(wrap)));
    }

    fn function(
        &mut self,
        attributes: &[syn::Attribute],
        signature: &syn::Signature,
        block: &syn::Block,
        of_trait: bool,
    ) {
        // What the compiler runs cannot call anything of ours.
        if signature.constness.is_some() || checkpoint::is_opaque(attributes) {
            return;
        }
        let around = (self.can_unwind, self.is_unsafe, self.is_async);
        (self.can_unwind, self.is_unsafe, self.is_async) = (
            checkpoint::can_unwind(signature),
            matches!(signature.safety, syn::Safety::Unsafe(_)),
            signature.asyncness.is_some(),
        );
        if self.of_future && matches!(signature.ident.to_string().as_str(), "poll" | "poll_next") {
            let apart = "let __kissaten_apart = ::kissaten::__cell::apart_here(); ".to_owned();
            self.pieces.push((checkpoint::head(block, attributes), Piece::Note(apart)));
        }
        // What ends at once and calls nobody needs none; each costs a tenth of a millisecond in every later cell.
        if of_trait || !chunk::is_quick(block) {
            self.check(block, attributes);
        }
        self.visit_block(block);
        (self.can_unwind, self.is_unsafe, self.is_async) = around;
    }

    fn logger(&mut self, range: std::ops::Range<usize>, within: impl FnOnce(&mut Self)) {
        self.pieces.push((range.start, Piece::Wrap(Wrap::Logger)));
        within(self);
        self.pieces.push((range.end, Piece::WrapEnd(Wrap::Logger)));
    }

    fn spawn(
        &mut self,
        spawn: Spawn,
        range: std::ops::Range<usize>,
        callee: &Expr,
        arguments: &Punctuated<Expr, syn::Token![,]>,
    ) {
        if spawn.returns_handle {
            self.pieces.push((range.start, Piece::Wrap(Wrap::Spawned)));
        }
        self.visit_expr(callee);
        for (index, argument) in arguments.iter().enumerate() {
            match spawn.argument {
                Some((wrapped, wrap @ (Wrap::Lane | Wrap::Task))) if wrapped == index => self.task(argument, wrap),
                Some((wrapped, wrap)) if wrapped == index => self.wrapped(argument, wrap),
                _ => self.visit_expr(argument),
            }
        }
        if spawn.returns_handle {
            self.pieces.push((range.end, Piece::WrapEnd(Wrap::Spawned)));
        }
    }
}

/// Whether it may set a logger: `env_logger::init()`, `set_global_default(…)`, and those of their relatives.
fn sets_logger(function: &Expr, arguments: &Punctuated<Expr, syn::Token![,]>) -> bool {
    let Expr::Path(function) = function else { return false };
    let names: Vec<String> = function.path.segments.iter().map(|segment| segment.ident.to_string()).collect();
    match names.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [.., "init" | "try_init"] => names.len() > 1 && arguments.is_empty(),
        [.., "set_global_default" | "set_logger" | "set_boxed_logger"] => arguments.len() == 1,
        _ => false,
    }
}

/// Whether it is `tokio::signal::ctrl_c()`, by its name.
fn is_ctrl_c(call: &syn::ExprCall) -> bool {
    let Expr::Path(function) = &*call.func else { return false };
    let named = function.path.segments.last().is_some_and(|last| last.ident == "ctrl_c" && last.arguments.is_none());
    named && call.args.is_empty() && call.attrs.is_empty() && function.attrs.is_empty()
}

impl<'ast> Visit<'ast> for Walk<'_> {
    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        self.function(&function.attrs, &function.sig, &function.block, false);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        self.function(&function.attrs, &function.sig, &function.block, self.of_trait);
    }

    fn visit_trait_item_fn(&mut self, function: &'ast syn::TraitItemFn) {
        if let Some(block) = &function.default {
            self.function(&function.attrs, &function.sig, block, true);
        }
    }

    fn visit_item_impl(&mut self, block: &'ast syn::ItemImpl) {
        if !checkpoint::is_opaque(&block.attrs) {
            let last = block.trait_.as_ref().and_then(|(of_trait, _)| of_trait.segments.last());
            let is_future = last.is_some_and(|last| last.ident == "Future" || last.ident == "Stream");
            let around = (self.of_trait, self.of_future);
            (self.of_trait, self.of_future) = (block.trait_.is_some(), is_future);
            visit::visit_item_impl(self, block);
            (self.of_trait, self.of_future) = around;
        }
    }

    fn visit_item_trait(&mut self, definition: &'ast syn::ItemTrait) {
        if !checkpoint::is_opaque(&definition.attrs) {
            visit::visit_item_trait(self, definition);
        }
    }

    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if !checkpoint::is_opaque(&module.attrs) {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_item_macro(&mut self, item: &'ast syn::ItemMacro) {
        if item.ident.is_some() && item.mac.path.is_ident("macro_rules") {
            let found = &mut |at| self.pieces.push((at, Piece::Check));
            checkpoint::in_rules(item.mac.tokens.clone(), found);
        }
    }

    fn visit_expr_loop(&mut self, node: &'ast syn::ExprLoop) {
        self.check(&node.body, &node.attrs);
        self.visit_block(&node.body);
    }

    fn visit_expr_while(&mut self, node: &'ast syn::ExprWhile) {
        let parts = if self.can_unwind && !self.is_unsafe { count::parts(node) } else { None };
        if let Some(parts) = parts {
            self.chunk(parts);
            return;
        }
        self.visit_expr(&node.cond);
        self.check(&node.body, &node.attrs);
        self.visit_block(&node.body);
    }

    fn visit_expr_for_loop(&mut self, node: &'ast syn::ExprForLoop) {
        let parts = if self.can_unwind { chunk::parts(node) } else { None };
        if let Some(parts) = parts {
            self.chunk(parts);
            return;
        }
        self.visit_expr(&node.expr);
        self.check(&node.body, &node.attrs);
        self.visit_block(&node.body);
    }

    fn visit_expr_unsafe(&mut self, node: &'ast syn::ExprUnsafe) {
        let around = std::mem::replace(&mut self.is_unsafe, true);
        visit::visit_expr_unsafe(self, node);
        self.is_unsafe = around;
    }

    fn visit_expr_closure(&mut self, closure: &'ast syn::ExprClosure) {
        if closure.constness.is_some() || checkpoint::is_opaque(&closure.attrs) {
            return;
        }
        let around = std::mem::replace(&mut self.is_async, closure.asyncness.is_some());
        match &*closure.body {
            Expr::Block(body) => {
                self.check(&body.block, &body.attrs);
                self.visit_block(&body.block);
            }
            body if self.can_unwind => {
                let range = body.span().byte_range();
                self.pieces.push((range.start, Piece::Block));
                self.visit_expr(body);
                self.pieces.push((range.end, Piece::BlockEnd));
            }
            body => self.visit_expr(body),
        }
        self.is_async = around;
    }

    fn visit_expr_async(&mut self, node: &'ast syn::ExprAsync) {
        let around = std::mem::replace(&mut self.is_async, true);
        visit::visit_expr_async(self, node);
        self.is_async = around;
    }

    fn visit_expr(&mut self, node: &'ast Expr) {
        // A closure's body is a block of its own, in which it begins where the call does.
        let is_call = matches!(node, Expr::Call(_) | Expr::MethodCall(_));
        // To find where an expression lies takes as long as it is deep, so it is not asked of each.
        if !is_call || self.named.is_empty() && self.listed.is_none() {
            return visit::visit_expr(self, node);
        }
        let range = node.span().byte_range();
        if self.listed == Some((range.start, [0; 2])) {
            let before = self.place(range.start);
            // What begins at the same place is another one.
            self.listed = Some((range.start, [before; 2]));
            visit::visit_expr(self, node);
            self.listed = Some((range.start, [before, self.place(range.end)]));
            return;
        }
        let names = if self.named.remove(&range.start) { await_note::names(node) } else { None };
        let Some(names) = names else { return visit::visit_expr(self, node) };
        self.pieces.push((range.start, Piece::Timeline(format!("{{ {names}; "))));
        visit::visit_expr(self, node);
        self.pieces.push((range.end, Piece::Timeline(" }".to_owned())));
    }

    fn visit_stmt(&mut self, statement: &'ast syn::Stmt) {
        self.noted_before(statement);
        visit::visit_stmt(self, statement);
    }

    fn visit_expr_call(&mut self, call: &'ast syn::ExprCall) {
        match Spawn::of_call(call) {
            Some(spawn) => self.spawn(spawn, call.span().byte_range(), &call.func, &call.args),
            None if is_ctrl_c(call) => {
                let range = call.span().byte_range();
                self.pieces.push((range.start, Piece::Wrap(Wrap::CtrlC)));
                self.pieces.push((range.end, Piece::WrapEnd(Wrap::CtrlC)));
            }
            None if sets_logger(&call.func, &call.args) => self.logger(call.span().byte_range(), |walk| {
                visit::visit_expr_call(walk, call);
            }),
            None => match (futures_in(call), timed(call, false)) {
                (Some(futures), _) => self.all_beside(call, futures),
                (_, Some(future)) => self.limited(call, future),
                _ => visit::visit_expr_call(self, call),
            },
        }
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        match Spawn::of_method(call) {
            Some(spawn) => self.spawn(spawn, call.span().byte_range(), &call.receiver, &call.args),
            None if call.args.is_empty() && matches!(call.method.to_string().as_str(), "init" | "try_init") => {
                self.logger(call.span().byte_range(), |walk| visit::visit_expr_method_call(walk, call));
            }
            None => self.collected(call),
        }
    }

    fn visit_local(&mut self, local: &'ast syn::Local) {
        if !self.local(local) {
            self.visit_pat(&local.pat);
        }
    }

    fn visit_expr_await(&mut self, node: &'ast syn::ExprAwait) {
        match &*node.base {
            base if node.attrs.is_empty() => self.awaited(base),
            base => self.visit_expr(base),
        }
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        let Some(arguments) = arguments::of(call) else { return };
        match &arguments.beside {
            Beside::None => arguments.all.iter().for_each(|argument| self.visit_expr(argument)),
            Beside::Some(arms) => self.arms(call, &arguments.all, arms),
            Beside::All => {
                let literal = await_note::literal_of_macro(call);
                // Noted before the first of them is made.
                let mut note = Some(format!("::kissaten::__cell::note(::kissaten::__cell::ALL, {literal}); "));
                arguments.all.iter().for_each(|argument| self.beside("beside", argument, None, note.take()));
            }
        }
    }

    // What the compiler runs while it compiles: lengths, discriminants, initial values, generic arguments.
    fn visit_expr_repeat(&mut self, node: &'ast syn::ExprRepeat) {
        self.visit_expr(&node.expr);
    }
    fn visit_expr_const(&mut self, _: &'ast syn::ExprConst) {}
    fn visit_item_const(&mut self, _: &'ast syn::ItemConst) {}
    fn visit_item_static(&mut self, _: &'ast syn::ItemStatic) {}
    fn visit_impl_item_const(&mut self, _: &'ast syn::ImplItemConst) {}
    fn visit_trait_item_const(&mut self, _: &'ast syn::TraitItemConst) {}
    fn visit_item_enum(&mut self, _: &'ast syn::ItemEnum) {}
    fn visit_type(&mut self, _: &'ast syn::Type) {}
    fn visit_block(&mut self, block: &'ast syn::Block) {
        let around = self.lists.clone();
        visit::visit_block(self, block);
        *self.lists = around;
    }
    fn visit_generics(&mut self, _: &'ast syn::Generics) {}
    fn visit_path(&mut self, _: &'ast syn::Path) {}
    fn visit_angle_bracketed_generic_arguments(&mut self, _: &'ast syn::AngleBracketedGenericArguments) {}
    fn visit_pat(&mut self, pattern: &'ast syn::Pat) {
        // Other variables of these names.
        if !self.lists.is_empty() {
            pattern::irrefutable(pattern, &mut |name, _| drop(self.lists.remove(&name)));
        }
    }
    fn visit_attribute(&mut self, _: &'ast syn::Attribute) {}
}
