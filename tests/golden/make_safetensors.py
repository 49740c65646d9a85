"""Makes tests/golden/safetensors/: files written by the reference implementation of
safetensors and by huggingface_hub, and what they hold, as JSON.

Run with Python 3.11, safetensors 0.8.0, torch 2.15.0, numpy 2.4.6 and
huggingface_hub (the one that comes with transformers 5.23.0):

    python tests/golden/make_safetensors.py

dtypes.safetensors     a tensor of each dtype that torch can save, with scalars, an
                       empty tensor, and names beyond ASCII
dtypes.json            for each: dtype, shape, and its values (as hexadecimal floats
                       for the floating-point dtypes, as bits for the F8 kinds)
plain.safetensors      a file without metadata
null.safetensors       metadata that are null, by hand: the reference reads it
blank.safetensors      white space before the header's brace, by hand, as well
sharded/               a model in three shards with its index
sharded.json           tensor name: [file, first value]
rounding.json          f32 bit patterns, and the bits of their F16 and BF16 roundings
"""

import json
import pathlib
import random
import shutil
import struct

import numpy
import torch
from huggingface_hub import save_torch_state_dict
from safetensors.torch import load_file, save_file

out = pathlib.Path(__file__).parent / "safetensors"
shutil.rmtree(out, ignore_errors=True)
out.mkdir()
torch.manual_seed(1)

names = {
    torch.bool: "BOOL", torch.uint8: "U8", torch.int8: "I8", torch.int16: "I16",
    torch.uint16: "U16", torch.float16: "F16", torch.bfloat16: "BF16",
    torch.int32: "I32", torch.uint32: "U32", torch.float32: "F32",
    torch.float64: "F64", torch.int64: "I64", torch.uint64: "U64",
    torch.float8_e4m3fn: "F8_E4M3", torch.float8_e5m2: "F8_E5M2",
}


def values(tensor):
    if tensor.dtype in (torch.float8_e4m3fn, torch.float8_e5m2):
        return tensor.view(torch.uint8).flatten().tolist()
    if tensor.is_floating_point():
        return [v.hex() for v in tensor.double().flatten().tolist()]
    # JSON numbers end at 2^63 - 1 for many readers
    return [str(int(v)) for v in tensor.flatten().tolist()]


weights = torch.randn(3, 5)
tensors = {
    "bool": torch.tensor([True, False, True]),
    "u8": torch.tensor([0, 1, 255], dtype=torch.uint8),
    "i8": torch.tensor([-128, 0, 127], dtype=torch.int8),
    "i16": torch.tensor([-32768, 32767], dtype=torch.int16),
    "u16": torch.tensor([0, 65535], dtype=torch.uint16),
    "i32": torch.tensor([-(2**31), 2**31 - 1], dtype=torch.int32),
    "u32": torch.tensor([0, 2**32 - 1], dtype=torch.uint32),
    "i64": torch.tensor([[-(2**63), 2**63 - 1]], dtype=torch.int64),
    "u64": torch.tensor([0, 2**64 - 1], dtype=torch.uint64),
    "f8 e4m3": weights.to(torch.float8_e4m3fn),
    "f8 e5m2": weights.to(torch.float8_e5m2),
    "f16": weights.half(),
    "f16 edges": torch.tensor([2.0**-24, -(2.0**-14), 65504.0, -0.0]).half(),
    "bf16": weights.bfloat16(),
    "f32": weights,
    "f32 edges": torch.tensor([2.0**-149, 1 - 2.0**-24, 3.4028234663852886e38, -0.0]),
    "f64": weights.double() / 3,
    "scalar": torch.tensor(4.6052),
    "scalar i64": torch.tensor(-7),
    "empty": torch.zeros(0, 3),
    "deep": torch.arange(24).reshape(1, 2, 3, 1, 4).float(),
    "Gewicht \"ä\" \\ 重み": torch.ones(2, 2),
}
save_file(tensors, out / "dtypes.safetensors", metadata={"format": "pt"})
described = {
    name: {"dtype": names[t.dtype], "shape": list(t.shape), "values": values(t)}
    for name, t in tensors.items()
}
(out / "dtypes.json").write_text(json.dumps(described, indent=1) + "\n")
save_file({"b": torch.ones(3), "a": torch.zeros(2, dtype=torch.float16)},
          out / "plain.safetensors")

model = {f"layer.{i}.weight": torch.randn(16, 8) for i in range(5)}
model["layer.5.bias"] = torch.randn(8)
(out / "sharded").mkdir()
save_torch_state_dict(model, out / "sharded", max_shard_size=1100)
(out / "sharded" / "config.json").write_text('{"model_type": "none"}\n')
index = json.loads((out / "sharded" / "model.safetensors.index.json").read_text())
(out / "sharded.json").write_text(json.dumps(
    {name: [index["weight_map"][name], t.flatten()[0].item().hex()]
     for name, t in model.items()}, indent=1) + "\n")

random.seed(1)
bits = [0, 1, 0x7fffff, 0x800000, 0x3f800000, 0x7f7fffff, 0x7f800000]
for half in [0, 1, 2, 3, 0x3fe, 0x3ff, 0x400, 0x401, 0x3c00, 0x3c01, 0x7bfe, 0x7bff]:
    value = float(numpy.uint16(half).view(numpy.float16))
    above = float(numpy.uint16(half + 1).view(numpy.float16)) if half < 0x7bff else 65536.0
    middle = struct.unpack("<I", struct.pack("<f", (value + above) / 2))[0]
    bits += [middle - 1, middle, middle + 1] if middle else [middle]
for top in [0, 1, 0x7f, 0x80, 0x3f80, 0x3f81, 0x7f7e, 0x7f7f]:
    bits += [top << 16 | low for low in (0x7fff, 0x8000, 0x8001)]
bits += [random.getrandbits(31) for _ in range(100)]
bits += [random.randrange(0x33000000, 0x47800000) for _ in range(200)]
bits = [b for b in bits if (b & 0x7fffffff) <= 0x7f800000]
bits += [b | 0x80000000 for b in bits]
floats = numpy.array(bits, dtype=numpy.uint32).view(numpy.float32)
with numpy.errstate(over="ignore"):
    f16 = floats.astype(numpy.float16).view(numpy.uint16)
assert (torch.from_numpy(floats).half().view(torch.uint16).numpy() == f16).all()
bf16 = torch.from_numpy(floats).bfloat16().view(torch.uint16).numpy()
(out / "rounding.json").write_text(json.dumps(
    {"f32": bits, "f16": f16.tolist(), "bf16": bf16.tolist()}) + "\n")

for path in out.rglob("*"):  # the writers make files that only their owner may read
    path.chmod(0o755 if path.is_dir() else 0o644)

entry = '"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}'
for name, header in {
    "null": '{"__metadata__":null,' + entry + "}",
    "blank": " \n\t\r{" + entry + "}",
}.items():
    path = out / f"{name}.safetensors"
    data = struct.pack("<Q", len(header)) + header.encode() + struct.pack("<2f", 1.5, -2)
    path.write_bytes(data)
    assert load_file(path)["a"].tolist() == [1.5, -2]
