"""A dashboard for OpenShift's console: what Grafana 6 wrote, and of that only some kinds of panel."""

from source import TAG, UNITS, letters, text_of


def _query(text, board):
    """The console's "all" is `.+`, which no missing label matches; with an alternative it does."""
    for variable in board["variables"]:
        if variable.get("absent"):
            text = text.replace(f'=~"${variable["name"]}"', f'=~"${variable["name"]}|"')
    return text


def _variable(variable, board):
    return {
        "name": variable["name"],
        "label": variable["title"],
        "type": "query",
        "query": _query(variable["values"], board),
        "hide": 0,
        "includeAll": variable.get("all", True),
        "multi": False,
        "options": [],
        "refresh": 2,
        "sort": 1,
    }


def _thresholds(panel):
    """The console takes the colour of the last threshold below the value, where Grafana takes one that is equal, too."""
    if "red_from" in panel:
        colours = [("green", -1), ("red", panel["red_from"] - 0.0001)]
    elif "green_from" in panel:
        colours = [("red", -1), ("green", panel["green_from"] - 0.0001)]
    else:
        return []
    return [{"color": colour, "value": value} for colour, value in colours]


def _panel(panel, number, board):
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
        rendered["options"] = {"fieldOptions": {"thresholds": _thresholds(panel)}}
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
        target = {"refId": letter, "expr": _query(text_of(query), board)}
        if kind == "graph":
            target["legendFormat"] = query["legend"]
        elif kind == "table":
            target |= {"format": "table", "instant": True}
        else:
            target["instant"] = True
        rendered["targets"].append(target)
    return rendered


def render(board):
    number = 0
    rows = []
    for row in board["rows"]:
        panels = []
        for panel in row["panels"]:
            number += 1
            panels.append(_panel(panel, number, board))
        rows.append({"title": row["title"], "showTitle": True, "collapse": False, "panels": panels})
    return {
        "title": board["title"],
        "tags": [TAG],
        "schemaVersion": 16,
        "editable": False,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": [_variable(variable, board) for variable in board["variables"]]},
        "rows": rows,
    }
