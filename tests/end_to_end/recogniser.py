"""A recognition service as it was before anybody thought of Cloakroom: decodes an upload, makes it small, names its class."""

import io

import numpy as np
import torch
from PIL import Image

from protectors.adversaries.image_network import DEVIATION, MEAN
from protectors.adversaries.loading import load_classifier
from protectors.manifest import entry


class Recogniser:
    """The classifier that a generator was trained for, with the service's own preprocessing: Pillow's, not ours."""

    def __init__(self, model: str = "vgg13_bn_cifar") -> None:
        classifier = load_classifier(entry(model), torch.device("cpu"))
        self.classes = classifier.classes
        self._network = classifier.model
        self._side = classifier.side

    def __call__(self, data: bytes) -> str:
        """The class of an image file."""
        with Image.open(io.BytesIO(data)) as image:
            small = image.convert("RGB").resize((self._side, self._side), Image.Resampling.BILINEAR)
        values = (np.asarray(small, np.float32) / 255 - np.asarray(MEAN, np.float32)) / np.asarray(DEVIATION, np.float32)
        with torch.inference_mode():
            logits = self._network(torch.from_numpy(values).permute(2, 0, 1)[None])
        return self.classes[int(logits.argmax())]
