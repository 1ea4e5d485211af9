"""The protocol's schema and vectors, which the extension's tests read too."""

import json
from pathlib import Path
from typing import Any

import daemon

WIRE = Path(daemon.__file__).parent / "wire"
SCHEMA: dict[str, Any] = json.loads((WIRE / "protocol.json").read_text())
VECTORS: dict[str, Any] = json.loads((WIRE / "vectors.json").read_text())
