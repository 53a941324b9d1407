"""How the programs of the image were built. scripts/image-root calls it.

    hardening BUILD PROGRAM...
        says how the programs in BUILD/bin were hardened, and ends with 1 when one lacks anything
"""

import argparse
import sys

import hardening
from problem import Problem


def _arguments():
    parser = argparse.ArgumentParser(prog="scripts/contents", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    harden = commands.add_parser("hardening")
    harden.add_argument("build")
    harden.add_argument("programs", nargs="+")
    return parser.parse_args()


def main():
    arguments = _arguments()
    try:
        hardening.check(arguments.build, arguments.programs)
    except (Problem, OSError) as problem:
        for line in str(problem).splitlines():
            print(f"{arguments.command}: {line}", file=sys.stderr)
        return 1
    return 0


sys.exit(main())
