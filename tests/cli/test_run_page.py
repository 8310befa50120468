"""The page of training runs: its data, and in a real browser its curves and hover values."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tools import cli
from tools.plotting.run_page import page_data, runs_page
from tools.plotting.runs import Run

NAN = float("nan")
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
BROWSER = next(filter(None, map(shutil.which, NAMES)), None)
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
FAST = Run(
    "fast",
    loss={0: 2.5, 50: NAN, 100: 0.25},
    smoothed={0: 2.5, 50: 1.5, 100: 0.75},
    lr={0: 0.1, 50: 0.1, 100: 0.01},
    scores={"accuracy": {0: 0.125, 100: 0.875}},
)
SLOW = Run("slow & <steady>", loss={0: 2.25, 80: 1}, smoothed={0: 2.25, 80: 1}, lr={0: 1e-5})


def test_data() -> None:
    data = page_data([FAST, SLOW])
    assert [run["name"] for run in data["runs"]] == ["fast", "slow & <steady>"]
    assert [panel["title"] for panel in data["panels"]] == [
        "training loss", "test accuracy", "learning rate",
    ]  # fmt: skip
    assert data["panels"][0]["curves"] == [
        {"run": 0, "kind": "raw", "points": [[0, 2.5], [50, None], [100, 0.25]]},
        {"run": 0, "kind": "line", "points": [[0, 2.5], [50, 1.5], [100, 0.75]]},
        {"run": 1, "kind": "line", "points": [[0, 2.25], [80, 1.0]]},
    ]
    assert data["panels"][1]["curves"] == [
        {"run": 0, "kind": "points", "points": [[0, 0.125], [100, 0.875]]}
    ]


def test_many_runs_differ_in_colour_or_dashes() -> None:
    runs = [Run(str(index), loss={0: 1}, smoothed={0: 1}) for index in range(20)]
    looks = {(run["colour"], run["dashes"]) for run in page_data(runs)["runs"]}
    assert len(looks) == 20


def test_nothing_is_fetched_and_no_name_is_markup() -> None:
    evil = Run("</script><img src=x>", loss={0: 1}, smoothed={0: 1})
    page = runs_page([evil])
    assert "<img" not in page and page.count("</script>") == 2
    assert "default-src 'none'" in page
    addresses = set(re.findall(r"https?://[^\s\"']+", page))
    assert addresses == {"http://www.w3.org/2000/svg"}  # a name, not a place


def test_command_needs_no_matplotlib(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.chdir(tmp_path)
    entry = {"event": "display", "iteration": 0, "loss": 1.5, "smoothed_loss": 1.5, "lr": 0.1}
    Path("net_log.jsonl").write_text(json.dumps(entry))
    assert cli.main(["plot", "run", ".", "-o", "run.html"]) == 0
    assert '"points": [[0, 1.5]]' in Path("run.html").read_text()


def browse(folder: Path, act: str) -> Any:
    """What a script answers that acts on the page in a browser; PANEL(n) and TABLE(n) help it."""
    helpers = """
        const PANEL = n => document.querySelectorAll("svg.plot")[n];
        const TABLE = n => [...document.querySelectorAll("table")[n].rows]
            .map(row => [...row.cells].map(cell => cell.textContent));
        const CAPTION = n => document.querySelectorAll("caption")[n].textContent;
        const POINT = (n, tick) => {
            const box = [...PANEL(n).querySelectorAll("text")]
                .find(text => text.textContent === tick).getBoundingClientRect();
            PANEL(n).dispatchEvent(new PointerEvent("pointermove",
                {clientX: box.left + box.width / 2, clientY: box.top - 50})); };
        const PRESS = (n, key) => PANEL(n).dispatchEvent(new KeyboardEvent("keydown", {key}));"""
    script = f"{helpers}\ndocument.title = JSON.stringify((() => {{ {act} }})());"
    page = folder / "run.html"
    page.write_text(runs_page([FAST, SLOW]).replace("</body>", f"<script>{script}</script></body>"))
    done = subprocess.run(
        [str(BROWSER), *FLAGS, f"--user-data-dir={folder / 'profile'}", "--dump-dom",
         page.as_uri()],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    title = re.search(r"<title>(.*?)</title>", done.stdout, re.S)
    assert title, done.stdout
    return json.loads(html.unescape(title.group(1)))


@pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed")
class TestInBrowser:
    """Each test starts a browser of its own: what they share is the machine."""

    def test_curves_and_last_values(self, tmp_path: Path) -> None:
        seen = browse(tmp_path, """
            return {panels: [...document.querySelectorAll("h2")].map(head => head.textContent),
                    labels: [...PANEL(0).querySelectorAll("text")].map(text => text.textContent),
                    curves: [...PANEL(0).querySelectorAll("path")].map(path => [
                        path.getAttribute("d").match(/[ML]/g).join(""),
                        path.getAttribute("stroke")]),
                    caption: CAPTION(0), table: TABLE(0)};""")  # fmt: skip
        assert seen["panels"] == ["training loss", "test accuracy", "learning rate"]
        assert {"iteration", "training loss", "0", "100"} <= set(seen["labels"])
        axes, raw, smoothed, slow = seen["curves"]
        assert raw[0] == "MM"  # a gap where the loss was not finite
        assert (smoothed[0], slow[0]) == ("MLL", "ML")
        assert raw[1] == smoothed[1] != slow[1]
        assert seen["caption"] == "last values"
        assert seen["table"] == [
            ["run", "of a batch", "smoothed", "read at"],
            ["fast", "0.25", "0.75", "100"],
            ["slow & <steady>", "", "1", "80"],
        ]

    def test_pointing_reads_all_runs_in_all_panels(self, tmp_path: Path) -> None:
        seen = browse(tmp_path, """
            POINT(0, "40");  // 50 is the nearest iteration that any run knows of
            const there = [CAPTION(0), TABLE(0), CAPTION(1), TABLE(1), TABLE(2)];
            PANEL(0).dispatchEvent(new PointerEvent("pointerleave"));
            return [...there, CAPTION(0)];""")  # fmt: skip
        loss, accuracy, lr = seen[1], seen[3], seen[4]
        assert seen[0] == seen[2] == "iteration 50"
        assert loss[1:] == [["fast", "not finite", "1.5", "50"], ["slow & <steady>", "", "1", "80"]]
        assert accuracy[1:] == [["fast", "0.125", "0"]]
        assert lr[1:] == [["fast", "0.1", "50"], ["slow & <steady>", "1.000e-5", "0"]]
        assert seen[5] == "last values"

    def test_arrow_keys_and_logarithmic_axis(self, tmp_path: Path) -> None:
        seen = browse(tmp_path, """
            const stops = ["ArrowRight", "ArrowRight", "ArrowRight", "ArrowLeft"].map(
                key => { PRESS(0, key); return CAPTION(0); });
            const lr = PANEL(2), before = lr.querySelectorAll("path")[1].getAttribute("d");
            document.querySelectorAll("input")[2].click();
            const after = lr.querySelectorAll("path")[1].getAttribute("d");
            const ticks = [...lr.querySelectorAll("text")].map(text => text.textContent);
            return [stops, before !== after, ticks];""")  # fmt: skip
        assert seen[0] == ["iteration 0", "iteration 50", "iteration 80", "iteration 50"]
        assert seen[1] is True
        assert {"0.1", "0.01", "1.000e-5"} <= set(seen[2])
