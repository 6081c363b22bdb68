#!/usr/bin/env python3
"""Vision beside its baselines, in the same minute on the same core.

    ./dev bench vision --images DIR [--count 200] [--rounds 5] [--json OUT]

In turns, so that a noisy neighbour hits all alike, on one pinned core, one thread each:

  facefleet      `facefleet bench vision`: JPEG bytes in memory to the main face's embedding, in f32 and in bf16
  Python         the same with ONNX Runtime, as a careful engineer would write it (onnx_pipeline.py)
  benchmark_app  OpenVINO's own tool on the two graphs alone, synchronous, one stream, one thread
  graphs         the same two graphs in the same way in a loop of ours, to have their CPU time too

Prints medians over the rounds and writes them as JSON. benchmark_app reports wall time, so the ratio to it compares
wall time with wall time and is worth something on an idle machine only; the ratio of CPU times holds on a busy one,
too. Photos of 250 x 250 pixels, as in LFW, make the comparison exact: the
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
LARGE_REPEATS = 20
LARGE = (4000, 3000)
DETECTOR_SHAPE = [1, 3, 256, 256]
EMBEDDER_SHAPE = [1, 3, 112, 112]


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


def benchmark_app(model: str, shape: list[int], precision: str) -> float:
    """The median latency of one inference, in ms of wall time."""
    output = run([Path(sys.executable).with_name("benchmark_app"), "-m", MODELS / model, "-d", "CPU", "-hint", "none",
                  "-nstreams", 1, "-nthreads", 1, "-api", "sync", "-shape", str(shape), "-infer_precision", precision,
                  "-t", 2])
    return float(re.search(r"Median:\s+([\d.]+) ms", output)[1])


class Graph:
    """A network alone, as benchmark_app runs it."""

    def __init__(self, core: openvino.Core, model: str, shape: list[int], precision: str):
        graph = core.read_model(MODELS / model)
        graph.reshape(shape)
        settings = {"NUM_STREAMS": 1, "INFERENCE_NUM_THREADS": 1, "INFERENCE_PRECISION_HINT": precision}
        self.request = core.compile_model(graph, "CPU", settings).create_infer_request()
        self.request.get_input_tensor().data[:] = np.random.default_rng(1).uniform(0, 255, shape)

    def cpu_ms(self, count: int) -> float:
        times = []
        for _ in range(WARM_UP + count):
            begun = time.process_time()
            self.request.infer()
            times.append(time.process_time() - begun)
        return statistics.median(times[WARM_UP:]) * 1e3


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
    core = openvino.Core()
    detector = Graph(core, "yunet.onnx", DETECTOR_SHAPE, "f32")
    embedders = {precision: Graph(core, "sface.onnx", EMBEDDER_SHAPE, precision) for precision in precisions}
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
                keep(f"graph_sface_{precision}_cpu", embedders[precision].cpu_ms(options.count))
                keep(f"benchmark_app_sface_{precision}", benchmark_app("sface.onnx", EMBEDDER_SHAPE, precision))
            keep("graph_yunet_f32_cpu", detector.cpu_ms(options.count))
            keep("benchmark_app_yunet_f32", benchmark_app("yunet.onnx", DETECTOR_SHAPE, "f32"))
            keep("onnx_cpu", onnx_cpu_ms(pipeline, photos))
            of_large = facefleet(options.binary, Path(folder), LARGE_REPEATS, None)
            keep("large_cpu", of_large["cpu_ms_per_photo"])
            keep("large_wall", of_large["wall_ms_per_photo"])
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
        networks_wall = median["benchmark_app_yunet_f32"] + median[f"benchmark_app_sface_{precision}"]
        networks_cpu = median["graph_yunet_f32_cpu"] + median[f"graph_sface_{precision}_cpu"]
        ours = median[f"facefleet_{precision}_cpu"]
        out["ratios"][f"onnx_python_to_facefleet_{precision}"] = median["onnx_cpu"] / ours
        out["ratios"][f"facefleet_{precision}_to_benchmark_app"] = median[f"facefleet_{precision}_wall"] / networks_wall
        out["ratios"][f"facefleet_{precision}_to_graphs"] = median[f"facefleet_{precision}_cpu"] / networks_cpu
    return out


def print_table(result: dict, precisions: list[str]) -> None:
    median, ratios = result["medians_ms"], result["ratios"]
    print(f"{result['machine']} ({', '.join(result['isa'])}), one core; commit {result['commit']}; "
          f"{', '.join(f'{name} {version}' for name, version in result['versions'].items())}")
    print(f"{result['photos']} photos, medians of {result['rounds']} rounds; "
          f"facefleet by itself takes {result['automatic_precision']} here\n")
    print(f"{'':36}{'f32':>10}{'bf16':>10}" if len(precisions) > 1 else f"{'':36}{'f32':>10}")

    def row(name: str, value) -> None:
        print(f"{name:36}" + "".join(f"{value(precision):10.3f}" for precision in precisions))

    row("facefleet, CPU ms a photo", lambda p: median[f"facefleet_{p}_cpu"])
    row("facefleet, wall ms a photo", lambda p: median[f"facefleet_{p}_wall"])
    for stage in ("decode", "detect", "align", "embed"):
        row(f"  {stage}", lambda p, stage=stage: median[f"facefleet_{p}_{stage}"])
    row("graphs alone, CPU ms: YuNet (f32)", lambda p: median["graph_yunet_f32_cpu"])
    row("graphs alone, CPU ms: SFace", lambda p: median[f"graph_sface_{p}_cpu"])
    row("facefleet : graphs alone (CPU)", lambda p: ratios[f"facefleet_{p}_to_graphs"])
    row("benchmark_app, wall ms: YuNet (f32)", lambda p: median["benchmark_app_yunet_f32"])
    row("benchmark_app, wall ms: SFace", lambda p: median[f"benchmark_app_sface_{p}"])
    row("facefleet : benchmark_app (wall)", lambda p: ratios[f"facefleet_{p}_to_benchmark_app"])
    row("Python + ONNX Runtime (f32), CPU ms", lambda p: median["onnx_cpu"])
    row("Python + ONNX Runtime : facefleet", lambda p: ratios[f"onnx_python_to_facefleet_{p}"])
    print(f"\n12-megapixel JPEG of {median['large_megabytes']:.1f} MB: {median['large_cpu']:.1f} ms of CPU, "
          f"{median['large_wall']:.1f} ms of wall time in all")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=Path, required=True, help="folder of JPEG photos, best of 250 x 250 pixels")
    parser.add_argument("--binary", type=Path, default=ROOT / "build/release/facefleet")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--core", type=int, help="the core to stay on (default: the last one)")
    parser.add_argument("--json", type=Path, default=ROOT / "bench/results/vision.json")
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
