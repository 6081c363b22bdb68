#!/usr/bin/env python3
"""Writes tests/golden/vision/classes.txt: for each test photo the likeliest five of MobileNetV2's classes and their
logits, as ONNX Runtime computes them in f32 of a picture that Pillow shrinks. Needs bench/requirements.txt and a
fetched .deps/.

A line: photo, and five times the number of a class and its logit.
"""

from pathlib import Path

import numpy
import onnxruntime
from PIL import Image, ImageOps

ROOT = Path(__file__).resolve().parent.parent
SHORT_SIDE, SIDE, BEST = 256, 224, 5


def picture(photo: Path) -> numpy.ndarray:
    """As torchvision measured the weights: the short side at 256 pixels, 224 x 224 of them from the centre."""
    image = ImageOps.exif_transpose(Image.open(photo)).convert("RGB")
    width, height = image.size
    size = (SHORT_SIDE, SHORT_SIDE * height // width) if width <= height else (SHORT_SIDE * width // height, SHORT_SIDE)
    image = image.resize(size, Image.Resampling.BILINEAR)
    left, top = (round((side - SIDE) / 2) for side in size)
    cut = image.crop((left, top, left + SIDE, top + SIDE))
    return numpy.asarray(cut, numpy.float32).transpose(2, 0, 1)[None]


def main() -> None:
    deps = ROOT / ".deps"
    session = onnxruntime.InferenceSession(deps / "models/mobilenet_v2.onnx")
    photos = sorted((deps / "testphotos").rglob("*.jpg"))
    lines = [f"# Made by tools/golden_classes.py: photo, {BEST} times the number of a class and its logit."]
    for photo in photos:
        (logits,) = session.run(None, {"input": picture(photo)})
        best = numpy.argsort(-logits[0])[:BEST]
        lines.append(" ".join([str(photo.relative_to(deps / "testphotos")),
                               *(f"{number} {logits[0][number]:.4f}" for number in best)]))
    target = ROOT / "tests/golden/vision/classes.txt"
    target.write_text("\n".join(lines) + "\n")
    print(f"wrote {len(photos)} photos to {target}")


if __name__ == "__main__":
    main()
