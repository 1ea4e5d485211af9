"""The file that goes out is no larger than it may be where a smaller one keeps the cloak, and the person is told where not."""

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from daemon.worker import photo
from daemon.worker.delivery import deliverable, in_words, save_with, saves_within, size_limit, size_notes
from protectors.cloak import Cloaked
from protectors.judging.judgement import Judgement
from protectors.quality import psnr
from protectors.saving import Save, SavedFile
from tests.daemon.judgements import judgement
from tests.daemon.odd_files import iccp, jpeg_with, png_with, tiff
from tests.daemon.samples import SECRET, Pixels, astronaut, exif, opened, rgb_profile, saved
from tests.protectors.conftest import finish

LARGE = astronaut(480, 320)


def nudged(pixels: Pixels) -> Pixels:
    """Changed as a cloak changes it: softly, and by few levels."""
    noise = np.random.default_rng(0).normal(0, 60, (*pixels.shape[:2], 3)).clip(0, 255).astype(np.uint8)
    small = Image.fromarray(noise).resize((pixels.shape[1] // 4, pixels.shape[0] // 4)).resize(pixels.shape[1::-1])
    change = (np.asarray(small, dtype=float) - np.asarray(small).mean()) / 6
    made: Pixels = (pixels + change).round().clip(0, 255).astype(np.uint8)
    return made


def delivered(data: bytes, judge: Any, limit: int | None = None) -> tuple[bytes, Judgement, list[str]]:
    read = photo.decode(data)
    most = size_limit(len(data), None) if limit is None else limit
    saves = saves_within(most, photo.encodings(read, most))
    progress, (encoded, judgement) = finish(deliverable(saves, Cloaked(nudged(read.pixels), None), judge))
    return encoded, judgement, [step.stage for step in progress]


def content(_: Pixels) -> Judgement:
    return judgement()


def never(_: Pixels) -> Judgement:
    return judgement(False, False)


FILES = {
    "JPEG 70": saved(LARGE, "JPEG", quality=70),
    "JPEG 70, 4:4:4": saved(LARGE, "JPEG", quality=70, subsampling=0),
    "JPEG 85, 4:2:2": saved(LARGE, "JPEG", quality=85, subsampling=1),
    "JPEG 95": saved(LARGE, "JPEG", quality=95),
    "grey JPEG": saved(LARGE.convert("L"), "JPEG", quality=80),
    "progressive JPEG": saved(LARGE, "JPEG", quality=80, progressive=True),
    "JPEG on its side": saved(LARGE, "JPEG", quality=80, exif=exif(6)),
    "PNG": saved(LARGE, "PNG"),
    "grey PNG": saved(LARGE.convert("L"), "PNG"),
    "PNG with a palette": saved(LARGE.quantize(256), "PNG"),
    "WebP": saved(LARGE, "WEBP", quality=85),
    "lossless WebP": saved(LARGE, "WEBP", lossless=True),
}


@pytest.mark.parametrize("data", FILES.values(), ids=FILES.keys())
def test_what_is_protected_in_any_form_goes_out_in_the_size_that_it_came_in(data: bytes) -> None:
    encoded, _, stages = delivered(data, content)
    assert len(encoded) <= 1.5 * len(data)
    assert stages[-2:] == ["encode", "judge"]
    assert SECRET.encode() not in encoded
    read, out = photo.decode(data), photo.decode(encoded)
    assert out.kind == read.kind
    assert psnr(nudged(read.pixels), out.pixels) > 27


@pytest.mark.parametrize("name", ["JPEG 70", "JPEG 70, 4:4:4", "JPEG 85, 4:2:2", "JPEG 95", "progressive JPEG"])
def test_a_jpeg_keeps_its_own_tables_and_subsampling(name: str) -> None:
    encoded, _, _ = delivered(FILES[name], content)
    before, after = opened(FILES[name]), opened(encoded)
    assert after.quantization == before.quantization  # type: ignore[attr-defined]
    assert [layer[1:3] for layer in after.layer] == [layer[1:3] for layer in before.layer]  # type: ignore[attr-defined]


def test_the_tables_of_a_jpeg_on_its_side_are_turned_with_it() -> None:
    steps = list(range(1, 65))
    stored = saved(LARGE, "JPEG", qtables=[steps, steps], subsampling=1, exif=exif(6))
    out = opened(delivered(stored, content)[0])
    before, after = opened(stored).quantization[0], out.quantization[0]  # type: ignore[attr-defined]
    assert (np.reshape(after, (8, 8)) == np.reshape(before, (8, 8)).T).all()
    assert out.layer[0][1:3] == (1, 1), "4:4:0 cannot be written"  # type: ignore[attr-defined]


def test_a_palette_is_kept_where_the_judge_is_content_and_left_where_not() -> None:
    data = FILES["PNG with a palette"]
    assert opened(delivered(data, content)[0]).mode == "P"
    read = photo.decode(data)
    wanted = nudged(read.pixels)
    exact = delivered(data, lambda pixels: judgement(bool((pixels == wanted).all())), 10**9)[0]
    assert opened(exact).mode == "RGB"
    assert (np.asarray(opened(exact)) == wanted).all()


def test_grey_stays_grey_where_the_judge_is_content() -> None:
    for name in ("grey PNG", "grey JPEG"):
        assert opened(delivered(FILES[name], content)[0]).mode == "L"
        assert opened(delivered(FILES[name], never)[0]).mode == "RGB"


def test_the_judge_decides_on_the_bytes_that_go_out() -> None:
    seen: list[Pixels] = []

    def second(pixels: Pixels) -> Judgement:
        seen.append(pixels)
        return judgement(len(seen) == 2)

    encoded, report, stages = delivered(FILES["JPEG 70"], second)
    assert report.protected
    assert (photo.decode(encoded).pixels == seen[1]).all()
    assert stages == ["encode", "judge"] * 2
    assert len(seen) == 2
    assert len(encoded) <= 1.5 * len(FILES["JPEG 70"]), "as fine as fits"


def test_only_the_finest_may_be_larger_and_that_is_told() -> None:
    data = FILES["JPEG 70"]
    seen = 0

    def third(_: Pixels) -> Judgement:
        nonlocal seen
        seen += 1
        return judgement(seen == 3)

    encoded, _, _ = delivered(data, third)
    assert len(encoded) > 1.5 * len(data)
    (note,) = size_notes(len(data), len(encoded), None)
    assert in_words(len(data)) in note
    assert in_words(len(encoded)) in note


def test_what_nobody_is_content_with_is_the_smallest_that_looks_well_or_the_finest() -> None:
    data = FILES["JPEG 70"]
    looks_well, _, _ = delivered(data, lambda _: judgement(False))
    assert len(looks_well) <= 1.5 * len(data)
    finest, _, _ = delivered(data, never)
    assert len(finest) > 1.5 * len(data)


@pytest.mark.parametrize(
    ("came_in", "site", "limit"), [(1000, None, 1500), (1000, 1200, 1200), (1000, 5000, 1500), (1000, 900, 1500)]
)
def test_the_site_has_a_say(came_in: int, site: int | None, limit: int) -> None:
    """But for a file that it would not have taken in the first place."""
    assert size_limit(came_in, site) == limit
    assert size_notes(came_in, limit, site) == []
    assert ("takes" in size_notes(came_in, 10_000, site)[0]) == (site is not None and came_in <= site)


def test_a_file_that_is_too_large_is_not_looked_at() -> None:
    read = photo.decode(FILES["PNG"])
    way = photo.encodings(read, 10**9)[-1]
    assert save_with(way, 100)(read.pixels) is None
    file = save_with(way, None)(read.pixels)
    assert file is not None
    assert (file.pixels == read.pixels).all()
    assert (photo.decode(file.data).pixels == read.pixels).all()


def test_the_file_that_the_cloak_was_found_good_in_goes_out_as_it_is() -> None:
    read = photo.decode(FILES["JPEG 70"])
    file = SavedFile(b"the very bytes", nudged(read.pixels))
    never_saved: list[Save] = [lambda _: pytest.fail("encoded again")]
    progress, (data, _) = finish(deliverable(never_saved, Cloaked(file.pixels, file), content))
    assert data is file.data
    assert [step.stage for step in progress] == ["encode", "judge"]


def test_every_way_keeps_profile_and_alpha_and_nothing_else() -> None:
    rgba = LARGE.convert("RGBA")
    rgba.putalpha(Image.linear_gradient("L").resize(LARGE.size))
    for data in (
        saved(rgba, "PNG", icc_profile=rgb_profile()),
        saved(rgba, "WEBP", quality=80, icc_profile=rgb_profile()),
        saved(rgba, "WEBP", lossless=True, icc_profile=rgb_profile()),
        jpeg_with(b"Exif\0\0" + tiff(3)),
        png_with(iccp(rgb_profile())),
    ):
        read = photo.decode(data)
        for way in photo.encodings(read, 10**9):
            out = photo.decode(way(read.pixels))
            assert out.profile == read.profile
            assert (out.alpha is None) == (read.alpha is None)
            if out.alpha is not None and read.alpha is not None:
                assert (out.alpha == read.alpha).all()
            with Image.open(io.BytesIO(way(read.pixels))) as image:
                assert not image.getexif()
