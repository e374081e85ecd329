"""The official openai client against the edge at argv[1] with the key argv[2]. Prints what it got as JSON."""

import json
import sys

import openai

url, key = sys.argv[1:]
client = openai.OpenAI(base_url=f"{url}/openai/v1", api_key=key)
texts = ["how do I reset my password?", "", "Passwort vergessen 🔑"]


def code(call):
    """The class of the error that `call` ends in, and its code."""
    try:
        call()
    except openai.APIStatusError as error:
        return [type(error).__name__, error.code]


default = client.embeddings.create(model="minilm", input=texts[0])
floats = client.embeddings.create(model="minilm", input=[texts[0], texts[2]], encoding_format="float")
print(json.dumps({
    "models": [model.id for model in client.models.list()],
    "default": default.data[0].embedding,
    "floats": [item.embedding for item in floats.data],
    "tokens": default.usage.prompt_tokens,
    "empty": code(lambda: client.embeddings.create(model="minilm", input="")),
    "unknown model": code(lambda: client.embeddings.create(model="nope", input="x")),
    "wrong key": code(lambda: client.with_options(api_key="pk_wrong").embeddings.create(model="minilm", input="x")),
}))
