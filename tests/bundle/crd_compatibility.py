"""Whether what is stored in a cluster stays valid when a custom resource definition is replaced by a newer
one. OLM refuses an upgrade that drops a version or makes an object invalid, and its successor refuses
all of these.

    crd_compatibility.py OLD NEW      files; prints what is wrong and exits with 1
"""

import sys

import yaml

# The limit may go up only, or down only.
_UPPER = ("maximum", "maxLength", "maxItems", "maxProperties")
_LOWER = ("minimum", "minLength", "minItems", "minProperties")
# May not change at all.
_SAME = ("type", "format", "default", "pattern", "allOf", "anyOf", "oneOf", "not", "x-kubernetes-list-type",
         "x-kubernetes-list-map-keys", "x-kubernetes-map-type", "x-kubernetes-int-or-string",
         "x-kubernetes-preserve-unknown-fields", "nullable", "uniqueItems", "multipleOf")


def _rules(schema):
    return {rule["rule"] for rule in schema.get("x-kubernetes-validations", [])}


def _compare_values(path, old, new, problems):
    for key in _SAME:
        if old.get(key) != new.get(key):
            problems.append(f"{path}: {key} was {old.get(key)}, is {new.get(key)}")
    for key in _UPPER + _LOWER:
        before, after = old.get(key), new.get(key)
        if after is None or before == after:
            continue
        if before is None or (after < before if key in _UPPER else after > before):
            problems.append(f"{path}: {key} was {before}, is {after}")
    if "enum" in new and not set(old.get("enum", [])):
        problems.append(f"{path}: only some values are allowed now")
    gone = [value for value in old.get("enum", []) if "enum" in new and value not in new["enum"]]
    problems += [f"{path}: the value '{value}' is not allowed any more" for value in gone]
    problems += [f"{path}: there is a new rule: {rule}" for rule in sorted(_rules(new) - _rules(old))]
    for field in new.get("required", []):
        if field not in old.get("required", []):
            problems.append(f"{path}.{field}: is required now")


def _compare(path, old, new, problems):
    _compare_values(path, old, new, problems)
    for field, schema in old.get("properties", {}).items():
        if field in new.get("properties", {}):
            _compare(f"{path}.{field}", schema, new["properties"][field], problems)
        else:
            problems.append(f"{path}.{field}: is gone")
    for key, name in (("items", "[]"), ("additionalProperties", ".*")):
        before, after = old.get(key), new.get(key)
        if isinstance(before, dict) and isinstance(after, dict):
            _compare(path + name, before, after, problems)
        elif before != after:
            problems.append(f"{path}: {key} was {before}, is {after}")


def problems_of(old, new):
    """One text for each way in which an object of the old definition may be wrong by the new one."""
    problems = []
    for key in ("group", "scope"):
        if old["spec"][key] != new["spec"][key]:
            problems.append(f"{key} was {old['spec'][key]}, is {new['spec'][key]}")
    for key in ("kind", "plural"):
        if old["spec"]["names"][key] != new["spec"]["names"][key]:
            problems.append(f"{key} was {old['spec']['names'][key]}, is {new['spec']['names'][key]}")
    versions = {version["name"]: version for version in new["spec"]["versions"]}
    for version in old["spec"]["versions"]:
        name = version["name"]
        if name not in versions:
            problems.append(f"the version {name} is gone")
            continue
        if version["served"] and not versions[name]["served"]:
            problems.append(f"the version {name} is not served any more")
        if ("status" in version.get("subresources", {})) != ("status" in versions[name].get("subresources", {})):
            problems.append(f"the version {name}: the subresource status came or went")
        _compare(name, version["schema"]["openAPIV3Schema"], versions[name]["schema"]["openAPIV3Schema"], problems)
    return problems


def main():
    definitions = []
    for path in sys.argv[1:3]:
        with open(path, encoding="utf-8") as file:
            definitions.append(yaml.safe_load(file))
    problems = problems_of(*definitions)
    for problem in problems:
        print(f"{sys.argv[2]}: {problem}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
