"""`cloakroom doctor`: look at everything that has to work, say what to do about what does not, and mend what is safe to."""

import argparse
from collections.abc import Sequence

from daemon.commands.console import FAILED, OK, Subparsers, add_command, chosen_state, echo, print_json
from daemon.doctor.areas import examine, mend
from daemon.doctor.finding import Finding
from daemon.log import configure


def add(commands: Subparsers) -> None:
    parser = add_command(commands, "doctor", "Check that everything works, and say what to do where it does not.")
    parser.add_argument("--port", help="port that the daemon shall have (that of the settings)")
    parser.add_argument("--quick", action="store_true", help="do not start a worker, which takes some seconds")
    parser.add_argument("--fix", action="store_true", help="mend what can be mended without a risk, then look again")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    # What a worker says of its own end is a finding here, and no line of a log.
    configure("error")
    findings = _look(args)
    mended = []
    if args.fix:
        for finding in [candidate for candidate in findings if candidate.fixable]:
            is_done, said = mend(finding)
            mended.append({"code": finding.code, "done": is_done, "said": said})
            if not args.json:
                echo(f"{'mended' if is_done else 'not mended'} {finding.code}: {said}")
        findings = _look(args) if mended else findings
    is_good = all(finding.good for finding in findings)
    if args.json:
        print_json({"findings": [finding.told() for finding in findings], "mended": mended, "good": is_good})
    else:
        _show(findings)
    return OK if is_good else FAILED


def _look(args: argparse.Namespace) -> list[Finding]:
    return list(examine(chosen_state(args), args.quick, args.port))


def _show(findings: Sequence[Finding]) -> None:
    for finding in findings:
        mark = "next" if finding.is_step else "ok  " if finding.good else "FAIL"
        echo(f"{mark} {finding.area}: {finding.found}")
        if finding.advice:
            hint = " (`cloakroom doctor --fix` does it)" if finding.fixable else ""
            echo(f"     {finding.advice}{hint} [{finding.code}]")
