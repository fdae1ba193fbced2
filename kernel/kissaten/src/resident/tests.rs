//! Thousands of sequences of cells, against a model of which variable may refer to what.
//!
//! `valgrind` on this test's program, with fewer sequences (`KISSATEN_LOAN_SEQUENCES`), says the same of each byte.

mod cells;
mod model;
mod values;

use std::cell::Cell as StdCell;
use std::task::{Context, Poll, Waker};

use cells::*;
use model::Model;
use values::*;

use super::{end_all, take_over};
use crate::runtime::{self, Cell, Program};
use crate::{grave, here, panic, store};

thread_local! {
    /// What earlier sequences have left.
    static LEAKED: StdCell<usize> = const { StdCell::new(0) };
    static LEFT_ALIVE: StdCell<i64> = const { StdCell::new(0) };
}

/// Polls a cell as a run does; whether it has ended.
fn poll(run: u64, program: &mut Option<Program>) -> bool {
    *runtime::current() = Some(Cell::new(run, "cell", false));
    let _here = here::enter(run, 0);
    let mut context = Context::from_waker(Waker::noop());
    let polled = panic::catch(|| program.as_mut().map(|program| program.as_mut().poll(&mut context)));
    let is_pending = matches!(polled, Ok(Some(Poll::Pending)));
    if take_over(program, is_pending) {
        return true;
    }
    if !is_pending {
        let _ = panic::catch(|| drop(program.take()));
    }
    !is_pending
}

/// Drops what is due, of whichever run.
fn bury() {
    loop {
        while let Some(grave) = grave::open_any() {
            let _ = panic::catch(|| drop(grave));
        }
        if !end_all() {
            break;
        }
    }
}

fn sequence(seed: u64, steps: usize, loud: u64) {
    let mut model = Model::new(seed);
    LOUD.set(loud);
    DROPS.set(0);
    let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        for _ in 0..steps {
            model.step();
            model.check();
        }
        while !model.waiting.is_empty() {
            model.go_on();
            model.check();
        }
        store::clear();
        model.names.clear();
        model.check();
        if model.residents.is_empty() {
            assert_eq!(ALIVE.get() - LEFT_ALIVE.get(), 0, "values that were never dropped");
        } else {
            // Frames that may refer to each other are never ended: see (frame) and (exact).
            LEAKED.set(LEAKED.get() + model.residents.len());
            LEFT_ALIVE.set(ALIVE.get());
        }
    }));
    if let Err(panic) = done {
        eprintln!("seed {seed}, loud {loud}: {:#?}", model.trail);
        std::panic::resume_unwind(panic);
    }
}

/// How many sequences there are: `KISSATEN_LOAN_SEQUENCES`, as valgrind is slow.
fn sequences() -> u64 {
    std::env::var("KISSATEN_LOAN_SEQUENCES").ok().and_then(|count| count.parse().ok()).unwrap_or(800)
}

/// The cell that runs is one for the whole process, so these tests take turns.
pub(crate) fn turn() -> std::sync::MutexGuard<'static, ()> {
    static TURN: std::sync::Mutex<()> = std::sync::Mutex::new(());
    TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[test]
fn nothing_dangles_whatever_cells_do() {
    let _turn = turn();
    let _ = covariant;
    for seed in 0..sequences() {
        sequence(seed, 60, 0);
    }
}

#[test]
fn nothing_dangles_where_drops_panic() {
    let _turn = turn();
    for seed in 0..sequences() {
        sequence(seed, 60, 1 + seed % 7);
    }
}

#[test]
fn a_thousand_residents_are_ended_one_after_another() {
    let _turn = turn();
    let names: Vec<(Name, Name)> = (0..1000)
        .map(|n| (&*format!("o{n}").leak(), &*format!("b{n}").leak()))
        .map(|(o, b): (&str, &str)| (o, b))
        .collect();
    for (o, b) in &names {
        assert!(poll(1, &mut Some(both(o, b, End::Well))));
    }
    assert_eq!(super::loans::frames(), 1000);
    store::forget(&names.iter().map(|(_, b)| (*b).to_owned()).collect::<Vec<_>>());
    bury();
    assert_eq!((super::loans::frames(), store::names().len()), (0, 1000));
    store::clear();
    bury();
    assert_eq!(ALIVE.get(), 0);
}
