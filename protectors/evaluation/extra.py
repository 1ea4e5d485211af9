"""Imports packages that only evaluations need; Cloakroom is installed without them by default."""

import importlib
import sys
from pathlib import Path
from types import ModuleType

CHECKOUT = Path(__file__).resolve().parents[2]


class MissingExtraError(Exception):
    """A package of the ``evaluate`` extra is not installed; the text says how to install it."""


def needed(package: str) -> ModuleType:
    """Import one package of the extra.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        return importlib.import_module(package)
    except ImportError:
        command = f'{sys.executable} -m pip install --editable "{CHECKOUT}[evaluate]"'
        raise MissingExtraError(f"The package {package} is not installed. Install what evaluations need: {command}") from None
