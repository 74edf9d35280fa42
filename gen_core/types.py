"""The contract of data sets, the data of one draw, and what is measured on points that all seeds share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol, cast, runtime_checkable

import torch
from torch import Tensor

from gen_core.errors import InvalidClaim


class Pool:
    """Points that many draws share, made once a process. Who asks a draw for its points gets copies of them.

    Args:
        make: makes the points, (N, *inputs), floating point, always the same.
    """

    def __init__(self, make: Callable[[], Tensor]) -> None:
        self.make = make

    @cached_property
    def points(self) -> Tensor:
        """The points, which nobody changes."""
        return self.make()

    def renew(self) -> None:
        """Make the points anew, when they are asked for."""
        vars(self).pop("points", None)


@dataclass(frozen=True, eq=False)
class Pooled:
    """Points of a pool, by their places in it.

    Attributes:
        pool: the pool.
        index: place of each point, int64 (n,), or of each of some rows' points, (rows, n).
    """

    pool: Pool
    index: Tensor

    @property
    def shape(self) -> torch.Size:
        """Shape of the points, (n, *inputs) or (rows, n, *inputs)."""
        return self.index.shape + self.pool.points.shape[1:]

    @property
    def dtype(self) -> torch.dtype:
        """Dtype of the points."""
        return self.pool.points.dtype

    @property
    def device(self) -> torch.device:
        """Device of the points."""
        return self.index.device

    @property
    def nbytes(self) -> int:
        """Bytes beside the pool."""
        return self.index.nbytes

    def __len__(self) -> int:
        return len(self.index)

    def __getitem__(self, at: Any) -> Tensor:
        """A copy of some of the points, by any index of their places."""
        places = self.index[at]
        return self.pool.points.index_select(0, places.flatten()).view(*places.shape, *self.pool.points.shape[1:])

    def numbers(self, places: Tensor) -> Tensor:
        """Some of the points' numbers, by their places in the flattened points."""
        each = self.shape[1:].numel()
        return self.pool.points.flatten(1)[self.index[places // each], places % each]


def stack_points(held: Sequence[Tensor | Pooled], at: slice = slice(None)) -> Tensor:
    """Some points of each seed, (seeds, B, *inputs): a copy, by one gathering where all are of one pool."""
    pools = {id(each.pool): each.pool for each in held if isinstance(each, Pooled)}
    if len(pools) != 1 or not all(isinstance(each, Pooled) for each in held):
        return torch.stack([each[at] for each in held])
    index = [each.index[at] for each in held if isinstance(each, Pooled)]
    return next(iter(pools.values())).points.index_select(0, torch.cat(index)).unflatten(0, (len(index), -1))


@dataclass(frozen=True)
class Data:
    """One seed's data, on the CPU.

    Inputs may be given as `Pooled`, and stay so in `vars(data)`; to ask for `data.X` then copies them from the pool.

    Labels of two classes are floats -1 and +1, real targets are floats, and classes of more than two are int64.

    Attributes:
        X: training inputs, shape (n, *inputs), floating point.
        y: training labels, shape (n,), or (n, *targets) where the recipe has `targets`.
        X_test: held-out inputs, shape (n_test, *inputs); None where no points are held out.
        y_test: held-out labels, shape (n_test,) or (n_test, *targets).
    """

    X: Tensor
    y: Tensor
    X_test: Tensor | None = None
    y_test: Tensor | None = None

    def but(self, **parts: Tensor | Pooled | None) -> Data:
        """The data with some parts in place of its own. Unlike `dataclasses.replace` it leaves points in their pool."""
        return data_of(**{**vars(self), **parts})


class _Inputs:
    """The inputs of a draw, copied from their pool, if they are of one, when they are asked for."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, data: Data | None, owner: type) -> Any:
        if data is None:
            return self
        held = vars(data)[self.name]
        return held[:] if isinstance(held, Pooled) else held

    def __set__(self, data: Data, held: object) -> None:
        vars(data)[self.name] = held


for _name in ("X", "X_test"):
    setattr(Data, _name, _Inputs(_name))


def data_of(**parts: Tensor | Pooled | None) -> Data:
    """`Data` of these parts, of which the inputs may be `Pooled`."""
    return Data(**cast(dict[str, Any], parts))


@dataclass(frozen=True)
class Measured:
    """A measure on held-out points that all seeds share.

    Attributes:
        values: one number per seed, (seeds,), or (settings, seeds) along a sweep.
        resampled: the same on bootstrap resamples of the shared points, (resamples, ...).

    Raises:
        InvalidClaim: if they are no tensors or only one resample, or if the resamples are of the seeds, whose values
            they only repeat.
    """

    values: Tensor
    resampled: Tensor

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not isinstance(value, Tensor):
                raise InvalidClaim(f"{name} of type {type(value).__name__}; expected a tensor (torch.tensor makes one)")
        if self.resampled.dim() < 1 or len(self.resampled) < 2:
            found = tuple(self.resampled.shape)
            raise InvalidClaim(f"resampled of shape {found}; expected two or more resamples, (resamples, ...)")
        # Few-valued measures repeat their values on other points too, such as rank correlations in few settings.
        distinct = len(self.values.unique()) == self.values.numel() >= 8
        if distinct and bool(torch.isin(self.resampled, self.values).all()):
            raise InvalidClaim("every resample has the seeds' own values; expected resamples of the held-out points")


@runtime_checkable
class Dataset(Protocol):
    """A frozen, hashable recipe of data: a dataclass of builtins with these attributes and a `draw`.

    A recipe with held-out points has an `n_test` too. One whose labels are no single numbers has `targets`, the shape
    of a label, known without drawing: real vectors for `Square`, or what a loss of one's own takes. A recipe that reads
    files has a method `source() -> str`, a digest of their contents, which raises `DataMissing` or `DataDamaged` if
    they cannot be read; the digest is part of the key of every result. One whose inputs are `Pooled` has `pools`, the
    numbers of points in the pools of the training and of the held-out inputs, 0 for those that are in none: by them the
    memory of trainings is estimated.
    """

    @property
    def n(self) -> int:
        """Number of training points, known without drawing."""
        ...

    @property
    def inputs(self) -> tuple[int, ...]:
        """Shape of one input, known without drawing."""
        ...

    def draw(self, generator: torch.Generator) -> Data:
        """Draw one seed's data from a CPU generator and from nothing else."""
        ...


def held_out(data: Dataset) -> int:
    """Number of held-out points, 0 where the recipe has no `n_test`."""
    return getattr(data, "n_test", 0)


def pool_sizes(data: Dataset) -> tuple[int, int]:
    """Points of the pools of the training and held-out inputs, 0 where a draw has its own; (0, 0) without `pools`."""
    return getattr(data, "pools", (0, 0))


def targets_of(data: Dataset) -> tuple[int, ...]:
    """Shape of one label, () where the recipe has no `targets`."""
    return getattr(data, "targets", ())


@dataclass(frozen=True)
class Nothing:
    """The data of a recipe without data, as for a `Potential`: one point without coordinates, labelled 0."""

    @property
    def n(self) -> int:
        """One point."""
        return 1

    @property
    def inputs(self) -> tuple[int, ...]:
        """No coordinates."""
        return ()

    def draw(self, generator: torch.Generator) -> Data:
        """The same for every seed: nothing is drawn."""
        return Data(torch.zeros(1), torch.zeros(1))


@dataclass(frozen=True)
class OnPoints:
    """The sizes of a data set that is on the points of another one, `data`."""

    data: Dataset

    @property
    def n(self) -> int:
        """Number of training points."""
        return self.data.n

    @property
    def inputs(self) -> tuple[int, ...]:
        """Shape of one input."""
        return self.data.inputs

    @property
    def n_test(self) -> int:
        """Number of held-out points."""
        return held_out(self.data)

    @property
    def pools(self) -> tuple[int, int]:
        """Points of the pools of training and held-out inputs, which are those of the other data set."""
        return pool_sizes(self.data)


@runtime_checkable
class Derived(Dataset, Protocol):
    """A data set made from the points of another one: each seed gets the same points from both."""

    @property
    def data(self) -> Dataset:
        """The other data set."""
        ...

    def derive(self, data: Data, generator: torch.Generator) -> Data:
        """Derive one seed's data from the other data set's draw, with a random stream of this recipe's own."""
        ...
