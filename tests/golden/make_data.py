"""Makes tests/golden/data/: small pictures, and what Pillow decodes and resizes them
to and transformers' Pillow-based image processors make of them.

Run in this folder with Python 3.11, pillow 13.0.0, transformers 5.24.0, numpy 2.4.6:

    python make_data.py

expected.txt has a line a case; hashes are SHA-256 of u8 values in the order given:
  decode FILE WIDTH HEIGHT HASH             convert("RGB") as [height, width, 3]
  resize FILE WIDTH HEIGHT FILTER HASH      of that, as [3, height, width]
  process FILE CLIP SIZE HASH CONFIG        CLIP 1 or 0; the pixels [3, SIZE, SIZE] of
                                            CLIPImageProcessor or ViTImageProcessor
                                            before rescaling; CONFIG is their JSON
  values FILE CLIP SIZE CONFIG VALUES       every 101st of the finished pixel_values;
                                            VALUES, a JSON list, is on the next line
grey16.png is the one whose expected bytes are not Pillow's: the high byte of each
level, where Pillow 13 clips at 255. YCCK and Adam7 files are written by hand.
"""

import hashlib
import io
import json
import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.vit.image_processing_pil_vit import ViTImageProcessorPil

out = Path(__file__).parent / "data"
out.mkdir(exist_ok=True)
lines = []


def picture(width, height):
    y, x = np.mgrid[0:height, 0:width].astype(float)
    red = 128 + 127 * np.sin(x / 3 + y / 7)
    green = 255 * ((x // 5 + y // 4) % 2)
    blue = (x * 11 + y * 5) % 256
    return np.stack([red, green, blue], -1).round().astype(np.uint8)


def png(name, rows_of_passes, width, height, depth, colour, interlace):
    """A PNG by hand: rows_of_passes are the bytes of each row in file order."""

    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlace)
    data = zlib.compress(b"".join(b"\0" + row for row in rows_of_passes), 9)
    signature = b"\x89PNG\r\n\x1a\n"
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    (out / name).write_bytes(signature + parts)


def digest(array):
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


def planar(array):
    return np.moveaxis(array, -1, 0)


def load(name):
    return np.array(Image.open(out / name).convert("RGB"))


rgb = picture(40, 30)
image = Image.fromarray(rgb)
grey = image.convert("L")
image.save(out / "rgb.png", optimize=True)
image.quantize(13).save(out / "palette.png")
image.quantize(100).save(out / "palette-transparent.png", transparency=3)
grey.save(out / "grey.png")
grey.convert("1").save(out / "grey1.png")
Image.merge("LA", [grey, image.getchannel("B")]).save(out / "grey-alpha.png")
translucent = image.copy()
translucent.putalpha(image.getchannel("B"))
translucent.save(out / "rgba.png")
image.save(out / "transparent.png", transparency=tuple(int(v) for v in rgb[0, 0]))
grey2 = np.array(grey)[:, :] >> 6
packed = grey2.reshape(30, 10, 4) @ np.array([64, 16, 4, 1])
png("grey2.png", [row.astype(np.uint8).tobytes() for row in packed], 40, 30, 2, 0, 0)
deep = rgb.astype(np.uint16) * 256 + rgb[..., ::-1]
png("rgb16.png", [row.astype(">u2").tobytes() for row in deep], 40, 30, 16, 2, 0)
deep_grey = deep[..., 0]
png("grey16.png", [row.astype(">u2").tobytes() for row in deep_grey], 40, 30, 16, 0, 0)
adam7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4)]
adam7 += [(1, 0, 2, 2), (0, 1, 1, 2)]
passes = [rgb[y::down, x::across] for x, y, across, down in adam7]
png("interlaced.png", [r.tobytes() for p in passes for r in p], 40, 30, 8, 2, 1)

tall = Image.fromarray(picture(31, 57))
tall.save(out / "420.jpg", quality=85, subsampling="4:2:0")
tall.save(out / "422.jpg", quality=60, subsampling="4:2:2")
tall.save(out / "444-progressive.jpg", quality=92, subsampling="4:4:4", progressive=True)
tall.save(out / "rgb.jpg", quality=75, keep_rgb=True)
tall.convert("L").save(out / "grey.jpg", quality=75)
tall.convert("CMYK").save(out / "cmyk.jpg", quality=75)
# The same coefficients said to be YCCK: Adobe's marker with transform 2 before them.
plain = (out / "cmyk.jpg").read_bytes()
adobe = plain.index(b"Adobe")
ycck = bytearray(plain)
ycck[adobe + 11] = 2
(out / "ycck.jpg").write_bytes(ycck)

# Harmless oddities: the end of the spectrum 0 in a sequential scan, JFIF 2.01, a colour
# transform of Adobe's that three channels never have, and refinements out of order.
even = tall.resize((16, 16))
buffer = io.BytesIO()
even.save(buffer, "JPEG", quality=90)
plain = buffer.getvalue()
scan, jfif = plain.index(b"\xff\xda"), plain.index(b"JFIF\0")
end = scan + 5 + 2 * plain[scan + 4]
(out / "odd-spectrum.jpg").write_bytes(plain[:end] + bytes(3) + plain[end + 3 :])
(out / "odd-jfif.jpg").write_bytes(plain[: jfif + 5] + b"\x02\x01" + plain[jfif + 7 :])
marker = b"\xff\xee\x00\x0eAdobe\0\x64\0\0\0\0\x02"
(out / "odd-adobe.jpg").write_bytes(plain[:2] + marker + plain[2:])

tall.save(out / "lossy.webp", quality=80)
tall.save(out / "lossless.webp", lossless=True)
clear = tall.copy()
clear.putalpha(tall.getchannel("B"))
clear.save(out / "alpha.webp", lossless=True, exact=True)
clear.save(out / "alpha-lossy.webp", quality=70)

tall.save(out / "rgb.bmp")
clear.save(out / "rgba.bmp")
tall.convert("L").save(out / "grey.bmp")
tall.convert("1").save(out / "bilevel.bmp")
tall.quantize(13).save(out / "palette.bmp")


def bmp(name, bits, pixels, compression=0, extra=b"", top_down=False, palette=b""):
    """A 9 x 7 bitmap by hand; pixels are its rows in file order, padded here."""
    rows = b"".join(row + bytes(-len(row) % 4) for row in pixels)
    at = 14 + 40 + len(extra) + len(palette)
    info = struct.pack("<IiiHHI", 40, 9, -7 if top_down else 7, 1, bits, compression)
    info += struct.pack("<IiiII", len(rows), 2835, 2835, len(palette) // 4, 0)
    head = struct.pack("<2sIHHI", b"BM", at + len(rows), 0, 0, at)
    (out / name).write_bytes(head + info + extra + palette + rows)


tiny = picture(9, 7).astype(int)
five = (tiny[..., 0] >> 3 << 10) | (tiny[..., 1] >> 3 << 5) | tiny[..., 2] >> 3
bmp("555.bmp", 16, [row.astype("<u2").tobytes() for row in five])
six = (tiny[..., 0] >> 3 << 11) | (tiny[..., 1] >> 2 << 5) | tiny[..., 2] >> 3
masks = struct.pack("<III", 0xF800, 0x7E0, 0x1F)
bmp("565.bmp", 16, [row.astype("<u2").tobytes() for row in six], 3, masks)
fours = (tiny[..., 0] >> 4)[:, :8]
fours = np.concatenate([fours, tiny[:, 8:, 0] >> 4, tiny[:, 8:, 0] * 0], 1)
nibbles = [(row[0::2] << 4 | row[1::2]).astype(np.uint8).tobytes() for row in fours]
bmp("16.bmp", 4, nibbles, palette=bytes(v for i in range(16) for v in (i, 255 - i, 9 * i, 0)))
down = [row[..., ::-1].astype(np.uint8).tobytes() for row in tiny]
bmp("top-down.bmp", 24, down, top_down=True)

small = picture(9, 7)
raw = small.tobytes()
comment = b"P6\n# made by hand\n9 7\n255\n"
(out / "comment.ppm").write_bytes(comment + raw)
hundred = (small.astype(int) * 100 // 255).astype(np.uint8)
(out / "hundred.ppm").write_bytes(b"P6 9 7 100\n" + hundred.tobytes())
(out / "deep.ppm").write_bytes(
    b"P6 9 7 1000\n" + (small.astype(int) * 1000 // 255).astype(">u2").tobytes()
)
text = "\n".join(" ".join(str(v) for v in row.ravel()) for row in hundred)
(out / "plain.ppm").write_text("P3\n9 # width\n7\n100\n" + text + "\n")
(out / "raw.pgm").write_bytes(b"P5\n9 7\n255\n" + small[..., 0].tobytes())
text = "\n".join(" ".join(str(v) for v in row) for row in hundred[..., 1])
(out / "plain.pgm").write_text("P2\n9 7\n100\n" + text + "\n")

for path in sorted(out.iterdir()):
    if path.suffix == ".txt":
        continue
    if path.name == "grey16.png":
        decoded = np.repeat((deep_grey >> 8).astype(np.uint8)[..., None], 3, -1)
    else:
        decoded = load(path.name)
    height, width = decoded.shape[:2]
    lines.append(f"decode {path.name} {width} {height} {digest(decoded)}")

for name, sizes in {
    "rgb.png": [(24, 24), (16, 12), (97, 61), (40, 17), (13, 30), (1, 1), (40, 30)],
    "420.jpg": [(24, 24), (60, 20), (16, 56), (7, 5), (130, 4), (31, 100), (23, 41)],
}.items():
    source = Image.fromarray(load(name))
    for size in sizes:
        for resample in range(6):
            resized = planar(np.array(source.resize(size, resample)))
            case = f"{size[0]} {size[1]} {resample} {digest(resized)}"
            lines.append(f"resize {name} {case}")

clip, vit = CLIPImageProcessorPil, ViTImageProcessorPil
for processor, size, config in [
    (clip, 24, {"size": 24, "crop_size": 24}),
    (clip, 24, {"size": {"shortest_edge": 29}, "crop_size": {"height": 24, "width": 24}}),
    (clip, 24, {"size": {"shortest_edge": 15}, "crop_size": 24, "resample": 2}),
    (clip, 16, {"size": {"shortest_edge": 16}, "crop_size": 16}),
    (clip, 25, {"do_resize": False, "crop_size": 25}),
    (clip, 32, {"do_resize": False, "crop_size": 32}),
    (vit, 24, {"size": {"height": 24, "width": 24}, "resample": 3}),
    (vit, 16, {"size": 16, "image_mean": [0.1, 0.2, 0.3], "image_std": [0.4, 0.5, 0.6]}),
    (vit, 16, {"size": 16, "do_normalize": False}),
    (vit, 16, {"size": 16, "do_rescale": False, "resample": 1}),
]:
    for name in ["rgb.png", "420.jpg", "comment.ppm"]:
        source = Image.fromarray(load(name))
        for said in [config, json.loads(processor(**config).to_json_string())]:
            whole = processor(**config)(source)["pixel_values"][0]
            bytes_only = {**config, "do_rescale": False, "do_normalize": False}
            pixels = processor(**bytes_only)(source)["pixel_values"][0]
            assert pixels.dtype == np.uint8 and pixels.shape == (3, size, size)
            case = f"{name} {int(processor is clip)} {size}"
            text = json.dumps(said)
            lines.append(f"process {case} {digest(pixels)} {text}")
            lines.append(f"values {case} {text}")
            lines.append(json.dumps([round(float(v), 7) for v in whole.ravel()[::101]]))

(out / "expected.txt").write_text("\n".join(lines) + "\n")
