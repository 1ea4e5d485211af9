"""`cloakroom evaluate`: what a run writes and where, how it goes on, and what it says where it cannot. The measuring itself
is played by stand-ins; tests/protectors runs the real evaluations."""

import json
import re
import sys

import pytest

from daemon.cli import main
from daemon.commands import evaluating
from protectors.evaluation.tables import markdown, read_results
from tests.daemon.commands.conftest import Checkout, Evaluation, Said, stand_in


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


def test_all_measures_each_and_tells_them_apart(
    checkout: Checkout, evaluation: Evaluation, said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = [stand_in(monkeypatch, name) for name in ("objects", "search", "visual")]
    assert main(["evaluate", "all", "--json"]) == 0
    told = json.loads(said()[0])
    assert told["command"] == "cloakroom evaluate all"
    assert len(told["figures"]) == 12
    assert told["figures"]["visual.p_fgsm.psnr"] == 40.5
    assert all(each.measured == ["first", "second"] for each in (evaluation, *others))
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


def test_real_networks_are_those_of_two_evaluations(checkout: Checkout, evaluation: Evaluation, said: Said) -> None:
    assert main(["evaluate", "scene", "--real"]) == 2
    assert "--real is for the evaluations of visual and survival" in said()[1]
    for words in (["survival"], ["visual", "--real"]):
        assert main(["evaluate", *words, "--photos", str(checkout.root)]) == 2
        assert "--photos is for the evaluation survival --real" in said()[1]
    assert main(["evaluate", "survival", "--real", "--photos", str(checkout.root)]) == 1
    assert "cloakroom models pull" in said()[1], "there are no pretrained networks in the test's state folder"
    assert main(["evaluate", "visual", "--real", "--data", str(checkout.root)]) == 1
    assert "cifar10.npz" in said()[1]
