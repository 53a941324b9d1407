"""Makes a file-based catalog of bundles that opm has rendered."""

import base64
import json
from pathlib import Path

from releases import Releases, parse_version
from yaml_files import Problem, read

_OURS = Path("operator-manifests/olm")


def _blobs(text):
    """opm prints one JSON object after the other."""
    decoder, blobs, position = json.JSONDecoder(), [], 0
    while text[position:].strip():
        position += len(text[position:]) - len(text[position:].lstrip())
        blob, position = decoder.raw_decode(text, position)
        blobs.append(blob)
    return blobs


def _version(blob):
    return next(value["value"]["version"] for value in blob["properties"] if value["type"] == "olm.package")


def make(rendered):
    """The text of the catalog: package, channels, bundles. Only a channel's entries say what replaces what."""
    how, releases = read(_OURS / "bundle.yaml"), Releases(_OURS / "releases")
    package = how["package"]
    bundles = _blobs(rendered)
    wrong = [blob.get("name") for blob in bundles if blob["schema"] != "olm.bundle" or blob["package"] != package]
    if wrong or not bundles:
        raise Problem(f"opm has rendered no bundles of {package}: {wrong}")
    bundles.sort(key=lambda blob: parse_version(_version(blob)))
    names = {_version(blob): blob["name"] for blob in bundles}
    if len(names) < len(bundles):
        raise Problem("a version is there twice")
    entries = []
    for version, name in names.items():
        entry = {"name": name}
        replaced = releases.replaced_by(version)
        if replaced in names:
            entry["replaces"] = names[replaced]
        skip_range = releases.skip_range_of(version)
        if skip_range:
            entry["skipRange"] = skip_range
        entries.append(entry)
    blobs = [{
        "schema": "olm.package",
        "name": package,
        "defaultChannel": how["channels"][0],
        "description": (_OURS / "description.md").read_text(encoding="utf-8"),
        "icon": {"base64data": base64.b64encode((_OURS / "icon.svg").read_bytes()).decode(),
                 "mediatype": "image/svg+xml"},
    }]
    blobs += [{"schema": "olm.channel", "package": package, "name": channel, "entries": entries}
              for channel in how["channels"]]
    return "".join(json.dumps(blob, indent=2) + "\n" for blob in blobs + bundles)
