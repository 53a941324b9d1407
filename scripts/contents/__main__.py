"""What is in the image of the programs, and how they were built. scripts/image-root and scripts/image call it.

    hardening BUILD PROGRAM...
        says how the programs in BUILD/bin were hardened, and ends with 1 when one lacks anything
    describe --image NAME --digest DIGEST --archive FILE --created SECONDS BUILD ROOT FOLDER
        writes into FOLDER what is in ROOT, of which the image was made: contents.txt for people, and
        node-device-operator.spdx.json, an SPDX 2.3 document
"""

import argparse
import hashlib
import json
import re
import sys
from pathlib import Path

import hardening
import inventory
import listing
import spdx
from debian import Debian
from problem import Problem


def _arguments():
    parser = argparse.ArgumentParser(prog="scripts/contents", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    harden = commands.add_parser("hardening")
    harden.add_argument("build")
    harden.add_argument("programs", nargs="+")
    describe = commands.add_parser("describe")
    for option in ("--image", "--digest", "--archive"):
        describe.add_argument(option, required=True)
    describe.add_argument("--created", required=True, type=int)
    for name in ("build", "root", "folder"):
        describe.add_argument(name)
    return parser.parse_args()


def _only(pattern, path):
    found = re.search(pattern, Path(path).read_text(encoding="utf-8"), re.MULTILINE)
    if not found:
        raise Problem(f"{path}: nothing there is like {pattern}")
    return found.groups()


def _describe(arguments):
    home_page, = _only(r"^ *HOMEPAGE_URL (https://[^\s)]+)", "CMakeLists.txt")
    name, email = _only(r"^ *maintainers:\n *- \{name: ([^,{}]+), email: ([^,{}]+)\}",
                        "operator-manifests/olm/clusterserviceversion.yaml")
    archive = hashlib.sha256(Path(arguments.archive).read_bytes()).hexdigest()
    image = spdx.Image(arguments.image, arguments.digest, archive, arguments.created, home_page, f"{name} ({email})")
    found = inventory.take(arguments.root, arguments.build, ".", Debian())
    folder = Path(arguments.folder)
    document = json.dumps(spdx.document(image, found), indent=2, ensure_ascii=False) + "\n"
    (folder / "node-device-operator.spdx.json").write_text(document, encoding="utf-8")
    (folder / "contents.txt").write_text(listing.text(image, found), encoding="utf-8")


def main():
    arguments = _arguments()
    try:
        if arguments.command == "hardening":
            hardening.check(arguments.build, arguments.programs)
        else:
            _describe(arguments)
    except (Problem, OSError) as problem:
        for line in str(problem).splitlines():
            print(f"{arguments.command}: {line}", file=sys.stderr)
        return 1
    return 0


sys.exit(main())
