"""The command lines of scripts/bundle and scripts/catalog, which say what the arguments are."""

import argparse
import sys
from pathlib import Path

from bundle import Bundle
from catalog import make
from yaml_files import Problem


def _arguments():
    parser = argparse.ArgumentParser(prog="scripts")
    commands = parser.add_subparsers(dest="command", required=True)
    bundle = commands.add_parser("bundle")
    bundle.add_argument("--platform", default="openshift")
    bundle.add_argument("--image", default="")
    bundle.add_argument("version")
    bundle.add_argument("folder")
    catalog = commands.add_parser("catalog")
    catalog.add_argument("file")
    return parser.parse_args()


def main():
    arguments = _arguments()
    try:
        if arguments.command == "bundle":
            Bundle(arguments.platform, arguments.version, arguments.image).write(arguments.folder)
        else:
            Path(arguments.file).write_text(make(sys.stdin.read()), encoding="utf-8")
    except (Problem, OSError) as problem:
        print(f"{arguments.command}: {problem}", file=sys.stderr)
        return 1
    return 0


sys.exit(main())
