"""A stand-in for the APIs of OpenAI and Anthropic, in this process, with the shapes of their answers."""

import json

import standin


def chat(request):
    usage = {"prompt_tokens": 11, "completion_tokens": 3, "total_tokens": 14}
    head = {"id": "chatcmpl-1", "created": 1, "model": "gpt-4o-2024-08-06"}
    if not request.get("stream"):
        message = {"role": "assistant", "content": "Hello there!"}
        if request.get("tools"):
            call = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Rome"}'}}
            message = {"role": "assistant", "content": None, "tool_calls": [call]}
        choice = {"index": 0, "message": message, "finish_reason": "tool_calls" if request.get("tools") else "stop"}
        return dict(head, object="chat.completion", choices=[choice], usage=usage)
    head["object"] = "chat.completion.chunk"
    deltas = [{"role": "assistant", "content": ""}, {"content": "Hello"}, {"content": " there!"}, {}]
    choices = [{"index": 0, "delta": delta, "finish_reason": None if delta else "stop"} for delta in deltas]
    parts = [("", dict(head, choices=[choice])) for choice in choices]
    return parts + [("", dict(head, choices=[], usage=usage)), ("", None)]


def response(request):
    text = {"type": "output_text", "text": "Hello there!", "annotations": []}
    answer = {
        "id": "resp_1", "object": "response", "created_at": 1, "status": "completed", "model": "gpt-4o-2024-08-06",
        "output": [{"type": "message", "id": "msg_1", "status": "completed", "role": "assistant", "content": [text]}],
        "parallel_tool_calls": True, "tool_choice": "auto", "tools": [],
        "usage": {"input_tokens": 11, "output_tokens": 3, "total_tokens": 14, "input_tokens_details": {"cached_tokens": 0},
                  "output_tokens_details": {"reasoning_tokens": 0}},
    }  # fmt: skip
    if not request.get("stream"):
        return answer
    delta = {"type": "response.output_text.delta", "item_id": "msg_1", "output_index": 0, "content_index": 0, "sequence_number": 1}
    return [
        ("response.output_text.delta", dict(delta, delta="Hello there!")),
        ("response.completed", {"type": "response.completed", "response": answer, "sequence_number": 2}),
    ]


def embeddings(request):
    vector = {"object": "embedding", "index": 0, "embedding": [0.5, 0.25]}
    return {"object": "list", "data": [vector], "model": request["model"], "usage": {"prompt_tokens": 2, "total_tokens": 2}}


def messages(request):
    message = {
        "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-3-5-sonnet-20241022", "stop_sequence": None,
        "stop_reason": "end_turn", "content": [{"type": "text", "text": "Hello there!"}],
        "usage": {"input_tokens": 11, "output_tokens": 3},
    }  # fmt: skip
    if not request.get("stream"):
        return message
    start = dict(message, content=[], stop_reason=None, usage={"input_tokens": 11, "output_tokens": 1})
    parts = [
        {"type": "message_start", "message": start},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hello"}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": " there!"}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": {"output_tokens": 3}},
        {"type": "message_stop"},
    ]
    return [(part["type"], part) for part in parts]


PATHS = {"/v1/chat/completions": chat, "/v1/responses": response, "/v1/embeddings": embeddings, "/v1/messages": messages}


class Handler(standin.Handler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])).decode())
        if request["model"] == "broken":
            return self.answer(400, {"error": {"type": "invalid_request_error", "message": "there is no such model"}})
        answer = PATHS[self.path](request)
        if isinstance(answer, dict):
            return self.answer(200, answer)
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        text = ""
        for name, part in answer:
            event = "event: %s\n" % name if name else ""
            text += "%sdata: %s\n\n" % (event, json.dumps(part) if part is not None else "[DONE]")
        self.wfile.write(text.encode())  # at once: who stops reading early must not matter

    def answer(self, status, body):
        body = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def models():
    """Its URL, while it runs."""
    return standin.serving(Handler)
