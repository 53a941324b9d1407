"""Draws the figures that `tests/bench/run --json FILE` wrote beside their goals, as SVG.

    plot.py FIGURES... >PICTURE

Each figure that has a goal is a bar whose length is its share of the goal, on a logarithmic axis;
the peer's, where there is one, is a thin bar below it.
"""

import json
import math
import sys
from xml.sax.saxutils import escape

LEFT, WIDTH, ROW, HEAD, FOOT = 400, 420, 26, 40, 34
LEAST, MOST = 0.001, 100  # shares of a goal; what is outside ends at the edge
OURS, PEERS, MISSED, INK, PAPER = "#2a6fb0", "#9aa3ad", "#c0392b", "#1f2933", "#ffffff"


def x_of(share):
    """Where a share of the goal is drawn."""
    inside = min(max(share, LEAST), MOST)
    return LEFT + WIDTH * math.log(inside / LEAST) / math.log(MOST / LEAST)


def number(value, unit):
    """A figure as the table prints it."""
    digits = 2 if unit in ("", "ms", "MB") else 0
    return f"{value:.{digits}f} {unit}".strip()


def text(x, y, words, anchor="start", weight="normal", fill=INK):
    return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-weight="{weight}" '
            f'fill="{fill}">{escape(words)}</text>')


def bar(y, height, share, fill):
    return (f'<rect x="{LEFT}" y="{y:.1f}" width="{max(x_of(share) - LEFT, 1):.1f}" '
            f'height="{height}" rx="1.5" fill="{fill}"/>')


def grid(bottom):
    """A line for each power of ten; that of the goal is darker."""
    share = LEAST
    while share <= MOST * 1.01:
        goal = abs(share - 1) < 1e-9
        x = x_of(share)
        yield (f'<line x1="{x:.1f}" y1="{HEAD - 10}" x2="{x:.1f}" y2="{bottom}" '
               f'stroke="{INK if goal else "#d5dae0"}" stroke-width="{1.5 if goal else 1}"/>')
        yield text(x, bottom + 18, "the goal" if goal else f"{share:g}", "middle",
                   "bold" if goal else "normal")
        share = round(share * 10, 6)


def draw(results):
    """The picture of all measurements, one below the other."""
    parts = []
    y = HEAD
    for result in results:
        rows = [row for row in result["rows"] if row.get("goal")]
        if not rows:
            continue
        parts.append(text(12, y + 14, result["title"], weight="bold"))
        y += ROW
        for row in rows:
            fill = OURS if row["met"] else MISSED
            share = row["value"] / row["goal"]
            parts.append(text(24, y + 12, row["what"]))
            parts.append(bar(y, 12, share, fill))
            said = f'{number(row["value"], row["unit"])} of {number(row["goal"], row["unit"])}'
            parts.append(text(LEFT + WIDTH + 14, y + 11, said, fill=fill))
            if "peer" in row:
                parts.append(bar(y + 14, 5, row["peer"] / row["goal"], PEERS))
            y += ROW
        y += 8
    height = y + FOOT
    yield (f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + 190}" '
           f'height="{height}" font-family="sans-serif" font-size="12">')
    yield f'<rect width="100%" height="100%" fill="{PAPER}"/>'
    yield text(12, 20, "Share of the goal, shorter is better")
    yield from grid(y)
    yield from parts
    yield "</svg>"


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    results = []
    for name in sys.argv[1:]:
        with open(name, encoding="utf-8") as figures:
            results += json.load(figures)["results"]
    print("\n".join(draw(results)))


if __name__ == "__main__":
    main()
