"""A stand-in for the API by which AWS Lambda's runtimes get their invocations and return what came of them."""

import json
import os
import queue
import socketserver
import subprocess
import sys
import threading

NEXT = "/2018-06-01/runtime/invocation/next"


class Handler(socketserver.StreamRequestHandler):
    """Reads HTTP by itself, so that its requests are in nobody's traces."""

    def handle(self):
        while True:
            line = self.rfile.readline().decode()
            if not line:
                return
            path, headers = line.split()[1], {}
            while True:
                name, colon, value = self.rfile.readline().decode().strip().partition(":")
                if not colon:
                    break
                headers[name.lower()] = value.strip()
            body = self.rfile.read(int(headers.get("content-length", 0)))
            if path == NEXT:
                number, event, client_context = self.server.events.get()
                more = "Lambda-Runtime-Aws-Request-Id: request-%d\r\nLambda-Runtime-Deadline-Ms: 99999999999999\r\n" % number
                more += "Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:us-east-1:123456789012:function:shop\r\n"
                if client_context:
                    more += "Lambda-Runtime-Client-Context: %s\r\n" % json.dumps(client_context)
                self.answer("200 OK", json.dumps(event).encode(), more)
            elif path == "/traceparent":
                self.answer("200 OK", headers.get("traceparent", "").encode())
            else:
                self.server.results.put((path.rsplit("/", 1)[1], json.loads(body.decode() or "null")))
                self.answer("202 Accepted", b"{}")

    def answer(self, status, body, more=""):
        head = "HTTP/1.1 %s\r\nContent-Type: application/json\r\n%sContent-Length: %d\r\n\r\n" % (status, more, len(body))
        self.wfile.write(head.encode() + body)


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True


class Runtime:
    """The runtime interface client with a handler, and what it asks."""

    def __init__(self, handler):
        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.events, self.server.results = queue.Queue(), queue.Queue()
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = "http://127.0.0.1:%d" % self.server.server_address[1]
        self.count = 0
        environ = dict(os.environ, AWS_LAMBDA_RUNTIME_API=self.url[7:], AWS_LAMBDA_FUNCTION_NAME="shop")
        environ.update(AWS_LAMBDA_FUNCTION_VERSION="1", AWS_LAMBDA_FUNCTION_MEMORY_SIZE="128", _HANDLER=handler)
        directory = os.path.dirname(os.path.abspath(__file__))
        command = [sys.executable, "-m", "awslambdaric", handler]
        command = os.environ.get("QA_LAUNCHER", "").split() + command  # where what is launched is not traced by itself
        self.process = subprocess.Popen(command, env=environ, cwd=directory, stdout=2)

    def invoke(self, event, client_context=None):
        """What came of an invocation: (response or error, its value)."""
        self.count += 1
        self.server.events.put((self.count, event, client_context))
        return self.server.results.get(timeout=30)

    def close(self):
        """As a sandbox ends: without a word."""
        self.process.kill()
        self.process.wait()
        self.server.shutdown()
        self.server.server_close()
