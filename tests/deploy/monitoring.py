"""Alert rules, dashboard and runbook against each other, against Prometheus, and against the metrics that Axon has.

Neighbours: `live` asks the same questions to a Prometheus that has scraped a running axon; docs/reference/metrics.md is generated from
the code, as is the list of reasons that docs/operations.md has to explain.
"""

import json
import pathlib
import re
import tempfile
import unittest

import yaml

from files import Tool

ROOT = pathlib.Path(__file__).resolve().parents[2]
RULES = ROOT / "deploy/prometheus/axon.rules.yaml"
CASES = ROOT / "deploy/prometheus/axon.rules.test.yaml"
DASHBOARD = ROOT / "deploy/grafana/axon.json"
METRICS = ROOT / "docs/reference/metrics.md"
RUNBOOK = ROOT / "docs/operations.md"
STATUS = ROOT / "crates/core/src/status.rs"

KINDS = ["NeuronCluster", "NeuronPool", "NeuronService", "NeuronJob"]
# What Prometheus adds to every series that it scrapes.
SCRAPED = {"job", "instance"}
# What histograms have beside their own labels.
OF_HISTOGRAMS = {"le"}


def alerts():
    """Every alerting rule by its name."""
    groups = yaml.safe_load(RULES.read_text())["groups"]
    return {rule["alert"]: rule for group in groups for rule in group["rules"]}


def panels():
    """Every panel of the dashboard that shows something."""
    return [panel for panel in json.loads(DASHBOARD.read_text())["panels"] if panel["type"] != "row"]


def queries():
    """Every query of the dashboard, with the variables of Grafana filled in."""
    found = []
    for panel in panels():
        for target in panel["targets"]:
            expr = target["expr"].replace("$__rate_interval", "5m").replace("$target", ".*")
            found.append((panel["title"], expr))
    return found


def metrics():
    """Labels of every metric by its name, from the generated page."""
    rows = re.findall(r"^\| `(axon_\w+)` \| (\w+) \| [^|]+ \| ([^|]+) \|", METRICS.read_text(), flags=re.MULTILINE)
    return {name: (kind, set(re.findall(r"`(\w+)`", labels))) for name, kind, labels in rows}


def unknown(expr, known):
    """Metrics and labels of a query that do not exist."""
    wrong = []
    labels_of_all = set()
    for name, selector in re.findall(r"\b(axon_\w+)(?:\{([^}]*)\})?", expr):
        base = re.sub(r"_(bucket|sum|count)$", "", name)
        kind, labels = known.get(name) or known.get(base, (None, set()))
        if kind is None or (name != base) != (kind == "histogram"):
            wrong.append(f"no metric {name}")
        labels_of_all |= labels
        asked = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", selector))
        wrong += [f"{name} has no label {label}" for label in asked - labels - SCRAPED]
    for words in re.findall(r"\b(?:by|on|without|ignoring)\s*\(([^)]*)\)", expr):
        asked = {word.strip() for word in words.split(",")}
        wrong += [f"no label {label} in {expr}" for label in asked - labels_of_all - SCRAPED - OF_HISTOGRAMS]
    return wrong


def enum(name):
    """The variants of an enum of status.rs, as they are written to people."""
    body = re.search(rf"^pub enum {name} \{{\n(.*?)^\}}", STATUS.read_text(), flags=re.MULTILINE | re.DOTALL)[1]
    variants = []
    renamed = None
    for line in body.splitlines():
        rename = re.match(r'\s*#\[serde\(rename = "(\w+)"\)\]', line)
        variant = re.match(r"\s*([A-Z]\w*),", line)
        if rename:
            renamed = rename[1]
        elif variant:
            variants.append(renamed or variant[1])
            renamed = None
    return variants


def section(page, title):
    """The text of a section, up to the next heading of its level or above."""
    found = re.search(rf"^(#+) {re.escape(title)}\n(.*?)(?=^#{{1,2}} |^### |\Z)", page, flags=re.MULTILINE | re.DOTALL)
    return found[2] if found else None


class Rules(Tool):
    """deploy/prometheus."""

    def test_prometheus_takes_the_rules(self):
        self.passes("promtool", "check", "rules", RULES)

    def test_the_cases_of_the_rules_come_out_as_written(self):
        self.passes("promtool", "test", "rules", CASES)

    def test_every_alert_has_a_case_that_makes_it_fire_and_one_that_does_not(self):
        firing, silent = set(), set()
        cases = yaml.safe_load(CASES.read_text())["tests"]
        for case in (case for test in cases for case in test.get("alert_rule_test", [])):
            (firing if case["exp_alerts"] else silent).add(case["alertname"])
        self.assertEqual(firing, set(alerts()))
        self.assertEqual(silent, set(alerts()))

    def test_prometheus_takes_its_configuration(self):
        self.passes("promtool", "check", "config", ROOT / "deploy/prometheus/prometheus.yaml")

    def test_every_alert_says_how_bad_it_is_what_it_is_and_what_to_do(self):
        for name, rule in alerts().items():
            self.assertRegex(name, r"^Axon[A-Z]\w+$")
            self.assertIn(rule["labels"]["severity"], ["critical", "warning", "info"], name)
            self.assertEqual(rule["annotations"]["runbook"], f"docs/operations.md#{name.lower()}")
            self.assertEqual(set(rule["annotations"]), {"summary", "description", "runbook"}, name)

    def test_alerts_use_metrics_and_labels_that_exist(self):
        known = metrics()
        wrong = [f"{name}: {text}" for name, rule in alerts().items() for text in unknown(rule["expr"], known)]
        self.assertEqual(wrong, [])

    def test_alerts_say_words_of_axon_only(self):
        for name, rule in alerts().items():
            said = {"type": enum("ConditionType"), "reason": enum("Reason"), "status": enum("Truth"), "kind": KINDS}
            for selector in re.findall(r"axon_status_condition\{([^}]*)\}", rule["expr"]):
                for label, words in re.findall(r'(\w+)(?:=~|!=|=)"([^"]*)"', selector):
                    for word in words.split("|"):
                        self.assertIn(word, said[label], name)

    def test_what_does_not_exist_is_found(self):
        known = {"axon_a_total": ("counter", {"target"}), "axon_b_seconds": ("histogram", {"kind"})}
        self.assertEqual(unknown('sum by (target) (rate(axon_a_total{target="x"}[5m]))', known), [])
        self.assertEqual(unknown("sum by (kind, le) (rate(axon_b_seconds_bucket[5m]))", known), [])
        self.assertEqual(len(unknown("axon_c", known)), 1)
        self.assertEqual(len(unknown('axon_a_total{zone="x"}', known)), 1)
        self.assertEqual(len(unknown("sum by (zone) (axon_a_total)", known)), 1)
        self.assertEqual(len(unknown("axon_b_seconds", known)), 1)


class Dashboard(Tool):
    """deploy/grafana/axon.json."""

    def test_prometheus_takes_every_query(self):
        rules = [{"record": f"query:{at}", "expr": expr} for at, (_, expr) in enumerate(queries())]
        self.assertGreater(len(rules), 30)
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "queries.yaml"
            path.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
            self.passes("promtool", "check", "rules", "--lint=none", path)

    def test_queries_use_metrics_and_labels_that_exist(self):
        known = metrics()
        wrong = [f"{title}: {text}" for title, expr in queries() for text in unknown(expr, known)]
        self.assertEqual(wrong, [])

    def test_legends_use_labels_that_the_query_keeps(self):
        for panel in panels():
            for target in panel["targets"]:
                for label in re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]):
                    self.assertRegex(target["expr"], rf"by \([^)]*\b{label}\b", panel["title"])

    def test_every_panel_has_its_place_a_title_and_a_description(self):
        places, ids = set(), set()
        for panel in json.loads(DASHBOARD.read_text())["panels"]:
            at = panel["gridPos"]
            self.assertLessEqual(at["x"] + at["w"], 24, panel["title"])
            cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
            self.assertFalse(cells & places, f"{panel['title']} lies over another panel")
            places |= cells
            self.assertNotIn(panel["id"], ids)
            ids.add(panel["id"])
            self.assertTrue(panel["title"])
            self.assertTrue(panel["type"] == "row" or panel["description"].endswith("."), panel["title"])

    def test_every_query_goes_to_the_chosen_source_and_target(self):
        for panel in panels():
            for target in panel["targets"]:
                self.assertEqual(target["datasource"]["uid"], "${datasource}", panel["title"])
                selectors = re.findall(r"\baxon_\w+(\{[^}]*\})?", target["expr"])
                for selector in selectors if "axon_build_info" not in target["expr"] else []:
                    self.assertIn('target=~"$target"', selector, panel["title"])

    def test_the_data_source_of_compose_is_one_of_prometheus(self):
        text = (ROOT / "deploy/grafana/provisioning/datasources/prometheus.yaml").read_text()
        source = yaml.safe_load(text)["datasources"][0]
        self.assertEqual((source["type"], source["isDefault"]), ("prometheus", True))


class Runbook(unittest.TestCase):
    """docs/operations.md."""

    def setUp(self):
        self.page = RUNBOOK.read_text()

    def test_every_alert_has_its_section_with_what_it_means_how_to_see_and_what_to_do(self):
        for name in alerts():
            text = section(self.page, name)
            self.assertIsNotNone(text, f"docs/operations.md has no section ### {name}")
            for part in ("**Means.**", "**See.**", "**Do.**"):
                self.assertIn(part, text, name)

    def test_no_section_is_about_an_alert_that_does_not_exist(self):
        self.assertEqual(set(re.findall(r"^### (Axon\w+)$", self.page, flags=re.MULTILINE)), set(alerts()))

    def test_every_reason_of_a_condition_is_explained_once(self):
        explained = re.findall(r"^\| `(\w+)` \|", section(self.page, "Reasons"), flags=re.MULTILINE)
        self.assertEqual(explained, enum("Reason"), "in the order of crates/core/src/status.rs")

    def test_every_condition_is_explained_once(self):
        explained = re.findall(r"^\| `(\w+)` \|", section(self.page, "Conditions"), flags=re.MULTILINE)
        self.assertEqual(explained, enum("ConditionType"), "in the order of crates/core/src/status.rs")
