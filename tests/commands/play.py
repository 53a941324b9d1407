"""Plays the commands of commands.yaml in a checkout of its own, beside the registries of tests/commands/run.

    play.py WORK       WORK is the folder of tests/commands/run; the current folder is the checkout
"""

import json
import os
import pathlib
import re
import shlex
import signal
import subprocess
import sys
import time

import yaml

DOCUMENT = pathlib.Path("docs/install.md")
BUNDLES, CATALOG = "registry.example/node-device-operator-bundle", "node-device-catalog:v1"
OURS = "nodedevices.io/node-device-operator:"
REFUSED = re.compile(r"127\.0\.0\.1:1\b.* refused")
FROM_HERE = re.compile(r"^(?:oc|kubectl) ")
OUTPUT = re.compile(r" -o (jsonpath|custom-columns)=('[^']*'|[^\s'|]+)")
VERBS = ("get", "describe", "delete", "label", "patch")
# Kinds that are Kubernetes' own, or of an operator that nothing here brings. Those of CRDs say themselves how they
# may be called.
OWN_KINDS = {"certificate", "daemonset", "deployment", "endpointslices", "lease", "namespace", "node", "nodes", "pod",
             "pods", "secret", "service", "servicemonitor"}
DEFINITIONS = ("crds", "tests/cluster/openshift/crds", "build/cluster/olm-crds")
COLUMNS = re.compile(r"[A-Z]+:(\.\w+(\\\.\w+|/\w+)*)+(,[A-Z]+:(\.\w+(\\\.\w+|/\w+)*)+)*")


class Failure(Exception):
    """A sentence for whoever reads the test's output."""


def run(command, **environment):
    return subprocess.run(["bash", "-euo", "pipefail", "-c", command], capture_output=True, text=True, check=False,
                          stdin=subprocess.DEVNULL, env={**os.environ, **environment})


def must_run(command, **environment):
    result = run(command, **environment)
    if result.returncode != 0:
        raise Failure(f"$ {command}\n{result.stdout}{result.stderr}(ended with {result.returncode})")
    return result.stdout


def expect(condition, sentence):
    if not condition:
        raise Failure(sentence)


class Checks:
    def __init__(self):
        self.failed = 0
        self.count = 0

    def __call__(self, what, check, *arguments):
        self.count += 1
        try:
            check(*arguments)
        except Failure as failure:
            self.failed += 1
            print(f"FAIL  {what}")
            print("".join(f"        {line}\n" for line in str(failure).splitlines()), end="", flush=True)
        else:
            print(f"ok    {what}", flush=True)


# ---- commands as they stand ------------------------------------------------------------------------


class Shell:
    """Runs commands one after the other. DIGEST in one is what `skopeo inspect` has said of that image before:
    of the tag of the folder that stands before it, build/olm/0.1.0=..., else of the newest."""

    _INSPECT = re.compile(r"^skopeo inspect .*docker://registry\.example/([\w-]+):v?([\d.]+)$")
    _DIGEST = re.compile(r"(build/olm/([\d.]+)=)?((?:registry\.example/)?([\w-]+))@sha256:DIGEST")

    def __init__(self):
        self.digests = {}  # image -> {version: sha256:...}, in the order in which they were asked

    def _filled_in(self, found):
        folder, version, image, name = found.groups()
        known = self.digests.get(name, {})
        expect(known, f"no command before has asked for the digest of {name}")
        return f"{folder or ''}{image}@{known[version] if version else list(known.values())[-1]}"

    def run(self, command):
        output = must_run(self._DIGEST.sub(self._filled_in, command))
        if found := self._INSPECT.match(command):
            digest = output.strip()
            expect(re.fullmatch("sha256:[0-9a-f]{64}", digest), f"'{digest}' is no digest")
            self.digests.setdefault(found.group(1), {})[found.group(2)] = digest


# ---- commands for a cluster ------------------------------------------------------------------------


def fields_of(schema):
    """The names of all fields in the schema of a custom resource, at whatever depth."""
    if isinstance(schema, list):
        return set().union(*map(fields_of, schema))
    if not isinstance(schema, dict):
        return set()
    own = schema.get("properties", {})
    return set(own if isinstance(own, dict) else ()).union(*map(fields_of, schema.values()))


class Kinds:
    """How kinds may be called, and the fields that those of ours have."""

    def __init__(self):
        self.names, self.fields = set(OWN_KINDS), {}
        for file in [file for folder in DEFINITIONS for file in sorted(pathlib.Path(folder).glob("*.yaml"))]:
            definition = yaml.safe_load(file.read_text())
            if definition["kind"] != "CustomResourceDefinition":
                continue
            names = definition["spec"]["names"]
            called = {names["plural"], names.get("singular", ""), *names.get("shortNames", [])}
            self.names |= called
            for name in called if file.parts[0] == "crds" else ():
                self.fields[name] = fields_of(definition["spec"]["versions"]) | {"metadata", "name"}

    def of(self, command):
        """The kinds that kubectl is asked for."""
        words = [word for word in shlex.split(command.partition(" | ")[0])[1:]]
        if words[0] == "-n":
            words = words[2:]
        if words[0] not in VERBS or len(words) == 1 or words[1].startswith("-"):
            return []
        return words[1].partition("/")[0].split(",")


def kubectl_reads(kinds, command):
    """That it asks the server means that it knows the words and the flags. The names of kinds it would ask for, and
    what is to be printed it reads when there is something to print: these are compared here."""
    result = run(command)
    expect(REFUSED.search(result.stderr), f"kubectl does not get as far as asking a server:\n{result.stderr}")
    asked = kinds.of(command)
    expect(kinds.names.issuperset(asked), f"no kind is called {', '.join(set(asked) - kinds.names)}")
    for form, text in OUTPUT.findall(command):
        if form == "jsonpath":
            must_run(f"kubectl create configmap anything --dry-run=client -o {form}={text}")
        else:
            expect(COLUMNS.fullmatch(text.strip("'")), f"these are no columns: {text}")
        if asked[0] in kinds.fields:
            unknown = set(re.findall(r"\.([A-Za-z]\w*)", text)) - kinds.fields[asked[0]]
            expect(not unknown, f"{asked[0]} has no field {', '.join(unknown)}")


def notices_what_is_wrong(kinds):
    """A check that never fails would say nothing."""
    for wrong in ("oc gte dpc", "kubectl get dpc --colour red", "kubectl get dpc -o jsonpath='{range .items[*]'",
                  "kubectl get dpc -o custom-columns='NAME'", "oc kustomize nowhere | oc apply -f -",
                  "oc -n node-device rollout statsu deployment/x", "oc get dcp", "kubectl -n x describe nds,prods",
                  "kubectl get nds NAME -o jsonpath='{.status.agent.versoin}'"):
        try:
            kubectl_reads(kinds, wrong)
        except Failure:
            continue
        raise Failure(f"passes as a command: {wrong}")


def names_the_image(command):
    """What a pipeline through sed would apply holds the image of the document, and no other of ours."""
    applied = must_run(command.rpartition("|")[0])
    expect("registry.example/node-device-operator:" in applied, "sed has replaced nothing")
    left = [line.strip() for line in applied.splitlines() if OURS in line]
    expect(not left, f"sed has left {left}")


# ---- catalogs and mirrors --------------------------------------------------------------------------


def file_of(image, path):
    """A file in an image, or the files in a folder of it, pulled from where the tools find it."""
    must_run(f"podman pull --quiet {image}")
    where = must_run(f"podman image mount {image}").strip()
    found = pathlib.Path(where, path)
    texts = [file.read_text() for file in (sorted(found.iterdir()) if found.is_dir() else [found])]
    must_run(f"podman image unmount {image}")
    return texts


def bundles_of(catalog):
    """The bundles in the image of a catalog: name -> what it says of it."""
    text, blobs, decoder = file_of(catalog, "configs/catalog.json")[0].strip(), [], json.JSONDecoder()
    while text:
        blob, end = decoder.raw_decode(text)
        blobs.append(blob)
        text = text[end:].lstrip()
    return {blob["name"]: blob for blob in blobs if blob["schema"] == "olm.bundle"}


def serves(catalog, bin_folder, versions):
    """The image of the catalog, as a cluster runs it: its own opm, with the cache that the build has made."""
    must_run(f"podman pull --quiet {catalog}")
    root = must_run(f"podman image mount {catalog}").strip()
    config = json.loads(must_run(f"podman image inspect {catalog}"))[0]["Config"]
    with subprocess.Popen(["chroot", root, *config["Entrypoint"], *config["Cmd"], "--pprof-addr", ""],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as opm:
        try:
            # As long as there is somebody who could answer.
            deadline = time.monotonic() + 60
            listed = run(f"{bin_folder}/catalog-list 127.0.0.1:50051")
            while listed.returncode != 0 and opm.poll() is None and time.monotonic() < deadline:
                listed = run(f"{bin_folder}/catalog-list 127.0.0.1:50051")
        finally:
            opm.terminate()
        expect(listed.returncode == 0 and listed.stdout, f"opm does not serve:\n{opm.stdout.read()}")
    must_run(f"podman image unmount {catalog}")
    names = [line.split()[2] for line in listed.stdout.splitlines()]
    expect(names == [f"node-device-operator.v{version}" for version in versions], f"it serves {listed.stdout}")


def is_mirrored(digests):
    for name in ("node-device-operator", "node-device-operator-bundle"):
        there = must_run(f"skopeo inspect --format '{{{{.Digest}}}}' docker://mirror.internal/node-device/{name}")
        expect(there.strip() == digests[name]["0.1.0"], f"{name} is another image at the mirror: {there}")


def mirrors_of_document():
    """The ImageDigestMirrorSet of the document, as the machine-config-operator writes it to nodes."""
    blocks = re.findall(r"```yaml\n(.*?)```", DOCUMENT.read_text(), re.S)
    [mirror_set] = [block for block in map(yaml.safe_load, blocks) if block["kind"] == "ImageDigestMirrorSet"]
    text = 'short-name-mode = ""\n'
    for entry in mirror_set["spec"]["imageDigestMirrors"]:
        text += f'[[registry]]\nprefix = ""\nlocation = "{entry["source"]}"\n'
        for mirror in entry["mirrors"]:
            text += f'[[registry.mirror]]\nlocation = "{mirror}"\npull-from-mirror = "digest-only"\n'
    return text


def images_in(value):
    """Every image that a ClusterServiceVersion names, wherever it does."""
    if isinstance(value, dict):
        return set().union(*map(images_in, value.values()))
    if isinstance(value, list):
        return set().union(*map(images_in, value))
    found = isinstance(value, str) and re.fullmatch(r"[\w.-]+\.[a-z]+/[\w./-]+(?::[\w.-]+|@sha256:\w+)", value)
    return {value} if found else set()


def installs_from_mirror(work, digests):
    """What a cluster that reaches only the mirror pulls, one after the other: catalog, bundle, operator."""
    os.kill(int((work / "registry.example.pid").read_text()), signal.SIGTERM)
    must_run("podman image rm --all --force")
    [bundle] = bundles_of(f"mirror.internal/node-device/{CATALOG}").values()
    expect(bundle["image"] == f"{BUNDLES}@{digests['node-device-operator-bundle']['0.1.0']}",
           f"the catalog names {bundle['image']}")
    expect(run(f"skopeo inspect docker://{bundle['image']}").returncode != 0, "registry.example still answers")

    nodes = work / "registries.conf"
    nodes.write_text(mirrors_of_document())
    os.environ["CONTAINERS_REGISTRIES_CONF"] = str(nodes)
    operator = f"registry.example/node-device-operator@{digests['node-device-operator']['0.1.0']}"
    related = {entry["image"] for entry in bundle["relatedImages"]}
    expect(related == {operator, bundle["image"]}, f"the catalog's relatedImages are {related}")
    [version] = [text for text in file_of(bundle["image"], "manifests") if "kind: ClusterServiceVersion" in text]
    expect(images_in(yaml.safe_load(version)) == {operator}, f"the bundle names {images_in(yaml.safe_load(version))}")
    must_run(f"podman pull --quiet {operator}")
    del os.environ["CONTAINERS_REGISTRIES_CONF"]


# ---- all of it -------------------------------------------------------------------------------------


def main(work):
    work = pathlib.Path(work)
    groups = yaml.safe_load(pathlib.Path("tests/commands/commands.yaml").read_text())["commands"]
    check, shell, began = Checks(), Shell(), time.monotonic()
    for group in groups:
        for entry in group["commands"]:
            if group["how"] == "run":
                check(f"$ {' '.join(entry.split())}", shell.run, entry)
    bin_folder = pathlib.Path("build/cluster/bin").resolve()
    check("the image of the catalog serves what is in it", serves, f"registry.example/{CATALOG}", bin_folder,
          ["0.1.0", "0.1.1"])
    check("the mirror has the same images", is_mirrored, shell.digests)
    check("everything is pulled from the mirror alone", installs_from_mirror, work, shell.digests)

    kinds = Kinds()
    check("kubectl notices what is wrong", notices_what_is_wrong, kinds)
    for group in groups:
        for entry in group["commands"]:
            command = entry if isinstance(entry, str) else entry["command"]
            if group["how"] in ("kubectl", "test") and FROM_HERE.match(command):
                check(f"kubectl reads: {command}", kubectl_reads, kinds, command)
                if "| sed " in command:
                    check("  with the image of the document", names_the_image, command)
    print(f"{check.count} checks in {time.monotonic() - began:.0f} s", file=sys.stderr)
    if check.failed:
        sys.exit(f"tests/commands/run: {check.failed} of these failed")
    print("tests/commands/run: all is well")


main(sys.argv[1])
