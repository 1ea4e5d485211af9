"""The daemon's front process has no torch and no decoder, and its log no names and no keys."""

import subprocess
import sys
from pathlib import Path

from daemon.client import DaemonClient
from daemon.front.pairing import CHROMIUM_ORIGIN
from daemon.state.folder import read_local
from daemon.wire.handshake import Credential
from tests.daemon.conftest import ELSEWHERE, cloakroom, serving
from tests.daemon.raw_clients import answer, upgrade
from tests.daemon.samples import SECRET, astronaut, saved, with_jpeg_metadata


def mapped(pid: int) -> str:
    """The files that a process has loaded."""
    return Path(f"/proc/{pid}/maps").read_text()


async def test_the_whole_log_of_a_run_tells_nothing(tmp_path: Path) -> None:
    """A daemon that meets a telling name, a page, a stranger and nonsense, with its log turned up."""
    telling = "Anna-and-Ben-at-the-clinic-0815"
    photo, broken = tmp_path / f"{telling}.jpg", tmp_path / f"{telling}-broken.jpg"
    photo.write_bytes(with_jpeg_metadata(saved(astronaut(), "JPEG")))
    broken.write_bytes(photo.read_bytes()[:300])
    out = tmp_path / "out"
    with serving(tmp_path) as running:
        port, state = running.port, running.state
        access = read_local(state)
        assert access is not None
        cloakroom("protect", photo, broken, "-o", out, "--protectors", "scene", "--keep-unprotected", state=state)
        answer(port, upgrade(port, Origin=f"https://{telling}.example"))
        answer(port, upgrade(port, path=f"/{telling}?key={access.key}"))
        answer(port, f"NONSENSE {telling} \x00\r\n\r\n".encode())
        async with await DaemonClient.open(port, Credential("local", bytes.fromhex(access.key))) as local:
            code = (await local.open_pairing()).code
            async with await DaemonClient.open(port, None, origin=CHROMIUM_ORIGIN, code=code, label=telling) as browser:
                assert browser.credential is not None
                key = browser.credential.key.hex()
                assert (await browser.status()).clients == 1
                await browser._connection.send(f'{{"type":"protect","name":"{telling}"}}')
            await local.revoke(browser.credential.client)
        front = mapped(running.pid)
    said = running.log.read_text()
    assert "a job ended: done" in said
    assert "a job ended: truncated" in said
    for secret in (telling, "Anna", "example", SECRET, str(tmp_path), access.key, key, code, code.replace("-", "")):
        assert secret not in said
    # And the process that spoke with everybody never loaded what the worker has.
    assert "aiohttp" in front
    for library in ("/torch/", "libc10", "/PIL/", "/numpy/"):
        assert library not in front


def test_importing_the_front_imports_neither_torch_nor_pillow() -> None:
    program = "import sys, daemon.front.server, daemon.cli; print(sorted(m for m in sys.modules if '.' not in m))"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ELSEWHERE, check=True).stdout
    assert "'aiohttp'" in found
    for module in ("torch", "torchvision", "PIL", "numpy"):
        assert f"'{module}'" not in found
