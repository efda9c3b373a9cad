"""Save and load nested dicts of tensors as safetensors files.

A safetensors file is a JSON header and then the bytes of the arrays; loading one runs no code, unlike a pickle. Arrays
are stored under the path of keys that leads to them (``model.0.weight``), so that every safetensors reader finds them.
What the format has no place for (numbers, strings, the nesting itself) is described in one entry of the header.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from tinygrad_edu.tensor import Tensor, from_numpy

__all__ = ["load", "save"]

_STRUCTURE = "tinygrad_edu"


def save(obj: Any, f: str | os.PathLike | BinaryIO) -> None:
    """Save a nested dict of tensors, arrays, numbers and strings, such as a state_dict, as a safetensors file.

    A file of that name is replaced only once the new one is complete.

    Parameters
    ----------
    obj : dict, list, tuple, Tensor, numpy.ndarray, number, str, bool or None
        Nested as deep as wanted.
    f : path, or file opened for writing bytes
        The usual ending is ``.safetensors``.

    Raises
    ------
    TypeError
        If something is to be saved that the file cannot hold.
    FileNotFoundError
        If the folder does not exist.

    Examples
    --------
    >>> import io, tinygrad_edu as tg
    >>> file = io.BytesIO()
    >>> tg.save({"weight": tg.ones(2), "epoch": 3}, file)
    >>> tg.load(io.BytesIO(file.getvalue()))
    {'weight': tensor([1., 1.]), 'epoch': 3}
    """
    from safetensors.numpy import save as to_bytes

    arrays: dict[str, np.ndarray] = {}
    structure = _described(obj, "", arrays)
    data = to_bytes(arrays, metadata={_STRUCTURE: json.dumps(structure)})
    if hasattr(f, "write"):
        f.write(data)
        return
    path = Path(f)
    if not path.parent.is_dir():
        raise FileNotFoundError(f"save: the folder {path.parent} does not exist")
    if path.is_dir():
        raise IsADirectoryError(f"save: {path} is a folder; name a file in it")
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}-", delete=False) as part:
        try:
            part.write(data)
            part.close()
            # Temporary files are private; a saved one is as readable as any other that the user makes.
            umask = os.umask(0)
            os.umask(umask)
            os.chmod(part.name, 0o666 & ~umask)
            os.replace(part.name, path)
        except BaseException:
            os.unlink(part.name)
            raise


def load(f: str | os.PathLike | BinaryIO, map_location: Any = None, *, weights_only: bool = True) -> Any:
    """Load what :func:`save` has saved, or a flat dict of tensors from any other safetensors file.

    Parameters
    ----------
    f : path, or file opened for reading bytes
    map_location : optional
        Accepted for PyTorch programs: tensors are on the CPU.
    weights_only : bool, default True
        Accepted for PyTorch programs: a file is never unpickled.

    Returns
    -------
    dict, or whatever was saved
        Tensors as Tensors without gradient, arrays as arrays.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is damaged, or not a safetensors file, such as one written by ``torch.save``.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.load("no-such-file.safetensors")
    Traceback (most recent call last):
    FileNotFoundError: load: there is no file no-such-file.safetensors
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load as from_bytes

    data, name = _read(f)
    _refuse_other_formats(data, name)
    try:
        arrays = from_bytes(data)
        metadata = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")]).get("__metadata__", {})
        if _STRUCTURE not in metadata:
            return {key: from_numpy(array) for key, array in arrays.items()}
        return _restored(json.loads(metadata[_STRUCTURE]), arrays)
    except (SafetensorError, AttributeError, KeyError, IndexError, TypeError, ValueError) as error:
        raise ValueError(f"load: {name} is damaged, or not a safetensors file: {error}") from None


def _read(f: Any) -> tuple[bytes, str]:
    if hasattr(f, "read"):
        return f.read(), str(getattr(f, "name", "the file"))
    path = Path(f)
    if path.is_dir():
        raise IsADirectoryError(f"load: {path} is a folder; name a file in it")
    try:
        return path.read_bytes(), str(path)
    except FileNotFoundError:
        raise FileNotFoundError(f"load: there is no file {path}") from None


def _refuse_other_formats(data: bytes, name: str) -> None:
    if data[:4] == b"PK\x03\x04" or data[:2] in (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05"):
        raise ValueError(
            f"load: {name} is not a safetensors file but looks like one that torch.save or pickle wrote. Unpickling "
            "can run any code, so it is never done here. In PyTorch: "
            "safetensors.torch.save_file(model.state_dict(), 'weights.safetensors'), then load that file."
        )
    if not data:
        raise ValueError(f"load: {name} is empty")


def _described(obj: Any, path: str, arrays: dict[str, np.ndarray]) -> Any:
    """A description of `obj` in JSON; its arrays go into `arrays`."""
    if isinstance(obj, Tensor | np.ndarray | np.generic):
        array = obj.array if isinstance(obj, Tensor) else np.asarray(obj)
        if array.dtype.kind not in "biuf" or array.dtype.itemsize > 8:
            raise TypeError(f"save: {path or 'the array'} has dtype {array.dtype}, which safetensors cannot hold")
        key = path or "tensor"
        while key in arrays:  # {"a.b": x, "a": {"b": y}}
            key += "'"
        arrays[key] = np.array(array, array.dtype.newbyteorder("="), order="C")
        return {"tensor" if isinstance(obj, Tensor) else "array": key}
    if isinstance(obj, dict):
        for key in obj:
            if not isinstance(key, str | int) or isinstance(key, bool):
                raise TypeError(f"save: keys are strings or ints, got {key!r} in {path or 'the dict'}")
        return {
            "dict": [
                [key, _described(item, f"{path}.{key}" if path else str(key), arrays)] for key, item in obj.items()
            ]
        }
    if isinstance(obj, list | tuple):
        items = [_described(item, f"{path}.{i}" if path else str(i), arrays) for i, item in enumerate(obj)]
        return {"tuple" if isinstance(obj, tuple) else "list": items}
    if obj is None or isinstance(obj, bool | int | float | str):
        return {"value": obj}
    raise TypeError(
        f"save: {path or 'the object'} is a {type(obj).__name__}; a file holds dicts, lists and tuples of tensors, "
        "arrays, numbers, strings, booleans and None. To save a model, save its state_dict()."
    )


def _restored(description: Any, arrays: dict[str, np.ndarray]) -> Any:
    [(kind, content)] = description.items()
    if kind == "tensor":
        return from_numpy(arrays[content])
    if kind == "array":
        return arrays[content]
    if kind == "dict":
        return {key: _restored(item, arrays) for key, item in content}
    if kind in ("list", "tuple"):
        items = [_restored(item, arrays) for item in content]
        return tuple(items) if kind == "tuple" else items
    return content
