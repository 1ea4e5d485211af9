"""The methods on torchvision's official checkpoints: randomly initialised weights take their place, all else is as it will be.

A local mirror serves them under the official path, ``pull`` fetches, checks and converts them, and the detector and the
classifier are loaded from the model folder by the name that `cloakroom evaluate --adversary` takes.
"""

import os
import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
import skimage.data
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torchvision.models import list_models, resnet50
from torchvision.models.detection import fasterrcnn_resnet50_fpn

from daemon.models.store import ModelError, pull, verify
from protectors import manifest
from protectors.adversaries.detector import TwoStageDetector
from protectors.adversaries.loading import load_classifier, load_two_stage
from protectors.base import Budget
from protectors.evaluation import objects
from protectors.evaluation.measurement import Measurement
from protectors.evaluation.running import cloaked_batch
from protectors.judging.question import about_objects
from protectors.manifest import DamagedWeightsError, Entry, resolve, sha256_of
from protectors.objects import ObjectDisappearance
from protectors.quality import as_pixels, as_tensor

CPU = torch.device("cpu")
DETECTOR = "torchvision:fasterrcnn_resnet50_fpn"
CLASSIFIER = "torchvision:resnet50"
BACKGROUND, PERSON = 0, 1

State = dict[str, Tensor]


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Nothing to standard error."""


class Mirror:
    """Serves a folder; what is put there lies under its official path."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.url = url

    def path(self, entry: Entry) -> Path:
        assert entry.url
        return self.folder / urlsplit(entry.url).path.lstrip("/")

    def serve(self, entry: Entry, state: State) -> Entry:
        """The manifest's entry, with the hash of the checkpoint that lies on the mirror in place of the official one."""
        path = self.path(entry)
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.save(state, path)
        return replace(entry, sha256=sha256_of(path), bytes=path.stat().st_size)

    def pull(self, entry: Entry, folder: Path) -> Path:
        return pull(entry, folder, lambda *_: None, (self.url,))


@pytest.fixture(scope="module")
def mirror(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mirror]:
    folder = tmp_path_factory.mktemp("mirror")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield Mirror(folder, f"http://127.0.0.1:{server.server_port}")
        server.shutdown()
        thread.join()


def as_shipped(state: State) -> State:
    """A detector's state under the names of the official file, which is older than torchvision's present modules."""
    names = {
        name: name.replace("rpn.head.conv.0.0.", "rpn.head.conv.")
        if "fpn." not in name
        else name.replace(".0.weight", ".weight").replace(".0.bias", ".bias")
        for name in state
    }
    return {new: state[old] for old, new in names.items() if not old.endswith("num_batches_tracked")}


@pytest.fixture(scope="module")
def weights() -> State:
    """Random weights that find persons everywhere, more surely in one place than in another."""
    torch.manual_seed(0)
    model = fasterrcnn_resnet50_fpn(weights=None, weights_backbone=None)
    head = model.roi_heads.box_predictor.cls_score
    with torch.no_grad():
        head.weight.mul_(0.1)
        head.bias[PERSON], head.bias[BACKGROUND] = 5.0, 4.0
    return as_shipped(model.state_dict())


@pytest.fixture(scope="module")
def served(mirror: Mirror, weights: State) -> Entry:
    return mirror.serve(resolve(DETECTOR), weights)


@pytest.fixture(scope="module")
def models(mirror: Mirror, served: Entry, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of pulled models, with the detector in it."""
    folder = tmp_path_factory.mktemp("state") / "models"
    mirror.pull(served, folder)
    assert verify(served, folder) == "ok"
    return folder


@pytest.fixture(scope="module")
def detector(models: Path) -> Iterator[TwoStageDetector]:
    """As the evaluation loads it; then made to look at photos at 128 pixels and at fewer proposals, for speed."""
    loaded = objects.detector_of(objects.Adversary(DETECTOR, "cpu", models))
    loaded.model.transform.min_size, loaded.model.transform.max_size = (128,), 128
    loaded.model.rpn.nms_thresh = 0.2
    yield loaded
    objects.detector_of.cache_clear()


@pytest.fixture(scope="module")
def pixels() -> NDArray[np.uint8]:
    return np.ascontiguousarray(skimage.data.astronaut()[0:384:3, 32:416:3])


def test_the_names_are_torchvisions_own() -> None:
    assert resolve(DETECTOR).name == "faster_rcnn_resnet50_fpn_coco"
    assert resolve(CLASSIFIER).name == "resnet50_imagenet"
    assert resolve("people_detector", "objects") == manifest.entry("people_detector")
    official = {name.removeprefix("torchvision:") for entry in manifest.entries() for name in entry.names if ":" in name}
    assert official <= set(list_models())


@pytest.mark.parametrize("name", ["torchvision:resnet51", "fasterrcnn_resnet50_fpn", "torchvision:", ""])
def test_an_unknown_name_is_told_the_known_ones(name: str) -> None:
    with pytest.raises(ValueError, match=r"people_detector.* torchvision:fasterrcnn_resnet50_fpn.* torchvision:resnet50"):
        resolve(name)


def test_a_classifier_is_no_adversary_of_objects(tmp_path: Path) -> None:
    measurement = Measurement("objects", True, tmp_path, lambda _: None, adversary=CLASSIFIER, models=tmp_path)
    with pytest.raises(ValueError, match=r"for objects; there are people_detector, .*torchvision:fasterrcnn_resnet50_fpn$"):
        objects.run(measurement)


def test_the_detector_has_the_weights_that_were_served(detector: TwoStageDetector, weights: State) -> None:
    loaded = as_shipped(detector.model.state_dict())
    assert set(loaded) == set(weights)
    assert all(torch.equal(loaded[name], value) for name, value in weights.items())
    assert detector.name == "faster_rcnn_resnet50_fpn_coco"
    assert len(detector.classes) == 91
    assert detector.classes[PERSON] == "person"


def test_a_corrupted_checkpoint_is_refused(mirror: Mirror, served: Entry, tmp_path: Path) -> None:
    corrupted = replace(served, url=f"{served.url}.corrupted")
    content = bytearray(mirror.path(served).read_bytes())
    content[len(content) // 2] ^= 1
    mirror.path(corrupted).write_bytes(content)
    with pytest.raises(ModelError, match="SHA-256 differs"):
        mirror.pull(corrupted, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["lock"]
    with pytest.raises(DamagedWeightsError, match="models pull faster_rcnn_resnet50_fpn_coco"):
        load_two_stage(corrupted, CPU, tmp_path)


def test_weights_that_were_damaged_since_are_not_used(mirror: Mirror, served: Entry, tmp_path: Path) -> None:
    path = mirror.pull(served, tmp_path)
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        byte = file.read(1)[0]
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte ^ 1]))
    with pytest.raises(DamagedWeightsError, match="are damaged: run `cloakroom models pull faster_rcnn_resnet50_fpn_coco`"):
        load_two_stage(served, CPU, tmp_path)


def test_the_gradient_reaches_the_photo(detector: TwoStageDetector, pixels: NDArray[np.uint8]) -> None:
    images = as_tensor(pixels)
    proposals, _ = detector.propose(images)
    images.requires_grad_(True)
    (logits,) = detector.logits(images, proposals)
    (gradient,) = torch.autograd.grad(logits[:, PERSON].sum(), images)
    assert gradient.isfinite().all()
    assert (gradient != 0).float().mean() > 0.9


@pytest.mark.parametrize("sensitive", [(), ("person",)], ids=["m_all", "m_sen"])
def test_disappearance_pushes_what_must_go(
    detector: TwoStageDetector, pixels: NDArray[np.uint8], sensitive: tuple[str, ...]
) -> None:
    originals = as_tensor(pixels)
    protector = ObjectDisappearance(detector, sensitive)
    cloaked = cloaked_batch(protector, originals, Budget(8 / 255, 2))
    delivered = as_pixels(cloaked.images)
    assert cloaked.steps == (2,)
    assert 0 < np.abs(delivered.astype(int) - pixels).max() <= 8
    (verdict,) = about_objects(detector, sensitive).verdicts(originals, as_tensor(delivered))
    assert "person" in verdict.before
    assert verdict.adversary == "faster_rcnn_resnet50_fpn_coco"
    proposals, (before,) = detector.propose(originals)
    (logits,) = detector.logits(as_tensor(delivered), proposals)
    after = logits.softmax(1)
    threats = [entry[:, PERSON] if sensitive else 1 - entry[:, BACKGROUND] for entry in (before, after)]
    assert threats[1].mean() < threats[0].mean()


@pytest.mark.parametrize("mode", objects.MODES)
def test_the_evaluation_measures_it(
    detector: TwoStageDetector, pixels: NDArray[np.uint8], mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(objects, "STEPS", 2)
    photo = objects.photo_of(detector, pixels)
    row = objects.Row(f"{mode}.eps8", objects.MODES[mode])
    reading = objects.measure(detector, row, photo)
    figures = objects.row_figures(row, [reading])
    assert figures[f"{row.prefix}.images"] == 1
    assert figures[f"{row.prefix}.steps"] == 2
    # Two steps of 1/255 each: no more than that has been spent, and something has.
    assert 40 < figures[f"{row.prefix}.psnr"] < 60
    assert figures[f"{row.prefix}.jpeg.psnr"] < figures[f"{row.prefix}.psnr"]
    assert any(entry.label == "person" for entry in reading.lossless.before)
    finer = objects.finer_figures(mode, [reading], objects.SENSITIVE)
    assert finer[f"{mode}.person.images"] == finer[f"{mode}.t20.images"] == 1


def test_the_classifier_has_the_weights_that_were_served(mirror: Mirror, pixels: NDArray[np.uint8], tmp_path: Path) -> None:
    torch.manual_seed(1)
    model: nn.Module = resnet50(weights=None).eval()
    entry = mirror.serve(resolve(CLASSIFIER), model.state_dict())
    mirror.pull(entry, tmp_path)
    classifier = load_classifier(entry, CPU, tmp_path)
    assert len(classifier.classes) == 1000
    loaded = classifier.model.state_dict()
    assert all(torch.equal(loaded[name], value) for name, value in model.state_dict().items())
    images = as_tensor(pixels).requires_grad_(True)
    (gradient,) = torch.autograd.grad(classifier.logits(images)[:, 0].sum(), images)
    assert gradient.isfinite().all()
    assert gradient.abs().max() > 0
