"""Images: any picture Pillow reads, an array or a picture in memory, as upright 8-bit RGB."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
import PIL.Image
from numpy.typing import NDArray
from PIL import UnidentifiedImageError
from PIL.Image import Transpose

from headstart.data.contents import Content, Unreadable
from headstart.data.facts import Facts
from headstart.data.modalities.preparation import ImagePreparation as ImagePreparation

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "DIB", "TIFF", "PPM", "JPEG2000", "AVIF", "TGA", "ICO")
"""Formats that are tried, by content and whatever the file's name. EPS and the like, which would start
another program, are not."""
THUMBNAIL = 16
"""Side of the thumbnail in pixels."""
SHOWN = 160
"""Side, in pixels, of what people are shown."""
Result = TypeVar("Result")
_ORIENTATION = 0x0112
_TURNS = {
    2: Transpose.FLIP_LEFT_RIGHT,
    3: Transpose.ROTATE_180,
    4: Transpose.FLIP_TOP_BOTTOM,
    5: Transpose.TRANSPOSE,
    6: Transpose.ROTATE_270,
    7: Transpose.TRANSVERSE,
    8: Transpose.ROTATE_90,
}
_SIDEWAYS = (Transpose.TRANSPOSE, Transpose.ROTATE_270, Transpose.TRANSVERSE, Transpose.ROTATE_90)
_PILLOW_MODULE = r"PIL(\.|$)"


class Image:
    """The modality of pictures."""

    name = "image"
    suffixes = (
        ".jpg",
        ".jpeg",
        ".jfif",
        ".png",
        ".webp",
        ".bmp",
        ".gif",
        ".tif",
        ".tiff",
        ".pgm",
        ".ppm",
        ".pbm",
        ".jp2",
        ".avif",
        ".tga",
    )
    told_apart = ("mode",)
    quick = False
    levels = True
    gaps = False

    def recognises(self, content: Content) -> bool:
        """Whether it is a Pillow picture or an array of two axes or more."""
        return isinstance(content, PIL.Image.Image) or (isinstance(content, np.ndarray) and content.ndim > 1)

    def decode(self, content: Content, size: int | None = None) -> PIL.Image.Image:
        """`content` as an upright RGB picture.

        Args:
            content: bytes of a file, an array (H, W), (H, W, 1), (H, W, 3) or (H, W, 4) of bool, uint8,
                uint16 or floats in 0..1, or a Pillow picture.
            size: the smallest side in pixels that will be used. A JPEG is then decoded at the smallest of the
                scales 1/8, 1/4, 1/2, 1 whose shorter side still covers it.

        Transparent pixels become white. 16-bit values are divided by 257. Values of 32-bit integer pictures
        are taken as 16-bit when they lie in 0..65535, those of float pictures as 0..1 when they lie there;
        otherwise the picture's own smallest and largest values become 0 and 255. Of an animation the first
        frame counts.

        Raises:
            Unreadable: with the reason.
        """
        return _guarded(content, lambda picture: _upright(_to_rgb(_scaled(picture, "RGB", size)), picture))

    def examine(self, content: Content) -> Facts:
        """Whether the whole content can be decoded, its 16x16 grey thumbnail, and size, mode and frames."""
        try:
            return _guarded(content, _examine)
        except Unreadable as problem:
            return Facts(problem=str(problem))

    def show(self, content: Content) -> PIL.Image.Image:
        return self.decode(content, SHOWN)


def _guarded(content: Content, work: Callable[[PIL.Image.Image], Result]) -> Result:
    """The result of `work` on the opened picture, with every failure turned into a plain reason."""
    _silence_pillow()
    try:
        return work(_open(content))
    except Unreadable:
        raise
    except PIL.Image.DecompressionBombError as problem:
        pixels = re.search(r"\d+", str(problem))
        raise Unreadable(
            f"far too large: {int(pixels.group()) / 1e6 if pixels else 0:.0f} million pixels, "
            f"more than the {2 * (PIL.Image.MAX_IMAGE_PIXELS or 0) / 1e6:.0f} million that are "
            "safe to open"
        ) from None
    except MemoryError:
        raise Unreadable("too large for the memory of this machine") from None
    except Exception as problem:  # on damaged files Pillow's plug-ins raise almost any kind of error
        raise Unreadable(_reason(problem)) from None


def _reason(problem: Exception) -> str:
    text = str(problem).strip() or type(problem).__name__
    if "truncated" in text.lower() or isinstance(problem, EOFError):
        return f"truncated: the file ends too early ({text})"
    return f"damaged ({text})"


def _silence_pillow() -> None:
    """Pillow's warnings (odd metadata, large sizes) are no use to the user, who is told of what cannot be
    read.

    A filter for Pillow's modules alone: `catch_warnings` is not safe when several threads decode."""
    known = any(
        entry[3] is not None and getattr(entry[3], "pattern", "") == _PILLOW_MODULE for entry in warnings.filters
    )
    if not known:
        warnings.filterwarnings("ignore", module=_PILLOW_MODULE)


def _open(content: Content) -> PIL.Image.Image:
    if isinstance(content, PIL.Image.Image):
        return content
    if not isinstance(content, (bytes, bytearray, memoryview)):
        return _from_array(np.asarray(content))
    if not content:
        raise Unreadable("the file is empty")
    try:
        return PIL.Image.open(io.BytesIO(content), formats=FORMATS)
    except UnidentifiedImageError:
        raise Unreadable(f"not an image: {_beginning(bytes(content[:24]))}") from None


def _beginning(first: bytes) -> str:
    text = first.decode("latin-1")
    if all(character.isprintable() or character.isspace() for character in text):
        return f"starts with '{' '.join(text.split())}'"
    return f"starts with the bytes {first[:8].hex(' ')}"


def _from_array(array: NDArray[Any]) -> PIL.Image.Image:
    """The picture of an array; see `Image.decode` for what is accepted."""
    plain = array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (1, 3, 4))
    if not plain or 0 in array.shape:
        raise Unreadable(f"an array of shape {tuple(array.shape)}; give (H, W), (H, W, 1), (H, W, 3) or (H, W, 4)")
    if array.dtype == np.bool_:
        array = array.astype(np.uint8) * 255
    elif array.dtype == np.uint16:
        array = _from_sixteen_bits(array)
    elif array.dtype.kind == "f":
        low, high = float(array.min()), float(array.max())
        if not (low >= 0.0 and high <= 1.0):
            raise Unreadable(f"an array of floats from {low:g} to {high:g}; give floats in 0..1, or uint8")
        array = np.rint(array * 255).astype(np.uint8)
    elif array.dtype != np.uint8:
        raise Unreadable(f"an array of {array.dtype}; give uint8, uint16, bool, or floats in 0..1")
    return PIL.Image.fromarray(np.ascontiguousarray(array[:, :, 0] if array.shape[2:] == (1,) else array))


def _scaled(picture: PIL.Image.Image, mode: str, size: int | None) -> PIL.Image.Image:
    """A JPEG that is not decoded yet will be decoded at the smallest scale that covers `size`."""
    if size is not None and picture.format in ("JPEG", "MPO"):
        picture.draft(mode, (size, size))
    return picture


def _to_rgb(picture: PIL.Image.Image) -> PIL.Image.Image:
    """The first frame as RGB, transparent pixels white; always a picture of our own."""
    if getattr(picture, "is_animated", False) and picture.tell() != 0:
        picture = picture.copy()
        picture.seek(0)
    if picture.mode.startswith("I") or picture.mode == "F":
        return PIL.Image.fromarray(_to_eight_bits(np.asarray(picture))).convert("RGB")
    if picture.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in picture.info:
        layer = picture.convert("RGBA")
        paper = PIL.Image.new("RGB", layer.size, (255, 255, 255))
        paper.paste(layer, mask=layer.getchannel("A"))
        return paper
    return picture.convert("RGB")


def _to_eight_bits(values: NDArray[Any]) -> NDArray[np.uint8]:
    """Grey values (H, W) of more than 8 bits as uint8; see `Image.decode` for the rule."""
    if values.dtype.kind == "u" and values.dtype.itemsize == 2:
        return _from_sixteen_bits(values)
    low, high = float(values.min()), float(values.max())
    if not np.isfinite([low, high]).all():
        raise Unreadable("has values that are not numbers")
    if values.dtype.kind in "iu" and low >= 0 and high <= 65535:
        return _from_sixteen_bits(values)
    if not (values.dtype.kind == "f" and low >= 0 and high <= 1):
        values = (values - low) / max(high - low, 1e-12)
    return np.rint(values * 255.0).astype(np.uint8)


def _from_sixteen_bits(values: NDArray[Any]) -> NDArray[np.uint8]:
    return ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)


def _upright(decoded: PIL.Image.Image, opened: PIL.Image.Image) -> PIL.Image.Image:
    """`decoded` turned as the metadata of the `opened` picture says."""
    turn = _turn(opened)
    return decoded if turn is None else decoded.transpose(turn)


def _turn(picture: PIL.Image.Image) -> Transpose | None:
    """What `ImageOps.exif_transpose` would do."""
    return _TURNS.get(picture.getexif().get(_ORIENTATION, 1))


def _examine(picture: PIL.Image.Image) -> Facts:
    width, height = picture.size
    mode, frames = picture.mode, getattr(picture, "n_frames", 1)
    turn = _turn(picture)
    _scaled(picture, "L", 2 * THUMBNAIL)
    grey = picture if picture.mode == "L" else _to_rgb(picture).convert("L")
    scale = max(round(width / grey.width), 1)  # a scaled JPEG is rounded up: its last pixels are partly padding
    small = grey.resize(
        (THUMBNAIL, THUMBNAIL),
        PIL.Image.Resampling.BILINEAR,  # of a box, copies would differ more
        box=(0, 0, width / scale, height / scale),
    )
    if turn is not None:
        small = small.transpose(turn)
        if turn in _SIDEWAYS:
            width, height = height, width
    properties = [("size", f"{width}x{height}"), ("mode", mode)]
    if frames > 1:
        properties.append(("frames", str(frames)))
    if turn is not None:
        properties.append(("rotated", "yes"))
    return Facts(thumbnail=np.asarray(small, dtype=np.uint8).reshape(-1), properties=tuple(properties))
