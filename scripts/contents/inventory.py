"""What an image holds, file by file, and where each comes from."""

import hashlib
import re
from dataclasses import dataclass, field
from pathlib import Path

import built
from elf import Elf
from problem import Problem

OURS = "node-device-operator"  # where what is no file of a Debian package comes from
_LIBRARY = re.compile(r"(usr/)?lib\w*/")
_PROGRAM = re.compile(r"usr/bin/")


@dataclass(frozen=True)
class File:
    path: str  # "usr/bin/node-device-agent"
    size: int
    sha1: str
    sha256: str
    owner: str  # OURS, or the Debian package as of Debian.owners()
    needs: tuple = ()  # paths of the libraries that the loader loads for it, its own wishes only

    def is_program(self):
        return _PROGRAM.match(self.path) is not None

    def is_library(self):
        return _LIBRARY.match(self.path) is not None


@dataclass
class Inventory:
    files: list  # by path
    packages: dict  # owner -> Package, of every package that is named here
    linked: dict = field(default_factory=dict)  # path of a program -> owners of the archives and objects in it
    compiled: list = field(default_factory=list)  # owners of the headers of which code is in the programs
    release: str = ""  # "debian-12"

    def owned_by(self, owner):
        return [file for file in self.files if file.owner == owner]

    def owners(self):
        """Those that have files in the image, the largest first."""
        sizes = {}
        for file in self.files:
            sizes[file.owner] = sizes.get(file.owner, 0) + file.size
        return sorted(sizes, key=lambda owner: (-sizes[owner], owner))


def _needs(elves):
    """Path -> paths of the libraries that this file wants. One that is not in the image would keep it from starting."""
    by_name = {Path(path).name: path for path in elves}
    missing = [f"{path} needs {name}, which is not in the image"
               for path, elf in elves.items() for name in elf.needed if name not in by_name]
    if missing:
        raise Problem("\n".join(missing))
    return {path: tuple(sorted(by_name[name] for name in elf.needed)) for path, elf in elves.items()}


def _files(root, debian):
    paths = []
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            raise Problem(f"{name}: is neither a file nor a folder, of which nothing here knows what it is")
        if path.is_file():
            paths.append(name)
    libraries = [path for path in paths if _LIBRARY.match(path)]
    owners = debian.owners([f"/{path}" for path in libraries])
    changed = [f"/{path}: is not what {owners[f'/{path}']} has brought" for path in libraries
               if not debian.is_as_packed(f"/{path}", owners[f"/{path}"], root / path)]
    if changed:
        raise Problem("\n".join(changed + ["install the package again"]))
    needs = _needs({path: Elf(root / path) for path in paths if path in libraries or _PROGRAM.match(path)})
    files = []
    for path in paths:
        data = (root / path).read_bytes()
        files.append(File(path, len(data), hashlib.sha1(data, usedforsecurity=False).hexdigest(),
                          hashlib.sha256(data).hexdigest(), owners.get(f"/{path}", OURS), needs.get(path, ())))
    return files


def take(root, build, source, debian):
    """The Inventory of the folder `root`, whose programs were built in the folder `build` of the checkout `source`."""
    root, ours = Path(root), [Path(source).resolve(), Path(build).resolve()]
    build = Path(build).resolve()
    files = _files(root, debian)
    archives = {file.path: built.linked(build, Path(file.path).name, ours) for file in files if file.is_program()}
    headers = built.headers(build, ours)
    everything = {path for paths in archives.values() for path in paths} | set(headers)
    owners = debian.owners(sorted(everything))
    linked = {program: sorted({owners[path] for path in paths}) for program, paths in archives.items()}
    compiled = sorted({owners[path] for path in headers})
    named = {file.owner for file in files if file.owner != OURS} | set(owners.values())
    return Inventory(files, debian.packages(sorted(named)), linked, compiled, debian.release())
