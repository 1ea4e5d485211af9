"""Stand-ins for the models on a cluster, in real actors: quick, and some of them deadly."""

import os
import time
from pathlib import Path

from daemon.cluster.photos import AlbumOrder, OtherModelsError
from daemon.wire.pipe import Done, Failed, FromWorker
from tests.daemon.judgements import report


class Odd:
    """Gives a photo back with bytes at its end: zero bytes too, which some arrays drop.

    What a photo says of itself decides: `deadly` ends its actor every time, `deadly once` the first time, `damaged` and
    `recognised` are what they are. A file called `works` in the model folder has a byte for each that came.
    """

    def __init__(self, asked: AlbumOrder) -> None:
        assert asked.model_folder is not None
        if asked.models != "embedded":
            raise OtherModelsError
        self._folder = asked.model_folder
        self._asked = asked

    def cloak(self, data: bytes) -> tuple[FromWorker, bytes]:
        with (self._folder / "works").open("ab") as works:
            works.write(b".")
        if b"deadly once" in data and not self._marked("died"):
            os._exit(9)
        if b"deadly always" in data:
            os._exit(9)
        if b"slow" in data:
            time.sleep(0.3)
        if b"damaged" in data:
            return Failed(job="album", code="truncated", sentence="damaged"), b""
        told = report(b"recognised" not in data, pid=os.getpid(), seed=self._asked.seed)
        body = data + b"~\0\0"
        return Done(job="album", mime="image/png", size=len(body), report=told), body

    def _marked(self, name: str) -> bool:
        marker = Path(self._folder / name)
        if marker.exists():
            return True
        marker.touch()
        return False
