"""Makes the installer's modules importable as `python3 install` does: its folder first on the path."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "install"))
