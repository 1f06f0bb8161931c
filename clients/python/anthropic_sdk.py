"""Drives the official `anthropic` package through a gateway and prints what came back, as one JSON object."""

import json
import os

import anthropic

model = "sim-anthropic/test-model"
question = [{"role": "user", "content": "How is the weather in Åre?"}]
schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
tools = [{"name": "get_weather", "input_schema": schema}]


def client(key=os.environ["GATEWAY_KEY"]):
    return anthropic.Anthropic(base_url=os.environ["GATEWAY_URL"], api_key=key, max_retries=0)


def scripted(**script):
    return {"x-simulator": json.dumps(script)}


def raised(ask):
    try:
        ask()
    except anthropic.APIError as error:
        return [type(error).__name__, str(error)]
    return None


def create(headers=None, with_client=None, **asked):
    asked = {"model": model, "max_tokens": 500, "messages": question, **asked}
    return (with_client or client()).messages.create(**asked, extra_headers=headers or {})


def text_of(message):
    return "".join(block.text for block in message.content if block.type == "text")


def streamed(headers=None):
    with client().messages.stream(
        model=model, max_tokens=500, messages=question, extra_headers=headers or {}
    ) as stream:
        return "".join(stream.text_stream)


def tool():
    first = create(tools=tools)
    call = next(block for block in first.content if block.type == "tool_use")
    result = {"type": "tool_result", "tool_use_id": call.id, "content": "-4 °C, snow"}
    messages = [*question, {"role": "assistant", "content": first.content}, {"role": "user", "content": [result]}]
    return [call.input, text_of(create(tools=tools, messages=messages))]


print(
    json.dumps(
        {
            "whole": text_of(create()),
            "streamed": streamed(),
            "tool": tool(),
            "counted": client().messages.count_tokens(model=model, messages=question).input_tokens,
            "models": [listed.id for listed in client().models.list()],
            "stranger": raised(lambda: create(with_client=client("sk-ant-foreign"))),
            "unknown": raised(lambda: create(model="nobody-has-this")),
            "limited": raised(lambda: create(scripted(status=429, message="word for word"))),
            "broken": raised(lambda: streamed(scripted(drop="reset", drop_at_event=3, writes="event"))),
        }
    )
)
