"""Clusters that a daemon may send photos to: with a token, and encrypted."""

from pathlib import Path

import pytest

from daemon.cluster.joining import ClusterError
from daemon.cluster.launching import Remote
from daemon.cluster.serving import Listening, check


@pytest.fixture
def token(tmp_path: Path) -> Path:
    path = tmp_path / "cluster.token"
    path.write_text("a" * 64 + "\n")
    return path


@pytest.mark.parametrize(
    "address", ["https://box.lan:38918/", "https://192.168.1.2:38918", "http://127.0.0.1:38918/", "http://[::1]:38918/"]
)
async def test_an_address_that_photos_may_go_to(token: Path, address: str) -> None:
    where = await Remote(address, token).find()
    assert (where.address, where.token) == (address, "a" * 64)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("http://box.lan:38918/", "https"),
        ("http://127.0.0.1.evil.example/", "https"),
        ("http://localhost:38918/", "https"),
        ("ftp://box.lan/", "https"),
        ("box.lan:38918", "https"),
        ("https://name:secret@box.lan/", "more than a host"),
        ("https://box.lan/?token=secret", "more than a host"),
        ("https://box.lan/#secret", "more than a host"),
    ],
)
def test_an_address_that_they_may_not_go_to(token: Path, address: str, words: str) -> None:
    with pytest.raises(ClusterError, match=words):
        Remote(address, token)


def test_without_a_token_or_with_a_certificate_that_is_not_there(tmp_path: Path, token: Path) -> None:
    (tmp_path / "empty").touch()
    for missing in (None, tmp_path / "gone", tmp_path / "empty"):
        with pytest.raises(ClusterError, match="--backend-token"):
            Remote("https://box.lan/", missing)
    with pytest.raises(ClusterError, match="--backend-ca"):
        Remote("https://box.lan/", token, tmp_path / "gone")


def test_a_cluster_listens_beyond_this_machine_only_with_a_certificate(tmp_path: Path) -> None:
    check(Listening())
    for host in ("0.0.0.0", "192.168.1.2", "box.lan", "::"):
        with pytest.raises(ClusterError, match="--certificate"):
            check(Listening(host))
        with pytest.raises(ClusterError, match="--certificate"):
            check(Listening(host, certificate=tmp_path / "gone", key=tmp_path / "gone"))
