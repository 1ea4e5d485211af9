"""Enters trained weights into the manifest and writes their model cards from what was measured.

    python -m protectors.training.publish --detector detector.safetensors --scenes scenes.safetensors \\
        --judge scenes-judge.safetensors --recipe recipe.json

Copies the weights into ``protectors/models``, measures every figure of the cards on held-out data, and rewrites
``manifest.json``. The recipe holds, by model name, the sentences about training that only the trainer knows.
"""

import argparse
import json
import shutil
from pathlib import Path
from typing import Any

import torch

from protectors.adversaries.embedded_detector import CLASSES
from protectors.adversaries.loading import load_classifier, load_detector
from protectors.archive import DEFAULT_FOLDER, Archive
from protectors.evaluation.reading import accuracy, average_precisions
from protectors.manifest import FOLDER, parsed, sha256_of
from protectors.training.scenes import SIDE

PEOPLE_LICENCE = (
    "Weights: Apache-2.0. Trained on people.npz: photos from LS-chen/Pedestrian-behavior-detection-and-prediction, "
    "small public COCO subsets (images under their Flickr licences) and Open Images (CC BY 2.0 images); no image is shipped."
)
SCENES_LICENCE = "Weights: Apache-2.0. Trained on the Intel image classification set (scenes6.npz); no image is shipped."

FULL: list[dict[str, Any]] = [
    {
        "name": "faster_rcnn_resnet50_fpn_coco",
        "task": "objects",
        "role": "adversary",
        "architecture": "faster_rcnn_resnet50_fpn",
        "set": "full",
        "url": "https://download.pytorch.org/models/fasterrcnn_resnet50_fpn_coco-258fb6c6.pth",
        "sha256": "258fb6c638b15964ddcdd1ae0748c5eef1be9e732750120cc857feed3faac384",
        "bytes": 167502836,
        "licence": "BSD-3-Clause (torchvision); trained on COCO train2017",
        "source": "torchvision, FasterRCNN_ResNet50_FPN_Weights.COCO_V1",
        "input_size": 1333,
        "quality": {"coco_val2017.ap": 0.370},
    },
    {
        "name": "resnet50_imagenet",
        "task": "scene",
        "role": "adversary",
        "architecture": "resnet50",
        "set": "full",
        "url": "https://download.pytorch.org/models/resnet50-0676ba61.pth",
        "sha256": "0676ba61b6795bbe1773cffd859882e5e297624d384b6993f7c9e683e722fb8a",
        "bytes": 102530333,
        "licence": "BSD-3-Clause (torchvision); trained on ImageNet-1K",
        "source": "torchvision, ResNet50_Weights.IMAGENET1K_V1",
        "input_size": 224,
        "quality": {"imagenet.top1": 0.7613},
    },
]


def embedded(name: str, weights: Path, **facts: Any) -> dict[str, Any]:
    """Copy the weights under the model's name and describe them."""
    target = FOLDER / f"{name}.safetensors"
    if weights.resolve() != target.resolve():
        shutil.copyfile(weights, target)
    return {
        "name": name,
        "set": "embedded",
        "file": target.name,
        "sha256": sha256_of(target),
        "bytes": target.stat().st_size,
        "source": "trained here, see the model card",
        **facts,
    }


def write_card(item: dict[str, Any], recipe: list[str]) -> None:
    lines = [f"# {item['name']}", "", f"Architecture: `{item['architecture']}`. Task: {item['task']} ({item['role']})."]
    lines += ["", f"Classes: {', '.join(item['classes'])}.", "", "## Training", "", *recipe, "", "## Measured", ""]
    lines += ["On held-out data that training never saw.", "", "| what | value |", "| --- | --- |"]
    lines += [f"| {key} | {value:.3f} |" for key, value in item["quality"].items()]
    lines += ["", "## Licence", "", item["licence"], "", f"SHA-256 of the weights: `{item['sha256']}`.", ""]
    (FOLDER / f"{item['name']}.md").write_text("\n".join(lines), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DEFAULT_FOLDER)
    parser.add_argument("--detector", type=Path, required=True)
    parser.add_argument("--scenes", type=Path, required=True)
    parser.add_argument("--judge", type=Path, required=True)
    parser.add_argument("--recipe", type=Path, required=True, help="JSON: {model name: [sentence, ...]}")
    arguments = parser.parse_args()
    recipes: dict[str, list[str]] = json.loads(arguments.recipe.read_text(encoding="utf-8"))
    FOLDER.mkdir(exist_ok=True)
    scene_classes = Archive(arguments.data / "scenes6.npz").classes
    scene_facts = {"task": "scene", "input_size": SIDE, "classes": scene_classes, "licence": SCENES_LICENCE}
    models = [
        embedded(
            "people_detector",
            arguments.detector,
            task="objects",
            role="adversary",
            architecture="faster_rcnn_dense_resnet",
            input_size=416,
            classes=list(CLASSES),
            licence=PEOPLE_LICENCE,
        ),
        embedded("scenes", arguments.scenes, role="adversary", architecture="dense_resnet", **scene_facts),
        embedded("scenes_judge", arguments.judge, role="judge", architecture="plain_convnet", **scene_facts),
    ]
    cpu = torch.device("cpu")
    for item in models:
        if item["task"] == "objects":
            item["quality"] = average_precisions(load_detector(parsed(item), cpu), arguments.data)
        else:
            item["quality"] = {"scenes6.accuracy": accuracy(load_classifier(parsed(item), cpu), arguments.data)}
        item["quality"] = {key: round(value, 4) for key, value in item["quality"].items()}
        write_card(item, recipes[item["name"]])
        print(item["name"], item["quality"], flush=True)
    content = json.dumps({"models": [*models, *FULL]}, indent=2)
    (FOLDER / "manifest.json").write_text(content + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
