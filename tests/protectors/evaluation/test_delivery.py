"""The forms of a delivered photo: one a site, and those of other pipelines."""

import numpy as np
from skimage.data import astronaut

from protectors.channel import sites
from protectors.channel.exact import through_jpeg
from protectors.evaluation.avif import AvifPipeline
from protectors.evaluation.delivery import DELIVERED, forms


def test_a_photo_has_one_form_for_each_site_and_other_pipeline() -> None:
    photo = np.ascontiguousarray(astronaut()[::4, ::4])
    made = dict(forms(photo, (AvifPipeline("avif50", 50),)))
    assert list(made) == [DELIVERED, *(pipeline.name for pipeline in sites.pipelines()), "avif50"]
    assert np.array_equal(made[DELIVERED], photo)


def test_avif_keeps_the_size_and_loses_more_at_a_lower_quality() -> None:
    photo = np.ascontiguousarray(astronaut()[:200, :301])

    def loss(quality: int) -> float:
        arrived = AvifPipeline("avif", quality).exact(photo)
        assert arrived.shape == photo.shape
        return float(np.abs(arrived.astype(float) - photo).mean())

    assert 0 < loss(90) < loss(50) < loss(20)
    assert loss(90) < 2 * float(np.abs(through_jpeg(photo, 90).astype(float) - photo).mean())
