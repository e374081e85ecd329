"""The official azure-ai-inference client against the edge at argv[1] with the key argv[2]. Prints what it got as JSON."""

import json
import sys

from azure.ai.inference import ChatCompletionsClient, EmbeddingsClient
from azure.core.credentials import AzureKeyCredential
from azure.core.exceptions import HttpResponseError

url, key = sys.argv[1:]
chat = ChatCompletionsClient(endpoint=f"{url}/openai/v1", credential=AzureKeyCredential(key))
embeddings = EmbeddingsClient(endpoint=f"{url}/openai/v1", credential=AzureKeyCredential(key))
messages = [{"role": "user", "content": "how do I true a wheel?"}]


def code(call):
    """The status and the code of the error that `call` ends in."""
    try:
        call()
    except HttpResponseError as error:
        return [error.status_code, error.error and error.error.code]


def parts(model):
    """What came, and the class of the error that it ended in."""
    got = ""
    try:
        for update in chat.complete(model=model, messages=messages, stream=True):
            got += update.choices[0].delta.content or "" if update.choices else ""
    except Exception as error:
        return [got, type(error).__name__]
    return [got, None]


whole = chat.complete(model="chat", messages=messages, temperature=0.5)
print(json.dumps({
    "whole": [whole.choices[0].message.content, whole.usage.total_tokens, whole.model],
    "parts": parts("chat"),
    "cut": parts("is-cut-in-mid-stream"),
    "embeddings": [item.embedding for item in embeddings.embed(model="texts", input=["one", "three"]).data],
    "unknown model": code(lambda: chat.complete(model="nope", messages=messages)),
    "wrong key": code(lambda: ChatCompletionsClient(
        endpoint=f"{url}/openai/v1", credential=AzureKeyCredential("wrong")).complete(model="chat", messages=messages)),
}))
