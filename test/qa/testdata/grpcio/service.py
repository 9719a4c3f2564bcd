"""A service with the four kinds of calls, of messages that are dicts in JSON, so that no generated code is needed."""

import json

import grpc

KINDS = ("unary_unary", "unary_stream", "stream_unary", "stream_stream")


class Text(dict):
    """A message, in the text of protobuf."""

    def __str__(self):
        return "\n".join('%s: "%s"' % each for each in self.items())


def pack(message):
    return json.dumps(message).encode()


def unpack(data):
    return Text(json.loads(data.decode()))


def handlers(behaviours):
    methods = {
        name: getattr(grpc, kind + "_rpc_method_handler")(behaviour, request_deserializer=unpack, response_serializer=pack)
        for name, (kind, behaviour) in behaviours.items()
    }
    return (grpc.method_handlers_generic_handler("shop.Shop", methods),)


def stub(channel, kind, name):
    return getattr(channel, kind)("/shop.Shop/" + name, request_serializer=pack, response_deserializer=unpack)
