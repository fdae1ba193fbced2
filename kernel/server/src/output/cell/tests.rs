use super::{super::turns::TURNS, *};

const BLOCK: &str = "EVCXR_BEGIN_CONTENT text/html\nx\nEVCXR_END_CONTENT\n";

/// Takes text from the stream's own pipe.
fn push(output: &mut CellOutput, stream: Stream, text: impl AsRef<[u8]>) {
    output.push(stream, stream, text.as_ref());
}

fn bundle() -> Piece {
    Piece::Bundle([("text/html".to_owned(), "x".into())].into_iter().collect())
}

fn display() -> Display {
    let (data, metadata) = Default::default();
    Display { cell: ipc::CellId(1), number: None, data, metadata, display_id: None, update: false }
}

fn text(stream: Stream, text: &str) -> Piece {
    Piece::Text(stream, text.to_owned())
}

#[test]
fn a_torn_character_of_one_stream_is_not_finished_by_the_other() {
    let mut output = CellOutput::new();
    push(&mut output, Stream::Stdout, b"\xc3");
    assert!(!output.is_forgettable(Instant::now() + MEMORY), "the rest of the character may come");
    push(&mut output, Stream::Stderr, b"\xa4");
    push(&mut output, Stream::Stdout, b"\xa4");
    assert_eq!(output.take(), [text(Stream::Stderr, "\u{fffd}"), text(Stream::Stdout, "ä")]);
}

fn whole(pieces: &[Piece], stream: Stream) -> String {
    let texts = pieces.iter().map(|piece| match piece {
        Piece::Text(of, text) if *of == stream => text.as_str(),
        _ => "",
    });
    texts.collect()
}

#[test]
fn both_streams_keep_their_order_until_it_would_be_too_many_messages() {
    let mut output = CellOutput::new();
    for _ in 0..TURNS / 2 {
        output.push(Stream::Stdout, Stream::Stdout, b"o");
        output.push(Stream::Stdout, Stream::Stderr, b"e");
    }
    assert_eq!(output.take().len(), TURNS as usize);
    for number in 0..10_000 {
        push(&mut output, Stream::Stdout, format!("o{number}\n"));
        push(&mut output, Stream::Stderr, format!("e{number}\n"));
    }
    let pieces = output.take();
    assert!(pieces.len() <= 2 * TURNS as usize, "{}", pieces.len());
    for (stream, letter) in [(Stream::Stdout, 'o'), (Stream::Stderr, 'e')] {
        let expected: String = (0..10_000).map(|number| format!("{letter}{number}\n")).collect();
        assert_eq!(whole(&pieces, stream), expected);
    }
}

#[test]
fn the_first_piece_is_due_at_once_and_the_next_one_later() {
    let mut output = CellOutput::new();
    assert!(output.due().unwrap() > Instant::now(), "to be forgotten");
    push(&mut output, Stream::Stdout, ".");
    assert!(output.due().unwrap() <= Instant::now());
    output.take();
    push(&mut output, Stream::Stdout, ".");
    let due = output.due().unwrap();
    assert!(due > Instant::now() && due <= Instant::now() + GATHER);
    push(&mut output, Stream::Stdout, vec![b'x'; LIMIT]);
    assert!(output.due().unwrap() <= Instant::now());
    assert!(!output.is_forgettable(Instant::now() + MEMORY));
    output.take();
    assert!(!output.is_forgettable(Instant::now()) && output.is_forgettable(Instant::now() + MEMORY));
}

#[test]
fn bundles_stand_between_what_was_printed_before_and_after() {
    let mut output = CellOutput::new();
    for part in [b"a\xff", BLOCK.as_bytes(), b"\xffb\xe2", BLOCK.as_bytes()] {
        push(&mut output, Stream::Stdout, part);
    }
    push(&mut output, Stream::Stderr, BLOCK);
    let (pieces, last) = output.finish();
    let expected = [
        text(Stream::Stdout, "a\u{fffd}"),
        bundle(),
        text(Stream::Stdout, "\u{fffd}b\u{fffd}"),
        text(Stream::Stderr, BLOCK),
    ];
    assert_eq!(pieces, expected);
    assert_eq!(last.map(Piece::Bundle), Some(bundle()));
}

#[test]
fn a_display_stands_behind_all_but_a_block_that_goes_on() {
    let mut output = CellOutput::new();
    push(&mut output, Stream::Stdout, format!("{BLOCK}EVCXR_BEG"));
    output.place(display());
    let displayed = Piece::Display(Box::new(display()));
    assert_eq!(output.take(), [bundle(), text(Stream::Stdout, "EVCXR_BEG"), displayed]);

    let (begin, end) = BLOCK.split_once("x\n").unwrap();
    push(&mut output, Stream::Stdout, begin);
    output.place(display());
    push(&mut output, Stream::Stdout, format!("x\n{end}"));
    let displayed = Piece::Display(Box::new(display()));
    assert_eq!(output.take(), [displayed]);
    assert_eq!(output.settle(), [bundle()]);
}

#[test]
fn of_updates_that_wait_the_last_counts() {
    let mut output = CellOutput::new();
    let named = |id: &str, update, text: &str| Display {
        display_id: Some(id.to_owned()),
        update,
        data: [("text/plain".to_owned(), text.into())].into_iter().collect(),
        ..display()
    };
    output.place(named("a", false, "1"));
    push(&mut output, Stream::Stdout, "x");
    for (id, text) in [("a", "2"), ("b", "1"), ("a", "3"), ("b", "2")] {
        output.place(named(id, true, text));
    }
    let shown = |id, update, text| Piece::Display(Box::new(named(id, update, text)));
    assert_eq!(output.take(), [shown("a", false, "3"), text(Stream::Stdout, "x"), shown("b", true, "2")]);
    output.place(named("a", true, "4"));
    assert_eq!(output.take(), [shown("a", true, "4")]);
}

#[test]
fn what_is_taken_away_unseen_is_not_sent() {
    let (now, next) = (Piece::Clear(Clear::Now), Piece::Clear(Clear::WithNext));
    let update = Display { update: true, display_id: Some("a".to_owned()), ..display() };
    let mut output = CellOutput::new();
    push(&mut output, Stream::Stdout, "before");
    for number in 0..1000 {
        output.clear(Clear::WithNext);
        push(&mut output, Stream::Stdout, format!("{number}"));
        output.place(display());
    }
    output.place(update.clone());
    output.clear(Clear::WithNext);
    let displayed = Piece::Display(Box::new(display()));
    let updated = Piece::Display(Box::new(update));
    let last = text(Stream::Stdout, "999");
    assert_eq!(
        output.take(),
        [text(Stream::Stdout, "before"), next, last, displayed, updated, Piece::Clear(Clear::WithNext)]
    );
    output.clear(Clear::WithNext);
    output.place(display());
    output.clear(Clear::Now);
    assert_eq!(output.take(), [now]);
}

#[test]
fn text_does_not_pass_a_display_however_often_the_stream_turns() {
    let mut output = CellOutput::new();
    for _ in 0..TURNS {
        push(&mut output, Stream::Stdout, "o");
        push(&mut output, Stream::Stderr, "e");
    }
    for part in [BLOCK, "o"] {
        push(&mut output, Stream::Stdout, part);
    }
    push(&mut output, Stream::Stderr, "e");
    let pieces = output.take();
    let [.., shown, stdout, stderr] = pieces.as_slice() else { panic!("{pieces:?}") };
    assert_eq!([shown, stdout, stderr], [&bundle(), &text(Stream::Stdout, "o"), &text(Stream::Stderr, "e")]);
}

#[test]
fn what_one_pipe_holds_keeps_its_order_also_where_text_is_held() {
    let mut output = CellOutput::new();
    push(&mut output, Stream::Stdout, "EVCXR_");
    output.push(Stream::Stdout, Stream::Stderr, b"e");
    assert_eq!(output.take(), [text(Stream::Stdout, "EVCXR_"), text(Stream::Stderr, "e")]);
    push(&mut output, Stream::Stdout, "EVCXR_");
    push(&mut output, Stream::Stderr, "e");
    assert_eq!(output.take(), [text(Stream::Stderr, "e")], "it may have been written before");
}

#[test]
fn what_is_held_is_due_later_and_does_not_delay_the_rest() {
    let mut output = CellOutput::new();
    push(&mut output, Stream::Stdout, "shown EVCXR_");
    assert!(output.due().unwrap() <= Instant::now());
    assert_eq!(output.take(), [text(Stream::Stdout, "shown ")]);
    assert!(output.due().unwrap() > Instant::now());
    assert_eq!(output.take(), []);
    output.held = Some(Instant::now());
    assert_eq!(output.take(), [text(Stream::Stdout, "EVCXR_")]);
    push(&mut output, Stream::Stdout, format!("\n{BLOCK}"));
    assert_eq!(output.take(), [text(Stream::Stdout, "\n")]);
    let held = output.held;
    push(&mut output, Stream::Stderr, "a bundle is not made to wait by it");
    assert_eq!(output.take().len(), 1);
    assert!(held.is_some() && output.held == held);
    output.held = Some(Instant::now());
    assert_eq!(output.take(), [bundle()]);
    assert_eq!(output.held, None);
}

#[test]
fn questions_are_not_shown() {
    let mut output = CellOutput::new();
    push(&mut output, Stream::Stdout, "a\nEVCXR_INPUT_REQUEST:Name: \nEVCXR_IN");
    assert_eq!(output.prompt(), Some(Prompt { text: "Name: ".to_owned(), password: false }));
    assert_eq!(output.prompt(), None);
    assert_eq!(output.settle(), [text(Stream::Stdout, "a\nEVCXR_IN")]);
}
