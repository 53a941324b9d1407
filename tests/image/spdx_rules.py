"""What SPDX 2.3 asks of a document, as far as ours has it, and what else is promised of ours."""

import re

_ID = re.compile(r"SPDXRef-[A-Za-z0-9.-]+")
_CREATED = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_CREATOR = re.compile(r"(Tool|Organization|Person): \S.*")
_URI = re.compile(r"[a-z][a-z0-9+.-]*:[^\s#]+")
_CHECKSUM = {"SHA1": 40, "SHA256": 64}
_LICENCES = {"0BSD", "AGPL", "Apache-2.0", "Artistic-2.0", "BSD-2-Clause", "BSD-3-Clause", "BSD-4-Clause", "BSL-1.0", "CC0-1.0",
             "GFDL", "GPL", "ISC", "LGPL", "MIT", "MPL-1.1", "MPL-2.0", "MS-PL", "Unlicense", "X11", "Zlib"}
_GNU = re.compile(r"(AGPL|GFDL|GPL|LGPL)-\d\.\d-(only|or-later)")
_RELATIONSHIPS = {"DESCRIBES", "CONTAINS", "DYNAMIC_LINK", "STATIC_LINK", "BUILD_DEPENDENCY_OF"}
_PURPOSES = {"APPLICATION", "CONTAINER", "LIBRARY"}
_FILE_TYPES = {"APPLICATION", "BINARY", "TEXT"}


def _missing(thing, fields, where):
    return [f"{where}: has no {field}" for field in fields if not thing.get(field)]


def _expression(text, references):
    """What is no licence in an expression: names, joined by AND, OR and WITH, in parentheses that match."""
    if text in ("NOASSERTION", "NONE"):
        return []
    tokens = re.findall(r"[()]|[^\s()]+", text)
    wrong, depth, operand_next = [], 0, True
    for token in tokens:
        if token == "(" or token == ")":
            depth += 1 if token == "(" else -1
            if depth < 0 or operand_next != (token == "("):
                wrong.append(f"'{text}' has a parenthesis too many")
        elif token in ("AND", "OR", "WITH"):
            if operand_next:
                wrong.append(f"'{text}' has nothing before {token}")
            operand_next = True
        else:
            if not operand_next:
                wrong.append(f"'{text}' has no operator before {token}")
            operand_next = False
            if not (token in _LICENCES or _GNU.fullmatch(token) or token in references or token == "LLVM-exception"):
                wrong.append(f"'{token}' is neither a licence of SPDX nor described in the document")
    if depth != 0 or operand_next:
        wrong.append(f"'{text}' is not complete")
    return wrong


def _checksums(thing, where, needed):
    problems = []
    given = {checksum.get("algorithm"): checksum.get("checksumValue", "") for checksum in thing.get("checksums", [])}
    for algorithm in needed:
        if not re.fullmatch(f"[0-9a-f]{{{_CHECKSUM[algorithm]}}}", given.get(algorithm, "")):
            problems.append(f"{where}: has no {algorithm}")
    return problems


def _of_package(package, references):
    where = package.get("name", "a package")
    problems = _missing(package, ("name", "SPDXID", "downloadLocation", "versionInfo", "supplier", "licenseConcluded",
                                  "licenseDeclared", "copyrightText"), where)
    if not re.fullmatch(r"(Organization|Person): \S.*|NOASSERTION", package.get("supplier", "")):
        problems.append(f"{where}: supplier is neither a person nor an organization")
    if package.get("filesAnalyzed", True) != ("packageVerificationCode" in package):
        problems.append(f"{where}: has a verification code just when its files were looked at")
    if package.get("primaryPackagePurpose") not in _PURPOSES:
        problems.append(f"{where}: primaryPackagePurpose is not one of SPDX")
    for reference in package.get("externalRefs", []):
        if reference.get("referenceCategory") != "PACKAGE-MANAGER" or reference.get("referenceType") != "purl" or \
                not re.fullmatch(r"pkg:[a-z]+/[\w.+%-]+(/[\w.+%-]+)?@[\w.%:~-]+(\?[\w=&.%:~-]+)?", reference.get("referenceLocator", "")):
            problems.append(f"{where}: {reference} is no package URL")
    for field in ("licenseConcluded", "licenseDeclared"):
        problems += [f"{where}: {wrong}" for wrong in _expression(package.get(field, ""), references)]
    return problems


def _of_file(file):
    where = file.get("fileName", "a file")
    problems = _missing(file, ("fileName", "SPDXID", "fileTypes", "licenseConcluded", "copyrightText"), where)
    if not where.startswith("./"):
        problems.append(f"{where}: does not begin with ./")
    if not set(file.get("fileTypes", [])) <= _FILE_TYPES:
        problems.append(f"{where}: fileTypes are not those of SPDX")
    return problems + _checksums(file, where, ("SHA1", "SHA256"))


def problems_of(document):
    """What is wrong with a document, a sentence each."""
    problems = _missing(document, ("spdxVersion", "dataLicense", "SPDXID", "name", "documentNamespace", "creationInfo",
                                   "packages", "files", "relationships"), "the document")
    for field, value in (("spdxVersion", "SPDX-2.3"), ("dataLicense", "CC0-1.0"), ("SPDXID", "SPDXRef-DOCUMENT")):
        if document.get(field) != value:
            problems.append(f"the document: {field} is not {value}")
    if not _URI.fullmatch(document.get("documentNamespace", "")):
        problems.append("the document: documentNamespace is no URI without a fragment")
    creation = document.get("creationInfo", {})
    if not _CREATED.fullmatch(creation.get("created", "")):
        problems.append("the document: created is no time")
    if not creation.get("creators") or not all(map(_CREATOR.fullmatch, creation["creators"])):
        problems.append("the document: creators are not of SPDX")

    packages, files = document.get("packages", []), document.get("files", [])
    references = {}
    for licence in document.get("hasExtractedLicensingInfos", []):
        problems += _missing(licence, ("licenseId", "extractedText"), licence.get("licenseId", "a licence"))
        references[licence.get("licenseId")] = licence
        if not re.fullmatch(r"LicenseRef-[A-Za-z0-9.-]+", licence.get("licenseId", "")):
            problems.append(f"{licence.get('licenseId')}: is no name of a licence")
    for package in packages:
        problems += _of_package(package, references)
    for file in files:
        problems += _of_file(file)

    identifiers = [thing.get("SPDXID", "") for thing in packages + files] + ["SPDXRef-DOCUMENT"]
    problems += [f"{identifier}: is no identifier" for identifier in identifiers if not _ID.fullmatch(identifier)]
    problems += [f"{identifier}: is there twice" for identifier in set(identifiers) if identifiers.count(identifier) > 1]
    owners, described, mentioned = {}, [], set()
    for relationship in document.get("relationships", []):
        one, how, other = (relationship.get(field) for field in ("spdxElementId", "relationshipType", "relatedSpdxElement"))
        mentioned |= {one, other}
        if how not in _RELATIONSHIPS:
            problems.append(f"{one} {how} {other}: SPDX has no such relationship, or it is not expected here")
        problems += [f"{one} {how} {other}: the document has no {end}" for end in (one, other) if end not in identifiers]
        if how == "DESCRIBES" and one == "SPDXRef-DOCUMENT":
            described.append(other)
        if how == "CONTAINS":
            owners.setdefault(other, []).append(one)
    if len(described) != 1:
        problems.append("the document does not describe one thing")
    for file in files:
        if len(owners.get(file.get("SPDXID"), [])) != 1:
            problems.append(f"{file.get('fileName')}: belongs to {owners.get(file.get('SPDXID'), [])}, not to one package")
    problems += [f"{package.get('name')}: nothing says what it is to the image" for package in packages
                 if package.get("SPDXID") not in mentioned]
    return problems
