"""Model files: the envelope and the protobuf message of proto/model.proto, whose Python is made
by protoc when needed.

SPDX-License-Identifier: Apache-2.0
"""
import hashlib
import importlib.util
import os
import struct
import subprocess
import tempfile

MAGIC, VERSION, HEAD = b"SPARROW\n", 1, struct.Struct("<8sIIQ32s")
PROTO = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../proto/model.proto")


def messages():
    """The module that protoc makes of model.proto."""
    folder, name = os.path.split(os.path.abspath(PROTO))
    with tempfile.TemporaryDirectory() as made:
        subprocess.run(["protoc", "-I", folder, f"--python_out={made}", name], check=True)
        spec = importlib.util.spec_from_file_location(
            "model_pb2", os.path.join(made, "model_pb2.py")
        )
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return module


def digest(path):
    """SHA-256 of a file, which tells one model file from another."""
    with open(path, "rb") as f:
        return hashlib.sha256(f.read()).hexdigest()


def write(path, model):
    payload = model.SerializeToString(deterministic=True)
    head = HEAD.pack(MAGIC, VERSION, 0, len(payload), hashlib.sha256(payload).digest())
    with open(path, "wb") as f:
        f.write(head + payload)


def read(path):
    with open(path, "rb") as f:
        data = f.read()
    magic, version, _, size, digest = HEAD.unpack_from(data.ljust(HEAD.size, b"\0"))
    payload = data[HEAD.size :]
    if (
        magic != MAGIC
        or version != VERSION
        or size != len(payload)
        or digest != hashlib.sha256(payload).digest()
    ):
        raise ValueError(f"{path} is not an intact model file of version {VERSION}")
    model = messages().Model()
    model.ParseFromString(payload)
    return model
