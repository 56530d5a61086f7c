"""`sink.py smtp|http PORT FILE`: takes one thing after the other, as a mail server or a webhook, and writes it to FILE.

Runs inside the machine.
"""

import http.server
import socketserver
import sys
from pathlib import Path

FILE = Path(sys.argv[3])


class Mail(socketserver.StreamRequestHandler):
    """As much of SMTP as a client needs to hand over one mail."""

    def handle(self) -> None:
        self.wfile.write(b"220 sink\r\n")
        while line := self.rfile.readline():
            word = line[:4].upper()
            if word == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                text = b"".join(iter(self.rfile.readline, b".\r\n"))
                FILE.write_bytes(text.replace(b"\r\n", b"\n"))
            self.wfile.write(b"221 bye\r\n" if word == b"QUIT" else b"250 sink\r\n")
            if word == b"QUIT":
                return


class Hook(http.server.BaseHTTPRequestHandler):
    """Answers every POST with 204."""

    def do_POST(self) -> None:
        FILE.write_bytes(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(204)
        self.end_headers()


if __name__ == "__main__":
    handler = Mail if sys.argv[1] == "smtp" else Hook
    socketserver.ThreadingTCPServer.allow_reuse_address = True
    socketserver.ThreadingTCPServer(("127.0.0.1", int(sys.argv[2])), handler).serve_forever()
