"""The official openai client's chat completions against the edge at argv[1] with the key argv[2]. Prints what it got as JSON."""

import json
import sys

import openai

url, key = sys.argv[1:]
client = openai.OpenAI(base_url=f"{url}/openai/v1", api_key=key, max_retries=0)
messages = [{"role": "user", "content": "how do I true a wheel?"}]


def parts(model, **more):
    """What came, the tokens, and the class of the error that it ended in."""
    got, tokens = "", None
    try:
        for chunk in client.chat.completions.create(model=model, messages=messages, stream=True, **more):
            got += (chunk.choices[0].delta.content or "") if chunk.choices else ""
            tokens = chunk.usage.total_tokens if chunk.usage else tokens
    except openai.OpenAIError as error:
        return [got, tokens, type(error).__name__]
    return [got, tokens, None]


def code(call):
    """The class of the error that `call` ends in, and its code."""
    try:
        call()
    except openai.APIStatusError as error:
        return [type(error).__name__, error.code]


whole = client.chat.completions.create(model="chat", messages=messages, n=2)
print(json.dumps({
    "whole": [choice.message.content for choice in whole.choices],
    "parts": parts("chat"),
    "with usage": parts("chat", stream_options={"include_usage": True}),
    "cut": parts("is-cut-in-mid-stream"),
    "silent": parts("hangs-in-mid-stream"),
    "busy": code(lambda: client.chat.completions.create(model="is-busy", messages=messages)),
    "unknown model": code(lambda: client.chat.completions.create(model="nope", messages=messages)),
    "models": [model.id for model in client.models.list()],
}))
