"""`cloakroom evaluate`: what it says of options with which nothing can be measured."""

import json
import re
import sys
from pathlib import Path

import pytest
import torch

from daemon.cli import main
from protectors import manifest
from protectors.evaluation.extra import MissingExtraError
from tests.daemon.commands.conftest import Checkout, Evaluation, Said, stand_in

OFFICIAL = "torchvision:resnet50"


def test_what_cannot_be_measured_does_not_stop_the_others(
    checkout: Checkout, evaluation: Evaluation, said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    objects, search_, visual = (stand_in(monkeypatch, name) for name in ("objects", "search", "visual"))
    search_.fails = FileNotFoundError("cifar10.npz is not there")
    visual.fails = MissingExtraError("The package brisque is not installed.")
    assert main(["evaluate", "all", "--quick"]) == 1
    printed, complained = said()
    assert "cifar10.npz is not there. Say where the data is with --data or CLOAKROOM_DATA." in complained
    assert "brisque" in complained
    assert "Report: " in printed
    assert objects.measured == evaluation.measured == ["first", "second"]
    assert main(["evaluate", "all", "--quick", "--json"]) == 1
    assert set(json.loads(said()[0])["problems"]) == {"search", "visual"}


@pytest.mark.parametrize(
    ("problem", "sentence"),
    [
        (FileNotFoundError("scenes6.npz is not there"), "--data"),
        (MissingExtraError("The package brisque is not installed. Install"), "brisque"),
        (manifest.DamagedWeightsError("the weights of scenes are damaged: install Cloakroom again"), "damaged"),
    ],
)
def test_a_run_that_measures_nothing_says_why(
    checkout: Checkout, evaluation: Evaluation, said: Said, problem: Exception, sentence: str
) -> None:
    evaluation.fails = problem
    assert main(["evaluate", "scene", "--json"]) == 1
    assert sentence in json.loads(said()[0])["error"]
    assert list(checkout.results.iterdir()) == []


def test_without_matplotlib_the_report_says_what_it_lacks(
    checkout: Checkout, evaluation: Evaluation, said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert main(["evaluate", "scene", "--quick"]) == 0
    printed, complained = said()
    assert "pip install" in complained
    assert "[evaluate]" in complained
    assert Path(printed.splitlines()[-1].removeprefix("Report: ")).is_file()


def test_a_report_folder_that_cannot_be_is_told_before_measuring(
    checkout: Checkout, evaluation: Evaluation, said: Said
) -> None:
    (checkout.root / "file").write_text("")
    assert main(["evaluate", "scene", "--report", str(checkout.root / "file" / "report")]) == 1
    assert "--report" in said()[1]
    assert evaluation.measured == []


def test_a_gpu_that_is_not_there(
    checkout: Checkout, evaluation: Evaluation, said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert main(["evaluate", "scene", "--device", "cuda"]) == 2
    assert "no GPU" in said()[1]
    assert main(["evaluate", "scene", "--quick", "--device", "auto"]) == 0
    assert [run.device for run in evaluation.runs] == ["cpu"]
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "A large GPU")
    assert main(["evaluate", "scene", "--quick", "--device", "cuda", "--json"]) == 0
    told = json.loads(said()[0].splitlines()[-1])
    assert told["command"] == "cloakroom evaluate scene --quick --device cuda"
    assert told["machine"]["gpu"] == "A large GPU"
    assert "A large GPU" in Path(told["report"]).read_text(encoding="utf-8")
    assert evaluation.runs[-1].device == "cuda"


# Another adversary


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["scene", "--adversary", "sorcery"], "there are scenes"),
        (["scene", "--adversary", "people_detector"], "for scene"),
        (["all", "--adversary", "scenes"], "for one protector's evaluation"),
        (["report", "--adversary", "scenes"], "for one protector's evaluation"),
    ],
)
def test_an_adversary_that_is_none(
    checkout: Checkout, evaluation: Evaluation, said: Said, arguments: list[str], sentence: str
) -> None:
    assert main(["evaluate", *arguments]) == 2
    assert sentence in said()[1]
    assert evaluation.measured == []


def test_an_adversary_that_is_not_pulled(checkout: Checkout, evaluation: Evaluation, said: Said) -> None:
    assert main(["evaluate", "scene", "--adversary", OFFICIAL]) == 1
    complained = said()[1]
    pull = re.search(r"cloakroom models pull (\S+)`", complained)
    assert pull
    assert manifest.resolve(OFFICIAL).name == pull[1]
    assert OFFICIAL in complained
    assert evaluation.measured == []


def test_another_adversary_leaves_the_embedded_ones_results(checkout: Checkout, evaluation: Evaluation, said: Said) -> None:
    official = manifest.resolve(OFFICIAL)
    models = checkout.state / "models"
    models.mkdir(parents=True)
    (models / f"{official.name}.safetensors").touch()
    (checkout.results / "scene.json").write_text('{"figures": {}}')
    assert main(["evaluate", "scene", "--adversary", OFFICIAL, "--json"]) == 0
    told = json.loads(said()[0])
    assert told["command"] == f"cloakroom evaluate scene --adversary {OFFICIAL}"
    assert (checkout.results / "scene.json").read_text() == '{"figures": {}}'
    assert evaluation.runs[0].adversary == official.name
    assert evaluation.runs[0].models == models
    # What was measured against one is not taken for the other.
    assert main(["evaluate", "scene", "--quick"]) == 0
    assert evaluation.measured == ["first", "second"] * 2
