"""Stands in for a node of Cassandra: speaks version 4 of its binary protocol, and knows one table."""

import contextlib
import os
import socket
import socketserver
import struct
import threading
import uuid

ERROR, READY, SUPPORTED, RESULT = 0, 2, 6, 8
STARTUP, OPTIONS, QUERY, PREPARE, EXECUTE, REGISTER, BATCH = 1, 5, 7, 9, 10, 11, 13
INT, UUID, TEXT, INET = 0x9, 0xC, 0xD, 0x10

HOST = socket.inet_aton("127.0.0.1")
NODE = [
    ("key", TEXT, b"local"), ("cluster_name", TEXT, b"qa"), ("data_center", TEXT, b"dc"), ("rack", TEXT, b"r"),
    ("release_version", TEXT, b"4.0.0"), ("partitioner", TEXT, b"org.apache.cassandra.dht.Murmur3Partitioner"),
    ("host_id", UUID, uuid.UUID(int=1).bytes), ("schema_version", UUID, uuid.UUID(int=2).bytes),
    ("rpc_address", INET, HOST), ("broadcast_address", INET, HOST), ("listen_address", INET, HOST),
]  # fmt: skip


def string(text):
    return struct.pack(">H", len(text)) + text.encode()


def columns(named, table):
    return string("shop") + string(table) + b"".join(string(name) + struct.pack(">H", kind) for name, kind in named)


def rows(named, table, values):
    head = struct.pack(">iii", 2, 1, len(named)) + columns(named, table) + struct.pack(">i", len(values))
    return head + b"".join(struct.pack(">i", len(each)) + each for row in values for each in row)


def answer(statement):
    """What a node answers to a statement: an opcode and a body."""
    words = statement.split()
    table = words[words.index("FROM") + 1] if "FROM" in words else ""
    if words[0] == "USE":
        return RESULT, struct.pack(">i", 3) + string(words[1].strip('"'))
    if table == "system.local":
        return RESULT, rows([(name, kind) for name, kind, _ in NODE], "local", [[value for _, _, value in NODE]])
    if table.startswith("system"):
        return RESULT, rows([("peer", INET)], "peers", [])
    if table == "users":
        return RESULT, rows([("id", INT)], "users", [[struct.pack(">i", 1)], [struct.pack(">i", 2)]])
    if words[0] == "SELECT":
        return ERROR, struct.pack(">i", 0x2200) + string("table %s does not exist" % table)
    return RESULT, struct.pack(">i", 1)


class Node(socketserver.StreamRequestHandler):
    prepared = {}

    def handle(self):
        while True:
            head = self.rfile.read(9)
            if len(head) < 9:
                return
            version, _, stream, opcode, length = struct.unpack(">BBhBi", head)
            if version != 4:
                code, body = ERROR, struct.pack(">i", 0xA) + string("Invalid or unsupported protocol version")
                self.rfile.read(length)
            else:
                code, body = self.talk(opcode, self.rfile.read(length))
            self.wfile.write(struct.pack(">BBhBi", 0x84, 0, stream, code, len(body)) + body)

    def talk(self, opcode, body):
        if opcode == OPTIONS:
            version = string("CQL_VERSION") + struct.pack(">H", 1) + string("3.4.5")
            return SUPPORTED, struct.pack(">H", 2) + version + string("COMPRESSION") + struct.pack(">H", 0)
        if opcode == QUERY:
            return answer(body[4 : 4 + struct.unpack(">i", body[:4])[0]].decode())
        if opcode == PREPARE:
            statement = body[4:].decode()
            key = struct.pack(">i", len(self.prepared))
            self.prepared[key] = statement
            bound = struct.pack(">iii", 1, 1, 0) + columns([("id", INT)], "users")
            return RESULT, struct.pack(">iH", 4, len(key)) + key + bound + struct.pack(">ii", 1, 1) + columns([("id", INT)], "users")
        if opcode == EXECUTE:
            return answer(self.prepared[body[2 : 2 + struct.unpack(">H", body[:2])[0]]])
        if opcode == BATCH:
            return RESULT, struct.pack(">i", 1)
        return READY, b""


@contextlib.contextmanager
def node():
    """Its port, while it runs."""
    server = socketserver.ThreadingTCPServer(("127.0.0.1", int(os.environ["QA_PORT"])), Node)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
