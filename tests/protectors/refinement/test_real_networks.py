"""Tests cloaks against the real networks, which `python3 install test` pulls."""

import dataclasses
import time
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from skimage.data import astronaut, coffee
from torch.utils._python_dispatch import TorchDispatchMode

from protectors.channel.exact import saved_as_jpeg
from protectors.cloak import Cloakroom
from protectors.judging.judge import Judge
from protectors.judging.judgement import Judgement
from protectors.lanes import LANES, side_by_side
from protectors.names import OBJECTS, SCENE, SEARCH
from protectors.policy import FLOORS, ONE_EACH, Policy
from protectors.progress import end_of
from protectors.quality import measured
from protectors.refinement import loop
from protectors.refinement import photo as steps
from protectors.refinement.loop import Refinement
from protectors.refinement.objectives import objectives_for
from protectors.refinement.views import View, random_view
from protectors.saving import Pixels
from tests.pretrained import FOLDER, needs_networks
from tests.protectors.conftest import finish

pytestmark = needs_networks

ONE_EACH_AND_ROUNDS = dataclasses.replace(ONE_EACH, rounds=2, further_steps=1)


@pytest.fixture(scope="module")
def room() -> Cloakroom:
    return Cloakroom("cpu", FOLDER)


def photo(side: int = 256) -> Pixels:
    """Return the astronaut's photo at half the size, which makes steps cheaper."""
    return np.ascontiguousarray(astronaut()[::2, ::2][:side, :side])


def cloaked(room: Cloakroom, policy: Policy, original: Pixels) -> Judgement:
    judge = room.judge(policy, original)
    made = end_of(room.cloak(judge, seed=1))
    assert made.file is not None
    return judge.judgement(made.file.pixels)


def test_the_pretrained_set_is_used_and_judges_only_judge(room: Cloakroom) -> None:
    assert room.model_set == "pretrained"
    judges = {"centernet_mobilenet_v3_coco", "yolov8n_nudenet"}
    assert room.adversaries.judges_only == judges
    against = {detector.name for detector in room.adversaries.optimised.detectors}
    assert against == {"ssd_mobilenet_v2_coco", "nanodet_coco", "centerface_wider"}
    assert {detector.name for detector in room.adversaries.detectors} == against | judges


def test_every_detector_finds_the_astronaut(room: Cloakroom) -> None:
    image = torch.from_numpy(astronaut().copy()).permute(2, 0, 1)[None] / 255
    for detector in room.adversaries.detectors:
        (found,) = detector.detect(image)
        seen = [detection for detection in found if detection.label in ("person", "face")]
        assert seen, detector.name
        left, top, right, bottom = max(seen, key=lambda detection: detection.score).box
        # The box contains her face, and that of a face little more.
        assert left < 220 < right, detector.name
        assert top < 110 < bottom, detector.name
        if "face" in detector.classes:
            assert right - left < 140, detector.name
            assert bottom - top < 180, detector.name


def test_a_detector_of_faces_keeps_proportions_and_places(room: Cloakroom) -> None:
    wide = np.zeros((512, 1024, 3), np.uint8)
    wide[:, 500:1012] = astronaut()
    of_faces = [detector for detector in room.adversaries.detectors if detector.classes == ("face",)]
    assert len(of_faces) == 2
    for detector in of_faces:
        (found,) = detector.detect(torch.from_numpy(wide.transpose(2, 0, 1).copy())[None] / 255)
        left, top, right, bottom = max(found, key=lambda detection: detection.score).box
        assert left < 720 < right, detector.name
        assert top < 110 < bottom, detector.name
        assert right - left < 140, detector.name


def test_a_long_and_narrow_photo_is_not_read_as_a_square_of_its_length(room: Cloakroom) -> None:
    largest = [0]

    class Watched(TorchDispatchMode):
        def __torch_dispatch__(self, function: Any, types: Any, given: Any = (), named: Any = None) -> Any:
            made = function(*given, **(named or {}))
            largest[0] = max(largest[0], made.numel() if isinstance(made, torch.Tensor) else 0)
            return made

    strip = torch.rand(1, 3, 20, 30_000, generator=torch.Generator().manual_seed(0))
    for detector in room.adversaries.detectors:
        with Watched():  # type: ignore[no-untyped-call]
            detector.detect(strip)
    assert 0 < largest[0] < 10_000_000


def test_a_cloak_hides_from_what_it_is_made_against_and_keeps_the_floor(room: Cloakroom) -> None:
    judgement = cloaked(room, Policy((OBJECTS, SEARCH, SCENE)), np.ascontiguousarray(astronaut()))
    against = [verdict for verdict in judgement.verdicts if not verdict.is_judge_only]
    assert {verdict.protector for verdict in against} == {OBJECTS, SEARCH, SCENE}
    # Above the floor, some networks may still read something, and the judgement says so.
    assert sum(verdict.protected for verdict in against if verdict.before) >= 2
    assert judgement.protected == all(verdict.protected for verdict in against)
    assert judgement.quality.reaches(FLOORS["balanced"])
    assert not judgement.unseen


def test_a_large_photo_is_measured_whole_in_the_file_that_is_delivered(room: Cloakroom) -> None:
    large = np.array(Image.fromarray(coffee()).resize((1800, 1200), Image.Resampling.LANCZOS))
    judge = room.judge(Policy((OBJECTS,)), np.ascontiguousarray(large))
    made = end_of(room.cloak(judge, seed=1))
    assert made.file is not None
    assert np.array_equal(made.file.pixels, saved_as_jpeg(made.pixels).pixels)
    assert measured(large, made.file.pixels).reaches(FLOORS["balanced"])
    assert not np.array_equal(large, made.pixels)


def test_steps_start_from_the_drawing_only_where_the_time_is_too_short_for_all(
    room: Cloakroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    starts: list[bool] = []

    def init(self: Refinement, *arguments: Any) -> None:
        starts.append(arguments[4] is not None)
        begin(self, *arguments)

    begin = Refinement.__init__
    monkeypatch.setattr(Refinement, "__init__", init)
    quick = room.within(ONE_EACH)
    for limited, stepping in ((quick, 6.0), (quick.limited_to(1000.0), 6.0), (quick.limited_to(1000.0), 1e9)):
        monkeypatch.setattr(steps, "STEPPING", stepping)
        for sensitive in ((), ("person",)):
            judge = limited.judge(Policy((OBJECTS,), sensitive=sensitive), photo(128))
            end_of(limited.cloak(judge, seed=1))
    # Where only some classes are to be hidden, the drawing, which hides all, is no start.
    assert starts == [False, False, False, False, True, False]


def test_chosen_classes_are_read_as_something_else(room: Cloakroom) -> None:
    # At half the size, whether the last network still reads a person depends on the processor's rounding.
    judgement = cloaked(room, Policy((OBJECTS,), sensitive=("person",)), np.ascontiguousarray(astronaut()))
    against = [verdict for verdict in judgement.verdicts if not verdict.is_judge_only]
    assert any("person" in verdict.before for verdict in against)
    assert all("person" not in verdict.after for verdict in against)


def test_a_network_that_is_left_out_is_not_optimised_on(room: Cloakroom) -> None:
    left_out = dataclasses.replace(room.adversaries, judges_only=room.adversaries.judges_only | {"nanodet_coco"})
    image = torch.from_numpy(photo().copy()).permute(2, 0, 1)[None] / 255
    chance = torch.Generator().manual_seed(1)
    names = {objective.name for objective in objectives_for(Policy((OBJECTS, SCENE)), left_out, image, chance)}
    assert names == {"ssd_mobilenet_v2_coco", "centerface_wider", "mobilenet_v2_imagenet", "efficientnet_lite3_imagenet"}


def test_steps_against_faces_are_taken_only_where_there_are_some(room: Cloakroom) -> None:
    def names(pixels: Pixels, *sensitive: str) -> set[str]:
        image = torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None] / 255
        policy = Policy((OBJECTS,), sensitive=sensitive)
        return {objective.name for objective in objectives_for(policy, room.adversaries, image, torch.Generator())}

    assert "centerface_wider" in names(photo())
    assert "centerface_wider" not in names(coffee())
    assert names(photo(), "face") == {"centerface_wider"}
    assert names(photo(), "person") == {"ssd_mobilenet_v2_coco", "nanodet_coco", "centerface_wider"}
    assert names(photo(), "cup") == {"ssd_mobilenet_v2_coco", "nanodet_coco"}


def test_chosen_faces_are_hidden_from_detectors_of_faces(room: Cloakroom) -> None:
    judgement = cloaked(room, Policy((OBJECTS,), sensitive=("face",)), np.ascontiguousarray(astronaut()))
    (verdict,) = [verdict for verdict in judgement.verdicts if not verdict.is_judge_only]
    assert verdict.adversary == "centerface_wider"
    assert "face" in verdict.before
    assert "face" not in verdict.after


def test_a_class_that_no_detector_knows_is_refused(room: Cloakroom) -> None:
    with pytest.raises(ValueError, match="knows no class 'unicorn'"):
        room.judge(Policy((OBJECTS,), sensitive=("unicorn",)), photo())


def test_networks_that_are_read_at_the_same_time_make_the_same_cloak(room: Cloakroom, monkeypatch: pytest.MonkeyPatch) -> None:
    hurried, original = room.within(ONE_EACH), photo()

    def made() -> Pixels:
        return end_of(hurried.cloak(room.judge(Policy(), original), seed=1)).pixels

    threads = torch.get_num_threads()
    monkeypatch.setattr(torch, "get_num_threads", lambda: LANES)
    side_by_side([int, int])
    # One for each lane and for this one: divided among more, operations round otherwise.
    torch.set_num_threads(1)
    together = made()
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    assert np.array_equal(made(), together)
    torch.set_num_threads(threads)


def test_steps_end_between_two_when_the_time_is_over(room: Cloakroom) -> None:
    image = torch.from_numpy(photo().copy()).permute(2, 0, 1)[None] / 255
    objectives = objectives_for(Policy((OBJECTS,)), room.adversaries, image, torch.Generator())
    refinement = Refinement(image, objectives, FLOORS["balanced"], torch.Generator().manual_seed(1))
    run = refinement.run(9, until=time.monotonic() + 1e9)
    assert [next(run).done, next(run).done] == [1, 2]
    run.close()
    # Whoever begins takes one step, so that no photo stays as it was.
    assert [progress.done for progress in refinement.run(9, until=time.monotonic())] == [1]


def test_a_network_that_reads_the_photo_but_has_no_objective_ends_no_cloak(
    room: Cloakroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Judge, "still_reading", lambda *_, **__: ("centerface_wider",))
    judge = room.judge(Policy((OBJECTS,)), np.ascontiguousarray(coffee()[::2, ::2]))
    made = end_of(room.within(ONE_EACH_AND_ROUNDS).cloak(judge, seed=1))
    assert made.file is not None


def test_only_the_first_round_sees_shifted_views(room: Cloakroom, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[int] = []

    def noting(chance: torch.Generator, most_shift: int) -> View:
        drawn.append(most_shift)
        return random_view(chance, most_shift)

    monkeypatch.setattr(loop, "random_view", noting)
    # One that still reads the photo after every round, so that all rounds are taken.
    monkeypatch.setattr(Judge, "still_reading", lambda *_, **__: ("nanodet_coco",))
    end_of(room.within(ONE_EACH_AND_ROUNDS).cloak(room.judge(Policy((OBJECTS,)), photo()), seed=1))
    first, later = drawn[: -2 * ONE_EACH_AND_ROUNDS.rounds], drawn[-2 * ONE_EACH_AND_ROUNDS.rounds :]
    assert first == [256 // 50] * len(first)
    assert first
    assert later == [0] * 4


def test_fewer_steps_are_taken_where_seconds_are_few(room: Cloakroom) -> None:
    def steps(limited: Cloakroom) -> int:
        judge = limited.judge(Policy((OBJECTS,)), photo())
        told, made = finish(limited.cloak(judge, seed=1))
        assert made.file is not None
        assert judge.quality(made.file.pixels).reaches(FLOORS["balanced"])
        return sum(progress.stage == OBJECTS for progress in told)

    assert steps(room.limited_to(0.001)) == 0
    # Without steps, chosen classes are hidden as at instant.
    chosen = Policy((OBJECTS,), sensitive=("person",))
    _, made = finish(room.limited_to(0.001).cloak(room.judge(chosen, photo()), seed=1))
    assert not np.array_equal(made.pixels, photo())
    assert steps(room.limited_to(None)) > 4


def test_instant_hides_chosen_classes_with_all_others(room: Cloakroom) -> None:
    original = np.ascontiguousarray(astronaut())
    chosen = cloaked(room, Policy((OBJECTS,), "instant", ("person",)), original)
    whole = cloaked(room, Policy((OBJECTS,), "instant"), original)
    assert chosen.max_difference == whole.max_difference > 0
    assert chosen.quality == whole.quality
