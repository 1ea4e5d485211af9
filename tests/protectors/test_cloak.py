"""Tests the cloaking of photos of every size from end to end."""

from dataclasses import replace

import numpy as np
import pytest
import skimage.data
from PIL import Image

from protectors.adversaries.loaded import ENCODERS
from protectors.channel.channel_set import AS_IT_IS
from protectors.channel.exact import saved_as_jpeg, through_jpeg
from protectors.cloak import Cloakroom
from protectors.policy import BUDGETS, Policy
from protectors.saving import Pixels
from tests.protectors.conftest import finish


def test_a_portrait_is_protected_as_png_and_as_jpeg(cloakroom: Cloakroom, portrait: Pixels) -> None:
    judge = cloakroom.judge(Policy(), portrait)
    seen, made = finish(cloakroom.cloak(judge, seed=0))
    cloaked = made.pixels
    assert [stage for stage in dict.fromkeys(progress.stage for progress in seen)] == ["reading", "objects", "quality"]
    judgement = judge.judgement(cloaked)
    assert judgement.protected
    assert np.array_equal(made.file.pixels, through_jpeg(cloaked))
    assert 0 < judgement.max_difference <= 8
    assert judgement.quality.psnr > 33
    before = {verdict.protector: verdict.before for verdict in judgement.verdicts}
    assert "person" in before["objects"]
    assert judge.judgement(through_jpeg(cloaked)).protected


def test_a_large_photo_keeps_its_size_and_is_protected(cloakroom: Cloakroom, portrait: Pixels) -> None:
    large = np.asarray(Image.fromarray(portrait).resize((1531, 1420), Image.Resampling.BICUBIC))
    judge = cloakroom.judge(Policy(("objects",)), large)
    cloaked = finish(cloakroom.cloak(judge, seed=0))[1].pixels
    assert cloaked.shape == large.shape
    judgement = judge.judgement(cloaked)
    assert judgement.verdicts[0].before
    assert judgement.protected


@pytest.mark.parametrize(
    ("shape", "protectors"),
    [((1, 1), ("scene",)), ((3, 500), ("objects", "scene")), ((700, 2), ("objects", "scene")), ((33, 47), ("scene",))],
)
def test_odd_sizes_come_back_at_their_size(
    cloakroom: Cloakroom, monkeypatch: pytest.MonkeyPatch, shape: tuple[int, int], protectors: tuple[str, ...]
) -> None:
    # A detector finds many objects in noise; this test does not check whether they are hidden.
    monkeypatch.setitem(BUDGETS, "subtle", replace(BUDGETS["subtle"], steps=6))
    photo = np.random.default_rng(0).integers(0, 256, (*shape, 3)).astype(np.uint8)
    cloaked = finish(cloakroom.cloak(cloakroom.judge(Policy(protectors, "subtle"), photo), seed=0))[1].pixels
    assert cloaked.shape == photo.shape
    assert cloaked.dtype == np.uint8
    assert np.abs(cloaked.astype(int) - photo).max() <= round(BUDGETS["subtle"].radius * 255)


def test_an_unchanged_photo_is_never_called_protected(cloakroom: Cloakroom) -> None:
    blank = np.full((64, 64, 3), 128, np.uint8)
    judgement = cloakroom.judge(Policy(("objects",)), blank).judgement(blank)
    assert judgement.as_json()["psnr"] is None
    assert judgement.max_difference == 0
    assert not judgement.protected


def test_the_same_seed_gives_the_same_photo(cloakroom: Cloakroom, portrait: Pixels) -> None:
    small = portrait[100:228, 100:228]
    judge = cloakroom.judge(Policy(("scene",)), small)
    first, second = (finish(cloakroom.cloak(judge, seed=5))[1].pixels for _ in range(2))
    assert np.array_equal(first, second)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"protectors": ("objects", "magic")}, "magic"),
        ({"protectors": ()}, "at least one"),
        ({"strength": "brutal"}, "brutal"),
    ],
)
def test_senseless_policies_are_refused(arguments: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Policy(**arguments)  # type: ignore[arg-type]


def test_an_unknown_sensitive_class_is_refused(cloakroom: Cloakroom, portrait: Pixels) -> None:
    with pytest.raises(ValueError, match="unicorn"):
        cloakroom.judge(Policy(sensitive=("unicorn",)), portrait)
    with pytest.raises(ValueError, match="unicorn"):
        cloakroom.optimising(Policy(sensitive=("unicorn",)), 0, AS_IT_IS)


def test_visual_spoils_the_photo_and_the_service_still_reads_it(cloakroom: Cloakroom) -> None:
    photo = np.ascontiguousarray(skimage.data.chelsea())
    judge = cloakroom.judge(Policy(("visual",)), photo)
    seen, made = finish(cloakroom.cloak(judge, seed=0))
    cloaked = made.pixels
    assert {progress.stage for progress in seen} == {"visual"}
    assert cloaked.shape == photo.shape
    judgement = judge.judgement(through_jpeg(cloaked))
    assert judgement.protected, judgement.verdicts
    target = next(verdict for verdict in judgement.verdicts if verdict.adversary == "vgg13_bn_cifar")
    assert target.before == target.after
    assert judgement.quality.ssim < 0.3


def test_search_hides_a_photo_from_all_three_encoders(cloakroom: Cloakroom) -> None:
    photo = np.ascontiguousarray(skimage.data.chelsea()[:200, :260])
    judge = cloakroom.judge(Policy(("search",)), photo)
    cloaked = finish(cloakroom.cloak(judge, seed=0))[1].pixels
    judgement = judge.judgement(through_jpeg(cloaked))
    assert judgement.protected, judgement.verdicts
    assert {verdict.adversary for verdict in judgement.verdicts} == set(ENCODERS)
    assert np.abs(cloaked.astype(int) - photo).max() <= round(BUDGETS["balanced"].radius * 255)


def test_visual_with_others_is_refused() -> None:
    with pytest.raises(ValueError, match="alone"):
        Policy(("objects", "visual"))


def test_a_photo_that_saving_alone_spoils_is_refused_at_once(cloakroom: Cloakroom) -> None:
    """Nothing is optimised, which would take a minute."""
    noise = np.random.default_rng(0).integers(0, 256, (240, 240, 3), dtype=np.uint8)
    judge = cloakroom.judge(Policy(), noise)
    seen, made = finish(cloakroom.cloak(judge, seed=0, saves=[lambda pixels: saved_as_jpeg(pixels, 50, True)]))
    cloaked = made.pixels
    assert {progress.stage for progress in seen} == {"reading"}
    assert np.array_equal(cloaked, noise)
    assert not judge.judgement(through_jpeg(cloaked, 50, True)).protected
