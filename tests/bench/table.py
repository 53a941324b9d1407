"""Writes the figures of `tests/bench/run --json FILE` as tables in Markdown, for docs/performance.md.

    table.py FIGURES... >TABLES

A figure that misses its goal is bold.
"""

import json
import sys

from plot import number

COMPARED = " / peer's"  # what the last column says, too


def table(result):
    """The lines of one measurement."""
    rows = [row for row in result["rows"] if not row["what"].endswith(COMPARED)]
    beside = any("peer" in row for row in rows)
    yield "| " + " | ".join([result["title"], "ours", "goal"] +
                            (["the peer's", "share of the peer's"] if beside else [])) + " |"
    yield "|---|" + "---:|" * (4 if beside else 2)
    for row in rows:
        ours = number(row["value"], row["unit"])
        cells = [row["what"], ours if row.get("met", True) else f"**{ours}**",
                 "at most " + number(row["goal"], row["unit"]) if "goal" in row else ""]
        if beside:
            peer = number(row["peer"], row["unit"]) if "peer" in row else ""
            cells += [peer, f'{row["ratio"]:.2f}' if "ratio" in row else ""]
        yield "| " + " | ".join(cells) + " |"
    yield ""


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    for name in sys.argv[1:]:
        with open(name, encoding="utf-8") as figures:
            for result in json.load(figures)["results"]:
                print("\n".join(table(result)))


if __name__ == "__main__":
    main()
