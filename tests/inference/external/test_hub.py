"""Models from a hub on loopback: downloaded once, checked, resumed, and never harmed by what the hub does."""

import asyncio
import multiprocessing
from dataclasses import replace

import pytest

from inference.external.client import ExternalSystemClient
from inference.external.errors import ApiError, InvalidAnswerError, UnreachableError
from inference.external.hub import HuggingFaceClient
from inference.external.hub_cache import ModelCache
from inference.external.hub_listing import needed
from inference.external.settings import ClientSettings
from inference.model import InferenceError
from tests.inference.external.conftest import Connect
from tests.inference.external.hub_server import Hub
from tests.inference.external.test_client import counted

WEIGHTS = bytes(range(256)) * 2000
FILES = {
    "config.json": b'{"model_type": "bert"}',
    "special_tokens_map.json": b"{}",
    "added_tokens.json": b"{}",
    "vocab.txt": b"a\nb\n",
    "model.safetensors": WEIGHTS,
    "pytorch_model.bin": b"pickle",
    "tf_model.h5": b"keras",
    "README.md": b"words",
    "onnx/model.onnx": b"onnx",
    ".gitattributes": b"",
}
NEEDED = ("added_tokens.json", "config.json", "model.safetensors", "special_tokens_map.json", "vocab.txt")
ID = "org/model"


def models(client: ExternalSystemClient) -> HuggingFaceClient:
    return HuggingFaceClient(client, client.settings.cache_folder)


async def test_the_needed_files_come_once(hub: Hub, connect: Connect) -> None:
    commit = hub.publish(ID, FILES)
    client = connect()
    found = await models(client).download_model(ID, commit)

    assert (found.revision, found.files) == (commit, NEEDED)
    assert {path.name: path.read_bytes() for path in found.folder.iterdir()} == {name: FILES[name] for name in NEEDED}
    assert counted("downloaded_bytes_total", system=client.settings.system) == sum(len(FILES[name]) for name in NEEDED)

    hub.requests.clear()
    assert await models(connect()).download_model(ID, commit) == found
    assert hub.requests == []


async def test_a_branch_is_looked_up_and_its_files_are_not(hub: Hub, connect: Connect) -> None:
    hub.publish(ID, FILES)
    found = await models(connect()).download_model(ID)
    hub.requests.clear()
    assert await models(connect()).download_model(ID) == found
    assert [request.is_file for request in hub.requests] == [False]


async def test_a_branch_that_moved_brings_the_files_anew(hub: Hub, connect: Connect) -> None:
    hub.publish(ID, FILES)
    old = await models(connect()).download_model(ID)
    commit = hub.publish(ID, FILES | {"model.safetensors": WEIGHTS[::-1]})
    new = await models(connect()).download_model(ID)
    assert new.revision == commit != old.revision
    assert (new.folder / "model.safetensors").read_bytes() == WEIGHTS[::-1]
    assert (old.folder / "model.safetensors").read_bytes() == WEIGHTS


@pytest.mark.parametrize("fault", ["hang up", "503", "429 7200"])
async def test_a_hub_that_cannot_be_asked_leaves_what_is_here(hub: Hub, connect: Connect, fault: str) -> None:
    hub.publish(ID, FILES)
    found = await models(connect()).download_model(ID)
    hub.faults.extend([fault] * 4)
    assert await models(connect()).download_model(ID) == found


async def test_offline_with_nothing_here_says_so(hub: Hub, connect: Connect) -> None:
    client = connect(offline_because="HF_HUB_OFFLINE forbids it")
    with pytest.raises(UnreachableError, match="HF_HUB_OFFLINE forbids it"):
        await models(client).download_model(ID)


@pytest.mark.parametrize("name", ["model.safetensors", "vocab.txt"])
async def test_a_corrupted_file_is_fetched_again_and_no_other(hub: Hub, connect: Connect, name: str) -> None:
    commit = hub.publish(ID, FILES)
    found = await models(connect()).download_model(ID, commit)
    body = bytearray(FILES[name])
    body[0] ^= 1
    (found.folder / name).write_bytes(body)
    hub.requests.clear()

    await models(connect()).download_model(ID, commit)
    assert (found.folder / name).read_bytes() == FILES[name]
    assert [request.path.rsplit("/", 1)[1] for request in hub.requests] == [name]


async def test_a_cut_download_goes_on_where_it_was_cut(hub: Hub, connect: Connect) -> None:
    hub.publish(ID, {"model.safetensors": WEIGHTS})
    hub.faults.extend(["none", "cut", "cut"])
    client = connect()
    found = await models(client).download_model(ID)

    assert (found.folder / "model.safetensors").read_bytes() == WEIGHTS
    half = len(WEIGHTS) // 2
    asked = [request.headers.get("range") for request in hub.file_requests]
    assert asked == [None, f"bytes={half}-", f"bytes={half + half // 2}-"]
    assert counted("downloaded_bytes_total", system=client.settings.system) == len(WEIGHTS)


async def test_a_later_run_goes_on_where_one_that_failed_ended(hub: Hub, connect: Connect) -> None:
    hub.publish(ID, {"model.safetensors": WEIGHTS})
    hub.faults.extend(["none", "cut"])
    with pytest.raises(UnreachableError, match="check the network"):
        await models(connect(tries=1)).download_model(ID)
    found = await models(connect()).download_model(ID)
    assert (found.folder / "model.safetensors").read_bytes() == WEIGHTS
    assert hub.file_requests[-1].headers["range"] == f"bytes={len(WEIGHTS) // 2}-"
    assert list((found.folder.parent / "partial").iterdir()) == []


async def test_a_server_that_ignores_ranges_sends_all_again(hub: Hub, connect: Connect) -> None:
    hub.publish(ID, {"model.safetensors": WEIGHTS})
    hub.ranges = False
    hub.faults.extend(["none", "cut"])
    found = await models(connect()).download_model(ID)
    assert (found.folder / "model.safetensors").read_bytes() == WEIGHTS
    assert "range" in hub.file_requests[-1].headers


async def test_what_an_earlier_run_left_is_not_believed(hub: Hub, connect: Connect) -> None:
    hub.publish(ID, {"model.safetensors": WEIGHTS})
    hub.faults.extend(["none", "cut"])
    with pytest.raises(UnreachableError):
        await models(connect(tries=1)).download_model(ID)
    (partial,) = (connect().settings.cache_folder / "org--model" / "partial").iterdir()
    partial.write_bytes(b"other" * 1000)

    found = await models(connect()).download_model(ID)
    assert (found.folder / "model.safetensors").read_bytes() == WEIGHTS
    assert [request.headers.get("range") for request in hub.file_requests] == [None, "bytes=5000-", None]


async def test_a_file_that_changed_since_the_cut_begins_anew(hub: Hub, connect: Connect) -> None:
    hub.publish(ID, {"model.safetensors": WEIGHTS})
    hub.faults.extend(["none", "cut"])
    with pytest.raises(UnreachableError):
        await models(connect(tries=1)).download_model(ID)
    hub.publish(ID, {"model.safetensors": WEIGHTS[::-1]})
    found = await models(connect()).download_model(ID)
    assert (found.folder / "model.safetensors").read_bytes() == WEIGHTS[::-1]
    assert "range" not in hub.file_requests[-1].headers


@pytest.mark.parametrize("lie", [WEIGHTS[::-1], WEIGHTS + b"more"])
async def test_bytes_that_do_not_have_the_digest_are_refused(hub: Hub, connect: Connect, lie: bytes) -> None:
    commit = hub.publish(ID, FILES)
    hub.lies["model.safetensors"] = lie
    with pytest.raises(InvalidAnswerError, match=r"model\.safetensors.* - try again later"):
        await models(connect()).download_model(ID, commit)
    folder = connect().settings.cache_folder / "org--model"
    assert not (folder / commit / "model.safetensors").exists()

    hub.lies.clear()
    found = await models(connect()).download_model(ID, commit)
    assert (found.folder / "model.safetensors").read_bytes() == WEIGHTS


async def test_a_store_elsewhere_gets_no_token(hub: Hub, connect: Connect) -> None:
    hub.publish(ID, FILES)
    hub.token, hub.redirects = "hf_secret", True
    found = await models(connect("hf_secret")).download_model(ID)
    assert found.files == NEEDED
    store = [request for request in hub.requests if request.path.startswith("/store/")]
    assert len(store) == len(NEEDED)
    assert not any("authorization" in request.headers for request in store)
    assert all("authorization" in request.headers for request in hub.requests if request not in store)


async def test_a_gated_model_needs_a_token(hub: Hub, connect: Connect) -> None:
    hub.publish(ID, FILES)
    hub.token = "hf_secret"
    with pytest.raises(ApiError, match=r"401 .*set HF_TOKEN to a token that may read it"):
        await models(connect()).download_model(ID)
    assert (await models(connect("hf_secret")).download_model(ID)).files == NEEDED


async def test_the_caller_may_choose_the_files(hub: Hub, connect: Connect) -> None:
    hub.publish(ID, FILES)
    found = await models(connect()).download_model(ID, wanted=lambda names: [n for n in names if n.startswith("onnx")])
    assert found.files == ("onnx/model.onnx",)
    assert (found.folder / "onnx/model.onnx").read_bytes() == b"onnx"
    with pytest.raises(InferenceError, match="none of the files that are needed"):
        await models(connect()).download_model(ID, wanted=lambda names: [])


@pytest.mark.parametrize(
    ("names", "chosen"),
    [
        (["pytorch_model.bin", "config.json"], ["config.json", "pytorch_model.bin"]),
        (["model.safetensors", "model.fp16.safetensors", "pytorch_model.bin"], ["model.safetensors"]),
        (
            ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors", "model.safetensors.index.json"],
            ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors", "model.safetensors.index.json"],
        ),
        (["model.safetensors", "pytorch_model.bin.index.json", "flax_model.msgpack"], ["model.safetensors"]),
        (["tokenizer.json", "spiece.model", "1_Pooling/config.json", "run.py"], ["spiece.model", "tokenizer.json"]),
    ],
)
def test_weights_of_one_kind_are_needed(names: list[str], chosen: list[str]) -> None:
    assert needed(names) == chosen


@pytest.mark.parametrize("name", ["../outside.json", "/etc/outside.json", "a/../../outside.json", "..\\outside.json"])
async def test_a_file_that_would_lie_outside_is_refused(hub: Hub, connect: Connect, name: str) -> None:
    hub.publish(ID, {name: b"{}"})
    with pytest.raises(InvalidAnswerError, match="outside the model's folder - name another model"):
        await models(connect()).download_model(ID, wanted=lambda names: names)
    assert hub.file_requests == []


@pytest.mark.parametrize("model_id", ["../x", "a/b/c", "a..b", "", "a b", "a--b", "http://x"])
async def test_a_name_that_can_be_no_model_is_refused(hub: Hub, connect: Connect, model_id: str) -> None:
    with pytest.raises(InferenceError, match="is no name of a model on a hub"):
        await models(connect()).download_model(model_id)
    assert hub.requests == []


async def test_two_at_once_fetch_each_file_once(hub: Hub, connect: Connect) -> None:
    commit = hub.publish(ID, FILES)
    found = await asyncio.gather(*(models(connect()).download_model(ID, commit) for _ in range(3)))
    assert found[0] == found[1] == found[2]
    assert len(hub.file_requests) == len(NEEDED)


@pytest.mark.pipeline
async def test_two_processes_do_not_harm_each_other(hub: Hub, connect: Connect) -> None:
    commit = hub.publish(ID, FILES)
    settings = connect().settings
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_download, args=(settings, commit)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        await asyncio.to_thread(process.join, 60)
    assert [process.exitcode for process in processes] == [0, 0]
    assert len(hub.file_requests) == len(NEEDED)


async def test_a_download_that_another_holds_too_long_is_given_up(hub: Hub, connect: Connect) -> None:
    commit = hub.publish(ID, FILES)
    client = connect()
    folder = client.settings.cache_folder
    async with ModelCache(folder, ID).locked(1.0):
        with pytest.raises(
            InferenceError, match=r"another process still downloads org/model .* try again when it is done"
        ):
            await HuggingFaceClient(client, folder, lock_limit_s=0.05).download_model(ID, commit)


def _download(settings: ClientSettings, commit: str) -> None:
    async def run() -> None:
        async with ExternalSystemClient(replace(settings, system="child")) as client:
            assert (await models(client).download_model(ID, commit)).files == NEEDED

    asyncio.run(run())
