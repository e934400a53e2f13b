"""Decoding: each oddity of real pictures becomes upright 8-bit RGB, or a plain reason."""

from __future__ import annotations

import io
import warnings

import numpy as np
import PIL.Image
import pytest
from PIL import ImageCms

from headstart.data.contents import Unreadable
from headstart.data.modalities import modalities, modality_of, open_modality
from headstart.data.modalities.image import Image

IMAGE = Image()
RAMP = np.linspace(0, 255, 64 * 48).reshape(48, 64).astype(np.uint8)


def smooth(width: int = 64, height: int = 48) -> PIL.Image.Image:
    rows, columns = np.mgrid[0:height, 0:width]
    red, green, blue = rows * 255 // height, columns * 255 // width, (rows + columns) * 255 // (height + width)
    return PIL.Image.fromarray(np.stack([red, green, blue], axis=2).astype(np.uint8))


def encoded(picture: PIL.Image.Image, form: str, **options: object) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, form, **options)
    return stream.getvalue()


def values(content: object, size: int | None = None) -> np.ndarray:
    decoded = IMAGE.decode(content, size)
    assert decoded.mode == "RGB"
    return np.asarray(decoded)


@pytest.mark.parametrize("form", ["PNG", "BMP", "TIFF", "PPM", "TGA"])
def test_lossless_formats_give_the_same_pixels(form: str) -> None:
    assert np.array_equal(values(encoded(smooth(), form)), np.asarray(smooth()))


@pytest.mark.parametrize("form", ["JPEG", "WEBP", "AVIF", "JPEG2000"])
def test_lossy_formats_give_nearly_the_same_pixels(form: str) -> None:
    difference = values(encoded(smooth(), form)).astype(int) - np.asarray(smooth())
    assert np.abs(difference).mean() < 4


def test_jpeg_is_decoded_at_the_smallest_scale_whose_shorter_side_covers_the_size() -> None:
    content = encoded(smooth(1200, 800), "JPEG")
    assert IMAGE.decode(content).size == (1200, 800)
    assert IMAGE.decode(content, 401).size == (1200, 800)
    assert IMAGE.decode(content, 400).size == (600, 400)
    assert IMAGE.decode(content, 199).size == (300, 200)
    assert IMAGE.decode(content, 64).size == (150, 100)
    assert IMAGE.decode(encoded(smooth(1200, 800), "PNG"), 64).size == (1200, 800)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_orientation_in_the_metadata_is_applied(orientation: int, form: str) -> None:
    from PIL import ImageOps

    exif = PIL.Image.Exif()
    exif[0x0112] = orientation
    content = encoded(smooth(), form, exif=exif)
    expected = ImageOps.exif_transpose(PIL.Image.open(io.BytesIO(content))).convert("RGB")
    assert np.array_equal(values(content), np.asarray(expected))
    facts = dict(IMAGE.examine(content).properties)
    assert facts["size"] == f"{expected.width}x{expected.height}"
    assert ("rotated" in facts) == (orientation > 1)


def test_transparent_pixels_become_white() -> None:
    layer = smooth().convert("RGBA")
    layer.putalpha(PIL.Image.fromarray(np.where(np.arange(64) < 32, 0, 255)[None].repeat(48, 0).astype(np.uint8)))
    decoded = values(encoded(layer, "PNG"))
    assert (decoded[:, :32] == 255).all()
    assert np.array_equal(decoded[:, 32:], np.asarray(smooth())[:, 32:])


def test_half_transparent_pixels_are_mixed_with_white() -> None:
    grey = PIL.Image.new("LA", (4, 4), (100, 128))
    assert np.abs(values(encoded(grey, "PNG")).astype(int) - 177).max() <= 1


def test_palette_with_a_transparent_colour() -> None:
    picture = PIL.Image.new("P", (8, 8), 0)
    picture.putpalette([10, 20, 30, 200, 100, 50])
    picture.putpixel((3, 4), 1)
    plain = values(encoded(picture, "PNG"))
    assert tuple(plain[0, 0]) == (10, 20, 30) and tuple(plain[4, 3]) == (200, 100, 50)
    transparent = values(encoded(picture, "PNG", transparency=0))
    assert tuple(transparent[0, 0]) == (255, 255, 255) and tuple(transparent[4, 3]) == (200, 100, 50)


def test_cmyk_jpeg_has_the_colours_of_its_rgb_original() -> None:
    content = encoded(smooth().convert("CMYK"), "JPEG", quality=95)
    assert PIL.Image.open(io.BytesIO(content)).mode == "CMYK"
    assert np.abs(values(content).astype(int) - np.asarray(smooth())).mean() < 4


def test_cmyk_of_adobe_is_stored_inverted() -> None:
    """Pillow writes CMYK JPEGs as Adobe does: an ink of 0 is stored as 255. White paper has to come out white."""
    content = encoded(PIL.Image.new("CMYK", (16, 16), (0, 0, 0, 0)), "JPEG")
    assert b"Adobe" in content
    assert values(content).min() >= 253


def test_sixteen_bits_are_scaled_by_their_range() -> None:
    wide = RAMP.astype(np.uint16) * 257
    for form in ("PNG", "TIFF"):
        assert np.array_equal(values(encoded(PIL.Image.fromarray(wide), form))[:, :, 0], RAMP)
    dark = np.full((8, 8), 4095, np.uint16)
    assert (values(encoded(PIL.Image.fromarray(dark), "PNG")) == 16).all()


def test_integer_and_float_pictures() -> None:
    thirty_two = PIL.Image.fromarray(RAMP.astype(np.int32) * 257)
    assert thirty_two.mode == "I" and np.array_equal(values(encoded(thirty_two, "TIFF"))[:, :, 0], RAMP)
    beyond = PIL.Image.fromarray(RAMP.astype(np.int32) * 1000 - 5000)
    assert np.array_equal(values(encoded(beyond, "TIFF"))[:, :, 0], RAMP)
    unit = PIL.Image.fromarray(RAMP.astype(np.float32) / 255)
    assert unit.mode == "F" and np.array_equal(values(encoded(unit, "TIFF"))[:, :, 0], RAMP)
    hounsfield = PIL.Image.fromarray(RAMP.astype(np.float32) * 4 - 500)
    assert np.array_equal(values(encoded(hounsfield, "TIFF"))[:, :, 0], RAMP)
    broken = RAMP.astype(np.float32)
    broken[3, 3] = np.nan
    with pytest.raises(Unreadable, match="not numbers"):
        IMAGE.decode(encoded(PIL.Image.fromarray(broken), "TIFF"))


def test_grey_and_one_bit() -> None:
    assert np.array_equal(values(encoded(PIL.Image.fromarray(RAMP), "PNG")), RAMP[:, :, None].repeat(3, 2))
    bits = PIL.Image.fromarray(RAMP > 128)
    assert set(np.unique(values(encoded(bits, "PNG")))) == {0, 255}


@pytest.mark.parametrize("form", ["GIF", "WEBP", "TIFF", "PNG"])
def test_first_frame_of_an_animation(form: str) -> None:
    first, second = PIL.Image.new("RGB", (20, 10), (0, 0, 0)), PIL.Image.new("RGB", (20, 10), (250, 250, 250))
    content = encoded(first, form, save_all=True, append_images=[second])
    assert values(content).max() < 10
    assert dict(IMAGE.examine(content).properties)["frames"] == "2"


def test_pictures_in_other_colour_spaces() -> None:
    assert np.abs(values(encoded(smooth().convert("YCbCr"), "TIFF")).astype(int) - np.asarray(smooth())).max() < 4
    lab = ImageCms.profileToProfile(
        smooth(), ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), outputMode="LAB"
    )
    assert lab.mode == "LAB"
    assert np.abs(values(encoded(lab, "TIFF")).astype(int) - np.asarray(smooth())).mean() < 4


class TestArrays:
    def test_accepted_kinds(self) -> None:
        colour = np.asarray(smooth())
        assert np.array_equal(values(colour), colour)
        assert np.array_equal(values(RAMP), RAMP[:, :, None].repeat(3, 2))
        assert np.array_equal(values(RAMP[:, :, None]), RAMP[:, :, None].repeat(3, 2))
        assert np.array_equal(values(colour.astype(np.uint16) * 257), colour)
        assert np.array_equal(values(colour / 255), colour)
        assert np.array_equal(values((colour / 255).astype(np.float32)), colour)
        assert set(np.unique(values(RAMP > 100))) == {0, 255}
        opaque = np.dstack([colour, np.full(colour.shape[:2], 255, np.uint8)])
        assert np.array_equal(values(opaque), colour)
        assert (values(np.dstack([colour, np.zeros(colour.shape[:2], np.uint8)])) == 255).all()
        assert np.array_equal(values(colour[::-1, ::-1]), colour[::-1, ::-1])

    @pytest.mark.parametrize(
        ("array", "reason"),
        [
            (np.zeros((3, 32, 32), np.uint8), r"shape \(3, 32, 32\)"),
            (np.zeros(10, np.uint8), r"shape \(10,\)"),
            (np.zeros((0, 4), np.uint8), r"shape \(0, 4\)"),
            (np.zeros((4, 4), np.int64), "int64"),
            (np.full((4, 4), 16.0), "from 16 to 16"),
            (np.full((4, 4), np.nan), "from nan to nan"),
        ],
    )
    def test_what_could_mean_two_things_is_refused(self, array: np.ndarray, reason: str) -> None:
        with pytest.raises(Unreadable, match=reason):
            IMAGE.decode(array)

    def test_a_picture_of_the_user_is_left_as_it_was(self) -> None:
        picture = smooth()
        before = picture.tobytes()
        IMAGE.decode(picture, 8).putpixel((0, 0), (1, 2, 3))
        assert picture.tobytes() == before


class TestDamage:
    @pytest.mark.parametrize("form", ["JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP"])
    @pytest.mark.parametrize("share", [0.5, 0.9])
    def test_truncated(self, form: str, share: float) -> None:
        noise = PIL.Image.fromarray(np.random.default_rng(0).integers(0, 255, (200, 200, 3), dtype=np.uint8))
        content = encoded(noise, form)
        content = content[: int(share * len(content))]
        with pytest.raises(Unreadable):
            IMAGE.decode(content)
        assert IMAGE.examine(content).problem
        if form == "JPEG":
            assert IMAGE.examine(content).problem.startswith("truncated")

    def test_text_named_as_a_picture(self) -> None:
        with pytest.raises(Unreadable, match="not an image: starts with 'version https"):
            IMAGE.decode(b"version https://git-lfs.github.com/spec/v1\noid sha256:123")
        with pytest.raises(Unreadable, match="starts with the bytes 00 01"):
            IMAGE.decode(bytes(range(64)))
        with pytest.raises(Unreadable, match="empty"):
            IMAGE.decode(b"")

    def test_a_decompression_bomb_is_refused_with_its_size(self) -> None:
        content = bytearray(encoded(PIL.Image.new("1", (8, 8)), "PNG"))
        import struct
        import zlib

        header = b"IHDR" + struct.pack(">II", 40_000, 30_000) + content[24:29]
        content[12:33] = header + struct.pack(">I", zlib.crc32(header))
        with pytest.raises(Unreadable, match="1200 million pixels"):
            IMAGE.decode(bytes(content))

    def test_programs_are_not_started_for_postscript(self) -> None:
        with pytest.raises(Unreadable, match="not an image"):
            IMAGE.decode(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\nshowpage\n")

    def test_flipped_bytes_never_raise_anything_else(self) -> None:
        random = np.random.default_rng(1)
        for form in ("JPEG", "PNG", "GIF", "WEBP", "TIFF"):
            content = np.frombuffer(encoded(smooth(), form), np.uint8)
            for _ in range(60):
                damaged = content.copy()
                damaged[random.integers(0, len(content), 8)] = random.integers(0, 256, 8)
                facts = IMAGE.examine(damaged.tobytes())
                assert facts.problem or facts.thumbnail is not None

    def test_no_warning_reaches_the_user(self) -> None:
        large = encoded(PIL.Image.new("1", (10_000, 9_500)), "PNG")
        assert PIL.Image.MAX_IMAGE_PIXELS < 10_000 * 9_500
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            assert not IMAGE.examine(large).problem
        assert not seen


class TestExamine:
    def test_thumbnail_is_the_average_of_each_cell_of_a_smooth_picture(self) -> None:
        picture = smooth(160, 128)
        grey = np.asarray(picture.convert("L")).astype(float)
        expected = grey.reshape(16, 8, 16, 10).mean(axis=(1, 3)).ravel()
        for content in (encoded(picture, "PNG"), encoded(picture, "JPEG", quality=95)):
            thumbnail = IMAGE.examine(content).thumbnail
            assert thumbnail is not None and thumbnail.dtype == np.uint8 and thumbnail.shape == (256,)
            assert np.abs(thumbnail - expected).max() <= 3

    def test_a_turned_copy_has_the_thumbnail_of_the_upright_one(self) -> None:
        exif = PIL.Image.Exif()
        exif[0x0112] = 6
        turned = encoded(smooth().transpose(PIL.Image.Transpose.ROTATE_90), "PNG", exif=exif)
        assert np.array_equal(IMAGE.examine(turned).thumbnail, IMAGE.examine(encoded(smooth(), "PNG")).thumbnail)

    def test_properties(self) -> None:
        assert IMAGE.examine(encoded(PIL.Image.fromarray(RAMP), "PNG")).properties == (
            ("size", "64x48"),
            ("mode", "L"),
        )


def test_registry() -> None:
    assert modalities.names() == ["audio", "image", "interactions", "series", "text"]
    assert open_modality("image").name == "image"
    assert (
        modality_of("a/B.JPG") == "image"
        and modality_of("a.txt") == "text"
        and modality_of("a.xyz") is None
        and modality_of("jpg") is None
    )
