"""What the model cards' files are made of: weights without a line of their pickles run, and graphs that ONNX Runtime
computes as the paper says."""

import collections
import io
import pickle
import struct
import sys
from pathlib import Path

import numpy
import onnxruntime
import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
import convert  # noqa: E402


class Reduced:
    """Pickled as the call of a function by its name."""

    def __init__(self, module: str, name: str, *arguments):
        self.module, self.name, self.arguments = module, name, arguments


class Pickler(pickle._Pickler):  # the one in Python, which can be taught to write names of modules that are not there
    def save(self, value, *more):
        if isinstance(value, Reduced):
            self.write(f"c{value.module}\n{value.name}\n".encode())
            super().save(value.arguments)
            self.write(pickle.REDUCE)
        elif isinstance(value, Storage):
            self.save_mark_of("storage", value)
        else:
            super().save(value, *more)

    def save_mark_of(self, word, storage):
        self.write(pickle.MARK)
        super().save(word)
        self.write(b"ctorch\nFloatStorage\n")
        for part in (storage.key, "cpu", storage.size, None):
            super().save(part)
        self.write(pickle.TUPLE + pickle.BINPERSID)


Storage = collections.namedtuple("Storage", "key size")


def pickled(value) -> bytes:
    out = io.BytesIO()
    Pickler(out, 2).dump(value)
    return out.getvalue()


def weights_file(tensors: dict[str, numpy.ndarray], stride=None) -> bytes:
    values = {name: Reduced("torch._utils", "_rebuild_tensor_v2", Storage(name, array.size), 0, array.shape,
                            stride or tuple(size // 4 for size in array.strides), False, collections.OrderedDict())
              for name, array in tensors.items()}
    data = pickled(convert.TORCH_MAGIC) + pickled(1001) + pickled({}) + pickled(values) + pickled(list(tensors))
    return data + b"".join(struct.pack("<q", array.size) + array.tobytes() for array in tensors.values())


def test_weights_are_read_as_they_were_written():
    tensors = {"a": numpy.arange(6, dtype="<f4").reshape(2, 3), "b": numpy.array([7.5], "<f4")}
    read = convert.read_weights(weights_file(tensors))
    assert {name: shape for name, (shape, _) in read.items()} == {"a": (2, 3), "b": (1,)}
    assert all(read[name][1] == array.tobytes() for name, array in tensors.items())


def test_a_pickle_that_calls_anything_else_is_refused_before_it_is_called(tmp_path):
    file = tmp_path / "called"
    evil = pickled(convert.TORCH_MAGIC) + pickled(1001) + pickled({}) + pickled(Reduced("os", "mkdir", str(file)))
    with pytest.raises(convert.ConvertError, match="os.mkdir"):
        convert.read_weights(evil)
    assert not file.exists()


def test_weights_that_are_cut_short_or_turned_are_refused():
    whole = weights_file({"a": numpy.arange(6, dtype="<f4").reshape(2, 3)})
    with pytest.raises(convert.ConvertError, match="truncated"):
        convert.read_weights(whole[:-1])
    with pytest.raises(convert.ConvertError, match="row by row"):
        convert.read_weights(weights_file({"a": numpy.zeros((2, 3), "<f4")}, stride=(1, 2)))
    with pytest.raises(convert.ConvertError, match="no weights"):
        convert.read_weights(pickled(5))


def test_a_depthwise_layer_is_what_onnx_runtime_computes():
    """A graph of our own bytes against the same arithmetic in NumPy."""
    random = numpy.random.default_rng(3)
    kernel = random.normal(size=(3, 1, 3, 3)).astype("<f4")
    gain, shift, mean = (random.normal(size=3).astype("<f4") for _ in range(3))
    variance = random.uniform(0.5, 2, 3).astype("<f4")
    tensors = {"c.weight": kernel, "n.weight": gain, "n.bias": shift, "n.running_mean": mean,
               "n.running_var": variance}
    graph = convert.Graph({name: (array.shape, array.tobytes()) for name, array in tensors.items()})
    graph.constant("zero", (), convert.floats(0))
    graph.constant("six", (), convert.floats(6))
    graph.convolve("c", "n", stride=2)
    model = graph.model("layer", (1, 3, 6, 6), (1, 3, 3, 3))
    picture = random.normal(size=(1, 3, 6, 6)).astype("f4")
    (found,) = onnxruntime.InferenceSession(model).run(None, {"input": picture})
    padded = numpy.pad(picture[0], ((0, 0), (1, 1), (1, 1)))
    for channel, row, column in numpy.ndindex(3, 3, 3):
        patch = padded[channel, 2 * row:2 * row + 3, 2 * column:2 * column + 3]
        value = (patch * kernel[channel, 0]).sum()
        value = (value - mean[channel]) / numpy.sqrt(variance[channel] + 1e-5) * gain[channel] + shift[channel]
        assert found[0, channel, row, column] == pytest.approx(min(max(value, 0), 6), abs=1e-5)


def test_the_fetched_graph_takes_a_picture_and_gives_a_number_a_class():
    model = (ROOT / ".deps/models/mobilenet_v2.onnx").read_bytes()
    session = onnxruntime.InferenceSession(model)
    (logits,) = session.run(None, {"input": numpy.full((1, 3, 224, 224), 128, "f4")})
    classes = (ROOT / ".deps/models/imagenet_classes.txt").read_text().splitlines()
    assert logits.shape == (1, 1000) and numpy.isfinite(logits).all() and len(set(logits[0])) > 900
    assert len(classes) == 1000 and classes[0] == "tench" and classes[794] == "shower curtain"


def test_a_list_of_classes_is_read_and_never_run():
    names = [f"class {number}" for number in range(1000)]
    source = f"import nothing_there\n_IMAGENET_CATEGORIES = {names!r}\nraise SystemExit\n"
    assert convert.imagenet_classes(source.encode()).decode().splitlines() == names
    with pytest.raises(convert.ConvertError):
        convert.imagenet_classes(b"_IMAGENET_CATEGORIES = ['one']")
