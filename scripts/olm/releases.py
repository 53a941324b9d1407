"""Which version replaces which: operator-manifests/olm/releases."""

import re

from yaml_files import Problem


def parse_version(text):
    match = re.fullmatch(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)", text)
    if not match:
        raise Problem(f"'{text}' is not a version such as 0.1.0")
    return tuple(int(part) for part in match.groups())


class Releases:
    """The versions that there were, each with its day."""

    def __init__(self, path):
        self._days = {}
        newest = (-1,)
        with open(path, encoding="utf-8") as file:
            for line in file:
                if line.startswith("#") or not line.strip():
                    continue
                version, day = line.split()
                if not re.fullmatch(r"\d{4}-\d\d-\d\d", day):
                    raise Problem(f"{path}: '{day}' is not a day such as 2026-11-29")
                if parse_version(version) <= newest:
                    raise Problem(f"{path}: {version} is not newer than what stands above it")
                newest = parse_version(version)
                self._days[version] = day

    def day_of(self, version):
        return self._days.get(version)

    def replaced_by(self, version):
        """The newest older version, or None."""
        older = [known for known in self._days if parse_version(known) < parse_version(version)]
        return older[-1] if older else None

    def skip_range_of(self, version):
        """From which versions it is updated to directly, or None for the first."""
        if self.replaced_by(version) is None:
            return None
        return f">={next(iter(self._days))} <{version}"
