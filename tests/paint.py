"""Cells of a terminal as a picture. Needs Pillow, and the font of the Debian package fonts-dejavu-core."""

from pathlib import Path

from PIL import Image, ImageColor, ImageDraw, ImageFont
from pyte.screens import Char

FONTS = "/usr/share/fonts/truetype/dejavu/DejaVuSansMono{}.ttf"
PLAIN, BOLD = (ImageFont.truetype(FONTS.format(weight), 15) for weight in ("", "-Bold"))
# Nothing between the lines: so the strokes of a frame meet.
WIDTH, HEIGHT = round(PLAIN.getlength("M")), sum(PLAIN.getmetrics())
MARGIN = 10
STEPS = 5
GROUND, LETTERS = "#16181d", "#d3d7de"
# By the names that pyte has for them: its brown is yellow.
COLOURS = {
    "black": "#000000",
    "red": "#ef6b73",
    "green": "#7fc97a",
    "brown": "#e2b860",
    "blue": "#6ea8f0",
    "magenta": "#c58be0",
    "cyan": "#5cc3cf",
    "white": "#e6e9ee",
}


def paint(rows: list[list[Char]], cursor: tuple[int, int] | None, file: Path) -> None:
    size = (len(rows[0]) * WIDTH + 2 * MARGIN, len(rows) * HEIGHT + 2 * MARGIN)
    image = Image.new("RGB", size, GROUND)
    draw = ImageDraw.Draw(image)
    pairs = {(LETTERS, GROUND)}
    for y, row in enumerate(rows):
        for x, cell in enumerate(row):
            # Each letter on its own: so it is in its column whatever the font says of its width.
            corner = (MARGIN + x * WIDTH, MARGIN + y * HEIGHT)
            ink, ground = colours(cell, cursor == (x, y))
            pairs.add((ink, ground))
            if ground != GROUND:
                draw.rectangle((*corner, corner[0] + WIDTH - 1, corner[1] + HEIGHT - 1), fill=ground)
            if cell.data.strip():
                draw.text(corner, cell.data, fill=ink, font=BOLD if cell.bold else PLAIN)
    # A small file: each colour has few steps to its ground, which is what the edge of a letter needs.
    few = Image.new("P", (1, 1))
    few.putpalette([value for pair in sorted(pairs) for step in range(STEPS) for value in between(*pair, step)])
    image.quantize(palette=few, dither=Image.Dither.NONE).save(file, optimize=True)


def between(ink: str, ground: str, step: int) -> list[int]:
    ends = zip(ImageColor.getrgb(ground), ImageColor.getrgb(ink))
    return [low + (high - low) * step // (STEPS - 1) for low, high in ends]


def colours(cell: Char, cursor: bool) -> tuple[str, str]:
    ink, ground = COLOURS.get(cell.fg, LETTERS), COLOURS.get(cell.bg, GROUND)
    # The place where dim is kept, see pictures.py.
    if cell.italics:
        ink = "#{:02x}{:02x}{:02x}".format(*(value * 6 // 10 for value in ImageColor.getrgb(ink)))
    return (ground, ink) if cell.reverse != cursor else (ink, ground)
