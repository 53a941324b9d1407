"""What `kubectl kustomize` makes of a folder, for as much of it as operator-manifests uses. Whatever else
a kustomization says is a Problem, never ignored; tests/bundle compares it with kubectl's own result."""

import copy
from pathlib import Path

from yaml_files import Problem, parse, read, read_all

# The field by which a strategic merge tells the elements of a list apart.
_MERGE_KEYS = {
    "containers": "name",
    "env": "name",
    "ports": "containerPort",
    "volumeMounts": "mountPath",
    "volumes": "name",
}
# Lists of plain values, which a patch replaces.
_REPLACED = {"args", "command"}


def _merge_lists(name, base, patch):
    if name in _REPLACED:
        return copy.deepcopy(patch)
    key = _MERGE_KEYS.get(name)
    if key is None:
        raise Problem(f"a patch of the list '{name}' is not understood here")
    merged = copy.deepcopy(base)
    for element in patch:
        for index, known in enumerate(merged):
            if known[key] == element[key]:
                merged[index] = _merge(known, element)
                break
        else:
            merged.append(copy.deepcopy(element))
    return merged


def _merge(base, patch):
    merged = copy.deepcopy(base)
    for key, value in patch.items():
        if key.startswith("$") or value is None:
            raise Problem(f"'{key}: {value}' in a patch is not understood here")
        if isinstance(value, dict):
            merged[key] = _merge(merged.get(key, {}), value)
        elif isinstance(value, list):
            merged[key] = _merge_lists(key, merged.get(key, []), value)
        else:
            merged[key] = value
    return merged


def _identity(thing):
    metadata = thing.get("metadata", {})
    return thing.get("apiVersion"), thing.get("kind"), metadata.get("name"), metadata.get("namespace")


def _apply_operation(thing, operation):
    if operation["op"] != "add":
        raise Problem(f"the operation '{operation['op']}' in a patch is not understood here")
    *parents, last = [part.replace("~1", "/").replace("~0", "~") for part in operation["path"].split("/")[1:]]
    for parent in parents:
        thing = thing[int(parent)] if isinstance(thing, list) else thing[parent]
    if isinstance(thing, list):
        raise Problem(f"{operation['path']} in a patch is not understood here: it is in a list")
    thing[last] = operation["value"]


def _apply_patch(folder, patch, objects):
    if set(patch) == {"path"}:
        for wanted in read_all(folder / patch["path"]):
            found = [index for index, thing in enumerate(objects) if _identity(thing) == _identity(wanted)]
            if len(found) != 1:
                raise Problem(f"{folder / patch['path']}: patches {len(found)} objects")
            objects[found[0]] = _merge(objects[found[0]], wanted)
    elif set(patch) == {"target", "patch"} and set(patch["target"]) <= {"kind", "name"}:
        target = patch["target"]
        for thing in objects:
            if thing["kind"] == target["kind"] and thing["metadata"]["name"] == target.get(
                    "name", thing["metadata"]["name"]):
                for operation in parse(patch["patch"]):
                    _apply_operation(thing, operation)
    else:
        raise Problem(f"{folder}/kustomization.yaml: a patch with {', '.join(patch)} is not understood here")


def build(folder):
    """The objects of a folder with a kustomization.yaml, in the order of its resources."""
    folder = Path(folder)
    described = read(folder / "kustomization.yaml")
    unknown = set(described) - {"apiVersion", "kind", "resources", "patches"}
    if unknown:
        raise Problem(f"{folder}/kustomization.yaml: '{', '.join(sorted(unknown))}' is not understood here")
    objects = []
    for resource in described.get("resources", []):
        path = folder / resource
        objects += build(path) if path.is_dir() else read_all(path)
    for patch in described.get("patches", []):
        _apply_patch(folder, patch, objects)
    return objects
