"""A prompt in vLLM's tokens.

Decides: what of a prompt vLLM's own renderer is given. Does not know: how it is completed.
"""

from typing import Any

from selfinstruct.engines.base import TEMPLATE_ARGUMENTS, Prompt


async def rendered(llm: Any, prompt: Prompt) -> Any:  # noqa: ANN401 (vLLM's)
    """Turn a prompt into tokens; vLLM does it in threads, and refuses what is too long."""
    renderer = llm.renderer
    if not prompt.messages:
        return (await renderer.render_cmpl_async([{"prompt": prompt.text}]))[0]
    return (await renderer.render_chat_async([_messages(prompt)], _chat_parameters()))[1][0]


def has_chat_template(renderer: Any) -> bool:  # noqa: ANN401 (vLLM's)
    """Try one message: where a template comes from differs between kinds of tokenizers."""
    try:
        renderer.render_messages([{"role": "user", "content": "Hello"}], _chat_parameters())
    except Exception:  # noqa: BLE001 (each kind of tokenizer has its own error for it)
        return False
    return True


def _messages(prompt: Prompt) -> list[dict[str, str]]:
    return [{"role": message.role, "content": message.content} for message in prompt.messages]


def _chat_parameters() -> Any:  # noqa: ANN401 (vLLM's)
    from vllm.renderers.params import ChatParams  # noqa: PLC0415 (an extra)

    return ChatParams(chat_template_kwargs={"add_generation_prompt": True, **TEMPLATE_ARGUMENTS})
