"""What scripts/dashboards does."""

import json
import re
import signal
import sys

import console
import grafana
import page
import yaml
from source import MARK, ROOT, TAG, Wrong, boards, text_of

GENERATED = ROOT / "generated"


def as_json(value):
    return json.dumps(value, indent=2) + "\n"


def config_map(name, board):
    """Of several keys the console reads the first."""
    text = "".join(f"    {line}\n" for line in as_json(console.render(board)).splitlines())
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


def render_all():
    """Every file below GENERATED, by its name there."""
    every = boards()
    files = {}
    for name, board in every.items():
        files[f"grafana/{TAG}-{name}.json"] = as_json(grafana.render(name, board))
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
    files = render_all()
    for name, text in files.items():
        path = GENERATED / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for name in there() - set(files):
        (GENERATED / name).unlink()
    print(f"dashboards: wrote {len(files)} files below {GENERATED}")


def check():
    files = render_all()
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
        if arguments[0] == "--page" and len(arguments) in (3, 4) and arguments[1] in boards():
            return page.write(boards()[arguments[1]], *arguments[2:])
    except (Wrong, yaml.YAMLError) as error:
        print(f"dashboards: {error}", file=sys.stderr)
        return 1
    print("usage: scripts/dashboards [--check | --queries | --page DASHBOARD URL [MINUTES]]", file=sys.stderr)
    return 2


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # `| head` is no error
    sys.exit(main(sys.argv[1:]))
