"""An album on a cluster: Ray Data reads the photos on this machine, and has actors on all of them cloak them.

A photo is a block of its own, so an actor that dies costs what it had done of one photo, which is begun anew. One that
takes two actors with it is given up by name.
"""

import asyncio
import contextlib
import json
import os
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from daemon.album.album import CloakedPhoto, FailedPhoto, read
from daemon.album.cloaker import Cloaker
from daemon.album.tree import Signature, Source
from daemon.cluster.joining import LOCAL, ClusterError, joined, quiet
from daemon.cluster.photos import OTHER_MODELS, AlbumOrder, Photographer, TableOfPhotos, Tries, read_schema
from daemon.wire.errors import CloakroomError
from daemon.wire.protocol import PolicyRequest
from protectors.manifest import model_set

READERS: Final = 2
"""Photos that are read at once. Reading is quick beside cloaking, and what was read takes memory until it is cloaked."""


@dataclass(frozen=True)
class Crew:
    """Attributes:
    workers: photos that are cloaked at once, each by an actor with models of its own.
    gpus: of each actor.
    """

    workers: int
    gpus: float


@dataclass(frozen=True)
class Means:
    """The workers of an album.

    Attributes:
        workers: photos that are cloaked at once; None for as many as the cluster can.
        threads: CPU threads of each; None for one.
        seed: makes what is drawn at random the same for the same photo.
        seconds: about the most that a photo takes; None for any.
    """

    workers: int | None
    threads: int | None
    seed: int | None
    seconds: float | None


class ClusterCloaker:
    """See `daemon.album.cloaker.Cloaker`.

    Args:
        ray: the module, connected.
        asked: what every photo is cloaked with.
        crew: how many do it.
        make: what cloaks; tests hand in one without models.
    """

    def __init__(self, ray: Any, asked: AlbumOrder, crew: Crew, make: Callable[[AlbumOrder], Any] = Photographer) -> None:
        self._ray = ray
        self._asked = asked
        self._crew = crew
        self._make = make

    async def cloak(self, sources: Iterable[Source]) -> AsyncGenerator[CloakedPhoto | FailedPhoto, None]:
        """See `Cloaker`.

        Raises:
            ClusterError: the cluster is gone, or its machines have not the same models.
        """
        waiting = dict(enumerate(sources))
        if not waiting:
            return
        rows = self._rows(list(waiting.values()))
        try:
            while (row := await asyncio.to_thread(self._next, rows)) is not None:
                if row["code"] == OTHER_MODELS:
                    raise ClusterError(
                        "A machine of the cluster has other models than this one. Run `cloakroom models pull` on it, "
                        "with the same state folder."
                    )
                source = waiting.pop(row["index"])
                if row["size"] is not None:
                    source = replace(source, signature=Signature(row["size"], row["changed"]))
                yield _ended(source, row)
        except BaseException:
            # The thread waits for a row; without the cluster there will be none.
            await asyncio.to_thread(self._ray.shutdown)
            raise

    def _next(self, rows: Iterator[dict[str, Any]]) -> dict[str, Any] | None:
        try:
            return next(rows, None)
        except Exception as problem:
            # Ray's errors quote what the actors were given, and where it lies.
            raise ClusterError(
                f"The cluster gave up ({type(problem).__name__}). Run the same command again to go on."
            ) from None

    def _rows(self, sources: list[Source]) -> Iterator[dict[str, Any]]:
        from ray.data import ActorPoolStrategy, DataContext, TaskPoolStrategy, from_items

        # Importing it has turned its log up again.
        quiet()
        context = DataContext.get_current()
        context.enable_progress_bars = False
        context.print_on_execution_start = False
        # Paths as bytes: a name need be no text.
        items = [{"index": index, "path": os.fsencode(source.path)} for index, source in enumerate(sources)]
        here = {f"node:{self._ray.util.get_node_ip_address()}": 0.001}
        # Arrow tables all the way: in NumPy's arrays a photo would lose the zero bytes at its end.
        photos = from_items(items, override_num_blocks=len(items)).map_batches(
            read_here,
            batch_size=1,
            batch_format="pyarrow",
            compute=TaskPoolStrategy(size=READERS),
            num_cpus=0,
            resources=here,
        )
        tries = self._ray.remote(num_cpus=0, max_restarts=0)(Tries).remote()
        cloaked = photos.map_batches(
            TableOfPhotos,
            batch_size=1,
            batch_format="pyarrow",
            fn_constructor_args=(self._make, self._asked, tries),
            # One at a time: a photo that kills its actor shall not be the end of the next one too. Ray begins both anew.
            compute=ActorPoolStrategy(size=self._crew.workers, max_tasks_in_flight_per_actor=1),
            num_cpus=self._asked.threads,
            num_gpus=self._crew.gpus,
        )
        return iter(cloaked.iter_rows())


def _ended(source: Source, row: dict[str, Any]) -> CloakedPhoto | FailedPhoto:
    if row["data"] is None:
        return FailedPhoto(source, row["code"] or "internal")
    return CloakedPhoto(source, bytes(row["data"]), json.loads(row["report"]))


def read_here(table: Any) -> Any:
    """Ray Data's: paths in, photos out, on the machine where they lie."""
    import pyarrow

    rows = []
    for row in table.to_pylist():
        told: dict[str, Any] = {"index": row["index"], "size": None, "changed": None, "data": None, "code": None}
        path = Path(os.fsdecode(row["path"]))
        try:
            found, data = read(Source(path, path, Signature(0, 0), (0, 0)))
            told |= {"size": found.signature.size, "changed": found.signature.changed, "data": data}
        except CloakroomError as problem:
            told["code"] = problem.code
        except OSError:
            told["code"] = "unreadable"
        rows.append(told)
    return pyarrow.Table.from_pylist(rows, schema=read_schema())


@contextlib.contextmanager
def cluster_cloaker(
    address: str, policy: PolicyRequest, channel: str | None, folder: Path, means: Means
) -> Iterator[tuple[Cloaker, str]]:
    """A cloaker on a cluster, and the set of models that it has.

    Args:
        address: `local`, `auto`, or host and port.
        policy: what is asked for.
        channel: the site whose treatment the reports shall speak of.
        folder: where pulled models are kept.
        means: what cloaks.

    Raises:
        ClusterError: it cannot be had.
    """
    threads = means.threads or 1
    cpus = max(os.cpu_count() or 1, (means.workers or 1) * threads) if address == LOCAL else None
    models = model_set(folder)
    asked = AlbumOrder(policy, channel, "auto", folder, models, threads, means.seed, means.seconds)
    with joined(address, cpus) as ray:
        yield ClusterCloaker(ray, asked, crew_of(ray.cluster_resources(), means.workers, threads)), models


def crew_of(resources: dict[str, float], workers: int | None, threads: int) -> Crew:
    """An actor for each graphics card where there are some, else as many as there are CPUs for."""
    gpus = int(resources.get("GPU", 0))
    if gpus:
        return Crew(workers or gpus, min(1.0, gpus / (workers or gpus)))
    return Crew(workers or max(1, int(resources.get("CPU", 1)) // threads), 0)
