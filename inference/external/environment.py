"""The hub as the environment names it, by the variables that its users know.

HF_ENDPOINT      address of the hub; https://huggingface.co where it is not set
HF_TOKEN         token for models that are gated or private
HF_HOME          folder to keep models in; the user's cache folder where it is not set
HF_HUB_OFFLINE   1: nothing is sent, models are taken from what was downloaded before
"""

import asyncio
import os
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import httpx
import platformdirs

from inference.external.client import ExternalSystemClient
from inference.external.hub import HuggingFaceClient, ModelFiles, check_id
from inference.external.settings import ClientSettings
from inference.model import InferenceError

T = TypeVar("T")
PUBLIC_HUB = "https://huggingface.co"
TRUE = frozenset({"1", "on", "yes", "true"})


def fetch_model(model_id: str, revision: str | None) -> ModelFiles:
    """The model's files, downloaded where they are not here yet. Blocks. Raises InferenceError."""
    check_id(model_id)
    return _run(_fetch(model_id, revision or "main"))


async def _fetch(model_id: str, revision: str) -> ModelFiles:
    home = os.environ.get("HF_HOME")
    folder = Path(home, "annals") if home else platformdirs.user_cache_path("annals") / "models"
    offline = os.environ.get("HF_HUB_OFFLINE", "").lower() in TRUE
    settings = ClientSettings(
        system="HuggingFace",
        base_url=_address(os.environ.get("HF_ENDPOINT") or PUBLIC_HUB),
        cache_folder=folder,
        token_name="HF_TOKEN",
        offline_because="HF_HUB_OFFLINE forbids it" if offline else None,
    )
    # A file of secrets that is read into the environment often leaves a line end behind.
    token = os.environ.get("HF_TOKEN", "").strip() or None
    async with ExternalSystemClient(settings, token) as client:
        return await HuggingFaceClient(client, folder).download_model(model_id, revision)


def _address(text: str) -> str:
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL as error:
        raise InferenceError(f"HF_ENDPOINT is no address: {text!r}; write for example {PUBLIC_HUB}") from error
    if url.scheme not in {"http", "https"} or not url.host:
        raise InferenceError(f"HF_ENDPOINT is no address: {text!r}; write for example {PUBLIC_HUB}")
    return text


def _run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run it to its end, also where this thread has an event loop of its own already."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(coroutine)
    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(asyncio.run, coroutine).result()
