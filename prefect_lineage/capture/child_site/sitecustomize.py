"""Found first by a Python that a run has started: says where it comes from, and gets out of the way.

Any Python may come here, also an old one, or one of another environment: so this is written in what all of them
understand, and says nothing where this package is not installed.
"""

import os
import sys

_folder = os.path.dirname(os.path.abspath(__file__))
_letter = os.environ.pop("_PREFECT_LINEAGE_LETTER", None)
if _letter and sys.version_info >= (3, 11):
    import prefect_lineage_waiting  # type: ignore[import-not-found]  # beside this file

    prefect_lineage_waiting.wait(_letter)
sys.path[:] = [_place for _place in sys.path if os.path.abspath(_place or os.curdir) != _folder]
_rest = [_place for _place in os.environ.get("PYTHONPATH", "").split(os.pathsep) if _place != _folder]
os.environ["PYTHONPATH"] = os.pathsep.join(_rest)
if not os.environ["PYTHONPATH"]:
    del os.environ["PYTHONPATH"]
if sys.version_info >= (3, 4):
    import importlib.machinery

    _found = importlib.machinery.PathFinder.find_spec("sitecustomize", sys.path)
    if _found is not None and _found.loader is not None:  # the one that would have been found without us
        import importlib.util

        sys.modules["sitecustomize"] = importlib.util.module_from_spec(_found)
        _found.loader.exec_module(sys.modules["sitecustomize"])
