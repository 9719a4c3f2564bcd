import asyncio
import contextvars
import copy
import gc
import pickle
import sys
import types
import typing
import unittest
import unittest.mock
import warnings

from hooks_support import HookCase
from lumigo_opentelemetry import _tracing


def thing(**named):
    return types.SimpleNamespace(**named)


def chunk(text, reason=None, usage=None):
    choice = thing(delta=thing(content=text), finish_reason=reason)
    return thing(id="c1", model="gpt-4o-1", choices=[choice] if text is not None else [], usage=usage)


ANSWER = thing(
    id="c1", model="gpt-4o-1", usage=thing(prompt_tokens=11, completion_tokens=3),
    choices=[thing(message=thing(content="Hello!"), finish_reason="stop")],
)  # fmt: skip


class Stream:
    def __init__(self, parts):
        self._iterator = parts

    def __iter__(self):
        for part in self._iterator:
            yield part

    async def __aiter__(self):
        async for part in self._iterator:
            yield part


def openai_module():
    class Completions:
        _client = thing(base_url=thing(host="api.openai.com", port=None, scheme="https"))

        def __init__(self, answer):
            self.answer = answer
            self.calls = []

        def ask(self, named):
            self.calls.append(named)
            if isinstance(self.answer, Exception):
                raise self.answer
            return self.answer

        def create(self, **named):
            return self.ask(named)

    class AsyncCompletions(Completions):
        async def create(self, **named):
            return self.ask(named)

    module = types.ModuleType("openai.resources.chat.completions")
    module.Completions, module.AsyncCompletions = Completions, AsyncCompletions
    return module


class OpenAI(HookCase):
    ASK = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi!"}], "temperature": 0.5, "max_tokens": object()}

    def setUp(self):
        super().setUp()
        self.module = openai_module()
        self.hook("openai", self.module)

    def test_an_answer(self):
        completions = self.module.Completions(ANSWER)
        self.assertIs(completions.create(**self.ASK), ANSWER)
        self.assertEqual(completions.calls, [self.ASK])
        span = self.one()
        self.assertEqual((span.name, span.kind), ("chat gpt-4o", _tracing.CLIENT))
        expected = {
            "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o",
            "gen_ai.request.temperature": 0.5, "server.address": "api.openai.com", "server.port": 443,
            "gen_ai.input.messages": self.ASK["messages"], "gen_ai.output.messages": "Hello!",
            "gen_ai.response.model": "gpt-4o-1", "gen_ai.response.id": "c1", "gen_ai.response.finish_reasons": ["stop"],
            "gen_ai.usage.input_tokens": 11, "gen_ai.usage.output_tokens": 3,
        }  # fmt: skip
        self.assertEqual(span.attributes, expected)

    def test_what_is_asked_for(self):
        for named, name, value in (
            ({"stop": "."}, "gen_ai.request.stop_sequences", ["."]),
            ({"stop": [".", "!"]}, "gen_ai.request.stop_sequences", [".", "!"]),
            ({"encoding_format": "float"}, "gen_ai.request.encoding_formats", ["float"]),
            ({"dimensions": 256}, "gen_ai.embeddings.dimension.count", 256),
            ({"n": 2}, "gen_ai.request.choice.count", 2),
            ({"n": 1}, "gen_ai.request.choice.count", None),
            ({"response_format": {"type": "json_schema"}}, "gen_ai.output.type", "json"),
            ({"response_format": {"type": "text"}}, "gen_ai.output.type", "text"),
            ({"response_format": object, "stop": object(), "n": object(), "service_tier": object()}, "gen_ai.output.type", None),
            ({"service_tier": "flex"}, "openai.request.service_tier", "flex"),
            ({"service_tier": "auto"}, "openai.request.service_tier", None),
        ):
            with self.subTest(named=named):
                self.module.Completions(ANSWER).create(model="gpt-4o", messages=[], **named)
                self.assertEqual(self.spans()[-1].get(name), value)

    def test_what_served_it(self):
        answer = thing(service_tier="flex", system_fingerprint="fp_1", **vars(ANSWER))
        self.module.Completions(answer).create(**self.ASK)
        span = self.one()
        self.assertEqual((span.get("openai.response.service_tier"), span.get("openai.response.system_fingerprint")), ("flex", "fp_1"))

    def test_embeddings(self):
        from lumigo_opentelemetry.hooks import openai

        for vector, size in (([0.5, 0.25], 2), ("AAAA", None)):
            answer = thing(model="e", data=[thing(embedding=vector)], usage=thing(prompt_tokens=2))
            taken = unittest.mock.Mock()
            openai._embeddings(answer, taken)
            told = dict(args for _, args, _ in taken.mock_calls if args[1] is not None)
            self.assertEqual((told.get("gen_ai.embeddings.dimension.count"), told["gen_ai.usage.input_tokens"]), (size, 2))
        openai._embeddings(thing(model="e", data=[]), unittest.mock.Mock())

    def test_an_answer_in_a_coroutine(self):
        self.assertIs(asyncio.run(self.module.AsyncCompletions(ANSWER).create(**self.ASK)), ANSWER)
        self.assertEqual(self.one().get("gen_ai.usage.output_tokens"), 3)

    PARTS = [chunk("Hel"), chunk("lo!", "stop"), chunk(None, usage={"prompt_tokens": 11, "completion_tokens": 3})]

    def test_messages_that_cannot_be_shown(self):
        def model_dump():
            raise ValueError

        self.assertIs(self.module.Completions(ANSWER).create(model="gpt-4o", messages=[thing(model_dump=model_dump)]), ANSWER)
        self.assertEqual(self.one().get("gen_ai.usage.input_tokens"), 11)
        self.assertEqual([type(error) for _, error in self.faults], [ValueError])
        self.faults.clear()

    def test_a_stream_is_read_by_the_app_alone(self):
        read = []

        def parts():
            for part in self.PARTS:
                read.append(part)
                yield part

        stream = Stream(parts())
        self.assertIs(self.module.Completions(stream).create(stream=True, **self.ASK), stream)
        self.assertEqual((read, self.spans()), ([], []))
        self.assertEqual(list(stream), self.PARTS)
        span = self.one()
        self.assertEqual((span.get("gen_ai.output.messages"), span.get("gen_ai.usage.output_tokens")), ("Hello!", 3))

    def test_a_stream_in_a_coroutine(self):
        async def parts():
            for part in self.PARTS:
                yield part

        async def talk():
            stream = await self.module.AsyncCompletions(Stream(parts())).create(stream=True, **self.ASK)
            return [part async for part in stream]

        self.assertEqual(asyncio.run(talk()), self.PARTS)
        self.assertEqual(self.one().get("gen_ai.output.messages"), "Hello!")

    def test_a_stream_that_breaks_off(self):
        def parts():
            yield self.PARTS[0]
            raise ConnectionError("gone")

        stream = self.module.Completions(Stream(parts())).create(stream=True, **self.ASK)
        with self.assertRaises(ConnectionError):
            list(stream)
        self.assertEqual((self.one().exceptions, self.one().status), (["ConnectionError"], _tracing.ERROR))

    def test_a_stream_that_nobody_reads_to_its_end(self):
        stream = self.module.Completions(Stream(iter(self.PARTS))).create(stream=True, **self.ASK)
        next(iter(stream))
        del stream
        self.assertEqual(self.one().get("gen_ai.output.messages"), "Hel")

    def test_a_stream_that_is_closed_and_kept(self):
        class ChatStream(Stream):
            def close(self):
                raise ConnectionError("gone")  # is the app's to see

        class AsyncStream(Stream):
            async def close(self):
                pass

        class Helper:
            def __init__(self, stream):
                self._raw_stream = stream
                self._iterator = iter(())

        class HelperStream(Helper):
            def close(self):
                pass

        self.hook("openai", types.SimpleNamespace(__name__="openai._streaming", **{
            each.__name__: each for each in (ChatStream, AsyncStream, HelperStream)
        }))  # fmt: skip
        ask = self.module.Completions
        stream = ask(ChatStream(iter(self.PARTS))).create(stream=True, **self.ASK)
        next(iter(stream))
        self.assertEqual(self.spans(), [])
        self.assertRaises(ConnectionError, stream.close)
        self.assertEqual(self.one().get("gen_ai.output.messages"), "Hel")
        self.assertEqual(list(stream), self.PARTS[1:])  # it stays what it was
        later = ask(AsyncStream(iter(self.PARTS))).create(stream=True, **self.ASK)
        asyncio.run(later.close())
        self.assertEqual(len(self.spans()), 2)
        helper = HelperStream(ask(Stream(iter(self.PARTS))).create(stream=True, **self.ASK))
        helper.close()
        self.assertEqual(len(self.spans()), 3)

    def test_a_failure_passes(self):
        failure = KeyError("model")
        failure.status_code = 400
        with self.assertRaises(KeyError) as caught:
            self.module.Completions(failure).create(**self.ASK)
        self.assertIs(caught.exception, failure)
        self.assertEqual(self.one().get("http.response.status_code"), 400)

    def test_raw_answers_tell_nothing(self):
        raw = object()
        self.assertIs(self.module.Completions(raw).create(**self.ASK), raw)
        self.assertNotIn("gen_ai.response.model", self.one().attributes)

    def test_raw_answers_of_old_releases_are_parsed(self):
        class APIResponse(typing.Generic[typing.TypeVar("R")]):
            def parse(self):
                return ANSWER

        class Newer(APIResponse):  # which reads what streams
            def parse(self):
                raise AssertionError

        Newer.__name__ = "APIResponse"
        for kind, told in ((APIResponse, "Hello!"), (Newer, None)):
            raw = kind()
            self.assertIs(self.module.Completions(raw).create(**self.ASK), raw)
            self.assertEqual(self.spans()[-1].get("gen_ai.output.messages"), told)

    def test_what_is_called_below_is_a_child(self):
        seen = []

        class Client(self.module.Completions):
            def __getattribute__(self, name):
                if name == "answer":
                    seen.append(_tracing.current_span().name)
                return super().__getattribute__(name)

        Client(ANSWER).create(**self.ASK)
        self.assertEqual(set(seen), {"chat gpt-4o"})


class AnthropicManagers(HookCase):
    """Streams of anthropic's own managers, whose later releases read the answer itself, and earlier ones its response anew."""

    PARTS = [
        thing(type="message_start", message=thing(model="claude-1", id="m1")),
        thing(type="content_block_delta", delta=thing(text="Hello!")),
    ]

    def module(self, anew):
        parts = self.PARTS

        class Reader:
            def __init__(self, answer):
                self._raw_stream = Stream(iter(parts)) if anew else answer

        class MessageStreamManager:
            def __init__(self, request):
                self.__api_request = request

            def __enter__(self):
                return Reader(self.__api_request())

        class AsyncMessageStreamManager:
            def __init__(self, request):
                self.__api_request = request

            async def __aenter__(self):
                return Reader(await self.__api_request)

        class Messages:
            def create(self, **named):
                raise AssertionError

            def stream(self, **named):
                return MessageStreamManager(lambda: Stream(iter(parts)))

        class AsyncMessages(Messages):
            def stream(self, **named):
                async def request():
                    return Stream(iter(parts))

                return AsyncMessageStreamManager(request())

        module = types.ModuleType("anthropic.resources.messages")
        for each in (Messages, AsyncMessages, MessageStreamManager, AsyncMessageStreamManager):
            setattr(module, each.__name__, each)
            each.__module__ = module.__name__
        sys.modules[module.__name__] = module
        self.addCleanup(sys.modules.pop, module.__name__)
        self.hook("anthropic", module)
        return module

    def check(self, reader):
        self.assertEqual(self.spans(), [])
        self.assertEqual(list(reader._raw_stream), self.PARTS)
        span = self.one()
        self.assertEqual((span.name, span.get("gen_ai.response.model")), ("chat claude", "claude-1"))
        self.assertEqual(span.get("gen_ai.output.messages"), "Hello!")

    def test_a_stream(self):
        self.check(self.module(False).Messages().stream(model="claude").__enter__())

    def test_a_stream_that_is_made_anew(self):
        self.check(self.module(True).Messages().stream(model="claude").__enter__())

    def test_a_stream_that_is_made_anew_in_a_coroutine(self):
        self.check(asyncio.run(self.module(True).AsyncMessages().stream(model="claude").__aenter__()))

    def test_a_stream_made_anew_that_nobody_reads(self):
        reader = self.module(True).Messages().stream(model="claude").__enter__()
        next(iter(reader._raw_stream))
        del reader
        self.assertEqual(self.one().get("gen_ai.response.model"), "claude-1")

    def test_what_is_not_traced_stays(self):
        module = self.module(True)
        with _tracing.suppress():
            reader = module.Messages().stream(model="claude").__enter__()
        self.assertEqual((list(reader._raw_stream), self.spans()), (self.PARTS, []))


class Manager:
    """As anthropic's: its request is made as it is entered."""

    def __init__(self, request):
        self.__api_request = request

    async def __aenter__(self):
        return await self.__api_request


class AnthropicLater(HookCase):
    def setUp(self):
        super().setUp()

        class AsyncMessages:
            async def create(self, **named):
                return ANSWER

            def stream(self, **named):
                return Manager(self.create(**named))

        class Messages(AsyncMessages):
            pass

        self.hook("anthropic", types.SimpleNamespace(Messages=Messages, AsyncMessages=AsyncMessages))
        self.messages = AsyncMessages()

    def test_a_stream(self):
        async def ask():
            return await self.messages.stream(model="claude").__aenter__()

        self.assertIs(asyncio.run(ask()), ANSWER)
        self.assertEqual({span.name for span in self.spans()}, {"chat claude"})

    def test_a_stream_that_is_not_asked_for(self):
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            self.messages.stream(model="claude")
            gc.collect()
        texts = [str(each.message) for each in told]
        self.assertEqual(len(texts), 1, texts)
        self.assertIn("AsyncMessages.create", texts[0])  # which is the client's own request here
        self.assertEqual(self.spans(), [])


MESSAGE = thing(
    id="m1", model="claude-1", stop_reason="end_turn", usage=thing(input_tokens=11, output_tokens=3),
    content=[thing(type="tool_use"), thing(text="Hello"), thing(text=" there!")],
)  # fmt: skip
PARTS = [
    thing(type="message_start", message=thing(id="m1", model="claude-1", usage=thing(input_tokens=11, output_tokens=1))),
    thing(type="content_block_start"),
    thing(type="content_block_delta", delta=thing(text="Hello")),
    thing(type="content_block_delta", delta=thing(partial_json="{}")),
    thing(type="content_block_delta", delta=thing(text=" there!")),
    thing(type="message_delta", delta=thing(stop_reason="end_turn"), usage=thing(output_tokens=3)),
    thing(type="message_stop"),
]
HEARD = {
    "gen_ai.response.model": "claude-1", "gen_ai.response.id": "m1", "gen_ai.response.finish_reasons": ["end_turn"],
    "gen_ai.usage.input_tokens": 11, "gen_ai.usage.output_tokens": 3, "gen_ai.output.messages": "Hello there!",
}  # fmt: skip


def anthropic_module():
    class MessageStreamManager:
        def __init__(self, api_request):
            self.__api_request = api_request

        def __enter__(self):
            return self.__api_request()

        def __exit__(self, *exc_info):
            pass

    class AsyncMessageStreamManager:
        def __init__(self, api_request):
            self.__api_request = api_request

        async def __aenter__(self):
            return await self.__api_request

        async def __aexit__(self, *exc_info):
            pass

    class Messages:
        _client = thing(base_url=thing(host="api.anthropic.com", port=None, scheme="https"))

        def __init__(self, answer):
            self.answer = answer
            self.calls = []

        def ask(self, named):
            self.calls.append((named, getattr(_tracing.current_span(), "name", None)))
            if isinstance(self.answer, Exception):
                raise self.answer
            return self.answer

        def create(self, **named):
            return self.ask(named)

        def stream(self, **named):
            return MessageStreamManager(lambda: self.ask(named))

    class AsyncMessages(Messages):
        async def create(self, **named):
            return self.ask(named)

        def stream(self, **named):
            async def ask():
                return self.ask(named)

            return AsyncMessageStreamManager(ask())

    module = types.ModuleType("anthropic.resources.messages")
    module.Messages, module.AsyncMessages = Messages, AsyncMessages
    return module


class Anthropic(HookCase):
    ASK = {"model": "claude", "messages": [{"role": "user", "content": "Hi!"}], "max_tokens": 9, "system": "Be kind.", "top_k": 5}

    def setUp(self):
        super().setUp()
        self.module = anthropic_module()
        self.hook("anthropic", self.module)

    def heard(self):
        span = self.one()
        return {name: span.get(name) for name in HEARD}

    async def parts(self):
        for part in PARTS:
            yield part

    def test_an_answer(self):
        messages = self.module.Messages(MESSAGE)
        self.assertIs(messages.create(stop_sequences=["."], **self.ASK), MESSAGE)
        self.assertEqual(messages.calls, [(dict(self.ASK, stop_sequences=["."]), "chat claude")])
        span = self.one()
        self.assertEqual((span.name, span.kind, span.status), ("chat claude", _tracing.CLIENT, _tracing.UNSET))
        self.assertEqual(span.attributes, dict(HEARD, **{
            "gen_ai.operation.name": "chat", "gen_ai.provider.name": "anthropic", "gen_ai.request.model": "claude",
            "gen_ai.request.max_tokens": 9, "gen_ai.request.top_k": 5, "gen_ai.request.stop_sequences": ["."],
            "gen_ai.input.messages": self.ASK["messages"], "gen_ai.system_instructions": "Be kind.",
            "server.address": "api.anthropic.com", "server.port": 443,
        }))  # fmt: skip

    def test_an_answer_in_a_coroutine(self):
        self.assertIs(asyncio.run(self.module.AsyncMessages(MESSAGE).create(**self.ASK)), MESSAGE)
        self.assertEqual(self.heard(), HEARD)

    def test_a_stream(self):
        stream = Stream(iter(PARTS))
        self.assertIs(self.module.Messages(stream).create(stream=True, **self.ASK), stream)
        self.assertEqual(self.spans(), [])
        self.assertEqual(list(stream), PARTS)
        self.assertEqual(self.heard(), HEARD)

    def test_a_managed_stream_is_asked_for_as_it_is_entered(self):
        stream = Stream(iter(PARTS))
        messages = self.module.Messages(stream)
        manager = messages.stream(**self.ASK)
        self.assertEqual((messages.calls, self.spans()), ([], []))
        with manager as entered:
            self.assertIs(entered, stream)
            self.assertEqual(list(entered), PARTS)
        self.assertEqual(messages.calls, [(self.ASK, "chat claude")])
        self.assertEqual(self.heard(), HEARD)

    def test_a_managed_stream_in_a_coroutine(self):
        async def talk(messages):
            manager = messages.stream(**self.ASK)
            self.assertEqual(messages.calls, [])
            async with manager as entered:
                return [part async for part in entered]

        messages = self.module.AsyncMessages(Stream(self.parts()))
        self.assertEqual(asyncio.run(talk(messages)), PARTS)
        self.assertEqual(messages.calls, [(self.ASK, "chat claude")])
        self.assertEqual(self.heard(), HEARD)

    def test_a_managed_stream_that_is_refused(self):
        failure = KeyError("model")
        failure.status_code = 404
        with self.assertRaises(KeyError) as caught:
            with self.module.Messages(failure).stream(**self.ASK):
                self.fail("it was entered")
        self.assertIs(caught.exception, failure)
        span = self.one()
        self.assertEqual((span.status, span.exceptions, span.get("http.response.status_code")), (_tracing.ERROR, ["KeyError"], 404))

    def test_a_managed_stream_that_nobody_enters(self):
        self.module.Messages(MESSAGE).stream(**self.ASK)
        self.assertEqual(self.spans(), [])

    def test_other_managers_are_left_alone(self):
        manager = object()
        self.module.Messages.stream = lambda self, **named: manager
        self.hook("anthropic", self.module)
        self.assertIs(self.module.Messages(MESSAGE).stream(**self.ASK), manager)
        self.assertEqual([type(error) for _, error in self.faults], [AttributeError])
        del self.faults[:]

    def test_versions_without_managed_streams(self):
        module = types.ModuleType("anthropic.resources.messages")
        module.Messages = type("Messages", (), {"create": lambda self, **named: MESSAGE})
        module.AsyncMessages = type("AsyncMessages", (), {"create": lambda self, **named: MESSAGE})
        self.hook("anthropic", module)
        self.assertIs(module.Messages().create(**self.ASK), MESSAGE)
        self.assertEqual(self.one().get("gen_ai.output.messages"), "Hello there!")


class Shown(types.SimpleNamespace):
    """A message or document of langchain's."""

    __module__ = "langchain_core.messages"


class LangChain(HookCase):
    def setUp(self):
        super().setUp()

        class BaseCallbackManager:
            def __init__(self, handlers, inheritable_handlers=None):
                self.handlers = handlers
                self.inheritable_handlers = inheritable_handlers or []

        module = types.ModuleType("langchain_core.callbacks.base")
        module.BaseCallbackHandler, module.BaseCallbackManager = object, BaseCallbackManager
        self.hook("langchain", module)
        self.manager = BaseCallbackManager
        self.handler = BaseCallbackManager([]).handlers[0]

    def test_the_apps_handlers_stay(self):
        theirs = ["theirs"]
        manager = self.manager(theirs)
        self.assertEqual((theirs, manager.handlers[:1]), (["theirs"], ["theirs"]))
        self.assertEqual(self.manager(manager.handlers).handlers, manager.handlers)

    def test_runs(self):
        h = self.handler
        h.on_chain_start({"name": "chain"}, {"q": 1}, run_id=1)
        h.on_tool_start({"name": "weather"}, "Rome", run_id=2, parent_run_id=1)
        h.on_tool_error(KeyError("Rome"), run_id=2)
        model = {"id": ["langchain", "fake"]}
        h.on_chat_model_start(model, [[Shown(type="human", content="Hi!")]], run_id=3, parent_run_id=1, metadata={"ls_model_name": "m"})
        usage = {"token_usage": {"prompt_tokens": 1, "completion_tokens": 2}}
        h.on_llm_end(thing(generations=[[thing(text="Hello!")]], llm_output=usage), run_id=3)
        h.on_chain_end({"a": 2}, run_id=1)
        h.on_chain_end({}, run_id=1)
        tool, model, chain = self.spans()
        self.assertEqual((tool.name, model.name, chain.name), ("execute_tool weather", "chat m", "chain"))
        self.assertEqual((tool.parent_id, model.parent_id, tool.exceptions), (chain.span_id, chain.span_id, ["KeyError"]))
        self.assertEqual(model.get("gen_ai.input.messages"), [{"role": "human", "content": "Hi!"}])
        self.assertEqual((model.get("gen_ai.output.messages"), model.get("gen_ai.usage.output_tokens")), ("Hello!", 2))
        self.assertEqual((chain.get("gen_ai.input.messages"), chain.get("gen_ai.output.messages")), ({"q": 1}, {"a": 2}))
        self.assertIsNone(_tracing.current_span())

    def test_inputs_of_any_size_and_shape(self):
        class Large(dict):
            def items(self):
                raise AssertionError("was copied whole")

        inputs = Large((str(n), n) for n in range(10000))
        inputs["0"] = inputs
        self.handler.on_chain_start({}, inputs, run_id=1)
        self.handler.on_chain_end([Shown(page_content="a lamp")], run_id=1)
        self.assertEqual(self.one().get("gen_ai.output.messages"), ["a lamp"])
        self.assertLess(len(str(self.one().get("gen_ai.input.messages"))), 20000)

    def test_the_apps_own_objects_are_asked_for_nothing(self):
        class Row:
            @property
            def content(self):
                raise AssertionError("was looked up")

            def __str__(self):
                return "row"

        self.handler.on_chain_start({}, [Row()], run_id=1)
        self.handler.on_chain_end(None, run_id=1)
        self.assertEqual(self.one().get("gen_ai.input.messages"), ["row"])

    def test_runs_that_end_in_any_order(self):
        for run in (1, 2, 3):
            self.handler.on_chain_start({"name": str(run)}, None, run_id=run, parent_run_id=run - 1)
        for run in (2, 1, 3):
            self.handler.on_chain_end(None, run_id=run)
        self.assertIsNone(_tracing.current_span())

    def test_copies_of_a_manager(self):
        manager = copy.deepcopy(self.manager(["theirs"]))
        self.assertEqual(self.manager(manager.handlers).handlers, ["theirs", self.handler])
        self.assertIs(type(pickle.loads(pickle.dumps(self.handler))), object)

    def test_a_stream_that_the_app_leaves_is_no_failure(self):
        self.handler.on_chain_start({}, None, run_id=1)
        self.handler.on_chain_error(GeneratorExit(), run_id=1)
        self.assertEqual((self.one().status, self.one().exceptions), (_tracing.UNSET, []))

    def test_runs_that_nobody_ends(self):
        from lumigo_opentelemetry.hooks import langchain

        self.addCleanup(setattr, langchain, "_LIMIT", langchain._LIMIT)
        langchain._LIMIT = 2
        for run in range(4):
            self.handler.on_chain_start({"name": str(run)}, None, run_id=run)
        self.assertEqual([span.name for span in self.spans()], ["0", "1"])
        for run in (2, 3):
            self.handler.on_chain_end(None, run_id=run)
        self.assertIsNone(_tracing.current_span())

    def test_handlers_that_are_told_in_a_task_of_its_own(self):
        handler = self.handler

        class Manager:
            run_id = 1

            async def on_end(self, output):
                await asyncio.ensure_future(self.tell(output))
                return output

            async def tell(self, output):
                handler.on_chain_end(output, run_id=self.run_id)

        module = types.ModuleType("langchain_core.callbacks.manager")
        for name, kind in (("ChainRun", "chain"), ("LLMRun", "llm"), ("ToolRun", "tool"), ("RetrieverRun", "retriever")):
            ends = {"on_%s_%s" % (kind, end): Manager.on_end for end in ("end", "error")}
            setattr(module, "AsyncCallbackManagerFor" + name, type(name, (Manager,), ends))
        self.hook("langchain", module)

        async def run():
            handler.on_chain_start({"name": "chain"}, None, run_id=1)
            self.assertEqual(await module.AsyncCallbackManagerForChainRun().on_chain_end(2), 2)
            self.assertIsNone(_tracing.current_span())

        asyncio.run(run())
        self.assertEqual(self.one().get("gen_ai.output.messages"), 2)

    def test_streams_that_the_app_leaves(self):
        handler = self.handler

        def end_elsewhere(run, error=None):  # as asyncio closes generators in tasks of its own
            contextvars.copy_context().run(handler.on_chain_error, error or GeneratorExit(), run_id=run)

        def leave():
            handler.on_chain_start({"name": "chain"}, None, run_id=1)
            handler.on_chain_start({"name": "step"}, None, run_id=2, parent_run_id=1)
            return _tracing.current_span()

        def parent():
            child = _tracing.start_span("later")
            child.end()
            return child.parent_id, child.trace_id

        for outer in (_tracing.start_span("outer"), None):
            for order in ((1, 2), (2, 1)):
                token = _tracing.activate(outer)
                left = leave()
                own = left.span_id, left.trace_id
                self.assertEqual(parent(), own)
                for run in order:
                    end_elsewhere(run)
                self.assertIs(_tracing.current_span(), left)
                if outer is None:
                    self.assertIsNone(parent()[0])
                else:
                    self.assertEqual(parent(), (outer.span_id, outer.trace_id))
                _tracing.deactivate(token)
        sent = [span for span in self.spans() if span.name in ("chain", "step")]
        self.assertEqual([(span.status, span.exceptions) for span in sent], [(_tracing.UNSET, [])] * 8)
        self.assertEqual(len({span.span_id for span in sent}), 8)

    def test_a_stream_that_breaks_off_stays_what_it_was(self):
        self.handler.on_chain_start({"name": "chain"}, None, run_id=1)
        span = _tracing.current_span()
        contextvars.copy_context().run(self.handler.on_chain_error, KeyError("gone"), run_id=1)
        self.assertEqual(span.span_id, self.one().span_id)

    def test_models_whose_clients_have_spans(self):
        sys.modules["openai.resources.chat.completions"] = None
        self.addCleanup(sys.modules.pop, "openai.resources.chat.completions")
        self.handler.on_chat_model_start({"id": ["langchain", "openai", "ChatOpenAI"]}, [[]], run_id=1)
        self.handler.on_llm_end(thing(), run_id=1)
        self.assertEqual(self.spans(), [])
        _tracing.configure({"disabled": ["openai"]})
        self.handler.on_chat_model_start({"id": ["langchain", "openai", "ChatOpenAI"]}, [[]], run_id=2)
        self.handler.on_llm_error(KeyError(), run_id=2)
        self.assertEqual(self.one().name, "chat ChatOpenAI")


if __name__ == "__main__":
    unittest.main()
