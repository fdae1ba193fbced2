"""Comms: cells and frontends open them, talk and close them, and nobody is left with an end that nobody holds."""

import re
import uuid

ECHO = """\
use kissaten::comm::{Comm, Target};
let mut target = Target::register("echo");
let echo = tokio::spawn(async move {
    while let Some(mut comm) = target.accept().await {
        tokio::spawn(async move {
            println!("opened with {}", comm.opening().json());
            while let Some(message) = comm.recv().await {
                println!("got {}", message.json());
                let _ = comm.send_message(message);
            }
            println!("closed with {:?}", comm.closing().map(|message| message.json().to_owned()));
        });
    }
});
"""

COMM = ("comm_open", "comm_msg", "comm_close")


def say(kernel, kind, comm_id, data=None, **options):
    """A message of a comm, and busy and idle for it: it has no reply."""
    content = {"comm_id": comm_id, "data": {} if data is None else data}
    if kind == "comm_open":
        content["target_name"] = options.pop("target")
    message = kernel.send(kind, content, **options)
    while not any(m["content"].get("execution_state") == "idle" for m in message.iopub):
        kernel.receive()
    assert not message.shell
    return message


def said(messages):
    """What was said by comms, in order: type, id, data."""
    return [
        (m["msg_type"], m["content"]["comm_id"], m["content"]["data"]) for m in messages if m["msg_type"] in COMM
    ]


def comms(kernel, **content):
    return kernel.request("comm_info_request", content).finish().reply["comms"]


def until(kernel, cell, count):
    """Receives until that many messages of comms stand under the cell, which may have ended long ago."""
    while len(said(cell.iopub)) < count:
        kernel.receive()
    return said(cell.iopub)


def test_a_frontend_opens_talks_and_closes(kernel):
    cell = kernel.ok(ECHO)
    opened = say(kernel, "comm_open", "c1", {"hello": 1}, target="echo")
    assert said(opened.iopub) == []
    assert comms(kernel) == {"c1": {"target_name": "echo"}}
    assert comms(kernel, target_name="echo") == {"c1": {"target_name": "echo"}}
    assert comms(kernel, target_name="other") == {}
    data = {"text": "喫茶店 \" \\ \n", "list": [1, -2.5, None, True], "large": 2**60}
    say(kernel, "comm_msg", "c1", data, metadata={"version": 2}, buffers=[b"", b"\x00\xff" * 1000])
    assert until(kernel, cell, 1) == [("comm_msg", "c1", data)]
    echo = next(m for m in cell.iopub if m["msg_type"] == "comm_msg")
    assert echo["metadata"] == {"version": 2}
    assert [bytes(buffer) for buffer in echo["buffers"]] == [b"", b"\x00\xff" * 1000]
    say(kernel, "comm_close", "c1", {"bye": 1})
    while "closed" not in cell.stdout:
        kernel.receive()
    assert cell.stdout.splitlines()[0] == 'opened with {"hello":1}'
    assert cell.stdout.splitlines()[-1] == 'closed with Some("{\\"bye\\":1}")'
    assert comms(kernel) == {}


def test_what_is_opened_for_nobody_is_closed(kernel):
    opened = say(kernel, "comm_open", "c1", target="nobody")
    assert said(opened.iopub) == [("comm_close", "c1", {})]
    kernel.ok(ECHO)
    kernel.ok("echo.abort(); let _ = echo.await;")
    opened = say(kernel, "comm_open", "c2", target="echo")
    assert said(opened.iopub) == [("comm_close", "c2", {})], "the target was dropped with its task"
    assert comms(kernel) == {}


def test_what_is_said_to_nobody_is_dropped(kernel):
    cell = kernel.ok(ECHO)
    assert said(say(kernel, "comm_msg", "unknown").iopub) == []
    assert said(say(kernel, "comm_close", "unknown").iopub) == []
    say(kernel, "comm_open", "c1", target="echo")
    say(kernel, "comm_close", "c1")
    say(kernel, "comm_msg", "c1", {"late": 1})
    say(kernel, "comm_open", "c2", target="echo")
    say(kernel, "comm_msg", "c2", {"in time": 1})
    assert until(kernel, cell, 1) == [("comm_msg", "c2", {"in time": 1})]


def test_malformed_messages_are_dropped(kernel):
    kernel.ok(ECHO)
    for content in ({}, {"comm_id": 7, "target_name": "echo"}, {"comm_id": "c1"}, {"comm_id": "c1", "target_name": []}):
        message = kernel.send("comm_open", content)
        while len(message.iopub) < 2:
            kernel.receive()
        assert said(message.iopub) == []
    assert comms(kernel) == {}


def test_a_cell_opens_a_comm_and_awaits_the_answer(kernel):
    cell = kernel.start(
        'let mut comm = kissaten::comm::Comm::open("slider", &std::collections::BTreeMap::from([("value", 3)]))?;\n'
        "let answer = comm.recv().await.unwrap();\n"
        'answer.data::<std::collections::BTreeMap<String, f64>>()?["value"] * 2.0'
    )
    cell.until(lambda cell: said(cell.iopub))
    [(kind, comm_id, data)] = said(cell.iopub)
    opening = next(m for m in cell.iopub if m["msg_type"] == "comm_open")
    assert (kind, data, opening["content"]["target_name"]) == ("comm_open", {"value": 3}, "slider")
    assert comms(kernel) == {comm_id: {"target_name": "slider"}}
    say(kernel, "comm_msg", comm_id, {"value": 3.5})
    assert cell.finish().result == "7.0"
    # It is a variable, and open until it is dropped.
    assert comms(kernel) == {comm_id: {"target_name": "slider"}}
    assert said(kernel.ok('comm.send(&("later", 1))?;').iopub) == [("comm_msg", comm_id, ["later", 1])]
    assert said(kernel.ok("drop(comm);").iopub) == [("comm_close", comm_id, {})]
    assert comms(kernel) == {}


def test_a_refused_comm_has_nothing_more(kernel):
    cell = kernel.start('let mut comm = kissaten::comm::Comm::open("nobody", &())?; comm.recv().await.is_none()')
    cell.until(lambda cell: said(cell.iopub))
    say(kernel, "comm_close", said(cell.iopub)[0][1])
    assert cell.finish().result == "true"
    failed = kernel.fails("comm.send(&1)?")
    assert failed.error["evalue"].endswith("the comm is closed")


def test_what_is_printed_before_stands_before(kernel):
    cell = kernel.ok(
        'print!("a"); let comm = kissaten::comm::Comm::open("x", &())?; print!("b"); comm.send(&1)?; println!("c");'
    )
    order = [m["content"].get("text") or m["msg_type"] for m in cell.iopub if m["msg_type"] in ("stream", *COMM)]
    assert "".join(order[: order.index("comm_open")]).startswith("a")
    assert "".join(order[: order.index("comm_msg")]).replace("comm_open", "").startswith("ab")


def test_a_thousand_messages_in_order(kernel):
    cell = kernel.ok(ECHO)
    say(kernel, "comm_open", "c1", target="echo")
    for number in range(1000):
        kernel.say("shell", "comm_msg", {"comm_id": "c1", "data": {"number": number}})
    assert [data["number"] for _, _, data in until(kernel, cell, 1000)] == list(range(1000))


def test_comms_die_with_their_process(kernel):
    kernel.ok(ECHO)
    say(kernel, "comm_open", "c1", target="echo")
    kernel.fails("std::process::abort()")
    assert said(kernel.orphans) == [("comm_close", "c1", {})]
    assert comms(kernel) == {}
    opened = say(kernel, "comm_open", "c2", target="echo")
    assert said(opened.iopub) == [("comm_close", "c2", {})]


def test_a_cell_that_registers_a_target_can_run_again(kernel):
    kernel.ok('let mut target = kissaten::comm::Target::register("twice");')
    kernel.ok('let mut target = kissaten::comm::Target::register("twice");')
    say(kernel, "comm_open", "c1", target="twice")
    assert kernel.ok("let comm = target.accept().await.unwrap(); comm.id().to_owned()").result == '"c1"'
    kernel.ok(":clear")
    assert comms(kernel) == {}


def test_a_silent_cell_can_open_a_comm(kernel):
    kernel.run('let comm = kissaten::comm::Comm::open("x", &())?;', silent=True)
    assert [kind for kind, _, _ in said(kernel.orphans)] == ["comm_open"]
    assert len(comms(kernel)) == 1


def test_a_flood_that_nobody_reads_ends_its_comm(kernel):
    """What nobody reads has a limit, and the kernel goes on."""
    cell = kernel.ok('let mut target = kissaten::comm::Target::register("sink");')
    comm_id = uuid.uuid4().hex
    say(kernel, "comm_open", comm_id, target="sink")
    for _ in range(70):
        kernel.say("shell", "comm_msg", {"comm_id": comm_id, "data": {"text": "x" * 1_000_000}})
    assert until(kernel, cell, 1) == [("comm_close", comm_id, {"error": "more was sent than the cell has read"})]
    assert kernel.ok("1 + 1").result == "2"


def test_the_example_of_the_readme(kernel, repository):
    cells = re.findall(r"```rust\n(.*?)```", (repository / "README.md").read_text(), re.DOTALL)
    [example] = [code for code in cells if "Target::register" in code]
    cell = kernel.ok(example)
    say(kernel, "comm_open", "c1", target="slider")
    say(kernel, "comm_msg", "c1", {"value": 2.5})
    assert until(kernel, cell, 1) == [("comm_msg", "c1", {"seen": True})]
    assert cell.stdout == "the slider is at Some(2.5)\n"
