use super::*;

fn check(reads: &[&str]) -> (String, Vec<Prompt>) {
    let mut prompts = Prompts::default();
    let mut text: String = reads.iter().map(|read| prompts.read((*read).to_owned())).collect();
    text.push_str(&prompts.finish());
    assert_eq!(prompts.patience(), None);
    (text, std::iter::from_fn(|| prompts.take()).collect())
}

fn asked(text: &str, password: bool) -> Prompt {
    Prompt { text: text.to_owned(), password }
}

#[test]
fn questions_are_taken_out_of_the_text() {
    let text = "a\nEVCXR_INPUT_REQUEST:Name: \nb\r\nEVCXR_INPUT_REQUEST_PASSWORD:ä?\r\nEVCXR_INPUT_REQUEST:\nc";
    let expected = ("a\nb\r\nc".to_owned(), vec![asked("Name: ", false), asked("ä?", true), asked("", false)]);
    assert_eq!(check(&[text]), expected);
    for (at, _) in text.char_indices() {
        assert_eq!(check(&[&text[..at], &text[at..]]), expected);
    }
    let single: Vec<&str> = text.split_inclusive(|_| true).collect();
    assert_eq!(check(&single), expected);
}

#[test]
fn what_is_no_such_line_is_text() {
    for text in [
        "xEVCXR_INPUT_REQUEST:?\n",
        "EVCXR_INPUT_REQUEST\n",
        "EVCXR_INPUT_REQUESTED:?\n",
        "EVCXR_INPUT_REQUEST_PASSWORDS:?\n",
        "EVCXR_INPUT_REQUEST:without an end",
    ] {
        assert_eq!(check(&[text]), (text.to_owned(), vec![]));
        assert_eq!(check(&["x\n", text]).0, format!("x\n{text}"));
    }
    assert_eq!(check(&["x", "EVCXR_INPUT_REQUEST:?\n"]), ("xEVCXR_INPUT_REQUEST:?\n".to_owned(), vec![]));
}

#[test]
fn text_is_withheld_only_if_it_could_become_a_question() {
    let mut prompts = Prompts::default();
    for (text, shown) in [("a\nEVCXR", "a\n"), ("_X", "EVCXR_X"), ("EVCXR", "EVCXR"), ("\nEVCXR_INPUT_", "\n")] {
        assert_eq!(prompts.read(text.to_owned()), shown);
    }
    assert_eq!(prompts.patience(), Some(TORN));
    assert_eq!(prompts.read(format!("REQUEST:{}", "x".repeat(LIMIT))).len(), LIMIT + BEGIN.len() + 1);
}
