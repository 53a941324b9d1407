"""What scripts/bundle makes of manifests, and that it never leaves something out without a word."""

import base64
import copy
import json
import os
import re
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts/olm"))
sys.path.insert(0, str(ROOT / "tests/bundle"))
os.chdir(ROOT)

import catalog  # noqa: E402
import kustomization  # noqa: E402
from bundle import Bundle  # noqa: E402
from crd_compatibility import problems_of  # noqa: E402
from releases import Releases  # noqa: E402
from yaml_files import Problem, parse, read  # noqa: E402

DIGEST = "registry.example/node-device-operator@sha256:" + "0" * 64
CSV = "manifests/node-device-operator.clusterserviceversion.yaml"


def service_version(platform="openshift", version="0.1.0", image=""):
    return parse(Bundle(platform, version, image).files[CSV])


def strings(value):
    if isinstance(value, dict):
        return [text for inner in value.values() for text in strings(inner)]
    if isinstance(value, list):
        return [text for inner in value for text in strings(inner)]
    return [value] if isinstance(value, str) else []


class NothingIsForgotten(unittest.TestCase):
    def refuses(self, text, change):
        class Changed(Bundle):
            def _read(self, folders):
                things = super()._read(folders)
                change(things)
                return things
        with self.assertRaisesRegex(Problem, re.escape(text)):
            Changed("openshift", "0.1.0", "")

    def test_a_kind_that_nobody_decided_about(self):
        self.refuses("DaemonSet x: say in", lambda things: things.append(
            {"kind": "DaemonSet", "apiVersion": "apps/v1", "metadata": {"name": "x", "namespace": "node-device"}}))

    def test_an_object_in_another_namespace(self):
        self.refuses("Service x: a bundle has nothing in the namespace default", lambda things: things.append(
            {"kind": "Service", "apiVersion": "v1", "metadata": {"name": "x", "namespace": "default"}}))

    def test_rights_in_another_namespace(self):
        def change(things):
            role = next(thing for thing in things if thing["kind"] == "Role"
                        and thing["metadata"]["namespace"] == "default")
            role["rules"].append({"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]})
        self.refuses("a bundle cannot give rights in the namespace default", change)

    def test_rights_that_are_bound_to_nobody(self):
        self.refuses("ClusterRole x: is bound to nobody", lambda things: things.append(
            {"kind": "ClusterRole", "metadata": {"name": "x"}, "rules": []}))

    def test_an_account_without_rights(self):
        self.refuses("ServiceAccount x: OLM makes accounts that have rights", lambda things: things.append(
            {"kind": "ServiceAccount", "metadata": {"name": "x", "namespace": "node-device"}}))

    def test_a_custom_resource_that_is_not_described(self):
        class Other(Bundle):
            def _owned(self, described):
                return super()._owned(described[:1])
        with self.assertRaisesRegex(Problem, "does not describe the kind NodeDeviceState"):
            Other("openshift", "0.1.0", "")

    def test_a_part_of_a_kustomization(self):
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "kustomization.yaml").write_text("resources: []\nnamePrefix: x-\n", encoding="utf-8")
            with self.assertRaisesRegex(Problem, "'namePrefix' is not understood here"):
                kustomization.build(folder)

    def test_a_part_of_a_patch(self):
        thing = "apiVersion: v1\nkind: Service\nmetadata: {name: x}\nspec: {ports: [{port: 1}], b: [{c: 1}]}\n"
        for patch in ("spec: {b: [{c: 2}]}", "spec: {b: null}", "$patch: delete"):
            with tempfile.TemporaryDirectory() as folder, self.subTest(patch):
                base = Path(folder)
                (base / "kustomization.yaml").write_text("resources: [a.yaml]\npatches: [{path: b.yaml}]\n", encoding="utf-8")
                (base / "a.yaml").write_text(thing, encoding="utf-8")
                (base / "b.yaml").write_text("apiVersion: v1\nkind: Service\nmetadata: {name: x}\n" + patch, encoding="utf-8")
                with self.assertRaisesRegex(Problem, "not understood here"):
                    kustomization.build(folder)


class Rights(unittest.TestCase):
    def test_what_is_for_one_namespace_stays_there(self):
        for platform in ("openshift", "kubernetes"):
            install = service_version(platform)["spec"]["install"]["spec"]
            self.assertNotIn("permissions", install)
            for permission in install["clusterPermissions"]:
                for rule in permission["rules"]:
                    self.assertFalse(set(rule["resources"]) & {"daemonsets", "pods", "leases", "secrets"}, rule)

    def test_every_right_of_the_manifests_is_given_and_no_other(self):
        for platform in ("openshift", "kubernetes"):
            more = read("operator-manifests/olm/bundle.yaml")["platforms"][platform].get("and", [])
            things = [thing for folder in [platform, *more] for thing in kustomization.build("operator-manifests/" + folder)]
            wanted = [json.dumps(rule, sort_keys=True) for thing in things
                      if thing["kind"] in ("Role", "ClusterRole") for rule in thing["rules"]]
            files = Bundle(platform, "0.1.0", "").files
            given = [json.dumps(rule, sort_keys=True)
                     for permission in parse(files[CSV])["spec"]["install"]["spec"]["clusterPermissions"]
                     for rule in permission["rules"]]
            given += [json.dumps(rule, sort_keys=True) for path, text in files.items()
                      if path.endswith("_role.yaml") for rule in parse(text)["rules"]]
            self.assertEqual(sorted(wanted), sorted(given))

    def test_files_are_for_whatever_namespace_olm_puts_them_into(self):
        for path, text in Bundle("openshift", "0.1.0", "").files.items():
            if path.startswith("manifests/node-device-controller"):
                self.assertNotIn("namespace:", text, path)


class Words(unittest.TestCase):
    def test_every_field_of_spec_and_status_is_described(self):
        for owned in service_version()["spec"]["customresourcedefinitions"]["owned"]:
            schema = read(f"crds/nodedevices.io_{owned['name'].split('.')[0]}.yaml")
            properties = schema["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]
            for part in ("spec", "status"):
                paths = {descriptor["path"] for descriptor in owned[part + "Descriptors"]}
                self.assertLessEqual(set(properties[part]["properties"]), paths)
            for descriptor in owned["specDescriptors"] + owned["statusDescriptors"]:
                self.assertTrue(descriptor["description"] and descriptor["displayName"], descriptor)

    def test_examples_are_the_samples(self):
        examples = json.loads(service_version()["metadata"]["annotations"]["alm-examples"])
        self.assertEqual(examples[0], read("operator-manifests/samples/worker-pool.yaml"))

    def test_the_example_in_the_description_is_one_of_ours(self):
        text = Path("operator-manifests/olm/description.md").read_text(encoding="utf-8")
        shown = parse(re.search(r"```yaml\n(.*?)```", text, re.DOTALL).group(1))
        sample = read("operator-manifests/samples/worker-pool.yaml")
        sample["spec"]["plugins"] = sample["spec"]["plugins"][:1]
        self.assertEqual(shown, sample)

    def test_the_suggested_namespace_lets_privileged_pods_in(self):
        template = json.loads(service_version()["metadata"]["annotations"][
            "operatorframework.io/suggested-namespace-template"])
        for mode in ("enforce", "audit", "warn"):
            self.assertEqual(template["metadata"]["labels"]["pod-security.kubernetes.io/" + mode], "privileged")

    def test_the_documents_install_what_the_bundle_says(self):
        text = Path("docs/install.md").read_text(encoding="utf-8")
        shown = {thing["kind"]: thing for thing in map(parse, re.findall(r"```yaml\n(.*?)```", text, re.DOTALL))}
        annotations = parse(Bundle("openshift", "0.1.0", "").files["metadata/annotations.yaml"])["annotations"]
        prefix = "operators.operatorframework.io.bundle."
        self.assertEqual(shown["Namespace"], json.loads(service_version()["metadata"]["annotations"][
            "operatorframework.io/suggested-namespace-template"]))
        self.assertEqual(shown["OperatorGroup"]["spec"], {})
        self.assertEqual(shown["Subscription"]["spec"]["name"], annotations[prefix + "package.v1"])
        self.assertEqual(shown["Subscription"]["spec"]["channel"], annotations[prefix + "channel.default.v1"])
        self.assertEqual(shown["Subscription"]["spec"]["source"], shown["CatalogSource"]["metadata"]["name"])

    def test_the_seven_promises_are_there(self):
        annotations = service_version()["metadata"]["annotations"]
        for promise in ("disconnected", "fips-compliant", "proxy-aware", "tls-profiles", "token-auth-aws",
                        "token-auth-azure", "token-auth-gcp"):
            self.assertIn(annotations["features.operators.openshift.io/" + promise], ("true", "false"))

    def test_the_icon_is_a_picture(self):
        icon, = service_version()["spec"]["icon"]
        self.assertTrue(base64.b64decode(icon["base64data"]).startswith(b"<svg "))


class Images(unittest.TestCase):
    def test_an_image_that_is_given_stands_everywhere(self):
        made = service_version(image=DIGEST)
        self.assertEqual(made["metadata"]["annotations"]["features.operators.openshift.io/disconnected"], "true")
        self.assertFalse([text for text in strings(made) if text.startswith("nodedevices.io/node-device-operator")])
        self.assertEqual({entry["image"] for entry in made["spec"]["relatedImages"]}, {DIGEST})
        container, = made["spec"]["install"]["spec"]["deployments"][0]["spec"]["template"]["spec"]["containers"]
        self.assertEqual(container["image"], DIGEST)
        self.assertIn({"name": "RELATED_IMAGE_NODE_DEVICE_AGENT", "value": DIGEST}, container["env"])

    def test_a_tag_is_no_promise(self):
        annotations = service_version()["metadata"]["annotations"]
        self.assertEqual(annotations["features.operators.openshift.io/disconnected"], "false")


class Graph(unittest.TestCase):
    def releases(self, text):
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
            file.write(text)
            file.flush()
            return Releases(file.name)

    def test_the_first_replaces_nothing(self):
        made = service_version(version="0.1.0")
        self.assertNotIn("replaces", made["spec"])
        self.assertNotIn("olm.skipRange", made["metadata"]["annotations"])

    def test_the_next_replaces_the_newest_older_one(self):
        made = service_version(version="0.1.1")
        self.assertEqual(made["spec"]["replaces"], "node-device-operator.v0.1.0")
        self.assertEqual(made["metadata"]["annotations"]["olm.skipRange"], ">=0.1.0 <0.1.1")

    def test_versions_are_numbers(self):
        releases = self.releases("0.2.0 2026-01-01\n0.10.0 2026-01-02\n")
        self.assertEqual(releases.replaced_by("0.10.1"), "0.10.0")
        self.assertEqual(releases.replaced_by("0.9.0"), "0.2.0")
        self.assertEqual(releases.replaced_by("0.10.0"), "0.2.0")

    def test_a_list_out_of_order_is_refused(self):
        with self.assertRaisesRegex(Problem, "0.9.0 is not newer"):
            self.releases("0.10.0 2026-01-01\n0.9.0 2026-01-02\n")

    def test_what_is_no_version_is_refused(self):
        for version in ("1", "1.2", "v1.2.3", "1.2.3-rc1", "01.2.3"):
            with self.assertRaises(Problem):
                Bundle("openshift", version, "")

    def test_a_channel_has_one_head(self):
        rendered = "".join(json.dumps({
            "schema": "olm.bundle", "package": "node-device-operator", "name": f"node-device-operator.v{version}",
            "properties": [{"type": "olm.package", "value": {"version": version}}]}) for version in ("0.1.1", "0.1.0"))
        channel = catalog._blobs(catalog.make(rendered))[1]
        self.assertEqual(channel["entries"], [
            {"name": "node-device-operator.v0.1.0"},
            {"name": "node-device-operator.v0.1.1", "replaces": "node-device-operator.v0.1.0",
             "skipRange": ">=0.1.0 <0.1.1"}])


class CrdCompatibility(unittest.TestCase):
    OLD = read("crds/nodedevices.io_devicepluginconfigs.yaml")

    def plugins(self, crd):
        version = crd["spec"]["versions"][0]
        return version["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["plugins"]["items"]["properties"]

    def finds(self, text, change):
        new = copy.deepcopy(self.OLD)
        change(new)
        problems = problems_of(self.OLD, new)
        self.assertEqual(len(problems), 1, problems)
        self.assertIn(text, problems[0])

    def test_the_same_is_compatible(self):
        self.assertEqual(problems_of(self.OLD, copy.deepcopy(self.OLD)), [])

    def test_more_is_compatible(self):
        new = copy.deepcopy(self.OLD)
        self.plugins(new)["more"] = {"type": "string"}
        self.plugins(new)["preferredAllocation"]["enum"].append("random")
        self.plugins(new)["sharing"]["properties"]["replicas"]["maximum"] = 200000
        del self.plugins(new)["name"]["maxLength"]
        self.plugins(new)["name"]["description"] = "another"
        self.assertEqual(problems_of(self.OLD, new), [])

    def test_less_is_not(self):
        self.finds(".topology: is gone", lambda new: self.plugins(new).pop("topology"))
        self.finds("'spread' is not allowed any more",
                   lambda new: self.plugins(new)["preferredAllocation"]["enum"].remove("spread"))
        self.finds("maximum was 100000, is 10",
                   lambda new: self.plugins(new)["sharing"]["properties"]["replicas"].update(maximum=10))
        self.finds("minimum was 1, is 2",
                   lambda new: self.plugins(new)["sharing"]["properties"]["replicas"].update(minimum=2))
        self.finds("minLength was None, is 1", lambda new: self.plugins(new)["name"].update(minLength=1))
        self.finds("pattern was", lambda new: self.plugins(new)["name"].update(pattern="^x$"))
        self.finds("type was boolean, is string", lambda new: self.plugins(new)["topology"].update(type="string"))
        self.finds("default was None, is True", lambda new: self.plugins(new)["topology"].update(default=True))
        self.finds("only some values are allowed now", lambda new: self.plugins(new)["topology"].update(enum=[True]))

    def test_new_demands_are_not(self):
        items = ("spec", "properties", "plugins", "items")

        def demand(new):
            self.plugins(new)["sharing"]["required"] = ["replicas"]
        self.finds(".sharing.replicas: is required now", demand)

        def rule(new):
            schema = new["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]
            for key in items:
                schema = schema[key]
            schema["x-kubernetes-validations"].append({"rule": "self.name != 'x'"})
        self.finds("there is a new rule: self.name != 'x'", rule)

    def test_other_names_are_not(self):
        self.finds("scope was Cluster, is Namespaced", lambda new: new["spec"].update(scope="Namespaced"))
        self.finds("the version v1alpha1 is gone", lambda new: new["spec"]["versions"][0].update(name="v1"))
        self.finds("is not served any more", lambda new: new["spec"]["versions"][0].update(served=False))


if __name__ == "__main__":
    unittest.main()
