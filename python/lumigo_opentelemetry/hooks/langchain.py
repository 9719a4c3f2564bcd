"""langchain: a span for each run of a chain, a model, a tool or a retriever, as its callbacks tell of them.

A model whose client makes spans itself, such as openai's, has none here: its client's stands below the chain.
"""

import sys

from .. import _http, _imports, _tracing, _values
from .._http import trouble

# Names in a model's own, of the clients that make spans of its calls, and their modules.
_CLIENTS = {"openai": "openai.resources.chat.completions", "anthropic": "anthropic.resources.messages"}


# Classes that tell the handlers of a run's end, and of what.
_ASYNCHRONOUS = {"ChainRun": "chain", "LLMRun": "llm", "ToolRun": "tool", "RetrieverRun": "retriever"}

_LIMIT = 4096  # runs under way
_ENDED = 256


def install(module):
    if module.__name__ == "langchain_core.callbacks.manager":
        for name, kind in _ASYNCHRONOUS.items():
            owner = getattr(module, "AsyncCallbackManagerFor" + name)
            _imports.wrap(owner, "on_%s_end" % kind, _settling)
            _imports.wrap(owner, "on_%s_error" % kind, _settling)
    else:
        handler = _handler(module.BaseCallbackHandler)
        _imports.wrap(module.BaseCallbackManager, "__init__", lambda original: _init(original, handler))


def _init(original, handler):
    def wrapper(self, *args, **named):
        original(self, *args, **named)
        try:
            if all(each is not handler for each in self.handlers):
                # The lists may be the app's own.
                self.handlers = list(self.handlers) + [handler]
                self.inheritable_handlers = list(self.inheritable_handlers or ()) + [handler]
        except Exception as error:
            trouble(error)

    return wrapper


def _settling(original):
    """With asyncio handlers are told in a task of its own, out of whose context none leads back to that of the run."""

    async def wrapper(self, *args, **named):
        try:
            return await original(self, *args, **named)
        finally:
            with _imports.guard:
                _runs.settle()

    return wrapper


class _Runs:
    """The spans of runs that are under way, by the ids of the runs."""

    def __init__(self):
        self.spans = {}  # id of a run -> (its span, what was current before)
        self.ended = {}  # span of a run that has ended, of the last ones -> what was current before
        self.left = []  # spans of streams that the app has left, of the last ones

    def around(self, span):
        """What counts where this span is current: none of a run that has ended."""
        while span in self.ended:
            span = self.ended[span]
        return span

    def settle(self):
        current = _tracing.current_span()
        around = self.around(current)
        if around is not current:
            _tracing.activate(around)

    def begin(self, named, name, kind, attributes, shown=None):
        if _tracing.suppressed():
            return
        if shown is not None and _tracing.settings.capture:
            attributes["gen_ai.input.messages"] = _plain(shown)
        self.settle()
        parent, _ = self.spans.get(named.get("parent_run_id"), (_tracing.CURRENT, None))
        span = _tracing.start_span(name, kind, attributes, parent)
        if len(self.spans) >= _LIMIT:  # runs that nobody ends must not fill the memory
            self.end(next(iter(self.spans)))
        self.spans[named["run_id"]] = span, _tracing.current_span()
        _tracing.activate(span)

    def end(self, run_id, shown=None, error=None, attributes=None):
        span, before = self.spans.pop(run_id, (None, None))
        if span is None:
            return
        if len(self.ended) >= _ENDED:
            del self.ended[next(iter(self.ended))]
        self.ended[span] = self.around(before)
        self.settle()
        if span.recording:
            if attributes:
                span.attributes.update(attributes)
            if shown is not None and _tracing.settings.capture:
                span.attributes["gen_ai.output.messages"] = _plain(shown)
            if error is not None and not isinstance(error, GeneratorExit):  # which only says that the app has read enough
                span.record_exception(error)
        span.end()
        span.attributes.clear()  # they may be large
        if isinstance(error, GeneratorExit):
            self.left = self.left[-_ENDED:] + [span]
        if self.left:
            self.leave(span.record, self.ended[span])

    def leave(self, record, around):
        """Where the app has left a stream its span stays current, for asyncio closes it in a task of its own. So the span
        stands for what is around it from then on, and that in turn when it ends: it has the record of that."""
        for span in self.left:
            if span.record is not record:
                continue
            if around is None:
                span.record = list(record)
                span.end_ns = 1  # long ago: it is nobody's parent
            else:
                span.record = around.record


_runs = _Runs()


def _plain(value):
    return _values.plain(value, _content)


def _content(value):
    """Messages and documents by their contents. Of the app's own objects nothing is asked: they may look it up somewhere."""
    if not any(base.__module__.startswith("langchain") for base in type(value).__mro__):
        return value
    content = getattr(value, "content", None)
    if content is not None and hasattr(value, "type"):
        return {"role": str(value.type), "content": content}
    content = getattr(value, "page_content", None)
    return value if content is None else content


def _name(serialized, named, otherwise):
    name = named.get("name")
    if not name and isinstance(serialized, dict):
        name = serialized.get("name") or (serialized.get("id") or [None])[-1]
    return str(name or otherwise)


def _told_below(serialized):
    """Whether the client that a model calls makes spans of that."""
    path = " ".join(map(str, (serialized or {}).get("id") or ())).lower()
    return any(name in path and module in sys.modules and not _http.disabled(name) for name, module in _CLIENTS.items())


def _model(serialized, named):
    parameters = named.get("invocation_params") or {}
    metadata = named.get("metadata") or {}
    model = parameters.get("model") or parameters.get("model_name") or metadata.get("ls_model_name")
    attributes = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": str(metadata.get("ls_provider") or "langchain")}
    if model:
        attributes["gen_ai.request.model"] = str(model)
    return "chat " + str(model or _name(serialized, named, "model")), attributes


def _answer(response):
    texts = [each.text for batch in response.generations for each in batch]
    usage = (response.llm_output or {}).get("token_usage") or {}
    attributes = {}
    for name, attribute in (("prompt_tokens", "input_tokens"), ("completion_tokens", "output_tokens")):
        if name in usage:
            attributes["gen_ai.usage." + attribute] = usage[name]
    return texts[0] if len(texts) == 1 else texts, attributes


def _handler(base):
    runs = _runs
    guard = _imports.guard

    class LumigoHandler(base):
        run_inline = True  # in the task of the run itself, whose context this is about

        def __deepcopy__(self, memo):  # or managers that the app copies would have it twice
            return self

        __copy__ = lambda self: self  # noqa: E731

        def __reduce__(self):  # of a pickled manager there remains one that does nothing
            return base, ()

        @guard
        def on_chain_start(self, serialized, inputs, **named):
            runs.begin(named, _name(serialized, named, "chain"), _tracing.INTERNAL, {}, inputs)

        @guard
        def on_chain_end(self, outputs, *, run_id, **named):
            runs.end(run_id, outputs)

        @guard
        def on_chain_error(self, error, *, run_id, **named):
            runs.end(run_id, error=error)

        @guard
        def on_chat_model_start(self, serialized, messages, **named):
            if not _told_below(serialized):
                runs.begin(named, *_start(serialized, named), messages[0] if len(messages) == 1 else messages)

        @guard
        def on_llm_start(self, serialized, prompts, **named):
            if not _told_below(serialized):
                runs.begin(named, *_start(serialized, named), prompts)

        @guard
        def on_llm_end(self, response, *, run_id, **named):
            if run_id in runs.spans:
                texts, attributes = _answer(response)
                runs.end(run_id, texts, attributes=attributes)

        @guard
        def on_llm_error(self, error, *, run_id, **named):
            runs.end(run_id, error=error)

        @guard
        def on_tool_start(self, serialized, input_str, **named):
            name = _name(serialized, named, "tool")
            attributes = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": name}
            runs.begin(named, "execute_tool " + name, _tracing.INTERNAL, attributes, input_str)

        @guard
        def on_tool_end(self, output, *, run_id, **named):
            runs.end(run_id, output)

        @guard
        def on_tool_error(self, error, *, run_id, **named):
            runs.end(run_id, error=error)

        @guard
        def on_retriever_start(self, serialized, query, **named):
            runs.begin(named, _name(serialized, named, "retriever"), _tracing.INTERNAL, {}, query)

        @guard
        def on_retriever_end(self, documents, *, run_id, **named):
            runs.end(run_id, documents)

        @guard
        def on_retriever_error(self, error, *, run_id, **named):
            runs.end(run_id, error=error)

    def _start(serialized, named):
        name, attributes = _model(serialized, named)
        return name, _tracing.CLIENT, attributes

    return LumigoHandler()
