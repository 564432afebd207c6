# SPDX-License-Identifier: Apache-2.0
"""Allocation rules and demand curves written in Python, in supply and world scenarios."""
import datetime

import pytest

import waferwatt as ww

SUPPLY = "supply-cowos-2024.json"
WORLD = {"extends": str(ww.scenarios_folder / "compute-famine.json"), "schema": "waferwatt.scenario/1", "end": "2024-07", "marginal_step": 0}


def numbers(result):
    return {key: value for key, value in result.summary.items() if key != "provenance"}


def pro_rata(case):
    wanted = sum(order.wanted for order in case.orders)
    return [order.wanted / max(wanted, case.supply) for order in case.orders]


def for_one(who):
    """All that one wants, and the rest by what the others want."""

    def rule(case):
        first = sum(order.wanted for order in case.orders if order.who == who)
        others = sum(order.wanted for order in case.orders if order.who != who)
        served = min(1.0, case.supply / first) if first > 0 else 0.0
        left = min(1.0, max(0.0, case.supply - served * first) / others) if others > 0 else 0.0
        return [order.wanted * (served if order.who == who else left) / case.supply for order in case.orders]

    return rule


def of_vendor(result, vendor):
    table = result.table("deliveries")
    return table["accelerators_delivered"][table["vendor"] == vendor].sum()


def test_without_rules_of_ones_own_the_numbers_are_those_of_run():
    assert numbers(ww.supply.simulate(SUPPLY)) == numbers(ww.run(SUPPLY))
    assert numbers(ww.world.simulate(WORLD)) == numbers(ww.run(WORLD))


def test_a_rule_is_asked_for_every_week_of_a_line_and_sees_who_wants_what():
    asked = []

    def rule(case):
        asked.append((case.date, case.of))
        assert case.supply > 0 and case.orders and all(order.wanted >= 0 and 0 <= order.share <= 1 for order in case.orders)
        assert {order.who for order in case.orders} <= {"nvidia", "amd", "google", "amazon"}
        return pro_rata(case)

    ww.supply.simulate(SUPPLY, allocation=rule)
    for line in {of for _, of in asked}:
        days = sorted({datetime.date.fromisoformat(date) for date, of in asked if of == line})
        assert len(days) >= 52, "the year of the scenario, and the time before it in which the chain fills"
        assert all((after - before).days % 7 == 0 for before, after in zip(days, days[1:])), "weeks"


def test_who_is_served_first_gets_more_and_another_less():
    plain, amd = (ww.supply.simulate(SUPPLY, allocation=rule) for rule in (pro_rata, for_one("amd")))
    assert of_vendor(amd, "amd") > of_vendor(plain, "amd")
    assert of_vendor(amd, "nvidia") < of_vendor(plain, "nvidia")


def test_sales_of_a_world_follow_a_rule():
    def owner(result, name):
        table = result.table("deliveries")
        return table["accelerators_delivered"][table["owner"] == name].sum()

    plain, meta = (ww.world.simulate(WORLD, sales=rule) for rule in (pro_rata, for_one("meta")))
    assert owner(meta, "meta") > owner(plain, "meta")


def test_demand_of_a_world_follows_a_curve():
    """Users who want ten times the tokens at every price pay more for an hour of the fleet."""
    seen = []

    def curve(scale):
        def demand(prices, date):
            seen.append((len(prices), date))
            return [scale * 1e6 / price for price in prices]

        return demand

    little, much = (ww.world.simulate(WORLD, demand=curve(scale)) for scale in (1, 10))
    tiers = len([c for c in little.table("prices").columns if c.startswith("price_")])
    assert {n for n, _ in seen} == {tiers} and all(len(date) == 10 for _, date in seen)
    rent = lambda result: result.table("prices")["h100_rent_usd_per_h"].iloc[-1]
    served = lambda result: result.table("years")["tokens_served"].sum()
    assert rent(much) >= rent(little) and served(much) > served(little)


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (lambda case: [1.0], "the allocation rule gave 1 parts for .* on 20.*; it has to give each of [0-9]+ orders"),
        (lambda case: [0.9] * len(case.orders), "parts that come to"),
        (lambda case: [-0.1] + [0.0] * (len(case.orders) - 1), "the part -0.1"),
        (lambda case: None, "allocation must return a list of numbers, got None"),
        (lambda case: ["all"] * len(case.orders), "allocation must return a list of numbers, got"),
    ],
)
def test_wrong_answers_of_a_rule_are_refused(rule, message):
    with pytest.raises(ww.InputError, match=message):
        ww.supply.simulate(SUPPLY, allocation=rule)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ww.InputError, match="allocation: expected a function, got 'pro-rata'"):
        ww.supply.simulate(SUPPLY, allocation="pro-rata")
    with pytest.raises(ww.InputError, match='go with kind "supply", not "world"'):
        ww.supply.simulate("compute-famine.json")
    with pytest.raises(ww.InputError, match="demand must return a list of numbers, got 5"):
        ww.world.simulate(WORLD, demand=lambda prices, date: 5)


def test_an_exception_of_ones_own_arrives_as_it_is():
    def rule(case):
        raise LookupError("of mine")

    with pytest.raises(LookupError, match="of mine"):
        ww.supply.simulate(SUPPLY, allocation=rule)
    with pytest.raises(LookupError, match="of mine"):
        ww.world.simulate(WORLD, sales=rule)
