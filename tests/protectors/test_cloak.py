"""Photos of every size through the whole of the protectors' room."""

from dataclasses import replace

import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray
from PIL import Image

from protectors.channel.exact import through_jpeg
from protectors.cloak import BUDGETS, ENCODERS, Cloakroom, Policy
from tests.protectors.conftest import finish


def test_a_portrait_is_protected_as_png_and_as_jpeg(cloakroom: Cloakroom, portrait: NDArray[np.uint8]) -> None:
    seen, cloaked = finish(cloakroom.cloak(portrait, Policy(), seed=0))
    assert [stage for stage in dict.fromkeys(progress.stage for progress in seen)] == ["quality", "objects"]
    report = cloakroom.judge(portrait, cloaked, Policy())
    assert report["protected"]
    assert 0 < report["max_difference"] <= 8
    assert report["psnr"] > 33
    before = {verdict["protector"]: verdict["before"] for verdict in report["verdicts"]}
    assert "person" in before["objects"]
    assert cloakroom.judge(portrait, through_jpeg(cloaked), Policy())["protected"]


def test_a_large_photo_keeps_its_size_and_is_protected(cloakroom: Cloakroom, portrait: NDArray[np.uint8]) -> None:
    large = np.asarray(Image.fromarray(portrait).resize((1531, 1420), Image.Resampling.BICUBIC))
    _, cloaked = finish(cloakroom.cloak(large, Policy(("objects",)), seed=0))
    assert cloaked.shape == large.shape
    report = cloakroom.judge(large, cloaked, Policy(("objects",)))
    assert report["verdicts"][0]["before"]
    assert report["protected"]


@pytest.mark.parametrize(
    ("shape", "protectors"),
    [((1, 1), ("scene",)), ((3, 500), ("objects", "scene")), ((700, 2), ("objects", "scene")), ((33, 47), ("scene",))],
)
def test_odd_sizes_come_back_at_their_size(
    cloakroom: Cloakroom, monkeypatch: pytest.MonkeyPatch, shape: tuple[int, int], protectors: tuple[str, ...]
) -> None:
    # Noise is full of what a detector takes for things; whether they are hidden is not asked here.
    monkeypatch.setitem(BUDGETS, "subtle", replace(BUDGETS["subtle"], steps=6))
    photo = np.random.default_rng(0).integers(0, 256, (*shape, 3)).astype(np.uint8)
    run = cloakroom.cloak(photo, Policy(protectors, "subtle"), seed=0)
    _, cloaked = finish(run)
    assert cloaked.shape == photo.shape
    assert cloaked.dtype == np.uint8
    assert np.abs(cloaked.astype(int) - photo).max() <= round(BUDGETS["subtle"].radius * 255)


def test_an_unchanged_photo_is_never_called_protected(cloakroom: Cloakroom) -> None:
    blank = np.full((64, 64, 3), 128, np.uint8)
    report = cloakroom.judge(blank, blank, Policy(("objects",)))
    assert report["psnr"] is None
    assert report["max_difference"] == 0
    assert not report["protected"]


def test_the_same_seed_gives_the_same_photo(cloakroom: Cloakroom, portrait: NDArray[np.uint8]) -> None:
    small = portrait[100:228, 100:228]
    first, second = (finish(cloakroom.cloak(small, Policy(("scene",)), seed=5))[1] for _ in range(2))
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


def test_an_unknown_sensitive_class_is_refused(cloakroom: Cloakroom, portrait: NDArray[np.uint8]) -> None:
    with pytest.raises(ValueError, match="unicorn"):
        finish(cloakroom.cloak(portrait, Policy(sensitive=("unicorn",))))


def test_visual_spoils_the_photo_and_the_service_still_reads_it(cloakroom: Cloakroom) -> None:
    photo = np.ascontiguousarray(skimage.data.chelsea())
    seen, cloaked = finish(cloakroom.cloak(photo, Policy(("visual",)), seed=0))
    assert {progress.stage for progress in seen} == {"visual"}
    assert cloaked.shape == photo.shape
    report = cloakroom.judge(photo, through_jpeg(cloaked), Policy(("visual",)))
    assert report["protected"], report["verdicts"]
    target = next(verdict for verdict in report["verdicts"] if verdict["adversary"] == "vgg13_bn_cifar")
    assert target["before"] == target["after"]
    assert report["ssim"] < 0.3


def test_search_hides_a_photo_from_all_three_encoders(cloakroom: Cloakroom) -> None:
    photo = np.ascontiguousarray(skimage.data.chelsea()[:200, :260])
    _, cloaked = finish(cloakroom.cloak(photo, Policy(("search",)), seed=0))
    report = cloakroom.judge(photo, through_jpeg(cloaked), Policy(("search",)))
    assert report["protected"], report["verdicts"]
    assert {verdict["adversary"] for verdict in report["verdicts"]} == set(ENCODERS)
    assert np.abs(cloaked.astype(int) - photo).max() <= round(BUDGETS["balanced"].radius * 255)


def test_visual_with_others_is_refused() -> None:
    with pytest.raises(ValueError, match="alone"):
        Policy(("objects", "visual"))


def test_a_photo_that_saving_alone_spoils_is_refused_at_once(cloakroom: Cloakroom) -> None:
    """It is not optimised first: that takes a minute."""
    noise = np.random.default_rng(0).integers(0, 256, (240, 240, 3), dtype=np.uint8)
    seen, cloaked = finish(cloakroom.cloak(noise, Policy(), seed=0, saved=[lambda pixels: through_jpeg(pixels, 50, True)]))
    assert {progress.stage for progress in seen} == {"quality"}
    assert np.array_equal(cloaked, noise)
    assert not cloakroom.judge(noise, through_jpeg(cloaked, 50, True), Policy())["protected"]
