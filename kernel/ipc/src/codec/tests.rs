use super::*;
use crate::{Buffer, CellId, Comm, CommKind, Event, Outcome, Report, Request};

fn round_trip<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(message: T) {
    let mut bytes = Vec::new();
    write(&mut bytes, &message).unwrap();
    let mut from = bytes.as_slice();
    assert_eq!(read::<T>(&mut from).unwrap(), Some(message));
    assert!(read::<T>(&mut from).unwrap().is_none());
}

#[test]
fn messages_survive_the_wire() {
    round_trip(Request::Run {
        cell: CellId(3),
        label: "cell 3".into(),
        library: "/tmp/cell.so".into(),
        entry: "entry".into(),
        forget: vec!["x".into()],
        tell_all: true,
        timeline: true,
    });
    round_trip(Request::Shutdown);
    round_trip(Request::Again { cells: vec![CellId(1), CellId(2)] });
    round_trip(Request::Shell {
        cell: CellId(4),
        label: "cell 4".into(),
        script: crate::Script { shell: "sh".into(), text: "ls\n".into(), strict: true },
    });
    round_trip(crate::analyzer::Ask { id: 1, what: crate::analyzer::Wish::Complete, text: "x.".into(), cursor: 2 });
    round_trip(crate::analyzer::Tell::Answer { id: 1, answer: crate::analyzer::Answer::Nothing });
    round_trip(Request::Input { id: 7, answer: crate::InputAnswer::Line("a\n".into()) });
    for report in [
        Report::Tasks,
        Report::AbortTask { id: u64::MAX },
        Report::AbortTasks { label: None },
        Report::ExportTimeline { path: "/tmp/a.json".into() },
    ] {
        round_trip(Request::Report(report));
    }
    let comm = |kind| Comm {
        id: "喫".into(),
        kind,
        data: serde_json::json!({"value": [1.5, null]}),
        metadata: crate::MimeBundle::from_iter([("version".to_owned(), "2".into())]),
        buffers: vec![Buffer(Vec::new()), Buffer(vec![0, 255, 10])],
    };
    round_trip(Request::Comm(comm(CommKind::Open { target: "slider".into() })));
    round_trip(Request::Comm(comm(CommKind::Message)));
    round_trip(Event::Comm { cell: CellId(0), comm: comm(CommKind::Close) });
    round_trip(Event::Page { cell: CellId(1), data: crate::MimeBundle::new() });
    round_trip(Event::NextInput { cell: CellId(1), text: "\n".into() });
    round_trip(Event::CommTarget { name: "slider".into(), is_there: true });
    round_trip(Event::ProgramGroup { group: 4321, state: crate::GroupState::Left });
    round_trip(Event::Report(Ok(crate::MimeBundle::new())));
    round_trip(Event::Report(Err("there is no task 7".into())));
    round_trip(Event::Done {
        cell: CellId(u64::MAX),
        outcome: Outcome::Panic(crate::Panic { message: "böse\n".into(), location: None }),
        variables: crate::Variables {
            whole: true,
            there: vec![
                crate::Variable {
                    name: "a".into(),
                    loan: Some(crate::Loan { kind: crate::LoanKind::Place, held_by: vec!["b".into(), String::new()] }),
                },
                crate::Variable { name: "b".into(), loan: None },
            ],
            gone: vec!["c".into()],
        },
        kept: vec!["a".into()],
    });
}

#[test]
fn a_torn_frame_is_an_error_and_an_end_between_frames_is_not() {
    let mut bytes = Vec::new();
    write(&mut bytes, &Request::Shutdown).unwrap();
    for cut in 1..bytes.len() {
        assert!(read::<Request>(&mut &bytes[..cut]).is_err(), "cut at {cut}");
    }
    assert!(read::<Request>(&mut &bytes[..0]).unwrap().is_none());
}

#[test]
fn a_length_beyond_the_limit_is_refused_before_it_is_allocated() {
    let bytes = u32::MAX.to_be_bytes();
    assert!(matches!(read::<Request>(&mut &bytes[..]), Err(CodecError::TooLong(_))));
}

#[test]
fn an_unknown_message_is_an_error() {
    assert!(decode::<Request>(br#"{"type":"dance"}"#).is_err());
}
