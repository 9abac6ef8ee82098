"""A proxy that keeps every request and answer which passes, byte by byte, between a client and an endpoint on this machine.

Neighbours: `accounts` puts it before a simulated account, `exchanges` judges what it kept. Must not hold: what a message means.
"""

import dataclasses
import http.client
import http.server
import socketserver
import threading


@dataclasses.dataclass(frozen=True)
class Exchange:
    """One request and its answer. Header names are in lower case."""

    method: str
    path: str
    asked: dict
    request: bytes
    status: int
    answered: dict
    response: bytes


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        """A client that went away is none of our business; the test that needed the answer fails by itself."""


class Proxy:
    """Listens until `close`. `taken` gives what passed since the last time. `mend` may give a request another body, where an
    emulator cannot read the one that AWS can; what is kept is the request as it was sent."""

    def __init__(self, port, mend=None):
        self.mend = mend or (lambda asked, body: body)
        self.kept = []
        self.lock = threading.Lock()
        self.server = Server(("127.0.0.1", 0), self.handler(port))
        self.endpoint = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def keep(self, exchange):
        with self.lock:
            self.kept.append(exchange)

    def taken(self):
        with self.lock:
            kept, self.kept = self.kept, []
        return kept

    def handler(self, port):
        keep, mend = self.keep, self.mend

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # An answer is written in one piece, or the client waits for a delayed acknowledgement.
            wbufsize = -1
            disable_nagle_algorithm = True

            def setup(self):
                super().setup()
                self.upstream = http.client.HTTPConnection("127.0.0.1", port, timeout=120)

            def finish(self):
                self.upstream.close()
                super().finish()

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                asked = {name.lower(): value for name, value in self.headers.items()}
                passed = {name: value for name, value in asked.items() if name not in ("connection", "expect")}
                passed.pop("content-length", None)
                self.upstream.request(self.command, self.path, mend(asked, body), passed)
                answer = self.upstream.getresponse()
                content = answer.read()
                answered = {name.lower(): value for name, value in answer.getheaders()}
                keep(Exchange(self.command, self.path, asked, body, answer.status, answered, content))
                self.send_response_only(answer.status)
                for name, value in answered.items():
                    if name not in ("connection", "transfer-encoding", "content-length", "keep-alive"):
                        self.send_header(name, value)
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST

            def log_message(self, *_):
                """The exchanges are the log."""

        return Handler
