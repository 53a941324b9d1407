"""What tests/monitoring/run asks of the alerts, besides promtool.

    agree                          alerts, runbooks, tests and metrics know each other, and the console
                                   can draw its dashboards
    write-rules FOLDER             the rules as promtool reads them: all of it for its checks, and
                                   without what all alerts have alike for the tests
    write-queries QUERIES FILE     the dashboards' queries as rules, which promtool parses
"""

import json
import pathlib
import re
import subprocess
import sys

import yaml

RULES = pathlib.Path("operator-manifests/monitoring/rules.yaml")
RUNBOOKS = pathlib.Path("docs/runbooks")
TESTS = pathlib.Path("tests/monitoring")
CONSOLE = pathlib.Path("operator-manifests/monitoring/generated/console")
DASHBOARD = "node-devices-"
# The only place that says where the runbooks are to be read; scripts/home-page brings it into rules.yaml.
HOME_PAGE = re.compile(r"^ *HOMEPAGE_URL (https://[^\s)]+)", re.M)

# What Prometheus adds, by operator-manifests/monitoring's ServiceMonitors: each metric may have it.
TARGET_LABELS = {"namespace", "pod", "job", "instance", "node", "config", "service", "endpoint", "container"}
SEVERITIES = {"critical", "warning", "info"}
IMPACTS = {"critical", "warning", "none"}
PART_OF = {"kubernetes_operator_part_of": "node-device-operator"}
SECTIONS = ["Meaning", "Impact", "Diagnosis", "Mitigation", "Clears"]


def rules():
    groups = yaml.safe_load(RULES.read_text())["spec"]["groups"]
    return [rule for group in groups for rule in group["rules"]]


def alerts():
    return {rule["alert"]: rule for rule in rules() if "alert" in rule}


# ---- alerts and runbooks ---------------------------------------------------------------------------


def alert_problems():
    found = HOME_PAGE.search(pathlib.Path("CMakeLists.txt").read_text())
    if not found:
        yield "CMakeLists.txt: project() has no HOMEPAGE_URL"
        return
    base = f"{found.group(1)}/{RUNBOOKS}/"
    names = [rule["alert"] for rule in rules() if "alert" in rule]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"{name}: there are two of this name"
    for name, rule in alerts().items():
        labels, annotations = rule["labels"], rule["annotations"]
        if not re.fullmatch(r"NodeDevice([A-Z][a-z]+)+", name):
            yield f"{name}: an alert's name begins with NodeDevice"
        if labels.get("severity") not in SEVERITIES or labels.get("operator_health_impact") not in IMPACTS:
            yield f"{name}: severity or operator_health_impact is wrong"
        if not PART_OF.items() <= labels.items():
            yield f"{name}: lacks {PART_OF}"
        if set(annotations) != {"summary", "description", "runbook_url"}:
            yield f"{name}: annotations are summary, description and runbook_url"
        if "{{" in annotations.get("summary", ""):
            yield f"{name}: a summary is the same for all"
        if annotations.get("runbook_url") != f"{base}{name}.md":
            yield f"{name}: runbook_url is not {base}{name}.md; run: make bundle"


def runbook_problems():
    index = (RUNBOOKS / "README.md").read_text()
    pages = {path.stem: path for path in RUNBOOKS.glob("*.md") if path.stem != "README"}
    for name in sorted(set(alerts()) - set(pages)):
        yield f"{name}: has no page in {RUNBOOKS}"
    for name, path in sorted(pages.items()):
        text = path.read_text()
        if name not in alerts():
            yield f"{path}: no alert is called so"
            continue
        if f"[{name}]({name}.md)" not in index:
            yield f"{path}: is not in {RUNBOOKS}/README.md"
        if not text.startswith(f"# {name}\n"):
            yield f"{path}: does not begin with the alert's name"
        if re.findall(r"^## (.+)$", text, re.M) != SECTIONS:
            yield f"{path}: its sections are not {', '.join(SECTIONS)}"
    for name in sorted(set(re.findall(r"\]\((\w+)\.md\)", index)) - set(pages)):
        yield f"{RUNBOOKS}/README.md: there is no {name}.md"
    for name, severity in re.findall(r"^\| \[(\w+)\]\(\w+\.md\) \| (\w+) \|", index, re.M):
        if name in alerts() and alerts()[name]["labels"]["severity"] != severity:
            yield f"{RUNBOOKS}/README.md: {name} is not {severity}"


# ---- alerts and their tests ------------------------------------------------------------------------


def minutes(text):
    return sum(int(count) * {"m": 1, "h": 60, "d": 1440}[unit] for count, unit in re.findall(r"(\d+)([mhd])", text))


def test_problems():
    fired, cleared, silent = set(), set(), set()
    for path in sorted(TESTS.glob("*_test.yaml")):
        for case in yaml.safe_load(path.read_text())["tests"]:
            looks = {}  # alert -> [(when, whether it fires)]
            for look in case.get("alert_rule_test", []):
                name = look["alertname"]
                if name not in alerts():
                    yield f"{path}: {case['name']}: there is no alert {name}"
                looks.setdefault(name, []).append((minutes(look["eval_time"]), bool(look.get("exp_alerts"))))
            for name, seen in looks.items():
                firing = [when for when, fires in seen if fires]
                if not firing:
                    silent.add(name)
                    continue
                fired.add(name)
                if any(not fires and when > max(firing) for when, fires in seen):
                    cleared.add(name)
    for name in sorted(alerts()):
        if name not in fired:
            yield f"{name}: no test fires it"
        if name not in cleared:
            yield f"{name}: no test sees it go away after it fired"
        if name not in silent:
            yield f"{name}: no test has a case in which it must not fire"


# ---- metrics ---------------------------------------------------------------------------------------


def known_metrics():
    """Name to labels, from the tables that tests/architecture compares with the code; and what the rules record."""
    metrics = {"up": set()}
    row = re.compile(r"^\| `((?:nodedevice|process)_\w+)` \| (\w+) \| ([^|]*)\|", re.M)
    for name, kind, cell in row.findall(pathlib.Path("docs/metrics.md").read_text()):
        labels = set(re.findall(r"`(\w+)`", cell))
        # A pod's own label gives way to that of what is scraped.
        labels |= {f"exported_{label}" for label in labels & TARGET_LABELS}
        if kind == "histogram":
            metrics |= {f"{name}_bucket": labels | {"le"}, f"{name}_sum": labels, f"{name}_count": labels}
        else:
            metrics[name] = labels
    for rule in rules():
        if "record" in rule:
            metrics[rule["record"]] = set(rule["record"].split(":")[0].split("_"))
    return metrics


def expression_problems(expression, where, metrics):
    for name, selector in re.findall(r"([a-zA-Z_:][\w:]*)\{([^}]*)\}", expression):
        for label in re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", re.sub(r'"[^"]*"', '""', selector)):
            if label not in metrics.get(name, set()) | TARGET_LABELS:
                yield f"{where}: {name} has no label {label}"
    # What is left without texts, selectors, ranges and lists of labels are metrics, functions and words.
    rest = re.sub(r'"[^"]*"|\{[^}]*\}|\[[^\]]*\]', " ", expression)
    rest = re.sub(r"\b(by|on|without|ignoring)\s*\([^)]*\)", " ", rest)
    for name in re.findall(r"\b[a-zA-Z_:][\w:]*\b(?!\s*\()", rest):
        if name not in metrics and name not in {"and", "or", "unless", "bool"}:
            yield f"{where}: there is no metric {name}"


def metric_problems():
    metrics = known_metrics()
    for rule in rules():
        yield from expression_problems(rule["expr"], rule.get("alert") or rule["record"], metrics)
    listed = subprocess.run(["scripts/dashboards", "--queries"], check=True, capture_output=True, text=True).stdout
    for line in listed.splitlines():
        query = json.loads(line)
        yield from expression_problems(query["query"], f"{query['dashboard']}: {query['panel']}", metrics)


# ---- OpenShift's console ---------------------------------------------------------------------------


def console_problems():
    """What its page drops without a word, or falls over."""
    for path in sorted(CONSOLE.glob(f"{DASHBOARD}*.yaml")):
        config_map = yaml.safe_load(path.read_text())
        meta = config_map["metadata"]
        if meta["namespace"] != "openshift-config-managed" or meta["labels"].get("console.openshift.io/dashboard") != "true":
            yield f"{path}: the console does not look for it"
        if len(config_map["data"]) != 1:
            yield f"{path}: only the first key is read"
        board = json.loads(next(iter(config_map["data"].values())))
        variables = {variable["name"] for variable in board["templating"]["list"]}
        for variable in board["templating"]["list"]:
            if variable["type"] != "query" or variable["multi"] or variable["hide"] != 0:
                yield f"{path}: {variable['name']}: a variable is a query with one value"
        identities = [panel["id"] for row in board["rows"] for panel in row.get("panels", [])]
        if len(identities) != len(set(identities)):
            yield f"{path}: two panels have the same id"
        for row in board["rows"]:
            if not row.get("panels"):
                yield f"{path}: {row['title']}: a row without panels breaks the page"
            for panel in row.get("panels", []):
                where = f"{path}: {panel.get('title')}"
                if panel["type"] not in {"graph", "singlestat", "table"} or "datasource" in panel or not panel["title"]:
                    yield f"{where}: is not drawn"
                if panel["type"] == "table":
                    styled = {style["pattern"] for style in panel["styles"]}
                    if missing := {f"Value #{target['refId']}" for target in panel["targets"]} - styled:
                        yield f"{where}: no style for {missing}"
                for target in panel["targets"]:
                    for name in re.findall(r"\$(\w+)", target["expr"]):
                        if name not in variables | {"__rate_interval"}:
                            yield f"{where}: nothing replaces ${name}"


# ---- what run calls --------------------------------------------------------------------------------


def agree():
    problems = [
        *alert_problems(),
        *runbook_problems(),
        *test_problems(),
        *metric_problems(),
        *console_problems(),
    ]
    for problem in problems:
        print(problem, file=sys.stderr)
    if problems:
        return 1
    print(f"{len(alerts())} alerts, each with a runbook and tests")
    return 0


def write_rules(folder):
    spec = yaml.safe_load(RULES.read_text())["spec"]
    (folder / "rules.yaml").write_text(yaml.safe_dump(spec))
    for group in spec["groups"]:
        for rule in group["rules"]:
            if "alert" in rule:
                rule["annotations"] = {"description": rule["annotations"]["description"]}
                rule["labels"] = {key: value for key, value in rule["labels"].items() if key not in PART_OF}
    (folder / "rules_for_tests.yaml").write_text(yaml.safe_dump(spec))


def write_queries(queries, target):
    recorded = [
        {"record": f"query:{number}", "expr": json.loads(line)["query"]}
        for number, line in enumerate(queries.read_text().splitlines())
    ]
    if not recorded:
        sys.exit("there is no query")
    target.write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": recorded}]}))


def main(command, *paths):
    paths = [pathlib.Path(path) for path in paths]
    return {"agree": agree, "write-rules": write_rules, "write-queries": write_queries}[command](*paths)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
