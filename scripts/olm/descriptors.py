"""What the console shows of the fields of a custom resource, made of its schema."""

import re

_UI = "urn:alm:descriptor:com.tectonic.ui:"
_ACRONYMS = {"cdi": "CDI", "mdev": "MDEV", "nvidia": "NVIDIA", "numa": "NUMA", "pci": "PCI", "usb": "USB", "vfio": "VFIO"}
# Fields for which the console has something better than what their type tells.
_SPECIAL = {
    "machineConfigPoolSelector": [_UI + "selector:machineconfiguration.openshift.io:v1:MachineConfigPool"],
    "tolerations": [_UI + "advanced"],
}


def _display_name(field):
    words = re.findall(r"[A-Z]?[a-z0-9]+", field)
    return " ".join(_ACRONYMS.get(word.lower(), word[0].upper() + word[1:]) for word in words)


def _of_type(schema):
    if schema.get("enum"):
        return [_UI + "select:" + value for value in schema["enum"] if value]
    kind = {"boolean": "booleanSwitch", "integer": "number", "string": "text"}.get(schema.get("type"))
    return [_UI + kind] if kind else []


def _descriptor(path, field, schema, extra):
    descriptor = {
        "path": path,
        "displayName": _display_name(field),
        "description": " ".join(schema["description"].split()),
    }
    if extra:
        descriptor["x-descriptors"] = extra
    return descriptor


def of_spec(schema):
    """One descriptor for each field of spec, and for the fields of those that are objects or lists of
    objects."""
    descriptors = []
    for field, value in schema["properties"].items():
        descriptors.append(_descriptor(field, field, value, _SPECIAL.get(field, _of_type(value))))
        if field in _SPECIAL:
            continue
        if value["type"] == "object":
            children, path, group = value.get("properties", {}), field, "fieldGroup:"
        else:
            children, path, group = value.get("items", {}).get("properties", {}), field + "[0]", "arrayFieldGroup:"
        for child, inner in children.items():
            extra = [_UI + group + field] + _of_type(inner)
            descriptors.append(_descriptor(f"{path}.{child}", child, inner, extra))
    return descriptors


def of_status(schema):
    """One descriptor for each field of status."""
    descriptors = []
    for field, value in schema.get("properties", {}).items():
        if field == "conditions":
            extra = ["urn:alm:descriptor:io.kubernetes.conditions"]
        elif value["type"] in ("integer", "string", "boolean"):
            extra = [_UI + "text"]
        else:
            extra = []
        descriptors.append(_descriptor(field, field, value, extra))
    return descriptors
