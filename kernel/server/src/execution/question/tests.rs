use super::*;

/// Questions with these numbers, of which the first is sent as the message `m1`.
fn asked(ids: &[u64]) -> Questions {
    let mut questions = Questions::default();
    for id in ids {
        questions.push(Question { id: *id, run: CellId(1), prompt: Prompt::default() });
    }
    send(&mut questions);
    questions
}

/// The number of the question that is sent, if one is.
fn send(questions: &mut Questions) -> Option<u64> {
    let id = questions.next()?.id;
    questions.sent(format!("m{id}"));
    Some(id)
}

#[test]
fn questions_wait_for_one_another() {
    let mut questions = asked(&[1, 2, 3]);
    assert_eq!(send(&mut questions), None);
    assert_eq!(questions.reply(Some("m1")), Reply::Answer(1));
    assert_eq!(send(&mut questions), Some(2));
    assert_eq!(questions.reply(None), Reply::Answer(2));
    assert_eq!(questions.reply(None), Reply::Late, "the third was not asked yet");
    assert_eq!(send(&mut questions), Some(3));
    assert_eq!(questions.reply(Some("m3")), Reply::Answer(3));
    assert_eq!((send(&mut questions), questions.reply(Some("m3"))), (None, Reply::Late));
}

#[test]
fn a_withdrawn_question_is_not_asked_and_not_answered() {
    let mut questions = asked(&[1, 2, 3]);
    questions.withdraw(2);
    questions.withdraw(1);
    assert_eq!(questions.open(), None);
    assert_eq!(send(&mut questions), Some(3));
    assert_eq!(questions.reply(Some("m1")), Reply::Late);
    assert_eq!(questions.reply(Some("m3")), Reply::Answer(3));
}

#[test]
fn a_late_answer_without_a_name_is_not_the_next_ones() {
    let mut questions = asked(&[1, 2]);
    questions.withdraw(1);
    assert_eq!(send(&mut questions), Some(2));
    assert_eq!(questions.reply(None), Reply::LateInPlaceOfAnother);
    questions.sent("again".to_owned());
    assert_eq!(questions.reply(None), Reply::Answer(2));

    let mut questions = asked(&[1]);
    questions.withdraw(1);
    assert_eq!(questions.reply(None), Reply::Late);
}

#[test]
fn a_name_that_nobody_knows_answers_nothing() {
    let mut questions = asked(&[1]);
    assert_eq!(questions.reply(Some("m0")), Reply::Late);
    assert_eq!(questions.open().map(|question| question.id), Some(1));
}

#[test]
fn what_could_not_be_delivered_is_no_more() {
    let mut questions = asked(&[1, 2]);
    assert_eq!(questions.undelivered("m2"), None);
    assert_eq!(questions.undelivered("m1"), Some(1));
    assert_eq!(send(&mut questions), Some(2));
}

#[test]
fn nothing_outlives_its_cell() {
    let mut questions = asked(&[1, 2, 3]);
    questions.withdraw(2);
    assert_eq!(questions.clear(), [1, 3]);
    assert_eq!((send(&mut questions), questions.reply(None)), (None, Reply::Late));
    questions.push(Question { id: 4, run: CellId(2), prompt: Prompt::default() });
    assert_eq!(send(&mut questions), Some(4));
    assert_eq!(questions.reply(None), Reply::Answer(4), "an interrupted client does not answer the old one");
}
