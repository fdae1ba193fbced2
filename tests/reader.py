"""Who reads a notebook with a mouse: clicks the buttons that its cells show, as soon as something on the page says so.

It knows widgets by their messages alone. What a cell prints of a click is the notebook's matter.
"""

from __future__ import annotations

from typing import Any

from nbclient import NotebookClient


class Reader(NotebookClient):
    """A client that runs the cells, and while one runs, clicks: a button at once, *Stop* once a bar has moved a fifth of its
    way, and one that is red once its words have changed."""

    def handle_comm_msg(self, outs: list[Any], msg: dict[str, Any], cell_index: int) -> None:
        super().handle_comm_msg(outs, msg, cell_index)
        content = msg["content"]
        change = content["data"].get("state", {})
        model = self.widget_state.get(content["comm_id"], {})
        if model.get("_model_name") == "ButtonModel" and "description" in change:
            words = change["description"]
            if words == "Stop":
                self.stop = content["comm_id"]
            elif not words.startswith("🔴"):
                self.click(content["comm_id"])
        elif model.get("_model_name") == "IntProgressModel" and model["value"] * 5 >= model["max"] and self.stop:
            self.click(self.stop)
            self.stop = None

    stop: str | None = None

    def click(self, button: str) -> None:
        data = {"method": "custom", "content": {"event": "click"}}
        session = self.kc.session
        # Not by the channel's own `send`: it goes past the loop, which then may not see a reply that comes at that moment.
        self.kc.shell_channel.socket.send_multipart(session.serialize(session.msg("comm_msg", {"comm_id": button, "data": data})))
