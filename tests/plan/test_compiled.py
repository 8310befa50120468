"""Compiled loops are kept where a folder can be written, under a name that tells their source."""

from __future__ import annotations

from pathlib import Path

import pytest

numba = pytest.importorskip("numba")

from engine.kernels import loops  # noqa: E402
from engine.kernels.loops import compiled as module  # noqa: E402 - imports numba
from engine.kernels.loops.compiled import compiled  # noqa: E402
from engine.kernels.onednn.calls import OneDNNError  # noqa: E402


def loop(count):  # type: ignore[no-untyped-def]
    total = 0
    for index in numba.prange(count):
        total += index
    return total


def test_code_is_kept_for_one_state_of_the_source(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))
    for name in ("before", "after", "after"):
        monkeypatch.setattr(module, "_fingerprint", lambda name=name: name)
        monkeypatch.setattr(loop, "__qualname__", "loop")
        assert compiled(loop)(4) == 6
    kept = sorted(path.name for path in tmp_path.rglob("*.nbc"))
    assert ["loop-after" in kept[0], "loop-before" in kept[1]] == [True, True]
    assert len(kept) == 2


def test_who_waits_for_the_compiler_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))
    told = []
    for _ in range(2):
        module._tell.cache_clear()
        monkeypatch.setattr(loop, "__qualname__", "loop")
        with caplog.at_level("INFO", "demitasse"):
            compiled(loop)(4)
        told.append(sum("for this processor" in line for line in caplog.messages))
    assert told == [1, 1]  # the second time the code is there


def test_where_nothing_can_be_kept_it_is_compiled_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_folder(loop: object) -> None:
        raise RuntimeError("cannot cache function: no locator available")

    monkeypatch.setattr(module, "_MachineCode", no_folder)
    monkeypatch.setattr(loop, "__qualname__", "loop")
    assert compiled(loop)(4) == 6


@pytest.mark.parametrize("kind", ["nbi", "nbc"])
@pytest.mark.parametrize("damage", [b"", b"garbage", None])
def test_damaged_machine_code_is_compiled_anew_and_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kind: str, damage: bytes | None
) -> None:
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))
    for turn in range(3):
        monkeypatch.setattr(loop, "__qualname__", "loop")
        dispatcher = compiled(loop)
        assert dispatcher(4) == 6
        assert sum(dispatcher.stats.cache_hits.values()) == (1 if turn == 2 else 0)
        (path,) = tmp_path.rglob(f"*.{kind}")
        if turn == 0:
            whole = path.read_bytes()
            path.write_bytes(whole[: len(whole) // 2] if damage is None else damage)


def test_a_folder_that_takes_nothing_more(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))
    monkeypatch.setattr("numba.core.caching.IndexDataCacheFile._save_data", full)
    monkeypatch.setattr(loop, "__qualname__", "loop")
    assert compiled(loop)(4) == 6
    assert not list(tmp_path.rglob("*.nbc"))


def broken(name: str) -> None:
    raise ImportError(f"no {name}")


@pytest.mark.parametrize(
    ("place", "name", "value", "why"),
    [
        (loops, "find_spec", lambda name: None, "pip install"),
        (loops, "import_module", broken, "does not work here: no numba.np.ufunc.omppool"),
        (numba.config, "DISABLE_JIT", 1, "NUMBA_DISABLE_JIT"),
    ],
)
def test_numba_that_is_of_no_use(
    monkeypatch: pytest.MonkeyPatch, place: object, name: str, value: object, why: str
) -> None:
    monkeypatch.setattr(loops, "_problem", loops._problem.__wrapped__)
    monkeypatch.setattr(place, name, value)
    with pytest.raises(OneDNNError, match=why):
        loops.need_loops()
