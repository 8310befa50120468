"""Threads are bound to cores while oneDNN computes, and only then, and only where that is ours."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap

import pytest

from engine.kernels.onednn import places
from layers.kernels.threads import thread_count
from tests.harness.engines import needs_onednn

pytestmark = needs_onednn

# A net with a layer of the user's, which tells where it may run: after a pass, how many threads of
# the process are bound, what the calling thread may do, and which settings were left behind.
PROGRAM = textwrap.dedent(
    """
    import json, os, sys
    from engine import Layer, Net, register_layer
    from engine.spec import parse_net
    from layers.kernels.threads import set_thread_count

    seen = []

    @register_layer("WhereAmI")
    class WhereAmI(Layer):
        exact_num_bottom = exact_num_top = 1

        def reshape(self, bottom, top):
            top[0].reshape(*bottom[0].shape)

        def forward(self, bottom, top):
            seen.append(len(os.sched_getaffinity(0)))
            top[0].data = bottom[0].data

        def backward(self, top, propagate_down, bottom):
            seen.append(len(os.sched_getaffinity(0)))
            bottom[0].diff = top[0].diff

    def bound():
        allowed = []
        for task in os.listdir("/proc/self/task"):
            allowed.append(len(os.sched_getaffinity(int(task))))
        return sum(count == 1 for count in allowed)

    set_thread_count(int(sys.argv[1]))
    net = Net(parse_net('''
        force_backward: true
        layer { name: "x" type: "Input" top: "x" input_param { shape { dim: [8, 3, 64, 64] } } }
        layer { name: "c" type: "Convolution" bottom: "x" top: "y"
                convolution_param { num_output: 16 kernel_size: 3 } }
        layer { name: "where" type: "WhereAmI" bottom: "y" top: "z" }
        layer { name: "sum" type: "Reduction" bottom: "z" top: "loss" loss_weight: 1 }'''))
    net.forward_backward(True)
    print(json.dumps({
        "seen": seen, "bound": bound(), "here": len(os.sched_getaffinity(0)),
        "settings": [name for name in os.environ if name.startswith("OMP_P")],
    }))
    """
)


def cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1


needs_cores = pytest.mark.skipif(cores() < 2, reason="one core only")
needs_all_cores = pytest.mark.skipif(
    cores() < 2 or thread_count() != cores(), reason="threads of a core that offers several"
)


def ran(threads: int, **settings: str) -> dict[str, object]:
    unset = ("OMP_PROC_BIND", "OMP_PLACES", "GOMP_CPU_AFFINITY")
    env = {name: value for name, value in os.environ.items() if name not in unset}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(threads)],
        env={**env, "DEMITASSE_ENGINE": "onednn", **settings},
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, object] = json.loads(done.stdout)
    return found


@needs_all_cores
def test_each_thread_has_its_core_while_the_engine_computes() -> None:
    found = ran(cores())
    assert found["bound"] == cores() - 1
    assert found["seen"] == [cores()] * 2 and found["here"] == cores()
    assert found["settings"] == []


@needs_cores
@pytest.mark.parametrize("threads", [1, cores() + 1])
def test_threads_that_are_not_as_many_as_cores_may_move(threads: int) -> None:
    found = ran(threads)
    assert found["bound"] == 0 and found["here"] == cores()


@needs_cores
def test_what_the_user_sets_stays() -> None:
    found = ran(cores(), OMP_PROC_BIND="false")
    assert found["bound"] == 0 and found["here"] == cores()
    assert found["settings"] == ["OMP_PROC_BIND"]


@pytest.fixture
def first(monkeypatch: pytest.MonkeyPatch) -> set[int]:
    """Has this thread's place be the last of its cores."""
    everywhere = os.sched_getaffinity(0)
    core = {max(everywhere)}
    made = places._Places(thread_count(), core, everywhere)
    monkeypatch.setattr(places, "_places", lambda: made)
    return core


@needs_cores
def test_bound_inside_and_not_after(first: set[int]) -> None:
    everywhere = os.sched_getaffinity(0)
    with pytest.raises(KeyError), places.on_own_core():
        assert os.sched_getaffinity(0) == first
        with places.on_any_core():
            assert os.sched_getaffinity(0) == everywhere
            with places.on_own_core():  # a net inside of a layer
                assert os.sched_getaffinity(0) == first
            assert os.sched_getaffinity(0) == everywhere
        assert os.sched_getaffinity(0) == first
        raise KeyError
    assert os.sched_getaffinity(0) == everywhere


@needs_cores
def test_a_thread_that_may_not_run_there_stays_where_it_is(first: set[int]) -> None:
    everywhere = os.sched_getaffinity(0)
    others = everywhere - first
    os.sched_setaffinity(0, others)
    try:
        with places.on_own_core():
            assert os.sched_getaffinity(0) == others
        assert os.sched_getaffinity(0) == others
    finally:
        os.sched_setaffinity(0, everywhere)


@needs_cores
def test_where_openmp_itself_has_bound_the_thread_it_is_let_go(first: set[int]) -> None:
    everywhere = os.sched_getaffinity(0)
    os.sched_setaffinity(0, first)
    with places.on_own_core():
        assert os.sched_getaffinity(0) == first
    assert os.sched_getaffinity(0) == everywhere
