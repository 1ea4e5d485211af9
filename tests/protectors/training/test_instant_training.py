"""Tests that the training of the generator of instant cloaks resumes, but never from another run's checkpoint."""

import io
from pathlib import Path

import numpy as np
import pytest
import skimage.data
import torch
from PIL import Image
from safetensors import safe_open

from protectors.adversaries.loaded import Adversaries, load_adversaries
from protectors.archive import Archive
from protectors.refinement.generator import BLOCK, SIDE
from protectors.training import instant
from protectors.training.checkpoint import OtherRunError
from protectors.training.instant import InstantTraining, Photos, photos_in
from tests.pretrained import FOLDER, needs_networks

pytestmark = needs_networks


@pytest.fixture(scope="module")
def adversaries() -> Adversaries:
    return load_adversaries(torch.device("cpu"), FOLDER)


@pytest.fixture
def photos(tmp_path: Path) -> Photos:
    """Return two photos of an archive, one of them a test photo, and one in a folder."""
    files = []
    for picture in (skimage.data.coffee(), skimage.data.astronaut()):
        file = io.BytesIO()
        Image.fromarray(picture).resize((200, 150)).save(file, "JPEG")
        files.append(np.frombuffer(file.getvalue(), np.uint8))
    offsets = np.cumsum([0, *map(len, files)])
    np.savez(tmp_path / "people.npz", jpeg=np.concatenate(files), offsets=offsets, is_test=np.array([False, True]))
    folder = tmp_path / "more"
    folder.mkdir()
    Image.fromarray(skimage.data.chelsea()).save(folder / "cat.png")
    return photos_in(tmp_path, [folder])


def test_test_photos_take_no_part_and_folders_do(photos: Photos) -> None:
    assert isinstance(photos.archive, Archive)
    assert list(photos.numbers) == [0]
    assert [file.name for file in photos.files] == ["cat.png"]
    for number in range(len(photos)):
        crop = photos.crop(number, np.random.default_rng(number))
        assert max(crop.shape[2:]) == SIDE
        assert all(side % BLOCK == 0 for side in crop.shape[2:])


def test_a_run_goes_on_from_its_checkpoint_and_not_from_another_runs(
    photos: Photos, adversaries: Adversaries, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(instant, "SAVED_EVERY", 0.0)
    monkeypatch.setattr(instant, "SHOWN_EVERY", 1)
    checkpoint, lines = tmp_path / "run.safetensors", list[str]()

    def training(seconds: float, seed: int = 0) -> InstantTraining:
        return InstantTraining(photos, adversaries, seconds, checkpoint, seed)

    before = {name: value.clone() for name, value in training(1).generator.state_dict().items()}
    made = training(0.5).run(lines.append)
    assert any(not torch.equal(value, before[name]) for name, value in made.state_dict().items())
    assert lines[0].startswith("crop 2:")
    with safe_open(checkpoint, "pt") as file:
        spent = float(file.metadata()["spent"])
    assert spent >= 0.5
    # Its time is spent, so it does not continue, and has the trained weights.
    again = training(0.5).run(lines.append).state_dict()
    assert all(torch.equal(value, again[name]) for name, value in made.state_dict().items())
    with pytest.raises(OtherRunError, match="another run"):
        training(0.5, seed=1)
