//! Futures that are polled side by side: what marks each of them, in calls, macros, iterators, collections and lists.

use syn::Expr;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use super::Walk;
use crate::parse::arguments;
use crate::parse::instrument::{Piece, await_note};

impl Walk<'_> {
    /// A call of `timeout` with what it has inside.
    pub(super) fn limited(&mut self, call: &syn::ExprCall, future: &Expr) {
        self.visit_expr(&call.func);
        if let Some(time) = call.args.first() {
            self.within("::kissaten::__cell::limit(", time, ")", |walk, inner| walk.visit_expr(inner));
        }
        self.beside("timed", future, Some("::kissaten::__cell::limited(), ".to_owned()), None);
    }

    /// What is awaited by itself or polled with others; what may be several futures is apart.
    pub(super) fn polled(&mut self, future: &Expr) {
        if await_note::is_several(future) {
            self.within("::kissaten::__cell::apart(", future, ")", |walk, inner| walk.visit_expr(inner));
        } else {
            self.visit_expr(future);
        }
    }

    /// An expression with something noted before and behind it, which is visited in between.
    fn within(&mut self, before: &str, expression: &Expr, behind: &str, visit: fn(&mut Self, &Expr)) {
        let range = expression.span().byte_range();
        self.pieces.push((range.start, Piece::Note(before.to_owned())));
        visit(self, expression);
        self.pieces.push((range.end, Piece::Note(behind.to_owned())));
    }

    /// The arms of a `select!` among its expressions: how many there are is noted with the first of them, and for what those wait
    /// in which no code of a cell runs.
    pub(super) fn arms(&mut self, call: &syn::Macro, all: &[Expr], arms: &[usize]) {
        let is_path = |arm: &Expr| matches!(arm, Expr::Path(_));
        // A path is not moved: some macros of that name take it by reference.
        let carrier = arms.iter().copied().find(|arm| !is_path(&all[*arm]));
        let is_apart = |arm: &Expr| await_note::may_run_cells(arm) || await_note::is_holding(arm);
        let keys: Vec<String> = arms
            .iter()
            .filter(|arm| carrier.is_some_and(|carrier| **arm >= carrier) && !is_apart(&all[**arm]))
            .filter_map(|arm| await_note::key(&all[*arm]))
            .collect();
        let some = match keys.as_slice() {
            [] => format!("::kissaten::__cell::SOME + {}", arms.len()),
            keys => format!("::kissaten::__cell::some({}, &[{}])", arms.len(), keys.join(", ")),
        };
        let literal = await_note::literal_of_macro(call);
        for (index, expression) in all.iter().enumerate() {
            let carries = carrier == Some(index);
            if arms.contains(&index) && is_apart(expression) {
                let note = carries.then(|| format!("::kissaten::__cell::note({some}, {literal}); "));
                self.beside("arm", expression, None, note);
            } else if carries {
                let (before, behind) = (format!("::kissaten::__cell::at_key({some}, "), format!(", {literal})"));
                self.within(&before, expression, &behind, Self::polled);
            } else if arms.contains(&index) {
                self.polled(expression);
            } else {
                self.visit_expr(expression);
            }
        }
    }

    /// A future that is polled with others, by that function's wrap; `before`: what that takes first; `note`: what is to be done
    /// before the future is made.
    pub(super) fn beside(&mut self, function: &str, future: &Expr, before: Option<String>, note: Option<String>) {
        let range = future.span().byte_range();
        let key = await_note::key(future).unwrap_or_else(|| "0".to_owned());
        let key = note.map_or_else(|| key.clone(), |note| format!("{{ {note}{key} }}"));
        self.pieces.push((range.start, Piece::Note(format!("::kissaten::__cell::{function}("))));
        if let Some(before) = before {
            self.pieces.push((range.start, Piece::Note(before)));
        }
        if let Some(names) = await_note::names(future) {
            self.pieces.push((range.start, Piece::Timeline(format!("{names} + "))));
        }
        self.pieces.push((range.start, Piece::Note(format!("{key}, "))));
        self.polled(future);
        self.pieces.push((range.end, Piece::Note(format!(", {})", await_note::literal_beside(future)))));
    }

    /// Futures that come from an iterator or a stream: each gets a lane, by that trait's `map`.
    pub(super) fn each_beside(&mut self, source: &Expr, of: &str) {
        self.each(source, of, "::kissaten::__cell::beside(0, future, &\"future\")");
    }

    /// Futures of a `JoinSet`: they are tasks, of which tokio does not tell the names.
    pub(super) fn each_a_task(&mut self, source: &Expr) {
        self.each(source, "::core::iter::Iterator", "::kissaten::__lane!(future)");
    }

    pub(super) fn each(&mut self, source: &Expr, of: &str, wrap: &str) {
        let range = source.span().byte_range();
        self.pieces.push((range.start, Piece::Timeline(format!("{of}::map("))));
        self.source(source);
        self.pieces.push((range.end, Piece::Timeline(format!(", |future| {wrap})"))));
    }

    /// What gives futures one by one. Where a `map` makes them, a timeline is told with what: each gets its lane as it is made.
    fn source(&mut self, source: &Expr) {
        let Expr::MethodCall(call) = source else { return self.visit_expr(source) };
        match call.args.first() {
            Some(Expr::Closure(closure)) if call.method == "map" => {
                if let Some(made) = await_note::made_by(&closure.body) {
                    self.named.insert(made.span().byte_range().start);
                }
                self.visit_expr(source);
            }
            Some(Expr::Path(function)) if call.method == "map" && function.qself.is_none() => {
                self.visit_expr(&call.receiver);
                let range = function.span().byte_range();
                let names = await_note::names_of_item(&function.path);
                self.pieces.push((range.start, Piece::Timeline(format!("move |__kissaten_item| {{ {names}; "))));
                self.pieces.push((range.end, Piece::Timeline("(__kissaten_item) }".to_owned())));
            }
            _ => self.visit_expr(source),
        }
    }

    /// One that is pushed into a collection of futures.
    pub(super) fn pushed(&mut self, future: &Expr) {
        let range = future.span().byte_range();
        let names = await_note::names(future).map_or_else(|| "0".to_owned(), |names| format!("{names} + 0"));
        self.pieces.push((range.start, Piece::Timeline(format!("::kissaten::__cell::beside({names}, "))));
        self.visit_expr(future);
        let end = format!(", {})", await_note::literal_beside(future));
        self.pieces.push((range.end, Piece::Timeline(end)));
    }

    /// A `let` of futures that are gathered, or of anything else. Whether what it binds is such a list.
    pub(super) fn local(&mut self, local: &syn::Local) -> bool {
        let (pattern, ascribed) = match &local.pat {
            syn::Pat::Type(typed) => (&*typed.pat, Some(&*typed.ty)),
            pattern => (pattern, None),
        };
        let init = local.init.as_ref().filter(|init| init.diverge.is_none());
        let (syn::Pat::Ident(name), Some(init)) = (pattern, init) else {
            self.init(local);
            return false;
        };
        if await_note::is_list(name, ascribed, &init.expr) && self.list(local, name, &init.expr) {
            return true;
        }
        let is_made = |expression: &Expr| match expression {
            Expr::Call(call) => matches!(&*call.func, Expr::Path(path) if await_note::makes_collection(&path.path)),
            _ => false,
        };
        let is_collection = ascribed.is_some_and(await_note::is_collection);
        match &*init.expr {
            Expr::MethodCall(call)
                if call.method == "collect" && call.turbofish.is_none() && ascribed.is_some_and(await_note::is_set) =>
            {
                self.each_a_task(&call.receiver);
            }
            Expr::MethodCall(call) if call.method == "collect" && call.turbofish.is_none() && is_collection => {
                self.collections.insert(name.ident.to_string());
                self.each_beside(&call.receiver, "::core::iter::Iterator");
            }
            expression => {
                let is_collected = matches!(expression, Expr::MethodCall(call) if await_note::collects(call));
                if is_collected || is_made(expression) && ascribed.is_none_or(await_note::is_collection) {
                    self.collections.insert(name.ident.to_string());
                } else {
                    self.collections.remove(&name.ident.to_string());
                }
                self.init(local);
            }
        }
        false
    }

    /// A list that may be one of futures, and of which the text says with what each is made; whether it does. Whether they are
    /// futures is known where the list is joined, so what tells a timeline has only its places for now.
    fn list(&mut self, local: &syn::Local, name: &syn::PatIdent, made: &Expr) -> bool {
        let Expr::MethodCall(collect) = made else { return false };
        let Expr::MethodCall(map) = &*collect.receiver else { return false };
        let list = format!("__kissaten_made_{}", name.ident);
        let (begin, end, places) = match map.args.first() {
            Some(Expr::Closure(closure)) => {
                let Some(call) = await_note::made_by(&closure.body) else { return false };
                let names = await_note::names(call).unwrap_or_default();
                let first = self.place(local.span().byte_range().start);
                let around = self.listed.replace((call.span().byte_range().start, [0; 2]));
                self.init(local);
                let Some((_, [start, end @ 1..=usize::MAX])) = std::mem::replace(&mut self.listed, around) else {
                    return true;
                };
                (format!("{{ {list}.add({names}); "), " }", [first, start, end])
            }
            Some(Expr::Path(function)) if function.qself.is_none() => {
                let (first, range) = (self.place(local.span().byte_range().start), function.span().byte_range());
                self.visit_expr(&map.receiver);
                let names = await_note::names_of_item(&function.path);
                let begin = format!("|__kissaten_item| {{ {list}.add({names}); ");
                (begin, "(__kissaten_item) }", [first, self.place(range.start), self.place(range.end)])
            }
            _ => return false,
        };
        let texts = [format!("let {list} = ::kissaten::__cell::made(); "), begin, end.to_owned()];
        self.collections.remove(&name.ident.to_string());
        self.lists.insert(name.ident.to_string(), (places, texts));
        true
    }

    /// What a `let` has on its right: its pattern shadows nothing there.
    fn init(&mut self, local: &syn::Local) {
        if let Some(init) = &local.init {
            self.visit_local_init(init);
        }
    }

    /// A place in the text, for a piece that is not known yet.
    pub(super) fn place(&mut self, at: usize) -> usize {
        self.pieces.push((at, Piece::Timeline(String::new())));
        self.pieces.len() - 1
    }

    /// The list of futures that a variable is, if a timeline is told of those; from here on it is.
    fn listed(&mut self, futures: &Expr) -> Option<String> {
        let Expr::Path(path) = futures else { return None };
        let name = path.path.get_ident()?.to_string();
        let (places, texts) = self.lists.get(&name)?;
        for (place, text) in places.iter().zip(texts) {
            self.pieces[*place].1 = Piece::Timeline(text.clone());
        }
        Some(format!("__kissaten_made_{name}"))
    }

    /// Futures in a collection that are polled side by side.
    pub(super) fn all_beside(&mut self, call: &syn::ExprCall, futures: &Expr) {
        self.visit_expr(&call.func);
        if let Some(elements) = elements(futures) {
            return elements.iter().for_each(|future| self.beside("beside", future, None, None));
        }
        let range = futures.span().byte_range();
        self.pieces.push((range.start, Piece::Note("::core::iter::IntoIterator::into_iter(".to_owned())));
        self.source(futures);
        let key = "{ use ::kissaten::__cell::awaits::*; (&&Awaits(&future)).key() }";
        let literal = await_note::literal_beside(futures);
        self.pieces.push((range.end, Piece::Note(").map(|future| ".to_owned())));
        let list = self.listed(futures);
        if let Some(list) = &list {
            self.pieces.push((range.end, Piece::Timeline(format!("{{ {list}.next(); "))));
        }
        self.pieces.push((range.end, Piece::Note(format!("::kissaten::__cell::beside({key}, future, {literal})"))));
        if list.is_some() {
            self.pieces.push((range.end, Piece::Timeline(" }".to_owned())));
        }
        self.pieces.push((range.end, Piece::Note(")".to_owned())));
    }

    /// Calls by which futures are gathered, and all other ones.
    pub(super) fn collected(&mut self, call: &syn::ExprMethodCall) {
        let is_of_futures = |receiver: &Expr| match receiver {
            Expr::Path(path) => path.path.get_ident().is_some_and(|name| self.collections.contains(&name.to_string())),
            _ => false,
        };
        match (call.method.to_string().as_str(), call.args.first()) {
            ("collect", None) if await_note::collects(call) => {
                self.each_beside(&call.receiver, "::core::iter::Iterator");
            }
            ("collect", None) if await_note::collects_set(call) => self.each_a_task(&call.receiver),
            ("buffer_unordered" | "buffered", Some(limit)) if call.turbofish.is_none() && call.args.len() == 1 => {
                self.each_beside(&call.receiver, "::kissaten::futures::StreamExt");
                self.visit_expr(limit);
            }
            ("push" | "push_back", Some(future)) if call.args.len() == 1 && is_of_futures(&call.receiver) => {
                self.pushed(future);
            }
            _ => visit::visit_expr_method_call(self, call),
        }
    }
}

/// The futures in a list of calls of one function, written where it is awaited: `vec![brew("mocha"), brew("tea")]`.
fn elements(list: &Expr) -> Option<Vec<Expr>> {
    let elements: Vec<Expr> = match list {
        Expr::Array(array) => array.elems.iter().cloned().collect(),
        Expr::Macro(list) if list.mac.path.is_ident("vec") && list.mac.tokens.to_string().contains(',') => {
            arguments::of(&list.mac)?.all
        }
        _ => return None,
    };
    let function = |future: &Expr| match future {
        Expr::Call(call) => await_note::names(future).and_then(|_| call.func.span().source_text()),
        _ => None,
    };
    let first = function(elements.first()?)?;
    elements.iter().all(|element| function(element).as_ref() == Some(&first)).then_some(elements)
}

/// The one argument of `join_all` and `try_join_all`.
pub(super) fn futures_in(call: &syn::ExprCall) -> Option<&Expr> {
    let Expr::Path(function) = &*call.func else { return None };
    let last = function.path.segments.last().filter(|last| last.ident == "join_all" || last.ident == "try_join_all")?;
    let is_plain =
        last.arguments.is_none() && call.attrs.is_empty() && function.attrs.is_empty() && call.args.len() == 1;
    call.args.first().filter(|_| is_plain)
}

/// The future in `timeout(duration, future)`, if code of a cell may run in it; of one that `is_awaited`, also if what it waits for
/// can be known.
pub(in super::super) fn timed(call: &syn::ExprCall, is_awaited: bool) -> Option<&Expr> {
    let Expr::Path(function) = &*call.func else { return None };
    let last = function.path.segments.last().filter(|last| last.ident == "timeout" || last.ident == "timeout_at")?;
    let is_plain =
        last.arguments.is_none() && call.attrs.is_empty() && function.attrs.is_empty() && call.args.len() == 2;
    let is_of_interest =
        |future: &Expr| await_note::may_run_cells(future) || is_awaited && await_note::key(future).is_some();
    call.args.last().filter(|future| is_plain && is_of_interest(future))
}
