"""The topics of the course: what `demitasse course N` runs."""

from __future__ import annotations

TOPICS: dict[int, tuple[str, str]] = {
    1: ("decision_regions", "Decision regions by depth: half-spaces, polyhedra, any region"),
    2: ("basis_functions", "A two-layer MLP as a generalised linear model: its basis functions"),
    3: ("depth", "Deeper or wider: one budget of parameters, one to four hidden layers"),
    4: ("gradients", "Numerical and analytic gradient: compared, timed, and a bug caught"),
    5: ("descent", "Gradient descent on an error surface: the paths of six solvers"),
    6: ("computational_graphs", "Computational graphs: values forward, gradients backward"),
    7: ("flow_patterns", "Patterns in backward flow: add, max, multiply, branch"),
    8: ("own_layer", "Forward and backward: a layer beside its formula, and one of your own"),
    9: ("sensitivity", "The sensitivity recursion: by formula, by backward, by differences"),
    10: ("vectorised", "Vectorised operations: Jacobians never formed, shapes of gradients"),
    11: ("svm", "SVM: a multi-class hinge loss as a graph, next to softmax"),
    12: ("convolution", "Convolutional contrast: an MLP and LeNet on digits"),
}
