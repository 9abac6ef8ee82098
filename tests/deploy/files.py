"""The files of deploy/ against the formats that they are in, and against what they promise.

Neighbours: `policies` has the IAM policies, `monitoring` rules and dashboard, `live` what runs. Every check is by a tool that others keep,
where there is one; what is written out here is what the tools do not know: that nobody is root, that there is never a second Axon.
"""

import json
import pathlib
import re
import subprocess
import tempfile
import unittest

import yaml

from policies import Lenient

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
HERE = pathlib.Path(__file__).resolve().parent


def run(*command, **options):
    return subprocess.run([str(one) for one in command], capture_output=True, text=True, cwd=ROOT, check=False, **options)


class Tool(unittest.TestCase):
    """A check by somebody else's tool."""

    def passes(self, *command, **options):
        ended = run(*command, **options)
        self.assertEqual(ended.returncode, 0, f"{command[0]}:\n{ended.stdout}{ended.stderr}")
        return ended.stdout + ended.stderr


class Formats(Tool):
    """Each file is what its readers understand."""

    def test_yaml(self):
        self.passes("yamllint", "--strict", "-c", HERE / "yamllint.yaml", "deploy", "tests/deploy")

    def test_json(self):
        for path in DEPLOY.rglob("*.json"):
            self.assertTrue(json.loads(path.read_text()), path.name)

    def test_cloudformation(self):
        for path in sorted((DEPLOY / "cloudformation").glob("*.yaml")):
            self.passes("cfn-lint", "--non-zero-exit-code", "informational", path)

    def test_cloudformation_has_no_yaml_aliases_which_aws_does_not_take(self):
        for path in (DEPLOY / "cloudformation").glob("*.yaml"):
            kinds = {type(token) for token in yaml.scan(path.read_text())}
            self.assertFalse(kinds & {yaml.AnchorToken, yaml.AliasToken}, path.name)

    def test_kubernetes(self):
        for path in sorted((DEPLOY / "kubernetes").glob("*.yaml")):
            # The oldest and the newest that the package knows and clusters run.
            for version in ("1.31", "1.37"):
                said = self.passes("kubernetes-validate", "--strict", "-k", version, path)
                self.assertEqual(said.count(" passed "), len(list(yaml.safe_load_all(path.read_text()))), said)

    def test_compose(self):
        self.passes("check-jsonschema", "--builtin-schema", "vendor.compose-spec", DEPLOY / "compose.yaml")

    def test_dockerfile(self):
        self.passes("hadolint", "--failure-threshold", "style", DEPLOY / "Dockerfile")

    def test_workflow(self):
        path = DEPLOY / "github/axon-plan.yaml"
        self.passes("check-jsonschema", "--builtin-schema", "vendor.github-workflows", path)
        self.passes("zizmor", "--offline", "--no-progress", "--config", HERE / "zizmor.yaml", path)

    def test_scripts(self):
        workflow = yaml.safe_load((DEPLOY / "github/axon-plan.yaml").read_text())
        scripts = [step["run"] for job in workflow["jobs"].values() for step in job["steps"] if "run" in step]
        self.assertGreaterEqual(len(scripts), 4)
        for script in scripts:
            self.passes("shellcheck", "--shell=bash", "-", input=script)
        self.passes("shellcheck", HERE / "run")

    def test_systemd(self):
        text = (DEPLOY / "systemd/axon.service").read_text()
        # The program is not where the unit expects it on this machine; everything else is checked as it is.
        unit = text.replace("ExecStart=/usr/local/bin/axon ", "ExecStart=/bin/true ")
        self.assertNotEqual(unit, text)
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "axon.service"
            path.write_text(unit)
            said = self.passes("systemd-analyze", "verify", "--man=no", path)
            ours = [line for line in said.splitlines() if "axon.service" in line]
            self.assertEqual(ours, [])
            said = self.passes("systemd-analyze", "security", "--offline=true", "--threshold=20", "--no-pager", path)
            self.assertIn("Overall exposure level for axon.service", said)


def operator_configs():
    """Every axon.yaml that is written out in deploy/, by where it stands."""
    stack = yaml.load((DEPLOY / "cloudformation/axon.yaml").read_text(), Lenient)["Resources"]
    containers = stack["TaskDefinition"]["Properties"]["ContainerDefinitions"]
    writer = next(one for one in containers if one["Name"] == "settings")
    text, parts = writer["Environment"][0]["Value"]["Fn::Sub"]
    # As the stack fills it in: with a token, and for a target.
    values = {name: value["Fn::If"][1] for name, value in parts.items()}
    values["TargetsLine"] = values["TargetsLine"]["Fn::Sub"]
    given = {
        "Installation": "axon",
        "GitUrl": "https://git.example.com/ml/fleet.git",
        "GitBranch": "main",
        "GitPath": "specs",
        "Targets": "[{name: prod, region: us-west-2}]",
    }
    for name, value in [*values.items(), *given.items()]:
        text = text.replace(f"${{{name}}}", value)
    documents = list(yaml.safe_load_all((DEPLOY / "kubernetes/axon.yaml").read_text()))
    manifest = next(one for one in documents if one["kind"] == "ConfigMap")["data"]["axon.yaml"]
    return {"cloudformation": text, "kubernetes": manifest}


class Promises(unittest.TestCase):
    """What deploy/README.md says holds in each of them."""

    def setUp(self):
        template = yaml.load((DEPLOY / "cloudformation/axon.yaml").read_text(), Lenient)
        self.stack = template["Resources"]
        containers = self.stack["TaskDefinition"]["Properties"]["ContainerDefinitions"]
        self.ecs = next(one for one in containers if one["Name"] == "axon")
        self.settings = next(one for one in containers if one["Name"] == "settings")
        documents = yaml.safe_load_all((DEPLOY / "kubernetes/axon.yaml").read_text())
        self.kubernetes = {one["kind"]: one for one in documents}
        self.pod = self.kubernetes["Deployment"]["spec"]["template"]["spec"]
        self.compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
        self.unit = (DEPLOY / "systemd/axon.service").read_text()
        self.dockerfile = (DEPLOY / "Dockerfile").read_text()

    def stages(self):
        return [stage.splitlines() for stage in re.split(r"^(?=FROM )", self.dockerfile, flags=re.MULTILINE)[1:]]

    def test_axon_is_not_root(self):
        for stage in self.stages()[1:]:
            self.assertIn("USER 65532:65532", stage)
        self.assertEqual(self.ecs["User"], "65532:65532")
        self.assertTrue(self.pod["securityContext"]["runAsNonRoot"])
        for name in ("axon", "aws"):
            self.assertEqual(self.compose[name]["user"], "65532:65532")
        self.assertIn("DynamicUser=yes", self.unit)

    def test_axon_writes_to_its_data_directory_only(self):
        self.assertTrue(self.ecs["ReadonlyRootFilesystem"] and self.settings["ReadonlyRootFilesystem"])
        self.assertTrue(self.pod["containers"][0]["securityContext"]["readOnlyRootFilesystem"])
        self.assertTrue(self.compose["axon"]["read_only"] and self.compose["aws"]["read_only"])
        self.assertIn("ProtectSystem=strict", self.unit)
        writable = [mount["ContainerPath"] for mount in self.ecs["MountPoints"] if not mount.get("ReadOnly")]
        self.assertEqual(writable, ["/var/lib/axon"])
        writable = [mount["mountPath"] for mount in self.pod["containers"][0]["volumeMounts"] if not mount.get("readOnly")]
        self.assertEqual(writable, ["/var/lib/axon"])

    def test_axon_has_no_capabilities(self):
        self.assertEqual(self.ecs["LinuxParameters"]["Capabilities"], {"Drop": ["ALL"]})
        self.assertEqual(self.pod["containers"][0]["securityContext"]["capabilities"], {"drop": ["ALL"]})
        self.assertEqual(self.compose["axon"]["cap_drop"], ["ALL"])
        self.assertIn("\nCapabilityBoundingSet=\n", self.unit)

    def test_the_image_has_no_shell(self):
        last = self.stages()[-1]
        self.assertTrue(last[0].startswith("FROM gcr.io/distroless/"), last[0])
        self.assertFalse([line for line in last if line.startswith("RUN")])
        # Nothing may be started through a shell either.
        for line in self.dockerfile.splitlines():
            for word in ("ENTRYPOINT", "CMD", "HEALTHCHECK"):
                if line.startswith(word):
                    self.assertRegex(line, r"\[\".*\"\]$")

    def test_there_is_never_a_second_axon(self):
        service = self.stack["Service"]["Properties"]
        self.assertEqual(service["DesiredCount"], 1)
        self.assertEqual(service["DeploymentConfiguration"]["MaximumPercent"], 100)
        # ECS refuses 100 per cent while it may move tasks between zones.
        self.assertEqual(service["AvailabilityZoneRebalancing"], "DISABLED")
        self.assertEqual(service["LaunchType"], "FARGATE")
        deployment = self.kubernetes["Deployment"]["spec"]
        self.assertEqual((deployment["replicas"], deployment["strategy"]["type"]), (1, "Recreate"))

    def test_health_is_asked_without_a_shell(self):
        expected = ["CMD", "/usr/local/bin/axon", "healthcheck"]
        self.assertEqual(self.ecs["HealthCheck"]["Command"], expected)
        self.assertEqual(self.compose["axon"]["healthcheck"]["test"], expected)
        container = self.pod["containers"][0]
        self.assertEqual(container["livenessProbe"]["httpGet"]["path"], "/healthz")
        self.assertEqual(container["readinessProbe"]["httpGet"]["path"], "/readyz")

    def test_settings_are_what_an_operator_config_is(self):
        for config in (yaml.safe_load(text) for text in operator_configs().values()):
            self.assertEqual((config["apiVersion"], config["kind"]), ("neuron.ecs/v1alpha1", "OperatorConfig"))
            known = {"apiVersion", "kind", "installation", "sources", "targets", "server", "logging", "dataDirectory"}
            self.assertLessEqual(set(config), known)
            self.assertEqual(config["dataDirectory"], "/var/lib/axon")
            self.assertEqual(config["server"]["listen"], "0.0.0.0:8321")
            self.assertLessEqual(set(config["sources"][0]["git"]), {"url", "branch", "path", "interval", "auth"})

    def test_secrets_are_in_no_file(self):
        keys = re.compile(r"(AKIA|ASIA)[0-9A-Z]{16}|gh[pousr]_[0-9A-Za-z]{20,}|-----BEGIN [A-Z ]*PRIVATE KEY")
        for path in (path for path in DEPLOY.rglob("*") if path.is_file()):
            self.assertIsNone(keys.search(path.read_text()), path.name)

    def test_every_program_that_the_image_is_asked_for_is_a_command_of_axon(self):
        asked = {self.ecs["Command"][0], self.pod["containers"][0]["args"][0]}
        asked |= {self.compose[name]["command"][0] for name in ("axon", "aws")}
        asked |= {json.loads(line[4:])[0] for line in self.dockerfile.splitlines() if line.startswith("CMD ")}
        self.assertEqual(asked, {"run", "simulate"})

    def test_what_compose_mounts_exists(self):
        for service in self.compose.values():
            for volume in service.get("volumes", []):
                source = volume.split(":")[0]
                if source.startswith("."):
                    self.assertTrue((DEPLOY / source).exists(), source)

    def test_documents_link_to_what_exists(self):
        for page in (DEPLOY / "README.md", ROOT / "docs/operations.md"):
            for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
                self.assertTrue((page.parent / target).exists(), f"{page.name}: {target}")
