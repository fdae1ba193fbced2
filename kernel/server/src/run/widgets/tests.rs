use expect_test::{Expect, expect};

use super::*;

fn check(messages: &[(&str, Value, &[&'static [u8]])], expected: Expect) {
    let mut states = WidgetStates::default();
    for (kind, content, buffers) in messages {
        let buffers: Vec<Bytes> = buffers.iter().copied().map(Bytes::from_static).collect();
        states.take(kind, content, &buffers);
    }
    expected.assert_eq(&states.metadata().map(|metadata| metadata["state"].to_string()).unwrap_or_default());
}

fn open(id: &str, target: &str) -> (&'static str, Value, &'static [&'static [u8]]) {
    let state = json!({"_model_name": "IntSliderModel", "_model_module": "@jupyter-widgets/controls", "value": 3});
    ("comm_open", json!({"comm_id": id, "target_name": target, "data": {"state": state}}), &[])
}

fn update(id: &str, method: &str, state: Value) -> (&'static str, Value, &'static [&'static [u8]]) {
    ("comm_msg", json!({"comm_id": id, "data": {"method": method, "state": state}}), &[])
}

#[test]
fn what_was_told_last_is_the_state() {
    check(
        &[
            open("a", TARGET),
            update("a", "update", json!({"value": 4})),
            update("a", "echo_update", json!({"value": 5})),
            update("a", "custom", json!({"value": 6})),
            update("unknown", "update", json!({"value": 7})),
            open("b", TARGET),
            ("comm_close", json!({"comm_id": "b", "data": {}}), &[]),
            open("c", "something.else"),
        ],
        expect![[
            r#"{"a":{"model_module":"@jupyter-widgets/controls","model_module_version":null,"model_name":"IntSliderModel","state":{"_model_module":"@jupyter-widgets/controls","_model_name":"IntSliderModel","value":5}}}"#
        ]],
    );
    check(&[open("c", "something.else")], expect![[""]]);
}

#[test]
fn bytes_stand_beside_the_fields_until_those_are_others() {
    let bytes = |paths: Value, buffers: &'static [&'static [u8]]| {
        let data = json!({"method": "update", "state": {}, "buffer_paths": paths});
        ("comm_msg", json!({"comm_id": "a", "data": data}), buffers)
    };
    let some =
        [open("a", TARGET), bytes(json!([["x"], ["y", 0]]), &[b"\x00", b"\xff"]), bytes(json!([["x"]]), &[b"\x01"])];
    check(
        &some,
        expect![[
            r#"{"a":{"buffers":[{"data":"/w==","encoding":"base64","path":["y",0]},{"data":"AQ==","encoding":"base64","path":["x"]}],"model_module":"@jupyter-widgets/controls","model_module_version":null,"model_name":"IntSliderModel","state":{"_model_module":"@jupyter-widgets/controls","_model_name":"IntSliderModel","value":3}}}"#
        ]],
    );
    let mut others = some.to_vec();
    others.push(update("a", "update", json!({"x": 1, "y": [2]})));
    check(
        &others,
        expect![[
            r#"{"a":{"model_module":"@jupyter-widgets/controls","model_module_version":null,"model_name":"IntSliderModel","state":{"_model_module":"@jupyter-widgets/controls","_model_name":"IntSliderModel","value":3,"x":1,"y":[2]}}}"#
        ]],
    );
}
