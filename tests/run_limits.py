"""Ends a test run that would otherwise wait for ever: when a worker process dies, and when the run takes too long.

pytest-xdist replaces a worker that died. With ``--dist loadgroup`` the new worker is given a single test, and a worker starts
a test only once it knows the next one, so both wait for each other. Here nothing is replaced: the first death ends the run,
with the name of the test and with pytest's own closing line.
"""

import contextlib
import faulthandler
import os
import signal
import sys
import threading
import time
import uuid
from collections.abc import Iterable, Iterator
from typing import Any, Final

import psutil
import pytest

DEADLINE: Final = "run_deadline"
MARK: Final = "TEST_RUN_OF_CLOAKROOM"
LOOKS_EVERY: Final = 2.0
"""Seconds between two looks at the clock and at the workers."""

UNNOTICED_FOR: Final = 10.0
"""Seconds after which a dead worker counts as unnoticed: a process that it started still holds its pipe open."""

GRACE: Final = 60.0
"""Seconds that pytest has, after the deadline, to write its summary."""


class RunLimits:
    """Watches one run from the process that the person started."""

    def __init__(self, config: pytest.Config, deadline: float) -> None:
        self.config = config
        self.deadline = deadline
        self.begun = time.monotonic()
        self.ended = threading.Event()
        self.first_dead = ""
        """The worker whose death ended the run; empty while none has died."""
        self.is_too_late = False
        self.mark = uuid.uuid4().hex
        """In the environment of every process of this run but this one: who lost their parent are known by it."""
        os.environ[MARK] = self.mark

    def start(self) -> None:
        if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
            # A shell without job control starts what runs in its background so: the deadline's interrupt would go unheard.
            signal.signal(signal.SIGINT, signal.default_int_handler)
        threading.Thread(target=self._watch, name="run limits", daemon=True).start()

    def _watch(self) -> None:
        dead_since: dict[int, float] = {}
        while not self.ended.wait(LOOKS_EVERY):
            now = time.monotonic()
            # Of a run in one process the children are the tests' own.
            for pid in dead_children() if self.is_distributed() else ():
                if now - dead_since.setdefault(pid, now) > UNNOTICED_FOR and not self.first_dead:
                    # With them goes the pipe by which xdist hears of the death.
                    kill(self._orphans())
            if now - self.begun > self.deadline:
                self._end_late()
                return

    def _end_late(self) -> None:
        """The workers' deaths end a distributed run, and an interrupt a run in one process."""
        self.is_too_late = True
        self.kill_all()
        if not self.is_distributed():
            # To the main thread, which may be asleep.
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        if not self.ended.wait(GRACE):
            print(f"\n{self._too_late()}; pytest itself does not end either:", file=sys.stderr, flush=True)
            faulthandler.dump_traceback(all_threads=True)
            os._exit(pytest.ExitCode.INTERRUPTED)

    def is_distributed(self) -> bool:
        return bool(self.config.pluginmanager.hasplugin("dsession"))

    def _too_late(self) -> str:
        return f"the whole run was ended at its deadline of {self.deadline:.0f} s"

    def kill_all(self) -> None:
        """Kill the workers and whatever they started, also what they left behind when they died."""
        kill([*psutil.Process().children(recursive=True), *self._orphans()])

    def _orphans(self) -> list[psutil.Process]:
        """Processes of this run that do not descend from this one any more."""
        own = psutil.Process()
        family = {own.pid, *(child.pid for child in own.children(recursive=True))}
        return [one for one in psutil.process_iter() if one.pid not in family and marked_with(one) == self.mark]

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        if error is None or self.first_dead:
            return
        self.first_dead = node.gateway.id
        session = self.config.pluginmanager.getplugin("dsession")
        assert session is not None
        session.shouldstop = self._too_late() if self.is_too_late else f"worker {self.first_dead} died"
        # Before xdist hands the dead worker's tests to the others: they are asked to stop, then made to.
        session.triggershutdown()
        self.kill_all()

    @pytest.hookimpl(optionalhook=True)
    def pytest_handlecrashitem(self, crashitem: str, report: pytest.TestReport) -> None:
        """Say what each unfinished test has to do with the end of the run."""
        worker = report.node.gateway.id
        if self.is_too_late:
            report.longrepr = f"{crashitem} was running on {worker} when {self._too_late()}"
        elif worker != self.first_dead:
            report.outcome = "skipped"
            report.longrepr = (crashitem.split("::")[0], 0, f"Skipped: stopped half way, because worker {self.first_dead} died")

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.is_too_late:
            terminalreporter.write_sep("!", self._too_late())

    def pytest_unconfigure(self) -> None:
        self.ended.set()


def kill(processes: Iterable[psutil.Process]) -> None:
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.kill()


def marked_with(process: psutil.Process) -> str | None:
    """The run that a process says it belongs to; None where it says nothing or may not be asked."""
    try:
        return process.environ().get(MARK)
    except (psutil.Error, OSError):
        return None


def dead_children() -> Iterator[int]:
    """Pids of this process's children that have ended; xdist's workers are its only ones and outlive every test."""
    for child in psutil.Process().children():
        try:
            if child.status() == psutil.STATUS_ZOMBIE:
                yield child.pid
        except psutil.Error:
            continue


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addini(DEADLINE, "Seconds after which the whole run is ended.", default="4500")


def pytest_configure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput"):
        return
    limits = RunLimits(config, float(config.getini(DEADLINE)))
    config.pluginmanager.register(limits, "run limits")
    limits.start()
