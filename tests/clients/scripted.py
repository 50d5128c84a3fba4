"""This module is a language model that follows a script: an OpenAI-compatible endpoint on loopback."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Messages = list[dict[str, Any]]
Script = Callable[[Messages, int], tuple[str, dict[str, Any]] | str]


@contextmanager
def scripted_model(script: Script) -> Iterator[tuple[str, list[Messages]]]:
    """Serve a model; `script` sees the messages and how many tools have answered, and returns a tool call or a text."""
    seen: list[Messages] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            said: tuple[str, dict[str, Any]] | str = "a title"
            if body.get("tools"):
                seen.append(body["messages"])
                said = script(body["messages"], sum(message["role"] == "tool" for message in body["messages"]))
            if isinstance(said, str):
                delta: dict[str, Any] = {"content": said}
                reason = "stop"
            else:
                function = {"name": said[0], "arguments": json.dumps(said[1])}
                call = {"index": 0, "id": f"call{len(seen)}", "type": "function", "function": function}
                delta, reason = {"tool_calls": [call]}, "tool_calls"
            self.send_response(200)
            self.send_header("content-type", "text/event-stream")
            self.end_headers()
            for part, ended in (({"role": "assistant", **delta}, None), ({}, reason)):
                choice = {"index": 0, "delta": part, "finish_reason": ended}
                chunk = {"id": "x", "object": "chat.completion.chunk", "model": "m", "choices": [choice]}
                self.wfile.write(b"data: " + json.dumps(chunk).encode() + b"\n\n")
            self.wfile.write(b"data: [DONE]\n\n")

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1", seen
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
