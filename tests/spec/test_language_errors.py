"""What a bad config is told: each message whole, as a person reads it."""

from __future__ import annotations

import pytest

from engine.errors import DemitasseError
from engine.spec import parse_net

D = "- {name: d, type: DummyData}\n"
B = "blocks:\n  unit:\n    params: {width: , stride: 1}\n    layer:\n"
C = "    - {name: c, type: Convolution, convolution_param: {num_output: "

# name: the config, and the message.
BAD = {
    "unknown variable": (
        "vars: {batch: 8, width: 2}\nname: n${bach}\n",
        'net.yaml:2:7: unknown variable "bach"\n'
        "  expected: a variable: batch, width\n"
        '  hint: did you mean "batch"?',
    ),
    "no variables at all": (
        "name: ${x}\n",
        'net.yaml:1:7: unknown variable "x"\n  hint: define it under `vars:`',
    ),
    "unknown name in a block": (
        B + C + "'${widht}'}}\nvars: {batch: 1}\nlayer:\n" + D + "- {block: unit, width: 2}\n",
        'net.yaml:5:68 (block "unit" used at net.yaml:9:3): unknown variable "widht"\n'
        '  expected: a parameter of block "unit": width, stride; or a variable: batch\n'
        '  hint: did you mean "width"?',
    ),
    "unbalanced braces": (
        "vars: {a: 1}\nname: x${a\n",
        'net.yaml:2:7: "${" without its "}"\n  got: ${a',
    ),
    "nothing in the braces": (
        "name: ${}\n",
        "net.yaml:1:7: the expression breaks off\n  got: nothing\n"
        "  expected: such as 2 * (width + 1)",
    ),
    "half an expression": (
        "vars: {a: 1}\nname: ${2 * (a + }\n",
        "net.yaml:2:7: the expression breaks off\n  got: 2 * (a +\n"
        "  expected: such as 2 * (width + 1)",
    ),
    "two names": (
        "vars: {a: 1}\nname: ${a a}\n",
        'net.yaml:2:7: "a" is not expected here\n  got: a a\n  expected: such as 2 * (width + 1)',
    ),
    "code": (
        "name: ${__import__('os').system('ls')}\n",
        'net.yaml:1:7: unknown variable "__import__"\n  hint: define it under `vars:`',
    ),
    "a foreign sign": (
        "vars: {a: 1}\nname: ${a ** 2 & 3}\n",
        'net.yaml:2:7: "*" is not expected here\n  got: a ** 2 & 3\n'
        "  expected: such as 2 * (width + 1)",
    ),
    "division by zero": (
        "vars: {a: 0}\nname: ${1 / a}\n",
        "net.yaml:2:7: division by zero\n  got: 1 / a",
    ),
    "text in a calculation": (
        "vars: {a: wide}\nname: ${2 * a}\n",
        'net.yaml:2:7: cannot calculate with "a"\n  got: "wide" (a string)\n'
        "  expected: a number\n  hint: it is set at net.yaml:1:8",
    ),
    "a list in a text": (
        "vars: {a: [1, 2]}\nname: x${a}\n",
        'net.yaml:2:7: "${a}" cannot be part of a text\n  got: a list of 2\n'
        "  expected: a text, a number or a boolean",
    ),
    "itself": (
        "vars: {a: '${b + 1}', b: '${a}'}\nname: ${a}\n",
        'net.yaml:1:26: "a" stands for itself\n  got: a -> b -> a',
    ),
    "no number": (
        "vars: {n: many}\nlayer: [{convolution_param: {num_output: '${n}'}}]\n",
        'net.yaml:2:42 (${n} set at net.yaml:1:8): wrong type for "num_output" in '
        "convolution_param of a layer without a name\n"
        '  got: "many" (a string)\n  expected: an integer from 0 to 4294967295',
    ),
    "half a number": (
        "vars: {n: 5}\nlayer: [{convolution_param: {num_output: '${n / 2}'}}]\n",
        'net.yaml:2:42 (${n / 2}): wrong type for "num_output" in convolution_param of a layer '
        "without a name\n  got: 2.5 (a number)\n  expected: an integer from 0 to 4294967295",
    ),
    "a name that cannot be": (
        "vars: {1st: 1}\nname: n\n",
        'net.yaml:1:8: "1st" cannot be a variable\n  expected: letters, digits and _',
    ),
    "a taken name": (
        "vars: {item: 1}\nname: n\n",
        'net.yaml:1:8: "item" cannot be a variable\n'
        "  expected: another name: blocks give this one a meaning of their own",
    ),
    "variables as a list": (
        "vars: [a]\nname: n\n",
        'net.yaml:1:7: "vars" must hold names and their values\n  got: a list of 1',
    ),
    "no such environment variable": (
        "name: ${env:DEMI_NONE}\n",
        'net.yaml:1:7: the environment has no "DEMI_NONE"\n'
        "  hint: set it, or give a default: ${env:DEMI_NONE:default}",
    ),
    "environment without env": (
        "name: ${HOME}\n",
        'net.yaml:1:7: unknown variable "HOME"\n  hint: ${env:HOME} reads the environment',
    ),
    "no quotes in braces": (
        "vars: {a: 1}\nlayer: [{name: ${a}}]\n",
        "net.yaml:2:17: not YAML: did not find expected ',' or '}'\n"
        '  hint: inside { } and [ ] a value with ${...} needs quotes: "${batch}"',
    ),
    "unknown block": (
        B + C + "1}}\nlayer: [{block: unti, width: 1}]\n",
        'net.yaml:6:17: unknown block "unti"\n  expected: unit\n  hint: did you mean "unit"?',
    ),
    "no blocks": (
        "layer: [{block: unit, width: 1}]\n",
        'net.yaml:1:17: unknown block "unit"\n  hint: define it under `blocks:`',
    ),
    "missing argument": (
        B + C + "1}}\nlayer: [{block: unit, name: x}]\n",
        'net.yaml:6:9: block "unit", defined at net.yaml:2:3, needs "width"\n'
        "  expected: width: VALUE\n  hint: the parameter is defined at net.yaml:3:14",
    ),
    "unknown argument": (
        B + C + "1}}\nlayer: [{block: unit, width: 1, strid: 2}]\n",
        'net.yaml:6:33: unknown argument "strid" of block "unit", defined at net.yaml:2:3\n'
        "  expected: width, stride (optional)\n"
        '  hint: did you mean "stride"?',
    ),
    "argument of a wrong type": (
        B + C + "'${width}'}}\nlayer: [{block: unit, name: x, width: [1]}]\n",
        "net.yaml:5:68 (${width} set at net.yaml:6:39, block \"unit\" used at net.yaml:6:9): "
        'wrong type for "num_output" in convolution_param of layer "x/c"\n  got: a list of 1\n'
        "  expected: an integer from 0 to 4294967295 (it takes one value, not a list)",
    ),
    "recursion": (
        "blocks:\n  a: {layer: [{block: b}]}\n  b: {layer: [{block: a}]}\nlayer: [{block: a}]\n",
        'net.yaml:3:15 (block "b" used at net.yaml:2:15, block "a" used at net.yaml:4:9): '
        "a block uses itself\n  got: a -> b -> a",
    ),
    "wrong repeat": (
        B + C + "1}}\nlayer: [{block: unit, name: x, width: 1, repeat: often}]\n",
        "net.yaml:6:50: wrong value for repeat\n  got: \"often\" (a string)\n"
        "  expected: how many times, or a list with an item for each time",
    ),
    "no second bottom": (
        "blocks: {s: {layer: [{name: e, type: Eltwise, bottom: [in, in2]}]}}\nlayer:\n" + D
        + "- {block: s, name: x}\n",
        'net.yaml:1:60 (block "s" used at net.yaml:4:3): block "s" reads "in2", which it is not '
        "given\n  got: 1 bottom\n  hint: give the use a `bottom:`",
    ),
    "a top without out": (
        "blocks: {s: {layer: [{name: e, type: ReLU}]}}\nlayer:\n" + D
        + "- {block: s, name: x, top: y}\n",
        'net.yaml:4:3: block "s" has no top "out" that the given top could name\n'
        "  hint: let a layer of it say `top: out`, or leave the top of the use out",
    ),
    "a name that is not given": (
        "blocks: {s: {layer: [{name: '${name}', type: ReLU}]}}\nlayer:\n" + D + "- {block: s}\n",
        'net.yaml:1:29 (block "s" used at net.yaml:4:3): unknown variable "name"\n'
        "  hint: give the use of the block a `name:`",
    ),
    "block without layers": (
        "blocks:\n  s: {params: [a]}\nname: n\n",
        'net.yaml:2:3: block "s" has no layers\n  expected: a `layer:` list',
    ),
    "block with a stray field": (
        "blocks:\n  s: {width: 1, layer: [{type: ReLU}]}\nname: n\n",
        'net.yaml:2:7: unknown field "width" in block "s"\n  expected: "params" and "layer"\n'
        "  hint: parameters and their defaults go under `params:`",
    ),
    "block that is no block": (
        "blocks:\n  s: [1]\nname: n\n",
        'net.yaml:2:6: block "s" must hold `params:` and `layer:`\n  got: a list of 1',
    ),
    "parameter with a meaning": (
        "blocks:\n  s: {params: [bottom], layer: [{type: ReLU}]}\nname: n\n",
        'net.yaml:2:16: "bottom" cannot be a parameter of block "s": it has a meaning of its own',
    ),
    "a mistake in a block that is used twice": (
        "blocks: {s: {layer: [{name: e, tpye: ReLU}]}}\nlayer:\n" + D
        + "- {block: s, name: x}\n- {block: s, name: y}\n",
        'net.yaml:1:32 (block "s" used at net.yaml:4:3): unknown field "tpye" in layer "x/e"\n'
        '  hint: did you mean "type"?',
    ),
    "an include that is no name": (
        "include: {a: 1}\nname: n\n",
        "net.yaml:1:10: an include takes the name of a file\n  got: a group of fields\n"
        "  expected: a plain text",
    ),
    "an include of prototxt": (
        "include: a.prototxt\nname: n\n",
        'net.yaml:1:10: only YAML files can be included\n  got: "a.prototxt"\n'
        "  hint: demitasse convert a.prototxt a.yaml",
    ),
    "two things in an include": (
        "layer: [{include: a.txt, name: x}]\n",
        'net.yaml:1:26: "name" beside the include of a file\n'
        "  expected: an item that says only `include:`",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_message(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DEMI_NONE", raising=False)
    monkeypatch.setenv("HOME", "/root")
    text, message = BAD[name]
    with pytest.raises(DemitasseError) as caught:
        parse_net(text, "net.yaml")
    problems = getattr(caught.value, "problems", [caught.value])
    assert str(problems[0]) == message


@pytest.mark.parametrize("name", [n for n in BAD if n != "two things in an include"])
def test_one_mistake_is_one_problem(name: str) -> None:
    with pytest.raises(DemitasseError) as caught:
        parse_net(BAD[name][0], "net.yaml")
    assert len(getattr(caught.value, "problems", [caught.value])) == 1


def test_all_problems_at_once() -> None:
    text = "vars: {a: '${none}'}\nblocks: {s: {}}\nname: ${b}\nlayer: [{nam: x}, {block: t}]\n"
    with pytest.raises(DemitasseError) as caught:
        parse_net(text, "net.yaml")
    said = str(caught.value)
    for part in (
        "6 problems" if "t" not in text else "5 problems",
        '"none"',
        '"s"',
        '"b"',
        '"nam"',
    ):
        assert part in said
