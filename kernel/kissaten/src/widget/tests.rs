use std::fmt::Debug;

use futures::{FutureExt, StreamExt};

use super::handle::Handle;
use super::*;
use crate::comm::{Message, Packet, PacketKind};
use crate::{Display, here};

fn id(widget: &impl Widget) -> String {
    widget.handle().model().id.clone()
}

fn said(id: &str, kind: PacketKind, data: &str) {
    let message = Message::from_parts(data.to_owned(), "{}".to_owned(), Vec::new());
    assert_eq!(receive(Packet { id: id.to_owned(), kind, message }), None);
}

/// The page puts a value there.
fn drag(widget: &impl Widget, state: &str) {
    said(&id(widget), PacketKind::Message, &format!(r#"{{"method":"update","state":{{{state}}},"buffer_paths":[]}}"#));
}

fn press(widget: &impl Widget, event: &str) {
    let data = format!(r#"{{"method":"custom","content":{{"event":"{event}"}}}}"#);
    said(&id(widget), PacketKind::Message, &data);
}

fn show(widget: &impl Display) {
    let bundle = widget.mime_bundle();
    assert!(bundle.get("application/vnd.jupyter.widget-view+json").is_some());
}

/// What a future has come to by now.
fn now<T: Debug>(future: impl Future<Output = T>) -> Option<T> {
    future.now_or_never()
}

fn text(widget: &impl Display) -> String {
    let text = widget.mime_bundle().get("text/plain").unwrap_or_default().to_owned();
    text.lines().filter(|line| !line.starts_with("(Widgets can be used")).collect::<Vec<_>>().join("\n")
}

#[test]
fn of_changes_the_latest_is_heard() {
    let slider = Slider::new(0..=10).with_value(3).label("Cups");
    show(&slider);
    let mut changes = slider.changes();
    // What was set before anybody listened is no change for this handle's cell, but for the handle.
    assert_eq!(now(slider.changed()), Some(Ok(3)));
    assert_eq!(now(slider.changed()), None);
    for value in 4..8 {
        drag(&slider, &format!(r#""value":{value}"#));
    }
    assert_eq!((now(slider.changed()), now(slider.changed())), (Some(Ok(7)), None));
    assert_eq!((now(changes.next()), now(changes.next())), (Some(Some(7)), None));
    slider.set(7);
    assert_eq!(now(slider.changed()), None, "it is the same");
    slider.set(70);
    assert_eq!(now(slider.changed()), Some(Ok(10)), "within its range");
    assert_eq!(format!("{slider:?}"), r#"Slider { label: "Cups", value: 10 }"#);
    assert_eq!(text(&slider), "Cups: 10 (0 to 10)");
}

#[test]
fn what_a_page_says_is_checked() {
    let slider = Slider::new(0_u8..=10);
    show(&slider);
    for state in [r#""value":"x""#, r#""value":null"#, r#""value":[1]"#, r#""odd":1"#, ""] {
        drag(&slider, state);
    }
    assert_eq!((slider.value(), now(slider.changed())), (0, None));
    drag(&slider, r#""value":-1e300"#);
    assert_eq!(slider.value(), 0);
    drag(&slider, r#""value":2.0"#);
    assert_eq!(now(slider.changed()), Some(Ok(2)));
    for data in ["{}", "7", r#"{"method":"update"}"#, r#"{"method":"custom","content":1}"#] {
        said(&id(&slider), PacketKind::Message, data);
    }
    assert_eq!(now(slider.changed()), None);
}

#[test]
fn each_click_is_heard_once_by_each_handle() {
    let button = Button::new("Stop");
    show(&button);
    let other = button.clone();
    let mut clicks = button.clicks();
    let early = button.clicked();
    press(&button, "click");
    press(&button, "click");
    assert_eq!(now(early), Some(Ok(())));
    assert_eq!((now(button.clicked()), now(button.clicked())), (Some(Ok(())), None));
    assert_eq!((now(other.clicked()), now(other.clicked()), now(other.clicked())), (Some(Ok(())), Some(Ok(())), None));
    assert_eq!((now(clicks.next()), now(clicks.next()), now(clicks.next())), (Some(Some(())), Some(Some(())), None));
    // One that is dropped, as `select!` does, takes nothing along.
    press(&button, "click");
    drop(button.clicked());
    assert_eq!(now(button.clicked()), Some(Ok(())));
    assert_eq!(text(&button), "[Stop]");
    button.click();
    assert_eq!(now(button.clicked()), Some(Ok(())));
}

#[test]
fn what_happened_before_a_cell_is_not_heard_in_it() {
    let button = {
        let _cell = here::enter(901, 0);
        Button::new("Go")
    };
    show(&button);
    press(&button, "click");
    let _cell = here::enter(902, 0);
    assert_eq!(now(button.clicked()), None);
    press(&button, "click");
    assert_eq!(now(button.clicked()), Some(Ok(())));
}

#[test]
fn a_closed_widget_says_so() {
    let button = Button::new("Stop");
    show(&button);
    let click = button.clicked();
    press(&button, "click");
    said(&id(&button), PacketKind::Close, "{}");
    assert_eq!(now(click), Some(Ok(())), "what came before is heard");
    let closed = now(button.clicked()).unwrap().unwrap_err();
    assert!(closed.to_string().starts_with("the button was closed by the frontend, "));
    assert!(closed.by_frontend() && button.is_closed());
    let slider = Slider::new(0.0..=1.0);
    show(&slider);
    let (change, mut changes, id) = (slider.changed(), slider.changes(), id(&slider));
    drop(slider);
    assert!(registry::models().iter().all(|model| model.id != id));
    assert_eq!(now(changes.next()), Some(None));
    let closed = now(change).unwrap().unwrap_err();
    assert_eq!(closed.to_string(), "the slider is closed: by `close`, or as its last handle was dropped");
}

#[test]
fn what_is_only_looked_at_stays_and_holds_what_stands_in_it() {
    let is_there = |id: &str| registry::models().iter().any(|model| model.id == id);
    let (button, label) = (Button::new("Go"), Label::new("ready"));
    let unseen = id(&Row::new((&button, &label)));
    assert!(!is_there(&unseen) && !button.is_closed());
    let row = Row::new((&button, &label));
    show(&row);
    assert_eq!(text(&row), "[Go]  ready");
    let [row_id, button_id, label_id] = [id(&row), id(&button), id(&label)];
    drop((row, button, label));
    assert!(is_there(&row_id) && is_there(&button_id) && is_there(&label_id));

    let (list, last) = (Column::new(&[Toggle::new("a"), Toggle::new("b")]), Toggle::new("c").with_value(true));
    show(&list);
    assert_eq!(text(&list), "[ ] a\n[ ] b");
    list.set([&last]);
    assert_eq!(text(&list), "[x] c");
    list.close();
    assert!(!last.is_closed());
}

#[test]
fn the_result_of_a_cell_is_not_taken_away_with_it() {
    let shown = |run| {
        let _cell = here::enter(run, 0);
        let slider = Slider::new(0..=10);
        shown_as_result(&slider.mime_bundle());
        slider
    };
    let is_there = |id: &str| registry::models().iter().any(|model| model.id == id);
    let slider = shown(903);
    let first = id(&slider);
    {
        let _cell = here::enter(903, 0);
        drop(slider);
    }
    assert!(is_there(&first));
    let slider = shown(904);
    let second = id(&slider);
    let _cell = here::enter(905, 0);
    drop(slider);
    assert!(!is_there(&second), "a later cell has dropped it");
}

#[test]
fn choices_and_texts() {
    let drink = Dropdown::new(["mocha", "matcha"]).label("Drink").with_value("matcha");
    show(&drink);
    drag(&drink, r#""index":0"#);
    assert_eq!((now(drink.changed()), drink.index()), (Some(Ok("mocha".to_owned())), 0));
    drag(&drink, r#""index":70"#);
    assert_eq!(drink.value(), "");
    let refused = std::panic::catch_unwind(|| drink.set("tea")).unwrap_err();
    let words = "`tea` is none of the options, which are [\"mocha\", \"matcha\"]";
    assert_eq!(refused.downcast_ref::<String>().map(String::as_str), Some(words));
    assert_eq!(Dropdown::new(Vec::<String>::new()).value(), "");

    let secret = Password::new("Secret").with_value("喫茶");
    assert_eq!(
        (text(&secret), format!("{secret:?}")),
        ("Secret: ••".into(), r#"Password { label: "Secret", value: "••" }"#.into())
    );
    let (least, most) = (3, 1);
    let empty = std::panic::catch_unwind(|| Slider::new(least..=most)).unwrap_err();
    assert_eq!(
        empty.downcast_ref::<String>().map(String::as_str),
        Some("a slider from 3 to 1 has no values: its range is empty")
    );
}

#[tokio::test]
async fn a_submission_waits_for_the_last_key() {
    let name = Text::new("Name");
    show(&name);
    drag(&name, r#""value":"Ad""#);
    let mut submitted = Box::pin(name.submitted());
    press(&name, "submit");
    assert_eq!(submitted.as_mut().now_or_never(), None);
    drag(&name, r#""value":"Ada""#);
    assert_eq!(submitted.await, Ok("Ada".to_owned()));
    // Dropped while it waits for that, it is still to be heard.
    press(&name, "submit");
    drag(&name, r#""value":"Eve""#);
    press(&name, "submit");
    assert_eq!(now(name.submitted()), None);
    assert_eq!(name.submitted().await, Ok("Eve".to_owned()));
}

#[test]
fn an_output_takes_what_is_printed_in_it() {
    let log = Output::new();
    show(&log);
    let inner = Output::new();
    now(log.capture(async {
        crate::println!("one");
        crate::eprint!("two");
        inner.in_scope(|| crate::print!("apart"));
        crate::display(&crate::Plain("three"));
        crate::print!("four");
        crate::println!();
    }));
    log.print("five\n");
    assert_eq!((text(&log), text(&inner)), ("one\ntwothreefour\nfive".into(), "apart".into()));
    let whole = "x".repeat(output::MOST);
    inner.print(&whole);
    assert!(text(&inner).len() <= output::MOST && text(&inner).starts_with('…'));
    log.clear();
    assert_eq!(text(&log), "");
}

#[test]
fn messages_are_those_of_the_protocol() {
    let slider = Slider::new(0..=10);
    let handle: &Handle = slider.handle();
    let state = handle.model().state();
    let data = message::open(handle.model().kind, &state.fields).json().to_owned();
    let names = r#""_model_module":"@jupyter-widgets/controls","_model_module_version":"2.0.0","_model_name":"IntSliderModel","_view_module":"@jupyter-widgets/controls","_view_module_version":"2.0.0","_view_name":"IntSliderView""#;
    let fields = r#""min":0,"max":10,"value":0,"disabled":false,"step":1"#;
    assert_eq!(data, format!(r#"{{"state":{{{names},{fields}}},"buffer_paths":[]}}"#));
    let update = message::update(state.fields.iter().take(1).map(|(name, value)| (*name, value)));
    assert_eq!(update.json(), r#"{"method":"update","state":{"min":0},"buffer_paths":[]}"#);
    drop(state);
    let states = message::states(&[handle.model().clone()]);
    let expected = format!(
        r#"{{"method":"update_states","states":{{"{}":{{"model_name":"IntSliderModel","model_module":"@jupyter-widgets/controls","model_module_version":"2.0.0","state":{{{names},{fields}}}}}}},"buffer_paths":[]}}"#,
        handle.model().id
    );
    assert_eq!(states.json(), expected);
}
