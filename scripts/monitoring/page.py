"""A dashboard as a page with the data of a Prometheus, for places without Grafana or a console.

HTML without scripts. Every variable selects everything; of one that has no "all" the first value is taken.
"""

import html
import json
import re
import time
import urllib.parse
import urllib.request

from source import text_of

COLORS = ("#3274d9", "#e0752d", "#37872d", "#8f3bb8", "#c4162a", "#0a767b", "#a36400", "#5a5a5a")
STYLE = """body{background:#f4f5f5;color:#24292e;font:13px sans-serif;margin:16px;width:1240px}
h1{font-size:20px}h2{font-size:14px;margin:18px 0 6px}
.row{display:grid;grid-template-columns:repeat(12,1fr);gap:8px}
.panel{background:#fff;border:1px solid #dadde0;border-radius:3px;padding:8px;overflow:hidden}
.panel h3{font-size:12px;font-weight:600;margin:0 0 6px}.number{font-size:30px;text-align:center;padding:6px}
.red{color:#c4162a}.green{color:#37872d}table{border-collapse:collapse;width:100%}
td,th{text-align:left;padding:2px 6px;border-bottom:1px solid #eceeef;font-size:12px}
.legend span{margin-right:10px;font-size:11px;white-space:nowrap}.legend i{display:inline-block;width:10px;height:3px;
margin-right:4px;vertical-align:middle}.nothing{color:#8e8e8e;text-align:center;padding:12px}"""


class Prometheus:
    def __init__(self, url, minutes):
        self._url = url.rstrip("/")
        self._end = time.time()
        self._span = minutes * 60
        self.step = max(1, self._span // 200)

    def _ask(self, path, **arguments):
        with urllib.request.urlopen(f"{self._url}/api/v1/{path}?{urllib.parse.urlencode(arguments)}", timeout=30) as answer:
            return json.load(answer)["data"]

    def now(self, query):
        return self._ask("query", query=query, time=self._end)["result"]

    def over_time(self, query):
        return self._ask("query_range", query=query, start=self._end - self._span, end=self._end, step=self.step)["result"]

    def first_value(self, values):
        series, label = re.fullmatch(r"label_values\((.+), (\w+)\)", values).groups()
        found = sorted({one["metric"].get(label, "") for one in self.now(re.sub(r"\$\w+", ".*", series))})
        return found[0] if found else ""


def number(text):
    value = float(text)
    return None if value != value else value


def shown(value, unit):
    if value is None:
        return "-"
    if unit == "share":
        return f"{value * 100:.4g} %"
    if unit == "seconds":
        return f"{value * 1000:.3g} ms" if abs(value) < 1 else f"{value:.3g} s" if value < 7200 else f"{value / 3600:.3g} h"
    if unit == "bytes":
        return f"{value / 2**20:.3g} MiB"
    return f"{value:.4g}" + ("/s" if unit == "rate" else "")


class Page:
    def __init__(self, board, prometheus):
        self._board = board
        self._prometheus = prometheus
        self._values = {
            variable["name"]: ".*" if variable.get("all", True) else prometheus.first_value(variable["values"])
            for variable in board["variables"]
        } | {"__rate_interval": f"{max(4 * prometheus.step, 60)}s"}

    def _text(self, query):
        return re.sub(r"\$(\w+)", lambda match: self._values[match.group(1)], text_of(query))

    def _number(self, panel):
        found = self._prometheus.now(self._text(panel["queries"][0]))
        if not found:
            return '<div class="nothing">no data</div>'
        value = number(found[0]["value"][1])
        color = ""
        if value is not None and "red_from" in panel:
            color = "red" if value >= panel["red_from"] else "green"
        if value is not None and "green_from" in panel:
            color = "green" if value >= panel["green_from"] else "red"
        plain = shown(value, panel.get("unit", "count"))
        text = panel.get("texts", {}).get(plain, plain)
        return f'<div class="number {color}">{html.escape(str(text))}</div>'

    def _table(self, panel):
        rows = {}
        titles = [query["title"] for query in panel["queries"] if "title" in query]
        for query in panel["queries"]:
            for one in self._prometheus.now(self._text(query)):
                row = rows.setdefault(tuple(one["metric"].get(label, "") for label in panel["columns"]), {})
                if "title" in query:
                    row[query["title"]] = shown(number(one["value"][1]), panel.get("unit", "count"))
        if not rows:
            return '<div class="nothing">no data</div>'
        lines = ["".join(f"<th>{html.escape(title)}</th>" for title in [*panel["columns"].values(), *titles])]
        for labels, row in sorted(rows.items()):
            cells = [*labels, *(row.get(title, "-") for title in titles)]
            lines.append("".join(f"<td>{html.escape(cell)}</td>" for cell in cells))
        return "<table>" + "".join(f"<tr>{line}</tr>" for line in lines) + "</table>"

    def _graph(self, panel):
        curves = []
        for query in panel["queries"]:
            for one in self._prometheus.over_time(self._text(query)):
                legend = re.sub(r"{{\s*(\w+)\s*}}", lambda match, one=one: one["metric"].get(match.group(1), ""), query["legend"])
                points = [(at, number(text)) for at, text in one["values"] if number(text) is not None]
                if points:
                    curves.append((legend, points))
        if not curves:
            return '<div class="nothing">no data</div>'
        begin = min(points[0][0] for _, points in curves)
        end = max(points[-1][0] for _, points in curves)
        top = max(max(value for _, value in points) for _, points in curves) or 1
        width, height = 100 * panel["width"], 130
        lines, legend = [], []
        for index, (name, points) in enumerate(curves):
            color = COLORS[index % len(COLORS)]
            path = " ".join(
                f"{(at - begin) / ((end - begin) or 1) * width:.1f},{height - value / top * (height - 10):.1f}" for at, value in points
            )
            lines.append(f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="1.5"/>')
            legend.append(f'<span><i style="background:{color}"></i>{html.escape(name)}</span>')
        axis = f'<text x="2" y="9" font-size="10" fill="#6e6e6e">{html.escape(shown(top, panel.get("unit", "count")))}</text>'
        return (
            f'<svg viewBox="0 0 {width} {height}" width="100%" height="{height}" preserveAspectRatio="none">{"".join(lines)}{axis}</svg>'
            f'<div class="legend">{"".join(legend[:12])}</div>'
        )

    def render(self):
        draw = {"number": self._number, "table": self._table, "graph": self._graph}
        parts = [
            f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{html.escape(self._board["title"])}</title>'
            f"<style>{STYLE}</style></head><body><h1>{html.escape(self._board['title'])}</h1>"
        ]
        for row in self._board["rows"]:
            parts.append(f'<h2>{html.escape(row["title"])}</h2><div class="row">')
            for panel in row["panels"]:
                parts.append(
                    f'<div class="panel" style="grid-column:span {panel["width"]}"><h3>{html.escape(panel["title"])}</h3>'
                    f'{draw[panel["kind"]](panel)}</div>'
                )
            parts.append("</div>")
        return "\n".join([*parts, "</body></html>"])


def write(board, url, minutes=60):
    print(Page(board, Prometheus(url, int(minutes))).render())
    return 0
