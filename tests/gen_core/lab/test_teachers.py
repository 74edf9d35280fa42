"""Labels from another training: planned with it, trained once and before it."""

from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import torch

from gen_core import (
    GD,
    MLP,
    CrossEntropy,
    Data,
    Experiment,
    InvalidExperiment,
    LabelledBy,
    Linear,
    Logistic,
    Run,
    Square,
    Unfinished,
)
from gen_core.lab import Lab, Store
from gen_core.training.seeding import generator as stream
from gen_core.training.teachers import provide_teachers
from gen_core.training.teaching import train_alone
from gen_core.training.trainer import train_rows as train

CPU = torch.device("cpu")


@dataclass(frozen=True)
class Points:
    n: int = 12
    inputs: tuple[int, ...] = (3,)
    n_test: int = 6
    classes: bool = False
    lost: int = -1

    def draw(self, generator: torch.Generator) -> Data:
        X = torch.randn(self.n + self.n_test, *self.inputs, generator=generator, dtype=torch.float64)
        if self.lost >= 0 and generator.initial_seed() == stream(self, self.lost, "data").initial_seed():
            X = X * 1e30
        y = (X.sum(1) > 0).long() + (X.sum(1) > 1) if self.classes else X.sum(1).sign()
        return Data(X[: self.n], y[: self.n], X[self.n :], y[self.n :])


TEACHER = Experiment(data=Points(), model=MLP(hidden=(4,)), rule=GD(0.1), loss=Logistic(), steps=15, dtype="float64")
MANY = replace(TEACHER, data=Points(classes=True), model=MLP(hidden=(4,), outputs=3), loss=CrossEntropy())
STUDENT = replace(TEACHER, data=LabelledBy(Points(n=30), TEACHER), steps=9)


@pytest.fixture(autouse=True)
def _alone():
    """Each test begins without a lab."""
    provide_teachers(train_alone)
    yield
    provide_teachers(train_alone)


def run(experiment, seeds=range(3)):
    [(_, trained)] = train([(experiment, seed) for seed in seeds], CPU)
    return Run(experiment, tuple(seeds), trained)


def test_labels_are_the_teachers_predictions_seed_by_seed():
    teacher, student = run(TEACHER), run(STUDENT)
    assert torch.equal(student.y, torch.where(teacher.outputs(student.X) > 0, 1.0, -1.0).double())
    assert torch.equal(student.y_test, torch.where(teacher.outputs(student.X_test) > 0, 1.0, -1.0).double())
    assert torch.equal(student.X, run(replace(TEACHER, data=Points(n=30))).X)
    assert set(student.y.unique().tolist()) == {-1.0, 1.0}


def test_classes_and_outputs_of_a_teacher_of_many_outputs():
    teacher = run(MANY)
    points = Points(n=20)
    by_class = run(replace(MANY, data=LabelledBy(points, MANY)))
    assert torch.equal(by_class.y, teacher.outputs(by_class.X).argmax(-1))
    by_output = run(replace(MANY, data=LabelledBy(points, MANY, outputs=True), loss=Square()))
    assert by_output.experiment.data.targets == (3,)
    torch.testing.assert_close(by_output.y, teacher.outputs(by_output.X), rtol=1e-12, atol=1e-12)
    scalar = run(replace(STUDENT, data=LabelledBy(points, TEACHER, outputs=True), loss=Square()))
    torch.testing.assert_close(scalar.y, run(TEACHER).outputs(scalar.X), rtol=1e-12, atol=1e-12)


def test_a_teacher_that_takes_no_steps_labels_from_its_start():
    start = Experiment(data=Points(), model=MLP(hidden=(4,)), dtype="float64")
    student = run(replace(STUDENT, data=LabelledBy(Points(n=30), start)))
    f = start.model.forward({name: run(TEACHER).initial(name) for name in run(TEACHER).params()}, student.X)
    assert torch.equal(student.y > 0, f > 0)


def test_the_teacher_is_in_key_and_plan_and_is_trained_once(make, batches):
    lab = make()
    lab.plan([("a", STUDENT, 8), ("a", replace(STUDENT, rule=GD(0.2)), 4)])
    assert [d.first_look for d in lab.planned.demands.values() if d.experiment == TEACHER] == [8]
    assert lab.planned.demands[TEACHER.key].cases == ["a"]
    assert STUDENT.key != replace(STUDENT, data=LabelledBy(Points(n=30), replace(TEACHER, steps=16))).key
    finished = lab.run(STUDENT, 8)
    trained = [{row[0] for row in rows} for rows in batches]
    assert trained[0] == {TEACHER}
    assert [TEACHER in rows for rows in trained].count(True) == 1
    lab.run(replace(STUDENT, rule=GD(0.2)), 4)
    assert [len(rows) for rows in batches if rows[0][0] == TEACHER] == [8]
    assert torch.equal(finished.y[:3], run(STUDENT).y)


def test_each_seed_of_a_teacher_is_trained_in_one_block_whatever_the_looks_of_its_students(make, batches):
    lab = make()
    lab.plan([("a", STUDENT, 4)])
    for seeds in (4, 8, 6, 17):
        lab.run(STUDENT, seeds)
    taught = [[seed for _, seed in rows] for rows in batches if rows[0][0] == TEACHER]
    assert taught == [[*range(4)], [*range(4, 8)], [*range(8, 16)], [*range(16, 32)]]


def test_a_seed_of_a_teacher_that_its_student_does_not_use_may_diverge(make):
    lost = replace(TEACHER, data=Points(lost=6))
    student = replace(STUDENT, data=LabelledBy(Points(n=30), lost))
    assert make().run(student, 6).y.isfinite().all()
    with pytest.raises(Unfinished, match=r"for 1 of 7 seeds \(seed 6 by step"):
        make().run(student, 7)


def test_a_teacher_is_planned_with_whole_blocks(make):
    lab = make()
    lab.plan([("a", STUDENT, 6)])
    assert {key: demand.first_look for key, demand in lab.planned.demands.items()} == {TEACHER.key: 8, STUDENT.key: 6}


def test_a_student_of_a_student_is_never_in_the_batch_of_its_teachers(make, batches):
    generations = [TEACHER]
    for _ in range(3):
        generations.append(replace(TEACHER, data=LabelledBy(Points(), generations[-1])))
    assert len({e.batch_key() for e in generations}) == 4
    lab = make()
    lab.plan([("a", generations[-1], 4)])
    assert len(lab.planned.groups) == 4
    last = lab.run(generations[-1], 4)
    assert [rows[0][0] for rows in batches] == generations
    assert torch.equal(last.y > 0, lab.run(generations[-2], 4).outputs(last.X) > 0)


def test_a_teacher_that_goes_missing_is_trained_again_within_its_students_training(make, batches, tmp_path):
    lab = make()
    lab.plan([("a", STUDENT, 4), ("b", replace(MANY, steps=3), 4)])
    lab.run(TEACHER, 4)
    for file in Path(tmp_path / "store").rglob("*.json"):
        file.unlink()
    late = replace(STUDENT, data=LabelledBy(Points(n=31), TEACHER))
    assert lab._train_locked(lab.blocks(late, 4), CPU)
    assert [rows[0][0] for rows in batches] == [TEACHER, late, TEACHER]


def test_seeds_of_another_base_are_taught_on_the_spot(make, tmp_path):
    lab = Lab(Store(tmp_path / "other"), CPU, base=3)
    assert torch.equal(lab.taught(TEACHER, 1)["W1"], train_alone(TEACHER, 1)["W1"])


@pytest.mark.parametrize(
    ("make_it", "message"),
    [
        (lambda: LabelledBy(Points(), Points()), r"^teacher Points\(.*; expected an Experiment with a model$"),
        (
            lambda: LabelledBy(Points(), Experiment(data=Points())),
            r"^teacher Experiment\(.*expected an Experiment with",
        ),
        (lambda: LabelledBy(Points(inputs=(2,)), TEACHER), r"^teacher on inputs \(3,\); expected \(2,\)$"),
        (lambda: LabelledBy(Points(), TEACHER, outputs="x"), "^outputs 'x'; expected True or False$"),
        (lambda: LabelledBy(3, TEACHER), "^data 3; expected a data set, with n, inputs and draw$"),
        (lambda: LabelledBy(Points(), TEACHER).draw(torch.Generator()), "^draw of LabelledBy; expected a run's data"),
    ],
)
def test_teachers_that_cannot_teach_are_refused(make_it, message):
    with pytest.raises(InvalidExperiment, match=message):
        make_it()


def test_a_teacher_that_diverged_labels_nothing(make):
    lost = Experiment(
        data=Points(), model=Linear(), rule=GD(50.0), loss=Square(), steps=2000, dtype="float64", may_diverge=True
    )
    with pytest.raises(
        Unfinished, match=r"^teacher Linear on Points, GD has outputs that are not finite; expected labels"
    ):
        make().run(replace(STUDENT, data=LabelledBy(Points(), lost)), 4)
    with pytest.raises(Unfinished, match=r"^training diverged"):
        make().run(replace(STUDENT, data=LabelledBy(Points(), replace(lost, may_diverge=False))), 4)
