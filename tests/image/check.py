"""Compares what was written about an image with the image.

    check.py FOLDER ROOT        FOLDER is build/image; ROOT has the files of the image's layer
"""

import hashlib
import json
import re
import sys
from pathlib import Path

from spdx_rules import problems_of

PROGRAMS = {"node-device-agent", "node-device-plugin", "node-device-controller", "device-manager"}


def of_files(document, root):
    """Each file of the image is in the document, as it is, and none other."""
    problems = []
    described = {file["fileName"].removeprefix("./"): {one["algorithm"]: one["checksumValue"] for one in file["checksums"]}
                 for file in document["files"]}
    there = {path.relative_to(root).as_posix(): path for path in sorted(root.rglob("*")) if path.is_file()}
    problems += [f"{path}: is in one of image and document only" for path in sorted(described.keys() ^ there.keys())]
    for path in sorted(described.keys() & there.keys()):
        data = there[path].read_bytes()
        actual = {"SHA1": hashlib.sha1(data).hexdigest(), "SHA256": hashlib.sha256(data).hexdigest()}
        if described[path] != actual:
            problems.append(f"{path}: the document has other checksums")
    if not PROGRAMS <= {path.rpartition("/")[2] for path in there}:
        problems.append(f"the image lacks one of {', '.join(sorted(PROGRAMS))}")
    return problems


def of_packages(document):
    """Libraries come from Debian, each from one package; programs from here."""
    names = {package["SPDXID"]: package for package in document["packages"]}
    owners = {one["relatedSpdxElement"]: names[one["spdxElementId"]]
              for one in document["relationships"] if one["relationshipType"] == "CONTAINS"}
    problems = []
    for file in document["files"]:
        supplier = owners[file["SPDXID"]]["supplier"]
        if (".so" in file["fileName"]) != (supplier == "Organization: Debian"):
            problems.append(f"{file['fileName']}: comes from {supplier}")
    linked = {(one["spdxElementId"], names[one["relatedSpdxElement"]]["name"]) for one in document["relationships"]
              if one["relationshipType"] == "STATIC_LINK"}
    compiled = {names[one["spdxElementId"]]["name"] for one in document["relationships"]
                if one["relationshipType"] == "BUILD_DEPENDENCY_OF"}
    # What dpkg does not see in the image: forgotten, nobody would look for its weaknesses.
    for archive in ("libgrpc++-dev", "libprotobuf-dev", "libabsl-dev"):
        if ("SPDXRef-File-usr-bin-node-device-plugin", archive) not in linked:
            problems.append(f"the document does not say that the plugin holds {archive}")
    if ("SPDXRef-File-usr-bin-node-device-agent", "libgrpc++-dev") in linked:
        problems.append("the agent holds gRPC")
    problems += [f"the document does not say that headers of {name} were compiled"
                 for name in ("libboost1.74-dev", "nlohmann-json3-dev", "libspdlog-dev") if name not in compiled]
    problems += [f"{package['name']}: is only for tests" for package in names.values()
                 if re.match("libgtest|libgmock|googletest", package["name"])]
    return problems


def of_listing(text, document, root):
    """The sizes add up, and each file is there once."""
    sizes = [(path, int(size)) for size, path in re.findall(r"^ *(\d+)  /(\S+)", text, re.MULTILINE)]
    problems = [] if sorted(path for path, _ in sizes) == sorted(
        file["fileName"].removeprefix("./") for file in document["files"]) else ["contents.txt names other files"]
    problems += [f"contents.txt: {path} has another size" for path, size in sizes if (root / path).stat().st_size != size]
    total, = re.findall(r"^ *(\d+)  bytes in", text, re.MULTILINE)
    if int(total) != sum(size for _, size in sizes):
        problems.append("contents.txt does not add up")
    return problems


def main(folder, root):
    folder, root = Path(folder), Path(root)
    document = json.loads((folder / "node-device-operator.spdx.json").read_text(encoding="utf-8"))
    text = (folder / "contents.txt").read_text(encoding="utf-8")
    problems = problems_of(document)
    if not problems:
        problems = of_files(document, root) + of_packages(document) + of_listing(text, document, root)
    for problem in problems:
        print(problem)
    return 1 if problems else 0


sys.exit(main(*sys.argv[1:]))
