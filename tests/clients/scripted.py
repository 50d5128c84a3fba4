"""This module is a language model that follows a script: the protocols of OpenAI, Anthropic and Gemini on loopback."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Messages = list[dict[str, Any]]
Said = tuple[str, dict[str, Any]] | str
Script = Callable[[Messages, int], Said]


@contextmanager
def scripted_model(script: Script) -> Iterator[tuple[str, list[Messages]]]:
    """Serve a model; `script` sees the messages and how many tools it has called, and returns a call or a text."""
    seen: list[Messages] = []
    calls: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.send_response(200)
            self.end_headers()

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            said: Said = "a title"
            if body.get("tools"):
                messages = next(body[name] for name in ("messages", "input", "contents") if name in body)
                seen.append(messages)
                said = script(messages, len(calls))
                if not isinstance(said, str):
                    calls.append(said[0])
            self.send_response(200)
            self.send_header("content-type", "text/event-stream")
            self.end_headers()
            speaks = {"/messages": _anthropic, "/responses": _responses, ":streamGenerateContent": _gemini}
            protocol = next((each for part, each in speaks.items() if part in self.path), _openai)
            events = protocol(said, len(calls))
            self.wfile.write("".join(events).encode())

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", seen
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _openai(said: Said, number: int) -> Iterator[str]:
    if isinstance(said, str):
        delta: dict[str, Any] = {"content": said}
        reason = "stop"
    else:
        function = {"name": said[0], "arguments": json.dumps(said[1])}
        delta = {"tool_calls": [{"index": 0, "id": f"call{number}", "type": "function", "function": function}]}
        reason = "tool_calls"
    for part, ended in (({"role": "assistant", **delta}, None), ({}, reason)):
        choice = {"index": 0, "delta": part, "finish_reason": ended}
        chunk = {"id": "x", "object": "chat.completion.chunk", "model": "m", "choices": [choice]}
        yield f"data: {json.dumps(chunk)}\n\n"
    yield "data: [DONE]\n\n"


def _responses(said: Said, number: int) -> Iterator[str]:
    if isinstance(said, str):
        item: dict[str, Any] = {"type": "message", "role": "assistant", "id": "m"}
        item["content"] = [{"type": "output_text", "text": said}]
    elif said[0] == "apply_patch":
        item = {"type": "custom_tool_call", "call_id": f"call{number}", "name": said[0], **said[1]}
    else:
        item = {"type": "function_call", "call_id": f"call{number}", "name": said[0], "arguments": json.dumps(said[1])}
    usage = {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}
    for kind, content in (
        ("response.created", {"response": {"id": "r"}}),
        ("response.output_item.done", {"item": item}),
        ("response.completed", {"response": {"id": "r", "usage": usage}}),
    ):
        yield f"event: {kind}\ndata: {json.dumps({'type': kind, **content})}\n\n"


def _gemini(said: Said, _: int) -> Iterator[str]:
    part = {"text": said} if isinstance(said, str) else {"functionCall": {"name": said[0], "args": said[1]}}
    usage = {"promptTokenCount": 1, "candidatesTokenCount": 1, "totalTokenCount": 2}
    answer = {"content": {"role": "model", "parts": [part]}, "finishReason": "STOP", "index": 0}
    yield f"data: {json.dumps({'candidates': [answer], 'usageMetadata': usage})}\r\n\r\n"


def _anthropic(said: Said, number: int) -> Iterator[str]:
    usage = {"input_tokens": 1, "output_tokens": 1}
    message = {
        "id": f"msg_{number}",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [],
        "usage": usage,
    }
    if isinstance(said, str):
        block: dict[str, Any] = {"type": "text", "text": ""}
        delta: dict[str, Any] = {"type": "text_delta", "text": said}
    else:
        block = {"type": "tool_use", "id": f"toolu_{number}", "name": said[0], "input": {}}
        delta = {"type": "input_json_delta", "partial_json": json.dumps(said[1])}
    ended = {"stop_reason": "end_turn" if isinstance(said, str) else "tool_use", "stop_sequence": None}
    for kind, content in (
        ("message_start", {"message": {**message, "stop_reason": None, "stop_sequence": None}}),
        ("content_block_start", {"index": 0, "content_block": block}),
        ("content_block_delta", {"index": 0, "delta": delta}),
        ("content_block_stop", {"index": 0}),
        ("message_delta", {"delta": ended, "usage": usage}),
        ("message_stop", {}),
    ):
        yield f"event: {kind}\ndata: {json.dumps({'type': kind, **content})}\n\n"
