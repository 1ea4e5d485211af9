"""A native program that holds the clipboard: browsers clean what pages write there, and not what other programs do."""

import contextlib
import threading
from collections.abc import Mapping
from types import TracebackType
from typing import Self

from Xlib import X, Xatom, display
from Xlib.protocol import event

PLAIN = ("UTF8_STRING", "text/plain", "text/plain;charset=utf-8", "STRING")


class NativeClipboard:
    """Owns the clipboard of an X display while it is entered, and gives each program that asks what `contents` has.

    Args:
        name: the display, ":N".
        contents: bytes by MIME type, of at most some hundred kilobytes each; longer ones would have to be sent in parts.
    """

    def __init__(self, name: str, contents: Mapping[str, bytes]) -> None:
        self._display = display.Display(name)
        self._contents = dict(contents)
        if text := contents.get("text/plain"):
            self._contents |= {target: text for target in PLAIN}
        self._window = self._display.screen().root.create_window(0, 0, 1, 1, 0, self._display.screen().root_depth)
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Self:
        self._window.set_selection_owner(self._atom("CLIPBOARD"), X.CurrentTime)
        self._display.flush()
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None) -> None:
        with contextlib.suppress(Exception):
            self._display.close()

    def _atom(self, name: str) -> int:
        return int(self._display.intern_atom(name))

    def _serve(self) -> None:
        # Closing the connection is what ends it.
        with contextlib.suppress(Exception):
            while True:
                asked = self._display.next_event()
                if asked.type == X.SelectionRequest:
                    self._answer(asked)

    def _answer(self, asked: event.SelectionRequest) -> None:
        wanted = self._display.get_atom_name(asked.target)
        place = asked.property or asked.target
        if wanted == "TARGETS":
            targets = [self._atom(name) for name in ("TARGETS", *self._contents)]
            asked.requestor.change_property(place, Xatom.ATOM, 32, targets)
        elif wanted in self._contents:
            asked.requestor.change_property(place, asked.target, 8, self._contents[wanted])
        else:
            place = X.NONE
        told = event.SelectionNotify(
            time=asked.time, requestor=asked.requestor, selection=asked.selection, target=asked.target, property=place
        )
        asked.requestor.send_event(told)
        self._display.flush()
