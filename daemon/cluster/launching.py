"""Finds the cluster that cloaks for the daemon: somebody else's, or a process of its own."""

import asyncio
import contextlib
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import urlsplit

from daemon.cluster.joining import ClusterError
from daemon.cluster.joining import check as check_ray

START_SECONDS: Final = 180.0
END_SECONDS: Final = 20.0
TOKEN_NAME: Final = "cluster.token"  # noqa: S105 - the file's name


@dataclass(frozen=True)
class Where:
    """A cluster's address and the token that it asks for; ``authority`` is the file of who signed its certificate."""

    address: str
    token: str
    authority: Path | None = None


class Launch(Protocol):
    """How a cluster is come by."""

    async def find(self) -> Where:
        """Return its address, and start it where it is ours and does not run.

        Raises:
            ClusterError: it cannot be had.
        """
        ...

    async def end(self) -> None:
        """It is no longer needed."""
        ...


class Remote:
    """A cluster that somebody keeps.

    Raises:
        ClusterError: photos would cross the network unencrypted, or there is no token.
    """

    def __init__(self, address: str, token_file: Path | None, authority: Path | None = None) -> None:
        parts = urlsplit(address)
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in ("127.0.0.1", "::1")):
            raise ClusterError("Photos go to another machine only encrypted. Give an address that begins with https://.")
        if parts.username or parts.query or parts.fragment:
            raise ClusterError("The address holds more than a host, a port and a path. Put the token into a file of its own.")
        try:
            token = token_file.read_text(encoding="ascii").strip() if token_file else ""
        except (OSError, UnicodeError):
            token = ""
        if not token:
            raise ClusterError(
                f"The cluster's token cannot be read. Copy its {TOKEN_NAME} here, and name it with --backend-token."
            )
        if authority is not None and not authority.is_file():
            raise ClusterError(f"{authority} is not there. Name the file of the cluster's certificate with --backend-ca.")
        self._where = Where(address, token, authority)

    async def find(self) -> Where:
        return self._where

    async def end(self) -> None:
        pass


class LocalCluster:
    """A cluster on this machine, in a process of its own that ends with the daemon, however that ends: Ray is too heavy
    for the one that browsers speak to.

    Args:
        state: the state folder, with the token.
        more: further options of `cloakroom cluster`.

    Raises:
        ClusterError: Ray is not installed.
    """

    def __init__(self, state: Path, *more: str) -> None:
        check_ray("local")
        self._state = state
        self._more = more
        self._process: asyncio.subprocess.Process | None = None
        self._where: Where | None = None

    async def find(self) -> Where:
        if self._process is not None and self._process.returncode is None and self._where is not None:
            return self._where
        command = ["-m", "daemon.cli", "cluster", "--listen", "127.0.0.1:0", "--json", "--until-eof"]
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, *command, "--state", str(self._state), *self._more,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        stdout = self._process.stdout
        try:
            async with asyncio.timeout(START_SECONDS):
                told = json.loads(await stdout.readline()) if stdout is not None else {}
            token = await asyncio.to_thread((self._state / TOKEN_NAME).read_text, encoding="ascii")
            self._where = Where(str(told["address"]), token.strip())
        except (TimeoutError, ValueError, KeyError, OSError):
            await self.end()
            raise ClusterError("The cluster on this machine did not start. Run `cloakroom cluster` to see why.") from None
        return self._where

    async def end(self) -> None:
        process, self._process, self._where = self._process, None, None
        if process is None or process.returncode is not None:
            return
        if process.stdin is not None:
            process.stdin.close()
        try:
            async with asyncio.timeout(END_SECONDS):
                await process.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
