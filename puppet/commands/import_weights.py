"""`puppet import`: published weights as a file of this program."""

from __future__ import annotations

import argparse
from pathlib import Path

from tqdm import tqdm

from puppet.commands import arguments
from puppet.errors import PuppetError, nearest, reported_as_puppet_error

DTYPES = ("source", "float32", "bfloat16", "float16")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "source",
        type=Path,
        metavar="SOURCE",
        help="a checkpoint on this machine: a folder, a .safetensors file, an index of shards, or a .pt file",
    )
    parser.add_argument(
        "--model", required=True, metavar="NAME", help="model that the weights are of; docs/models.md lists them"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="the .safetensors file to write")
    parser.add_argument(
        "--codec",
        type=Path,
        metavar="FILE",
        help="the autoencoder, Wan's, diffusers' or a tiny one: Wan2.1_VAE.pth, Wan2.2_VAE.pth, taew2_1.pth; "
        "looked for in the folder of SOURCE if not given",
    )
    parser.add_argument(
        "--dtype", choices=DTYPES, default="source", help="number format of the written tensors; source: as they come"
    )
    arguments.add(parser, "--json")


def run(args: argparse.Namespace) -> None:
    if args.out.suffix != ".safetensors":
        raise PuppetError(f"--out {args.out} must end in .safetensors")
    import torch

    from generator.importers.families import PUBLISHED
    from generator.importers.importer import ImportFault, import_weights

    models = {model.name: model for model in PUBLISHED}
    if args.model not in models:
        hint = nearest(args.model, models)
        raise PuppetError(f"no weights are published for a model '{args.model}'{hint} (known: {', '.join(models)})")
    model = models[args.model]
    dtype = None if args.dtype == "source" else getattr(torch, args.dtype)
    bar = tqdm(unit="B", unit_scale=True, desc="importing", leave=False, disable=args.json or None)

    def progress(done: int, total: int) -> None:
        bar.total = total
        bar.update(done - bar.n)

    with bar, reported_as_puppet_error(ImportFault):
        imported = import_weights(args.source, model, args.out, args.codec, dtype, progress)
    facts = {
        "model": model.name, "out": str(args.out), "parameters": imported.parameters, "bytes": imported.bytes,
        "weights": imported.inner, "licence": model.licence,
    }  # fmt: skip
    taken = f" ({imported.inner})" if imported.inner else ""
    arguments.answer(
        args, facts,
        f"{args.out}: {model.name}{taken}, {imported.parameters:,} parameters, {imported.bytes / 1e9:.2f} GB\n"
        f"licence of the weights: {model.licence}",
    )  # fmt: skip
