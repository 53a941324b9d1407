"""The source of the dashboards: operator-manifests/monitoring/dashboards.

A dashboard is a file with a `title`, `variables` and `rows` of `panels`. A panel is a `number`, a
`graph` or a `table`, twelfths of the screen wide, with queries. What the two consoles call these
things, and what each of them cannot do, is known to grafana.py and console.py and nowhere else.
"""

import pathlib
import re

import yaml

ROOT = pathlib.Path("operator-manifests/monitoring")
SOURCES = ROOT / "dashboards"
MARK = "made by scripts/dashboards: edit operator-manifests/monitoring/dashboards"
TAG = "node-devices"

# Our units, in Grafana's words and in the console's.
UNITS = {
    "count": ("short", "short"),
    "share": ("percentunit", "percentunit"),
    "seconds": ("s", "s"),
    "bytes": ("bytes", "bytes"),
    "rate": ("ops", "short"),
}
HEIGHTS = {"number": 4, "graph": 8, "table": 8}
COLUMNS = 12

# What each mapping of a description may have, and which of that it must have.
_KEYS = {
    "dashboard": ({"title", "variables", "rows"}, {"title", "variables", "rows"}),
    # `absent`: there are series without this label. `all`: false where one must be chosen.
    "variable": ({"name", "title", "values", "absent", "all"}, {"name", "title", "values"}),
    "row": ({"title", "panels"}, {"title", "panels"}),
    "number": ({"red_from", "green_from", "texts"}, set()),
    "graph": ({"stack"}, set()),
    # `columns`: label to title.
    "table": ({"columns"}, {"columns"}),
    # `when`: the query gives nothing unless this is so.
    "query": ({"query", "legend", "title", "when"}, {"query"}),
}
_PANEL_KEYS = ({"title", "kind", "width", "queries", "about", "unit"}, {"title", "kind", "width", "queries"})


class Wrong(Exception):
    pass


def _check_keys(kind, mapping, where, more=(set(), set())):
    known, needed = (_KEYS[kind][i] | more[i] for i in (0, 1))
    if not isinstance(mapping, dict):
        raise Wrong(f"{where}: must be a mapping")
    if unknown := sorted(set(mapping) - known):
        raise Wrong(f"{where}: unknown: {', '.join(unknown)}; known here: {', '.join(sorted(known))}")
    if missing := sorted(needed - set(mapping)):
        raise Wrong(f"{where}: missing: {', '.join(missing)}")


def _check_panel(panel, where, variables):
    if not isinstance(panel, dict) or panel.get("kind") not in HEIGHTS:
        raise Wrong(f"{where}: kind must be one of {', '.join(HEIGHTS)}")
    kind = panel["kind"]
    _check_keys(kind, panel, where, _PANEL_KEYS)
    if panel.get("unit", "count") not in UNITS:
        raise Wrong(f"{where}: unit must be one of {', '.join(UNITS)}")
    if not 1 <= panel["width"] <= COLUMNS:
        raise Wrong(f"{where}: width is in twelfths of the screen")
    if kind == "number" and len(panel["queries"]) != 1:
        raise Wrong(f"{where}: a number has one query")
    for query in panel["queries"]:
        _check_keys("query", query, where)
        if (kind == "graph") != ("legend" in query):
            raise Wrong(f"{where}: each query of a graph has a legend, and no other has")
        if kind != "table" and "title" in query:
            raise Wrong(f"{where}: only the values of a table have titles")
        for name in re.findall(r"\$(\w+)", query["query"]):
            if name not in variables and name != "__rate_interval":
                raise Wrong(f"{where}: there is no variable ${name}")


def read(path):
    board = yaml.safe_load(path.read_text())
    _check_keys("dashboard", board, path)
    names = set()
    for variable in board["variables"]:
        _check_keys("variable", variable, f"{path}: variables")
        # What OpenShift's console can turn into a query; it wants the space.
        if not re.fullmatch(r"label_values\(.+, \w+\)", variable["values"]):
            raise Wrong(f"{path}: variable {variable['name']}: values must be label_values(series, label)")
        # The console puts in values by plain replacement: $node would be found in $nodes.
        if clash := [name for name in names if name.startswith(variable["name"]) or variable["name"].startswith(name)]:
            raise Wrong(f"{path}: variable {variable['name']} begins like {clash[0]}")
        names.add(variable["name"])
    titles = set()
    for row in board["rows"]:
        _check_keys("row", row, f"{path}: rows")
        for panel in row["panels"]:
            where = f"{path}: {row['title']}: {panel.get('title')}"
            _check_panel(panel, where, names)
            if (row["title"], panel["title"]) in titles:
                raise Wrong(f"{where}: there are two of this title")
            titles.add((row["title"], panel["title"]))
    return board


def boards():
    return {path.stem: read(path) for path in sorted(SOURCES.glob("*.yaml"))}


def text_of(query):
    """Without line ends and the blanks that only lay out the source."""
    return re.sub(r"\s*\n\s*", " ", query["query"].strip())


def letters():
    return (chr(code) for code in range(ord("A"), ord("Z") + 1))
