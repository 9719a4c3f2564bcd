import asyncio
import enum
import gc
import types
import unittest
import weakref

from hooks_support import HookCase
from lumigo_opentelemetry import _tracing


class Code:
    """A status code, as grpc's enum has them."""

    def __init__(self, name, number):
        self.name = name
        self.value = number, name.lower()


OK, NOT_FOUND, INTERNAL = Code("OK", 0), Code("NOT_FOUND", 5), Code("INTERNAL", 13)


class Failure(Exception):
    def __init__(self, code):
        self.status = code

    def code(self):
        return self.status


class Answer:
    """A future or a stream: it tells when it is over."""

    def __init__(self):
        self.callbacks = []
        self.status = None

    def add_callback(self, callback):
        if self.status is not None:
            return False
        self.callbacks.append(callback)
        return True

    def code(self):
        return self.status

    def finish(self, code):
        self.status = code
        for callback in self.callbacks:
            callback()


def channel_module():
    """What the hook touches of grpc._channel. A multi-callable keeps itself and what it is given."""

    def callable_class(name, *methods):
        def __init__(self, request=str.encode, response=bytes.decode, outcome=None):
            self._channel = types.SimpleNamespace(target=lambda: b"dns:///shop.example.com:50051")
            self._method = b"/shop.Shop/Buy"
            self._request_serializer = request
            self._response_deserializer = response
            self.calls = []
            self.outcome = outcome

        def call(self, request, timeout=None, metadata=None, credentials=None):
            self.calls.append((timeout, metadata, credentials))
            if isinstance(self.outcome, Exception):
                raise self.outcome
            if isinstance(self.outcome, Answer):
                self.outcome.serializers = self._request_serializer, self._response_deserializer
                return self.outcome
            data = self._request_serializer(request) if self._request_serializer else request
            return self._response_deserializer(data.upper()) if self._response_deserializer else data.upper()

        return type(name, (), dict({method: call for method in methods}, __init__=__init__))

    module = types.ModuleType("grpc._channel")
    for kind in ("UnaryUnary", "StreamUnary"):
        setattr(module, "_%sMultiCallable" % kind, callable_class(kind, "__call__", "with_call", "future"))
    for kind in ("UnaryStream", "StreamStream"):
        setattr(module, "_%sMultiCallable" % kind, callable_class(kind, "__call__"))
    return module


class Clients(HookCase):
    def setUp(self):
        super().setUp()
        self.module = channel_module()
        self.hook("grpc", self.module)

    def header(self, span):
        return "traceparent", "00-%s-%s-01" % (span.trace_id.hex(), span.span_id.hex())

    def test_a_call(self):
        buy = self.module._UnaryUnaryMultiCallable()
        self.assertEqual(buy("lamp"), "LAMP")
        span = self.one()
        self.assertEqual((span.name, span.kind, span.status), ("shop.Shop/Buy", _tracing.CLIENT, _tracing.UNSET))
        expected = {
            "rpc.system": "grpc", "rpc.service": "shop.Shop", "rpc.method": "Buy", "server.address": "shop.example.com",
            "server.port": 50051, "rpc.grpc.status_code": 0, "rpc.grpc.request.payload": "lamp", "rpc.grpc.response.payload": "LAMP",
        }  # fmt: skip
        self.assertEqual(span.attributes, expected)

    def test_metadata_are_copied(self):
        for positional in (True, False):
            buy = self.module._UnaryUnaryMultiCallable()
            given = [("customer", "ann")]
            buy("lamp", 5, given) if positional else buy("lamp", timeout=5, metadata=given)
            self.assertEqual(given, [("customer", "ann")])
            self.assertEqual(buy.calls[0][:2], (5, (("customer", "ann"), self.header(self.spans()[-1]))))
        buy("lamp", metadata=[("traceparent", "theirs")])
        self.assertEqual(buy.calls[-1][1], (("traceparent", "theirs"),))

    def test_calls_at_once_do_not_mix(self):
        calls = [Answer(), Answer()]
        stream = self.module._StreamStreamMultiCallable()
        for answer in calls:
            stream.outcome = answer
            self.assertIs(stream(iter(())), answer)
        for n, text in ((0, "a"), (1, "b"), (0, "c")):
            pack, unpack = calls[n].serializers
            self.assertEqual(unpack(pack(text)), text)
        self.assertEqual(self.spans(), [])
        for answer in calls:
            answer.finish(OK)
        self.assertEqual([span.get("rpc.grpc.request.payload") for span in self.spans()], ["a,c", "b"])
        self.assertIs(stream._request_serializer, str.encode)

    def test_an_answer_that_is_over_already(self):
        answer = Answer()
        answer.finish(NOT_FOUND)
        self.module._UnaryUnaryMultiCallable(outcome=answer).future("lamp")
        self.assertEqual((self.one().get("rpc.grpc.status_code"), self.one().status), (5, _tracing.ERROR))

    def test_a_stream_that_the_app_lets_go_of_is_let_go_of(self):
        stream = self.module._UnaryStreamMultiCallable(outcome=Answer())
        stream.outcome._state = state = types.SimpleNamespace(code=None)
        answer = stream("lamp")
        callbacks, known, stream.outcome = answer.callbacks, weakref.ref(answer), None
        del answer
        self.assertIsNone(known())  # as the library's threads keep nothing but the callbacks
        state.code = INTERNAL
        callbacks[0]()
        self.assertEqual(self.one().get("rpc.grpc.status_code"), 13)

    def test_a_failure_passes(self):
        failure = Failure(INTERNAL)
        with self.assertRaises(Failure) as caught:
            self.module._UnaryUnaryMultiCallable(outcome=failure)("lamp")
        self.assertIs(caught.exception, failure)
        self.assertEqual((self.one().get("error.type"), self.one().get("rpc.grpc.status_code")), ("INTERNAL", 13))

    def test_a_failure_is_gone_when_it_is_done_with(self):
        gc.disable()
        self.addCleanup(gc.enable)

        def refuse(request):
            raise Failure(INTERNAL)

        def refused():
            try:
                self.module._UnaryUnaryMultiCallable(refuse)("lamp")
            except Failure as error:
                return weakref.ref(error)

        self.assertIsNone(refused()())

    def test_bytes_without_serializers(self):
        self.assertEqual(self.module._UnaryUnaryMultiCallable(None, None)(b"lamp"), b"LAMP")
        self.assertEqual(self.one().get("rpc.grpc.response.payload"), "LAMP")

    def test_large_messages_are_not_made_texts(self):
        class Large(str):
            def __str__(self):
                raise AssertionError("was made a text")

        self.module._UnaryUnaryMultiCallable()(Large("x" * 20000))
        self.assertEqual(self.one().get("rpc.grpc.request.payload"), "Large of 20000 bytes")

    def test_payloads_can_be_left_out(self):
        _tracing.configure({"grpc_payloads": False})
        self.module._UnaryUnaryMultiCallable()("lamp")
        self.assertNotIn("rpc.grpc.request.payload", self.one().attributes)

    def test_nothing_where_all_is_suppressed(self):
        buy = self.module._UnaryUnaryMultiCallable()
        with _tracing.suppress():
            buy("lamp")
        self.assertEqual((buy.calls, self.spans()), ([(None, None, None)], []))


class AsyncClients(HookCase):
    """With what the hook touches of grpc.aio._channel. A call is made of an inner one, which the library keeps."""

    class Inner:
        def __init__(self):
            self.callbacks = []
            self.add_done_callback = self.callbacks.append

        async def status(self):
            return Failure(13)

    class Call:
        def __init__(self, inner):
            self._cython_call = inner

        async def code(self):
            return INTERNAL

    def setUp(self):
        super().setUp()
        self.module = types.ModuleType("grpc.aio._channel")
        self.module.grpc = types.SimpleNamespace(StatusCode=enum.Enum("StatusCode", {"OK": (0, "ok"), "INTERNAL": (13, "internal")}))
        self.module.Metadata = lambda *pairs: pairs
        case = self

        def call(self, request, *, metadata=None):
            case.metadata = metadata
            return case.answer

        def __init__(self):
            self._channel, self._method = types.SimpleNamespace(), b"/shop.Shop/Buy"
            self._request_serializer = self._response_deserializer = None

        for kind in ("UnaryUnary", "UnaryStream", "StreamUnary", "StreamStream"):
            setattr(self.module, kind + "MultiCallable", type(kind, (), {"__init__": __init__, "__call__": call}))
        self.hook("grpc", self.module)

    def test_a_stream_that_the_app_lets_go_of_is_let_go_of(self):
        inner = self.Inner()
        self.answer = self.Call(inner)
        answer = self.module.UnaryStreamMultiCallable()(b"lamp", metadata=[("customer", "ann")])
        self.assertEqual([name for name, _ in self.metadata], ["customer", "traceparent"])
        known, self.answer = weakref.ref(answer), None
        del answer
        self.assertIsNone(known())
        inner.callbacks[0]()
        self.assertEqual((self.one().get("rpc.grpc.status_code"), self.one().get("error.type")), (13, "INTERNAL"))

    def test_a_call_of_an_interceptor(self):
        self.answer = types.SimpleNamespace(add_done_callback=lambda callback: callback(self.Call(None)))
        self.assertIs(self.module.UnaryStreamMultiCallable()(b"lamp"), self.answer)
        self.assertEqual(self.one().get("error.type"), "INTERNAL")

    def test_a_single_response(self):
        callbacks = []
        self.answer = self.Call(self.Inner())
        self.answer._call_response = types.SimpleNamespace(add_done_callback=callbacks.append)
        self.assertIs(self.module.UnaryUnaryMultiCallable()(b"lamp"), self.answer)
        callbacks[0](self.answer._call_response)
        self.assertEqual(self.one().get("error.type"), "INTERNAL")


class Context:
    def __init__(self, code=None):
        self._state = types.SimpleNamespace(code=code)

    def peer(self):
        return "ipv6:%5B::1%5D:4711"


class Servers(HookCase):
    HEADER = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"

    def setUp(self):
        super().setUp()

        def handler(streams):
            return lambda behaviour, request, response: types.SimpleNamespace(
                request_streaming=False, response_streaming=streams, request_deserializer=request,
                response_serializer=response, unary_unary=behaviour, unary_stream=behaviour,
            )  # fmt: skip

        self.grpc = types.ModuleType("grpc")
        self.grpc.ServerInterceptor = object
        self.grpc.server = lambda pool, handlers=None, interceptors=None: interceptors
        self.grpc.unary_unary_rpc_method_handler = handler(False)
        self.grpc.unary_stream_rpc_method_handler = handler(True)
        self.hook("grpc", self.grpc)

    def serve(self, behaviour, context=None, streams=False, metadata=(("traceparent", HEADER),)):
        make = self.grpc.unary_stream_rpc_method_handler if streams else self.grpc.unary_unary_rpc_method_handler
        (interceptor,) = self.grpc.server(None)
        details = types.SimpleNamespace(method="/shop.Shop/Buy", invocation_metadata=metadata)
        handler = interceptor.intercept_service(lambda details: make(behaviour, bytes.decode, str.encode), details)
        request = handler.request_deserializer(b"lamp")
        return (handler.unary_stream if streams else handler.unary_unary)(request, context or Context()), handler

    def test_the_apps_interceptors_stay(self):
        theirs = [object()]
        self.assertEqual(self.grpc.server(None, None, theirs)[1:], tuple(theirs))
        self.assertEqual(self.grpc.server(None, interceptors=theirs)[1:], tuple(theirs))
        self.assertEqual(len(theirs), 1)

    def test_a_call(self):
        def buy(request, context):
            self.assertEqual(_tracing.current_span().name, "shop.Shop/Buy")
            return request.upper()

        self.assertEqual(self.serve(buy)[0], "LAMP")
        span = self.one()
        self.assertEqual((span.kind, span.trace_id, span.parent_id), (_tracing.SERVER, b"\xaa" * 16, b"\xbb" * 8))
        self.assertEqual((span.get("client.address"), span.get("network.peer.port")), ("::1", 4711))
        self.assertEqual((span.get("rpc.grpc.request.payload"), span.get("rpc.grpc.response.payload")), ("lamp", "LAMP"))
        self.assertIsNone(_tracing.current_span())

    def test_what_the_server_was_started_in_is_no_parent(self):
        token = _tracing.activate(_tracing.start_span("start"))
        self.serve(lambda request, context: "", metadata=())
        _tracing.deactivate(token)
        self.assertIsNone(self.one().parent_id)

    def test_a_stream_is_lazy(self):
        made = []

        def offer(request, context):
            for n in range(2):
                made.append(n)
                self.assertIsNotNone(_tracing.current_span())
                yield str(n)

        responses, handler = self.serve(offer, streams=True)
        self.assertEqual(made, [])
        self.assertEqual([handler.response_serializer(each) for each in responses], [b"0", b"1"])
        self.assertEqual(self.one().get("rpc.grpc.response.payload"), "0,1")
        self.assertIsNone(_tracing.current_span())

    def test_a_stream_that_nobody_reads_to_its_end(self):
        responses, _ = self.serve(lambda request, context: iter("ab"), streams=True)
        next(responses)
        del responses
        self.assertEqual((self.one().get("rpc.grpc.status_code"), self.one().status), (1, _tracing.UNSET))

    def test_what_is_no_iterator_is_refused_as_ever(self):
        responses, _ = self.serve(lambda request, context: ["a"], streams=True)
        with self.assertRaises(TypeError):
            next(responses)
        self.assertEqual(self.one().exceptions, ["TypeError"])

    def test_a_client_that_goes_is_no_failure(self):
        class CancelledError(BaseException):
            pass

        def leave(request, context):
            raise CancelledError

        with self.assertRaises(CancelledError):
            self.serve(leave)
        span = self.one()
        self.assertEqual((span.get("rpc.grpc.status_code"), span.status, span.exceptions), (1, _tracing.UNSET, []))

    def test_a_behaviour_that_answers_by_a_callback_is_left_alone(self):
        def offer(request, context, answer):
            answer(request)

        offer.experimental_non_blocking = True
        answers = []
        (interceptor,) = self.grpc.server(None)
        details = types.SimpleNamespace(method="/shop.Shop/Buy", invocation_metadata=())
        handler = self.grpc.unary_stream_rpc_method_handler(offer, None, None)
        handler = interceptor.intercept_service(lambda details: handler, details)
        handler.unary_stream("lamp", Context(), answers.append)
        self.assertEqual((answers, self.spans()), (["lamp"], []))

    def test_failures(self):
        def abort(request, context):
            raise Exception

        def fail(request, context):
            raise KeyError("lamp")

        for behaviour, code, status, number, exceptions in (
            (abort, NOT_FOUND, _tracing.UNSET, 5, []),
            (abort, INTERNAL, _tracing.ERROR, 13, []),
            (fail, None, _tracing.ERROR, 2, ["KeyError"]),
        ):
            with self.assertRaises(Exception):  # noqa: B017
                self.serve(behaviour, Context(code))
            span = self.spans()[-1]
            self.assertEqual((span.status, span.get("rpc.grpc.status_code"), span.exceptions), (status, number, exceptions))

    def test_an_asynchronous_stream_that_nobody_reads_to_its_end(self):
        from lumigo_opentelemetry.hooks import grpc

        ended = []

        async def offer(request, context):
            try:
                yield "a"
                yield "b"
            finally:
                ended.append(_tracing.current_span().name)

        async def serve():
            details = types.SimpleNamespace(method="/shop.Shop/Buy", invocation_metadata=())
            responses = grpc._async_serve_stream(grpc._Serving(details), offer)(b"", Context())
            self.assertEqual(await responses.__anext__(), "a")
            await responses.aclose()
            self.assertEqual(ended, ["shop.Shop/Buy"])
            self.assertIsNone(_tracing.current_span())

        asyncio.run(serve())
        self.assertEqual((self.one().get("rpc.grpc.status_code"), self.one().exceptions), (1, []))

    def test_an_asynchronous_abort_that_the_context_does_not_tell(self):
        from lumigo_opentelemetry.hooks import grpc

        self.addCleanup(setattr, grpc._Serving, "told", False)

        async def send(state, code, details):
            sent.append((state, code, details))

        async def abort(request, context):
            await module.cygrpc._send_error_status_from_server("state", 5, "there is no such item")
            raise type("AbortError", (Exception,), {})("Locally aborted.")

        class Untold:
            peer = staticmethod(lambda: "")

            def __init__(self, code):
                self.code = lambda: code

        for version, code in (("1.38.1", 0), ("1.42.0", 5)):
            sent = []
            module = types.ModuleType("grpc.aio._server")
            module.grpc = types.SimpleNamespace(__version__=version)
            module.ServerInterceptor = object
            module.server = None
            module.cygrpc = types.SimpleNamespace(_send_error_status_from_server=send)
            grpc.install(module)
            self.assertEqual(module.cygrpc._send_error_status_from_server is send, version == "1.42.0")
            details = types.SimpleNamespace(method="/shop.Shop/Buy", invocation_metadata=())
            with self.assertRaises(Exception):  # noqa: B017
                asyncio.run(grpc._async_serve(grpc._Serving(details), abort)(b"", Untold(code)))
            self.assertEqual(sent, [("state", 5, "there is no such item")])
            span = self.spans()[-1]
            self.assertEqual((span.get("rpc.grpc.status_code"), span.status, span.exceptions), (5, _tracing.UNSET, []))


if __name__ == "__main__":
    unittest.main()
