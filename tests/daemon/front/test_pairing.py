"""The rules of the code and the keys: on the store with a clock of our own, and over real sockets."""

import asyncio
import stat
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed

from daemon.client import DaemonClient, NoDaemonError
from daemon.front.pairing import CHROMIUM_ORIGIN, CODE_SECONDS, CODE_TRIES, Pairing
from daemon.front.server import Server
from daemon.wire.errors import CloakroomError
from daemon.wire.handshake import Credential, Refused
from daemon.wire.protocol import LOCAL_ORIGIN
from tests.daemon.conftest import StartServer, local_client
from tests.daemon.odd_workers import echo

FIREFOX = "moz-extension://01234567-89ab-cdef-0123-456789abcdef"
OTHER_FIREFOX = "moz-extension://76543210-89ab-cdef-0123-456789abcdef"


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pairing(tmp_path: Path, clock: Clock) -> Pairing:
    return Pairing(tmp_path, clock)


def test_a_code_lasts_two_minutes(pairing: Pairing, clock: Clock) -> None:
    pairing.open_pairing()
    clock.now += CODE_SECONDS - 0.1
    assert pairing.open
    clock.now += 0.1
    assert not pairing.open
    with pytest.raises(Refused):
        pairing.pair("late", CHROMIUM_ORIGIN)


def test_a_code_has_five_tries(pairing: Pairing) -> None:
    pairing.open_pairing()
    for _ in range(CODE_TRIES - 1):
        pairing.spend_try()
        assert pairing.open
    pairing.spend_try()
    assert not pairing.open


def test_a_code_is_used_up(pairing: Pairing) -> None:
    pairing.open_pairing()
    pairing.pair("first", CHROMIUM_ORIGIN)
    assert not pairing.open
    with pytest.raises(Refused):
        pairing.pair("second", CHROMIUM_ORIGIN)


def test_a_new_code_ends_the_old_one(pairing: Pairing) -> None:
    pairing.open_pairing()
    first = pairing.current_code()
    pairing.open_pairing()
    assert pairing.current_code() not in (None, first)


@pytest.mark.parametrize("origin", [LOCAL_ORIGIN, "https://social.example", "moz-extension://nonsense", FIREFOX + "\n"])
def test_only_extensions_pair(pairing: Pairing, origin: str) -> None:
    pairing.open_pairing()
    with pytest.raises(Refused):
        pairing.pair("x", origin)
    assert pairing.entries() == ()


def test_a_key_is_bound_to_its_origin(pairing: Pairing) -> None:
    pairing.open_pairing()
    credential = pairing.pair("Firefox", FIREFOX)
    assert pairing.key_for(credential.client, FIREFOX) == credential.key
    assert pairing.key_for(credential.client, OTHER_FIREFOX) is None
    assert pairing.key_for(credential.client, CHROMIUM_ORIGIN) is None


def test_firefox_is_admitted_while_pairing_and_once_paired(pairing: Pairing) -> None:
    assert not pairing.admits(FIREFOX)
    pairing.open_pairing()
    assert pairing.admits(FIREFOX)
    assert pairing.admits(OTHER_FIREFOX)
    credential = pairing.pair("Firefox", FIREFOX)
    assert pairing.admits(FIREFOX)
    assert not pairing.admits(OTHER_FIREFOX)
    pairing.revoke(credential.client)
    assert not pairing.admits(FIREFOX)


def test_keys_survive_a_restart_and_revoking_deletes_them(tmp_path: Path, pairing: Pairing) -> None:
    pairing.open_pairing()
    credential = pairing.pair("Chromium", CHROMIUM_ORIGIN)
    again = Pairing(tmp_path)
    assert again.key_for(credential.client, CHROMIUM_ORIGIN) == credential.key
    assert again.revoke(credential.client)
    assert not again.revoke(credential.client)
    assert Pairing(tmp_path).key_for(credential.client, CHROMIUM_ORIGIN) is None
    assert again.local.key != pairing.local.key


def test_files_are_for_their_owner_alone(tmp_path: Path, pairing: Pairing) -> None:
    pairing.open_pairing()
    pairing.pair("Chromium", CHROMIUM_ORIGIN)
    folder = tmp_path / "clients"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    files = list(folder.iterdir())
    assert len(files) == 1
    assert stat.S_IMODE(files[0].stat().st_mode) == 0o600


@pytest.mark.parametrize("damage", [b"", b"{", b'{"client":"c-0123456789abcdef"}', b"\xff\xfe"])
def test_a_damaged_key_file_admits_nobody(tmp_path: Path, damage: bytes) -> None:
    folder = tmp_path / "clients"
    folder.mkdir()
    (folder / "c-0123456789abcdef.json").write_bytes(damage)
    assert Pairing(tmp_path).entries() == ()


def test_a_key_file_under_another_name_admits_nobody(tmp_path: Path, pairing: Pairing) -> None:
    pairing.open_pairing()
    credential = pairing.pair("Chromium", CHROMIUM_ORIGIN)
    folder = tmp_path / "clients"
    (folder / f"{credential.client}.json").rename(folder / "c-0000000000000000.json")
    assert Pairing(tmp_path).entries() == ()


# Over sockets.


async def pair(server: Server, code: str, origin: str = CHROMIUM_ORIGIN) -> DaemonClient:
    return await DaemonClient.open(server.port, None, origin=origin, code=code, label="A browser")


async def test_a_browser_pairs_and_comes_back(start_server: StartServer) -> None:
    server = await start_server(echo)
    async with await local_client(server) as local:
        code = await local.open_pairing()
        assert code.seconds == CODE_SECONDS
        async with await pair(server, code.code.lower()) as browser:
            credential = browser.credential
            assert credential is not None
        entries = await local.clients()
        assert [(e.client, e.label, e.origin_kind) for e in entries] == [(credential.client, "A browser", "chromium")]
        async with await DaemonClient.open(server.port, credential, origin=CHROMIUM_ORIGIN) as browser:
            assert (await browser.status()).clients == 1


async def test_a_code_works_once(start_server: StartServer) -> None:
    server = await start_server(echo)
    code = server.pairing.open_pairing()
    async with await pair(server, code):
        pass
    with pytest.raises(NoDaemonError):
        await pair(server, code)


async def test_five_wrong_codes_end_the_right_one(start_server: StartServer) -> None:
    server = await start_server(echo)
    code = server.pairing.open_pairing()
    for _ in range(CODE_TRIES):
        with pytest.raises(NoDaemonError):
            await pair(server, "2222-2222")
    with pytest.raises(NoDaemonError):
        await pair(server, code)
    assert server.pairing.entries() == ()


async def test_four_wrong_codes_do_not(start_server: StartServer) -> None:
    """The control of the test above."""
    server = await start_server(echo)
    code = server.pairing.open_pairing()
    for _ in range(CODE_TRIES - 1):
        with pytest.raises(NoDaemonError):
            await pair(server, "2222-2222")
    async with await pair(server, code):
        pass


async def test_any_firefox_profile_may_pair_and_then_only_that_one(start_server: StartServer) -> None:
    server = await start_server(echo)
    with pytest.raises(NoDaemonError):
        await pair(server, "2222-2222", FIREFOX)
    code = server.pairing.open_pairing()
    async with await pair(server, code, FIREFOX) as browser:
        credential = browser.credential
    async with await DaemonClient.open(server.port, credential, origin=FIREFOX):
        pass
    for origin in (OTHER_FIREFOX, CHROMIUM_ORIGIN):
        with pytest.raises(NoDaemonError):
            await DaemonClient.open(server.port, credential, origin=origin)


async def test_revoking_closes_live_sockets(start_server: StartServer) -> None:
    server = await start_server(echo)
    async with (
        await local_client(server) as local,
        await pair(server, server.pairing.open_pairing()) as browser,
        await pair(server, server.pairing.open_pairing()) as bystander,
    ):
        assert browser.credential is not None
        await local.revoke(browser.credential.client)
        async with asyncio.timeout(10):
            await browser._connection.wait_closed()
        assert browser._connection.close_code == 4403
        assert browser._connection.close_reason == ""
        assert (await bystander.status()).clients == 1
    with pytest.raises(NoDaemonError):
        await DaemonClient.open(server.port, browser.credential, origin=CHROMIUM_ORIGIN)


async def test_a_browser_cannot_manage_browsers(start_server: StartServer) -> None:
    server = await start_server(echo)
    async with await pair(server, server.pairing.open_pairing()) as browser:
        assert browser.credential is not None
        for question in (browser.open_pairing, browser.clients, lambda: browser.revoke(browser.credential.client)):
            with pytest.raises(CloakroomError) as refused:
                await question()
            assert refused.value.code == "bad-request"
        assert not server.pairing.open
        assert len(server.pairing.entries()) == 1


async def test_revoking_nobody_says_so(start_server: StartServer) -> None:
    server = await start_server(echo)
    async with await local_client(server) as local:
        with pytest.raises(CloakroomError, match="bad-request"):
            await local.revoke("c-0000000000000000")


async def test_a_key_does_not_open_another_daemon(start_server: StartServer) -> None:
    server = await start_server(echo)
    with pytest.raises((NoDaemonError, ConnectionClosed)):
        await DaemonClient.open(server.port, Credential("local", bytes(32)))
