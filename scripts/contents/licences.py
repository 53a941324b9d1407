"""Licences out of Debian's machine-readable copyright files, as SPDX writes them.

https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/ and annex D of SPDX 2.3.
"""

import re

_FORMAT = re.compile(r"https?://(?:www\.)?debian\.org/doc/packaging-manuals/copyright-format/1\.0/?")
# What Debian calls otherwise than SPDX, or in another case. A name that is not here is no name that both know.
_SAME = {name.lower(): name for name in (
    "0BSD", "Apache-2.0", "Artistic-2.0", "BSD-2-Clause", "BSD-3-Clause", "BSD-4-Clause", "BSL-1.0", "CC0-1.0", "ISC",
    "MIT", "MPL-1.1", "MPL-2.0", "MS-PL", "Unlicense", "X11", "Zlib")}
_SAME |= {"expat": "MIT", "apache-2.0 with llvm exception": "Apache-2.0 WITH LLVM-exception"}
_GNU = re.compile(r"(AGPL|GFDL|GPL|LGPL)-(\d)(?:\.(\d))?(\+)?", re.IGNORECASE)


class Licences:
    """`expression` is what the package declares, None when its file does not say it for machines. `texts` has the names
    in it that SPDX does not know: LicenseRef-... -> (name in Debian, text)."""

    def __init__(self, package, copyright_text):
        self._package = package
        self.expression = None
        self.texts = {}
        paragraphs = _paragraphs(copyright_text)
        if not paragraphs or not _FORMAT.fullmatch(_first_line(paragraphs[0].get("format", ""))):
            return
        bodies = {}
        for paragraph in paragraphs[1:]:
            name, _, body = paragraph.get("license", "").partition("\n")
            if body.strip():
                bodies.setdefault(name.strip().lower(), _body(body))
        # How Debian packs it is none of what is in the package.
        names = {_first_line(paragraph["license"]) for paragraph in paragraphs[1:]
                 if "license" in paragraph and "files" in paragraph
                 and not all(file.startswith("debian/") for file in paragraph["files"].split())}
        parts = {part for name in names if name for part in self._all_of(name, bodies)}
        if parts:
            self.expression = " AND ".join(sorted(f"({part})" if " OR " in part and len(parts) > 1 else part for part in parts))

    def _all_of(self, name, bodies):
        """What of "A or B and C, and D" holds together: "and" binds more than "or", but after a comma less."""
        parts = re.split(r",\s+and\s+", name)
        if len(parts) > 1:
            return {found for part in parts for found in self._all_of(part, bodies)}
        choices = [sorted({self._identifier(part.strip(), bodies) for part in re.split(r"\s+and\s+", choice)})
                   for choice in re.split(r",?\s+or\s+", name)]
        return set(choices[0]) if len(choices) == 1 else {" OR ".join(" AND ".join(choice) for choice in choices)}

    def _identifier(self, name, bodies):
        known = _SAME.get(name.lower())
        if known:
            return known
        gnu = _GNU.fullmatch(name)
        if gnu:
            kind, major, minor, later = gnu.groups()
            return f"{kind.upper()}-{major}.{minor or 0}-{'or-later' if later else 'only'}"
        identifier = "LicenseRef-" + re.sub(r"[^A-Za-z0-9.-]+", "-", f"{self._package}-{name}".replace("+", "-plus"))
        text = bodies.get(name.lower(), f"The copyright file of the Debian package {self._package} names it, without a text.")
        self.texts[identifier] = (name, text)
        return identifier


def _paragraphs(text):
    """Fields by their names in lower case; a field's further lines stay in it."""
    paragraphs, field = [{}], None
    for line in text.splitlines():
        if not line.strip():
            if paragraphs[-1]:
                paragraphs.append({})
            field = None
        elif line[0] in " \t":
            if field:
                paragraphs[-1][field] += "\n" + line
        elif not line.startswith("#") and ":" in line:
            field, _, value = line.partition(":")
            field = field.lower()
            paragraphs[-1][field] = value.strip()
    return [paragraph for paragraph in paragraphs if paragraph]


def _first_line(value):
    return value.strip().partition("\n")[0].strip()


def _body(text):
    """Without the space before each line, and the full stop that stands for an empty one."""
    lines = [line[1:] if line[:1] in (" ", "\t") else line for line in text.splitlines()]
    return "\n".join("" if line.strip() == "." else line.rstrip() for line in lines).strip() + "\n"
