"""`regime tune` from a config to a file of choices: run, killed, resumed, and misused."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from regime.cli import main
from regime.config import dump
from regime.errors import ConfigError
from regime.parallel import NoProgress
from regime.pipeline.settings import Settings, load_settings
from regime.pipeline.tuned_choices import load_tuned, settings_for_block
from regime.studies.tuning.search_space import SearchSpace
from regime.studies.tuning.study import Study, StudyPlan
from regime.workflows.tune import TuneSettings, tune

torture = pytest.mark.skipif(
    not os.environ.get("REGIME_TORTURE"), reason="minutes of killed processes: make torture"
)

OVERRIDES = (
    "source.SimulatedSource.years=9",
    "splits.first_test=2012-01-01",
    "splits.minimum_train=500",
    "model.seeds=1",
    "tracking=NullTracker",
    "parallel.jobs=1",
)
QUICK = SearchSpace(
    depths=((2.0,), (1.5, 2.0)), baskets=((1.0,),), jump_share=0.0, leaves=(3, 5), rounds=(50, 50)
)
HOW = TuneSettings(space=QUICK)


@pytest.fixture(scope="module")
def tiny() -> Settings:
    return load_settings("demo.yaml", OVERRIDES)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


class TestTheWholeWay:
    def test_a_block_is_tuned_and_its_choice_can_be_taken(self, tiny, here):
        stages: dict[str, int] = {}

        class Watch(NoProgress):
            def stage(self, name, total=None):
                from contextlib import nullcontext

                class Counter:
                    def advance(self, n=1):
                        stages[name] = stages.get(name, 0) + n

                return nullcontext(Counter())

        result = tune(tiny, trials=3, block=2012, out="tuned.yaml", how=HOW, progress=Watch())
        (found,) = load_tuned("tuned.yaml").blocks
        assert dump(found) == dump(result.choices[0]) and result.notes == ()
        assert found.trials == {"wanted": 3, "complete": 3, "pruned": 0, "failed": 0}
        assert stages == {"trials before 2012": 3}
        assert found.known_until < date(2012, 1, 1) and found.chosen["trial"] in range(3)
        assert len(found.chosen["folds"]) == 5
        assert (
            settings_for_block(tiny, load_tuned("tuned.yaml"), 2012).labels
            == found.parameters.labels
        )
        assert json.loads(json.dumps(result.summary))["blocks"][0]["first"] == "2012-01-01"
        assert sorted(path.name for path in here.iterdir()) == ["mlruns", "tuned.yaml"]

    def test_a_study_that_has_enough_is_only_read(self, tiny, here):
        first = tune(tiny, trials=2, block=2012, out="a.yaml", how=HOW)
        begun = time.monotonic()
        again = tune(tiny, trials=1, block=2012, out="b.yaml", how=HOW)
        assert time.monotonic() - begun < 10
        assert (
            again.choices[0].chosen == first.choices[0].chosen
            and again.choices[0].trials["complete"] == 2
        )

    @torture
    def test_all_blocks_are_tuned_where_none_is_named(self, tiny, here):
        early = replace(tiny, splits=replace(tiny.splits, first_test=date(2011, 1, 1)))
        result = tune(early, trials=1, out="tuned.yaml", how=replace(HOW, years=2))
        assert [choice.year for choice in result.choices] == [2011, 2013]
        assert (
            result.choices[0].known_until
            < date(2011, 1, 1)
            < result.choices[1].known_until
            < date(2013, 1, 1)
        )

    @torture
    def test_two_workers_give_what_one_gives(self, tiny, here):
        alone, spread = (
            tune(
                tiny,
                trials=5,
                workers=workers,
                block=2012,
                out=f"{workers}.yaml",
                how=HOW,
                storage=f"journal://{here}/{workers}.journal",
            )
            for workers in (1, 2)
        )
        tables = []
        for workers, result in ((1, alone), (2, spread)):
            study = opened(result.choices[0].study, here / f"{workers}.journal")
            tables.append(
                [(study.params(number), study.folds(number)) for number in study.trials().index]
            )
        assert tables[0] == tables[1] and len(tables[0]) == 5
        assert alone.choices[0].chosen == spread.choices[0].chosen


def opened(name: str, journal: Path) -> Study:
    return Study(
        StudyPlan(
            name=name,
            storage=f"journal://{journal}",
            locks=journal.parent / "mlruns" / "tuning",
            folds=5,
        )
    )


SCRIPT = """
import os, sys
from regime.studies.tuning.objective import Objective
from regime.studies.tuning.search_space import SearchSpace
from regime.pipeline.settings import load_settings
from regime.workflows.tune import TuneSettings, tune
QUICK = SearchSpace(
    depths=((2.0,), (1.5, 2.0)), baskets=((1.0,),), jump_share=0.0, leaves=(3, 5), rounds=(50, 50)
)
evaluate, begun = Objective.__call__, []
def dying(self, parameters):
    begun.append(1)
    for number, value in enumerate(evaluate(self, parameters)):
        if len(begun) == DEATH and number == 2:
            os.kill(os.getpid(), int(sys.argv[1]))
        yield value
if __name__ == "__main__":
    DEATH, total, workers = map(int, sys.argv[2:5])
    Objective.__call__ = dying
    tune(load_settings("demo.yaml", sys.argv[5:]), trials=total, workers=workers, block=2012,
         out="tuned.yaml", how=TuneSettings(space=QUICK))
"""


def listening() -> None:
    """Take Ctrl-C as a terminal's child would.

    A background job's children inherit that it is ignored.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def script(place: Path, number: int, death: int, total: int, workers: int) -> subprocess.Popen[str]:
    (place / "script.py").write_text(SCRIPT)
    return subprocess.Popen(
        [
            sys.executable,
            "script.py",
            str(number),
            str(death),
            str(total),
            str(workers),
            *OVERRIDES,
        ],
        cwd=place,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=listening,
    )


class TestKilledAndResumed:
    def test_killed_at_trial_7_of_20_and_resumed_it_has_20_distinct_finished_trials(
        self, tiny, here
    ):
        done = script(here, signal.SIGKILL, 7, 20, 1)
        done.communicate(timeout=300)
        assert done.returncode == -signal.SIGKILL and not (here / "tuned.yaml").exists()
        journal = here / "mlruns" / "tuning.journal"
        with journal.open("ab") as file:
            file.write(b'{"op_code":5,"worker_id":"torn')
        result = tune(tiny, trials=20, block=2012, out="tuned.yaml", how=HOW)
        assert len(result.notes) == 2 and "30 bytes were cut" in result.notes[0]
        assert result.notes[1].startswith("1 trials that dead workers had left running")
        study = opened(result.choices[0].study, journal)
        states = study.trials()["state"]
        finished = states[states.isin(["complete", "pruned"])].index
        assert len(finished) == 20 and states.tolist()[6] == "failed" and len(states) == 21
        assert len({json.dumps(study.params(number), sort_keys=True) for number in finished}) == 20

    @torture
    def test_ctrl_c_leaves_a_study_that_goes_on(self, tiny, here):
        done = script(here, signal.SIGINT, 3, 6, 1)
        _, stderr = done.communicate(timeout=300)
        assert done.returncode != 0 and "KeyboardInterrupt" in stderr
        result = tune(tiny, trials=4, block=2012, out="tuned.yaml", how=HOW)
        assert result.notes == () and result.choices[0].trials == {
            "wanted": 4,
            "complete": 4,
            "pruned": 0,
            "failed": 1,
        }

    @torture
    def test_a_worker_killed_costs_one_trial_and_the_others_go_on(self, here):
        total = 16
        run = script(here, signal.SIGTERM, 10**6, total, 2)
        journal = here / "mlruns" / "tuning.journal"
        while not (
            journal.exists()
            and len(workers_of(run.pid)) == 2
            and journal.read_text(encoding="utf-8").count('"seconds"') >= 3
        ):
            assert run.poll() is None, run.communicate()
            time.sleep(0.02)
        os.kill(workers_of(run.pid)[0], signal.SIGKILL)
        _, stderr = run.communicate(timeout=300)
        assert run.returncode == 0, stderr
        trials = load_tuned(here / "tuned.yaml").blocks[0].trials
        assert trials["complete"] + trials["pruned"] == total and trials["failed"] <= 1

    @pytest.mark.parametrize(
        ("number", "delay"), [(signal.SIGKILL, 6), (signal.SIGINT, 0), (signal.SIGINT, 6)]
    )
    @torture
    def test_workers_end_with_whoever_began_them(self, here, number, delay):
        """While they start, and while they work."""
        run = script(here, signal.SIGTERM, 10**6, 10**4, 2)
        while len(workers_of(run.pid)) < 2:
            assert run.poll() is None, run.communicate()
            time.sleep(0.02)
        time.sleep(delay)
        run.send_signal(number)
        _, stderr = run.communicate(
            timeout=60
        )  # the workers hold these pipes too, so that they have ended
        assert run.returncode != 0 and stderr.count("Traceback") == (number == signal.SIGINT), (
            stderr
        )


def workers_of(parent: int) -> list[int]:
    """Processes that a parent has begun to work, by their order."""
    command = [
        "ps",
        "-ww",
        "-o",
        "pid=,args=",
        "--ppid",
        str(parent),
    ]  # whole lines, however narrow the terminal
    listed = subprocess.run(command, capture_output=True, text=True).stdout
    return [int(line.split()[0]) for line in listed.splitlines() if "spawn_main" in line]


class TestMistakes:
    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"trials": 0}, "trials: must be at least 1, got 0"),
            ({"workers": 0}, "workers: must be at least 1, got 0"),
            ({"storage": "tuning.log"}, "storage: `tuning.log` is of unknown kind"),
            (
                {"storage": "postgresql://ann:secret@127.0.0.1:1/x"},
                "storage: cannot use postgresql://ann:\\*\\*\\*@",
            ),
            ({"block": 2013}, "block: no block begins in 2013; blocks of demo begin in 2012, 2017"),
            ({"out": "."}, "it is a folder"),
        ],
    )
    def test_they_are_refused_before_anything_is_searched(self, tiny, here, arguments, message):
        with pytest.raises(ConfigError, match=message):
            tune(tiny, **{"trials": 1, "out": "tuned.yaml", "how": HOW, **arguments})
        assert not (here / "tuned.yaml").exists()

    def test_a_file_that_holds_something_else_is_not_written_over(self, tiny, here):
        Path("tuned.yaml").write_text("name: mine\n")
        with pytest.raises(ConfigError, match="unknown key `name`"):
            tune(tiny, trials=1, out="tuned.yaml", how=HOW)
        assert Path("tuned.yaml").read_text() == "name: mine\n"

    def test_an_error_of_a_worker_is_raised_as_its_own(self, tiny, here):
        spoilt = TuneSettings(space=replace(QUICK, recover=(7.0,)))
        with pytest.raises(ConfigError, match=r"recover: must lie in \(0, 1\], got 7.0"):
            tune(tiny, trials=2, workers=2, block=2012, out="tuned.yaml", how=spoilt)

    @pytest.mark.parametrize(("field", "value"), [("years", 0), ("share", 1.0)])
    def test_odd_ways_are_refused(self, field, value):
        with pytest.raises(ConfigError, match=f"^{field}: "):
            TuneSettings(**{field: value})


class TestCommand:
    def test_from_the_command_line_to_one_line_of_json_and_a_record(self, here, capfd):
        overrides = [item for item in OVERRIDES if not item.startswith("tracking")]
        arguments = [
            "tune",
            "demo.yaml",
            "--trials",
            "2",
            "--workers",
            "1",
            "--block",
            "2012",
            "--out",
            "c/tuned.yaml",
        ]
        assert main([*arguments, "--json", *overrides]) == 0
        printed = capfd.readouterr()
        (line,) = printed.out.splitlines()
        summary = json.loads(line)
        assert summary["schema_version"] == 2
        assert Path("c/tuned.yaml").read_text(encoding="utf-8").count("schema_version: 2") == 1
        assert summary["blocks"][0]["trials"]["complete"] == 2 and summary["storage"].startswith(
            "journal:///"
        )
        artifacts = here / "mlruns" / "artifacts" / summary["mlflow_run_id"] / "artifacts"
        assert {path.name for path in (artifacts / "block-2012").iterdir()} >= {
            "trials.csv",
            "choice.json",
            "optimization_history.html",
            "plotly.min.js",
        }
        table = pd.read_csv(artifacts / "block-2012" / "trials.csv", index_col="number")
        assert len(table) == 2 and {"value", "penalty", "in.rates", "depths"} <= set(table)
        assert main([*arguments, *overrides]) == 0
        printed = capfd.readouterr().out
        assert (
            "Plateau before 2012" in printed
            and "Choices: c/tuned.yaml" in printed
            and "penalty" in printed
        )

    @pytest.mark.parametrize(
        "wrong", [["--trials", "0"], ["--storage", "nowhere"], ["--block", "1999"]]
    )
    def test_mistakes_exit_with_2(self, here, capfd, wrong):
        assert main(["tune", "demo.yaml", "--out", "tuned.yaml", *wrong, *OVERRIDES]) == 2
        assert capfd.readouterr().err.startswith(f"regime: error: {wrong[0].strip('-')}: ")
