"""Tests that a judgement has one set of JSON keys, and is the same after it is read back."""

import json
import math
import subprocess
import sys

import pytest

from protectors.adversaries.reading import Detection
from protectors.judging.estimate import Estimate
from protectors.judging.judgement import Judgement, SiteJudgement
from protectors.judging.quality import Quality
from protectors.judging.verdict import Verdict

FOUND = (Detection("person", 0.9876, (1.0, 2.5, 30.0, 40.1)),)
VERDICTS = (
    Verdict("objects", "a detector", True, ("person",), (), FOUND),
    Verdict("scene", "a classifier", False, ("sea",), ("sea",)),
)
WHOLE = Judgement(
    protected=False,
    quality=Quality(41.23, 0.9812, 0.9934, 1.52),
    above_floor=True,
    max_difference=8,
    verdicts=VERDICTS,
    site=SiteJudgement("instagram", False, VERDICTS),
    unseen={"scene": Estimate(0.62, 0.55, 0.69)},
)
LEAST = Judgement(protected=True, quality=Quality(math.inf, 1.0, 1.0, 0.0), above_floor=True, max_difference=0, verdicts=())


@pytest.mark.parametrize("judgement", [WHOLE, LEAST])
def test_it_is_the_same_when_it_is_read_back(judgement: Judgement) -> None:
    told = json.loads(json.dumps(judgement.as_json(), allow_nan=False))
    assert Judgement.from_json(told) == judgement
    of_an_earlier_daemon = {key: value for key, value in told.items() if key != "delta_e"}
    assert Judgement.from_json(of_an_earlier_daemon).protected == judgement.protected
    assert Judgement.from_json(told | {"width": 640, "seconds": {"total": 1.0}}) == judgement


@pytest.mark.parametrize("missing", sorted(set(WHOLE.as_json()) - {"site", "delta_e"}))
def test_one_that_lacks_a_part_is_refused(missing: str) -> None:
    told = WHOLE.as_json()
    del told[missing]
    with pytest.raises(ValueError, match="no judgement"):
        Judgement.from_json(told)


def test_light_processes_can_read_it() -> None:
    program = "import sys, protectors.judging.judgement; print({'torch', 'numpy', 'PIL'} & set(sys.modules))"
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "set()"
