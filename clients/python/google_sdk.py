"""Drives the official `google-genai` package through a gateway and prints what came back, as one JSON object."""

import json
import os

from google import genai
from google.genai import errors, types

model = "sim-gemini/test-model"
question = "How is the weather in Åre?"
parameters = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
weather = types.FunctionDeclaration(name="get_weather", parameters=parameters)
offered = types.GenerateContentConfig(
    tools=[types.Tool(function_declarations=[weather])],
    automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
)


def client(key=os.environ["GATEWAY_KEY"], **script):
    headers = {"x-simulator": json.dumps(script)} if script else {}
    options = types.HttpOptions(base_url=os.environ["GATEWAY_URL"], headers=headers)
    return genai.Client(api_key=key, http_options=options)


def raised(ask, with_client):
    try:
        ask(with_client)
    except errors.APIError as error:
        return [type(error).__name__, error.code, error.status, error.message]
    except Exception as error:  # what the transport throws differs from release to release
        return [type(error).__name__, 0, None, str(error)]
    return None


google = client()


def create(with_client=google):
    return with_client.models.generate_content(model=model, contents=question)


def streamed(with_client=google):
    chunks = with_client.models.generate_content_stream(model=model, contents=question)
    return "".join(chunk.text or "" for chunk in chunks)


def tool():
    asked = {"model": model, "config": offered}
    user = types.Content(role="user", parts=[types.Part(text=question)])
    first = google.models.generate_content(contents=[user], **asked)
    call = first.function_calls[0]
    result = types.Part.from_function_response(name=call.name, response={"result": "-4 °C, snow"})
    contents = [user, first.candidates[0].content, types.Content(role="user", parts=[result])]
    return [call.args, google.models.generate_content(contents=contents, **asked).text]


def embeddings():
    reply = google.models.embed_content(model=model, contents=["a", "b"])
    return [len(one.values) > 0 for one in reply.embeddings]


print(
    json.dumps(
        {
            "whole": create().text,
            "streamed": streamed(),
            "tool": tool(),
            "embeddings": embeddings(),
            "counted": google.models.count_tokens(model=model, contents=question).total_tokens,
            "models": [listed.name for listed in google.models.list()],
            "stranger": raised(create, client(key="AIza-foreign")),
            "limited": raised(create, client(status=429, message="word for word")),
            "broken": raised(streamed, client(drop="reset", drop_at_event=3, writes="event")),
        }
    )
)
