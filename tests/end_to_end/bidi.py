"""WebDriver BiDi, as much of it as the tests need."""

import asyncio
import contextlib
import itertools
from collections.abc import Callable
from typing import Any

from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType

ANSWER_SECONDS = 60.0


class BiDiError(Exception):
    """The browser answered a command with an error."""


class BiDi:
    """One session over one websocket."""

    def __init__(self, session: ClientSession, socket: ClientWebSocketResponse) -> None:
        self._session = session
        self._socket = socket
        self._numbers = itertools.count(1)
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._listeners: list[Callable[[str, dict[str, Any]], None]] = []
        self._reader = asyncio.create_task(self._read())

    @classmethod
    async def connect(cls, url: str) -> "BiDi":
        """Open a session at the address that Firefox prints."""
        session = ClientSession()
        socket = await session.ws_connect(f"{url}/session", max_msg_size=0)
        bidi = cls(session, socket)
        bidi.capabilities = await bidi.send("session.new", {"capabilities": {"alwaysMatch": {"acceptInsecureCerts": True}}})
        return bidi

    capabilities: dict[str, Any]

    async def send(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        """A command's result.

        Raises:
            BiDiError: the browser did not do it.
            TimeoutError: it did not answer.
        """
        number = next(self._numbers)
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        await self._socket.send_json({"id": number, "method": method, "params": params})
        async with asyncio.timeout(ANSWER_SECONDS):
            told = await answer
        if told["type"] == "error":
            raise BiDiError(f"{method}: {told['error']}: {told['message']}")
        result: dict[str, Any] = told["result"]
        return result

    @contextlib.contextmanager
    def listening(self, listener: Callable[[str, dict[str, Any]], None]) -> Any:
        """Call the listener with each event's name and parameters."""
        self._listeners.append(listener)
        try:
            yield
        finally:
            self._listeners.remove(listener)

    async def close(self) -> None:
        self._reader.cancel()
        await asyncio.gather(self._reader, return_exceptions=True)
        await self._socket.close()
        await self._session.close()

    async def _read(self) -> None:
        async for frame in self._socket:
            if frame.type is not WSMsgType.TEXT:
                continue
            told = frame.json()
            if told.get("type") == "event":
                for listener in list(self._listeners):
                    listener(told["method"], told["params"])
            elif (waiting := self._answers.pop(told.get("id", 0), None)) and not waiting.done():
                waiting.set_result(told)


def plain(value: dict[str, Any]) -> Any:
    """A BiDi remote value as Python has it."""
    kind, content = value["type"], value.get("value")
    if kind == "array":
        return [plain(item) for item in content or []]
    if kind == "object":
        return {name: plain(item) for name, item in content or []}
    return content
