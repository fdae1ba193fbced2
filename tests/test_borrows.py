"""Owners and borrowers: a hundred random notebooks against what a person who knows Rust expects of each cell, interrupts, and the end of the worker."""

from __future__ import annotations

import random

import pytest

from kernel import Kernel

NOTEBOOKS, CELLS = 100, 8
# What rustc says where something is lent, moved or gone.
OF_LOANS = ("E0382", "E0425", "E0499", "E0502", "E0505", "E0506")


class Model:
    """Which variable has which numbers, and which borrows from which."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.owners: dict[str, list[int]] = {}
        # The numbers of its owner, the owner's name (`None`: that has another one now), and whether it may change it.
        self.borrowers: dict[str, tuple[list[int], str | None, bool]] = {}

    def lent(self, owner: str) -> list[str]:
        return [name for name, (_, of, _) in self.borrowers.items() if of == owner]

    def exclusive(self, owner: str) -> bool:
        return any(of == owner and exclusive for _, of, exclusive in self.borrowers.values())

    def bind_owner(self, name: str, numbers: list[int]) -> None:
        """A newer one leaves the older one, without a name, to who borrows from it."""
        for borrower, (seen, of, exclusive) in list(self.borrowers.items()):
            if of == name:
                self.borrowers[borrower] = (seen, None, exclusive)
        self.owners[name] = numbers

    def cell(self) -> tuple[str, str | None, bool]:
        """A cell, what it shows, and whether it runs."""
        pick = self.random.choice
        owner, borrower = pick("op"), pick("xyz")
        numbers = [self.random.randrange(90) for _ in range(3)]
        there, seen = self.owners.get(owner), self.borrowers.get(borrower)
        match self.random.randrange(10):
            case 0:
                self.bind_owner(owner, numbers)
                return f"let mut {owner} = vec!{numbers};", None, True
            case 1:
                self.bind_owner(owner, numbers)
                self.borrowers.pop(borrower, None)
                self.borrowers[borrower] = (numbers, owner, False)
                return f"let mut {owner} = vec!{numbers};\nlet {borrower}: Vec<&i32> = {owner}.iter().collect();", None, True
            case 2 | 3:
                others = [name for name in self.lent(owner) if name != borrower and self.borrowers[name][2]]
                runs = there is not None and not others
                if runs:
                    self.borrowers[borrower] = (there, owner, False)
                return f"let {borrower}: Vec<&i32> = {owner}.iter().collect();", None, runs
            case 4:
                if seen is None:
                    return f"{borrower}.len()", None, False
                code = f"{borrower}.iter().map(|n| n.to_string()).collect::<Vec<_>>().join(\" \")"
                return code, " ".join(map(str, seen[0])), True
            case 5:
                runs = there is not None and not self.exclusive(owner)
                return f"{owner}.iter().sum::<i32>()", str(sum(there)) if runs else None, runs
            case 6:
                runs = there is not None and not self.lent(owner)
                if runs:
                    there.append(7)
                return f"{owner}.push(7);", None, runs
            case 7:
                self.borrowers.pop(borrower, None)
                return f"std::mem::drop({borrower});", None, seen is not None
            case 8:
                # What is bound anew is over.
                runs = there is not None and not [name for name in self.lent(owner) if name != borrower]
                if runs:
                    self.borrowers[borrower] = (there, owner, True)
                return f"let {borrower} = &mut {owner};", None, runs
            case _:
                runs = there is not None and not self.lent(owner)
                if runs:
                    del self.owners[owner]
                return f"let moved = {owner};\nmoved.len()", str(len(there)) if runs else None, runs


@pytest.mark.parametrize("seed", range(NOTEBOOKS))
def test_a_notebook_of_loans_does_what_main_would(shared_kernel: Kernel, seed: int) -> None:
    kernel = shared_kernel
    kernel.ok(":clear")
    model, trail = Model(seed), []
    for _ in range(CELLS):
        code, shown, runs = model.cell()
        trail.append(code)
        cell = kernel.run(code)
        story = "\n".join(f"--- {code}" for code in trail)
        if runs:
            assert cell.error is None, f"{story}\n{cell.error}"
            assert shown is None or (cell.result or "").strip('"') == shown, f"{story}\n{cell.result} is not {shown}"
        else:
            assert cell.error is not None, f"{story}\nruns, and would not in one main"
            assert any(code in cell.error["evalue"] for code in OF_LOANS), f"{story}\n{cell.error['evalue']}"


def test_an_interrupt_leaves_what_is_lent_as_it_was(kernel: Kernel) -> None:
    kernel.ok('use std::time::Duration;\nlet s = String::from("a b");\nlet words: Vec<&str> = s.split(\' \').collect();')
    kernel.ok("let lock = tokio::sync::Mutex::new(1);")
    kernel.ok("let guard = lock.lock().await;")
    # One that has lent nothing yet, and would lend more.
    cell = kernel.start(
        'let more: Vec<&str> = words.iter().copied().collect();\nprintln!("begun");\n'
        "tokio::time::sleep(Duration::from_secs(600)).await;\n(more.len(), *guard)"
    )
    cell.until(lambda cell: "begun" in cell.stdout)
    kernel.request("interrupt_request", {}, channel="control")
    error = cell.finish().error
    assert error is not None and error["ename"] == "Interrupted", cell.shown
    assert kernel.ok("(words.len(), s.len(), *guard, lock.try_lock().is_err())").result == "(2, 3, 1, true)"
    assert "`more` was not kept" in kernel.fails("more").shown
    # The one that waits for the lock is interrupted; the guard still holds it.
    cell = kernel.start('println!("begun");\nlet second = lock.lock().await;\n*second')
    cell.until(lambda cell: "begun" in cell.stdout)
    kernel.request("interrupt_request", {}, channel="control")
    assert cell.finish().error["ename"] == "Interrupted", cell.shown
    kernel.ok("drop(guard);")
    assert kernel.ok("*lock.lock().await").result == "1"


def test_a_worker_that_dies_takes_owners_and_borrowers_along(kernel: Kernel) -> None:
    kernel.ok('let s = String::from("a b");\nlet words: Vec<&str> = s.split(\' \').collect();')
    died = kernel.fails("std::process::abort()")
    assert "`s` and `words` were lost" in died.shown
    for name in ("s", "words"):
        assert f"`{name}` was lost with the process that held it" in kernel.fails(f"{name}.len()").shown
    kernel.ok('let s = String::from("c");\nlet words: Vec<&str> = s.split(\' \').collect();')
    assert kernel.ok("words[0]").result == '"c"'
