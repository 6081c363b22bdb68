#!/usr/bin/env python3
"""Writes tests/golden/vision/embeddings.txt: for each test photo the main face's five landmarks and its embedding, as
ONNX Runtime computes them in f32 (bench/onnx_pipeline.py). Needs bench/requirements.txt and a fetched .deps/.

A line: photo, 10 numbers of landmarks (x y, in pixels of the photo), 128 of the embedding.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "bench"))

from onnx_pipeline import OnnxPipeline  # noqa: E402


def main() -> None:
    deps = ROOT / ".deps"
    pipeline = OnnxPipeline(deps / "models/yunet.onnx", deps / "models/sface.onnx")
    photos = sorted((deps / "testphotos").rglob("*.jpg"))
    lines = ["# Made by tools/golden_embeddings.py: photo, 5 landmarks (x y), 128 numbers of unit length."]
    for photo in photos:
        landmarks, embedding = pipeline.main_face(photo.read_bytes())
        numbers = [f"{value:.2f}" for value in landmarks.ravel()] + [f"{value:.5f}" for value in embedding]
        lines.append(" ".join([str(photo.relative_to(deps / "testphotos")), *numbers]))
    target = ROOT / "tests/golden/vision/embeddings.txt"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text("\n".join(lines) + "\n")
    print(f"wrote {len(photos)} photos to {target}")


if __name__ == "__main__":
    main()
