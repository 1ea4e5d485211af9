"""A browser that the extension can be added to."""

import shutil
from collections.abc import Iterator
from pathlib import Path

from daemon.doctor.finding import Finding, Place

PROGRAMS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "firefox",
    "firefox-esr",
    "brave-browser",
    "microsoft-edge",
)
FILES = (
    Path("/Applications/Google Chrome.app"),
    Path("/Applications/Chromium.app"),
    Path("/Applications/Firefox.app"),
    Path("C:/Program Files/Google/Chrome/Application/chrome.exe"),
    Path("C:/Program Files/Mozilla Firefox/firefox.exe"),
    # Flatpak's browsers are not on the path.
    Path("/var/lib/flatpak/app/org.mozilla.firefox"),
    Path("/var/lib/flatpak/app/org.chromium.Chromium"),
)


def check(_: Place) -> Iterator[Finding]:
    found = [name for name in PROGRAMS if shutil.which(name)]
    found += [path.stem for path in FILES if path.exists()]
    if found:
        yield Finding("browser", "browser", ", ".join(found))
    else:
        yield Finding("browser-absent", "browser", "none was found", "Install Chromium or Firefox, then add the extension.")
