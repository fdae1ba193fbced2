use std::panic::catch_unwind;

use tokio::net::TcpListener;

use super::*;

#[test]
fn a_claim_that_does_not_hold_panics_with_both_figures() {
    claim(Duration::from_millis(2040), 2.0, 3.0);
    let panic = catch_unwind(|| claim(Duration::from_millis(2900), 2.0, 3.0)).unwrap_err();
    let said = panic.downcast_ref::<String>().unwrap();
    assert_eq!(said, "❌ 2.9s is nearer to 3 s than to 2 s");
}

#[test]
fn a_roll_is_between_its_ends() {
    let rolls: Vec<u64> = (0..1000).map(|_| roll(1, 4)).collect();
    assert!((1..=4).all(|n| rolls.contains(&n)) && rolls.iter().all(|roll| (1..=4).contains(roll)));
    assert_eq!(roll(7, 7), 7);
}

#[tokio::test]
async fn a_diary_knows_who_wrote_and_what_was_started_before() {
    let diary = Diary::default();
    diary.write("before");
    let task = tokio::spawn({
        let diary = diary.clone();
        async move { diary.write("in a task") }
    });
    diary.remember("after the spawn");
    task.await.unwrap();
    assert_eq!(diary.lines(), ["before", "in a task"]);
    let entries = diary.entries();
    let find = |line: &str| entries.iter().find(|entry| entry.line == line).unwrap();
    assert!(find("in a task").in_a_task && !find("before").in_a_task);
    assert!(find("before").number < find("in a task").number);
    assert!(find("in a task").number < find("after the spawn").number);
}

#[test]
fn bars_are_a_picture_and_letters() {
    let rows = [("one & two".to_owned(), 2.0), ("three".to_owned(), 0.5)];
    let bundle = bars("Cups", "ms", &rows).mime_bundle();
    let text = |name: &str| bundle.iter().find(|(mime_type, _)| *mime_type == name).unwrap().1.to_owned();
    assert_eq!(
        text("text/plain"),
        format!("Cups\none & two  {}  2 ms\n    three  {}{}  0.50 ms", "█".repeat(40), "█".repeat(10), " ".repeat(30))
    );
    let svg = text("image/svg+xml");
    let picture = roxmltree::Document::parse(&svg).unwrap();
    let title = picture.descendants().find(|node| node.has_tag_name("title")).unwrap();
    assert_eq!(title.text(), Some("Cups: one & two: 2 ms, three: 0.50 ms"));
}

#[test]
fn the_process_has_threads_memory_and_seats() {
    assert!(threads() >= 1 && memory() > 0.1 && (10..=1000).contains(&seats()));
    let meter = Meter::start();
    let mut x = 1_u64;
    while meter.read().1 < Duration::from_millis(10) {
        x = std::hint::black_box(x.wrapping_mul(3));
    }
    assert!(meter.read().0 > Duration::ZERO);
}

#[tokio::test]
async fn a_request_is_read_and_answered() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move {
        let request = HttpRequest::read(listener.accept().await.unwrap().0).await.unwrap();
        let told = format!("there is no {}", request.path());
        request.answer(404, told).await.unwrap();
        // Who says nothing has made no request.
        assert!(HttpRequest::read(listener.accept().await.unwrap().0).await.is_err());
        listener.accept().await.unwrap();
    });
    let reply = get(address, "/cake").await.unwrap();
    assert_eq!((reply.status, reply.body.as_str()), (404, "there is no /cake"));
    drop(TcpStream::connect(address).await.unwrap());
    assert_eq!(get(address, "/").await.map_err(|error| error.to_string()).unwrap_err(), "this is not HTTP");
    server.await.unwrap();
}
