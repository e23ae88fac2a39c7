"""The core is made of values: nothing in it can be changed behind another's back."""

import dataclasses
import importlib
import inspect
import pkgutil
from types import ModuleType

import pytest

import bridge.core
from bridge.core import faults

MODULES = [importlib.import_module(f"bridge.core.{module.name}") for module in pkgutil.iter_modules(bridge.core.__path__)]


@pytest.mark.parametrize("module", MODULES, ids=[module.__name__ for module in MODULES])
def test_every_record_is_frozen_and_has_no_other_fields(module: ModuleType):
    for name, value in vars(module).items():
        if inspect.isclass(value) and dataclasses.is_dataclass(value) and value.__module__ == module.__name__:
            assert getattr(value, "__dataclass_params__").frozen, name  # noqa: B009  unknown to its type
            assert "__slots__" in vars(value), name


@pytest.mark.parametrize("fault", [faults.Unavailable, faults.Full])
def test_a_fault_knows_for_how_long_the_other_side_asked_to_wait(fault: type[faults.Unavailable | faults.Full]):
    assert fault("busy", retry_after=7.5).retry_after == 7.5
    assert fault("busy").retry_after is None
    assert str(fault("busy")) == "busy"


def test_every_fault_is_one_of_the_family():
    members = [value for value in vars(faults).values() if inspect.isclass(value) and issubclass(value, Exception)]
    assert all(issubclass(member, faults.Fault) for member in members)
    assert len(members) == 8
