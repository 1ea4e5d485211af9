"""Says what the installer does: plain lines for people, JSON lines for programs."""

import json
import sys
import time


class StopInstallingError(Exception):
    """Something that the person has to do first; the message says what."""


class Report:
    """Progress lines on standard output. Every line carries the seconds since the start."""

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json
        self.started = time.monotonic()

    def say(self, step: str, message: str) -> None:
        seconds = time.monotonic() - self.started
        if self.as_json:
            line = json.dumps({"step": step, "message": message, "seconds": round(seconds, 1)})
        else:
            line = f"[{seconds:6.1f} s] {step}: {message}"
        print(line, flush=True)

    def fail(self, message: str) -> None:
        if self.as_json:
            print(json.dumps({"step": "error", "message": message}), flush=True)
        else:
            print(f"error: {message}", file=sys.stderr, flush=True)
