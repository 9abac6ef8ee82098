"""A real OpenSSH server in front of a git repository, for one key that may do nothing but fetch.

Neighbours: `repository` is what it serves, `gitops` the operator that asks. Must not hold: what the operator makes of it.
"""

import getpass
import pathlib
import shutil
import socket
import subprocess
import tempfile
import time


class Sshd:
    """Listens on loopback; `known_hosts` has its key and `key` is let in."""

    def __init__(self, port):
        self.port = port
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="axon-sshd-"))
        self.key = self.folder / "id_ed25519"
        self.known_hosts = self.folder / "known_hosts"
        host = self.folder / "host"
        for path in (self.key, host):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(path)], check=True, timeout=60)
        self.known_hosts.write_text(f"[localhost]:{port} {host.with_suffix('.pub').read_text()}")
        allowed = self.folder / "authorized_keys"
        allowed.write_text('restrict,command="git shell -c \\"$SSH_ORIGINAL_COMMAND\\"" ' + self.key.with_suffix(".pub").read_text())
        settings = {
            "Port": port,
            "ListenAddress": "127.0.0.1",
            "HostKey": host,
            "AuthorizedKeysFile": allowed,
            "PidFile": "none",
            "StrictModes": "no",
            "UsePAM": "no",
            "PasswordAuthentication": "no",
            "KbdInteractiveAuthentication": "no",
        }
        config = self.folder / "sshd_config"
        config.write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
        # As root it wants this folder for its unprivileged half, whatever the configuration says.
        if getpass.getuser() == "root":
            pathlib.Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        self.log = (self.folder / "log").open("w+")
        # It insists on its whole path.
        program = shutil.which("sshd", path="/usr/sbin:/usr/local/sbin:/sbin")
        self.process = subprocess.Popen([program, "-D", "-e", "-f", str(config)], stderr=self.log)
        deadline = time.monotonic() + 30
        while socket.socket().connect_ex(("127.0.0.1", port)) != 0:
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"sshd does not listen: {(self.folder / 'log').read_text()}")
            time.sleep(0.1)

    def url(self, path):
        return f"ssh://{getpass.getuser()}@localhost:{self.port}{path}"

    def distrust(self):
        """Another key is what `known_hosts` has, as if somebody else answered."""
        other = self.key.with_suffix(".pub").read_text()
        self.known_hosts.write_text(f"[localhost]:{self.port} {other}")

    def turned_away(self):
        """How many callers have left before they said who they are."""
        return (self.folder / "log").read_text().count("[preauth]")

    def close(self):
        self.process.terminate()
        self.process.wait(timeout=30)
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)
