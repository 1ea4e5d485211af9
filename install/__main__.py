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

if sys.version_info < (3, 11):  # noqa: UP036 - this very line has to run on the older Python that is told so
    sys.exit("Cloakroom needs Python 3.11 or newer; this is " + sys.version.split()[0])

import checks
import environment
import packing
import system_packages
from report import Report, StopInstallingError


def install(report: Report) -> int:
    environment.prepare(report, ())
    start_service(report)
    folder = environment.ROOT / "extension"
    report.say("extension", f"Chromium: open chrome://extensions, switch on Developer mode, Load unpacked, choose {folder}")
    report.say(
        "extension",
        f"Firefox: open about:debugging#/runtime/this-firefox, Load Temporary Add-on, choose {folder}/manifest.json",
    )
    report.say("pairing", f"then run `{environment.PROGRAM} pair` and type the code on the extension's options page")
    return 0


def start_service(report: Report) -> None:
    """Where there is no service manager, the daemon itself says how to start it."""
    done = subprocess.run([str(environment.PROGRAM), "service", "install"], capture_output=True, text=True, check=False)
    report.say("service", (done.stdout or done.stderr).strip())


def remove_service(report: Report) -> None:
    """With this Python: the environment may be gone already, and needs not be there for this."""
    subprocess.run([sys.executable, "-c", "from daemon import service; service.uninstall()"], cwd=environment.ROOT, check=True)
    report.say("service", "removed")


def demo(report: Report, arguments: list[str]) -> int:
    environment.prepare(report, ("test",))
    system_packages.need(report, *system_packages.for_browser(arguments))
    report.say("demo", "starting the daemon, the page and the browser")
    options = [*arguments, "--json"] if report.as_json else arguments
    return subprocess.run(
        [str(environment.PYTHON), "-m", "tests.end_to_end.demo", *options], cwd=environment.ROOT, check=False
    ).returncode


def test(report: Report) -> int:
    environment.prepare(report, ("evaluate", "test"))
    system_packages.need(report, system_packages.CHROMIUM, system_packages.FIREFOX, system_packages.XVFB)
    checks.run_checks(report)
    report.say("all checks", "passed")
    return 0


def uninstall(report: Report, keep_state: bool) -> int:
    remove_service(report)
    if not keep_state and environment.STAMP.exists():
        # The installed program knows where its own state, models and cache lie on this system.
        forget = [str(environment.PYTHON), "-m", "daemon.cli", "forget", "--cache", *(["--json"] if report.as_json else [])]
        if subprocess.run(forget, cwd=environment.ROOT, check=False).returncode != 0:
            raise StopInstallingError(
                "pairings, models or the cache are still there: stop the daemon if one runs, then run this again"
            )
    environment.remove(report)
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
                return install(report)
    except StopInstallingError as stop:
        report.fail(str(stop))
        return 1
    except KeyboardInterrupt:
        report.fail("stopped; running the same command again goes on from here")
        return 130


if __name__ == "__main__":
    sys.exit(main())
