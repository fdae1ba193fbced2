"""Widgets: what pages and cells say to one another over ipywidgets' protocol, and what async code hears of it."""

import json

from test_comm import comms, said, say
from test_subshell import Subshell

VIEW = "application/vnd.jupyter.widget-view+json"
HEAD = "use kissaten::widget::*;\nuse std::time::Duration;\n"


def opened(messages):
    """The widgets that began: the model's name, its id, its state."""
    return [
        (m["content"]["data"]["state"]["_model_name"], m["content"]["comm_id"], m["content"]["data"]["state"])
        for m in messages
        if m["msg_type"] == "comm_open"
    ]


def shown(cell):
    """The bundles of displays and results."""
    kinds = ("display_data", "execute_result")
    return [m["content"]["data"] for m in cell.iopub if m["msg_type"] in kinds]


def updates(messages, model):
    """What the page was told of one model."""
    told = [m["content"]["data"] for m in messages if m["msg_type"] == "comm_msg" and m["content"]["comm_id"] == model]
    return [data["state"] for data in told if data["method"] == "update"]


def drag(kernel, model, **state):
    return say(kernel, "comm_msg", model, {"method": "update", "state": state, "buffer_paths": []})


def press(kernel, model, event="click"):
    return say(kernel, "comm_msg", model, {"method": "custom", "content": {"event": event}})


def reads(kernel, cell, line):
    while line not in cell.stdout.splitlines():
        kernel.receive()


def test_a_widget_is_a_value(kernel):
    cell = kernel.ok(HEAD + "let cups = Slider::new(0..=10).with_value(3).label(\"Cups\");\nkissaten::display(&cups);\ncups")
    [(name, model, state)] = opened(cell.iopub)
    assert name == "IntSliderModel"
    assert {field: state[field] for field in ("min", "max", "value", "description", "_view_name")} == {
        "min": 0, "max": 10, "value": 3, "description": "Cups", "_view_name": "IntSliderView",
    }  # fmt: skip
    message = next(m for m in cell.iopub if m["msg_type"] == "comm_open")
    assert message["content"]["target_name"] == "jupyter.widget" and message["metadata"] == {"version": "2.1.0"}
    views = shown(cell)
    assert [view[VIEW] for view in views] == [{"version_major": 2, "version_minor": 0, "model_id": model}] * 2
    assert views[0]["text/plain"].startswith("Cups: 3 (0 to 10)\n(Widgets can be used") and "jupyterlab_widgets" in views[0]["text/html"]
    assert views[1]["text/plain"] == "Cups: 3 (0 to 10)", "what they need is said once"
    assert comms(kernel, target_name="jupyter.widget") == {model: {"target_name": "jupyter.widget"}}
    assert kernel.ok("cups.value() * 2").result == "6"
    kernel.ok("let first = 1;")
    assert said(kernel.ok("drop(cups);").iopub) == [("comm_close", model, {})]


def test_a_click_is_awaited(kernel):
    cell = kernel.start(HEAD + 'let stop = Button::new("Stop");\nkissaten::display(&stop);\nprintln!("waits");\nstop.clicked().await?;\n"clicked"')
    reads(kernel, cell, "waits")
    [(name, model, _)] = opened(cell.iopub)
    assert name == "ButtonModel"
    press(kernel, model)
    assert cell.finish().result == '"clicked"'
    # What was clicked between two cells is the past.
    press(kernel, model)
    cell = kernel.start('println!("waits again"); stop.clicked().await?; println!("done");')
    reads(kernel, cell, "waits again")
    assert kernel.request("kernel_info_request", {}, channel="control").finish().reply["status"] == "ok"
    assert not cell.ended
    press(kernel, model)
    assert cell.finish().stdout == "waits again\ndone\n"


def test_a_cell_that_awaits_a_click_can_be_interrupted(kernel):
    cell = kernel.start(HEAD + 'let stop = Button::new("Stop");\nkissaten::display(&stop);\nprintln!("waits");\nstop.clicked().await?;')
    reads(kernel, cell, "waits")
    kernel.request("interrupt_request", {}, channel="control").finish()
    assert cell.finish().reply["ename"] == "Interrupted"
    assert kernel.ok("1 + 1").result == "2"


def test_a_click_ends_a_running_select(kernel):
    cell = kernel.start(
        HEAD
        + """\
let stop = Button::new("Stop");
kissaten::display(&stop);
println!("runs");
let mut chunks = 0;
loop {
    tokio::select! {
        biased;
        _ = stop.clicked() => break,
        _ = tokio::time::sleep(Duration::from_millis(1)) => {
            chunks += 1;
            // A click that comes in here is not lost.
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}
chunks > 0"""
    )
    reads(kernel, cell, "runs")
    press(kernel, opened(cell.iopub)[0][1])
    assert cell.finish().reply["status"] == "ok"


def test_a_task_hears_changes_under_its_own_cell_while_others_run(kernel):
    cell = kernel.ok(
        HEAD
        + """\
let heat = Slider::new(0.0..=1.0);
kissaten::display(&heat);
let hand = heat.clone();
let reader = tokio::spawn(async move {
    while let Ok(value) = hand.changed().await {
        println!("heat is {value}");
    }
});"""
    )
    [(name, model, _)] = opened(cell.iopub)
    assert name == "FloatSliderModel"
    busy = kernel.start('println!("busy"); std::future::pending::<()>().await;')
    reads(kernel, busy, "busy")
    drag(kernel, model, value=0.25)
    reads(kernel, cell, "heat is 0.25")
    # In another shell, while that cell runs.
    subshell = Subshell(kernel)
    assert subshell.ok("heat.set(0.5); heat.value()").result == "0.5"
    reads(kernel, cell, "heat is 0.5")
    assert busy.stdout == "busy\n"
    kernel.request("interrupt_request", {}, channel="control").finish()
    assert busy.finish().reply["status"] == "error"


def test_the_latest_of_many_changes_wins(kernel):
    cell = kernel.start(
        HEAD
        + """\
use kissaten::futures::StreamExt;
let cups = Slider::new(0..=1000);
kissaten::display(&cups);
let mut changes = cups.changes();
println!("listens");
let mut seen = vec![];
while let Some(value) = changes.next().await {
    seen.push(value);
    if value == 1000 { break; }
    tokio::time::sleep(Duration::from_millis(100)).await;
}
println!("{}", seen.len());
seen.is_sorted() && seen.len() < 500"""
    )
    reads(kernel, cell, "listens")
    model = opened(cell.iopub)[0][1]
    for value in range(1, 1001):
        kernel.say("shell", "comm_msg", {"comm_id": model, "data": {"method": "update", "state": {"value": value}, "buffer_paths": []}})
    assert cell.finish().result == "true", cell.stdout


def test_changes_are_echoed_to_all_pages(kernel):
    cell = kernel.ok(HEAD + "let cups = Slider::new(0..=10);\nkissaten::display(&cups);")
    model = opened(cell.iopub)[0][1]
    change = drag(kernel, model, value=4)
    echo = {"method": "echo_update", "state": {"value": 4}, "buffer_paths": []}
    # Its parent is the change, by which a page knows its own.
    assert said(change.iopub) == [("comm_msg", model, echo)]
    assert said(press(kernel, model).iopub) == []


def test_what_code_sets_reaches_the_page(kernel):
    cell = kernel.ok(HEAD + 'let state = Label::new("grinds");\nlet done = Progress::new(0..=1000).label("Cups");\nkissaten::display(&Row::new((&state, &done)));')
    models = {name: model for name, model, _ in opened(cell.iopub)}
    [(name, _, row)] = opened(cell.iopub)[-1:]
    assert name == "HBoxModel", "what stands in it is known before"
    assert row["children"] == [f"IPY_MODEL_{models['LabelModel']}", f"IPY_MODEL_{models['IntProgressModel']}"]
    cell = kernel.ok("for n in 0..=1000 { done.set(n); }\nstate.set(\"done\");")
    told = []
    while not told or told[-1] != {"value": 1000}:
        told = updates([*cell.iopub, *kernel.orphans], models["IntProgressModel"])
        if not told or told[-1] != {"value": 1000}:
            kernel.receive()
    assert len(told) < 200, "a page is not told more than it can draw"
    assert updates(cell.iopub, models["LabelModel"]) == [{"value": "done"}]


def test_a_page_that_was_reloaded_asks_for_all(kernel):
    cell = kernel.ok(HEAD + 'let cups = Slider::new(0..=10);\nlet stop = Button::new("Stop");\nkissaten::display(&Column::new((&cups, &stop)));')
    models = {name: model for name, model, _ in opened(cell.iopub)}
    drag(kernel, models["IntSliderModel"], value=7)
    say(kernel, "comm_open", "page", target="jupyter.widget.control")
    kernel.say("shell", "comm_msg", {"comm_id": "page", "data": {"method": "request_states"}})
    while not (answers := [data for _, to, data in said([*cell.iopub, *kernel.orphans]) if to == "page"]):
        kernel.receive()
    [answer] = answers
    assert answer["method"] == "update_states" and answer["buffer_paths"] == []
    assert {name: state["state"].get("value") for name, state in ((s["model_name"], s) for s in answer["states"].values())} == {
        "IntSliderModel": 7, "ButtonModel": None, "VBoxModel": None,
    }  # fmt: skip
    assert set(answer["states"]) == set(models.values()) == set(comms(kernel, target_name="jupyter.widget"))
    # The older way, one by one, which pages take where an answer takes them too long. They know the answer by its parent.
    questions = [say(kernel, "comm_msg", models["ButtonModel"], {"method": "request_state"}) for _ in range(2)]
    for question in questions:
        while not (told := updates(question.iopub, models["ButtonModel"])):
            kernel.receive()
        assert [(state["description"], state["_model_name"]) for state in told] == [("Stop", "ButtonModel")]
    say(kernel, "comm_close", "page")


def test_what_the_page_closes_ends_who_waits(kernel):
    cell = kernel.start(HEAD + 'let stop = Button::new("Stop");\nkissaten::display(&stop);\nprintln!("waits");\nstop.clicked().await?;')
    reads(kernel, cell, "waits")
    say(kernel, "comm_close", opened(cell.iopub)[0][1])
    # Where the package is missing, JupyterLab closes what it is told of.
    said = "the button was closed by the frontend, as is done at once where it cannot be shown: JupyterLab and Notebook need the package"
    assert said in cell.finish().reply["evalue"]


def test_a_dead_widget_says_so(kernel):
    cell = kernel.ok(HEAD + "let cups = Slider::new(0..=10);\ncups")
    model = opened(cell.iopub)[0][1]
    kernel.fails("std::process::abort()")
    [(kind, to, data)] = said(kernel.orphans)
    assert (kind, to) == ("comm_msg", model)
    assert data["state"]["disabled"] and "dead" in data["state"]["tooltip"]
    assert comms(kernel) == {}
    assert said(drag(kernel, model, value=3).iopub) == []
    assert opened(kernel.ok(HEAD + "let cups = Slider::new(0..=10);\ncups").iopub)[0][1] != model


def test_an_output_takes_the_prints_of_a_task(kernel):
    cell = kernel.ok(
        HEAD
        + """\
let log = Output::new();
kissaten::display(&log);
tokio::spawn(log.capture(async { println!("in"); kissaten::display(&kissaten::Markdown("*it*")); })).await?;
println!("out");"""
    )
    model = opened(cell.iopub)[0][1]
    assert cell.stdout == "out\n" and len(shown(cell)) == 1
    told = []
    while not told or len(told[-1]["outputs"]) < 2:
        told = updates([*cell.iopub, *kernel.orphans], model)
        if not told or len(told[-1]["outputs"]) < 2:
            kernel.receive()
    assert told[-1]["outputs"] == [
        {"output_type": "stream", "name": "stdout", "text": "in\n"},
        {"output_type": "display_data", "data": {"text/markdown": "*it*", "text/plain": "*it*"}, "metadata": {}},
    ]


def test_a_result_that_nobody_holds_stays(kernel):
    cell = kernel.ok(HEAD + "Slider::new(0..=10)")
    assert [kind for kind, _, _ in said(cell.iopub)] == ["comm_open"]
    cell = kernel.ok('{ let gone = Button::new("gone"); kissaten::display(&gone); }')
    assert [kind for kind, _, _ in said(cell.iopub)] == ["comm_open", "comm_close"]
    cell = kernel.ok('let unseen = Button::new("unseen"); drop(unseen);')
    assert said(cell.iopub) == []


def test_each_change_reaches_a_task_that_awaits_it(kernel):
    """From the page to the task and back, a hundred times. How long it takes is the benchmark's matter."""
    cell = kernel.ok(
        HEAD
        + """\
let (there, back) = (Slider::new(0..=10_000), Slider::new(0..=10_000));
kissaten::display(&Row::new((&there, &back)));
let (hand, answer) = (there.clone(), back.clone());
let reader = tokio::spawn(async move {
    while let Ok(value) = hand.changed().await { answer.set(value); }
});"""
    )
    there, back = [model for name, model, _ in opened(cell.iopub) if name == "IntSliderModel"]
    for value in range(1, 101):
        state = json.loads(f'{{"value": {value}}}')
        kernel.say("shell", "comm_msg", {"comm_id": there, "data": {"method": "update", "state": state, "buffer_paths": []}})
        while {"value": value} not in updates([*cell.iopub[-8:], *kernel.orphans[-8:]], back):
            kernel.receive()
