"""Connects to an engine's socket and sends one message. argv: the socket, the message in hex."""

import socket
import sys

peer = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
peer.connect(sys.argv[1])
peer.settimeout(10)
try:
    peer.send(bytes.fromhex(sys.argv[2]))
    print("answer %r" % peer.recv(200000)[:1])
except (ConnectionError, OSError) as error:
    print("refused %s" % type(error).__name__)
