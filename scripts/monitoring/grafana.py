"""A dashboard in Grafana's current schema."""

from source import COLUMNS, HEIGHTS, MARK, TAG, UNITS, letters, text_of

_DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
_GRID = 24  # columns


def _variables(board):
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
                "datasource": _DATASOURCE,
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


def _thresholds(panel):
    if "red_from" in panel:
        steps = [{"color": "green", "value": None}, {"color": "red", "value": panel["red_from"]}]
    elif "green_from" in panel:
        steps = [{"color": "red", "value": None}, {"color": "green", "value": panel["green_from"]}]
    else:
        steps = [{"color": "text" if panel["kind"] == "number" else "green", "value": None}]
    return {"mode": "absolute", "steps": steps}


def _table_changes(panel):
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


def _panel(panel, number, position):
    kind = panel["kind"]
    defaults = {"unit": UNITS[panel.get("unit", "count")][0], "thresholds": _thresholds(panel), "mappings": []}
    if "texts" in panel:
        defaults["mappings"] = [
            {"type": "value", "options": {value: {"index": place, "text": text}}}
            for place, (value, text) in enumerate(panel["texts"].items())
        ]
    rendered = {
        "id": number,
        "type": {"number": "stat", "graph": "timeseries", "table": "table"}[kind],
        "title": panel["title"],
        "datasource": _DATASOURCE,
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
        rendered["transformations"] = _table_changes(panel)
    for letter, query in zip(letters(), panel["queries"]):
        target = {"refId": letter, "datasource": _DATASOURCE, "editorMode": "code", "expr": text_of(query)}
        if kind == "graph":
            target |= {"range": True, "legendFormat": query["legend"]}
        else:
            target |= {"instant": True, "range": False, "format": "table" if kind == "table" else "time_series"}
        rendered["targets"].append(target)
    return rendered


def _panels(board):
    panels = []
    scale = _GRID // COLUMNS
    y = 0
    for row in board["rows"]:
        panels.append(
            {
                "id": len(panels) + 1,
                "type": "row",
                "title": row["title"],
                "collapsed": False,
                "gridPos": {"h": 1, "w": _GRID, "x": 0, "y": y},
                "panels": [],
            }
        )
        y += 1
        x = line = 0
        for panel in row["panels"]:
            width = panel["width"] * scale
            if x + width > _GRID:
                y += line
                x = line = 0
            height = HEIGHTS[panel["kind"]]
            panels.append(_panel(panel, len(panels) + 1, {"h": height, "w": width, "x": x, "y": y}))
            x += width
            line = max(line, height)
        y += line
    return panels


def render(name, board):
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
        "templating": {"list": _variables(board)},
        "panels": _panels(board),
    }
