"""openai from 1.0 on, with and without asyncio: a client span for each call of a model, above its requests on the wire."""

from .. import _genai, _imports
from .._genai import TEXT


def install(module):
    kinds = _KINDS.get(module.__name__)
    if kinds is None:
        _genai.closing(module)
        return
    for name, kind in kinds.items():
        for method in ("create", "parse"):
            if hasattr(getattr(module, name), method):
                _imports.wrap(getattr(module, name), method, _genai.sync(kind))
                _imports.wrap(getattr(module, "Async" + name), method, _genai.asynchronous(kind))


def _chat(answer, take):
    _heading(answer, take)
    take("gen_ai.response.finish_reasons", [choice.finish_reason for choice in answer.choices if choice.finish_reason])
    for choice in answer.choices:
        take(TEXT, choice.message.content)


def _chat_piece(part, take):
    _heading(part, take)
    for choice in part.choices:
        take(TEXT, choice.delta.content)
        if choice.finish_reason:
            take("gen_ai.response.finish_reasons", [choice.finish_reason])


def _text(answer, take):
    _heading(answer, take)
    for choice in answer.choices:
        take(TEXT, choice.text)
        if choice.finish_reason:
            take("gen_ai.response.finish_reasons", [choice.finish_reason])


def _response(answer, take):
    _heading(answer, take)
    take(TEXT, getattr(answer, "output_text", None))


def _response_piece(part, take):
    if part.type == "response.output_text.delta":
        take(TEXT, part.delta)
    elif part.type in ("response.completed", "response.incomplete", "response.failed"):
        _heading(part.response, take)


def _embeddings(answer, take):
    _heading(answer, take)
    data = getattr(answer, "data", None)
    vector = data[0].embedding if data else None
    if isinstance(vector, list):  # else it is encoded
        take("gen_ai.embeddings.dimension.count", len(vector))


def _heading(answer, take):
    take("gen_ai.response.model", getattr(answer, "model", None))
    take("gen_ai.response.id", getattr(answer, "id", None))
    take("openai.response.service_tier", getattr(answer, "service_tier", None))
    take("openai.response.system_fingerprint", getattr(answer, "system_fingerprint", None))
    usage = getattr(answer, "usage", None)
    if usage is not None:
        # Versions that do not know that a part of a stream may have it leave it a dict.
        get = usage.get if isinstance(usage, dict) else lambda name: getattr(usage, name, None)
        for attribute, names in (
            ("gen_ai.usage.input_tokens", ("prompt_tokens", "input_tokens")),
            ("gen_ai.usage.output_tokens", ("completion_tokens", "output_tokens")),
        ):
            for name in names:
                take(attribute, get(name))


_KINDS = {
    "openai.resources.chat.completions": {"Completions": _genai.Kind("openai", "chat", _chat, _chat_piece)},
    "openai.resources.completions": {"Completions": _genai.Kind("openai", "text_completion", _text, _text)},
    "openai.resources.responses": {"Responses": _genai.Kind("openai", "chat", _response, _response_piece)},
    "openai.resources.embeddings": {"Embeddings": _genai.Kind("openai", "embeddings", _embeddings)},
}
