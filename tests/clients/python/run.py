"""Runs cases with the official Python client: reads one JSON object a line, {address, mode, case},
and writes what the client saw, one JSON object a line. It judges nothing.
"""

import inspect
import json
import sys

import openai

PATIENCE_S = 60


def client_of(job):
    client = job["case"].get("client", {})
    return openai.OpenAI(
        api_key=client.get("key", "none"),
        base_url=job["address"] + client.get("base", "/v1"),
        max_retries=client.get("retries", 0),
        timeout=client.get("timeout_ms", PATIENCE_S * 1000) / 1000,
    )


def expanded(value):
    """{"repeat": "a", "times": 3} stands for "aaa"."""
    if isinstance(value, list):
        return [expanded(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "repeat" in value:
        return value["repeat"] * value["times"]
    return {name: expanded(item) for name, item in value.items()}


def arguments_of(create, request):
    """The client takes what OpenAI has as arguments, and the rest as an extra body."""
    known = inspect.signature(create).parameters
    extra = {name: value for name, value in request.items() if name not in known}
    given = {name: value for name, value in request.items() if name in known}
    return given | ({"extra_body": extra} if extra else {})


def usage_of(usage):
    if usage is None:
        return None
    get = lambda *names: next((getattr(usage, n) for n in names if hasattr(usage, n)), None)
    return {
        "prompt": get("prompt_tokens", "input_tokens"),
        "completion": get("completion_tokens", "output_tokens"),
        "total": get("total_tokens"),
        "reasoning": getattr(get("output_tokens_details"), "reasoning_tokens", None),
    }


def chat_log_probs(log_probs):
    return [
        {
            "token": token.token,
            "logprob": token.logprob,
            "bytes": token.bytes,
            "top": len(token.top_logprobs),
        }
        for token in (log_probs.content if log_probs else None) or []
    ]


def completion_log_probs(log_probs):
    if log_probs is None:
        return []
    tokens = zip(log_probs.tokens, log_probs.token_logprobs, log_probs.top_logprobs)
    return [{"token": text, "logprob": prob, "top": len(top)} for text, prob, top in tokens]


def add_choice(seen, choice, log_probs):
    for name, unset in (("texts", ""), ("finish", None), ("logprobs", [])):
        while len(seen[name]) <= choice.index:
            seen[name].append(unset)
    message = getattr(choice, "message", None) or getattr(choice, "delta", None)
    text = message.content if message else choice.text
    seen["texts"][choice.index] += text or ""
    seen["finish"][choice.index] = choice.finish_reason or seen["finish"][choice.index]
    seen["logprobs"][choice.index] = seen["logprobs"][choice.index] + log_probs
    for call in (message and message.tool_calls) or []:
        index = getattr(call, "index", len(seen["calls"]))
        if index == len(seen["calls"]):
            seen["calls"].append({"name": call.function.name, "arguments": ""})
        seen["calls"][index]["arguments"] += call.function.arguments or ""
    if message and message.role:
        seen["role"] = message.role


def add_chunk(seen, chunk, log_probs_of):
    for name in ("id", "model"):
        if seen.setdefault(name, getattr(chunk, name)) != getattr(chunk, name):
            raise AssertionError(f"{name} changed within a stream")
    for choice in chunk.choices:
        add_choice(seen, choice, log_probs_of(choice.logprobs))
    seen["usage"] = usage_of(chunk.usage) or seen["usage"]


def generate(job, seen, create, log_probs_of):
    client = job["case"].get("client", {})
    arguments = arguments_of(create, expanded(job["case"]["request"]))
    if "request_id" in client:
        arguments["extra_headers"] = {"x-request-id": client["request_id"]}
    seen.update(texts=[], finish=[], logprobs=[], calls=[], usage=None)
    if job["mode"] == "whole":
        add_chunk(seen, create(**arguments), log_probs_of)
        if "twice" in client:
            seen["again"] = [c.message.content for c in create(**arguments).choices]
        return
    with create(**arguments, stream=True) as stream:
        for chunk in stream:
            add_chunk(seen, chunk, log_probs_of)
            if "abort" in client and seen["texts"] and seen["texts"][0]:
                seen["aborted"] = True
                return


def chat(job, seen):
    generate(job, seen, client_of(job).chat.completions.create, chat_log_probs)


def completions(job, seen):
    generate(job, seen, client_of(job).completions.create, completion_log_probs)


def show_response(seen, response):
    texts = lambda kind: [
        "".join(part.text for part in item.content or [])
        for item in response.output
        if item.type == kind
    ]
    seen.update(
        id=response.id,
        model=response.model,
        role=next((item.role for item in response.output if item.type == "message"), None),
        texts=texts("message"),
        reasoning="".join(texts("reasoning")),
        calls=[
            {"name": item.name, "arguments": item.arguments}
            for item in response.output
            if item.type == "function_call"
        ],
        status=response.status,
        incomplete=response.incomplete_details and response.incomplete_details.reason,
        usage=usage_of(response.usage),
        metadata=response.metadata,
        instructions=response.instructions,
    )


def responses(job, seen):
    create = client_of(job).responses.create
    arguments = arguments_of(create, expanded(job["case"]["request"]))
    if job["mode"] == "whole":
        show_response(seen, create(**arguments))
        return
    seen["events"] = []
    text = ""
    for count, event in enumerate(create(**arguments, stream=True)):
        if event.sequence_number != count:
            raise AssertionError("events are not numbered in order")
        if seen["events"][-1:] != [event.type]:
            seen["events"].append(event.type)
        if event.type == "response.output_text.delta":
            text += event.delta
        if hasattr(event, "response"):
            show_response(seen, event.response)
    if text != "".join(seen["texts"]):
        raise AssertionError("the deltas are not the text")


def models(job, seen):
    seen["models"] = [model.id for model in client_of(job).models.list()]


def model(job, seen):
    seen["models"] = [client_of(job).models.retrieve(job["case"]["request"]["model"]).id]


def embeddings(job, seen):
    answer = client_of(job).embeddings.create(**job["case"]["request"])
    first = answer.data[0].embedding
    seen["count"] = len(answer.data)
    seen["dimensions"] = len(first)
    seen["length"] = sum(x * x for x in first) ** 0.5
    seen["usage"] = {"prompt": answer.usage.prompt_tokens}


CALLS = {
    "embeddings": embeddings,
    "chat": chat,
    "completions": completions,
    "models": models,
    "model": model,
    "responses": responses,
}


def error_of(error):
    response = getattr(error, "response", None)
    headers = response.headers if response is not None else {}
    return {
        "class": type(error).__name__,
        "status": getattr(error, "status_code", None),
        "code": getattr(error, "code", None),
        "type": getattr(error, "type", None),
        "param": getattr(error, "param", None),
        "message": str(error),
        "request_id": getattr(error, "request_id", None),
        "retry_after": headers.get("retry-after"),
    }


for line in sys.stdin:
    job = json.loads(line)
    seen = {}
    try:
        CALLS[job["case"]["call"]](job, seen)
    except Exception as error:  # whatever a client raises is what is asked for
        seen["error"] = error_of(error)
    print(json.dumps(seen), flush=True)
