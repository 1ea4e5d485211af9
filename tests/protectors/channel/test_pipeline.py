"""Tests each pipeline's model against its real file, and the sites' pipelines from their table."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import skimage.data
import torch
from PIL import Image

from protectors.channel import sites
from protectors.channel.pipeline import RESAMPLING, Pipeline, twice
from protectors.channel.resizing import Kernel, resampled
from protectors.quality import as_pixels, as_tensor
from protectors.saving import Pixels

EXTENSION_SITES = Path(__file__).resolve().parents[3] / "extension" / "sites.json"
PHOTO: Pixels = np.ascontiguousarray(skimage.data.astronaut()[:301, :403])


def levels_apart(model: torch.Tensor, exact: Pixels) -> float:
    """Return the mean distance in 8-bit levels."""
    return float((model - as_tensor(exact)).abs().mean() * 255)


@pytest.mark.parametrize("kernel", RESAMPLING)
@pytest.mark.parametrize("size", [(150, 201), (77, 350), (400, 500)])
def test_resampling_is_pillows(kernel: Kernel, size: tuple[int, int]) -> None:
    exact = np.array(Image.fromarray(PHOTO).resize((size[1], size[0]), RESAMPLING[kernel]))
    model = resampled(as_tensor(PHOTO), *size, kernel)
    assert model.shape == (1, 3, *size)
    # The remaining difference is Pillow's rounding to 8 bits between the two passes and after them.
    assert levels_apart(model, exact) < 0.55


@pytest.mark.parametrize("subsampled", [True, False])
@pytest.mark.parametrize("quality", [30, 50, 75, 85, 95])
def test_the_model_of_jpeg_stays_near_the_file(quality: int, subsampled: bool) -> None:
    pipeline = Pipeline("any", quality, subsampled=subsampled, scale=0.75)
    model = pipeline.model(as_tensor(PHOTO))
    exact = pipeline.exact(PHOTO)
    assert levels_apart(model, exact) < 1.0
    # The model is closer than the uncompressed photo, from which a file of quality 95 differs little.
    plain = resampled(as_tensor(PHOTO), exact.shape[0], exact.shape[1], "bicubic")
    assert levels_apart(model, exact) < 0.7 * levels_apart(plain, exact)


@pytest.mark.parametrize("quality", [30, 75, 95])
def test_the_model_of_webp_is_the_file_and_has_a_gradient(quality: int) -> None:
    pipeline = Pipeline("any", quality, "webp")
    images = as_tensor(PHOTO).requires_grad_(True)
    arrived = pipeline.model(images)
    assert np.array_equal(as_pixels(arrived), pipeline.exact(PHOTO))
    (gradient,) = torch.autograd.grad(arrived.square().sum(), images)
    assert gradient.isfinite().all()
    assert gradient.abs().mean() > 0.1


@pytest.mark.parametrize(
    ("pipeline", "size"),
    [
        (Pipeline("longest", longest=200), (149, 200)),
        (Pipeline("megapixels", megapixels=0.03), (150, 200)),
        (Pipeline("larger", longest=4000, megapixels=9), (301, 403)),
        (Pipeline("scaled", scale=0.5), (150, 202)),
    ],
)
def test_sizes(pipeline: Pipeline, size: tuple[int, int]) -> None:
    assert pipeline.exact(PHOTO).shape[:2] == size
    assert pipeline.model(as_tensor(PHOTO)).shape[2:] == size


def test_the_quality_is_searched_that_keeps_a_file_small() -> None:
    limit = Pipeline("limit", 95, most_bytes=20_000)
    small, free = limit._file(Image.fromarray(PHOTO)), replace(limit, most_bytes=None)._file(Image.fromarray(PHOTO))
    assert 15_000 < len(small) <= 20_000 < len(free)


def test_one_site_after_another() -> None:
    first, second = Pipeline("first", 85, longest=300), Pipeline("second", 70, longest=200)
    both = twice(first, second)
    assert both.name == "first_second"
    assert np.array_equal(both.exact(PHOTO), second.exact(first.exact(PHOTO)))
    assert both.model(as_tensor(PHOTO)).shape[2:] == both.exact(PHOTO).shape[:2]


def test_the_extension_names_exactly_the_channels_that_there_are() -> None:
    named = [site["channel"] for site in json.loads(EXTENSION_SITES.read_text(encoding="utf-8"))["sites"]]
    assert sorted(named) == sorted(sites.names())


def test_every_known_channel_has_its_pipeline() -> None:
    pipelines = {pipeline.name: pipeline for pipeline in sites.pipelines()}
    assert pipelines["instagram"] == Pipeline("instagram", 75, longest=1440)
    assert pipelines["bluesky"].most_bytes == 1_000_000
    for name, pipeline in pipelines.items():
        assert pipeline.exact(PHOTO).shape[2] == 3
        assert sites.known(name) == pipeline


def test_of_a_channel_that_nobody_has_described_no_pipeline_is_invented() -> None:
    assert "nextdoor" in sites.names()
    assert sites.known("nextdoor") is None
    assert sites.known("no-such-channel") is None
    assert sites.known(None) is None


def test_the_largest_upload_of_a_site() -> None:
    assert sites.largest_upload("x") == 5_000_000
    assert sites.largest_upload("bluesky") == 1_000_000
    assert sites.largest_upload("nextdoor") is None
    assert sites.largest_upload(None) is None


@pytest.mark.parametrize("wrong", [{"quality": 0}, {"quality": 101}, {"scale": 0}, {"scale": 2}])
def test_what_cannot_be_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="quality lies"):
        Pipeline("wrong", **wrong)  # type: ignore[arg-type]
