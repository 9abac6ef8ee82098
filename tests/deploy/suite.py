"""Runs the checks of deploy/: files against their formats, policies against AWS's reference, rules against their cases, all against
each other; and a real Prometheus against a running axon.

    python3 tests/deploy/suite.py --axon target/debug/axon [CLASS | CLASS.TEST ...]

Neighbours: `policies`, `files`, `monitoring` and `live` hold the tests; `run` installs what they need. The last line is the verdict,
`N passed, N failed`; a test that did not run counts as failed.
"""

import argparse
import importlib
import pathlib
import signal
import sys
import time
import unittest

import live

MODULES = ["policies", "files", "monitoring", "live"]


class Lines(unittest.TestResult):
    """One line per test as it ends, and what went wrong right below it."""

    def __init__(self):
        super().__init__()
        self.passed = 0
        self.started = time.monotonic()

    def startTest(self, test):
        super().startTest(test)
        self.started = time.monotonic()

    def addSuccess(self, test):
        super().addSuccess(test)
        self.passed += 1
        self.line("ok", test)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.line("FAILED", test, self.failures[-1][1])

    def addError(self, test, err):
        super().addError(test, err)
        self.line("FAILED", test, self.errors[-1][1])

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.line("FAILED", test, f"skipped: {reason}")

    def line(self, verdict, test, details=""):
        seconds = time.monotonic() - self.started
        print(f"{verdict:<7}{seconds:6.1f} s  {test.id()}", flush=True)
        if details:
            print(details.rstrip(), flush=True)


def load(names):
    """Every test of every module, or those that are named."""
    loader = unittest.TestLoader()
    modules = [importlib.import_module(name) for name in MODULES]
    if not names:
        return unittest.TestSuite(loader.loadTestsFromModule(module) for module in modules)
    homes = {cls: module for module in modules for cls in vars(module)}
    unknown = [name for name in names if name.split(".")[0] not in homes]
    if unknown:
        raise SystemExit(f"no such test: {', '.join(unknown)}\n0 passed, 1 failed")
    return unittest.TestSuite(loader.loadTestsFromName(name, homes[name.split(".")[0]]) for name in names)


def main():
    parser = argparse.ArgumentParser(description="The checks of deploy/.")
    parser.add_argument("--axon", required=True, type=pathlib.Path, help="the binary under test")
    parser.add_argument("names", nargs="*", metavar="TEST", help="a class, or class.test")
    arguments = parser.parse_args()
    live.AXON = str(arguments.axon.resolve())
    # Whoever ends the suite ends what it started.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    suite = load(arguments.names)
    wanted = suite.countTestCases()
    result = Lines()
    suite.run(result)
    failed = max(wanted - result.passed, len(result.failures) + len(result.errors))
    print(f"{result.passed} passed, {failed} failed", flush=True)
    return 1 if failed or not wanted else 0


if __name__ == "__main__":
    sys.exit(main())
