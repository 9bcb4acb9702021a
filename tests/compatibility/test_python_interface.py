"""What Python code of 0.1.0 imports and passes is there and means the same."""

import stylesmith
from tests.compatibility import access, observe
from tests.compatibility.compare import lost, pinned


def test_names_stay():
    assert {"Generator", "__version__", "load"} <= set(stylesmith.__all__)
    assert all(hasattr(stylesmith, name) for name in stylesmith.__all__)


def test_parameters_stay():
    found = {name: observe.parameters(s) for name, s in access.python_interface().items()}
    was = pinned("python")
    for required in [p for function in was.values() for p in function.values()]:
        if required["default"] is None:
            del required["default"]  # it may become optional
    assert lost(was, found) == []
    assert next(iter(found["load"])) == "source"
    assert next(iter(found["Generator.sample"])) == "seeds"
