"""Programs that the suites in Python start: in the background with their output kept, or to their end; and where they listen.

Neighbours: `awscli/session.py` and `conformance/accounts.py` start `axon` and emulators with it. Must not hold: what is tested.
"""

import dataclasses
import os
import pathlib
import socket
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
REGION = "us-east-1"


@dataclasses.dataclass
class Ended:
    """How a program ended and what it said."""

    command: str
    exit: int
    stdout: str
    stderr: str

    def __str__(self):
        return f"`{self.command}` ended with {self.exit}\n--- stdout\n{self.stdout}--- stderr\n{self.stderr}"


class Background:
    """A program that runs until it is stopped, with its output kept for the report of a failure."""

    def __init__(self, arguments, environment):
        self.command = " ".join(arguments)
        self.log = tempfile.TemporaryFile(mode="w+")
        self.process = subprocess.Popen(arguments, cwd=ROOT, env=environment, stdout=self.log, stderr=subprocess.STDOUT)

    def check_alive(self):
        exit_code = self.process.poll()
        if exit_code is not None:
            raise AssertionError(f"`{self.command}` ended with {exit_code}\n{self.tail()}")

    def everything(self):
        """All that it has said so far. The program writes at its own place in the file, so looking does not disturb it."""
        return pathlib.Path(f"/proc/self/fd/{self.log.fileno()}").read_text(errors="replace")

    def tail(self):
        return "".join(self.everything().splitlines(keepends=True)[-40:])

    def stop(self):
        """Asks it to end, as a service manager would, and gives back its exit code."""
        self.process.terminate()
        try:
            return self.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return None
        finally:
            self.log.close()


def environment():
    """Nothing of the person who runs the suite: made-up credentials, no configuration, no proxy on the way to loopback."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "AXON_"))}
    return kept | {
        "AWS_ACCESS_KEY_ID": "AKIAMADEUPFORTESTS",
        "AWS_SECRET_ACCESS_KEY": "made-up-secret-access-key",
        "AWS_SESSION_TOKEN": "made-up-session-token",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_PAGER": "",
        "NO_COLOR": "1",
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
    }


def finish(arguments, environment, timeout):
    """Runs a program to its end, for so many seconds at most."""
    ended = subprocess.run(arguments, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout)
    return Ended(" ".join(arguments), ended.returncode, ended.stdout, ended.stderr)


def until(condition, what, started, deadline):
    """Polls until the condition gives something true, and gives that back. Fails when time is up or one of the programs has ended."""
    end = time.monotonic() + deadline
    while True:
        for program in started:
            program.check_alive()
        found = condition()
        if found:
            return found
        if time.monotonic() > end:
            logs = "\n".join(f"--- {program.command}\n{program.tail()}" for program in started)
            raise AssertionError(f"not within {deadline:.0f} s: {what}\n{logs}")
        time.sleep(0.2)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answers(port):
    """Whether something accepts connections there."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
