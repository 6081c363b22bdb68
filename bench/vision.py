#!/usr/bin/env python3
"""Vision beside its baselines, in the same minute on the same core.

    ./dev bench vision --images DIR [--count 200] [--rounds 5] [--json OUT]

In turns, so that a noisy neighbour hits all alike, on one pinned core, one thread each:

  facefleet      `facefleet bench vision`: JPEG bytes in memory to the main face's embedding, in f32 and in bf16
  Python         the same with ONNX Runtime, as a careful engineer would write it (onnx_pipeline.py)
  benchmark_app  OpenVINO's own tool on the two graphs alone, synchronous, one stream, one thread

Prints medians over the rounds and writes them as JSON. CPU is the process's; wall is what benchmark_app reports, so
the ratio to it compares wall time with wall time. Photos of 250 x 250 pixels, as in LFW, make the comparison exact: the
detector's graph then has the size that benchmark_app is given.
"""

import argparse
import io
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import onnxruntime
import openvino
from onnx_pipeline import OnnxPipeline
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
MODELS = Path(os.environ.get("FACEFLEET_MODELS") or ROOT / ".deps/models")
PHOTO_ENDINGS = {".jpg", ".jpeg"}
WARM_UP = 10
LARGE = (4000, 3000)


def cpu_flags() -> set[str]:
    return set(re.search(r"^flags\s*:(.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)[1].split())


def run(command: list) -> str:
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))} failed:\n{done.stderr or done.stdout}")
    return done.stdout


def facefleet(binary: Path, images: Path, count: int, precision: str | None) -> dict:
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out.json"
        extra = ["--precision", precision] if precision else []
        run([binary, "bench", "vision", "--images", images, "--count", count, "--json", out, *extra])
        return json.loads(out.read_text())


def benchmark_app(model: str, shape: str, precision: str) -> float:
    """The median latency of one inference, in ms of wall time."""
    output = run([Path(sys.executable).with_name("benchmark_app"), "-m", MODELS / model, "-d", "CPU", "-hint", "none",
                  "-nstreams", 1, "-nthreads", 1, "-api", "sync", "-shape", shape, "-infer_precision", precision,
                  "-t", 2])
    return float(re.search(r"Median:\s+([\d.]+) ms", output)[1])


def onnx_cpu_ms(pipeline: OnnxPipeline, photos: list[bytes]) -> float:
    for photo in photos[:WARM_UP]:
        pipeline.main_face(photo)
    times = []
    for photo in photos:
        begun = time.process_time()
        pipeline.main_face(photo)
        times.append(time.process_time() - begun)
    return statistics.median(times) * 1e3


def spread_photos(images: Path, count: int) -> list[bytes]:
    """As `facefleet bench vision` spreads them; the photos need not be the very same."""
    paths = sorted(path for path in images.rglob("*") if path.suffix.lower() in PHOTO_ENDINGS)
    if not paths:
        sys.exit(f"there are no JPEG photos in {images}")
    return [paths[i * len(paths) // count if len(paths) > count else i % len(paths)].read_bytes() for i in range(count)]


def large_photo(small: bytes) -> bytes:
    """A 12-megapixel JPEG, upscaled, with a camera's noise so that it has as many bytes as a photo of that size."""
    image = np.asarray(Image.open(io.BytesIO(small)).convert("RGB").resize(LARGE, Image.BICUBIC), np.int16)
    noise = np.random.default_rng(1).integers(-4, 5, image.shape, np.int16)
    out = io.BytesIO()
    Image.fromarray(np.clip(image + noise, 0, 255).astype(np.uint8)).save(out, "JPEG", quality=90)
    return out.getvalue()


def measure(options: argparse.Namespace, precisions: list[str]) -> dict[str, list[float]]:
    """Each figure's value in every round."""
    photos = spread_photos(options.images, options.count)
    pipeline = OnnxPipeline(MODELS / "yunet.onnx", MODELS / "sface.onnx")
    figures: dict[str, list[float]] = {}

    def keep(name: str, value: float) -> None:
        figures.setdefault(name, []).append(value)

    with tempfile.TemporaryDirectory() as folder:
        large = Path(folder) / "large.jpg"
        large.write_bytes(large_photo(photos[0]))
        keep("large_megabytes", large.stat().st_size / 1e6)
        for number in range(options.rounds):
            print(f"round {number + 1} of {options.rounds}", file=sys.stderr, flush=True)
            for precision in precisions:
                ours = facefleet(options.binary, options.images, options.count, precision)
                keep(f"facefleet_{precision}_cpu", ours["cpu_ms_per_photo"])
                keep(f"facefleet_{precision}_wall", ours["wall_ms_per_photo"])
                for stage, value in ours["stages_ms"].items():
                    keep(f"facefleet_{precision}_{stage}", value)
                keep(f"benchmark_app_sface_{precision}", benchmark_app("sface.onnx", "[1,3,112,112]", precision))
            keep("benchmark_app_yunet_f32", benchmark_app("yunet.onnx", "[1,3,256,256]", "f32"))
            keep("onnx_cpu", onnx_cpu_ms(pipeline, photos))
            keep("large_wall", facefleet(options.binary, Path(folder), 20, None)["wall_ms_per_photo"])
    return figures


def report(options: argparse.Namespace, precisions: list[str], figures: dict[str, list[float]]) -> dict:
    median = {name: statistics.median(values) for name, values in figures.items()}
    flags = cpu_flags()
    commit = subprocess.run(["git", "-C", ROOT, "describe", "--always", "--dirty"], capture_output=True, text=True)
    out = {
        "machine": re.search(r"model name\s*:\s*(.*)", Path("/proc/cpuinfo").read_text())[1],
        "isa": sorted(flags & {"avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16"}),
        "system": platform.platform(),
        "commit": commit.stdout.strip(),
        "versions": {"openvino": openvino.__version__, "onnxruntime": onnxruntime.__version__,
                     "numpy": np.__version__, "python": platform.python_version()},
        "photos": options.count,
        "rounds": options.rounds,
        "automatic_precision": facefleet(options.binary, options.images, WARM_UP, None)["precision"],
        "medians_ms": median,
        "ratios": {},
    }
    for precision in precisions:
        networks = median["benchmark_app_yunet_f32"] + median[f"benchmark_app_sface_{precision}"]
        out["ratios"][f"onnx_python_to_facefleet_{precision}"] = median["onnx_cpu"] / median[f"facefleet_{precision}_cpu"]
        out["ratios"][f"facefleet_{precision}_to_benchmark_app"] = median[f"facefleet_{precision}_wall"] / networks
    return out


def print_table(result: dict, precisions: list[str]) -> None:
    median, ratios = result["medians_ms"], result["ratios"]
    print(f"{result['machine']} ({', '.join(result['isa'])}), one core; commit {result['commit']}; "
          f"{', '.join(f'{name} {version}' for name, version in result['versions'].items())}")
    print(f"{result['photos']} photos, medians of {result['rounds']} rounds; "
          f"facefleet by itself takes {result['automatic_precision']} here\n")
    print(f"{'':34}{'f32':>10}{'bf16':>10}" if len(precisions) > 1 else f"{'':34}{'f32':>10}")

    def row(name: str, value) -> None:
        print(f"{name:34}" + "".join(f"{value(precision):10.3f}" for precision in precisions))

    row("facefleet, CPU ms a photo", lambda p: median[f"facefleet_{p}_cpu"])
    row("facefleet, wall ms a photo", lambda p: median[f"facefleet_{p}_wall"])
    for stage in ("decode", "detect", "align", "embed"):
        row(f"  {stage}", lambda p, stage=stage: median[f"facefleet_{p}_{stage}"])
    row("benchmark_app, YuNet at 256 (f32)", lambda p: median["benchmark_app_yunet_f32"])
    row("benchmark_app, SFace", lambda p: median[f"benchmark_app_sface_{p}"])
    row("facefleet : benchmark_app's sum", lambda p: ratios[f"facefleet_{p}_to_benchmark_app"])
    row("Python + ONNX Runtime (f32), CPU ms", lambda p: median["onnx_cpu"])
    row("Python + ONNX Runtime : facefleet", lambda p: ratios[f"onnx_python_to_facefleet_{p}"])
    print(f"\n12-megapixel JPEG of {median['large_megabytes']:.1f} MB: {median['large_wall']:.1f} ms in all")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=Path, required=True, help="folder of JPEG photos, best of 250 x 250 pixels")
    parser.add_argument("--binary", type=Path, default=ROOT / "build/release/facefleet")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--core", type=int, help="the core to stay on (default: the last one)")
    parser.add_argument("--json", type=Path, default=ROOT / "build/bench-vision.json")
    options = parser.parse_args()
    if not options.binary.exists():
        sys.exit(f"there is no {options.binary}; `./dev build` makes it")
    os.sched_setaffinity(0, {options.core if options.core is not None else max(os.sched_getaffinity(0))})
    precisions = ["f32"] + (["bf16"] if cpu_flags() & {"avx512_bf16", "amx_bf16"} else [])
    result = report(options, precisions, measure(options, precisions))
    print_table(result, precisions)
    options.json.write_text(json.dumps(result, indent=1) + "\n")
    print(f"written to {options.json}")


if __name__ == "__main__":
    main()
