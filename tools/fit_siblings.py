#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the calibrations of accelerators that share the B200's die and have coefficients of a plain formula only.

usage: fit_siblings.py WAFERWATT KERNELS      KERNELS: folder with the collection's CSV files and fits.json

fits.json has coefficients of t0 + ((F/(P ec))^p + (B/(W em))^p)^(1/p), fitted in the same way to measured times of each
accelerator. The ratio of two such times carries a measured time of the B200 over to its sibling; `waferwatt calibrate
fit` finds the shipped formula's coefficients for these times. Points are left out: the model takes the B200's.
"""
import csv
import gzip
import json
import pathlib
import subprocess
import sys
import tempfile

CALIBRATIONS = pathlib.Path(__file__).resolve().parent.parent / "models/calibrations"
MEASURED = "b200_sxm"
SIBLINGS = {"b300_sxm": "nvidia-b300", "gb200": "nvidia-gb200", "gb300": "nvidia-gb300"}
VERSION = "trtllm_1.3.0rc20"
QUANTISE = "all_quantize_computescale_trtllm_1.3.0rc20.csv.gz"
NUMBER_BYTES = {"bfloat16": 2, "fp8": 1, "fp8_block": 1, "nvfp4": 0.5}
PEAK = {"bfloat16": "P", "fp8": "P8", "fp8_block": "P8", "nvfp4": "P4"}
FORMATS = {"bfloat16": "bf16"}
OPERATORS = {"gemm": "gemm", "attn_prefill": "attention_prefill", "attn_decode_kv": "attention_decode", "moe": "moe"}
NOTE = ("Coefficients without points, which are those of the B200's die: fitted to the B200's measured times, each times the ratio of "
        "two plain fits, of this accelerator's measured times and of the B200's (n_points are this accelerator's). Errors are held "
        "out among these times; between an H100 and an H200 the ratio meets GEMMs within 4 %, attention 3 to 4, experts 3 to 6.")


def gemm(row):
    m, n, k, size = int(row["m"]), int(row["n"]), int(row["k"]), NUMBER_BYTES[row["dtype"]]
    return "gemm_" + row["dtype"], 2 * m * n * k, size * (m * k + n * k) + 2 * m * n


def prefill(row):
    batch, s, heads, d, window = (int(row[c]) for c in ("batch_size", "isl", "num_heads", "head_dim", "win"))
    kv_heads = int(row["num_kv_heads"]) or heads
    pairs = s * (s + 1) / 2 if window == 0 or s <= window else window * (window + 1) / 2 + (s - window) * window
    return "attn_prefill_" + row["dtype"], 4 * batch * heads * d * pairs, 2 * batch * s * d * (heads + kv_heads) * NUMBER_BYTES[row["dtype"]]


def decode(row):
    batch, length, heads, d, window = (int(row[c]) for c in ("batch_size", "kv_len", "num_heads", "head_dim", "win"))
    kv_heads, seen = int(row["num_kv_heads"]) or heads, min(length, window or length)
    cache = 2 * batch * seen * kv_heads * d * NUMBER_BYTES[row["kv_dtype"]]
    return "attn_decode_kv_" + row["kv_dtype"], 4 * batch * heads * d * seen, cache + 4 * batch * heads * d


def experts(row):
    tokens, hidden, ffn, top_k, n, tensor, parallel = (
        int(row[c]) for c in ("num_tokens", "hidden_size", "inter_size", "topk", "num_experts", "tp", "ep"))
    pairs = tokens * top_k / parallel
    active = min(n / parallel * (1 - (1 - 1 / n) ** (tokens * top_k)), pairs)
    routing = "balanced" if row["distribution"] == "balanced" else "power_law_1.2"
    matrix = hidden * ffn / tensor
    # The plain fits of nvfp4 are of two kinds of kernels together and tell neither.
    key = "" if row["dtype"] == "nvfp4" else f"moe_{row['dtype']}_{routing}"
    return key, 6 * pairs * matrix, 3 * NUMBER_BYTES[row["dtype"]] * active * matrix + 4 * pairs * hidden


FILES = {"gemm": gemm, "context_attention": prefill, "generation_attention": decode, "moe": experts}


def plain_time(fits, accelerator, key, work, traffic):
    """Microseconds by the plain formula, None where there is no fit."""
    spec, fit = fits[accelerator]["spec"], fits[accelerator]["fits"].get(key)
    number_format = next((f for f in sorted(PEAK, key=len, reverse=True) if f in key), None)
    if not fit or not number_format:
        return None
    parts = sorted((work / (spec[PEAK[number_format]] * fit["eff_compute"]), traffic / (spec["B"] * fit["eff_memory"])))
    return fit["t0_us"] + 1e6 * parts[1] * (1 + (parts[0] / parts[1]) ** fit["p"]) ** (1 / fit["p"])


def carry_over(fits, folder, accelerator, out):
    """Writes the B200's rows with the sibling's times, one file per operator."""
    paths = []
    for name, demand in FILES.items():
        paths.append(pathlib.Path(out) / f"{accelerator}_{name}.csv")
        with gzip.open(folder / f"{MEASURED}_{name}_{VERSION}.csv.gz", "rt") as source, paths[-1].open("w") as target:
            reader = csv.DictReader(source)
            writer = csv.DictWriter(target, reader.fieldnames)
            writer.writeheader()
            for row in reader:
                if row.get("dtype", row.get("kv_dtype")) not in NUMBER_BYTES or "min_latency" in row.get("kernel_source", ""):
                    continue
                key, work, traffic = demand(row)
                mine, other = (plain_time(fits, a, key, work, traffic) for a in (accelerator, MEASURED))
                if mine and other:
                    writer.writerow(row | {"us": f"{float(row['us']) * mine / other:.5g}"})
    return [str(p) for p in paths]


def measured_rows(fits, accelerator, fit):
    for prefix, name in OPERATORS.items():
        if name == fit["operator"]:
            number_format = next((k for k, v in FORMATS.items() if v == fit["format"]), fit["format"])
            keys = [f"{prefix}_{number_format}"] + [f"{prefix}_{number_format}_{r}" for r in ("balanced", "power_law_1.2")]
            return sum(fits[accelerator]["fits"].get(k, {}).get("n", 0) for k in keys)
    return fit["n_points"]


def calibrate(program, folder, accelerator, catalog_id):
    fits = json.loads((folder / "fits.json").read_text())
    path = CALIBRATIONS / f"{catalog_id}.json"
    with tempfile.TemporaryDirectory() as out:
        files = carry_over(fits, folder, accelerator, out)
        # A file of its own would be recognised as the file of the accelerator that is fitted.
        subprocess.run([program, "calibrate", "fit", *files, str(folder / QUANTISE), "--accelerator", catalog_id, "--output",
                        f"{out}/fit.json", "--force"], check=True, stdout=subprocess.DEVNULL)
        calibration = json.loads(pathlib.Path(out, "fit.json").read_text())
    for fit in calibration["fits"]:
        if fit["operator"] != "quantise":
            fit["n_points"] = measured_rows(fits, accelerator, fit)
            for part in ("grid", "domain", "regimes", "extrapolation"):
                fit.pop(part, None)
    calibration.pop("power", None)
    calibration["id"] = catalog_id
    calibration["note"], calibration["command"] = NOTE, "tools/fit_siblings.py waferwatt kernels"
    path.write_text(json.dumps(calibration, indent=2) + "\n")


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    for accelerator, catalog_id in SIBLINGS.items():
        calibrate(sys.argv[1], pathlib.Path(sys.argv[2]), accelerator, catalog_id)


if __name__ == "__main__":
    main()
