"""A few uploads at random, with every kind of fault among them; and what the thousand are drawn and judged with."""

from dataclasses import replace
from pathlib import Path as FilePath

import pytest

from tests.end_to_end.photos import Upload as Photo
from tests.end_to_end.random_plan import FAULTS, KINDS, LARGE, plan, takes_another
from tests.end_to_end.random_uploads import run_all
from tests.end_to_end.random_verdict import File, judge
from tests.end_to_end.received import Part, Run
from tests.end_to_end.stage import set_rule
from tests.end_to_end.uploader import HOSTS, Ended, open_uploader

UPLOADS = 24
SEED = 7

PHOTO = File("animation", Photo(FilePath("cat.gif"), b"the original"))
OTHER = File("bitmap", Photo(FilePath("dog.bmp"), b"another original"))
TEXT = File("text", Photo(FilePath("diary.txt"), b"words"))


def received(*files: tuple[str, bytes]) -> Run:
    return Run([data for _, data in files], [Part(name, "", data, None) for name, data in files])


def is_cloaked(data: bytes) -> bool:
    return data.startswith(b"cloaked")


def test_the_same_seed_is_the_same_plan() -> None:
    assert plan("chromium", 200, 1) == plan("chromium", 200, 1)
    assert plan("chromium", 200, 1) != plan("chromium", 200, 2)


@pytest.mark.parametrize("browser", ["chromium", "firefox"])
@pytest.mark.parametrize("count", [UPLOADS, 1000])
def test_a_plan_has_every_fault_and_a_thousand_have_every_path_and_kind(browser: str, count: int) -> None:
    uploads = plan(browser, count, 0)
    assert [upload.number for upload in uploads] == list(range(count))
    assert {upload.fault for upload in uploads} == {"", *FAULTS}
    assert all(upload.plain for upload in uploads if upload.fault)
    assert all(takes_another(browser, upload.path) and upload.then for upload in uploads if upload.fault == "picked again")
    if count == 1000:
        assert len({upload.path.name for upload in uploads}) == (47 if browser == "chromium" else 43)
        assert {LARGE, *KINDS} <= {kind for upload in uploads for kind in upload.path.files}


def test_an_original_without_the_persons_word_is_one_and_with_it_is_not() -> None:
    run = received(("cat.gif", b"the original"))
    leaked = judge([[PHOTO]], run, ["cloaked"], set(), is_cloaked)
    assert (leaked.name, leaked.original) == ("stuck", True)
    asked = judge([[PHOTO]], run, ["original"], {"cat.gif"}, is_cloaked)
    assert (asked.name, asked.original) == ("asked", False)
    both = received(("cat.gif", b"the original"), ("dog.bmp", b"another original"))
    assert judge([[PHOTO, OTHER]], both, ["original"], {"cat.gif"}, is_cloaked).original
    assert judge([[PHOTO]], received(("x", b"has the original inside")), ["cloaked"], set(), is_cloaked).original


@pytest.mark.parametrize(
    ("files", "stated", "is_gone", "name"),
    [
        ([("cat.gif", b"cloaked")], ["cloaked"], False, "done"),
        ([("cat.gif", b"cloaked")], [], False, "done"),
        ([], ["cancelled"], False, "cancelled"),
        ([], [], True, "cancelled"),
        ([("cat.gif", b"cloaked")], ["cancelled"], False, "stuck"),
        ([], [], False, "stuck"),
        ([], ["cloaked"], False, "stuck"),
        ([("cat.gif", b"neither")], ["cloaked"], False, "stuck"),
        ([("cat.gif", b"cloaked")] * 2, ["cloaked"], False, "stuck"),
    ],
)
def test_an_ending_is_what_was_stated_and_what_arrived(
    files: list[tuple[str, bytes]], stated: list[str], is_gone: bool, name: str
) -> None:
    assert judge([[PHOTO]], received(*files), stated, set(), is_cloaked, is_gone=is_gone).name == name


def test_files_that_are_no_images_arrive_as_they_are_and_nothing_is_stated() -> None:
    assert judge([[TEXT]], received(("diary.txt", b"words")), [], set(), is_cloaked).name == "done"
    assert judge([[TEXT]], received(("diary.txt", b"other words")), [], set(), is_cloaked).name == "stuck"


def test_of_two_picks_of_one_input_the_second_has_to_arrive() -> None:
    first, second = ("cat.gif", b"cloaked one"), ("dog.bmp", b"cloaked two")
    picks = [[PHOTO], [OTHER]]
    assert judge(picks, received(second), ["cloaked"], set(), is_cloaked).name == "done"
    assert judge(picks, received(first, second), ["cloaked"], set(), is_cloaked).name == "done"
    assert judge(picks, received(first), ["cloaked"], set(), is_cloaked).name == "stuck"
    assert judge(picks, received(first), ["cancelled", "cloaked"], set(), is_cloaked, is_replaced=False).name == "done"


@pytest.mark.parametrize("stage", ["chromium", "firefox"])
async def test_every_upload_ends_in_a_stated_outcome(stage: str) -> None:
    ended: list[Ended] = []
    async with open_uploader(stage) as uploader:
        await run_all(uploader, plan(stage, UPLOADS, SEED), ended.append)
        assert await uploader.left_running() == 0
    assert [one for one in ended if one.ending.name == "stuck" or one.ending.original] == []
    assert [one for one in ended if one.plain and one.plain.name != "done"] == []
    assert {fault for fault, count in uploader.mishaps.counts.items() if count} == set(FAULTS)
    assert len(ended) == UPLOADS


@pytest.mark.parametrize("stage", ["chromium"])
async def test_where_nothing_holds_them_the_originals_are_seen(stage: str) -> None:
    drawn = [upload for upload in plan(stage, 60, SEED) if not upload.fault and KINDS.get(upload.path.files[0]) == "cloaked"]
    ended: list[Ended] = []
    async with open_uploader(stage) as uploader:
        for host in HOSTS:
            await set_rule(uploader.browser, host, mode="off")
        await run_all(uploader, [replace(upload, plain=False) for upload in drawn[: len(HOSTS)]], ended.append)
    assert [one for one in ended if not one.ending.original] == []
    assert len(ended) == len(HOSTS)
