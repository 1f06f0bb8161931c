"""Drives the official `openai` package through a gateway and prints what came back, as one JSON object."""

import json
import os

import openai

url = os.environ["GATEWAY_URL"]
model = "sim-chat/test-model"
question = [{"role": "user", "content": "How is the weather in Åre?"}]
parameters = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
tools = [{"type": "function", "function": {"name": "get_weather", "parameters": parameters}}]


def client(key=os.environ["GATEWAY_KEY"]):
    return openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0)


def scripted(**script):
    return {"x-simulator": json.dumps(script)}


def raised(ask):
    try:
        ask()
    except openai.APIError as error:
        return [type(error).__name__, str(error)]
    return None


def whole():
    reply = client().chat.completions.create(model=model, messages=question)
    return reply.choices[0].message.content


def streamed():
    stream = client().chat.completions.create(model=model, messages=question, stream=True)
    return "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)


def tool():
    first = client().chat.completions.create(model=model, messages=question, tools=tools).choices[0].message
    call = first.tool_calls[0]
    result = {"role": "tool", "tool_call_id": call.id, "content": "-4 °C, snow"}
    second = client().chat.completions.create(model=model, messages=[*question, first, result], tools=tools)
    return [call.function.arguments, second.choices[0].message.content]


def responses():
    asked = {"model": "sim-responses/test-model", "input": question[0]["content"]}
    with client().responses.stream(**asked) as stream:
        for _ in stream:
            pass
        return [client().responses.create(**asked).output_text, stream.get_final_response().output_text]


def embeddings():
    reply = client().embeddings.create(model=model, input=["a", "b"])
    return [[type(vector.embedding[0]).__name__ for vector in reply.data], reply.usage.prompt_tokens]


def broken():
    headers = scripted(drop="reset", drop_at_event=3, writes="event")
    for _ in client().chat.completions.create(model=model, messages=question, stream=True, extra_headers=headers):
        pass


def create(headers=None, with_client=None, **asked):
    asked = {"model": model, "messages": question, **asked}
    return (with_client or client()).chat.completions.create(**asked, extra_headers=headers or {})


print(
    json.dumps(
        {
            "whole": whole(),
            "streamed": streamed(),
            "tool": tool(),
            "responses": responses(),
            "embeddings": embeddings(),
            "models": [listed.id for listed in client().models.list()],
            "stranger": raised(lambda: create(with_client=client("sk-foreign"))),
            "unknown": raised(lambda: create(model="nobody-has-this")),
            "limited": raised(lambda: create(scripted(status=429, message="word for word"))),
            "broken": raised(broken),
        }
    )
)
