"""What went into the programs of a build folder: archives and objects that the linker read, headers that the compiler read."""

import os
import subprocess
from pathlib import Path

from problem import Problem


def _is_foreign(path, ours):
    return not any(path == str(folder) or path.startswith(f"{folder}/") for folder in ours)


def linked(build, program, ours):
    """The objects and archives of others in a program, as paths: from what the linker writes down (--dependency-file).
    `ours` are the folders in which everything is our own."""
    record = Path(build) / f"{program}.link.d"
    try:
        text = record.read_text(encoding="utf-8")
    except OSError as error:
        raise Problem(f"{record}: the linker has not said what is in {program}; run: make build") from error
    # A rule of make; after it come empty ones, one for each of its files.
    _, _, files = text.replace("\\\n", " ").partition("\n")[0].partition(":")
    paths = {os.path.normpath(Path(build, file)) for file in files.split() if file.endswith((".a", ".o"))}
    return sorted(path for path in paths if _is_foreign(path, ours))


def headers(build, ours):
    """The headers of others of which code is in the programs; what only tests include is left out."""
    answer = subprocess.run(["ninja", "-C", str(build), "-t", "deps"], capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        raise Problem(f"ninja does not say what was compiled in {build}: {answer.stdout}{answer.stderr}")
    return headers_in(answer.stdout, build, ours)


def headers_in(deps, build, ours):
    found, is_of_programs = set(), False
    for line in deps.splitlines():
        if line.startswith("    "):
            if is_of_programs:
                found.add(line.strip())
        elif ": #deps" in line:
            is_of_programs = not line.startswith("tests/")
    paths = {os.path.normpath(Path(build, header)) for header in found}
    return sorted(path for path in paths if _is_foreign(path, ours))
