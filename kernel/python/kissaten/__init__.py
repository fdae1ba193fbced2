"""Rust cells in a Python notebook: `%load_ext kissaten`, then `%%rust` at the head of a cell.

The cells run in a Kissaten kernel that this extension starts and ends. `session.py` owns that kernel, `values.py` knows how
values go between the two languages, `sink.py` where outputs are shown, and `magic.py` what a person types. None of them
knows Rust beyond the types that `values.py` writes.
"""

from __future__ import annotations

from .errors import RustError, ValueNotPassed
from .magic import Rust, load_ipython_extension, unload_ipython_extension

__all__ = ["Rust", "RustError", "ValueNotPassed", "load_ipython_extension", "unload_ipython_extension"]
__version__ = "0.1.0"
