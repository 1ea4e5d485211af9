"""Fixtures of the protectors' tests: loaded adversaries and real photos."""

from collections.abc import Generator
from typing import Any

import numpy as np
import pytest
import skimage.data
import torch

from protectors.adversaries.classifier import Classifier
from protectors.adversaries.detector import TwoStageDetector
from protectors.adversaries.loading import load_classifier, load_two_stage
from protectors.archive import DEFAULT_FOLDER
from protectors.cloak import Cloakroom
from protectors.manifest import entry
from protectors.progress import Progress
from protectors.saving import Pixels

needs_data = pytest.mark.skipif(
    not DEFAULT_FOLDER.is_dir(), reason="the public data of ../shared/data is not beside this checkout"
)


def finish(run: Generator[Progress, None, Any]) -> tuple[list[Progress], Any]:
    """Run a protector to its end, and return all its progress and its result."""
    seen = []
    while True:
        try:
            seen.append(next(run))
        except StopIteration as end:
            return seen, end.value


@pytest.fixture(scope="session")
def detector() -> TwoStageDetector:
    return load_two_stage(entry("people_detector"), torch.device("cpu"))


@pytest.fixture(scope="session")
def classifier() -> Classifier:
    return load_classifier(entry("scenes"), torch.device("cpu"))


@pytest.fixture(scope="session")
def cloakroom() -> Cloakroom:
    return Cloakroom("cpu")


@pytest.fixture(scope="session")
def portrait() -> Pixels:
    """Return a photo of a person that no training used (NASA, public domain), uint8 [384, 384, 3]."""
    pixels: Pixels = skimage.data.astronaut()
    return np.ascontiguousarray(pixels[:384, 32:416])
