# SPDX-License-Identifier: Apache-2.0
"""The models without a scenario: cost, network, training, serving, supply, power, and the search for plans."""
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import waferwatt as ww

TRAINING = ww.scenarios_folder / "train-llama3-70b-h100.json"
LLAMA = {"data": 64, "tensor": 8, "pipeline": 4, "global_batch": 2048, "sequence_length": 8192, "system": "nvidia-dgx-h100", "fabric": "infiniband-ndr"}


# cost


def test_operators_are_estimated_over_arrays_of_shapes():
    m = np.array([1, 64, 4096])
    found = ww.cost.estimate("nvidia-h100-sxm", "gemm", m=m, n=8192, k=8192)
    assert list(found["m"]) == list(m) and (found["n"] == 8192).all()
    assert found["work_flop"].to_numpy() == pytest.approx(2.0 * m * 8192 * 8192)
    assert found["energy_j"].to_numpy() == pytest.approx((found["power_w"] * found["time_s"]).to_numpy())
    assert ((found["low_s"] <= found["time_s"]) & (found["time_s"] <= found["high_s"])).all()
    peak = 989.4e12
    assert (found["work_flop"] / found["time_s"] < peak).all(), "nothing is faster than the data sheet"
    assert found["bound"].iloc[0] == "memory" and found["bound"].iloc[-1] == "compute"


def test_the_formula_alone_never_falls_with_the_shape():
    times = ww.cost.estimate("nvidia-h100-sxm", "gemm", m=2 ** np.arange(14), n=4096, k=4096, calibrated=False)["time_s"]
    assert (np.diff(times) >= 0).all()


def test_dimensions_with_a_default_may_be_left_out_and_others_are_named():
    short = ww.cost.estimate("nvidia-h100-sxm", "attention_decode", batch=32, context=4096, heads=64, kv_heads=8, head_dim=128)
    long = ww.cost.estimate("nvidia-h100-sxm", "attention_decode", batch=32, context=8192, heads=64, kv_heads=8, head_dim=128)
    assert 1.5 < long["time_s"][0] / short["time_s"][0] < 2.5
    with pytest.raises(ww.InputError, match="missing dimension k"):
        ww.cost.estimate("nvidia-h100-sxm", "gemm", m=1, n=8)
    with pytest.raises(ww.InputError, match="unknown dimension q"):
        ww.cost.estimate("nvidia-h100-sxm", "gemm", m=1, n=8, k=8, q=1)


@pytest.mark.parametrize(
    ("operator", "arguments", "message"),
    [
        ("gem", {}, 'unknown operator "gem".*"gemm"'),
        ("gemm", {"m": [1, 2], "n": [1, 2, 3], "k": 1}, "different lengths"),
        ("gemm", {"m": 1.5, "n": 1, "k": 1}, "m: expected whole numbers, got 1.5"),
        ("gemm", {"m": 0, "n": 1, "k": 1}, "m: must be at least 1, got 0"),
        ("gemm", {"m": "many", "n": 1, "k": 1}, "m: expected numbers, got 'many'"),
        ("gemm", {"m": 1, "n": 1, "k": 1, "format": "bf61"}, 'unknown format "bf61".*"bf16"'),
        ("gemm", {"m": 1, "n": 1, "k": 1, "format": "nvfp4"}, "does not compute in fp4"),
    ],
)
def test_wrong_operators_are_refused_with_what_would_be_right(operator, arguments, message):
    with pytest.raises(ww.InputError, match=message):
        ww.cost.estimate("nvidia-h100-sxm", operator, **arguments)


def test_an_unknown_accelerator_is_refused_with_the_nearest_one():
    with pytest.raises(ww.InputError, match="nvidia-h100-sxm"):
        ww.cost.estimate("nvidia-h100-sxn", "gemm", m=1, n=1, k=1)


def test_an_accelerator_may_be_a_record_of_ones_own():
    chip = ww.catalog["nvidia-h100-sxm"]
    chip["id"] = "half-the-bandwidth"
    chip["memory_bandwidth"]["value"] = "1.675 TB/s"
    half = ww.cost.estimate(chip, "stream", bytes=2**30)["time_s"][0]
    whole = ww.cost.estimate("nvidia-h100-sxm", "stream", bytes=2**30)["time_s"][0]
    assert half / whole == pytest.approx(2, rel=0.15)


# network


def test_collectives_over_sizes_as_texts_and_as_numbers_agree():
    texts = ww.network.collectives("nvidia-h100-sxm", "all-reduce", n_ranks=8, size_byte=["1 MiB", "1 GiB"])
    numbers = ww.network.collectives("nvidia-h100-sxm", "all-reduce", n_ranks=8, size_byte=2.0 ** np.array([20, 30]))
    assert texts.equals(numbers)
    assert texts["time_s"][0] < texts["time_s"][1]
    bus = texts["size_byte"] * 2 * 7 / 8 / texts["time_s"]
    assert texts["bus_bandwidth_byte_per_s"].to_numpy() == pytest.approx(bus.to_numpy())
    assert (bus < 450e9 * 1.5).all(), "in-network reduction may exceed the link by a little only"


def test_a_collective_takes_longer_across_domains():
    inside, across = (ww.network.collectives("nvidia-h100-sxm", "all-gather", n_ranks=n, size_byte="1 GB", fabric="infiniband-ndr") for n in (8, 64))
    assert inside["n_domains"][0] == 1 and across["n_domains"][0] == 8
    assert across["time_s"][0] > inside["time_s"][0]
    assert across["basis"][0] == "closed form"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_ranks": 1, "size_byte": 1}, "at least 2 ranks, got 1"),
        ({"n_ranks": 8, "size_byte": 0}, "size_byte: must be above 0"),
        ({"n_ranks": 8, "size_byte": "5 W"}, "size_byte: .*got"),
        ({"n_ranks": 8, "size_byte": "5"}, "size_byte: "),
        ({"n_ranks": 8, "size_byte": 1, "fabric": "infinband-ndr"}, "infiniband-ndr"),
    ],
)
def test_wrong_collectives_are_refused(arguments, message):
    with pytest.raises(ww.InputError, match=message):
        ww.network.collectives("nvidia-h100-sxm", "all-reduce", **arguments)
    with pytest.raises(ww.InputError, match='"all-reduce"'):
        ww.network.collectives("nvidia-h100-sxm", "allreduce", n_ranks=8, size_byte=1)


# training


def test_a_step_is_that_of_the_scenario_with_the_same_plan():
    run = ww.run(TRAINING)
    step = ww.training.step("llama-3-70b", "nvidia-h100-sxm", **LLAMA)
    assert step.iteration_time_s == pytest.approx(run.metric("iteration_time"), rel=1e-12)
    assert step.mfu == pytest.approx(run.metric("mfu"), rel=1e-12)
    assert step.memory_byte == pytest.approx(run.metric("memory_per_accelerator"), rel=1e-12)
    assert step.breakdown["time_s"].sum() == pytest.approx(step.iteration_time_s)
    assert step.tokens_per_second == pytest.approx(2048 * 8192 / step.iteration_time_s)
    assert step.memory.groupby("stage")["size_byte"].sum().max() == pytest.approx(step.memory_byte)
    assert step.fits and step.way_to_fit == ""


def test_a_plan_that_does_not_fit_is_an_answer():
    step = ww.training.step("llama-3-70b", "nvidia-h100-sxm", tensor=8, global_batch=8, sequence_length=8192)
    assert not step.fits and step.memory_byte > step.usable_memory_byte and step.way_to_fit


def test_all_rules_that_a_plan_breaks_are_told():
    with pytest.raises(ww.InputError) as caught:
        ww.training.step("llama-3-70b", "nvidia-h100-sxm", data=3, tensor=7, global_batch=1024, sequence_length=8192)
    assert {"/parallel/tensor", "/global_batch"} <= {d["path"] for d in caught.value.diagnostics}
    with pytest.raises(ww.InputError, match='did you mean "zero_stage"'):
        ww.training.step("llama-3-70b", "nvidia-h100-sxm", tensor=8, global_batch=8, sequence_length=8192, zero_stag=1)
    with pytest.raises(ww.InputError, match="/global_batch"):
        ww.training.step("llama-3-70b", "nvidia-h100-sxm", tensor=8, global_batch="many", sequence_length=8192)


def test_groups_lie_where_the_placement_says():
    plan = {"tensor": 8, "pipeline": 2, "global_batch": 16, "sequence_length": 8192}
    usual = ww.training.step("llama-3-1-8b", "nvidia-h100-sxm", **plan)
    named = ww.training.step("llama-3-1-8b", "nvidia-h100-sxm", **plan, placement=("tensor", "context", "data", "pipeline"))
    assert (named.iteration_time_s, named.mfu) == (usual.iteration_time_s, usual.mfu)
    # A stage in each half of a node: its tensor-parallel ranks are in two nodes.
    spread = ww.training.step("llama-3-1-8b", "nvidia-h100-sxm", **plan, placement=("pipeline", "tensor", "context", "data"))
    assert spread.iteration_time_s > usual.iteration_time_s
    assert spread.memory_byte == usual.memory_byte
    with pytest.raises(ww.InputError, match='did you mean "tensor"'):
        ww.training.step("llama-3-1-8b", "nvidia-h100-sxm", **plan, placement=("tenor", "context", "data", "pipeline"))


# serving


def test_iterations_are_split_by_what_they_wait_for_and_grow():
    replica = ww.serving.Replica("llama-3-1-70b", "nvidia-h200-sxm", tensor_parallel=4)
    found = replica.iterations(n_decode=[1, 8, 64, 256], context=2048)
    parts = found[["memory_s", "compute_s", "launch_s", "network_s", "host_s"]].sum(axis=1)
    assert parts.to_numpy() == pytest.approx(found["time_s"].to_numpy(), rel=1e-6)
    assert (np.diff(found["time_s"]) > 0).all()
    # Weights of 70.6 billion bf16 numbers pass through four memories at 4.8 TB/s at least once.
    assert found["time_s"][0] > 70e9 * 2 / 4 / 4.8e12
    with_prompt = replica.iterations(n_decode=8, context=2048, prefill_tokens=4096)
    assert with_prompt["time_s"][0] > found["time_s"][1]
    assert replica.n_accelerators == 4
    memory = replica.memory
    assert memory["weights_byte"] * 4 == pytest.approx(70.6e9 * 2, rel=0.02)
    assert memory["kv_tokens"] * memory["kv_byte_per_token"] <= memory["kv_space_byte"] * 1.001


def test_replicas_that_cannot_be_are_refused_with_the_numbers():
    with pytest.raises(ww.InfeasibleError, match="GB"):
        ww.serving.Replica("llama-3-1-70b", "nvidia-h100-sxm")
    with pytest.raises(ww.InputError, match="did you mean"):
        ww.serving.Replica("llama-3-1-70b", "nvidia-h200-sxm", tensor_paralel=4)
    replica = ww.serving.Replica("llama-3-1-8b", "nvidia-h200-sxm")
    with pytest.raises(ww.InputError, match="n_decode: must be at least 0"):
        replica.iterations(n_decode=-1)
    with pytest.raises(ww.InputError, match="needs some of either"):
        replica.iterations()


def test_a_capability_is_consistent_in_itself():
    strict, loose = (ww.serving.capability("llama-3-1-70b", "nvidia-h200-sxm", time_per_output_token_s=t) for t in ("20 ms", 0.1))
    assert loose["output_token_per_s"] > strict["output_token_per_s"]
    assert strict["time_per_output_token_s"] <= 0.02 and loose["time_per_output_token_s"] <= 0.1
    assert loose["energy_j_per_output_token"] == pytest.approx(loose["it_power_w"] / loose["output_token_per_s"])
    with pytest.raises(ww.InputError, match="time_per_output_token_s: expected"):
        ww.serving.capability("llama-3-1-70b", "nvidia-h200-sxm", time_per_output_token_s="20 GB")


# supply


def test_dies_and_yields_follow_the_textbook():
    # A reticle-sized die of 33 x 26 mm: 60 to 66 are quoted for a 300 mm wafer.
    assert 58 <= ww.supply.dies_per_wafer(26, 33)[0] <= 68
    assert list(ww.supply.dies_per_wafer([10, "1 cm"], 10)) == [ww.supply.dies_per_wafer(10, 10)[0]] * 2
    area, density = np.array([100.0, 814.0]), 0.1
    ad = area / 100 * density
    assert ww.supply.die_yield(area, density, model="poisson") == pytest.approx(np.exp(-ad))
    assert ww.supply.die_yield(area, density, model="seeds") == pytest.approx(1 / (1 + ad))
    assert ww.supply.die_yield("8.14 cm2", "0.1 1/cm2", clustering=2)[0] == pytest.approx((1 + 0.814 / 2) ** -2)
    assert ww.supply.die_yield(area, density, model="bose-einstein", n_layers=3) == pytest.approx((1 + ad) ** -3)


def test_a_package_costs_the_sum_of_its_parts():
    cost = ww.supply.package_cost("nvidia-h100-sxm", "2024-01")
    assert cost["total_usd"] == pytest.approx(sum(value for key, value in cost.items() if key != "total_usd"))
    assert 1500 < cost["total_usd"] < 6000
    made = ww.supply.product("nvidia-h100-sxm", "2024-01")
    assert 0 < made["good_dies_per_wafer"] < made["dies_per_wafer"] and 0 < made["package_yield"] <= 1


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ww.supply.die_yield("814", 0.1), "die_area_mm2: "),
        (lambda: ww.supply.die_yield("814 W", 0.1), "die_area_mm2: .*area"),
        (lambda: ww.supply.die_yield(814, 0.1, model="poison"), '"poisson"'),
        (lambda: ww.supply.die_yield(-1, 0.1), "above 0 mm2"),
        (lambda: ww.supply.dies_per_wafer(None, 10), "width_mm: "),
        (lambda: ww.supply.dies_per_wafer(0, 10), "wider and higher than 0 mm"),
        (lambda: ww.supply.package_cost("nvidia-h100-sxm", "soon"), "date"),
        (lambda: ww.power.facility(it_power_w="80 GB"), "it_power_w: "),
        (lambda: ww.power.facility(it_power_w=2, nameplate_w=1), "at most the nameplate of 1 W"),
        (lambda: ww.power.facility(it_power_w=1, cooling="water"), "unknown cooling"),
        (lambda: ww.power.facility(it_power_w=float("nan")), "must be finite"),
    ],
)
def test_wrong_quantities_are_refused_by_the_name_of_the_argument(call, message):
    with pytest.raises(ww.InputError, match=message):
        call()


# power


def test_a_facility_draws_its_parts_and_more_in_the_heat():
    found = ww.power.facility(it_power_w="80 MW", nameplate_w="100 MW", dry_bulb_c=[0, 20, 40])
    parts = found[["it_w", "losses_w", "fans_and_pumps_w", "chillers_w"]].sum(axis=1)
    assert found["facility_w"].to_numpy() == pytest.approx(parts.to_numpy())
    assert found["pue"].to_numpy() == pytest.approx((found["facility_w"] / 80e6).to_numpy())
    assert (np.diff(found["pue"]) >= 0).all() and found["pue"].iloc[-1] > found["pue"].iloc[0]
    assert ww.power.wet_bulb_c([20, 30], 50)[0] == pytest.approx(13.7, abs=0.1), "Stull's own example"
    assert ww.power.wet_bulb_c([20, 30], 50)[1] > 20


def test_three_powers_of_an_accelerator_are_in_order():
    levels = ww.power.levels("nvidia-h100-sxm")
    assert levels["tdp_w"] == 700
    assert levels["mean_w"] < levels["peak_w"] < levels["nameplate_w"]


# plans


def test_a_search_ranks_plans_and_the_best_is_no_slower_than_the_scenarios_own():
    found = ww.plan(TRAINING, {"n_accelerators": 256, "parallel": {"data": 8, "tensor": 8, "pipeline": 4}, "global_batch": 256}, jobs=1)
    plans = found.table("plans")
    assert (plans["iteration_time_s"].diff().dropna() >= 0).all() and "Best of" in found.headline
    own = ww.training.step("llama-3-70b", "nvidia-h100-sxm", **{**LLAMA, "data": 8, "global_batch": 256})
    assert plans["iteration_time_s"][0] <= own.iteration_time_s * (1 + 1e-9)


def test_searches_that_cannot_be_are_refused():
    with pytest.raises(ww.InputError, match='unknown objective "tim".*"time"'):
        ww.plan(TRAINING, objective="tim")
    with pytest.raises(ww.InputError, match='"training" and "serving", not "supply"'):
        ww.plan("supply-cowos-2024.json")
    with pytest.raises(ww.InfeasibleError, match="fits into"):
        ww.plan(TRAINING, {"n_accelerators": 8, "parallel": {"data": 1, "tensor": 8, "pipeline": 1}, "global_batch": 8}, jobs=1)


# all


class Ticks:
    """Counts in a thread of its own, as far as others let it."""

    def __enter__(self):
        self.n, self._ends = 0, False
        self._thread = threading.Thread(target=self._count, daemon=True)
        self._thread.start()
        return self

    def _count(self):
        while not self._ends:
            self.n += 1
            time.sleep(0.0002)

    def __exit__(self, *_):
        self._ends = True
        self._thread.join()


MANY = np.full(60_000, 4096)
LONG_CALLS = {
    "cost": lambda: ww._core.Operators(str(ww.models_folder()), '"nvidia-h100-sxm"', True).estimate("gemm", "bf16", [MANY, MANY, MANY]),
    "network": lambda: ww._core.collective_times(str(ww.models_folder()), '{"accelerator": "nvidia-h100-sxm"}', "all-reduce", np.full(60_000, 8), np.full(60_000, 1e9), 1, ""),
    "serving": lambda: ww._core.ServingReplica(str(ww.models_folder()), SERVING_REPLICA).iterations(np.arange(1, 60_001) % 256 + 1, MANY, MANY * 0, MANY * 0),
    "supply": lambda: ww._core.dies_per_wafer(np.full(400, 5.0), np.full(400, 5.0), 300, 3, 0.1),
    "power": lambda: ww._core.wet_bulb_c(np.full(600_000, 30.0), np.full(600_000, 0.5)),
    "training": lambda: [ww.training.step("llama-3-70b", "nvidia-h100-sxm", **LLAMA) for _ in range(3)],
}
SERVING_REPLICA = (
    '{"model": "llama-3-1-8b", "accelerator": "nvidia-h100-sxm", "workload": {"preset": "azure-2023-conversation", "concurrency": 1, "n_requests": 1}}'
)


@pytest.mark.parametrize("model", LONG_CALLS)
def test_other_threads_go_on_while_a_model_computes(model):
    """A call that held the interpreter would let the counter tick at its ends only: once before and once after."""
    LONG_CALLS[model]()  # the catalog is read
    with Ticks() as ticks:
        while ticks.n == 0:
            time.sleep(0.001)
        before, start = ticks.n, time.monotonic()
        LONG_CALLS[model]()
        counted, took = ticks.n - before, time.monotonic() - start
    assert counted > 5, f"{counted} ticks in {took:.3f} s"


def test_threads_share_a_replica():
    replica = ww.serving.Replica("llama-3-1-8b", "nvidia-h100-sxm")
    alone = replica.iterations(n_decode=np.arange(1, 2001), context=2048)["time_s"]
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda _: ww.serving.Replica("llama-3-1-8b", "nvidia-h100-sxm") and replica.iterations(n_decode=np.arange(1, 2001), context=2048)["time_s"], range(8)):
            assert found.equals(alone)


def test_a_search_is_a_child_that_a_time_limit_ends():
    with pytest.raises(ww.RunError, match='search for plans of "Llama 3 70B on 2,048 H100".*limit of 0.001 s'):
        ww.plan(TRAINING, timeout=0.001)
