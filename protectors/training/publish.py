"""Enters trained weights into the manifest, measures them, and writes their model cards.

    python -m protectors.training.publish scenes=scenes.safetensors dsh48=dsh48.safetensors --recipe recipe.json

It copies the weights into ``protectors/models``, measures every figure of the cards on held-out data, and enters them into
``manifest.json``, whose other entries stay unchanged. The recipe holds the sentences about training by model name, which only
the trainer knows.
"""

import argparse
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import torch

from protectors.adversaries.cifar_networks import SIDE as CIFAR_SIDE
from protectors.adversaries.embedded_detector import CLASSES
from protectors.adversaries.loading import load_classifier, load_detector, load_encoder
from protectors.archive import DEFAULT_FOLDER, Archive
from protectors.evaluation.reading import accuracy, average_precisions, images_of, retrieval, share_right
from protectors.evaluation.visual import likeness
from protectors.generators import load as load_generator
from protectors.manifest import FOLDER, entry, parsed, sha256_of
from protectors.optimisation import on_levels
from protectors.refinement.generator import cloak_generator
from protectors.training.instant_quality import quality_of
from protectors.training.scenes import SIDE

PEOPLE_LICENCE = (
    "Weights: Apache-2.0. Trained on people.npz: photos from LS-chen/Pedestrian-behavior-detection-and-prediction, "
    "small public COCO subsets (images under their Flickr licences) and Open Images (CC BY 2.0 images); no image is shipped."
)
CIFAR_LICENCE = "Weights: Apache-2.0. Trained on CIFAR-10 (Krizhevsky, 2009; cifar10.npz); no image is shipped."
LANDMARKS_LICENCE = (
    "Weights: Apache-2.0. Trained on CIFAR-10 and on the 15-scene set (Lazebnik et al., 2006); no image is shipped."
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


def _scenes(role: str, architecture: str) -> dict[str, Any]:
    common = {"task": "scene", "data": "scenes6.npz", "input_size": SIDE, "licence": SCENES_LICENCE}
    return {**common, "role": role, "architecture": architecture}


def _cifar(task: str, role: str, architecture: str, **facts: Any) -> dict[str, Any]:
    common = {"task": task, "data": "cifar10.npz", "input_size": CIFAR_SIDE, "licence": CIFAR_LICENCE}
    return {**common, "role": role, "architecture": architecture, **facts}


RESNET, VGG = "resnet18_cifar_x0.25", "vgg13_bn_cifar_x0.25"
"""Architectures at a quarter of the published widths, which two CPU cores can train."""

EMBEDDED: dict[str, dict[str, Any]] = {
    "people_detector": {
        "task": "objects",
        "role": "adversary",
        "architecture": "faster_rcnn_dense_resnet",
        "input_size": 416,
        "licence": PEOPLE_LICENCE,
    },
    "people_detector_fcos": {
        "task": "objects",
        "role": "judge",
        "architecture": "fcos_mobilenet",
        "input_size": 416,
        # This threshold gives the best F1 on 120 training photos.
        "threshold": 0.49,
        "licence": PEOPLE_LICENCE,
    },
    "scenes": _scenes("adversary", "dense_resnet"),
    "scenes_judge": _scenes("judge", "plain_convnet"),
    # The evaluation of transfer leaves out each of these in turn.
    "scenes_shufflenet": _scenes("surrogate", "shufflenet"),
    "scenes_mobilenet": _scenes("surrogate", "mobilenet"),
    **{f"dsh{bits}": _cifar("search", "adversary", RESNET) for bits in (24, 48)},
    **{f"{name}{bits}": _cifar("search", "adversary", VGG) for name in ("dbh", "dpsh") for bits in (24, 48)},
    "dbh48_scenes15": _cifar("search", "adversary", VGG, data="scenes15.npz", licence=LANDMARKS_LICENCE),
    "vgg13_bn_cifar": _cifar("visual", "target", VGG),
    "resnet18_cifar": _cifar("visual", "auxiliary", RESNET),
    "unet_vgg13_bn_cifar": _cifar("visual", "generator", "unet", target="vgg13_bn_cifar", auxiliary="resnet18_cifar"),
    "instant": {
        "task": "cloak",
        "role": "generator",
        "architecture": "cloak_generator",
        "input_size": 416,
        "licence": PEOPLE_LICENCE,
    },
}
"""The embedded models in the manifest's order, with all their facts except measured ones."""


def embedded(name: str, weights: Path, **facts: Any) -> dict[str, Any]:
    """Copy the weights under the model's name, and return their entry."""
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
    if item["classes"]:
        lines += ["", f"Classes: {', '.join(item['classes'])}."]
    lines += ["", "## Training", "", *recipe, "", "## Measured", ""]
    lines += ["On held-out data that training never saw.", "", "| what | value |", "| --- | --- |"]
    lines += [f"| {key} | {value:.3f} |" for key, value in item["quality"].items()]
    lines += ["", "## Licence", "", item["licence"], "", f"SHA-256 of the weights: `{item['sha256']}`.", ""]
    (FOLDER / f"{item['name']}.md").write_text("\n".join(lines), encoding="utf-8")


def measured(item: dict[str, Any], data: Path, models: Path | None) -> dict[str, float]:
    """Measure a model's quality on data that training never saw; ``models`` is the folder of the pretrained networks."""
    entry, cpu = parsed(item), torch.device("cpu")
    if item["task"] == "cloak":
        if models is None or entry.file is None:
            raise ValueError("cloaks are measured by the pretrained networks: name their folder")
        return quality_of(cloak_generator(entry.file), models, data)
    if item["task"] == "objects":
        return average_precisions(load_detector(entry, cpu), data)
    archive = Archive(data / EMBEDDED[item["name"]]["data"])
    dataset = EMBEDDED[item["name"]]["data"].removesuffix(".npz")
    if item["task"] == "search":
        top = 1000 if dataset == "cifar10" else 200
        return {f"{dataset}.map{top}": retrieval(load_encoder(entry, cpu), archive, top=top)}
    if item["role"] == "generator":
        return {f"{dataset}.{key}": value for key, value in of_generator(item, archive).items()}
    return {f"{dataset}.accuracy": accuracy(load_classifier(entry, cpu), archive)}


def of_generator(item: dict[str, Any], archive: Archive) -> dict[str, float]:
    """Measure how well a generator's target and auxiliary model read its single pass, and how similar the pictures are."""
    cpu = torch.device("cpu")
    (tests,) = np.where(archive["is_test"])
    images, truth = images_of(archive, tests), torch.from_numpy(archive["labels"][tests].astype(np.int64))
    generator = load_generator(parsed(item), cpu)
    drawn = torch.cat([on_levels(generator.draw(batch)) for batch in images.split(500)])
    readers = {role: load_classifier(entry(item[role]), cpu) for role in ("target", "auxiliary")}
    figures = {f"{role}.before": share_right(reader, images, truth) for role, reader in readers.items()}
    figures |= {f"{role}.after": share_right(reader, drawn, truth) for role, reader in readers.items()}
    return {**figures, "ssim": likeness(images, drawn)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", nargs="+", metavar="NAME=FILE", help=f"names: {', '.join(EMBEDDED)}")
    parser.add_argument("--data", type=Path, default=DEFAULT_FOLDER)
    parser.add_argument("--models", type=Path, help="the folder of the pretrained networks, which judge cloaks")
    parser.add_argument("--recipe", type=Path, required=True, help="JSON: {model name: [sentence, ...]}")
    arguments = parser.parse_args()
    recipes: dict[str, list[str]] = json.loads(arguments.recipe.read_text(encoding="utf-8"))
    path = FOLDER / "manifest.json"
    listed = {item["name"]: item for item in json.loads(path.read_text(encoding="utf-8"))["models"]}
    pairs = [given.partition("=")[::2] for given in arguments.weights]
    for name, file in pairs:
        # All arguments are checked before the first measurement, which takes minutes.
        if name not in EMBEDDED or name not in recipes or not Path(file).is_file():
            parser.error(f"{name}={file}: it takes a name of those above, of which the recipe tells, and a file")
    for name, file in pairs:
        facts = EMBEDDED[name]
        archive = Archive(arguments.data / facts["data"]) if "data" in facts else None
        classes = archive.classes if archive else [] if facts["task"] == "cloak" else list(CLASSES)
        item = embedded(name, Path(file), classes=classes, **{key: value for key, value in facts.items() if key != "data"})
        item["quality"] = {key: round(value, 4) for key, value in measured(item, arguments.data, arguments.models).items()}
        write_card(item, recipes[name])
        print(name, item["quality"], flush=True)
        listed[name] = item
    ordered = [listed[name] for name in EMBEDDED if name in listed]
    official = {item["name"] for item in FULL}
    others = [item for name, item in listed.items() if name not in EMBEDDED and name not in official]
    path.write_text(json.dumps({"models": [*ordered, *others, *FULL]}, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
