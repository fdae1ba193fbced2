"""Values on their way from Python to Rust: the Rust type that fits a value, its bytes, and the code that reads them.

The code depends on the type alone, never on the value, so the same cell with other data is the same program. What has
no obvious Rust type is refused with a sentence that names the part. The way back needs nothing of this: it is JSON.
"""

from __future__ import annotations

import dataclasses
import keyword
import re
import struct
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any

from .errors import ValueNotPassed

#: The environment variable with the folder in which the bytes are.
FOLDER = "KISSATEN_PYTHON_VALUES"

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_RUST_KEYWORDS = frozenset(
    "as async await box break const continue crate do dyn else enum extern false final fn for gen if impl in let loop macro match "
    "mod move mut override priv pub ref return self Self static struct super trait true try type typeof unsafe unsized use "
    "virtual where while yield abstract become".split()
)
#: What Rust has no raw form for.
_NEVER_NAMES = frozenset({"self", "Self", "super", "crate", "_"})


def rust_name(name: str) -> str:
    """The name as Rust code writes it: keywords of Rust are raw."""
    return f"r#{name}" if name in _RUST_KEYWORDS else name


def is_name(name: object) -> bool:
    """Whether a variable or field in Rust can be called so."""
    return isinstance(name, str) and bool(_IDENTIFIER.match(name)) and name not in _NEVER_NAMES


@dataclass(frozen=True)
class Type:
    """A Rust type: how it is written, and the expression that reads a value of it from `r`."""

    kind: str
    #: Of a vector, set or option the one within; of a tuple all; of a map key and value; of a struct those of its fields.
    parts: tuple[Type, ...] = ()
    #: The fields of a struct.
    names: tuple[str, ...] = ()
    #: What a struct is called.
    title: str = ""

    def text(self) -> str:
        """The type as Rust code writes it."""
        if self.kind == "unknown":
            return "()"
        if self.kind in ("vec", "option", "set"):
            outer = {"vec": "Vec", "option": "Option", "set": "std::collections::BTreeSet"}[self.kind]
            return f"{outer}<{self.parts[0].text()}>"
        if self.kind == "map":
            return f"std::collections::BTreeMap<{self.parts[0].text()}, {self.parts[1].text()}>"
        if self.kind == "tuple":
            return "(" + "".join(part.text() + ", " for part in self.parts).rstrip() + ")"
        if self.kind == "struct":
            return self.title
        return self.kind

    def read(self) -> str:
        """The Rust expression that reads a value of this type from the reader `r`."""
        if self.kind == "unknown":
            return "()"
        if self.kind == "option":
            return f"if r.flag() {{ Some({self.parts[0].read()}) }} else {{ None }}"
        if self.kind in ("vec", "set"):
            return f"(0..r.count()).map(|_| {self.parts[0].read()}).collect()"
        if self.kind == "map":
            key, value = self.parts
            return f"(0..r.count()).map(|_| ({key.read()}, {value.read()})).collect()"
        if self.kind == "tuple":
            return "(" + "".join(f"{part.read()}, " for part in self.parts) + ")"
        if self.kind == "struct":
            fields = (f"{rust_name(name)}: {part.read()}" for name, part in zip(self.names, self.parts))
            return f"{self.title} {{ {', '.join(fields)} }}"
        if self.kind == "String":
            return "r.text()"
        if self.kind == "bool":
            return "r.flag()"
        return f"{self.kind}::from_le_bytes(r.bytes())"

    def structs(self) -> list[Type]:
        """The structs that the type is made of, inner ones first."""
        found = [inner for part in self.parts for inner in part.structs()]
        if self.kind == "struct":
            found.append(self)
        unique: dict[str, Type] = {}
        for each in found:
            unique.setdefault(each.title, each)
        return list(unique.values())

    def definition(self) -> str:
        """The item that defines a struct."""
        fields = "".join(f"    {rust_name(name)}: {part.text()},\n" for name, part in zip(self.names, self.parts))
        derives = "Clone, Debug, PartialEq"
        serde = '#[serde(crate = "kissaten::serde")]'
        return f"#[derive({derives}, kissaten::serde::Serialize, kissaten::serde::Deserialize)]\n{serde}\nstruct {self.title} {{\n{fields}}}\n"


UNKNOWN = Type("unknown")
_INTEGERS = {"i8": "b", "i16": "h", "i32": "i", "i64": "q", "u8": "B", "u16": "H", "u32": "I", "u64": "Q"}
_FLOATS = {"f32": "f", "f64": "d"}
_NUMPY_KINDS = {"i": "i", "u": "u", "f": "f"}


@dataclass
class Passed:
    """A value ready for Rust."""

    name: str
    type: Type
    data: bytes = field(repr=False, default=b"")

    def file(self) -> str:
        """The name of the file with the bytes, under the folder of `FOLDER`."""
        return f"{self.name}.bytes"

    def code(self) -> str:
        """The Rust cell that makes the variable."""
        items = "".join(each.definition() for each in self.type.structs())
        name = rust_name(self.name)
        return f"""{items}let mut {name}: {self.type.text()} = {{
    struct Reader<'a>(&'a [u8]);
    #[allow(dead_code)]
    impl Reader<'_> {{
        fn bytes<const N: usize>(&mut self) -> [u8; N] {{
            let (head, rest) = self.0.split_first_chunk::<N>().expect("the bytes that Python wrote are whole");
            self.0 = rest;
            *head
        }}
        fn count(&mut self) -> usize {{ u64::from_le_bytes(self.bytes()) as usize }}
        fn flag(&mut self) -> bool {{ self.bytes::<1>()[0] != 0 }}
        fn text(&mut self) -> String {{
            let count = self.count();
            let (head, rest) = self.0.split_at(count);
            self.0 = rest;
            String::from_utf8_lossy(head).into_owned()
        }}
    }}
    let folder = std::env::var_os("{FOLDER}").expect("Python gives the folder");
    let bytes = std::fs::read(std::path::Path::new(&folder).join("{self.file()}"))?;
    #[allow(unused_mut)]
    let mut r = Reader(&bytes);
    {self.type.read()}
}};
"""


def passed(name: str, value: Any) -> Passed:
    """The value under this name, ready for Rust.

    Raises `ValueNotPassed` with the part of the value for which there is no Rust type.
    """
    if not is_name(name):
        raise ValueNotPassed(f"`{name}` is no name for a variable in Rust")
    value = _plain(value)
    found = _known(_type_of(value, name, _title(name)), name)
    out = bytearray()
    _write(out, value, found)
    return Passed(name, found, bytes(out))


def _title(name: str) -> str:
    """The name of a struct for the dictionary of this name."""
    return "".join(part[:1].upper() + part[1:] for part in name.split("_") if part) or "Value"


def _plain(value: Any) -> Any:
    """Values of numpy, pandas and dataclasses by what they consist of; others as they are."""
    module = type(value).__module__.partition(".")[0]
    if module == "numpy":
        return value
    if module == "pandas" and hasattr(value, "to_dict"):
        return value.to_dict("list") if hasattr(value, "columns") else value.to_numpy()
    return value


def _type_of(value: Any, path: str, title: str) -> Type:
    if value is None:
        return Type("option", (UNKNOWN,))
    if isinstance(value, bool):
        return Type("bool")
    if type(value).__module__.partition(".")[0] == "numpy":
        return _numpy_type(value, path)
    if isinstance(value, int):
        for kind, (low, high) in {"i64": (-(2**63), 2**63), "u64": (0, 2**64), "i128": (-(2**127), 2**127)}.items():
            if low <= value < high:
                return Type(kind)
        raise ValueNotPassed(f"`{path}` is too large for Rust's integers")
    if isinstance(value, float):
        return Type("f64")
    if isinstance(value, str):
        return Type("String")
    if isinstance(value, (bytes, bytearray, memoryview)):
        return Type("vec", (Type("u8"),))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _struct({each.name: getattr(value, each.name) for each in dataclasses.fields(value)}, path, type(value).__name__)
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return _struct(value._asdict(), path, type(value).__name__)
    if isinstance(value, tuple):
        return Type("tuple", tuple(_type_of(part, f"{path}[{at}]", f"{title}{at}") for at, part in enumerate(value)))
    if isinstance(value, Mapping):
        return _mappings([value], path, title)
    if isinstance(value, AbstractSet):
        inner = _common(value, path, title)
        if "f64" in _kinds(inner):
            raise ValueNotPassed(f"`{path}` is a set of floating-point numbers, which Rust has no order for; pass a list")
        return Type("set", (inner,))
    if isinstance(value, Sequence):
        return Type("vec", (_common(value, path, title),))
    raise ValueNotPassed(
        f"`{path}` is of the type `{type(value).__qualname__}`, for which there is no obvious Rust type; "
        "pass numbers, text, bytes, lists, tuples, dictionaries, dataclasses or arrays"
    )


def _numpy_type(value: Any, path: str) -> Type:
    dtype = value.dtype
    if dtype.kind == "b":
        inner = Type("bool")
    elif dtype.kind in _NUMPY_KINDS and f"{_NUMPY_KINDS[dtype.kind]}{dtype.itemsize * 8}" in {**_INTEGERS, **_FLOATS}:
        inner = Type(f"{_NUMPY_KINDS[dtype.kind]}{dtype.itemsize * 8}")
    elif dtype.kind == "U":
        inner = Type("String")
    elif dtype.kind == "O" and getattr(value, "ndim", 0) == 1:
        return _type_of(value.tolist(), path, _title(path))
    else:
        raise ValueNotPassed(f"`{path}` is an array of `{dtype}`, for which Rust has no type")
    for _ in range(getattr(value, "ndim", 0)):
        inner = Type("vec", (inner,))
    return inner


def _mappings(found: list[Mapping[Any, Any]], path: str, title: str) -> Type:
    """The type that dictionaries have together: a map where all values are alike, else a struct with a field for each key."""
    keys = _common([key for each in found for key in each], f"{path} (a key)", title)
    if keys.kind not in ("unknown", "String", "bool", *_INTEGERS):
        raise ValueNotPassed(f"`{path}` has keys that are neither text nor whole numbers")
    try:
        parts = _common([part for each in found for part in each.values()], f"{path}[…]", title)
    except ValueNotPassed:
        if keys.kind != "String" or not all(is_name(name) for each in found for name in each):
            raise
        names = {name: None for each in found for name in each}
        # What only some have is there in an `Option`.
        structs = [_struct({name: each.get(name) for name in names}, path, title) for each in found]
        common = structs[0]
        for other in structs[1:]:
            common = _unified(common, other, path)
        return common
    return Type("map", (Type("String") if keys == UNKNOWN else keys, parts))


def _struct(fields: Mapping[str, Any], path: str, title: str) -> Type:
    for name in fields:
        if not is_name(name):
            raise ValueNotPassed(f"`{path}` has the field `{name}`, which is no name in Rust")
    parts = tuple(_type_of(_plain(part), f"{path}.{name}", title + _title(name)) for name, part in fields.items())
    return Type("struct", parts, tuple(fields), title)


def _common(values: Any, path: str, title: str) -> Type:
    """The one type that all these values have."""
    found = UNKNOWN
    values = list(values)
    if values and all(isinstance(value, Mapping) for value in values):
        return _mappings(values, path, title)
    for at, value in enumerate(values):
        found = _unified(found, _type_of(_plain(value), f"{path}[{at}]", title), path)
    return found


def _unified(a: Type, b: Type, path: str) -> Type:
    if a == b or b == UNKNOWN:
        return a
    if a == UNKNOWN:
        return b
    if a.kind == "option" or b.kind == "option":
        a, b = (each.parts[0] if each.kind == "option" else each for each in (a, b))
        return Type("option", (_unified(a, b, path),))
    numbers = {*_INTEGERS, *_FLOATS, "i128"}
    if a.kind in numbers and b.kind in numbers:
        if {a.kind, b.kind} & set(_FLOATS):
            return Type("f64")
        return Type("i128")
    if a.kind == b.kind and len(a.parts) == len(b.parts) and a.names == b.names and a.kind != "bool":
        parts = tuple(_unified(one, other, path) for one, other in zip(a.parts, b.parts))
        return Type(a.kind, parts, a.names, a.title)
    raise ValueNotPassed(f"`{path}` has values of several types, `{a.text()}` and `{b.text()}`")


def _kinds(of: Type) -> set[str]:
    return {of.kind}.union(*(_kinds(part) for part in of.parts))


def _known(of: Type, path: str) -> Type:
    """The type, in which what is not known from the values is text within lists, and refused where it would matter."""
    if of == UNKNOWN:
        return Type("String")
    if of.kind == "option" and of.parts[0] == UNKNOWN:
        raise ValueNotPassed(f"`{path}` is None, and so its Rust type cannot be told")
    return Type(of.kind, tuple(_known(part, path) for part in of.parts), of.names, of.title)


def _write(out: bytearray, value: Any, of: Type) -> None:
    value = _plain(value)
    if of.kind == "option":
        out.append(value is not None)
        if value is not None:
            _write(out, value, of.parts[0])
    elif of.kind == "String":
        data = str(value).encode("utf-8", "replace")
        out += struct.pack("<Q", len(data)) + data
    elif of.kind == "bool":
        out.append(bool(value))
    elif of.kind in _INTEGERS:
        out += struct.pack("<" + _INTEGERS[of.kind], int(value))
    elif of.kind == "i128":
        out += int(value).to_bytes(16, "little", signed=True)
    elif of.kind in _FLOATS:
        out += struct.pack("<" + _FLOATS[of.kind], float(value))
    elif of.kind in ("vec", "set"):
        _write_all(out, value, of.parts[0])
    elif of.kind == "map":
        out += struct.pack("<Q", len(value))
        for key, part in value.items():
            _write(out, key, of.parts[0])
            _write(out, part, of.parts[1])
    elif of.kind == "tuple":
        for part, inner in zip(value, of.parts):
            _write(out, part, inner)
    elif of.kind == "struct":
        for name, inner in zip(of.names, of.parts):
            _write(out, value.get(name) if isinstance(value, Mapping) else getattr(value, name), inner)


def _write_all(out: bytearray, values: Any, inner: Type) -> None:
    """A vector's count and elements; what lies in memory as Rust has it goes at once."""
    if isinstance(values, (bytes, bytearray, memoryview)):
        data = bytes(values)
        out += struct.pack("<Q", len(data)) + data
        return
    out += struct.pack("<Q", len(values))
    letter = {**_INTEGERS, **_FLOATS}.get(inner.kind)
    if letter and type(values).__module__.partition(".")[0] == "numpy":
        out += values.astype(values.dtype.newbyteorder("<")).tobytes()
    elif letter:
        cast = float if inner.kind in _FLOATS else int
        out += struct.pack(f"<{len(values)}{letter}", *map(cast, values))
    else:
        for value in values:
            _write(out, value, inner)


def is_python_name(name: str) -> bool:
    """Whether a value can come back under this name."""
    return name.isidentifier() and not keyword.iskeyword(name)
