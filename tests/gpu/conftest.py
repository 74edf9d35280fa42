"""Tests that need a CUDA device, skipped elsewhere. `make gpu` runs them alone."""

import pytest
import torch

from gen_core.training.device import fix_numerics


@pytest.fixture(autouse=True, scope="session")
def numerics() -> None:
    """TF32 off, as in every run."""
    fix_numerics()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of this folder, and skip them where there is no device."""
    for item in items:
        if item.path.is_relative_to(__file__.removesuffix("/conftest.py")):
            item.add_marker(pytest.mark.gpu)
            if not torch.cuda.is_available():
                item.add_marker(pytest.mark.skip(reason="no CUDA device is visible"))
