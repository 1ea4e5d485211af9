"""Survival at native size: what counts, what is left out, and the worst pipeline's share."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from protectors.archive import DEFAULT_FOLDER
from protectors.channel import sites
from protectors.evaluation.delivery import DELIVERED
from protectors.evaluation.lasting import LARGE, OTHERS, Fooled, figures_of, opened, photos_of
from protectors.evaluation.measurement import Measurement


def counted(*photos: Fooled) -> dict[str, float]:
    """Return the sums over photos as the evaluation adds them, with every pipeline that a test does not name as delivered."""

    names = [pipeline.name for pipeline in (*sites.pipelines(), *OTHERS)]
    totals: dict[str, float] = {}
    for photo in photos:
        whole = {
            protector: {name: forms.get(name, forms[DELIVERED]) for name in (DELIVERED, *names)}
            for protector, forms in photo.forms.items()
        }
        for key, value in Fooled(photo.pixels, whole, {}).as_figures("every").items():
            totals[key] = totals.get(key, 0.0) + value
    return totals | {"every.all.photos": float(len(photos))}


def test_a_photo_counts_as_protected_only_if_all_networks_are_fooled() -> None:
    figures = figures_of(
        counted(
            Fooled(1, {"objects": {DELIVERED: (True, True), "webp75": (True, False)}}, {}),
            Fooled(1, {"objects": {DELIVERED: (True, False)}}, {}),
            Fooled(1, {"objects": {DELIVERED: (True,)}}, {}),
        )
    )
    assert figures["photos"] == 3
    assert figures["m_all.delivered.success"] == pytest.approx(2 / 3)
    assert figures["m_all.webp75.success"] == pytest.approx(1 / 3)
    assert figures["m_all.worst"] == pytest.approx(1 / 2)
    assert figures["m_all.worst.low"] < 1 / 2 < figures["m_all.worst.high"]
    assert (figures["m_all.photos"], figures["m_all.pairs"]) == (3, 5)
    assert figures["m_all.delivered.networks"] == pytest.approx(4 / 5)
    assert figures["m_all.networks.worst"] == pytest.approx(3 / 4)
    assert not [name for name in figures if name.startswith(("scene", "large.m_all"))], "nothing else was measured"


def test_where_nothing_was_protected_no_share_is_left_to_tell() -> None:
    figures = figures_of(counted(Fooled(1, {"scene": {DELIVERED: (False,)}}, {})))
    assert figures["scene.delivered.success"] == 0
    assert "scene.worst" not in figures


def test_people_are_counted_as_m_sen() -> None:
    figures = figures_of(counted(Fooled(LARGE, {"people": {DELIVERED: (True,)}}, {})))
    assert figures["m_sen.worst"] == 1


@pytest.mark.skipif(not (DEFAULT_FOLDER / "photos.npz").is_file(), reason="the archives of photos are not here")
def test_photos_of_a_folder_are_measured_upright_and_small_ones_are_left_out(tmp_path: Path) -> None:
    turned = Image.fromarray(np.zeros((640, 480, 3), dtype=np.uint8))
    exif = turned.getexif()
    exif[0x0112] = 6
    turned.save(tmp_path / "turned.jpg", exif=exif)
    turned.resize((600, 400)).save(tmp_path / "small.jpg")
    (tmp_path / "list.txt").write_text("no photo")

    def found(folder: Path | None) -> list[object]:
        return list(photos_of(Measurement("survival", False, DEFAULT_FOLDER, lambda line: None, real=True, photos=folder)))

    coco = len(found(None))
    assert found(tmp_path)[coco:] == [tmp_path / "turned.jpg"]
    assert opened(tmp_path / "turned.jpg").shape == (480, 640, 3)
    with pytest.raises(FileNotFoundError, match="no folder"):
        found(tmp_path / "nowhere")
