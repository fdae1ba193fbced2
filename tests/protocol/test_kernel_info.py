"""What the kernel says of itself."""

import re
import subprocess


def test_the_answer_is_exactly_this(shared_kernel, installation):
    content = shared_kernel.request("kernel_info_request", {}).finish().reply
    rustc = content["language_info"]["version"]
    assert re.fullmatch(r"1\.\d+\.\d+", rustc)
    version = subprocess.run([installation.binary, "--version"], capture_output=True, text=True, check=True).stdout
    assert re.fullmatch(r"kissaten \d+\.\d+\.\d+\n", version)
    banner = content.pop("banner")
    assert banner.splitlines(), "a console shows it"
    assert rustc in banner
    help_links = content.pop("help_links")
    assert help_links and all(link["url"].startswith("https://") and link["text"] for link in help_links)
    features = content.pop("supported_features", [])
    assert features == ["debugger", "iopub_welcome", "kernel subshells"]
    protocol_version = content.pop("protocol_version")
    assert re.fullmatch(r"5\.\d+(\.\d+)?", protocol_version)
    assert content.pop("debugger") is True
    assert content == {
        "status": "ok",
        "implementation": "kissaten",
        "implementation_version": version.split()[1],
        "language_info": {
            "name": "rust",
            "version": rustc,
            "mimetype": "text/x-rustsrc",
            "file_extension": ".rs",
            "pygments_lexer": "rust",
            "codemirror_mode": "rust",
            "nbconvert_exporter": "script",
        },
    }


def test_it_answers_on_the_control_channel_while_a_cell_runs(shared_kernel, tmp_path):
    go = tmp_path / "go"
    cell = shared_kernel.start(
        'println!("running");'
        f'while !std::path::Path::new("{go}").exists() {{'
        " tokio::time::sleep(std::time::Duration::from_millis(2)).await }"
    )
    cell.until(lambda cell: "running" in cell.stdout)
    reply = shared_kernel.request("kernel_info_request", {}, channel="control").reply
    assert reply["implementation"] == "kissaten"
    go.touch()
    cell.finish().matches(
        "iopub status busy",
        "iopub execute_input [_]",
        "iopub stream stdout 'running\\n'",
        "iopub status idle",
        "shell execute_reply ok [_]",
    )
