"""The settings: where they come from, what they refuse, and that the daemon heeds them."""

import asyncio
import json
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path

import psutil
import pytest

from daemon import DEFAULT_PORT
from daemon.cli import main
from daemon.client import DaemonClient
from daemon.commands.serve import settings_of
from daemon.commands.settings import example
from daemon.front.server import Server, ServerSettings
from daemon.front.supervisor import Supervisor
from daemon.front.watch import default_memory
from daemon.service import units
from daemon.state import settings
from daemon.state.settings import KEYS, SettingsError, Values, read, shown, unknown_variables, worker_threads
from daemon.wire.handshake import Credential
from tests.daemon.conftest import POLICY, cloakroom
from tests.daemon.odd_workers import echo


def given(folder: Path, text: str, **variables: str) -> Mapping[str, str]:
    """An environment whose settings file says this."""
    file = folder / "settings.toml"
    file.write_text(text, encoding="utf-8")
    return {"CLOAKROOM_SETTINGS": str(file), **variables}


def test_without_a_file_everything_is_as_documented(tmp_path: Path) -> None:
    effective = read(environment={"HOME": str(tmp_path)})
    assert effective.values == Values()
    assert set(effective.origins.values()) == {"default"}
    assert effective.file.name == "settings.toml"
    assert read(environment={"HOME": str(tmp_path), "CLOAKROOM_SETTINGS": ""}).values == Values(), "an empty variable is none"


def test_variables_count_for_more_than_the_file_and_options_for_more_than_both(tmp_path: Path) -> None:
    environment = given(
        tmp_path, 'port = 1\nthreads = 1\ndevice = "cpu"\n', CLOAKROOM_PORT="2", CLOAKROOM_THREADS="2", CLOAKROOM_LOG=""
    )
    effective = read({"port": "3", "threads": None}, environment)
    assert (effective.values.port, effective.values.threads, effective.values.device) == (3, 2, "cpu")
    assert effective.origins["port"] == "--port"
    assert effective.origins["threads"] == "CLOAKROOM_THREADS"
    assert effective.origins["device"] == environment["CLOAKROOM_SETTINGS"]
    assert effective.origins["log"] == "default", "an empty variable is none"


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("port", "0", 0),
        ("device", "cuda:1", "cuda:1"),
        ("threads", "auto", "auto"),
        ("deadline", "12.5", 12.5),
        ("deadline", "90", 90.0),
        ("seconds", "any", "any"),
        ("seconds", "5", 5.0),
        ("memory", "4 GiB", 4 * 1024**3),
        ("memory", "1.5GB", 1_500_000_000),
        ("memory", "4000000000", 4_000_000_000),
        ("worker", "need", "need"),
        ("log", "warning", "warning"),
        ("mirror", "https://a.example/x file:///srv/models", ("https://a.example/x", "file:///srv/models")),
        ("offline", "1", True),
        ("offline", "False", False),
        ("metrics", "off", False),
    ],
)
def test_what_a_variable_and_an_option_may_say(key: str, text: str, value: object) -> None:
    variable = {KEYS[key].variable: text}
    assert getattr(read(environment=variable).values, key) == value
    assert getattr(read({key: text}, {}).values, key) == value


@pytest.mark.parametrize(
    ("key", "line"),
    [
        ("port", "port = 65536"),
        ("port", "port = -1"),
        ("port", 'port = "8080"'),
        ("port", "port = true"),
        ("device", 'device = "tpu"'),
        ("device", 'device = "cpu\\n"'),
        ("threads", "threads = 0"),
        ("threads", 'threads = "all"'),
        ("deadline", "deadline = 0.5"),
        ("deadline", "deadline = nan"),
        ("seconds", "seconds = 0.5"),
        ("seconds", 'seconds = "few"'),
        ("memory", "memory = 1000"),
        ("memory", 'memory = "4 elephants"'),
        ("worker", 'worker = "never"'),
        ("log", 'log = "verbose"'),
        ("mirror", 'mirror = "ftp://host/x"'),
        ("mirror", 'mirror = ["https://someone:secret@host/x"]'),
        ("offline", 'offline = "true"'),
        ("metrics", "metrics = 1"),
    ],
)
def test_what_is_wrong_is_said_with_its_key_its_line_and_what_it_takes(key: str, line: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as refused:
        read(environment=given(tmp_path, f"# mine\n\n{line}\n"))
    said = str(refused.value)
    assert f"settings.toml, line 3: {key} takes {KEYS[key].takes}. Correct it" in said
    assert "secret" not in said


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("\nprot = 1\n", ["line 2", "no setting prot", "Did you mean port?"]),
        ("zzz = 1\n", ["line 1", "no setting zzz", "cloakroom settings example"]),
        ("[daemon]\nport = 1\n", ["line 1", "no setting daemon"]),
        ("port = \n", ["is not TOML", "line 1"]),
        ("port = 1\nport = 2\n", ["is not TOML", "line 2"]),
    ],
)
def test_a_file_that_cannot_be_meant(text: str, parts: list[str], tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as refused:
        read(environment=given(tmp_path, text))
    assert all(part in str(refused.value) for part in parts), refused.value


def test_a_wrong_variable_and_a_wrong_option_are_named() -> None:
    with pytest.raises(SettingsError, match=r"^CLOAKROOM_PORT: port takes"):
        read(environment={"CLOAKROOM_PORT": "http"})
    with pytest.raises(SettingsError, match=r"^--deadline: deadline takes"):
        read({"deadline": "soon"}, {})
    with pytest.raises(SettingsError, match=r"CLOAKROOM_SETTINGS names .* not there"):
        read(environment={"CLOAKROOM_SETTINGS": "/nowhere/settings.toml"})


def test_variables_that_mean_nothing_are_found() -> None:
    environment = {"CLOAKROOM_PROT": "1", "CLOAKROOM_PORT": "1", "CLOAKROOM_STATE": "x", "PORT": "2"}
    assert unknown_variables(environment) == ["CLOAKROOM_PROT"]


def test_the_example_says_every_key_and_is_right_once_the_comments_are_taken_away(tmp_path: Path) -> None:
    text = example()
    assert tomllib.loads(text) == {}, "as it stands it changes nothing"
    bare = "\n".join(line.removeprefix("#") for line in text.splitlines() if line.startswith("#") and line[1:2].isalpha())
    assert set(tomllib.loads(bare)) == set(KEYS)
    assert read(environment=given(tmp_path, bare)).values == Values()
    assert all(key.about and key.variable in text for key in KEYS.values())


@pytest.mark.parametrize("value", [True, 600.0, 38917, "auto", (), ("https://a/b", "file:///c")])
def test_values_are_shown_as_toml_reads_them(value: object) -> None:
    assert tomllib.loads(f"x = {shown(value)}")["x"] == (list(value) if isinstance(value, tuple) else value)


# The command.


def test_settings_prints_each_and_where_it_came_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, text in given(tmp_path, "deadline = 60\n", CLOAKROOM_PORT="4242").items():
        monkeypatch.setenv(name, text)
    assert main(["settings", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["exists"]
    assert told["settings"]["port"] == {"value": 4242, "from": "CLOAKROOM_PORT"}
    assert told["settings"]["deadline"] == {"value": 60.0, "from": str(tmp_path / "settings.toml")}
    assert told["settings"]["device"] == {"value": "auto", "from": "default"}
    assert main(["settings"]) == 0
    said = capsys.readouterr().out
    assert "4242" in said
    assert "CLOAKROOM_PORT" in said
    assert main(["settings", "example"]) == 0
    assert capsys.readouterr().out == example()


@pytest.mark.parametrize("command", [["settings"], ["serve", "--port", "0"], ["service", "install"], ["models", "pull"]])
def test_commands_stop_at_settings_that_cannot_be_read(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, text in given(tmp_path, "port = 70000\n").items():
        monkeypatch.setenv(name, text)
    assert main([*command, "--state", str(tmp_path / "state")]) in (1, 2)
    assert "line 1: port takes" in capsys.readouterr().err


def test_the_help_of_serve_says_the_defaults(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["serve", "--help"])
    said = " ".join(capsys.readouterr().out.split())
    assert f"By default {DEFAULT_PORT}." in said
    assert 'By default "boot".' in said


# What heeds them.


def test_the_daemon_is_run_as_the_settings_say(tmp_path: Path) -> None:
    values = Values(port=1, device="cpu", threads=3, deadline=5.0, memory=10**9, worker="need", seconds=7.0)
    chosen = settings_of(tmp_path, values)
    assert (chosen.port, chosen.worker.device, chosen.worker.threads, chosen.queue.deadline) == (1, "cpu", 3, 5.0)
    assert (chosen.watch.memory, chosen.worker_start, chosen.worker.seconds) == (10**9, "need", 7.0)
    assert settings_of(tmp_path, Values()).worker.seconds is None
    assert settings_of(tmp_path, Values()).watch.memory == default_memory()


def test_the_service_listens_where_the_settings_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("platform.system", lambda: "Linux")
    monkeypatch.setenv("CLOAKROOM_PORT", "4242")
    # A service manager that takes everything.
    manager = tmp_path / "systemctl"
    manager.write_text("#!/bin/sh\nexit 0\n")
    manager.chmod(0o755)
    main(["service", "install"])
    sockets = [file for file in units.files() if file.suffix == ".socket"]
    assert "ListenStream=127.0.0.1:4242\n" in sockets[0].read_text()


@pytest.mark.parametrize(("cores", "threads"), [(1, None), (2, None), (3, 2), (16, 15)])
def test_a_core_is_left_to_the_person(cores: int, threads: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(cores)), raising=False)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert worker_threads(Values()) == threads
    assert worker_threads(Values(threads=5)) == 5
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert worker_threads(Values()) is None, "who sets it knows why"


async def _server(folder: Path, start: str) -> Server:
    server = Server(ServerSettings(state=folder, port=0, entry=echo, worker_start="need" if start == "need" else "boot"))
    await server.start()
    return server


async def _open(server: Server) -> DaemonClient:
    return await DaemonClient.open(server.port, Credential("local", bytes.fromhex(server.access.key)))


async def test_a_worker_comes_with_the_first_photo_where_it_is_wanted_then(tmp_path: Path) -> None:
    server = await _server(tmp_path, "need")
    try:
        async with await _open(server) as client:
            assert isinstance(server.backend, Supervisor)
            assert server.backend._process is None, "not even one that is being spawned"
            assert server.backend.is_alive, "systemd is not told that it hangs"
            async with asyncio.timeout(30):
                assert (await client.protect(b"photo", POLICY)).data == b"photo"
            assert server.backend.pid is not None
    finally:
        await server.stop()


async def test_a_worker_comes_when_somebody_asks_how_it_is(tmp_path: Path) -> None:
    server = await _server(tmp_path, "need")
    try:
        async with await _open(server) as client, asyncio.timeout(30):
            assert (await client.status()).worker == "starting"
            await server.backend.started()
            assert (await client.status()).worker == "ready"
    finally:
        await server.stop()


async def test_a_worker_comes_at_boot_otherwise(tmp_path: Path) -> None:
    server = await _server(tmp_path, "boot")
    try:
        assert isinstance(server.backend, Supervisor)
        async with asyncio.timeout(30):
            await server.backend._readiness.changed.wait()
        assert server.backend.pid is not None
    finally:
        await server.stop()


@pytest.mark.skipif(os.name == "nt", reason="priorities are numbers elsewhere")
def test_the_worker_steps_back(tmp_path: Path) -> None:
    """In a process of its own: who has stepped back cannot step forward again."""
    import subprocess
    import sys

    code = "import os; from daemon.worker.priority import step_back; step_back(); print(os.nice(0))"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert int(said) == min(19, psutil.Process().nice() + 5)


def test_serve_refuses_what_is_no_port(tmp_path: Path) -> None:
    finished = cloakroom("serve", "--port", "http", state=tmp_path)
    assert finished.returncode == 2
    assert "--port: port takes" in finished.stderr
    assert settings.KEYS["port"].takes in finished.stderr
