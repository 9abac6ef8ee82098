"""A running axon, a real Prometheus that scrapes it, and what Prometheus then says about rules and dashboard.

Neighbours: `monitoring` has rules and queries. The fleet is config/examples on the simulated AWS inside axon; when every object is
Ready, no alert may fire.
"""

import contextlib
import json
import os
import pathlib
import signal
import socket
import subprocess
import tempfile
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request

import yaml

import files
import monitoring
import policies

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Seconds to wait for anything.
PATIENCE = 300.0
# A fleet that is as declared has data in these; counters of what went wrong have none.
ALWAYS = [
    "axon_build_info",
    "axon_loop_last_tick_timestamp_seconds",
    'axon_reconcile_total{result="success"}',
    "axon_reconcile_duration_seconds_count",
    "axon_reconcile_last_success_timestamp_seconds",
    'axon_sweeps_total{result="complete"}',
    "axon_sweep_last_success_timestamp_seconds",
    'axon_source_fetch_total{result="success"}',
    "axon_source_revision_age_seconds",
    "axon_resource_info",
    'axon_status_condition{type="Ready",status="True",reason="Succeeded"}',
    'axon_aws_requests_total{service="ecs",code="OK"}',
    "axon_aws_request_duration_seconds_count",
    'axon_steps_total{change="create",result="success"}',
    "axon_pool_instances",
    "axon_pool_devices",
    "axon_pool_devices_allocated",
    "axon_ami_age_seconds",
    'axon_service_tasks{state="running"}',
]
# Panels that may be empty: they show what is missing or goes wrong.
MAY_BE_EMPTY = {
    "Need a person", "Alerts", "Not Ready", "Replicas that are missing", "Deployments and drift per hour", "Launches that failed per hour",
    "Requests that failed, a second", "Throttled and held back", "Errors a minute, by what they mean", "What waits, and for what",
    # Of jobs, which are no part of config/examples.
    "Runs that are not over", "Attempts that ended, an hour", "Retries an hour", "Wait for devices", "Time of runs", "Device-hours an hour",
}

AXON: str


def free_port():
    with contextlib.closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def environment():
    """Nothing of the person who runs the suite, and no proxy on the way to loopback."""
    dropped = ("AWS_", "AXON_", "OTEL_")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(dropped)}
    return kept | {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}


def get(url):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=10) as answer:
        return answer.read().decode()


class Program:
    """A program in the background, with its output kept for the report of a failure."""

    def __init__(self, *command, more=None):
        self.command = " ".join(command)
        self.log = tempfile.TemporaryFile(mode="w+")
        known = environment() | (more or {})
        self.process = subprocess.Popen(command, cwd=ROOT, env=known, stdout=self.log, stderr=subprocess.STDOUT)

    def tail(self):
        self.log.seek(0)
        return f"--- {self.command}\n" + "".join(self.log.readlines()[-30:])

    def stop(self):
        """Asks it to end, as a service manager would, and gives back its exit code."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return None


def axon(*arguments):
    """Runs axon to its end."""
    return subprocess.run([AXON, *arguments], cwd=ROOT, env=environment(), capture_output=True, text=True, check=False)


class Requests(unittest.TestCase):
    """What axon would send, against what the policies allow."""

    def test_everything_that_is_made_is_born_with_the_tag_that_the_policies_ask_for(self):
        ended = axon("render", "-o", "json", "--installation", "mine", "config/examples")
        self.assertEqual(ended.returncode, 0, ended.stderr)
        made = [one for one in json.loads(ended.stdout) if one["operation"].startswith(("Create", "Register"))]
        operations = {f"{one['service']}:{one['operation']}" for one in made}
        self.assertEqual(operations, born())
        for one in made:
            self.assertEqual(tags(one["request"]).get("neuron.ecs/managed-by"), "mine", one["operation"])


def born():
    """Calls that make something: a policy allows them only with our tag in the request."""
    bound = set()
    for path in policies.POLICIES:
        for statement in policies.statements(path):
            keys = statement.get("Condition", {}).get("StringEquals", {})
            if "aws:RequestTag/neuron.ecs/managed-by" in keys:
                bound.update(policies.many(statement["Action"]))
    return {action for action in bound if not action.endswith(("TagResource", "CreateTags"))}


def tags(request):
    """Tags in a request, in the spelling of ECS, EC2 or Auto Scaling."""
    found = request.get("tags") or request.get("Tags") or []
    for specification in request.get("TagSpecifications", []):
        found = found + specification["Tags"]
    return {(tag.get("key") or tag.get("Key")): (tag.get("value") or tag.get("Value")) for tag in found}


class PullRequest(unittest.TestCase):
    """The two commands of deploy/github/axon-plan.yaml, on the simulated AWS."""

    def test_the_examples_are_valid_without_warnings(self):
        workflow = (ROOT / "deploy/github/axon-plan.yaml").read_text()
        self.assertIn('validate --deny-warnings "$SPECS"', workflow)
        for folder in ("config/examples/vllm-managed.yaml", "config/examples/fleet.yaml"):
            ended = axon("validate", "--deny-warnings", folder)
            self.assertEqual(ended.returncode, 0, ended.stdout + ended.stderr)

    def test_a_plan_is_a_comment_and_tells_changes_by_its_exit_code(self):
        command = "plan --prune --prune-max-objects 10 --prune-max-percent 50 --detailed-exitcode -o markdown"
        self.assertIn(f'axon {command} "$SPECS"', (ROOT / "deploy/github/axon-plan.yaml").read_text())
        ended = axon(*command.split(), "--simulate", "config/examples")
        self.assertEqual(ended.returncode, 2, ended.stderr)
        self.assertRegex(ended.stdout, r"^### Plan: \d+ to create, \d+ to change, 0 to delete\.\n\n\| ")
        # The whole of it goes into one comment, for more than fifty objects.
        self.assertLess(len(ended.stdout), 60000)

    def test_a_plan_is_data_for_machines_as_well(self):
        ended = axon("plan", "-o", "json", "--simulate", "config/examples/vllm-managed.yaml")
        self.assertEqual(ended.returncode, 0, ended.stderr)
        self.assertTrue(json.loads(ended.stdout))


class Watched(unittest.TestCase):
    """An axon with the specifications of a subclass, and a Prometheus that scrapes it by the rules of deploy/."""

    SPECS: str

    @classmethod
    def setUpClass(cls):
        cls.stack = contextlib.ExitStack()
        try:
            cls.start()
        except BaseException:
            cls.stack.close()
            raise

    @classmethod
    def start(cls):
        folder = pathlib.Path(cls.stack.enter_context(tempfile.TemporaryDirectory()))
        pages, prometheus = free_port(), free_port()
        cls.axon_url, cls.url = f"http://127.0.0.1:{pages}", f"http://127.0.0.1:{prometheus}"
        cls.programs = []
        cls.program(AXON, "run", "--simulate", "--speed", "60", "--listen", f"127.0.0.1:{pages}", cls.SPECS)
        # The configuration of deploy/, but for where axon is and how often it is asked.
        config = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yaml").read_text())
        config["global"] = {"scrape_interval": "2s", "evaluation_interval": "2s"}
        config["rule_files"] = [str(monitoring.RULES)]
        config["scrape_configs"][0]["static_configs"][0]["targets"] = [f"127.0.0.1:{pages}"]
        path = folder / "prometheus.yaml"
        path.write_text(yaml.safe_dump(config))
        cls.program(
            "prometheus", f"--config.file={path}", f"--storage.tsdb.path={folder}/data", f"--web.listen-address=127.0.0.1:{prometheus}"
        )
        cls.until(lambda: cls.query('up{job="axon"} == 1'), "Prometheus has scraped axon", cls.scrapes, 60.0)

    @classmethod
    def tearDownClass(cls):
        cls.stack.close()

    @classmethod
    def program(cls, *command):
        started = Program(*command)
        cls.programs.append(started)
        cls.stack.callback(started.log.close)
        cls.stack.callback(started.stop)
        return started

    @classmethod
    def until(cls, condition, what, instead=lambda: "", patience=PATIENCE):
        """Asks until the condition gives something true; says what there was instead if it never does."""
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            for program in cls.programs:
                if program.process.poll() is not None:
                    raise AssertionError(f"ended with {program.process.returncode}\n{program.tail()}")
            with contextlib.suppress(urllib.error.URLError, ConnectionError, TimeoutError):
                found = condition()
                if found:
                    return found
            time.sleep(1)
        logs = "\n".join(program.tail() for program in cls.programs)
        raise AssertionError(f"not within {patience:.0f} s: {what}\n{instead()}\n{logs}")

    @classmethod
    def scrapes(cls):
        """How Prometheus fares with axon."""
        active = json.loads(get(f"{cls.url}/api/v1/targets"))["data"]["activeTargets"]
        return [(one["scrapeUrl"], one["health"], one["lastError"]) for one in active]

    @classmethod
    def query(cls, expr):
        """What Prometheus answers to a query now."""
        try:
            text = get(f"{cls.url}/api/v1/query?" + urllib.parse.urlencode({"query": expr}))
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{expr}\n{error.read().decode()}") from error
        return json.loads(text)["data"]["result"]


class Scraped(Watched):
    """config/examples, converged, as Prometheus sees it."""

    SPECS = "config/examples"

    @classmethod
    def start(cls):
        super().start()
        not_ready = 'axon_status_condition{type="Ready",status!="True"}'
        cls.until(
            lambda: cls.query("axon_resource_info") and not cls.query(not_ready), "every object is Ready", lambda: cls.query(not_ready)
        )

    def test_the_metrics_of_a_healthy_fleet_have_data(self):
        empty = [expr for expr in ALWAYS if not self.query(expr)]
        self.assertEqual(empty, [])

    def test_every_panel_of_the_dashboard_can_be_drawn(self):
        # Rates need two scrapes; panels of what happens per hour need something to have happened.
        def lacking():
            return [title for title, expr in monitoring.queries() if not self.query(expr) and title not in MAY_BE_EMPTY]

        self.until(lambda: not lacking(), "every panel has data", lacking)

    def test_no_alert_fires_for_a_fleet_that_is_as_declared(self):
        rules = json.loads(get(f"{self.url}/api/v1/rules?type=alert"))["data"]["groups"]
        found = {rule["name"]: rule for group in rules for rule in group["rules"]}
        self.assertEqual(set(found), set(monitoring.alerts()))
        self.until(
            lambda: all(rule["health"] == "ok" for group in json.loads(get(f"{self.url}/api/v1/rules"))["data"]["groups"] for rule in group["rules"]),
            "Prometheus has evaluated every rule",
        )
        # Idle devices and old images are of the examples and of the simulated AWS; they would take hours to fire.
        self.assertEqual(self.query('ALERTS{alertstate="firing"}'), [])

    def test_every_metric_that_is_exposed_is_on_the_reference_page(self):
        names = json.loads(get(f"{self.url}/api/v1/label/__name__/values"))["data"]
        known = monitoring.metrics()
        suffixes = ("_bucket", "_sum", "_count")
        ours = [name for name in names if name.startswith("axon_")]
        self.assertTrue(ours)
        strays = [name for name in ours if name not in known and not any(name.removesuffix(end) in known for end in suffixes)]
        self.assertEqual(strays, [])

    def test_prometheus_has_nothing_to_say_against_the_page(self):
        page = get(f"{self.axon_url}/metrics")
        ended = subprocess.run(["promtool", "check", "metrics"], input=page, capture_output=True, text=True, check=False)
        self.assertEqual(ended.returncode, 0, ended.stdout + ended.stderr)

    def test_the_health_check_of_the_container_is_content(self):
        ended = axon("healthcheck", "--server", self.axon_url)
        self.assertEqual((ended.returncode, ended.stdout), (0, "ok\n"), ended.stderr)


class Trial(unittest.TestCase):
    """The commands of deploy/compose.yaml, without its containers."""

    def test_the_operator_brings_the_examples_up_on_the_simulated_aws_beside_it(self):
        services = yaml.safe_load((ROOT / "deploy/compose.yaml").read_text())["services"]
        aws, pages = free_port(), free_port()
        places = {
            "0.0.0.0:4566": f"127.0.0.1:{aws}",
            "http://aws:4566": f"http://127.0.0.1:{aws}",
            "0.0.0.0:8321": f"127.0.0.1:{pages}",
            "/specs": "config/examples",
        }
        with contextlib.ExitStack() as stack:
            for name in ("aws", "axon"):
                command = [places.get(word, word) for word in services[name]["command"]]
                self.assertNotEqual(command, services[name]["command"])
                program = Program(AXON, *command, more=services[name].get("environment", {}))
                stack.callback(program.log.close)
                stack.callback(program.stop)
                wait_for_port(program, aws if name == "aws" else pages)
            deadline = time.monotonic() + PATIENCE
            while True:
                ended = axon("status", "-o", "json", "--server", f"http://127.0.0.1:{pages}")
                # 1 also as long as an object is not Ready; 0 while there is none yet.
                if ended.returncode == 0 and len(json.loads(ended.stdout)["statuses"]) > 50:
                    break
                self.assertLess(time.monotonic(), deadline, f"{ended.stdout[-3000:]}{ended.stderr}{program.tail()}")
                time.sleep(1)


class Broken(Watched):
    """A file with a mistake in it."""

    SPECS = "tests/fixtures/inf1.yaml"

    def test_the_alerts_about_it_wait_for_their_time_and_no_others_do(self):
        def waiting():
            return {alert["metric"]["alertname"] for alert in self.query("ALERTS")}

        expected = {"AxonObjectStalled", "AxonInvalidFiles"}
        self.until(lambda: waiting() == expected, f"Prometheus has {expected} and no other", waiting, 60.0)
        labels = self.query('ALERTS{alertname="AxonObjectStalled"}')[0]["metric"]
        self.assertEqual((labels["kind"], labels["name"], labels["alertstate"]), ("NeuronPool", "inf1", "pending"))


def wait_for_port(program, port):
    """Until somebody listens there."""
    deadline = time.monotonic() + PATIENCE
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5):
            return
        if program.process.poll() is not None or time.monotonic() > deadline:
            raise AssertionError(program.tail())
        time.sleep(0.2)


class OperatorConfig(unittest.TestCase):
    """The settings that deploy/ writes, as axon reads them."""

    def test_axon_works_with_them_and_refuses_a_word_that_it_does_not_know(self):
        for place, text in files.operator_configs().items():
            config = yaml.safe_load(text)
            # Nothing answers at port 9, so the source is not ready, which is no reason to end.
            config["sources"][0]["git"] |= {"url": "https://127.0.0.1:9/fleet.git", "allowPrivateAddresses": True}
            with tempfile.TemporaryDirectory() as folder:
                self.works(place, config, pathlib.Path(folder))

    def works(self, place, config, folder):
        port = free_port()
        config = config | {"dataDirectory": str(folder), "server": {"listen": f"127.0.0.1:{port}"}}
        path = folder / "axon.yaml"
        path.write_text(yaml.safe_dump(config))
        program = Program(AXON, "run", "--config", str(path), "--simulate", more={"AXON_GIT_TOKEN": "x"})
        try:
            wait_for_port(program, port)
            self.assertTrue(get(f"http://127.0.0.1:{port}/healthz"), place)
            self.assertEqual(program.stop(), 0, program.tail())
        finally:
            program.process.kill()
            program.process.wait()
            program.log.close()
        path.write_text(yaml.safe_dump(config | {"installatoin": "axon"}))
        ended = axon("run", "--config", str(path), "--simulate")
        self.assertEqual(ended.returncode, 2, ended.stderr)
        self.assertIn("installatoin", ended.stderr)


class Ends(unittest.TestCase):
    """How axon ends when a service manager asks it to."""

    def test_it_ends_with_zero_and_the_health_check_notices(self):
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        operator = Program(AXON, "run", "--simulate", "--listen", f"127.0.0.1:{port}", "config/examples/vllm-managed.yaml")
        try:
            deadline = time.monotonic() + PATIENCE
            while True:
                with contextlib.suppress(urllib.error.URLError, ConnectionError, TimeoutError):
                    if get(f"{url}/healthz"):
                        break
                self.assertIsNone(operator.process.poll(), operator.tail())
                self.assertLess(time.monotonic(), deadline, operator.tail())
                time.sleep(0.5)
            self.assertEqual(operator.stop(), 0)
            ended = axon("healthcheck", "--server", url)
            # 2 means something else to Docker.
            self.assertEqual(ended.returncode, 1, ended.stderr)
        finally:
            if operator.process.poll() is None:
                operator.process.kill()
            operator.process.wait()
            operator.log.close()
