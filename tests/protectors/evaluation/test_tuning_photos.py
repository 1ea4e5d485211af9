"""The photos on which constants were chosen are none of those that figures are measured on."""

import numpy as np
import pytest

from protectors.archive import DEFAULT_FOLDER, Archive
from protectors.evaluation.real import conditions, photos_of
from protectors.evaluation.tuning_photos import TUNED_ON, not_tuned_on, tuning_photos

pytestmark = pytest.mark.skipif(not (DEFAULT_FOLDER / "people.npz").is_file(), reason="the archives of photos are not here")


def test_no_photo_of_the_figures_is_one_that_was_tuned_on() -> None:
    tuned = {photo.tobytes() for photo in tuning_photos(DEFAULT_FOLDER)}
    assert len(tuned) == 40
    for condition in conditions(["nanodet_coco"], quick=False):
        measured = photos_of(condition, DEFAULT_FOLDER)
        assert not [photo for photo in measured if photo.tobytes() in tuned], condition.name


def test_every_other_photo_of_the_archive_may_be_measured() -> None:
    archive = Archive(DEFAULT_FOLDER / "photos.npz")
    assert sorted([*not_tuned_on(archive), *TUNED_ON]) == np.arange(len(archive)).tolist()
