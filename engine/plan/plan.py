"""Plan: a net compiled into calls, run whole; where it stops, the layers themselves go on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from engine.kernels.onednn.calls import OneDNNError
from engine.kernels.onednn.constants import BF16, F32
from engine.kernels.onednn.memory import Memory
from engine.kernels.onednn.places import on_own_core
from engine.kernels.onednn.primitive import Call
from engine.kernels.onednn.threads import is_left_alone, use_threads
from engine.net.gradient_flow import Node
from engine.plan.calls import is_own
from engine.plan.catch_up import catch_up
from engine.plan.compiler import Compiler
from engine.plan.operations import Operation, Reference, find_operation
from engine.plan.parts import Pass
from engine.plan.tensor import Copy, LateCopy, TensorHome, refuse
from layers.blob import Array, Blob
from layers.errors import DemitasseError
from layers.kernels.threads import thread_count

_OURS = ("DEFAULT", "ONEDNN")


class Plan:
    """The compiled passes of a net, for the shapes it has now.

    ``forward`` and ``backward`` run whole passes. In between and after, blobs show their
    values as ever: what lies elsewhere is copied out when somebody looks, and copied back in
    before the next pass that starts from it.

    Args:
        nodes: of the net, in order.
        bf16: whether operations compute with bfloat16, those that can.
        keep_gradients: whether gradients of blobs can be looked at after the backward pass.

    Attributes:
        tail: the position from which on nothing was compiled for the shapes of tops; the number
            of layers where there is no such part.
    """

    def __init__(self, nodes: Sequence[Node], bf16: bool = False, keep_gradients: bool = True):
        self.dtypes = (BF16, F32) if bf16 else (F32,)
        self.threads, self.is_left_alone = thread_count(), is_left_alone()
        use_threads(self.threads)
        self.nodes = nodes
        self.keep_gradients = keep_gradients
        self.compiler = Compiler(nodes, keep_gradients, list(_preserved(nodes)))
        self.operations: list[Operation] = []
        self._made_before: list[int] = []  # tensors, before each operation
        self.forward_pass = Pass()
        taken: set[int] = set()
        for index, node in enumerate(nodes):
            if id(node) not in taken:
                self._made_before.append(len(self.compiler.tensors))
                self.operations.append(self._compile(index))
                self.forward_pass.end_part(self.operations[-1], self.compiler.calls)
                taken.update(id(node) for node in self.operations[-1].nodes)
        self.compiler.end_forward()
        self.backward_passes: dict[bool, Pass] = {}
        self.compiler.scratch.bind()
        self.compiler.passing.bind()
        self.homes = self._make_homes()
        self.tail = self._find_tail()
        self.shapes = [blob.shape for blob in self._blobs()]
        self._fitted, self._followed = -1, [-1, -1]

    def fits(self) -> bool:
        """Whether the net still has the shapes, and the process the threads, of the plan."""
        if self.threads != thread_count() or self.was_forked():
            return False
        if self._fitted != Blob.changes:
            if not self.has_shapes():
                return False
            self._fitted = Blob.changes
        return True

    def has_shapes(self) -> bool:
        """Whether the net still has the shapes of the plan."""
        return self.shapes == [blob.shape for blob in self._blobs()]

    def was_forked(self) -> bool:
        """Whether it was made for threads that this process does not have."""
        return self.is_left_alone != is_left_alone()

    def forward(self) -> None:
        """Runs all layers.

        Raises:
            ShapeChanged: a layer made a top of another shape; nothing after it has run. At a
                position in the tail, the plan is as good as before.
        """
        use_threads(self.threads)
        self._follow(0)
        self._run(self.forward_pass.calls, 0)

    def backward(self, fresh: bool) -> None:
        """Runs all layers backward.

        Args:
            fresh: whether gradients of parameters replace what was there.
        """
        compiled = self.backward_passes.get(fresh)
        if compiled is None:
            compiled = self.backward_passes[fresh] = self._compile_backward(fresh)
        self._follow(1)
        for blob, home in self.homes.items():
            home.put_back(blob, 0)
            home.put_back(blob, 1)
        self._run(compiled.calls, 1)
        for blob, home in self.homes.items():
            home.cover(blob)

    def _follow(self, which: int) -> None:
        """Finds arrays of values (0) or gradients (1) again that have moved since last time."""
        if self._followed[which] != Blob.changes:
            self._followed[which] = Blob.changes
            self.compiler.follow_all(which)

    def _run(self, calls: Sequence[Call], which: int) -> None:
        """Runs the calls of a pass, after which the values (0) or gradients (1) are new."""
        try:
            with on_own_core():
                for call in calls:
                    if call():
                        name = getattr(call, "name", call)
                        raise DemitasseError(f"oneDNN could not compute {name}")
        finally:
            for blob, home in self.homes.items():
                home.hide(blob, which)

    def leave(self, ran: int) -> None:
        """Brings all values into the blobs' own arrays, for the layers to go on with.

        Args:
            ran: how many layers, from the first on, have run forward.
        """
        for blob, home in self.homes.items():
            home.put_back(blob, 0)  # for those that have the same values, Split's tops
        for blob in self.homes:
            blob.data  # noqa: B018 - who asks gets them into the blob's own arrays
            if self.keep_gradients:
                blob.diff  # noqa: B018
            blob.home = None
        catch_up(self.operations, self.nodes[:ran])

    def _compile(self, index: int) -> Operation:
        node = self.nodes[index]
        found = find_operation(node.layer.type)
        engine = engine_of(node)
        if found is None:
            return Reference(self.compiler, [node], "no operation for this type")
        if engine not in _OURS:
            return Reference(self.compiler, [node], f"engine: {engine} in the config")
        group = found.match(self.nodes, index)
        if not group:
            return Reference(self.compiler, [node], f"oneDNN here: {found.limits}")
        for dtype in self.dtypes:
            self.compiler.dtype = dtype
            try:
                return found(self.compiler, group)
            except OneDNNError as problem:
                why = f"oneDNN: {problem}"
        return Reference(self.compiler, [node], why)  # can do what the library cannot

    def _compile_backward(self, fresh: bool) -> Pass:
        self.compiler.start_backward(fresh)
        compiled = Pass()
        pairs = zip(self.operations, self._made_before, strict=True)
        for operation, before in reversed(list(pairs)):
            if operation.node.need_backward:
                operation.backward(self.compiler)
                compiled.end_part(operation, self.compiler.calls)
                self.compiler.end_backward(self.compiler.tensors[:before])
        if fresh:
            self.compiler.clear_the_rest(blob for node in self.nodes for blob in node.layer.blobs)
        compiled.end(self.compiler.calls)
        self.compiler.scratch.bind()
        self.compiler.passing.bind()
        for blob, home in self.homes.items():
            home.add_gradient(*self._gradient_copies(blob))
        return compiled

    def _make_homes(self) -> dict[Blob, TensorHome]:
        homes = {}
        for tensors in self.compiler.made.values():
            blob, last = tensors[-1].blob, tensors[-1]
            own = is_own(last.memory, blob, 0)
            blob.home = homes[blob] = TensorHome(None if own else last.memory)
        return homes

    def _gradient_copies(
        self, blob: Blob
    ) -> tuple[Copy | None, Copy | None, Callable[[Array], None] | None]:
        """Out of the first version, whose gradient comes last; into the last, where it begins."""
        tensors = self.compiler.made[id(blob)]
        first = tensors[0].diff
        last = tensors[-1].diff if self.compiler.is_output(blob) else None
        if first is not None and not self._kept(blob, first):
            return refuse, None, None
        out = into = None
        if first is not None and not is_own(first, blob, 1):
            out = LateCopy(first, out=True)
        if last is not None and not is_own(last, blob, 1):
            into = LateCopy(last, out=False)
        return out, into, self.compiler.revisions.get(id(tensors[0]))

    def _kept(self, blob: Blob, diff: Memory) -> bool:
        return self.keep_gradients or self.compiler.is_output(blob) or is_own(diff, blob, 1)

    def _find_tail(self) -> int:
        """From which position on all layers run as they are, and forward alone."""
        start = len(self.nodes)
        for operation in reversed(self.operations):
            node = operation.node
            alone = isinstance(operation, Reference) and not node.need_backward
            if not alone or self.nodes[start - 1] is not node:  # some fused one lies between
                break
            start -= 1
        return start

    def _blobs(self) -> list[Blob]:
        """Those that calls were compiled for, so that they must keep their shapes."""
        return [blob for node in self.nodes[: self.tail] for blob in node.top]


def _preserved(nodes: Sequence[Node]) -> Iterator[Blob]:
    """What operations that want their bottom again, backward, change in place."""
    for node in nodes:
        found = find_operation(node.layer.type)
        if found is not None and found.wants_bottom:
            yield from (blob for blob in node.bottom if any(blob is top for top in node.top))


def engine_of(node: Node) -> str:
    """The engine that the config asks for: ``DEFAULT`` where it leaves that to us."""
    for _, value in node.layer.layer_param.ListFields():
        fields = getattr(value, "DESCRIPTOR", None)  # of messages alone
        engine = fields.fields_by_name.get("engine") if fields is not None else None
        if engine is not None and value.HasField("engine"):
            return str(engine.enum_type.values_by_number[value.engine].name)
    return "DEFAULT"


def compile_plan(nodes: Sequence[Node], bf16: bool, keep_gradients: bool) -> Plan:
    """The plan of a net's nodes."""
    return Plan(nodes, bf16, keep_gradients)
