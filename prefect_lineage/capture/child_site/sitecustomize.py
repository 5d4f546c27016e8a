"""Found first by a Python that a run has started: says where it comes from, and gets out of the way.

Any Python may come here, also an old one, or one of another environment: so this is written in what all of them
understand, and says nothing where this package is not installed.
"""

import os
import sys

_folder = os.path.dirname(os.path.abspath(__file__))
sys.path[:] = [_place for _place in sys.path if os.path.abspath(_place or os.curdir) != _folder]
_rest = [_place for _place in os.environ.get("PYTHONPATH", "").split(os.pathsep) if _place != _folder]
os.environ["PYTHONPATH"] = os.pathsep.join(_rest)
if not os.environ["PYTHONPATH"]:
    del os.environ["PYTHONPATH"]
_letter = os.environ.pop("_PREFECT_LINEAGE_LETTER", None)
if _letter and sys.version_info >= (3, 11):
    try:
        from prefect_lineage.capture import descendants
    except ImportError:
        pass  # another environment, where this package is not
    else:
        descendants.wait(_letter)
if sys.version_info >= (3, 4):
    import importlib.machinery
    import importlib.util

    _found = importlib.machinery.PathFinder.find_spec("sitecustomize", sys.path)
    if _found is not None and _found.loader is not None:  # the one that would have been found without us
        sys.modules["sitecustomize"] = importlib.util.module_from_spec(_found)
        _found.loader.exec_module(sys.modules["sitecustomize"])
