"""Makes the bundle of a version out of operator-manifests and crds."""

import base64
import copy
import json
import re
import shutil
from pathlib import Path

import descriptors
import kustomization
from releases import Releases, parse_version
from yaml_files import Problem, read, to_text

_MANIFESTS = Path("operator-manifests")
_OURS = _MANIFESTS / "olm"
_IMAGE = "nodedevices.io/node-device-operator:"
_MADE = "# Made by scripts/bundle of operator-manifests and crds: edit those.\n"
# Kinds that go into the bundle as files of their own. OLM puts those that have one into its namespace.
_OWN_FILE = ("Service", "PodDisruptionBudget", "PrometheusRule", "ServiceMonitor")
_SCORECARD_IMAGE = "quay.io/operator-framework/scorecard-test:v1.41.1"
_SCORECARD_TESTS = (
    ("basic", "basic-check-spec"),
    ("olm", "olm-bundle-validation"),
    ("olm", "olm-crds-have-validation"),
    ("olm", "olm-crds-have-resources"),
    ("olm", "olm-spec-descriptors"),
    ("olm", "olm-status-descriptors"),
)


def _replaced(value, beginning, text):
    """The same with this text in place of each that begins so."""
    if isinstance(value, dict):
        return {key: _replaced(inner, beginning, text) for key, inner in value.items()}
    if isinstance(value, list):
        return [_replaced(inner, beginning, text) for inner in value]
    return text if isinstance(value, str) and value.startswith(beginning) else value


def _home_page():
    page = re.search(r"^ *HOMEPAGE_URL (https://[^\s)]+)", Path("CMakeLists.txt").read_text(encoding="utf-8"), re.M)
    if page is None:
        raise Problem("CMakeLists.txt: project() has no HOMEPAGE_URL that begins with https://")
    return page.group(1)


def _name(thing):
    return thing["metadata"]["name"]


def _ask(things, kind):
    return [thing for thing in things if thing["kind"] == kind]


def _account(binding, namespace):
    subjects = binding["subjects"]
    if len(subjects) != 1 or subjects[0]["kind"] != "ServiceAccount" or subjects[0]["namespace"] != namespace:
        raise Problem(f"{binding['kind']} {_name(binding)}: its one subject must be an account of {namespace}")
    return subjects[0]["name"]


def _uses_scc(role):
    return any("securitycontextconstraints" in rule["resources"] for rule in role["rules"])


def _only_creates_events(role):
    return all(rule["resources"] == ["events"] and rule["verbs"] == ["create"] for rule in role["rules"])


class _Rights:
    """What of the rights stands in the ClusterServiceVersion (`cluster`, by account), and what in files.

    Its `permissions` are for nothing: where one operator serves all namespaces, OLM gives them in all of
    them too. So the Role of the controller, which may write DaemonSets where it is and nowhere else, is
    a file with a binding. The right to an SCC is for the whole cluster all the same: OpenShift labels a
    namespace by bindings that name the namespace of their account, which a file here cannot know. It helps
    nobody elsewhere, since an account can be used in its own namespace only."""

    def __init__(self, things, namespace):
        self.cluster = {}
        self.files = []
        for binding in _ask(things, "ClusterRoleBinding"):
            role = self._role(things, "ClusterRole", binding, None)
            self._add(binding, namespace, role)
        for binding in _ask(things, "RoleBinding"):
            where = binding["metadata"]["namespace"]
            role = self._role(things, "Role", binding, where)
            if where == namespace and not _uses_scc(role):
                self.files += [role, binding]
            elif where == namespace or _only_creates_events(role):
                self._add(binding, namespace, role)
            else:
                raise Problem(f"Role {_name(role)}: a bundle cannot give rights in the namespace {where}")

    def _add(self, binding, namespace, role):
        self.cluster.setdefault(_account(binding, namespace), []).extend(role["rules"])

    @staticmethod
    def _role(things, kind, binding, namespace):
        for thing in _ask(things, kind):
            if _name(thing) == binding["roleRef"]["name"] and thing["metadata"].get("namespace") == namespace:
                return thing
        raise Problem(f"{binding['kind']} {_name(binding)}: there is no {kind} {binding['roleRef']['name']}")


class Bundle:
    """The files of a bundle, by their path in it."""

    def __init__(self, platform, version, image):
        self._how = read(_OURS / "bundle.yaml")
        if platform not in self._how["platforms"]:
            raise Problem(f"'{platform}' is none of {', '.join(self._how['platforms'])}")
        self._platform = self._how["platforms"][platform]
        self._version = version
        self._image = image or _IMAGE + version
        parse_version(version)
        self._releases = Releases(_OURS / "releases")
        self._things = self._read([_MANIFESTS / folder for folder in [platform, *self._platform.get("and", [])]])
        namespaces = _ask(self._things, "Namespace")
        if len(namespaces) != 1:
            raise Problem(f"{_MANIFESTS / platform}: has {len(namespaces)} Namespaces, one is expected")
        self._namespace = namespaces[0]
        self._rights = _Rights(self._things, _name(self._namespace))
        self._check_that_nothing_is_forgotten()

        self.files = {
            f"manifests/{self._how['package']}.clusterserviceversion.yaml": _MADE + to_text(self._service_version()),
            "metadata/annotations.yaml": _MADE + to_text({"annotations": self._annotations()}),
            "tests/scorecard/config.yaml": _MADE + to_text(self._scorecard()),
            "bundle.Dockerfile": self._dockerfile(),
        }
        for thing in self._rights.files + [thing for thing in self._things if thing["kind"] in _OWN_FILE]:
            self._add_file(thing)
        for path in self._crd_files():
            self.files[f"manifests/{path.name}"] = path.read_text(encoding="utf-8")

    def _read(self, folders):
        return [thing for folder in folders for thing in kustomization.build(folder)]

    def _check_that_nothing_is_forgotten(self):
        left_out = {entry["kind"] for entry in self._how["leftOut"]}
        bound = {"ClusterRole": set(), "Role": set()}
        for binding in _ask(self._things, "ClusterRoleBinding") + _ask(self._things, "RoleBinding"):
            bound[binding["roleRef"]["kind"]].add((binding["roleRef"]["name"], binding["metadata"].get("namespace")))
        for thing in self._things:
            kind, name, where = thing["kind"], _name(thing), thing["metadata"].get("namespace")
            if where not in (None, _name(self._namespace)) and kind not in ("Role", "RoleBinding"):
                raise Problem(f"{kind} {name}: a bundle has nothing in the namespace {where}")
            if kind in bound and (name, where) not in bound[kind]:
                raise Problem(f"{kind} {name}: is bound to nobody")
            if kind == "ServiceAccount" and name not in self._rights.cluster:
                raise Problem(f"ServiceAccount {name}: OLM makes accounts that have rights in the cluster only")
            if kind not in ("ClusterRoleBinding", "CustomResourceDefinition", "Deployment", "RoleBinding",
                            "ServiceAccount", *bound, *_OWN_FILE, *left_out):
                raise Problem(f"{kind} {name}: say in {_OURS}/bundle.yaml what a bundle does about this kind")

    def _add_file(self, thing):
        thing = copy.deepcopy(thing)
        thing["metadata"].pop("namespace", None)
        for subject in thing.get("subjects", []):
            # Without one, a RoleBinding means accounts of the namespace that it is in.
            if subject.get("namespace") == _name(self._namespace):
                del subject["namespace"]
        kind = (thing["apiVersion"].replace("/", "_") + "_" + thing["kind"]).lower()
        self.files[f"manifests/{_name(thing)}_{kind}.yaml"] = _MADE + to_text(thing)

    def _crd_files(self):
        return [Path("crds") / file for file in read("crds/kustomization.yaml")["resources"]]

    # ---- the ClusterServiceVersion ----

    def _service_version(self):
        base = _replaced(read(_OURS / "clusterserviceversion.yaml"), "HOME_PAGE", _home_page())
        deployments = _replaced(_ask(self._things, "Deployment"), _IMAGE, self._image)
        spec, metadata = base["spec"], base["metadata"]
        spec["customresourcedefinitions"] = {"owned": self._owned(spec["customresourcedefinitions"]["owned"])}
        result = {
            "apiVersion": base["apiVersion"],
            "kind": base["kind"],
            "metadata": {
                "name": self._csv_name(self._version),
                "annotations": dict(sorted((metadata["annotations"] | self._card()).items())),
                "labels": metadata["labels"],
            },
            "spec": {
                "displayName": spec.pop("displayName"),
                "version": self._version,
                **self._graph(),
                "minKubeVersion": self._platform["minKubeVersion"],
                "description": (_OURS / "description.md").read_text(encoding="utf-8"),
                "icon": [{"base64data": base64.b64encode((_OURS / "icon.svg").read_bytes()).decode(),
                          "mediatype": "image/svg+xml"}],
                **spec,
                "relatedImages": self._related_images(deployments),
                "install": {"strategy": "deployment", "spec": {
                    "clusterPermissions": [{"serviceAccountName": account, "rules": rules}
                                           for account, rules in self._rights.cluster.items()],
                    "deployments": [{"name": _name(deployment), "label": deployment["metadata"]["labels"],
                                     "spec": deployment["spec"]} for deployment in deployments],
                }},
            },
        }
        return result

    def _csv_name(self, version):
        return f"{self._how['package']}.v{version}"

    def _graph(self):
        replaced = self._releases.replaced_by(self._version)
        return {"replaces": self._csv_name(replaced)} if replaced else {}

    def _card(self):
        """The annotations that are not just words."""
        examples = [read(_MANIFESTS / "samples" / file) for file in self._platform["examples"]]
        template = {key: self._namespace[key] for key in ("apiVersion", "kind", "metadata")}
        labels = self._namespace["metadata"].get("labels", {})
        card = {
            "alm-examples": json.dumps(examples, indent=2),
            "containerImage": self._image,
            # Every image by its digest, so that mirrors find them.
            "features.operators.openshift.io/disconnected": str("@sha256:" in self._image).lower(),
            "operatorframework.io/cluster-monitoring": labels.get("openshift.io/cluster-monitoring", "false"),
            "operatorframework.io/initialization-resource": json.dumps(examples[0], indent=2),
            "operatorframework.io/suggested-namespace": _name(self._namespace),
            "operatorframework.io/suggested-namespace-template": json.dumps(template, indent=2),
        }
        day = self._releases.day_of(self._version)
        if day:
            card["createdAt"] = day + "T00:00:00Z"
        skip_range = self._releases.skip_range_of(self._version)
        if skip_range:
            card["olm.skipRange"] = skip_range
        return card

    def _owned(self, described):
        owned = []
        for path in self._crd_files():
            crd = read(path)
            kind = crd["spec"]["names"]["kind"]
            own = next((entry for entry in described if entry["kind"] == kind), None)
            if own is None:
                raise Problem(f"{_OURS}/clusterserviceversion.yaml: does not describe the kind {kind}")
            version = next(version for version in crd["spec"]["versions"] if version["storage"])
            schema = version["schema"]["openAPIV3Schema"]
            owned.append({
                "kind": kind,
                "name": _name(crd),
                "version": version["name"],
                "displayName": "".join(" " + letter if letter.isupper() else letter for letter in kind).strip(),
                "description": " ".join(schema["description"].split()),
                "resources": own["resources"],
                "specDescriptors": descriptors.of_spec(schema["properties"]["spec"]),
                "statusDescriptors": descriptors.of_status(schema["properties"]["status"]),
            })
        return owned

    @staticmethod
    def _related_images(deployments):
        images = {}
        for deployment in deployments:
            for container in deployment["spec"]["template"]["spec"]["containers"]:
                images[_name(deployment)] = container["image"]
                for variable in container.get("env", []):
                    if variable["name"].startswith("RELATED_IMAGE_"):
                        name = variable["name"].removeprefix("RELATED_IMAGE_").lower().replace("_", "-")
                        images[name] = variable["value"]
        return [{"name": name, "image": image} for name, image in images.items()]

    # ---- around it ----

    def _annotations(self):
        prefix = "operators.operatorframework.io."
        annotations = {
            prefix + "bundle.mediatype.v1": "registry+v1",
            prefix + "bundle.manifests.v1": "manifests/",
            prefix + "bundle.metadata.v1": "metadata/",
            prefix + "bundle.package.v1": self._how["package"],
            prefix + "bundle.channels.v1": ",".join(self._how["channels"]),
            prefix + "bundle.channel.default.v1": self._how["channels"][0],
            prefix + "test.mediatype.v1": "scorecard+v1",
            prefix + "test.config.v1": "tests/scorecard/",
        }
        if "openshiftVersions" in self._platform:
            annotations["com.redhat.openshift.versions"] = self._platform["openshiftVersions"]
        return annotations

    @staticmethod
    def _scorecard():
        tests = [{"entrypoint": ["scorecard-test", test], "image": _SCORECARD_IMAGE,
                  "labels": {"suite": suite, "test": test + "-test"}} for suite, test in _SCORECARD_TESTS]
        return {
            "apiVersion": "scorecard.operatorframework.io/v1alpha3",
            "kind": "Configuration",
            "metadata": {"name": "config"},
            "stages": [{"parallel": True, "tests": tests}],
        }

    def _dockerfile(self):
        labels = "".join(f"LABEL {key}={value}\n" for key, value in self._annotations().items())
        return (_MADE + "#   podman build --file bundle.Dockerfile --tag registry.example/node-device-operator-bundle:v"
                + self._version + " .\nFROM scratch\n" + labels
                + "COPY manifests /manifests/\nCOPY metadata /metadata/\nCOPY tests/scorecard /tests/scorecard/\n")

    def write(self, folder):
        """Replaces what an earlier bundle left in the folder, and nothing else."""
        folder = Path(folder)
        for part in ("manifests", "metadata", "tests"):
            shutil.rmtree(folder / part, ignore_errors=True)
        for path, text in self.files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text, encoding="utf-8")
