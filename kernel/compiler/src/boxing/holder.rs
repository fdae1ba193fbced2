//! Types that hold a value without a name: how they are taken apart, and made anew around its box.

use std::fmt;

/// A type of std or tokio with one parameter that may have no name: its last one.
pub(crate) struct Holder {
    /// As rustc prints it.
    path: &'static str,
    /// How many parameters it has.
    pub(crate) parameters: usize,
    /// The same with what is in it changed: `$v` is the variable, `$e` what becomes of `__kissaten_each`.
    template: &'static str,
}

impl fmt::Debug for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.path)
    }
}

impl PartialEq for Holder {
    fn eq(&self, other: &Self) -> bool {
        self.path == other.path
    }
}

impl Eq for Holder {}

const fn holder(path: &'static str, parameters: usize, template: &'static str) -> Holder {
    Holder { path, parameters, template }
}

const HOLDERS: [Holder; 12] = [
    holder("std::cell::RefCell", 1, "::std::cell::RefCell::new({ let __kissaten_each = $v.into_inner(); $e })"),
    holder("std::cell::Cell", 1, "::std::cell::Cell::new({ let __kissaten_each = $v.into_inner(); $e })"),
    holder(
        "std::sync::Mutex",
        1,
        "::std::sync::Mutex::new({ let __kissaten_each = ::kissaten::__cell::inner($v.into_inner()); $e })",
    ),
    holder(
        "std::sync::RwLock",
        1,
        "::std::sync::RwLock::new({ let __kissaten_each = ::kissaten::__cell::inner($v.into_inner()); $e })",
    ),
    holder(
        "tokio::sync::Mutex",
        1,
        "::kissaten::tokio::sync::Mutex::new({ let __kissaten_each = $v.into_inner(); $e })",
    ),
    holder(
        "tokio::sync::RwLock",
        1,
        "::kissaten::tokio::sync::RwLock::new({ let __kissaten_each = $v.into_inner(); $e })",
    ),
    holder("std::boxed::Box", 1, "::std::boxed::Box::new({ let __kissaten_each = *$v; $e })"),
    holder(
        "std::collections::VecDeque",
        1,
        "$v.into_iter().map(|__kissaten_each| $e).collect::<::std::collections::VecDeque<_>>()",
    ),
    holder(
        "std::collections::LinkedList",
        1,
        "$v.into_iter().map(|__kissaten_each| $e).collect::<::std::collections::LinkedList<_>>()",
    ),
    holder(
        "std::collections::BTreeMap",
        2,
        "$v.into_iter().map(|(__kissaten_key, __kissaten_each)| (__kissaten_key, $e)).collect::<::std::collections::BTreeMap<_, _>>()",
    ),
    holder(
        "std::collections::HashMap",
        2,
        "$v.into_iter().map(|(__kissaten_key, __kissaten_each)| (__kissaten_key, $e)).collect::<::std::collections::HashMap<_, _>>()",
    ),
    holder("std::task::Poll", 1, "$v.map(|__kissaten_each| $e)"),
];

/// The types in which something that can be called is shared: those become shared objects by a coercion.
pub(crate) const SHARED: [(&str, &str); 8] = [
    ("std::sync::Arc<std::sync::Mutex", "::std::sync::Arc<::std::sync::Mutex<"),
    ("std::sync::Arc<std::sync::RwLock", "::std::sync::Arc<::std::sync::RwLock<"),
    ("std::sync::Arc<tokio::sync::Mutex", "::std::sync::Arc<::kissaten::tokio::sync::Mutex<"),
    ("std::sync::Arc<tokio::sync::RwLock", "::std::sync::Arc<::kissaten::tokio::sync::RwLock<"),
    ("std::rc::Rc<std::cell::RefCell", "::std::rc::Rc<::std::cell::RefCell<"),
    ("std::rc::Rc<std::cell::Cell", "::std::rc::Rc<::std::cell::Cell<"),
    ("std::sync::Arc<std::cell::RefCell", "::std::sync::Arc<::std::cell::RefCell<"),
    ("std::rc::Rc<tokio::sync::Mutex", "::std::rc::Rc<::kissaten::tokio::sync::Mutex<"),
];

impl Holder {
    /// The one that is printed with this path.
    pub(crate) fn of(path: &str) -> Option<&'static Self> {
        static ALL: [Holder; 12] = HOLDERS;
        ALL.iter().find(|holder| holder.path == path)
    }

    /// An expression that makes it anew.
    pub(super) fn expression(&self, name: &str, inner: &str) -> String {
        self.template.replace("$e", inner).replace("$v", name)
    }
}
