use super::*;

const MARK: &str = "k7Qx";

fn word(word: &str) -> String {
    format!("{}{MARK}{word}{}", kissaten_marks::BEGIN, kissaten_marks::END)
}

/// Outputs of a worker that has words.
fn outputs() -> Outputs {
    let mut outputs = Outputs::new();
    outputs.expect(MARK);
    outputs
}

fn display(run: u64, number: impl Into<Option<u64>>) -> Display {
    let (data, metadata) = Default::default();
    Display { cell: CellId(run), number: number.into(), data, metadata, display_id: None, update: false }
}

/// Pieces in words: `o text`, `e text`, `display 3`, `bundle`.
fn shown(pieces: Vec<Piece>) -> Vec<String> {
    let shown = pieces.into_iter().map(|piece| match piece {
        Piece::Text(Stream::Stdout, text) => format!("o {text}"),
        Piece::Text(Stream::Stderr, text) => format!("e {text}"),
        Piece::Bundle(_) => "bundle".to_owned(),
        Piece::Display(display) => format!("display {}", display.number.unwrap_or_default()),
        Piece::Clear(when) => format!("clear {when:?}"),
    });
    shown.collect()
}

fn read(outputs: &mut Outputs, pipe: Stream, words: &[&str]) {
    outputs.read(pipe, words.concat().into_bytes());
}

fn settled(outputs: &mut Outputs, run: u64) -> Vec<String> {
    shown(outputs.settle(CellId(run)))
}

#[test]
fn every_run_has_an_output_of_its_own() {
    let mut outputs = outputs();
    let (seven, one, end) = (word("c7"), word("o1"), word("-"));
    read(&mut outputs, Stream::Stdout, &["nobody's", &seven, "a", &one, "EVCXR_BEGIN_CONTENT a/b\n", &end, "b"]);
    read(&mut outputs, Stream::Stderr, &[&seven, "c", &word("e2"), "d", &end]);
    read(&mut outputs, Stream::Stdout, &[&one, "x\nEVCXR_END_CONTENT\ny", &end, &word("e7"), "e", &end, "f"]);
    let (pieces, bundle) = outputs.finish(CellId(7));
    assert_eq!((shown(pieces), bundle), (["o ab", "e ce", "o f"].map(str::to_owned).to_vec(), None));
    assert_eq!(settled(&mut outputs, 1), ["bundle", "o y"]);
    assert_eq!(settled(&mut outputs, 2), ["e d"]);
    assert_eq!(outputs.end().1.text(), "cde");
}

#[test]
fn text_of_an_ended_run_is_still_its_own() {
    let mut outputs = outputs();
    read(&mut outputs, Stream::Stdout, &[&word("c7"), "a"]);
    assert_eq!(shown(outputs.finish(CellId(7)).0), ["o a"]);
    read(&mut outputs, Stream::Stdout, &["b", &word("c8"), "c", &word("o7"), "d", &word("-")]);
    let due: Vec<_> = outputs.take_due().into_iter().map(|(run, pieces)| (run.0, shown(pieces))).collect();
    assert_eq!(due, [(7, vec!["o bd".to_owned()]), (8, vec!["o c".to_owned()])]);
}

#[test]
fn the_bundle_that_stdout_ends_with_is_told_apart() {
    let mut outputs = outputs();
    read(&mut outputs, Stream::Stdout, &[&word("c7"), "EVCXR_BEGIN_CONTENT a/b\nx\nEVCXR_END_CONTENT\n"]);
    read(&mut outputs, Stream::Stdout, &[&word("o6"), "six", &word("-")]);
    assert!(matches!(outputs.finish(CellId(7)), (pieces, Some(_)) if pieces.is_empty()));
    assert!(matches!(outputs.finish(CellId(7)), (pieces, None) if pieces.is_empty()));
}

#[test]
fn a_worker_without_words_prints_for_the_run_that_began_last() {
    let mut outputs = Outputs::new();
    outputs.expect("");
    read(&mut outputs, Stream::Stderr, &["starting"]);
    outputs.begin(CellId(1));
    read(&mut outputs, Stream::Stdout, &["a", &word("c9")]);
    outputs.begin(CellId(2));
    read(&mut outputs, Stream::Stderr, &["b"]);
    assert_eq!(settled(&mut outputs, 1), [format!("o a{}", word("c9"))]);
    let (left, last_words) = outputs.end();
    let [(CellId(2), _)] = left.as_slice() else { panic!("{left:?}") };
    assert_eq!(last_words.text(), "b");
}

#[test]
fn a_display_stands_at_its_place_whichever_half_comes_first() {
    let parts = [&word("c7"), "a", &word("d3"), "b", &word("d4"), "c"];
    let expected = ["o a", "display 3", "o b", "display 4", "o c"];

    let mut before = outputs();
    before.display(display(7, 3));
    before.display(display(7, 4));
    read(&mut before, Stream::Stdout, &parts);
    assert_eq!(settled(&mut before, 7), expected);

    let mut after = outputs();
    read(&mut after, Stream::Stdout, &parts);
    read(&mut after, Stream::Stdout, &["d"]);
    assert_eq!(settled(&mut after, 7), ["o a"]);
    after.display(display(7, 3));
    assert_eq!(settled(&mut after, 7), ["display 3", "o b"]);
    after.display(display(7, 4));
    assert_eq!(settled(&mut after, 7), ["display 4", "o cd"]);

    let mut unnumbered = outputs();
    read(&mut unnumbered, Stream::Stdout, &[&word("c7"), "a"]);
    unnumbered.display(display(7, None));
    read(&mut unnumbered, Stream::Stdout, &["b"]);
    assert_eq!(settled(&mut unnumbered, 7), ["o a", "display 0", "o b"]);
}

#[test]
fn what_was_shown_is_taken_away_where_that_is_said() {
    let mut outputs = outputs();
    read(&mut outputs, Stream::Stdout, &[&word("c7"), "a", &word("d3"), &word("w7"), "b", &word("x1"), "c"]);
    outputs.display(display(7, 3));
    assert_eq!(settled(&mut outputs, 7), ["o a", "display 3", "clear WithNext", "o bc"]);
    assert_eq!(settled(&mut outputs, 1), ["clear Now"]);
}

#[test]
fn a_display_is_its_own_runs_wherever_its_place_is() {
    let mut outputs = outputs();
    read(&mut outputs, Stream::Stdout, &[&word("c7"), "a", &word("o1"), "b", &word("-"), &word("d3"), "c"]);
    outputs.display(display(1, 3));
    assert_eq!(settled(&mut outputs, 1), ["o b", "display 3"]);
    assert_eq!(settled(&mut outputs, 7), ["o ac"]);
}

#[test]
fn a_display_without_a_place_is_shown_at_the_end_of_its_run_and_once() {
    let mut outputs = outputs();
    outputs.display(display(7, 3));
    outputs.display(display(8, 4));
    read(&mut outputs, Stream::Stdout, &[&word("c7"), "a"]);
    assert_eq!(shown(outputs.finish(CellId(7)).0), ["o a", "display 3"]);
    read(&mut outputs, Stream::Stdout, &[&word("d3"), "b"]);
    assert_eq!(settled(&mut outputs, 7), ["o b"]);
    let (left, _) = outputs.end();
    assert!(matches!(left.as_slice(), [(CellId(8), pieces)] if pieces.len() == 1));
}

#[test]
fn the_end_of_a_worker_leaves_nothing_behind() {
    let mut outputs = outputs();
    read(&mut outputs, Stream::Stdout, &[&word("c7"), "a", &word("d3"), "b", &word("d4"), "c\x1b_k7Qxo"]);
    outputs.display(display(7, 4));
    let (mut left, _) = outputs.end();
    assert_eq!(left.len(), 1);
    assert_eq!(shown(left.remove(0).1), ["o ab", "display 4", "o c\x1b_k7Qxo"]);
    read(&mut outputs, Stream::Stdout, &[&word("c1"), "the next worker has another mark"]);
    assert_eq!((outputs.due(), outputs.end().0.len()), (None, 0));
}

#[test]
fn what_a_pipe_ends_with_is_text_when_it_was_drained() {
    let mut outputs = outputs();
    read(&mut outputs, Stream::Stdout, &[&word("c7"), "bold\x1b"]);
    outputs.drained();
    assert_eq!(settled(&mut outputs, 7), ["o bold\x1b"]);
    let one = word("o1");
    let (begin, end) = one.split_at(4);
    read(&mut outputs, Stream::Stdout, &["a", begin]);
    outputs.drained();
    read(&mut outputs, Stream::Stdout, &[end, "b"]);
    assert_eq!((settled(&mut outputs, 7), settled(&mut outputs, 1)), (vec!["o a".to_owned()], vec!["o b".to_owned()]));
}

#[test]
fn what_evcxr_asks_is_asked_by_its_run() {
    let mut outputs = outputs();
    read(&mut outputs, Stream::Stdout, &[&word("c7"), "EVCXR_INPUT_REQUEST:Name: \n"]);
    assert_eq!(outputs.prompt(CellId(1)), None);
    assert_eq!(outputs.prompt(CellId(7)).map(|prompt| prompt.text), Some("Name: ".to_owned()));
}

#[test]
fn a_thousand_outputs_are_forgotten_when_they_are_silent() {
    let mut outputs = outputs();
    for run in 1..=1000 {
        read(&mut outputs, Stream::Stdout, &[&word(&format!("o{run}")), "x", &word("-")]);
    }
    assert_eq!(outputs.take_due().len(), 1000);
    assert!(outputs.due().unwrap() > Instant::now());
    assert_eq!(outputs.runs.outputs.len(), 1000);
    let later = outputs.runs.due.last().unwrap().0;
    outputs.runs.take_due(later);
    assert_eq!((outputs.runs.outputs.len(), outputs.due()), (0, None));
}
