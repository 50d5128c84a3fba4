"""JSON-RPC over stdin and stdout for the SDK's server.

The SDK's own `stdio_server` hangs on SIGINT, leaves unparsable lines unanswered, has no limit on a line, and shares one
thread pool between tools and pipes; this one feeds the same streams from asyncio's pipes.
"""

import asyncio
import logging
import os
import stat
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Self

import anyio
import mcp_types as types
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.shared.message import SessionMessage

from tests.oracle.framing import LineSplitter, Refusal, parse_line

logger = logging.getLogger(__name__)
_READ_BYTES = 1 << 16
_BACKLOG = 64
_DRAIN_S = 10.0

Incoming = MemoryObjectSendStream[SessionMessage | Exception]


class Outgoing:
    """The writing half; it also knows which requests still wait for their answer."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._writer: asyncio.StreamWriter | None = None
        self._lock = asyncio.Lock()
        self._waiting: set[str] = set()
        self._idle = asyncio.Event()
        self._idle.set()

    async def open(self) -> None:
        """Attach to the descriptor; a plain file is written to directly."""
        if sys.platform != "win32" and _is_pipe(self._fd):
            loop = asyncio.get_running_loop()
            pipe = os.fdopen(self._fd, "wb", 0)
            transport, protocol = await loop.connect_write_pipe(asyncio.streams.FlowControlMixin, pipe)
            self._writer = asyncio.StreamWriter(transport, protocol, None, loop)

    def expect(self, message: types.JSONRPCMessage) -> None:
        """Note a request that was read, or that its sender has given it up."""
        if isinstance(message, types.JSONRPCRequest):
            self._waiting.add(str(message.id))
            self._idle.clear()
        elif isinstance(message, types.JSONRPCNotification) and message.method == "notifications/cancelled":
            self._settle(str((message.params or {}).get("requestId")))

    async def send(self, item: SessionMessage, /) -> None:
        """Write one message."""
        message = item.message
        await self.send_line(message.model_dump_json(by_alias=True, exclude_unset=True).encode() + b"\n")
        if isinstance(message, types.JSONRPCResponse | types.JSONRPCError):
            self._settle(str(message.id))

    async def send_line(self, line: bytes) -> None:
        """Write one line; a reader that has gone is no error of ours, the end of input will follow."""
        try:
            if self._writer is None:
                await asyncio.to_thread(_write_all, self._fd, line)
                return
            async with self._lock:
                self._writer.write(line)
                await self._writer.drain()
        except (BrokenPipeError, ConnectionResetError):
            self._waiting.clear()
            self._idle.set()

    async def drained(self) -> None:
        """Wait until every request that was read is answered, within bounds."""
        try:
            async with asyncio.timeout(_DRAIN_S):
                await self._idle.wait()
        except TimeoutError:
            return

    def close(self) -> None:
        """Close the descriptor."""
        if self._writer is not None:
            self._writer.close()

    async def aclose(self) -> None:
        """Nothing to do: `close` comes later, after the last refusal."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def _settle(self, request_id: str) -> None:
        self._waiting.discard(request_id)
        if not self._waiting:
            self._idle.set()


@asynccontextmanager
async def served(
    source: int, target: int, longest_line: int
) -> AsyncIterator[tuple[MemoryObjectReceiveStream[SessionMessage | Exception], Outgoing]]:
    """Serve two descriptors."""
    outgoing = Outgoing(target)
    await outgoing.open()
    incoming, receive = anyio.create_memory_object_stream[SessionMessage | Exception](_BACKLOG)
    reader = asyncio.create_task(_read(source, incoming, outgoing, longest_line))
    try:
        yield receive, outgoing
    finally:
        reader.cancel()
        outgoing.close()


async def _read(fd: int, incoming: Incoming, outgoing: Outgoing, longest_line: int) -> None:
    splitter = LineSplitter(longest_line)
    async with incoming:
        async for data in _chunks(fd):
            for line in splitter.feed(data):
                await _deliver(line, incoming, outgoing)
        if rest := splitter.rest():
            await _deliver(rest, incoming, outgoing)
        await outgoing.drained()


async def _deliver(line: bytes | Refusal, incoming: Incoming, outgoing: Outgoing) -> None:
    parsed = parse_line(line) if isinstance(line, bytes) else line
    if isinstance(parsed, Refusal):
        await outgoing.send_line(parsed.encode())
        return
    outgoing.expect(parsed)
    await incoming.send(SessionMessage(parsed))


async def _chunks(fd: int) -> AsyncIterator[bytes]:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=_READ_BYTES)
    if sys.platform != "win32" and _is_pipe(fd):
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(fd, "rb", 0))
    else:
        threading.Thread(target=_pump, args=(fd, reader, loop), name="stdin", daemon=True).start()
    while data := await reader.read(_READ_BYTES):
        yield data


def _pump(fd: int, reader: asyncio.StreamReader, loop: asyncio.AbstractEventLoop) -> None:
    """Read where asyncio cannot: Windows, and stdin redirected from a plain file."""
    try:
        while data := os.read(fd, _READ_BYTES):
            loop.call_soon_threadsafe(reader.feed_data, data)
    except OSError as error:  # it was opened for writing, say
        logger.warning("stdin cannot be read: %s", error)
    loop.call_soon_threadsafe(reader.feed_eof)


def _write_all(fd: int, data: bytes) -> None:
    while data:
        data = data[os.write(fd, data) :]


def _is_pipe(fd: int) -> bool:
    mode = os.fstat(fd).st_mode
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or stat.S_ISCHR(mode)


def divert() -> tuple[int, int]:
    """Keep private copies of stdin and stdout, and point 0 at nothing and 1 at stderr."""
    source, target = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return source, target
