"""What scripts/dashboards does.

A dashboard is a file with a `title`, `variables` and `rows` of `panels`. A panel is a `number`, a
`graph` or a `table`, twelfths of the screen wide, with queries. What the two consoles call these
things, and what each of them cannot do, is known here and nowhere else. Grafana gets its current
schema. OpenShift's console draws what Grafana 6 wrote, and of that only some kinds of panel.
"""

import json
import pathlib
import re
import signal
import sys

import yaml

ROOT = pathlib.Path("operator-manifests/monitoring")
SOURCES = ROOT / "dashboards"
GENERATED = ROOT / "generated"
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
GRAFANA_COLUMNS = 24

# What each mapping of a description may have, and which of that it must have.
KEYS = {
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
PANEL_KEYS = ({"title", "kind", "width", "queries", "about", "unit"}, {"title", "kind", "width", "queries"})


class Wrong(Exception):
    pass


# ---- reading ---------------------------------------------------------------------------------------


def check_keys(kind, mapping, where, more=(set(), set())):
    known, needed = (KEYS[kind][i] | more[i] for i in (0, 1))
    if not isinstance(mapping, dict):
        raise Wrong(f"{where}: must be a mapping")
    if unknown := sorted(set(mapping) - known):
        raise Wrong(f"{where}: unknown: {', '.join(unknown)}; known here: {', '.join(sorted(known))}")
    if missing := sorted(needed - set(mapping)):
        raise Wrong(f"{where}: missing: {', '.join(missing)}")


def check_panel(panel, where, variables):
    if not isinstance(panel, dict) or panel.get("kind") not in HEIGHTS:
        raise Wrong(f"{where}: kind must be one of {', '.join(HEIGHTS)}")
    kind = panel["kind"]
    check_keys(kind, panel, where, PANEL_KEYS)
    if panel.get("unit", "count") not in UNITS:
        raise Wrong(f"{where}: unit must be one of {', '.join(UNITS)}")
    if not 1 <= panel["width"] <= COLUMNS:
        raise Wrong(f"{where}: width is in twelfths of the screen")
    if kind == "number" and len(panel["queries"]) != 1:
        raise Wrong(f"{where}: a number has one query")
    for query in panel["queries"]:
        check_keys("query", query, where)
        if (kind == "graph") != ("legend" in query):
            raise Wrong(f"{where}: each query of a graph has a legend, and no other has")
        if kind != "table" and "title" in query:
            raise Wrong(f"{where}: only the values of a table have titles")
        for name in re.findall(r"\$(\w+)", query["query"]):
            if name not in variables and name != "__rate_interval":
                raise Wrong(f"{where}: there is no variable ${name}")


def read(path):
    board = yaml.safe_load(path.read_text())
    check_keys("dashboard", board, path)
    names = set()
    for variable in board["variables"]:
        check_keys("variable", variable, f"{path}: variables")
        # What OpenShift's console can turn into a query; it wants the space.
        if not re.fullmatch(r"label_values\(.+, \w+\)", variable["values"]):
            raise Wrong(f"{path}: variable {variable['name']}: values must be label_values(series, label)")
        # The console puts in values by plain replacement: $node would be found in $nodes.
        if clash := [name for name in names if name.startswith(variable["name"]) or variable["name"].startswith(name)]:
            raise Wrong(f"{path}: variable {variable['name']} begins like {clash[0]}")
        names.add(variable["name"])
    titles = set()
    for row in board["rows"]:
        check_keys("row", row, f"{path}: rows")
        for panel in row["panels"]:
            where = f"{path}: {row['title']}: {panel.get('title')}"
            check_panel(panel, where, names)
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


# ---- Grafana ---------------------------------------------------------------------------------------

DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}


def grafana_variables(board):
    variables = [
        {
            "name": "datasource",
            "label": "Data source",
            "type": "datasource",
            "query": "prometheus",
            "current": {},
            "hide": 0,
            "refresh": 1,
            "regex": "",
            "includeAll": False,
            "multi": False,
            "options": [],
        }
    ]
    for variable in board["variables"]:
        several = variable.get("all", True)
        variables.append(
            {
                "name": variable["name"],
                "label": variable["title"],
                "type": "query",
                "datasource": DATASOURCE,
                "definition": variable["values"],
                "query": {"query": variable["values"], "refId": "PrometheusVariableQueryEditor-VariableQuery"},
                "refresh": 2,
                "sort": 1,
                "regex": "",
                "hide": 0,
                "includeAll": several,
                "multi": several,
                "options": [],
                "current": {"text": "All", "value": "$__all"} if several else {},
                # Series without the label as well.
                **({"allValue": ".*"} if several else {}),
            }
        )
    return variables


def grafana_thresholds(panel):
    if "red_from" in panel:
        steps = [{"color": "green", "value": None}, {"color": "red", "value": panel["red_from"]}]
    elif "green_from" in panel:
        steps = [{"color": "red", "value": None}, {"color": "green", "value": panel["green_from"]}]
    else:
        steps = [{"color": "text" if panel["kind"] == "number" else "green", "value": None}]
    return {"mode": "absolute", "steps": steps}


def grafana_table_changes(panel):
    names = {label: title for label, title in panel["columns"].items()}
    hidden = {"Time": True}
    for letter, query in zip(letters(), panel["queries"]):
        # A single query's values have no letter.
        for column in [f"Value #{letter}"] + (["Value"] if len(panel["queries"]) == 1 else []):
            if "title" in query:
                names[column] = query["title"]
            else:
                hidden[column] = True
    order = {column: place for place, column in enumerate(names)}
    return [
        {"id": "merge", "options": {}},
        {"id": "organize", "options": {"excludeByName": hidden, "indexByName": order, "renameByName": names}},
    ]


def grafana_panel(panel, number, position):
    kind = panel["kind"]
    defaults = {"unit": UNITS[panel.get("unit", "count")][0], "thresholds": grafana_thresholds(panel), "mappings": []}
    if "texts" in panel:
        defaults["mappings"] = [
            {"type": "value", "options": {value: {"index": place, "text": text}}}
            for place, (value, text) in enumerate(panel["texts"].items())
        ]
    rendered = {
        "id": number,
        "type": {"number": "stat", "graph": "timeseries", "table": "table"}[kind],
        "title": panel["title"],
        "datasource": DATASOURCE,
        "gridPos": position,
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "options": {},
        "targets": [],
    }
    if "about" in panel:
        rendered["description"] = panel["about"]
    if kind == "number":
        rendered["options"] = {
            "colorMode": "value",
            "graphMode": "none",
            "justifyMode": "auto",
            "orientation": "auto",
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
            "textMode": "auto",
        }
    elif kind == "graph":
        defaults["min"] = 0
        defaults["custom"] = {
            "drawStyle": "line",
            "fillOpacity": 25 if panel.get("stack") else 0,
            "lineInterpolation": "stepAfter",
            "lineWidth": 1,
            "showPoints": "never",
            "spanNulls": False,
            "stacking": {"group": "A", "mode": "normal" if panel.get("stack") else "none"},
        }
        rendered["options"] = {
            "legend": {"calcs": [], "displayMode": "list", "placement": "bottom", "showLegend": True},
            "tooltip": {"mode": "multi", "sort": "desc"},
        }
    else:
        rendered["options"] = {"cellHeight": "sm", "showHeader": True}
        rendered["transformations"] = grafana_table_changes(panel)
    for letter, query in zip(letters(), panel["queries"]):
        target = {"refId": letter, "datasource": DATASOURCE, "editorMode": "code", "expr": text_of(query)}
        if kind == "graph":
            target |= {"range": True, "legendFormat": query["legend"]}
        else:
            target |= {"instant": True, "range": False, "format": "table" if kind == "table" else "time_series"}
        rendered["targets"].append(target)
    return rendered


def grafana_panels(board):
    panels = []
    scale = GRAFANA_COLUMNS // COLUMNS
    y = 0
    for row in board["rows"]:
        panels.append(
            {
                "id": len(panels) + 1,
                "type": "row",
                "title": row["title"],
                "collapsed": False,
                "gridPos": {"h": 1, "w": GRAFANA_COLUMNS, "x": 0, "y": y},
                "panels": [],
            }
        )
        y += 1
        x = line = 0
        for panel in row["panels"]:
            width = panel["width"] * scale
            if x + width > GRAFANA_COLUMNS:
                y += line
                x = line = 0
            height = HEIGHTS[panel["kind"]]
            panels.append(grafana_panel(panel, len(panels) + 1, {"h": height, "w": width, "x": x, "y": y}))
            x += width
            line = max(line, height)
        y += line
    return panels


def grafana(name, board):
    return {
        "uid": f"{TAG}-{name}",
        "title": board["title"],
        "description": f"Node Device Operator; {MARK}/{name}.yaml",
        "tags": [TAG],
        "schemaVersion": 39,
        "version": 1,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "1m",
        "time": {"from": "now-6h", "to": "now"},
        "timezone": "browser",
        "annotations": {"list": []},
        "links": [
            {
                "type": "dashboards",
                "title": "Node devices",
                "tags": [TAG],
                "asDropdown": True,
                "includeVars": True,
                "keepTime": True,
                "targetBlank": False,
                "icon": "external link",
                "tooltip": "",
                "url": "",
            }
        ],
        "templating": {"list": grafana_variables(board)},
        "panels": grafana_panels(board),
    }


# ---- OpenShift's console ---------------------------------------------------------------------------


def console_query(text, board):
    """The console's "all" is `.+`, which no missing label matches; with an alternative it does."""
    for variable in board["variables"]:
        if variable.get("absent"):
            text = text.replace(f'=~"${variable["name"]}"', f'=~"${variable["name"]}|"')
    return text


def console_variable(variable, board):
    return {
        "name": variable["name"],
        "label": variable["title"],
        "type": "query",
        "query": console_query(variable["values"], board),
        "hide": 0,
        "includeAll": variable.get("all", True),
        "multi": False,
        "options": [],
        "refresh": 2,
        "sort": 1,
    }


def console_thresholds(panel):
    """The console takes the colour of the last threshold below the value, where Grafana takes one that is equal, too."""
    if "red_from" in panel:
        colours = [("green", -1), ("red", panel["red_from"] - 0.0001)]
    elif "green_from" in panel:
        colours = [("red", -1), ("green", panel["green_from"] - 0.0001)]
    else:
        return []
    return [{"color": colour, "value": value} for colour, value in colours]


def console_panel(panel, number, board):
    kind = panel["kind"]
    unit = UNITS[panel.get("unit", "count")][1]
    rendered = {
        "id": number,
        "type": {"number": "singlestat", "graph": "graph", "table": "table"}[kind],
        "title": panel["title"],
        "span": panel["width"],
        "targets": [],
    }
    if kind == "number":
        rendered["format"] = unit
        rendered["decimals"] = 1 if panel.get("unit") == "share" else 0
        rendered["options"] = {"fieldOptions": {"thresholds": console_thresholds(panel)}}
        rendered["valueMaps"] = [
            {"op": "=", "value": value, "text": text} for value, text in panel.get("texts", {}).items()
        ] + [{"op": "=", "value": "null", "text": "-"}]
    elif kind == "graph":
        rendered["stack"] = panel.get("stack", False)
        rendered["legend"] = {"show": True}
        rendered["yaxes"] = [{"format": unit, "min": 0}, {"format": "short"}]
    else:
        rendered["transform"] = "table"
        rendered["styles"] = [{"pattern": "Time", "alias": "Time", "type": "hidden"}] + [
            {"pattern": label, "alias": title, "type": "string"} for label, title in panel["columns"].items()
        ]
        for letter, query in zip(letters(), panel["queries"]):
            style = {"pattern": f"Value #{letter}", "alias": query.get("title", "Value"), "type": "hidden"}
            if "title" in query:
                style |= {"type": "number", "unit": unit, "decimals": 0}
            rendered["styles"].append(style)
    for letter, query in zip(letters(), panel["queries"]):
        target = {"refId": letter, "expr": console_query(text_of(query), board)}
        if kind == "graph":
            target["legendFormat"] = query["legend"]
        elif kind == "table":
            target |= {"format": "table", "instant": True}
        else:
            target["instant"] = True
        rendered["targets"].append(target)
    return rendered


def console(board):
    number = 0
    rows = []
    for row in board["rows"]:
        panels = []
        for panel in row["panels"]:
            number += 1
            panels.append(console_panel(panel, number, board))
        rows.append({"title": row["title"], "showTitle": True, "collapse": False, "panels": panels})
    return {
        "title": board["title"],
        "tags": [TAG],
        "schemaVersion": 16,
        "editable": False,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": [console_variable(variable, board) for variable in board["variables"]]},
        "rows": rows,
    }


# ---- files -----------------------------------------------------------------------------------------


def as_json(value):
    return json.dumps(value, indent=2) + "\n"


def config_map(name, board):
    """Of several keys the console reads the first."""
    text = "".join(f"    {line}\n" for line in as_json(console(board)).splitlines())
    return (
        f"# {MARK}/{name}.yaml\n"
        "apiVersion: v1\n"
        "kind: ConfigMap\n"
        "metadata:\n"
        f"  name: {TAG}-{name}\n"
        "  # The only namespace that the console looks into.\n"
        "  namespace: openshift-config-managed\n"
        "  labels:\n"
        '    console.openshift.io/dashboard: "true"\n'
        "    app.kubernetes.io/part-of: node-device-operator\n"
        "data:\n"
        f"  {TAG}-{name}.json: |\n{text}"
    )


def kustomization(lines):
    return f"# {MARK}\n" + "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n" + lines


def render():
    """Every file below GENERATED, by its name there."""
    every = boards()
    files = {}
    for name, board in every.items():
        files[f"grafana/{TAG}-{name}.json"] = as_json(grafana(name, board))
        files[f"console/{TAG}-{name}.yaml"] = config_map(name, board)
    files["console/kustomization.yaml"] = kustomization(
        "resources:\n" + "".join(f"- {TAG}-{name}.yaml\n" for name in every)
    )
    # The label by which a Grafana with the usual sidecar finds them.
    files["grafana/kustomization.yaml"] = kustomization(
        "generatorOptions:\n"
        "  disableNameSuffixHash: true\n"
        '  labels: {grafana_dashboard: "1", app.kubernetes.io/part-of: node-device-operator}\n'
        "configMapGenerator:\n"
        + "".join(
            f"- {{name: {TAG}-{name}, namespace: node-device, files: [{TAG}-{name}.json]}}\n" for name in every
        )
    )
    return files


def there():
    return {str(path.relative_to(GENERATED)) for path in GENERATED.rglob("*") if path.is_file()}


def write():
    files = render()
    for name, text in files.items():
        path = GENERATED / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for name in there() - set(files):
        (GENERATED / name).unlink()
    print(f"dashboards: wrote {len(files)} files below {GENERATED}")


def check():
    files = render()
    stale = [name for name, text in files.items() if name not in there() or (GENERATED / name).read_text() != text]
    for name in sorted(stale):
        print(f"dashboards: {GENERATED / name} is not what scripts/dashboards writes", file=sys.stderr)
    extra = there() - set(files)
    for name in sorted(extra):
        print(f"dashboards: {GENERATED / name}: no dashboard is called so", file=sys.stderr)
    if stale or extra:
        return 1
    print(f"dashboards: {len(files)} generated files are current")
    return 0


def queries():
    for name, board in boards().items():
        values = {variable["name"]: ".*" for variable in board["variables"]} | {"__rate_interval": "5m"}
        for row in board["rows"]:
            for panel in row["panels"]:
                for query in panel["queries"]:
                    text = re.sub(r"\$(\w+)", lambda match: values[match.group(1)], text_of(query))
                    line = {"dashboard": name, "panel": f"{row['title']}: {panel['title']}", "query": text}
                    if "when" in query:
                        line["when"] = query["when"]
                    print(json.dumps(line))


def main(arguments):
    try:
        if not arguments:
            return write()
        if arguments == ["--check"]:
            return check()
        if arguments == ["--queries"]:
            return queries()
    except (Wrong, yaml.YAMLError) as error:
        print(f"dashboards: {error}", file=sys.stderr)
        return 1
    print("usage: scripts/dashboards [--check | --queries | --page DASHBOARD URL [MINUTES]]", file=sys.stderr)
    return 2


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # `| head` is no error
    sys.exit(main(sys.argv[1:]))
