"""Whether scripts/olm/kustomization.py makes of a folder what kubectl makes of it.

    kubectl kustomize FOLDER | same_objects.py FOLDER

The order of objects, and of list elements that have a name, means nothing and is not compared.
"""

import json
import sys
from pathlib import Path

import yaml

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts/olm"))
import kustomization  # noqa: E402


def _normal(value):
    if isinstance(value, dict):
        return {key: _normal(inner) for key, inner in value.items()}
    if isinstance(value, list):
        inner = [_normal(element) for element in value]
        if inner and all(isinstance(element, dict) and "name" in element for element in inner):
            inner.sort(key=lambda element: element["name"])
        return inner
    return value


def _by_identity(objects):
    def identity(thing):
        return thing["kind"], thing["metadata"].get("namespace", ""), thing["metadata"]["name"]

    found = {identity(thing): _normal(thing) for thing in objects}
    if len(found) != len(objects):
        sys.exit("the same object is there twice")
    return found


def main():
    folder = sys.argv[1]
    ours = _by_identity(kustomization.build(folder))
    kubectls = _by_identity([thing for thing in yaml.safe_load_all(sys.stdin) if thing])
    wrong = 0
    for identity in sorted(ours.keys() | kubectls.keys()):
        one, other = ours.get(identity), kubectls.get(identity)
        if one != other:
            wrong = 1
            print(f"{folder}: {' '.join(identity)}\n  scripts/olm: {json.dumps(one)}\n  kubectl:     {json.dumps(other)}")
    if not kubectls:
        sys.exit(f"{folder}: kubectl says nothing")
    return wrong


sys.exit(main())
