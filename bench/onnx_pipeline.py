"""YuNet + SFace in Python with ONNX Runtime, one thread: the baseline of vision.py, and the oracle from which
tools/golden_embeddings.py takes its numbers. In its fair form: the weights are taken out of the graphs' inputs, so that
ONNX Runtime folds constants (SFace 2.5 times as fast), sizes are fixed, arrays are not copied without need.

Follows the same rules as src/vision (scales, template, choice of the main face), and shares no code with it.
"""

import io
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from PIL import Image

SIDE_MAX = 640
ENLARGE_BELOW = 160
CANVAS_STEP = 64
FINER_BELOW = 0.6
SCORE_MIN = 0.7
OVERLAP_MAX = 0.3
STRIDES = (8, 16, 32)
CHIP = 112
TEMPLATE = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]])


@dataclass
class Faces:
    boxes: np.ndarray  # n x 4: x, y, width, height, in pixels of the photo
    landmarks: np.ndarray  # n x 5 x 2
    scores: np.ndarray


def folded(path: Path, height: int = 0, width: int = 0) -> bytes:
    """The model with its weights as constants, and its input's size set."""
    model = onnx.load(path)
    weights = {weight.name for weight in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in weights]
    del model.graph.input[:]
    model.graph.input.extend(inputs)
    if height:
        for place, size in ((2, height), (3, width)):
            inputs[0].type.tensor_type.shape.dim[place].dim_value = size
            model.graph.input[0].CopyFrom(inputs[0])
        for value in model.graph.output:
            value.type.tensor_type.ClearField("shape")
    return model.SerializeToString()


def one_thread_session(model: bytes) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def bilinear(image: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Samples at x, y (arrays of one shape); beyond the image: black."""
    height, width = image.shape[:2]
    column, row = np.floor(x).astype(np.int32), np.floor(y).astype(np.int32)
    right, down = (x - column).astype(np.float32)[..., None], (y - row).astype(np.float32)[..., None]
    inside = column.min() >= 0 and row.min() >= 0 and column.max() < width - 1 and row.max() < height - 1
    if not inside:
        image = np.pad(image, ((2, 2), (2, 2), (0, 0)))
        column, row = np.clip(column + 2, 0, width + 2), np.clip(row + 2, 0, height + 2)
    flat, at = image.reshape(-1, 3), row * image.shape[1] + column
    below = at + image.shape[1]
    top = flat[at] * (1 - right) + flat[at + 1] * right
    return top * (1 - down) + (flat[below] * (1 - right) + flat[below + 1] * right) * down


def halve(image: np.ndarray) -> np.ndarray:
    image = np.pad(image, ((0, image.shape[0] % 2), (0, image.shape[1] % 2), (0, 0)), mode="edge").astype(np.uint16)
    return ((image[::2, ::2] + image[1::2, ::2] + image[::2, 1::2] + image[1::2, 1::2] + 2) // 4).astype(np.uint8)


def without_doubles(faces: Faces) -> Faces:
    order, kept = list(np.argsort(-faces.scores, kind="stable")), []
    x, y, width, height = faces.boxes.T
    while order:
        best = order.pop(0)
        kept.append(best)
        if not order:
            break
        rest = np.array(order)
        across = np.minimum(x[best] + width[best], x[rest] + width[rest]) - np.maximum(x[best], x[rest])
        down = np.minimum(y[best] + height[best], y[rest] + height[rest]) - np.maximum(y[best], y[rest])
        shared = np.maximum(across, 0) * np.maximum(down, 0)
        union = width[best] * height[best] + width[rest] * height[rest] - shared
        order = list(rest[shared / union <= OVERLAP_MAX])
    return Faces(faces.boxes[kept], faces.landmarks[kept], faces.scores[kept])


def similarity(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The 2 x 3 map that takes source to target with the least squared distance (Umeyama 1991)."""
    a, b = source - source.mean(0), target - target.mean(0)
    turn = complex((a * b).sum(), (a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum()) / (a * a).sum()
    linear = np.array([[turn.real, -turn.imag], [turn.imag, turn.real]])
    return np.hstack([linear, (target.mean(0) - linear @ source.mean(0))[:, None]])


class Photo:
    """A JPEG's pixels at 1, 1/2, 1/4 … of its size."""

    def __init__(self, data: bytes):
        self.data, self.levels = data, {}
        self.width, self.height = Image.open(io.BytesIO(data)).size

    def level(self, level: int) -> np.ndarray:
        if level not in self.levels:
            if any(finer < level for finer in self.levels) or level > 3:
                self.levels[level] = halve(self.level(level - 1))
            else:
                image = Image.open(io.BytesIO(self.data))
                image.draft("RGB", (self.width >> level, self.height >> level))
                self.levels[level] = np.asarray(image.convert("RGB"))
        return self.levels[level]


class OnnxPipeline:
    def __init__(self, detector: Path, embedder: Path):
        self.detector_path = detector
        self.detectors = {}
        self.embedder = one_thread_session(folded(embedder))
        axis = np.arange(CHIP)
        self.grid = np.stack([*np.meshgrid(axis, axis), np.ones((CHIP, CHIP))], -1).reshape(-1, 3)

    def detect(self, image: np.ndarray) -> Faces:
        """Faces in pixels of the image."""
        height, width = image.shape[:2]
        scale = min(2.0 if min(height, width) < ENLARGE_BELOW else 1.0, SIDE_MAX / max(height, width))
        content = image
        if scale != 1.0:
            size = [min(SIDE_MAX, max(1, math.floor(side * scale + 0.5))) for side in (height, width)]
            shift = 0.5 / scale - 0.5
            rows = np.clip(np.arange(size[0]) / scale + shift, 0, height - 1.001)
            columns = np.clip(np.arange(size[1]) / scale + shift, 0, width - 1.001)
            content = np.rint(bilinear(image, *np.meshgrid(columns, rows)))
        rows, columns = content.shape[:2]
        canvas = tuple((side + CANVAS_STEP - 1) // CANVAS_STEP * CANVAS_STEP for side in (rows, columns))
        if canvas not in self.detectors:
            session = one_thread_session(folded(self.detector_path, *canvas))
            self.detectors[canvas] = (session, np.zeros((1, 3, *canvas), np.float32))
        session, blob = self.detectors[canvas]
        blob[:] = 0
        blob[0, :, :rows, :columns] = content.transpose(2, 0, 1)[::-1]
        names = [f"{kind}_{stride}" for kind in ("cls", "obj", "bbox", "kps") for stride in STRIDES]
        faces = without_doubles(self.decode(session.run(names, {session.get_inputs()[0].name: blob}), canvas[1]))
        if scale != 1.0:
            faces.boxes[:, :2] += 0.5
            faces.boxes /= scale
            faces.boxes[:, :2] -= 0.5
            faces.landmarks[:] = (faces.landmarks + 0.5) / scale - 0.5
        return faces

    @staticmethod
    def decode(outputs: list, canvas_width: int) -> Faces:
        boxes, landmarks, scores = [], [], []
        for level, stride in enumerate(STRIDES):
            score = np.clip(outputs[level][0, :, 0], 0, 1) * np.clip(outputs[3 + level][0, :, 0], 0, 1)
            cells = np.flatnonzero(score >= SCORE_MIN**2)
            place = np.stack([cells % (canvas_width // stride), cells // (canvas_width // stride)], -1)
            box, points = outputs[6 + level][0, cells], outputs[9 + level][0, cells].reshape(-1, 5, 2)
            size = np.exp(box[:, 2:]) * stride
            boxes.append(np.hstack([(place + box[:, :2]) * stride - size / 2, size]))
            landmarks.append((place[:, None] + points) * stride)
            scores.append(np.sqrt(score[cells]))
        return Faces(np.concatenate(boxes), np.concatenate(landmarks), np.concatenate(scores))

    def main_face(self, data: bytes):
        """(landmarks in pixels of the photo, unit embedding) of the main face, or None."""
        photo = Photo(data)
        level = 0
        while max(photo.width, photo.height) >> (level + 1) >= SIDE_MAX:
            level += 1
        faces = self.detect(photo.level(level))
        if not len(faces.scores):
            return None
        scale = 2.0**level
        boxes = faces.boxes * scale
        offset = boxes[:, :2] + boxes[:, 2:] / 2 - [photo.width / 2, photo.height / 2]
        best = np.argmax(boxes[:, 2] * boxes[:, 3] - 2 * (offset**2).sum(1))
        landmarks = (faces.landmarks[best] + 0.5) * scale - 0.5
        return landmarks, self.embed(photo, level, landmarks)

    def embed(self, photo: Photo, decoded: int, landmarks: np.ndarray) -> np.ndarray:
        pixels = 1 / math.hypot(*similarity(landmarks, TEMPLATE)[:, 0])  # of the photo to one of the chip
        ideal = math.floor(math.log2(max(pixels, 1.0)))
        level = max(ideal, decoded) if pixels / 2**decoded >= FINER_BELOW else ideal
        to_chip = np.vstack([similarity((landmarks + 0.5) / 2**level - 0.5, TEMPLATE), [0, 0, 1]])
        x, y = np.linalg.inv(to_chip)[:2] @ self.grid.T
        chip = np.rint(bilinear(photo.level(level), x, y)).reshape(CHIP, CHIP, 3)
        blob = np.ascontiguousarray(chip.transpose(2, 0, 1)[None], np.float32)
        output = self.embedder.run(None, {self.embedder.get_inputs()[0].name: blob})[0][0]
        return output / np.linalg.norm(output)
