"""What dpkg knows: to which package a file belongs, and what that package is."""

import hashlib
import os
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from licences import Licences
from problem import Problem

_FIELDS = ("Package", "Version", "Architecture", "source:Package", "source:Version", "Homepage")


@dataclass(frozen=True)
class Package:
    name: str
    version: str
    architecture: str
    source: str  # the name of the source package
    source_version: str
    homepage: str
    licences: Licences = field(compare=False)


def _run(*command):
    return subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "LC_ALL": "C"})


class Debian:
    """`root` is where dpkg and the packages' documents are; "/" but in tests."""

    def __init__(self, root="/"):
        self._root = Path(root)

    def owners(self, paths):
        """Path -> the name of the package whose file it is, "libc6:amd64"; a Problem names those that are nobody's."""
        wanted = {path: _spellings(path) for path in paths}
        asked = sorted({spelling for spellings in wanted.values() for spelling in spellings})
        found = {}
        if asked:
            answer = _run("dpkg-query", f"--root={self._root}", "--search", *asked)
            for line in answer.stdout.splitlines():
                names, separator, path = line.partition(": ")
                if separator and not names.startswith("diversion by"):
                    found[path] = names.split(", ")
        owners, problems = {}, []
        for path, spellings in wanted.items():
            names = sorted({name for spelling in spellings for name in found.get(spelling, [])})
            if len(names) == 1:
                owners[path] = names[0]
            else:
                problems.append(f"{path}: belongs to {' and '.join(names) if names else 'no Debian package'}; whoever looks "
                                "for its version and its licence needs to know one")
        if problems:
            raise Problem("\n".join(problems))
        return owners

    def packages(self, names):
        """Name as of owners() -> Package."""
        if not names:
            return {}
        form = "\t".join(f"${{{field}}}" for field in ("binary:Package",) + _FIELDS) + "\n"
        answer = _run("dpkg-query", f"--root={self._root}", "--show", f"--showformat={form}", *sorted(names))
        if answer.returncode != 0:
            raise Problem(answer.stderr.strip())
        packages = {}
        for line in answer.stdout.splitlines():
            full, *values = line.split("\t")
            packages[full] = Package(*values, self._licences(values[0]))
        # dpkg leaves the architecture out where there is only one.
        return {name: packages.get(name) or packages[name.partition(":")[0]] for name in names}

    def _licences(self, name):
        path = self._root / "usr/share/doc" / name / "copyright"
        try:
            return Licences(name, path.read_text(encoding="utf-8", errors="replace"))
        except OSError:
            return Licences(name, "")

    def is_as_packed(self, path, owner, copy):
        """Whether `copy` has the bytes that the package brought for the file that `path` leads to; True when it brought no
        sums, as some do."""
        spellings = _spellings(os.path.realpath(path))
        known = set()
        for name in {owner, owner.partition(":")[0]}:
            file = self._root / "var/lib/dpkg/info" / f"{name}.md5sums"
            if file.is_file():
                for line in file.read_text(encoding="utf-8").splitlines():
                    digest, _, where = line.partition("  ")
                    if "/" + where in spellings:
                        known.add(digest)
        return not known or hashlib.md5(Path(copy).read_bytes(), usedforsecurity=False).hexdigest() in known

    def release(self):
        """"debian-12", as package URLs name it."""
        text = (self._root / "etc/os-release").read_text(encoding="utf-8")
        values = dict(re.findall(r'^(\w+)="?([^"\n]*)"?$', text, re.MULTILINE))
        return f"{values.get('ID', 'linux')}-{values.get('VERSION_ID', 'unknown')}"


def _spellings(path):
    """The same file by the names that dpkg may have for it: /lib is a link to /usr/lib."""
    path = os.path.normpath(path)
    spellings = [path]
    if re.match(r"/usr/(bin|sbin|lib\w*)/", path):
        spellings.append(path.removeprefix("/usr"))
    elif re.match(r"/(bin|sbin|lib\w*)/", path):
        spellings.append("/usr" + path)
    return spellings
