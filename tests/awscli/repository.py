"""A git repository with a server in front of it: git's own http-backend over HTTPS with a token, as git hosting does it.

Neighbours: `gitops` commits to it, `session` has the rest of the world. Must not hold: what the operator makes of a commit.
"""

import base64
import http.server
import os
import pathlib
import shutil
import ssl
import subprocess
import tempfile
import threading

TOKEN = "ghs_made-up-for-this-suite"
AUTHOR = {
    "GIT_AUTHOR_NAME": "Somebody",
    "GIT_AUTHOR_EMAIL": "somebody@example.com",
    "GIT_COMMITTER_NAME": "Somebody",
    "GIT_COMMITTER_EMAIL": "somebody@example.com",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
}


class Repository:
    """A bare repository that is served, and a clone that people work in."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="axon-gitops-"))
        self.served = self.folder / "served"
        self.bare = self.served / "fleet.git"
        self.clone = self.folder / "clone"
        self.git(self.folder, "init", "--quiet", "--bare", "--initial-branch=main", str(self.bare))
        self.git(self.folder, "clone", "--quiet", str(self.bare), str(self.clone))
        self.git(self.clone, "checkout", "--quiet", "-B", "main")
        self.server = Server(self.folder, self.served)

    def close(self):
        self.server.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def url(self):
        return f"https://localhost:{self.server.port}/fleet.git"

    @staticmethod
    def git(folder, *arguments):
        environment = os.environ | AUTHOR
        ended = subprocess.run(["git", *arguments], cwd=folder, env=environment, capture_output=True, text=True, timeout=60)
        if ended.returncode != 0:
            raise AssertionError(f"git {' '.join(arguments)}: {ended.stderr}")
        return ended.stdout.strip()

    def commit(self, files, message):
        """Writes these files (None removes one), commits and pushes; gives the revision as the operator names it."""
        for path, text in files.items():
            target = self.clone / path
            if text is None:
                target.unlink()
            else:
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(text)
        self.git(self.clone, "add", "--all")
        self.git(self.clone, "commit", "--quiet", "--allow-empty", "--message", message)
        return self.push()

    def revert(self):
        self.git(self.clone, "revert", "--no-edit", "HEAD")
        return self.push()

    def rewrite(self, files, message):
        """Replaces the newest commit by another one and pushes with force."""
        self.git(self.clone, "reset", "--quiet", "--hard", "HEAD~1")
        for path, text in files.items():
            (self.clone / path).write_text(text)
        self.git(self.clone, "add", "--all")
        self.git(self.clone, "commit", "--quiet", "--message", message)
        return self.push("--force")

    def restore(self, revision):
        """Puts the branch back to an earlier commit."""
        self.git(self.clone, "reset", "--quiet", "--hard", revision.rsplit(":", 1)[1])
        return self.push("--force")

    def push(self, *flags):
        self.git(self.clone, "push", "--quiet", *flags, "origin", "main")
        return f"main@sha1:{self.git(self.clone, 'rev-parse', 'HEAD')}"


class Server:
    """Serves a folder of repositories over HTTPS, for whoever knows the token."""

    def __init__(self, folder, served):
        self.certificate = folder / "server.pem"
        key = folder / "server.key"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
             "-addext", "subjectAltName=DNS:localhost", "-addext", "basicConstraints=critical,CA:FALSE", "-keyout", str(key), "-out", str(self.certificate)],
            check=True, capture_output=True, timeout=60,
        )  # fmt: skip
        backend = pathlib.Path(subprocess.run(["git", "--exec-path"], check=True, capture_output=True, text=True).stdout.strip())
        backend = backend / "git-http-backend"

        class Handler(http.server.BaseHTTPRequestHandler):
            """Hands each request to git's own http-backend, as a web server does (CGI)."""

            protocol_version = "HTTP/1.1"

            def do_GET(self):
                self.serve(b"")

            def do_POST(self):
                self.serve(self.body())

            def body(self):
                if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
                    return self.rfile.read(int(self.headers.get("Content-Length", 0)))
                body = b""
                while size := int(self.rfile.readline().split(b";")[0], 16):
                    body += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
                return body

            def serve(self, body):
                wanted = base64.b64encode(f"x-access-token:{TOKEN}".encode()).decode()
                if self.headers.get("Authorization") != f"Basic {wanted}":
                    self.answer(401, {"WWW-Authenticate": 'Basic realm="git"'}, b"a token is needed\n")
                    return
                path, _, query = self.path.partition("?")
                environment = os.environ | {
                    "GIT_PROJECT_ROOT": str(served),
                    "GIT_HTTP_EXPORT_ALL": "1",
                    "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
                    "PATH_INFO": path,
                    "QUERY_STRING": query,
                    "REQUEST_METHOD": self.command,
                    "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                    "CONTENT_LENGTH": str(len(body)),
                    "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
                    "REMOTE_ADDR": "127.0.0.1",
                }
                ended = subprocess.run([backend], input=body, env=environment, capture_output=True, timeout=60)
                head, _, payload = ended.stdout.partition(b"\r\n\r\n")
                headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if ": " in line)
                status = int(headers.pop("Status", "200").split()[0])
                self.answer(status, headers, payload)

            def answer(self, status, headers, payload):
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(payload)))
                self.end_headers()
                self.wfile.write(payload)

            def log_message(self, *_):
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, key)
        self.http.socket = context.wrap_socket(self.http.socket, server_side=True)
        self.port = self.http.server_address[1]
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def close(self):
        self.http.shutdown()
        self.http.server_close()
