"""An inventory as an SPDX 2.3 document in JSON: https://spdx.github.io/spdx-spec/v2.3/. The same image, built of the same
sources, gives the same document."""

import datetime
import hashlib
import json
import re
import urllib.parse
from dataclasses import dataclass

from inventory import OURS

_UNKNOWN = "NOASSERTION"
_LICENCE = "Apache-2.0"  # LICENSE
_DOCUMENT, _IMAGE, _SOFTWARE = "SPDXRef-DOCUMENT", "SPDXRef-Image", "SPDXRef-Software"


@dataclass(frozen=True)
class Image:
    name: str  # nodedevices.io/node-device-operator:0.1.0
    digest: str  # sha256:..., of its manifest
    archive_sha256: str
    created: int  # seconds since 1970: when the sources were written
    home_page: str
    supplier: str  # "Node Device Operator maintainers (maintainers@example.com)"

    def version(self):
        return self.name.rpartition(":")[2]


def _id(kind, name):
    """Letters, digits, full stops and hyphens are all that an identifier may have."""
    return f"SPDXRef-{kind}-" + re.sub(r"[^A-Za-z0-9.]+", "-", name.replace("+", "-plus"))


def package_id(owner):
    return _SOFTWARE if owner == OURS else _id("Package", owner)


def file_id(path):
    return _id("File", path)


def _package_url(package, release):
    """https://github.com/package-url/purl-spec. Scanners look for weaknesses by the source package, `upstream`."""
    upstream = package.source
    if package.source_version != package.version:
        upstream += "@" + package.source_version
    qualifiers = {"arch": package.architecture, "distro": release, "upstream": upstream}
    text = "&".join(f"{key}={urllib.parse.quote(value, safe='.:')}" for key, value in qualifiers.items())
    name, version = (urllib.parse.quote(value, safe=".:") for value in (package.name, package.version))
    return f"pkg:deb/debian/{name}@{version}?{text}"


def _verification_code(files):
    return hashlib.sha1("".join(sorted(file.sha1 for file in files)).encode(), usedforsecurity=False).hexdigest()


def _files_of(files):
    """What a package says of those of its files that are in the image."""
    if not files:
        return {"filesAnalyzed": False}
    return {"filesAnalyzed": True,
            "packageVerificationCode": {"packageVerificationCodeValue": _verification_code(files)},
            "licenseInfoFromFiles": [_UNKNOWN]}


def _reference(url):
    return [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": url}]


def _debian_package(owner, package, inventory):
    described = {"name": package.name, "SPDXID": package_id(owner), "versionInfo": package.version,
                 "supplier": "Organization: Debian", "downloadLocation": _UNKNOWN}
    described |= _files_of(inventory.owned_by(owner))
    if package.homepage:
        described["homepage"] = package.homepage
    where = f"/usr/share/doc/{package.name}/copyright"
    licence = package.licences.expression
    described |= {
        "sourceInfo": f"built by Debian from the source package {package.source} {package.source_version}",
        "licenseConcluded": _UNKNOWN,
        "licenseDeclared": licence or _UNKNOWN,
        "licenseComments": f"{where} says this of the whole source package" if licence
                           else f"{where} says it in words only",
        "copyrightText": _UNKNOWN,
        "externalRefs": _reference(_package_url(package, inventory.release)),
        "primaryPackagePurpose": "LIBRARY",
    }
    return described


def _our_packages(image, inventory):
    common = {"versionInfo": image.version(), "supplier": f"Organization: {image.supplier}", "downloadLocation": _UNKNOWN,
              "homepage": image.home_page, "copyrightText": _UNKNOWN}
    digest = image.digest.partition(":")[2]
    whole = {"name": image.name.rpartition(":")[0], "SPDXID": _IMAGE, **common, "filesAnalyzed": False,
             "checksums": [{"algorithm": "SHA256", "checksumValue": image.archive_sha256}],
             "comment": f"The checksum is that of the archive; the digest of the image is {image.digest}.",
             "licenseConcluded": _UNKNOWN, "licenseDeclared": _UNKNOWN,
             "externalRefs": _reference(f"pkg:oci/{OURS}@sha256%3A{digest}"), "primaryPackagePurpose": "CONTAINER"}
    ours = {"name": OURS, "SPDXID": _SOFTWARE, **common, **_files_of(inventory.owned_by(OURS)),
            "licenseConcluded": _LICENCE, "licenseDeclared": _LICENCE,
            "externalRefs": _reference(f"pkg:generic/{OURS}@{image.version()}"), "primaryPackagePurpose": "APPLICATION"}
    return [whole, ours]


def _file(file):
    kinds = ["BINARY", "APPLICATION"] if file.is_program() else ["BINARY"] if file.is_library() else ["TEXT"]
    return {"fileName": f"./{file.path}", "SPDXID": file_id(file.path), "fileTypes": kinds,
            "checksums": [{"algorithm": "SHA1", "checksumValue": file.sha1},
                          {"algorithm": "SHA256", "checksumValue": file.sha256}],
            "licenseConcluded": _UNKNOWN, "licenseInfoInFiles": [_UNKNOWN], "copyrightText": _UNKNOWN}


def _relationships(inventory):
    def related(one, how, other, comment=""):
        found = {"spdxElementId": one, "relationshipType": how, "relatedSpdxElement": other}
        return found | {"comment": comment} if comment else found

    yield related(_DOCUMENT, "DESCRIBES", _IMAGE)
    for owner in inventory.owners():
        yield related(_IMAGE, "CONTAINS", package_id(owner))
    for file in inventory.files:
        yield related(package_id(file.owner), "CONTAINS", file_id(file.path))
    for file in inventory.files:
        for library in file.needs:
            yield related(file_id(file.path), "DYNAMIC_LINK", file_id(library))
    for program, owners in sorted(inventory.linked.items()):
        for owner in owners:
            yield related(file_id(program), "STATIC_LINK", package_id(owner))
    for owner in inventory.compiled:
        yield related(package_id(owner), "BUILD_DEPENDENCY_OF", _SOFTWARE, "what its headers define is compiled into programs")


def document(image, inventory):
    """The whole document, as a value."""
    packages = _our_packages(image, inventory)
    packages += [_debian_package(owner, package, inventory) for owner, package in sorted(inventory.packages.items())]
    texts = {}
    for package in inventory.packages.values():
        texts |= package.licences.texts
    created = datetime.datetime.fromtimestamp(image.created, datetime.timezone.utc)
    content = {
        "creationInfo": {"created": created.strftime("%Y-%m-%dT%H:%M:%SZ"),
                         "creators": [f"Tool: node-device-operator-contents-{image.version()}",
                                      f"Organization: {image.supplier}"]},
        "packages": packages,
        "files": [_file(file) for file in inventory.files],
        "hasExtractedLicensingInfos": [{"licenseId": identifier, "name": name, "extractedText": text}
                                       for identifier, (name, text) in sorted(texts.items())],
        "relationships": list(_relationships(inventory)),
    }
    # A name of its own for each document that differs.
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    return {"spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": _DOCUMENT, "name": image.name,
            "documentNamespace": f"{image.home_page}/spdx/{OURS}-{image.version()}-{digest[:32]}", **content}
