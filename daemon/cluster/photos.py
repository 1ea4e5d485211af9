"""The actor of a cluster: it holds the models, and cloaks a photo as the daemon's worker does."""

import contextlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from daemon.front.queue import ATTEMPTS
from daemon.wire.errors import CloakroomError
from daemon.wire.pipe import Done, Failed, FromWorker
from daemon.wire.protocol import PolicyRequest
from daemon.worker.failing import failure_of

JOB = "album"

OTHER_MODELS = "other-models"
"""In the place of an error code: the machine has not the models that every machine has to have."""


class OtherModelsError(Exception):
    """This machine has other models than it should."""


@dataclass(frozen=True)
class AlbumOrder:
    """The wishes and the means that every photo of an album is cloaked with.

    Attributes:
        policy: what is asked for.
        channel: the site whose treatment the reports shall speak of.
        device: cpu, cuda, mps or auto.
        model_folder: where pulled models are kept, on every machine alike; None for the embedded ones.
        models: the set that every machine has to have, or the copies would not be of one making.
        threads: CPU threads of each actor. How sums are split among threads changes their last bit.
        seed: makes what is drawn at random the same for the same photo.
        seconds: about the most that a photo takes; None for any.
    """

    policy: PolicyRequest
    channel: str | None
    device: str
    model_folder: Path | None
    models: str
    threads: int
    seed: int | None
    seconds: float | None = None


class Photographer:
    """Holds the models.

    Raises:
        OtherModelsError: this machine has other models than it should.
    """

    def __init__(self, asked: AlbumOrder) -> None:
        import torch

        from protectors.cloak import Cloakroom

        torch.set_num_threads(asked.threads)
        self._asked = asked
        self._room = Cloakroom(asked.device, asked.model_folder).limited_to(asked.seconds)
        if self._room.model_set != asked.models:
            raise OtherModelsError

    def cloak(self, data: bytes) -> tuple[FromWorker, bytes]:
        """Return what the daemon's worker would say of it: `Done` with the cloaked photo, or `Failed` by name."""
        from daemon.worker.cloaking import Errand, cloak_file
        from protectors.progress import end_of

        asked = self._asked
        try:
            made = end_of(cloak_file(self._room, Errand(data, asked.policy, asked.channel), asked.seed))
        except CloakroomError as problem:
            return Failed(job=JOB, code=problem.code, sentence=problem.sentence), b""
        except Exception as problem:
            return failure_of(JOB, problem), b""
        return Done(job=JOB, mime=made.mime, size=len(made.data), report=made.report), made.data


class Tries:
    """A count of how often each photo was begun: an actor of its own, because those that begin them die."""

    def __init__(self) -> None:
        self._begun: Counter[int] = Counter()

    def begin(self, index: int) -> int:
        """Count one more try, and return which it is, from 1."""
        self._begun[index] += 1
        return self._begun[index]


class TableOfPhotos:
    """A photographer for Ray Data: tables with a photo a row in, and what became of it out.

    Args:
        make: makes what cloaks; a Photographer, or a test's stand-in.
        asked: handed to it.
        tries: the actor that counts them.
    """

    def __init__(self, make: Any, asked: AlbumOrder, tries: Any) -> None:
        self._photographer: Any = None
        with contextlib.suppress(OtherModelsError):
            self._photographer = make(asked)
        self._tries = tries

    def __call__(self, table: Any) -> Any:
        """pyarrow tables, because in NumPy's a photo would lose the zero bytes at its end."""
        import msgspec
        import pyarrow
        import ray

        rows: list[dict[str, Any]] = []
        for row in table.to_pylist():
            told: dict[str, Any] = {**row, "data": None, "report": None}
            if self._photographer is None:
                told["code"] = OTHER_MODELS
            elif row["data"] is None:
                pass
            elif ray.get(self._tries.begin.remote(row["index"])) > ATTEMPTS:
                told["code"] = "worker-died"
            else:
                said, body = self._photographer.cloak(row["data"])
                if isinstance(said, Done):
                    told |= {"data": body, "report": msgspec.json.encode(said.report).decode()}
                else:
                    told["code"] = said.code
            rows.append(told)
        return pyarrow.Table.from_pylist(rows, schema=ended_schema())


def read_schema() -> Any:
    """Return the columns of a photo's bytes and its file as it was read, or why there are none."""
    import pyarrow

    return pyarrow.schema(
        [
            ("index", pyarrow.int64()),
            ("size", pyarrow.int64()),
            ("changed", pyarrow.int64()),
            ("data", pyarrow.large_binary()),
            ("code", pyarrow.string()),
        ]
    )


def ended_schema() -> Any:
    """Return the columns that say what became of a photo."""
    import pyarrow

    return pyarrow.schema(
        [
            *read_schema(),
            ("report", pyarrow.string()),
        ]
    )
