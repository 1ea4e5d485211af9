"""The model store against a local mirror with a small real checkpoint."""

import asyncio
import hashlib
import io
import json
import os
import pickle
import stat
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import torch
from aiohttp import web
from safetensors.torch import load_file, save_file

from daemon.cli import main
from daemon.models.store import ModelError, mirrored, pull, verify
from protectors.manifest import Entry, sha256_of
from protectors.unet import UNet
from tests.daemon.conftest import ELSEWHERE


def checkpoint(state: Any) -> bytes:
    out = io.BytesIO()
    torch.save(state, out)
    return out.getvalue()


def test_a_stored_generator_whose_manifest_is_hostile_is_not_listed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As an older version may have taken it in: the list is shown without it, in a narrow terminal and in a wide one."""
    folder = tmp_path / "models" / "generators"
    folder.mkdir(parents=True)
    save_file(UNet().state_dict(), folder / "their.safetensors")
    weights = folder / "their.safetensors"
    manifest: dict[str, Any] = {
        "name": "their",
        "file": weights.name,
        "sha256": sha256_of(weights),
        "bytes": weights.stat().st_size,
        "input_size": 32,
        "classes": ["cat"],
        "licence": "theirs",
        "source": "a service",
        "target": "theirs",
        "quality": {"accuracy": 0.5},
    }
    hostile: tuple[dict[str, Any], ...] = ({"quality": {"a": [1]}}, {"quality": {"\x1b[2J": 1}}, {"source": "\x1b]0;owned\x07"})
    for columns in ("40", "200"):
        monkeypatch.setenv("COLUMNS", columns)
        (folder / "their.json").write_text(json.dumps(manifest))
        assert main(["models", "list", "--state", str(tmp_path)]) == 0
        assert "their" in capsys.readouterr().out, "the control"
        for changes in hostile:
            (folder / "their.json").write_text(json.dumps(manifest | changes))
            assert main(["models", "list", "--state", str(tmp_path)]) == 0
            told = capsys.readouterr().out
            assert "their" not in told
            assert "\x1b" not in told


SHARED = torch.arange(12, dtype=torch.float32).reshape(3, 4)
STATE = {"conv.weight": SHARED, "tied.weight": SHARED, "half": SHARED.half().T}


class Evil:
    """Unpickled by a careless reader, this makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (os.mkdir, (str(self.path),))


class Mirror:
    """A web server that offers files under the official paths, and remembers what it was asked for."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.url = ""

    async def handle(self, request: web.Request) -> web.Response:
        self.asked.append(request.path)
        if request.path not in self.files:
            raise web.HTTPNotFound
        return web.Response(body=self.files[request.path])


@pytest.fixture
async def mirror() -> AsyncIterator[Mirror]:
    found = Mirror()
    application = web.Application()
    application.router.add_get("/{path:.*}", found.handle)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    found.url = f"http://127.0.0.1:{runner.addresses[0][1]}/mirror"
    yield found
    await runner.cleanup()


def entry(data: bytes, **changed: Any) -> Entry:
    told = {
        "name": "small", "task": "objects", "role": "adversary", "architecture": "small", "set": "full",
        "sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data), "licence": "BSD-3", "source": "here",
        "input_size": 8, "url": "https://download.example/models/small.pth",
    }  # fmt: skip
    return Entry(**{**told, **changed})


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def pulled(model: Entry, folder: Path, mirror: Mirror) -> Path:
    """In a thread, because the mirror is served by this one."""
    return await asyncio.to_thread(pull, model, folder, lambda *_: None, (mirror.url,))


async def test_pull_checks_converts_and_keeps(mirror: Mirror, tmp_path: Path) -> None:
    data = checkpoint(STATE)
    mirror.files["/mirror/models/small.pth"] = data
    model = entry(data)
    assert verify(model, tmp_path) == "absent"
    path = await pulled(model, tmp_path / "models", mirror)
    assert path == tmp_path / "models" / "small.safetensors"
    loaded = load_file(path)
    assert set(loaded) == set(STATE)
    for name, value in STATE.items():
        assert loaded[name].dtype == value.dtype
        assert torch.equal(loaded[name], value)
    assert verify(model, tmp_path / "models") == "ok"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert names_in(path.parent) == ["lock", "small.safetensors", "small.sha256"]
    # What is here and right is not fetched again.
    assert await pulled(model, tmp_path / "models", mirror) == path
    assert mirror.asked == ["/mirror/models/small.pth"]


async def test_a_wrong_hash_is_deleted_unread(mirror: Mirror, tmp_path: Path) -> None:
    marker = tmp_path / "owned"
    data = pickle.dumps(Evil(marker))
    mirror.files["/mirror/models/small.pth"] = data
    with pytest.raises(ModelError, match="SHA-256"):
        await pulled(entry(data, sha256="0" * 64), tmp_path / "models", mirror)
    assert names_in(tmp_path / "models") == ["lock"]
    assert not marker.exists()


@pytest.mark.parametrize("how", ["pickle", "torch"])
async def test_code_in_a_checkpoint_does_not_run(mirror: Mirror, tmp_path: Path, how: str) -> None:
    """Even when its hash is the one that the manifest names."""
    marker = tmp_path / "owned"
    evil = Evil(marker)
    data = pickle.dumps(evil) if how == "pickle" else checkpoint({"weight": evil})
    mirror.files["/mirror/models/small.pth"] = data
    with pytest.raises(ModelError, match="more than tensors"):
        await pulled(entry(data), tmp_path / "models", mirror)
    assert not marker.exists()
    assert names_in(tmp_path / "models") == ["lock"]
    pickle.loads(pickle.dumps(evil))
    assert marker.exists(), "the control: it would have run"


async def test_weights_in_a_wrapper(mirror: Mirror, tmp_path: Path) -> None:
    """As Places365 ships them."""
    data = checkpoint({"epoch": 90, "state_dict": {"module.fc.weight": SHARED}})
    mirror.files["/mirror/models/small.pth"] = data
    loaded = load_file(await pulled(entry(data), tmp_path, mirror))
    assert list(loaded) == ["fc.weight"]


async def test_no_weights(mirror: Mirror, tmp_path: Path) -> None:
    data = checkpoint({"note": "nothing here"})
    mirror.files["/mirror/models/small.pth"] = data
    with pytest.raises(ModelError, match="no weights"):
        await pulled(entry(data), tmp_path, mirror)


async def test_an_endless_download_is_cut(mirror: Mirror, tmp_path: Path) -> None:
    data = checkpoint(STATE)
    mirror.files["/mirror/models/small.pth"] = data + bytes(5_000_000)
    with pytest.raises(ModelError, match="has another file"):
        await pulled(entry(data), tmp_path / "models", mirror)
    assert names_in(tmp_path / "models") == ["lock"]


async def test_a_source_that_is_not_there(mirror: Mirror, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="could not be fetched"):
        await pulled(entry(b"x"), tmp_path, mirror)


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://host/x"])
def test_only_web_addresses(url: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="http"):
        pull(entry(b"x", url=url), tmp_path, lambda *_: None)


async def test_damage_after_the_pull_is_found_and_mended(mirror: Mirror, tmp_path: Path) -> None:
    data = checkpoint(STATE)
    mirror.files["/mirror/models/small.pth"] = data
    path = await pulled(entry(data), tmp_path, mirror)
    changed = bytearray(path.read_bytes())
    changed[-1] ^= 1
    path.write_bytes(changed)
    assert verify(entry(data), tmp_path) == "damaged"
    await pulled(entry(data), tmp_path, mirror)
    assert verify(entry(data), tmp_path) == "ok"


async def test_progress_is_told(mirror: Mirror, tmp_path: Path) -> None:
    data = checkpoint({"weight": torch.zeros(600_000)})
    mirror.files["/mirror/models/small.pth"] = data
    heard: list[tuple[str, int, int]] = []
    await asyncio.to_thread(pull, entry(data), tmp_path, lambda *told: heard.append(told), (mirror.url,))
    assert heard[-1] == ("small", len(data), len(data))
    assert len(heard) > 1


def test_what_a_mirror_replaces() -> None:
    url = "https://download.example/models/a.pth?v=1"
    assert mirrored(url, None) == url
    assert mirrored(url, "http://127.0.0.1:8000/") == "http://127.0.0.1:8000/models/a.pth?v=1"
    assert mirrored(url, "file:///srv") == "file:///srv/models/a.pth"
    assert mirrored(url, "http://host/base") == "http://host/base/models/a.pth?v=1"


def test_the_command_obeys_offline(tmp_path: Path) -> None:
    environment = {**os.environ, "CLOAKROOM_STATE": str(tmp_path), "CLOAKROOM_OFFLINE": "true"}
    command = [sys.executable, "-m", "daemon.cli", "models", "pull"]
    finished = subprocess.run(command, env=environment, cwd=ELSEWHERE, capture_output=True, text=True, check=False)
    assert finished.returncode == 1
    assert "set to be offline" in finished.stderr
