"""Converts the files of registry packages to graphs that `adversaries` runs, by architecture."""

from collections.abc import Callable, Sequence
from pathlib import Path

from protectors.adversaries.centerface import CenterFace
from protectors.adversaries.centernet import CenterNet
from protectors.adversaries.nanodet import NanoDet
from protectors.adversaries.ssd_mobilenet import SSDMobileNet
from protectors.adversaries.yolo_faces import YoloFaces
from protectors.pretrained.graph import Graph, check_weights
from protectors.pretrained.onnx import read_onnx
from protectors.pretrained.tensorflow import read_frozen, read_javascript
from protectors.pretrained.tensorflow_translation import NCHW
from protectors.pretrained.tflite import read_classifier

READERS: dict[str, Callable[[Sequence[Path]], Graph]] = {
    "ssd_mobilenet": lambda files: read_frozen(files[0], "Preprocessor/sub", SSDMobileNet.outputs),
    "nanodet": lambda files: read_javascript(files[0], files[1], "input_1", NanoDet.outputs, NCHW),
    "centernet": lambda files: read_javascript(files[0], files[1], "tower_0/images", CenterNet.outputs),
    "centerface": lambda files: read_onnx(files[0], "input.1", CenterFace.outputs),
    "yolo_faces": lambda files: read_onnx(files[0], "images", YoloFaces.outputs),
    "efficientnet_lite": lambda files: read_classifier(files[0]),
}
"""Readers by architecture; each reads the files of its package, in the manifest's order."""


def convert(architecture: str, files: Sequence[Path], target: Path) -> None:
    """Convert the network in the files to ``target``, a safetensors file.

    Raises:
        KeyError: the architecture is not one of ``READERS``.
        GraphError: the files do not hold such a network.
    """
    graph = READERS[architecture](files)
    check_weights(graph)
    graph.save(target)
