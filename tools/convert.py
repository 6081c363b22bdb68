"""Makes the files of the model cards out of what their packages carry, where the card says `convert = "…"`: PyTorch's
weights become an ONNX graph, a list in a Python source a text file. Standard library only; nothing of a package is
imported or run; the same bytes in, the same bytes out, so that a card pins the result by its sha256 as well.
"""

import ast
import collections
import io
import pickle
import struct

# --- weights as torch.save() wrote them before version 1.6 --------------------------------------------------------

TORCH_MAGIC = 0x1950A86A20F9469CFC6C


class ConvertError(Exception):
    """What was not as expected, in a sentence for the person at the terminal."""


class Storage(collections.namedtuple("Storage", "kind key size")):
    """What a tensor's numbers are a view of; its bytes follow the pickle."""


class Tensor(collections.namedtuple("Tensor", "storage offset shape")):
    pass


class WeightsUnpickler(pickle.Unpickler):
    """Builds dictionaries of tensors and nothing else: any other name that a pickle asks for is refused."""

    def find_class(self, module: str, name: str):
        known = {("collections", "OrderedDict"): collections.OrderedDict,
                 ("torch._utils", "_rebuild_tensor_v2"): self.rebuild,
                 ("torch", "FloatStorage"): "f", ("torch", "LongStorage"): "q"}
        if (module, name) not in known:
            raise ConvertError(f"the weights ask for {module}.{name}, which no weights need")
        return known[module, name]

    def persistent_load(self, reference):
        _, kind, key, _, size, _ = reference
        return Storage(kind, key, size)

    @staticmethod
    def rebuild(storage, offset, shape, stride, *_unused):
        dense = [1]
        for size in reversed(shape[1:]):
            dense.insert(0, dense[0] * size)
        if shape and tuple(stride) != tuple(dense):
            raise ConvertError("a tensor of the weights is not stored row by row")
        return Tensor(storage, offset, tuple(shape))


def read_weights(data: bytes) -> dict[str, tuple[tuple[int, ...], bytes]]:
    """Shape and little-endian float32 bytes of each tensor of floats, by name."""
    file = io.BytesIO(data)

    def load():
        return WeightsUnpickler(file).load()

    if load() != TORCH_MAGIC:
        raise ConvertError("these are no weights that torch.save() wrote")
    load(), load()  # its protocol's version, and the sizes of the machine that it ran on
    tensors = load()
    storages = {tensor.storage.key: tensor.storage for tensor in tensors.values()}
    contents = {}
    for key in load():
        (size,) = struct.unpack("<q", file.read(8))
        if size != storages[key].size:
            raise ConvertError("the weights are truncated")
        contents[key] = file.read(size * struct.calcsize(storages[key].kind))
    out = {}
    for name, tensor in tensors.items():
        if tensor.storage.kind != "f":
            continue
        count = 1
        for size in tensor.shape:
            count *= size
        out[name] = tensor.shape, contents[tensor.storage.key][4 * tensor.offset:4 * (tensor.offset + count)]
        if len(out[name][1]) != 4 * count:
            raise ConvertError("the weights are truncated")
    return out


# --- ONNX, as its onnx.proto3 lays it out -------------------------------------------------------------------------

def varint(value: int) -> bytes:
    out = bytearray()
    value &= (1 << 64) - 1
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(out + bytes([value]))


def field(number: int, value: int | float | str | bytes) -> bytes:
    """A field of a message: an integer, a 32-bit float, or bytes with their length before them."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    if isinstance(value, float):
        return varint(number << 3 | 5) + struct.pack("<f", value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


FLOAT = 1  # TensorProto.DataType


def attribute(name: str, value: int | float | list[int]) -> bytes:
    if isinstance(value, list):
        return field(1, name) + b"".join(field(8, size) for size in value) + field(20, 7)
    if isinstance(value, int):
        return field(1, name) + field(3, value) + field(20, 2)
    return field(1, name) + field(2, value) + field(20, 1)


def tensor_of(name: str, shape: tuple[int, ...], data: bytes) -> bytes:
    return b"".join(field(1, size) for size in shape) + field(2, FLOAT) + field(8, name) + field(9, data)


def value_info(name: str, shape: tuple[int, ...]) -> bytes:
    sizes = b"".join(field(1, field(1, size)) for size in shape)
    return field(1, name) + field(2, field(1, field(1, FLOAT) + field(2, sizes)))


class Graph:
    """A chain of nodes, each taking the last one's output first."""

    def __init__(self, weights: dict):
        self.weights, self.nodes, self.initializers, self.last = weights, [], [], "input"

    def constant(self, name: str, shape: tuple[int, ...], data: bytes) -> str:
        self.initializers.append(tensor_of(name, shape, data))
        return name

    def weight(self, name: str) -> str:
        if name not in self.weights:
            raise ConvertError(f"the weights lack {name}")
        return self.constant(name, *self.weights[name])

    def add(self, kind: str, *inputs: str, **attributes) -> None:
        output = f"{len(self.nodes)}_{kind.lower()}"
        self.nodes.append(b"".join(field(1, name) for name in (self.last, *inputs)) + field(2, output) +
                          field(3, output) + field(4, kind) +
                          b"".join(field(5, attribute(*item)) for item in attributes.items()))
        self.last = output

    def convolve(self, convolution: str, normalisation: str, stride: int = 1, clip: bool = True) -> None:
        """A convolution, batch normalisation, and unless `clip` is false ReLU6; depthwise where the weight says."""
        shape, _ = self.weights[convolution + ".weight"]
        out, side = shape[0], shape[2]
        groups = out if shape[1] == 1 else 1
        pad = side // 2
        self.add("Conv", self.weight(convolution + ".weight"), kernel_shape=[side, side], strides=[stride, stride],
                 pads=[pad] * 4, group=groups)
        self.add("BatchNormalization", *(self.weight(f"{normalisation}.{part}") for part in
                                         ("weight", "bias", "running_mean", "running_var")), epsilon=1e-5)
        if clip:
            self.add("Clip", "zero", "six")

    def model(self, name: str, input_shape: tuple[int, ...], output_shape: tuple[int, ...]) -> bytes:
        self.nodes[-1] = self.nodes[-1].replace(field(2, self.last), field(2, "output"), 1)
        graph = (b"".join(field(1, node) for node in self.nodes) + field(2, name) +
                 b"".join(field(5, tensor) for tensor in self.initializers) +
                 field(11, value_info("input", input_shape)) + field(12, value_info("output", output_shape)))
        return field(1, 8) + field(2, "facefleet") + field(7, graph) + field(8, field(1, "") + field(2, 13))


# --- the conversions ----------------------------------------------------------------------------------------------

# Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks", CVPR 2018, table 2: expansion, channels,
# repeats, stride.
MOBILENET_V2 = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2),
                (6, 320, 1, 1)]
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # torchvision's, of ImageNet's photos


def floats(*values: float) -> bytes:
    return struct.pack(f"<{len(values)}f", *values)


def mobilenet_v2(data: bytes) -> bytes:
    """torchvision's weights as a graph: 1x3x224x224, RGB 0 to 255, to 1x1000 logits. It normalises its input itself."""
    graph = Graph(read_weights(data))
    graph.constant("zero", (), floats(0))
    graph.constant("six", (), floats(6))
    graph.add("Mul", graph.constant("scale", (1, 3, 1, 1), floats(*(1 / (255 * d) for d in DEVIATION))))
    graph.add("Add", graph.constant("shift", (1, 3, 1, 1), floats(*(-m / d for m, d in zip(MEAN, DEVIATION)))))
    graph.convolve("features.0.0", "features.0.1", stride=2)
    block, channels_before = 1, 32
    for expansion, channels, repeats, first_stride in MOBILENET_V2:
        for repeat in range(repeats):
            before, name = graph.last, f"features.{block}.conv"
            stride = first_stride if repeat == 0 else 1
            wide = 1 if expansion > 1 else 0  # how many layers are before the depthwise one
            if wide:
                graph.convolve(f"{name}.0.0", f"{name}.0.1")
            graph.convolve(f"{name}.{wide}.0", f"{name}.{wide}.1", stride)
            graph.convolve(f"{name}.{wide + 1}", f"{name}.{wide + 2}", clip=False)
            if stride == 1 and channels == channels_before:
                graph.add("Add", before)
            block, channels_before = block + 1, channels
    graph.convolve(f"features.{block}.0", f"features.{block}.1")
    graph.add("GlobalAveragePool")
    graph.add("Flatten", axis=1)
    graph.add("Gemm", graph.weight("classifier.1.weight"), graph.weight("classifier.1.bias"), transB=1)
    return graph.model("mobilenet_v2", (1, 3, 224, 224), (1, 1000))


def imagenet_classes(data: bytes) -> bytes:
    """torchvision's list of ImageNet's 1,000 classes, out of its models/_meta.py: a name a line."""
    for statement in ast.parse(data).body:
        if isinstance(statement, ast.Assign) and statement.targets[0].id == "_IMAGENET_CATEGORIES":
            names = ast.literal_eval(statement.value)
            if len(names) == 1000 and all(isinstance(name, str) and "\n" not in name for name in names):
                return "".join(name + "\n" for name in names).encode()
    raise ConvertError("there is no list of ImageNet's 1,000 classes in this source")


CONVERSIONS = {"mobilenet_v2": mobilenet_v2, "imagenet_classes": imagenet_classes}
