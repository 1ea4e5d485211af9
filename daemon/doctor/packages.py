"""Python itself and the packages that Cloakroom was installed with."""

import platform
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution, version

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from daemon.doctor.finding import Finding, Place

AGAIN = "Install Cloakroom again: `python3 install` in its folder."


def check(_: Place) -> Iterator[Finding]:
    try:
        installed = distribution("cloakroom")
    except PackageNotFoundError:
        yield Finding("packages", "packages", "Cloakroom runs from its folder without having been installed")
        return
    asked = installed.metadata["Requires-Python"]
    if not SpecifierSet(asked).contains(platform.python_version(), prereleases=True):
        found = f"Python {platform.python_version()} runs, {asked} is needed"
        yield Finding("python-old", "packages", found, f"Install a newer Python, then Cloakroom again with it. {AGAIN}")
    wrong = list(_wrong([Requirement(text) for text in installed.requires or ()]))
    yield from wrong
    if not wrong:
        yield Finding("packages", "packages", f"Python {platform.python_version()} and every package that is needed")


def _wrong(needed: list[Requirement]) -> Iterator[Finding]:
    for one in needed:
        if one.marker is not None and not one.marker.evaluate({"extra": ""}):
            continue
        try:
            found = version(one.name)
        except PackageNotFoundError:
            yield Finding("package-absent", "packages", f"{one.name} is not installed", AGAIN)
            continue
        if not one.specifier.contains(found, prereleases=True):
            said = f"{one.name} {found} is installed, {one.name}{one.specifier} is needed"
            yield Finding("package-unfit", "packages", said, AGAIN)
