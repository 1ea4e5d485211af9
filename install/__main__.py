"""Installs Cloakroom, shows it, tests it, or takes it away. Needs nothing but Python 3.11 or newer.

python3 install              install for use: environment, daemon as a service, how to add the extension
python3 install demo         set everything up and watch a photo being uploaded cloaked
python3 install test         set everything up and run every check
python3 install extension    pack the extension for Chromium's browsers and for Firefox
python3 install uninstall    take it all away
"""

import argparse
import subprocess
import sys
from pathlib import Path

if sys.version_info < (3, 11):  # noqa: UP036 - this very line has to run on the older Python that is told so
    sys.exit("Cloakroom needs Python 3.11 or newer; this is " + sys.version.split()[0])

import checks
import environment
import launcher
import leftovers
import networks
import packing
import restarting
import system_packages
from report import Report, StopInstallingError


def install(report: Report, restart: bool | None) -> int:
    before = restarting.running()
    environment.prepare(report, ())
    called = launcher.place(report)
    networks.pull(report)
    start_daemon(report, before, restart)
    folder = environment.ROOT / "extension"
    report.say("extension", f"Chromium: open chrome://extensions, switch on Developer mode, Load unpacked, choose {folder}")
    report.say(
        "extension",
        f"Firefox: open about:debugging#/runtime/this-firefox, Load Temporary Add-on, choose {folder}/manifest.json",
    )
    report.say("pairing", f"then run `{called} pair` and type the code on the extension's options page")
    return 0


def start_daemon(report: Report, before: restarting.Running | None, restart: bool | None) -> None:
    """As a service where there is a manager; one that runs already is started anew where the person wants that."""
    if before is None:
        start_service(report)
    elif not restarting.wanted(report, before, restart):
        restarting.leave(report, before)
    else:
        restarting.end(before)
        report.say("daemon", f"ended {before}")
        if not start_service(report) or (not before.by_service and restarting.running() is None):
            restarting.start_again(report, before)


def start_service(report: Report) -> bool:
    """Whether a service manager runs it; where there is none, the daemon itself says how to start it."""
    command = [str(environment.PYTHON), "-P", "-m", "daemon.cli", "service", "install"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    report.say("service", (done.stdout or done.stderr).strip())
    return done.returncode == 0


def remove_service(report: Report) -> None:
    """Remove it with the running Python: the environment may be gone already."""
    subprocess.run(
        [sys.executable, "-c", "from daemon.service import manager; manager.uninstall()"], cwd=environment.ROOT, check=True
    )
    report.say("service", "removed")


def demo(report: Report, arguments: list[str]) -> int:
    environment.prepare(report, ("test",))
    system_packages.need(report, *system_packages.for_browser(arguments))
    networks.pull(report, networks.FOR_TRYING)
    report.say("demo", "starting the daemon, the page and the browser")
    options = [*arguments, "--json"] if report.as_json else arguments
    return subprocess.run(
        [str(environment.PYTHON), "-m", "tests.end_to_end.demo", *options], cwd=environment.ROOT, check=False
    ).returncode


def test(report: Report) -> int:
    environment.prepare(report, ("evaluate", "test"))
    system_packages.need(report, system_packages.CHROMIUM, system_packages.FIREFOX, system_packages.XVFB)
    networks.pull(report, networks.FOR_TRYING)
    checks.run_checks(report)
    report.say("all checks", "passed")
    return 0


def uninstall(report: Report, keep_state: bool) -> int:
    daemon = restarting.running()
    if daemon and not daemon.by_service:
        report.say("daemon", f"ending {daemon}")
        restarting.end(daemon)
    remove_service(report)
    if not keep_state and environment.STAMP.exists():
        # The installed program knows where its own state, models and cache lie on this system.
        forget = [str(environment.PYTHON), "-m", "daemon.cli", "forget", "--cache", *(["--json"] if report.as_json else [])]
        if subprocess.run(forget, cwd=environment.ROOT, check=False).returncode != 0:
            raise StopInstallingError(
                "pairings, models or the cache are still there: stop the daemon if one runs, then run this again"
            )
    environment.remove(report)
    launcher.remove(report)
    for folder in (Path.home() / ".local" / "state", Path.home() / ".config" / "cloakroom", Path.home() / ".config"):
        launcher.prune(folder)
    leftovers.remove(report)
    report.say("uninstall", f"done; the folder {environment.ROOT} and the extension in your browser are yours to delete")
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python3 install", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "command", nargs="?", choices=["demo", "test", "extension", "uninstall"], help="default: install for use"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a line instead of plain lines")
    parser.add_argument("--keep-state", action="store_true", help="uninstall: keep pairings, models and what was measured")
    parser.add_argument(
        "--restart",
        action=argparse.BooleanOptionalAction,
        help="install: start a running daemon anew, with the new code, or leave it (asked in a terminal)",
    )
    arguments, rest = parser.parse_known_args()
    if rest and arguments.command != "demo":
        parser.error(f"unknown arguments: {' '.join(rest)}")
    report = Report(arguments.json)
    try:
        match arguments.command:
            case "demo":
                return demo(report, rest)
            case "test":
                return test(report)
            case "extension":
                packing.pack_both(report)
                return 0
            case "uninstall":
                return uninstall(report, arguments.keep_state)
            case _:
                return install(report, arguments.restart)
    except StopInstallingError as stop:
        report.fail(str(stop))
        return 1
    except KeyboardInterrupt:
        report.fail("stopped; running the same command again goes on from here")
        return 130


if __name__ == "__main__":
    sys.exit(main())
