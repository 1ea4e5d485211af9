"""Tests the estimates for unseen models: fitted to known probabilities, and given only for fitted protectors."""

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from protectors import calibration
from protectors.adversaries.loaded import ENCODERS
from protectors.archive import DEFAULT_FOLDER
from protectors.calibration import Logistic, estimates, expected_error, features_of, known
from protectors.evaluation import unseen
from protectors.evaluation.quality import PHOTOS, chosen
from protectors.evaluation.unseen import Read
from protectors.judging.judgement import Judgement
from protectors.judging.quality import Quality
from protectors.judging.verdict import Verdict
from protectors.training.calibrate import Sample, fitted, photos

QUALITY = Quality(psnr=40.0, ssim=0.98, fsim=0.99, delta_e=1.5)
VERDICTS = (
    Verdict("objects", "a detector", True, ("person",) * 15, ()),
    Verdict("scene", "a classifier", True, ("sea",), ("street",)),
)
JUDGEMENT = Judgement(True, QUALITY, True, 8, VERDICTS)


def drawn(
    count: int, seed: int, readers: int = 1
) -> tuple[NDArray[np.float64], NDArray[np.float64], list[int], NDArray[np.float64]]:
    """Draw photos with one feature, each of which fools readers with a known probability."""
    chance = np.random.default_rng(seed)
    measure = np.repeat(chance.normal(size=count), readers)
    likely = 1 / (1 + np.exp(-(0.5 + 1.5 * measure)))
    groups = np.repeat(np.arange(count), readers).tolist()
    return np.stack([np.ones_like(measure), measure], 1), (chance.random(len(measure)) < likely).astype(float), groups, likely


def test_the_probability_that_made_the_outcomes_is_found_and_lies_in_its_interval() -> None:
    features, outcomes, groups, _ = drawn(3000, 0)
    fit = Logistic.fitted(features, outcomes, groups)
    assert fit.weights == pytest.approx([0.5, 1.5], abs=0.15)
    held, came, _, likely = drawn(2000, 1)
    estimated = [fit.estimate(features) for features in held]
    assert np.mean([estimate.low <= truth <= estimate.high for estimate, truth in zip(estimated, likely, strict=True)]) > 0.8
    assert expected_error([estimate.probability for estimate in estimated], (came > 0).tolist()) < 0.05


def test_an_interval_is_as_wide_as_there_are_photos_not_readings() -> None:
    narrow, wide = (Logistic.fitted(*drawn(count, 2)[:3]).estimate(np.array([1.0, 0.0])) for count in (2000, 50))
    assert wide.high - wide.low > 3 * (narrow.high - narrow.low)
    # Repeating the same readings four times adds no information.
    features, outcomes, groups, _ = drawn(50, 2)
    again = Logistic.fitted(np.tile(features, (4, 1)), np.tile(outcomes, 4), groups * 4).estimate(np.array([1.0, 0.0]))
    assert again.high - again.low == pytest.approx(wide.high - wide.low, rel=0.1)


def test_outcomes_that_are_all_one_give_no_certainty() -> None:
    features, outcomes, groups, _ = drawn(40, 3)
    for value in (0.0, 1.0):
        made = Logistic.fitted(features, np.full_like(outcomes, value), groups).estimate(np.array([1.0, 0.0]))
        assert abs(made.probability - value) < 0.1
        assert 0 < made.probability < 1


def test_the_expected_error_by_hand() -> None:
    # There are two bins: .05 was expected and half came true; .95 was expected and all did.
    assert expected_error([0.05, 0.05, 0.95, 0.95], [True, False, True, True]) == pytest.approx((0.45 + 0.05) / 2)
    assert expected_error([1.0, 1.0], [True, True]) == 0


def test_what_is_looked_at_of_a_photo() -> None:
    assert features_of(QUALITY, VERDICTS, "objects").tolist() == pytest.approx([1, 0, 0, 1])
    assert features_of(QUALITY, VERDICTS, "scene").tolist() == pytest.approx([1, 0, 0, 0.25])
    # An unchanged photo has an infinite PSNR.
    assert np.isfinite(features_of(Quality(np.inf, 1.0, 1.0, 0.0), VERDICTS, "scene")).all()


def test_only_what_was_fitted_is_estimated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert known(tmp_path / "nothing.json") == {}
    samples = [
        Sample(JUDGEMENT, [Read("objects", "one", number % 2 == 0), Read("objects", "two", True)]) for number in range(20)
    ]
    file = tmp_path / "calibration.json"
    file.write_text(json.dumps({"seed": 0, "protectors": fitted(samples)}), encoding="utf-8")
    content = json.loads(file.read_text(encoding="utf-8"))["protectors"]["objects"]
    assert (content["photos"], content["models"], content["fooled"]) == (20, ["one", "two"], 0.75)
    fits = known(file)
    monkeypatch.setattr(calibration, "known", lambda: fits)
    made = estimates(QUALITY, VERDICTS, ("objects", "scene"))
    assert list(made) == ["objects"]
    assert 0 < made["objects"].low < made["objects"].probability < made["objects"].high < 1
    assert made["objects"].probability == pytest.approx(0.75, abs=0.1)
    # The fit was made with all objects hidden.
    assert estimates(QUALITY, VERDICTS, ("objects",), ("person",)) == {}


def test_no_unseen_model_is_one_that_cloaks_are_made_against() -> None:
    models = unseen.models()
    assert {model.task for model in models} == {"objects", "search", "scene"}
    assert {model.name for model in models}.isdisjoint({"scenes", "people_detector", *ENCODERS})


def test_the_photos_it_is_fitted_on_are_in_no_evaluation() -> None:
    measured = {photo.tobytes() for photo in chosen(DEFAULT_FOLDER, {"people.npz": PHOTOS["people.npz"]})}
    fitting = photos(DEFAULT_FOLDER, 40)
    assert len(fitting) == 40
    assert measured.isdisjoint(photo.tobytes() for photo in fitting)
    with pytest.raises(ValueError, match="photos are left"):
        photos(DEFAULT_FOLDER, 10_000)
