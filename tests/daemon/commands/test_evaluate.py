"""`cloakroom evaluate`: what a run writes and where, how it goes on, and what it says where it cannot. The measuring itself
is played by stand-ins; tests/protectors runs the real evaluations."""

import json
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

import pytest
import torch

from daemon.cli import main
from daemon.commands import evaluating
from protectors import manifest
from protectors.evaluation import scene
from protectors.evaluation.extra import MissingExtraError
from protectors.evaluation.measurement import Figures, Measurement
from protectors.evaluation.tables import markdown, read_results

OFFICIAL = "torchvision:resnet50"


@dataclass
class Evaluation:
    """A stand-in of two parts; ``fails`` is raised by the second."""

    fails: BaseException | None = None
    measured: list[str] = field(default_factory=list)
    runs: list[Measurement] = field(default_factory=list)

    def run(self, measurement: Measurement) -> None:
        self.runs.append(measurement)
        measurement.part("first", lambda: self.part("first", {"p_fgsm.images": 30, "p_fgsm.psnr": 40.5}))
        measurement.part("second", lambda: self.part("second", {"p_fgsm.fooled": 0.125}))

    def part(self, name: str, figures: Figures) -> Figures:
        if name == "second" and self.fails:
            raise self.fails
        self.measured.append(name)
        return figures


@dataclass(frozen=True)
class Checkout:
    """Where a run may write."""

    root: Path

    @property
    def results(self) -> Path:
        return self.root / "results"

    @property
    def readme(self) -> Path:
        return self.root / "README.md"

    @property
    def cache(self) -> Path:
        return self.root / "cache"

    @property
    def state(self) -> Path:
        return self.root / "state"


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    own = Checkout(tmp_path)
    own.results.mkdir()
    monkeypatch.setattr(evaluating, "RESULTS", own.results)
    monkeypatch.setattr(evaluating, "TEXTS", (own.readme,))
    monkeypatch.setattr(evaluating, "GLANCE", own.root / "glance.md")
    monkeypatch.setattr(evaluating, "OTHER_RESULTS", ())
    monkeypatch.setattr(evaluating, "cache_folder", lambda: own.cache)
    monkeypatch.setattr(evaluating, "end_on_sigterm", lambda: None)
    monkeypatch.setenv("CLOAKROOM_STATE", str(own.state))
    return own


@pytest.fixture
def evaluation(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> Evaluation:
    """Scenes' evaluation, as a stand-in."""
    own = Evaluation()
    monkeypatch.setattr(scene, "run", own.run)
    return own


Said = Callable[[], tuple[str, str]]


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Said:
    """What the last command printed and complained of."""

    def read() -> tuple[str, str]:
        told = capsys.readouterr()
        return told.out, told.err

    return read


def test_a_quick_run_leaves_a_report_and_nothing_else(checkout: Checkout, evaluation: Evaluation, said: Said) -> None:
    checkout.readme.write_text("<!-- figure: scene p_fgsm.psnr .1f -->1.0<!-- /figure -->")
    assert main(["evaluate", "scene", "--quick"]) == 0
    printed, _ = said()
    assert re.search(r"^p_fgsm\.psnr +40\.5$", printed, re.MULTILINE)
    page = checkout.cache / "report" / "report.html"
    assert printed.splitlines()[-1] == f"Report: {page}"
    assert "40.50 dB" in page.read_text(encoding="utf-8")
    assert "40.50 dB" in (page.parent / "report.md").read_text(encoding="utf-8")
    assert json.loads((page.parent / "scene.json").read_text())["figures"]["p_fgsm.fooled"] == 0.125
    assert (page.parent / "plots" / "scene.psnr.png").is_file()
    assert list(checkout.results.iterdir()) == []
    assert "1.0" in checkout.readme.read_text()
    assert evaluation.runs[0].quick


def test_for_programs_it_prints_the_result(checkout: Checkout, evaluation: Evaluation, said: Said) -> None:
    report = checkout.root / "there"
    assert main(["evaluate", "scene", "--quick", "--json", "--report", str(report), "--data", str(checkout.root)]) == 0
    told = json.loads(said()[0])
    assert told["figures"] == {"p_fgsm.images": 30, "p_fgsm.psnr": 40.5, "p_fgsm.fooled": 0.125}
    assert told["command"] == "cloakroom evaluate scene --quick"
    assert told["seed"] == 0
    assert {"machine", "versions", "date"} <= set(told)
    assert told["report"] == str(report / "report.html")
    assert (report / "report.html").is_file()
    assert evaluation.runs[0].data == checkout.root
    assert evaluation.runs[0].models == checkout.state / "models"
    assert (evaluation.runs[0].device, evaluation.runs[0].adversary) == ("cpu", None)


def test_a_full_run_brings_the_checkout_up_to_date(checkout: Checkout, evaluation: Evaluation) -> None:
    checkout.readme.write_text("PSNR <!-- figure: scene p_fgsm.psnr .1f -->1.0<!-- /figure --> dB")
    assert main(["evaluate", "scene"]) == 0
    results = read_results(checkout.results)
    assert results["scene"]["command"] == "cloakroom evaluate scene"
    assert (checkout.results / "README.md").read_text(encoding="utf-8") == markdown(results)
    assert checkout.readme.read_text() == "PSNR <!-- figure: scene p_fgsm.psnr .1f -->40.5<!-- /figure --> dB"


def test_a_readme_that_asks_for_what_is_not_measured_is_left(checkout: Checkout, evaluation: Evaluation, said: Said) -> None:
    text = "<!-- figure: objects m_all.eps8.psnr .1f -->1.0<!-- /figure -->"
    checkout.readme.write_text(text)
    assert main(["evaluate", "scene"]) == 0
    assert "asks for objects m_all.eps8.psnr" in said()[1]
    assert checkout.readme.read_text() == text
    assert (checkout.results / "scene.json").is_file()


def test_a_stopped_run_goes_on_where_it_was(checkout: Checkout, evaluation: Evaluation, said: Said) -> None:
    evaluation.fails = KeyboardInterrupt()
    assert main(["evaluate", "scene", "--quick"]) == 130
    assert "goes on" in said()[1]
    evaluation.fails = None
    assert main(["evaluate", "scene", "--quick"]) == 0
    assert evaluation.measured == ["first", "second"]
    assert main(["evaluate", "scene", "--quick", "--fresh"]) == 0
    assert evaluation.measured == ["first", "second"] * 2
    # A full run shares nothing with a quick one.
    assert main(["evaluate", "scene"]) == 0
    assert evaluation.measured == ["first", "second"] * 3


def test_the_report_alone_measures_nothing(checkout: Checkout, evaluation: Evaluation, said: Said) -> None:
    assert main(["evaluate", "scene"]) == 0
    written = (checkout.results / "README.md").read_text()
    (checkout.results / "README.md").unlink()
    evaluation.measured.clear()
    said()
    assert main(["evaluate", "report", "--json", "--report", str(checkout.root / "again")]) == 0
    assert json.loads(said()[0]) == {"report": str(checkout.root / "again" / "report.html")}
    assert (checkout.results / "README.md").read_text() == written
    assert "40.50 dB" in (checkout.root / "again" / "report.html").read_text(encoding="utf-8")
    assert evaluation.measured == []


def stand_in(monkeypatch: pytest.MonkeyPatch, name: str) -> Evaluation:
    own = Evaluation()
    module = ModuleType(name)
    module.run = own.run  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, f"protectors.evaluation.{name}", module)
    return own


def test_all_measures_each_and_tells_them_apart(
    checkout: Checkout, evaluation: Evaluation, said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = [stand_in(monkeypatch, name) for name in ("objects", "search", "visual")]
    assert main(["evaluate", "all", "--json"]) == 0
    told = json.loads(said()[0])
    assert told["command"] == "cloakroom evaluate all"
    assert len(told["figures"]) == 12
    assert told["figures"]["visual.p_fgsm.psnr"] == 40.5
    assert all(own.measured == ["first", "second"] for own in (evaluation, *others))
    assert sorted(path.name for path in checkout.results.glob("*.json")) == [
        "objects.json", "scene.json", "search.json", "visual.json",
    ]  # fmt: skip
    assert read_results(checkout.results)["visual"]["command"] == "cloakroom evaluate visual"


def test_real_networks_and_embedded_ones_stand_in_one_file(
    checkout: Checkout, said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each run leaves the figures of the other networks, and says of both how they were measured; the counts are of both."""
    path, visual = checkout.results / "visual.json", stand_in(monkeypatch, "visual")
    older = {"vgg.none.ssim": 0.2, "vgg.resnet.ssim": 0.1, "vgg.resnet.lost": 0.04, "vgg.resnet.auxiliary": 0.1, "pairs": 1}
    about = {"command": "cloakroom evaluate visual", "machine": {}, "versions": {}, "seed": 0, "date": "2026-11-21"}
    path.write_text(json.dumps({"figures": older, **about}))
    made = {"real.other.lost": 0.06, "real.other.auxiliary": 0.1, "real.other.ssim": 0.5, "real.none.ssim": 0.6}
    monkeypatch.setattr(
        sys.modules["protectors.evaluation.visual"], "run", lambda measurement: measurement.figures.update(made)
    )
    monkeypatch.setattr(evaluating, "update_texts", lambda: None)
    assert main(["evaluate", "visual", "--real", "--json"]) == 0
    assert json.loads(said()[0])["figures"] == made
    written = json.loads(path.read_text())
    assert written["parts"]["embedded"] == {"keys": sorted(older), **about}
    assert written["parts"]["real"]["command"] == "cloakroom evaluate visual --real"
    expected = {**older, **made, "pairs": 2, "pairs_within_5": 1, "pairs_within_auxiliary": 2}
    assert written["figures"] == {**expected, "pairs_within_ssim": 2, "pairs_within_all": 1}
    monkeypatch.setattr(sys.modules["protectors.evaluation.visual"], "run", visual.run)
    assert main(["evaluate", "visual", "--json"]) == 0
    written = json.loads(path.read_text())
    assert {"real.other.lost", "p_fgsm.psnr"} <= set(written["figures"])
    assert "vgg.resnet.lost" not in written["figures"]
    assert written["figures"]["pairs"] == 1


def test_real_networks_are_those_of_visual_alone(checkout: Checkout, evaluation: Evaluation, said: Said) -> None:
    assert main(["evaluate", "scene", "--real"]) == 2
    assert "--real is for the evaluation of visual" in said()[1]
    assert main(["evaluate", "visual", "--real", "--data", str(checkout.root)]) == 1
    assert "cifar10.npz" in said()[1]


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
    own = manifest.resolve(OFFICIAL)
    models = checkout.state / "models"
    models.mkdir(parents=True)
    (models / f"{own.name}.safetensors").touch()
    (checkout.results / "scene.json").write_text('{"figures": {}}')
    assert main(["evaluate", "scene", "--adversary", OFFICIAL, "--json"]) == 0
    told = json.loads(said()[0])
    assert told["command"] == f"cloakroom evaluate scene --adversary {OFFICIAL}"
    assert (checkout.results / "scene.json").read_text() == '{"figures": {}}'
    assert evaluation.runs[0].adversary == own.name
    assert evaluation.runs[0].models == models
    # What was measured against one is not taken for the other.
    assert main(["evaluate", "scene", "--quick"]) == 0
    assert evaluation.measured == ["first", "second"] * 2
