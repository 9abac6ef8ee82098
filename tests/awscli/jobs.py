"""Runs of a job, asked for by `axon job` while an operator works; the stock AWS command line sees what comes of it.

Neighbours: `session` starts programs and asks them, `logs` has the specification. Must not hold: which calls are right; tests in Rust show that.
"""

import json
import pathlib
import tempfile
import unittest

import logs
import session
from session import Session


class Runs(unittest.TestCase):
    """A job whose tasks run until they are stopped, from its first run to the third."""

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        (pathlib.Path(folder.name) / "train.yaml").write_text(logs.SPEC, encoding="utf-8")
        cls.session = Session(source=folder.name)
        cls.addClassCleanup(cls.session.close)
        cls.session.operate()

    def job(self, *arguments):
        return self.session.finish([session.SETTINGS.axon, "job", *arguments, "--endpoint-url", self.session.endpoint])

    def done(self, *arguments):
        ended = self.job(*arguments)
        self.assertEqual(ended.exit, 0, str(ended))
        return ended.stdout

    def runs(self):
        """What `axon job list` says of every run, the newest first."""
        return json.loads(self.done("list", "-o", "json"))

    def newest(self, state):
        def found():
            runs = self.runs()
            return runs[0] if runs and runs[0]["state"] == state else None

        return self.session.until(found, f"the newest run is {state}")

    def tasks(self, status):
        """Tasks of the cluster with this desired status, by the last part of their groups."""
        arns = self.session.ecs("list-tasks", "--cluster", "ml", "--desired-status", status)["taskArns"]
        described = self.session.ecs("describe-tasks", "--cluster", "ml", "--tasks", *arns)["tasks"] if arns else []
        return [task for task in described if task["group"].startswith("axon:")]

    def running(self, run):
        """The task of a run, once it runs."""
        return self.session.until(
            lambda: [task for task in self.tasks("RUNNING") if f"/{run}/" in task["group"] and task["lastStatus"] == "RUNNING"],
            f"a task of run {run} runs",
        )[0]

    def test_a_run_is_cancelled_tried_again_and_begun_anew_beside_a_running_operator(self):
        first = self.newest("Running")
        task = self.running(first["run"])

        refused = self.job("run", "train", "--yes")
        self.assertEqual((refused.exit, refused.stdout), (1, ""), str(refused))
        self.assertIn(f"axon job cancel train {first['run']}", refused.stderr)

        self.assertIn("is to be cancelled", self.done("cancel", "train", "--yes", "--reason", "wrong data"))
        cancelled = self.newest("Cancelled")
        self.assertEqual(cancelled["run"], first["run"])
        stopped = {found["taskArn"]: found for found in self.tasks("STOPPED")}
        self.assertEqual(stopped[task["taskArn"]]["stoppedReason"], f"axon: run {first['run']} was cancelled: wrong data")

        self.assertIn("is to begin with", self.done("retry", "train", "--yes"))
        second = self.newest("Running")
        self.assertNotEqual(second["run"], first["run"])
        self.running(second["run"])
        self.assertEqual(len(self.tasks("RUNNING")), 1, "one attempt of one run")

        self.done("cancel", "train", second["run"], "--yes")
        self.newest("Cancelled")
        self.assertIn("all its indexes", self.done("run", "train", "--yes"))
        third = self.newest("Running")
        self.running(third["run"])
        self.assertEqual([found["state"] for found in self.runs()], ["Running", "Cancelled", "Cancelled"])

        # What nobody has ever asked for.
        refused = self.job("retry", "other", "--yes")
        self.assertEqual(refused.exit, 1, str(refused))
        self.assertEqual(self.job("cancel", "train", "no/name", "--yes").exit, 2)


class Ends(unittest.TestCase):
    """A job whose containers end by themselves, because the account was told so."""

    def test_an_image_that_ends_with_an_exit_code_fails_its_job(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        once = logs.SPEC.replace("  template:", "  backoffLimit: 0\n  template:")
        (pathlib.Path(folder.name) / "train.yaml").write_text(once, encoding="utf-8")
        account = Session("--ends", "train:*=2m:3", source=folder.name)
        self.addCleanup(account.close)
        ended = account.axon("apply", "--yes", "--wait")
        self.assertEqual(ended.exit, 1, str(ended))
        self.assertIn("attempt 0.0 failed: ExitCode with exit code 3", ended.stdout + ended.stderr)
        arns = account.ecs("list-tasks", "--cluster", "ml", "--desired-status", "STOPPED")["taskArns"]
        tasks = account.ecs("describe-tasks", "--cluster", "ml", "--tasks", *arns)["tasks"]
        self.assertEqual([task["containers"][0]["exitCode"] for task in tasks], [3])
