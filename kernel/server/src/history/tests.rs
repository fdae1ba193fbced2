use std::sync::mpsc::channel;

use super::*;

fn tail(history: &History) -> Vec<Entry> {
    let (sender, answer) = channel();
    history.ask(Query::Tail { n: 10 }, move |entries| sender.send(entries).unwrap());
    answer.recv().unwrap()
}

#[tokio::test]
async fn what_ran_is_kept_over_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("history.sqlite");
    let history = History::in_file(file.clone(), DEFAULT_LIMIT);
    history.ran(1, "1 + 1");
    history.resulted(1, "2");
    history.ran(2, " \n");
    history.ran(3, &"x".repeat(LONGEST_SOURCE + 1));
    history.end().await;
    let entry = Entry { session: 1, line: 1, source: "1 + 1".to_owned(), result: Some("2".to_owned()) };
    assert_eq!(tail(&History::in_file(file, DEFAULT_LIMIT)), [entry]);
    // Too late to be kept, and answered all the same.
    history.ran(4, "late");
    assert_eq!(tail(&history), []);
    history.end().await;
}

#[tokio::test]
async fn of_a_long_result_the_beginning_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let history = History::in_file(folder.path().join("history.sqlite"), DEFAULT_LIMIT);
    history.ran(1, "long");
    history.resulted(1, &"喫".repeat(LONGEST_RESULT));
    let result = tail(&history).remove(0).result.unwrap();
    assert_eq!(result.len(), LONGEST_RESULT - 1 + "…".len());
    assert!(result.ends_with("喫…"));
}

#[tokio::test]
async fn switched_off_it_answers_nothing_and_makes_no_file() {
    let history = History::off();
    history.ran(1, "1");
    assert_eq!(tail(&history), []);
    history.end().await;
    let folder = tempfile::tempdir().unwrap();
    // Before the first need there is none either.
    History::in_file(folder.path().join("history.sqlite"), DEFAULT_LIMIT).end().await;
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_file_that_another_holds_does_not_keep_a_kernel_from_ending() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("history.sqlite");
    let history = History::in_file(file.clone(), DEFAULT_LIMIT);
    history.ran(1, "1");
    history.end().await;
    let other = rusqlite::Connection::open(&file).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let history = History::in_file(file.clone(), DEFAULT_LIMIT);
    history.ran(1, "2");
    history.end().await;
    // It is still held: nothing of the new cell is there.
    let count: i64 = other.query_row("SELECT count(*) FROM cells", [], |row| row.get(0)).unwrap();
    assert_eq!(count, 1);
}
