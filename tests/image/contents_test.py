"""What scripts/contents says of an image, and that it says it when something is wrong."""

import copy
import hashlib
import os
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts/contents"))
sys.path.insert(0, str(ROOT / "tests/image"))
os.chdir(ROOT)

import built  # noqa: E402
import inventory  # noqa: E402
import listing  # noqa: E402
import spdx  # noqa: E402
from debian import Debian, Package  # noqa: E402
from licences import Licences  # noqa: E402
from problem import Problem  # noqa: E402
from spdx_rules import problems_of  # noqa: E402

FORMAT = "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n"


class OfLicences(unittest.TestCase):
    def test_names_of_debian_become_those_of_spdx(self):
        for debian, expected in {
                "Expat": "MIT", "BSD-3-clause": "BSD-3-Clause", "GPL-2": "GPL-2.0-only", "GPL-2+": "GPL-2.0-or-later",
                "LGPL-2.1+": "LGPL-2.1-or-later", "GPL-2.0+": "GPL-2.0-or-later", "zlib": "Zlib", "Ms-PL": "MS-PL",
                "Apache-2.0 with LLVM exception": "Apache-2.0 WITH LLVM-exception",
                "Expat or Zlib": "MIT OR Zlib", "Expat and Zlib": "MIT AND Zlib",
                "GPL-2 or Expat and Zlib": "GPL-2.0-only OR MIT AND Zlib",
                "GPL-2 or Expat, and Zlib": "(GPL-2.0-only OR MIT) AND Zlib"}.items():
            with self.subTest(debian):
                found = Licences("libx1", f"{FORMAT}\nFiles: *\nLicense: {debian}\n")
                self.assertEqual(found.expression, expected)

    def test_all_files_count_but_those_of_the_packaging(self):
        text = FORMAT + "\n" + "\n".join(f"Files: {files}\nLicense: {name}\n" for files, name in (
            ("*", "Expat"), ("x/* y", "GPL-2+ or Zlib"), ("debian/*", "GPL-3"), ("debian/* z", "ISC")))
        self.assertEqual(Licences("libx1", text).expression, "(GPL-2.0-or-later OR Zlib) AND ISC AND MIT")

    def test_a_name_that_spdx_does_not_know_comes_with_its_text(self):
        found = Licences("libx1", FORMAT + "\nFiles: *\nLicense: Lucent c+\n\n"
                                           "License: lucent C+\n Take it.\n .\n  And go.\n")
        self.assertEqual(found.expression, "LicenseRef-libx1-Lucent-c-plus")
        self.assertEqual(found.texts, {"LicenseRef-libx1-Lucent-c-plus": ("Lucent c+", "Take it.\n\n And go.\n")})

    def test_a_text_may_stand_with_the_files(self):
        found = Licences("libx1", FORMAT + "\nFiles: *\nLicense: Own\n Take it.\n")
        self.assertEqual(found.texts["LicenseRef-libx1-Own"], ("Own", "Take it.\n"))

    def test_words_for_people_are_not_guessed_at(self):
        for text in ("", "This is GPL-2.\n\nFiles: *\nLicense: GPL-2\n", "Format: http://example.com/\n\nFiles: *\nLicense: Expat\n"):
            with self.subTest(text):
                self.assertIsNone(Licences("libx1", text).expression)


class OfDebian(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        self.native = subprocess.run(["dpkg", "--print-architecture"], capture_output=True, text=True, check=True).stdout.strip()
        self.status = ""
        self.write("var/lib/dpkg/info/format", "1\n")
        self.package("libx1", self.native, "/lib/x/libx.so.1", same=True, source="x (1.0)", version="1.0+b1")
        self.package("liby1", "all", "/usr/lib/x/liby.so.1", "/shared")
        self.package("libz1", "all", "/usr/lib/x/libz.so.1", "/shared")
        self.write("var/lib/dpkg/info/liby1.md5sums", hashlib.md5(b"y").hexdigest() + "  usr/lib/x/liby.so.1\n")
        self.write("usr/share/doc/libx1/copyright", FORMAT + "\nFiles: *\nLicense: Expat\n")
        self.write("etc/os-release", 'NAME="Debian"\nID=debian\nVERSION_ID="12"\n')
        self.debian = Debian(self.root)

    def write(self, path, text):
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text, encoding="utf-8")

    def package(self, name, architecture, *files, same=False, source=None, version="2"):
        self.status += f"Package: {name}\nStatus: install ok installed\nArchitecture: {architecture}\nVersion: {version}\n"
        self.status += "Maintainer: Somebody <x@example.com>\nDescription: none\n"
        self.status += ("Multi-Arch: same\n" if same else "") + (f"Source: {source}\n" if source else "") + "\n"
        self.write("var/lib/dpkg/status", self.status)
        self.write(f"var/lib/dpkg/info/{name}{':' + architecture if same else ''}.list", "\n".join(["/.", *files]) + "\n")

    def test_a_file_belongs_to_the_package_that_brought_it_by_whatever_name(self):
        found = self.debian.owners(["/usr/lib/x/libx.so.1", "/lib/x/liby.so.1", "/usr/lib/x/../x/libz.so.1"])
        self.assertEqual(list(found.values()), [f"libx1:{self.native}", "liby1", "libz1"])

    def test_what_belongs_to_nobody_or_to_two_is_refused(self):
        with self.assertRaisesRegex(Problem, "/usr/lib/none.so: belongs to no Debian package.*\n/shared: belongs to liby1 and libz1"):
            self.debian.owners(["/usr/lib/none.so", "/lib/x/liby.so.1", "/shared"])

    def test_a_package_says_what_it_is_and_what_it_was_built_of(self):
        owner = f"libx1:{self.native}"
        found = self.debian.packages([owner, "liby1"])
        self.assertEqual(found[owner], Package("libx1", "1.0+b1", self.native, "x", "1.0", "", None))
        self.assertEqual(found[owner].licences.expression, "MIT")
        self.assertEqual((found["liby1"].source, found["liby1"].licences.expression), ("liby1", None))
        with self.assertRaisesRegex(Problem, "nosuch"):
            self.debian.packages(["nosuch"])

    def test_a_changed_file_is_noticed(self):
        self.write("copy", "y")
        self.assertTrue(self.debian.is_as_packed("/lib/x/liby.so.1", "liby1", self.root / "copy"))
        self.assertTrue(self.debian.is_as_packed("/usr/lib/x/libz.so.1", "libz1", self.root / "copy"))
        self.write("copy", "z")
        self.assertFalse(self.debian.is_as_packed("/lib/x/liby.so.1", "liby1", self.root / "copy"))

    def test_the_release_has_a_name(self):
        self.assertEqual(self.debian.release(), "debian-12")


class Built(unittest.TestCase):
    def test_what_the_linker_read_of_others(self):
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "x.link.d").write_text(
                "bin/x: \\\n  /usr/lib/gcc/12/../../Scrt1.o \\\n  main.cc.o \\\n  lib/ours.a \\\n  /usr/lib/liba.a \\\n"
                "  /usr/lib/libc.so.6\n\n/usr/lib/other.a:\n\nmain.cc.o:\n", encoding="utf-8")
            self.assertEqual(built.linked(folder, "x", [Path(folder)]), ["/usr/lib/Scrt1.o", "/usr/lib/liba.a"])
            with self.assertRaisesRegex(Problem, "run: make build"):
                built.linked(folder, "y", [])

    def test_headers_of_others_that_are_not_only_for_tests(self):
        deps = ("lib/a.cc.o: #deps 3, deps mtime 1 (VALID)\n    ../../lib/a.cc\n    /usr/include/c++/12/vector\n    proto/x.h\n\n"
                "tests/b.cc.o: #deps 1, deps mtime 1 (VALID)\n    /usr/include/gtest/gtest.h\n\n"
                "agent/c.cc.o: #deps 1, deps mtime 1 (STALE)\n    /usr/include/c++/12/../12/array\n")
        self.assertEqual(built.headers_in(deps, "/w/build/release", [Path("/w")]),
                         ["/usr/include/c++/12/array", "/usr/include/c++/12/vector"])


def made_up():
    """An image and what is in it."""
    def file(path, owner, *needs):
        digest = hashlib.sha1(path.encode()).hexdigest()
        return inventory.File(path, len(path), digest, digest + "0" * 24, owner, needs)
    text = FORMAT + "\nFiles: *\nLicense: Own or GPL-2\n\nLicense: Own\n Take it.\n"
    packages = {
        "libstdc++6:amd64": Package("libstdc++6", "12.2.0-14", "amd64", "gcc-12", "12.2.0-14", "https://gcc.gnu.org/",
                                    Licences("libstdc++6", "GPL, in words")),
        "libx1": Package("libx1", "1:1.0~rc+b1", "all", "x", "1:1.0~rc", "", Licences("libx1", text)),
        "libz-dev": Package("libz-dev", "1", "all", "libz-dev", "1", "", Licences("libz-dev", text))}
    files = [file("etc/passwd", inventory.OURS), file("lib/libstdc++.so.6", "libstdc++6:amd64"),
             file("usr/bin/a", inventory.OURS, "lib/libstdc++.so.6", "usr/lib/libx.so"), file("usr/lib/libx.so", "libx1")]
    image = spdx.Image("nodedevices.io/x:0.1.0", "sha256:" + "1" * 64, "2" * 64, 1700000000, "https://nodedevices.io", "We (we@x.y)")
    return image, inventory.Inventory(files, packages, {"usr/bin/a": ["libz-dev"]}, ["libx1"], "debian-12")


class OfSpdx(unittest.TestCase):
    def test_nothing_is_wrong_with_it(self):
        self.assertEqual(problems_of(spdx.document(*made_up())), [])

    def test_the_rules_notice_what_is_wrong(self):
        document = spdx.document(*made_up())

        def notices(words, change):
            wrong = copy.deepcopy(document)
            change(wrong)
            found = "\n".join(problems_of(wrong))
            self.assertRegex(found, words)

        def package(changed, name="libx1"):
            return next(package for package in changed["packages"] if package["name"] == name)
        for field in document:
            if field != "hasExtractedLicensingInfos":
                notices(f"has no {field}", lambda wrong, field=field: wrong.pop(field))
        notices("created is no time", lambda wrong: wrong["creationInfo"].update(created="now"))
        notices("creators are not", lambda wrong: wrong["creationInfo"].update(creators=["me"]))
        notices("no URI", lambda wrong: wrong.update(documentNamespace="https://x#y"))
        for field in ("SPDXID", "downloadLocation", "versionInfo", "supplier", "licenseDeclared", "copyrightText"):
            notices(f"libx1: has no {field}", lambda wrong, field=field: package(wrong).pop(field))
        notices("libx1: has a verification code just", lambda wrong: package(wrong).update(filesAnalyzed=False))
        notices("libx1: .* is no package URL", lambda wrong: package(wrong)["externalRefs"][0].update(referenceLocator="libx1"))
        notices("primaryPackagePurpose", lambda wrong: package(wrong).update(primaryPackagePurpose="THING"))
        for licence in ("Own", "MIT AND", "MIT Zlib", "(MIT", "MIT)", "AND MIT", "LicenseRef-other"):
            notices("libx1: '", lambda wrong, licence=licence: package(wrong).update(licenseDeclared=licence))
        notices("a licence: has no licenseId", lambda wrong: wrong["hasExtractedLicensingInfos"][0].pop("licenseId"))
        for field in ("fileName", "SPDXID", "fileTypes"):
            notices(f"has no {field}", lambda wrong, field=field: wrong["files"][0].pop(field))
        notices("passwd: has no SHA1", lambda wrong: wrong["files"][0]["checksums"].pop(0))
        notices("passwd: has no SHA256", lambda wrong: wrong["files"][0]["checksums"][1].update(checksumValue="0"))
        notices("does not begin with", lambda wrong: wrong["files"][0].update(fileName="etc/passwd"))
        notices("is there twice", lambda wrong: wrong["files"].append(wrong["files"][0]))
        notices("SPDX has no such relationship", lambda wrong: wrong["relationships"][0].update(relationshipType="HAS"))
        notices("the document has no SPDXRef-x", lambda wrong: wrong["relationships"][0].update(relatedSpdxElement="SPDXRef-x"))
        notices("does not describe one thing", lambda wrong: wrong["relationships"].pop(0))
        notices("libz-dev: nothing says", lambda wrong: wrong.update(relationships=[
            one for one in wrong["relationships"] if one["relatedSpdxElement"] != spdx.package_id("libz-dev")]))
        notices("libx.so: belongs to .*, not to one", lambda wrong: wrong["relationships"].append(
            {"spdxElementId": "SPDXRef-Software", "relationshipType": "CONTAINS",
             "relatedSpdxElement": spdx.file_id("usr/lib/libx.so")}))
        notices(r"libx.so: belongs to \[\], not to one", lambda wrong: wrong.update(relationships=[
            one for one in wrong["relationships"] if one["relatedSpdxElement"] != spdx.file_id("usr/lib/libx.so")]))

    def test_it_says_of_each_package_what_a_scanner_needs(self):
        document = spdx.document(*made_up())
        described = {package["name"]: package for package in document["packages"]}
        self.assertEqual(described["libx1"]["externalRefs"][0]["referenceLocator"],
                         "pkg:deb/debian/libx1@1:1.0~rc%2Bb1?arch=all&distro=debian-12&upstream=x%401:1.0~rc")
        self.assertEqual(described["libstdc++6"]["externalRefs"][0]["referenceLocator"],
                         "pkg:deb/debian/libstdc%2B%2B6@12.2.0-14?arch=amd64&distro=debian-12&upstream=gcc-12")
        self.assertEqual(described["libx1"]["licenseDeclared"], "LicenseRef-libx1-Own OR GPL-2.0-only")
        self.assertEqual(described["libstdc++6"]["licenseDeclared"], "NOASSERTION")
        self.assertEqual(described["node-device-operator"]["licenseDeclared"], "Apache-2.0")
        self.assertIn("Apache License", Path("LICENSE").read_text(encoding="utf-8")[:200])

    def test_it_says_what_is_linked_to_what(self):
        found = {(one["spdxElementId"], one["relationshipType"], one["relatedSpdxElement"])
                 for one in spdx.document(*made_up())["relationships"]}
        program, software = "SPDXRef-File-usr-bin-a", "SPDXRef-Software"
        self.assertLessEqual({(program, "DYNAMIC_LINK", "SPDXRef-File-lib-libstdc-plus-plus.so.6"),
                              (program, "STATIC_LINK", "SPDXRef-Package-libz-dev"),
                              ("SPDXRef-Package-libx1", "BUILD_DEPENDENCY_OF", software),
                              (software, "CONTAINS", program)}, found)

    def test_a_changed_image_is_another_document(self):
        image, found = made_up()
        before = spdx.document(image, found)["documentNamespace"]
        self.assertEqual(before, spdx.document(image, found)["documentNamespace"])
        found.files.pop(1)
        self.assertNotEqual(before, spdx.document(image, found)["documentNamespace"])

    def test_it_is_of_the_time_of_the_sources(self):
        self.assertEqual(spdx.document(*made_up())["creationInfo"]["created"], "2023-11-14T22:13:20Z")


class OfListing(unittest.TestCase):
    def test_sizes_stand_by_origin(self):
        lines = listing.text(*made_up()).splitlines()
        self.assertRegex(lines[0], "^nodedevices.io/x:0.1.0 sha256:1{64}$")
        self.assertRegex(lines[2], r"^ +52  bytes in 4 files$")
        self.assertEqual([line.split(maxsplit=1)[1] for line in lines if re.match(r" {0,9}\d+  [^/b]", line)],
                         ["this software", "Debian libstdc++6 12.2.0-14", "Debian libx1 1:1.0~rc+b1"])
        self.assertIn("          15  /usr/lib/libx.so  for a", lines)
        self.assertIn("  Debian libz-dev 1: a", lines)


class OfInventory(unittest.TestCase):
    class Knows:
        """A Debian of which every library is, and one has another owner's bytes."""
        def owners(self, paths):
            return {path: "libc6" for path in paths}

        def is_as_packed(self, path, _owner, _copy):
            return "changed" not in path

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name) / "root"
        (self.root / "usr/bin").mkdir(parents=True)
        (self.root / "lib").mkdir()
        subprocess.run(["g++", "-x", "c++", "-", "-o", str(self.root / "usr/bin/a")], input="int main() {}\n", text=True, check=True)

    def test_a_library_that_is_missing_is_noticed(self):
        with self.assertRaisesRegex(Problem, "usr/bin/a needs libc.so.6, which is not in the image"):
            inventory._files(self.root, self.Knows())

    def test_a_library_that_was_changed_is_noticed(self):
        (self.root / "lib/changed.so").write_bytes(b"")
        with self.assertRaisesRegex(Problem, "/lib/changed.so: is not what libc6 has brought\ninstall the package again"):
            inventory._files(self.root, self.Knows())

    def test_a_link_is_noticed(self):
        (self.root / "usr/bin/b").symlink_to("a")
        with self.assertRaisesRegex(Problem, "usr/bin/b: is neither a file nor a folder"):
            inventory._files(self.root, self.Knows())


if __name__ == "__main__":
    unittest.main()
