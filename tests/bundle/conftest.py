"""Bundles that are made once for all tests of this folder."""

from __future__ import annotations

import pytest

from tests.bundle.simulator import Bundle, encode, large_sample, sample


@pytest.fixture(scope="session")
def bundle() -> Bundle:
    return sample()


@pytest.fixture(scope="session")
def good(bundle: Bundle) -> bytes:
    return encode(bundle)


@pytest.fixture(scope="session")
def large() -> Bundle:
    return large_sample()


@pytest.fixture(scope="session")
def large_good(large: Bundle) -> bytes:
    return encode(large)
