# SPDX-License-Identifier: Apache-2.0
"""The questions, and how their answers are read from runs. A function gives the paragraph and draws the picture."""
from answers import pictures
from answers.runs import compact

RESOURCES = ["packaging", "memory", "logic", "parts", "capital", "power"]


def change(new, old):
    return f"{100 * (new / old - 1):+.0f} %"


def listed(words):
    words = list(words)
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1]


def waits(points, owner=""):
    """Resource -> year -> share of waiting."""
    shares = {r: {} for r in RESOURCES}
    for row in points.table("views"):
        if row["owner"] == owner:
            shares[row["resource"]][row["year"]] = 100 * float(row["share_of_waits"])
    return {r: v for r, v in shares.items() if max(v.values(), default=0) > 1}


def quarters(points, name="h100_rent_usd_per_h"):
    return {f"{row['year'][2:]}Q{row['quarter']}": float(row[name]) for row in points.table("prices")}


def famine(run, picture):
    p = run("compute-famine.json")
    pictures.stacked(picture, "What H100-equivalents waited for", "% of waiting", waits(p))
    gains = {r: p.get("marginal_tokens", resource=r) for r in RESOURCES}
    best = max(gains, key=gains.get)
    tokens, rent = p.years("tokens_served"), p.years("h100_rent")
    first, last = min(tokens), max(tokens)
    return (f"{p.summary['headline']} Over the six years a tenth more of {best} everywhere gives {100 * gains[best]:+.1f} % tokens, the most of all resources"
            f" ({listed(f'{r} {100 * g:+.1f} %' for r, g in gains.items() if r != best)}). Tokens served grow from {compact(tokens[first])} in {first} to {compact(tokens[last])} in {last};"
            f" an H100-equivalent hour rents for {rent[first]:.2f} USD in {first}, {rent[2025]:.2f} in 2025 and {rent[last]:.2f} in {last}.")


def chips_or_power(run, picture):
    p, s = run("compute-famine.json"), run("world-chips-or-power.json")
    factors = [0.7, 0.85, 1.0, 1.25, 1.5, 2.0]
    pictures.lines(picture, "Fleet by the power that buyers get from 2026 on", "M H100-equivalents on",
                   {f"{f:g} x": {y: v / 1e6 for y, v in s.years("h100_equivalents_energised", i + 1).items()} for i, f in enumerate(factors)})
    shares = waits(p)
    power = [y for y in shares.get("power", {}) if shares["power"][y] >= max(shares[r].get(y, 0) for r in shares)]
    ends = [s.years("h100_equivalents_energised", i + 1)[2028] for i in range(len(factors))]
    waiting = [s.years("accelerators_awaiting_power", i + 1)[2028] for i in range(len(factors))]
    enough = next((f for f, w in zip(factors, waiting) if w < 0.01 * p.years("accelerators_energised")[2028]), None)
    clause = f"chips alone bind from {enough:g} times the planned power on" if enough else "even twice the planned power leaves chips waiting"
    chips = [y for y in next(iter(shares.values())) if y not in power]
    return (f"Chips bind in {listed(chips) if chips else 'no year'}; power in {listed(power) if power else 'no year'}. At the end of 2028 {compact(p.years('accelerators_awaiting_power')[2028])} accelerators"
            f" wait for power. With 0.7 of the planned power the fleet of 2028 is {change(ends[0], ends[2])}, with 1.5 of it {change(ends[4], ends[2])}, with twice {change(ends[5], ends[2])}: {clause}.")


def export_controls(run, picture):
    s = run("world-export-controls.json")
    names = ["no rules", "controls", "controls and licences", "and China's bans"]
    owned = [{y: v / 1e6 for y, v in s.years("h100_equivalents_owned", i + 1, owner="china").items()} for i in range(4)]
    pictures.lines(picture, "China's fleet", "M H100-equivalents", dict(zip(names, owned)))
    done = []
    for project in ("the work of GPT-4 (2.1e25)", "the work of Llama 3.1 405B (3.8e25)", "1e26 FLOP", "5e26 FLOP"):
        days = [s.get("project_time", i + 1, default=-1, project=project) for i in range(4)]
        parts = [f"{d:.0f} days" if d >= 0 else f"not done ({100 * s.get('project_done', i + 1, project=project):.0f} %)" for i, d in enumerate(days)]
        done.append(f"{project}: {', '.join(parts)}")
    us = [s.years("h100_equivalents_owned", i + 1, owner="microsoft")[2028] for i in range(4)]
    return (f"China owns {owned[0][2028]:.2f} M H100-equivalents at the end of 2028 without rules, {owned[1][2028]:.2f} M under controls, {owned[2][2028]:.2f} M with licences for H20 and H200, and"
            f" {owned[3][2028]:.2f} M when its own state turns them back; Microsoft's fleet moves by {change(us[1], us[0])} between the first two, since packages go to whoever may buy. With a quarter of its"
            f" training China's fleet needs from January 2025 (no rules, controls, licences, bans) for {'; for '.join(done)}. Controls cost time, not the ability: domestic chips and what was bought before carry"
            " runs of today's size, and the gap is in what comes next.")


def sovereign(run, picture):
    s = run("world-sovereign-europe.json")
    names = ["as planned", "2 x money", "2 x power", "2 x both", "4 x both"]
    pictures.lines(picture, "Europe's fleet, with what waits for power", "k H100-equivalents",
                   {n: {y: v / 1e3 for y, v in s.years("h100_equivalents_owned", i + 1, owner="europe").items()} for i, n in enumerate(names)})
    fleets = [s.owners("h100_equivalents_owned", 2028, i + 1) for i in range(5)]
    ends, others = [f["europe"] for f in fleets], [sum(f.values()) - f["europe"] for f in fleets]
    power = [s.years("power_energised", i + 1, owner="europe")[2028] for i in range(5)]
    lacks = "megawatts before money" if ends[2] > ends[1] else "money before megawatts"
    return (f"As planned Europe owns {compact(ends[0])} H100-equivalents at the end of 2028, {100 * ends[0] / (ends[0] + others[0]):.1f} % of the world's, and draws {power[0]:.1f} GW. Twice the budget alone gives {change(ends[1], ends[0])}"
            f" and {power[1]:.1f} GW; twice the power alone {change(ends[2], ends[0])} and {power[2]:.1f} GW, since money that was held back while chips waited is spent; both {change(ends[3], ends[0])}, four times both {change(ends[4], ends[0])}."
            f" Europe lacks {lacks}. What others own at the end of 2028 changes by {change(others[4], others[0])} in the last case.")


def price_war(run, picture):
    p, s = run("compute-famine.json"), run("world-price-war.json")
    tiers = ["economy", "mid", "flagship"]
    pictures.lines(picture, "Price of a million tokens", "USD, prompt and output together", {t: p.years("token_price", tier=t) for t in tiers}, log=True)
    falls = {t: 100 * (1 - p.years("token_price", tier=t)[2026] / p.years("token_price", tier=t)[2024]) for t in tiers}
    war = {t: 100 * (1 - s.years("token_price", 3, tier=t)[2026] / s.years("token_price", 1, tier=t)[2026]) for t in tiers}
    revenue = [s.years("token_revenue", i + 1)[2027] for i in range(4)]
    tokens = [s.years("tokens_served", i + 1)[2027] for i in range(4)]
    return (f"At fixed quality the simulated price falls by {listed(f'{falls[t]:.0f} % ({t})' for t in tiers)} from 2024 to 2026 without any war: software and chips do it. Sellers who give up a margin of 35 % for one"
            f" of 5 % add {listed(f'{war[t]:.0f} % ({t})' for t in tiers)} in 2026; in 2027 they sell {change(tokens[2], tokens[0])} tokens for {change(revenue[2], revenue[0])} revenue. The rest of the price is"
            " rent: where capacity binds, a war among sellers moves money to the owners of chips and not to users. A fall of 70 to 80 % is thus what two years of progress give at a fixed quality; list prices of"
            " the best model of the day need not fall at all.")


def energy_deals(run, picture):
    s = run("world-energy-deals.json")
    names = ["as planned", "nuclear restarts", "gas on site", "both"]
    pictures.lines(picture, "Power of the fleet", "GW", {n: s.years("power_energised", i + 1) for i, n in enumerate(names)})
    ends = [s.years("h100_equivalents_energised", i + 1)[2028] for i in range(4)]
    carbon = [sum(s.years("carbon", i + 1).values()) for i in range(4)]
    sooner = [sum(s.years("tokens_served", i + 1).values()) for i in range(4)]
    return (f"By the end of 2028 restarts signed so far add {change(ends[1], ends[0])} to the fleet that is on, engines and turbines on site {change(ends[2], ends[0])}, both {change(ends[3], ends[0])}; tokens served from 2023"
            f" to 2028 change by {change(sooner[1], sooner[0])}, {change(sooner[2], sooner[0])} and {change(sooner[3], sooner[0])}. Gas comes years sooner and adds {carbon[2] - carbon[0]:.0f} Mt CO2e at the grids' mean intensity,"
            f" which flatters it; restarts add {carbon[1] - carbon[0]:.0f} Mt by the same count, and less in truth. `scenarios/power-nuclear-gas-grid.json` has the times, costs and carbon of each source.")


def specialised(run, picture):
    chips = {"H100": "serve-chips-llama3-8b-h100.json", "TPU": "serve-chips-llama3-8b-tpu.json", "Groq": "serve-chips-llama3-8b-groq.json", "Cerebras": "serve-chips-llama3-8b-cerebras.json"}
    cost, energy, speed = {}, {}, {}
    for name, file in chips.items():
        p = run(file)
        cost[name] = p.get("cost_per_output_token", default=float("nan"))
        energy[name] = p.get("energy_per_output_token", default=float("nan"))
        speed[name] = 1 / p.get("tpot", default=float("nan"), statistic="mean") if ("tpot" in {m["name"] for m in p.summary["metrics"]}) else float("nan")
    pictures.bars(picture, "Energy of an output token, Llama 3 8B", "J, all of the deployment's energy", energy)
    best, frugal = min(cost, key=lambda k: cost[k] if cost[k] == cost[k] else 1e9), min(energy, key=lambda k: energy[k] if energy[k] == energy[k] else 1e9)
    return (f"On Llama 3 8B an output token costs {listed(f'{c:.3g} USD a million on {n}' for n, c in cost.items() if c == c)} and takes {listed(f'{e:.3g} J on {n}' for n, e in energy.items())}: {best} is cheapest and"
            f" {frugal} takes the least energy at the load of these scenarios. Groq and Cerebras keep models in SRAM: they need no CoWoS and no HBM, and so no share of what bound from 2023 to 2025; but 0.23 GB a"
            " chip and 44 GB a wafer make hundreds of chips, or several wafers, of one large model. A TPU needs both.")


def bubble(run, picture):
    p, b = run("compute-famine.json"), run("world-bubble.json")
    pictures.lines(picture, "Rent of an H100-equivalent hour", "USD", {"as forecast": quarters(p), "revenue fails to come": quarters(b)})
    fails = b.table("failures")
    revenue = [p.years("token_revenue"), b.years("token_revenue")]
    rents = [p.years("h100_rent"), b.years("h100_rent")]
    first = f"The first to fail is {fails[0]['buyer']} in {fails[0]['date'][:7]}: {fails[0]['reason']}." if fails else "Nobody fails: owners are backed or owe little."
    names = sorted({row["buyer"] for row in fails})
    absorbed = sorted({f"{row['buyer']} by {row['by']}" for row in fails if row["resolution"] == "absorbed"})
    first += f" In all {len(names)} buyers fail ({listed(names)}); {listed(absorbed) + ' end in other hands' if absorbed else 'none is absorbed'}." if fails else ""
    return (f"Token revenue of 2028 is {revenue[1][2028]:.0f} instead of {revenue[0][2028]:.0f} billion USD, and the rent of an H100-equivalent hour {rents[1][2028]:.2f} instead of {rents[0][2028]:.2f} USD;"
            f" {100 * b.years('idle_share')[2028]:.0f} % of the fleet's time is idle. {len(fails)} failures are logged. {first} The fleet of 2028 is {change(b.years('h100_equivalents_energised')[2028], p.years('h100_equivalents_energised')[2028])}.")


def consolidation(run, picture):
    s = run("world-consolidation.json")
    kept = [1.0, 0.7, 0.5, 0.35, 0.2, 0.1]
    counts = {f"{100 * k:.0f} %": s.get("buyers_absorbed", i + 1) for i, k in enumerate(kept)}
    failed = [s.get("buyers_failed", i + 1) for i in range(len(kept))]
    goes_on = {k: f - counts[k] for k, f in zip(counts, failed)}
    pictures.stacked(picture, "Buyers that cannot pay, by what is left of the forecast of tokens and training", "buyers", {"end in other hands": counts, "rescued or restructured": goes_on})
    rents = [s.years("h100_rent", i + 1)[2028] for i in range(len(kept))]
    b = run("world-bubble.json").table("failures")
    absorbed = sorted({f"{row['buyer']} by {row['by']}" for row in b if row["resolution"] == "absorbed"})
    return (f"Without fresh money and with the whole forecast of tokens and training {failed[0]:.0f} buyers cannot pay at some time and {counts['100 %']:.0f} end in other hands; with half of it {failed[2]:.0f} and {counts['50 %']:.0f}, with a"
            f" tenth {failed[5]:.0f} and {counts['10 %']:.0f}. The rent of 2028 is {rents[0]:.2f}, {rents[2]:.2f} and {rents[5]:.2f} USD an hour. High demand ruins who rents: labs whose hours cost more than their funding, and partners pay;"
            f" low demand ruins who owns chips on credit: loans fall due as book value does, whatever the rent. In the bubble scenario {listed(absorbed) + ' are absorbed' if absorbed else 'nobody is absorbed: lenders and partners carry on'}.")


def ten_times(run, picture):
    s = run("world-ten-times-less.json")
    names = ["as forecast", "10 x tokens a chip", "1/10 of training work", "both, demand half as elastic"]
    pictures.lines(picture, "Rent of an H100-equivalent hour", "USD", {n: s.years("h100_rent", i + 1) for i, n in enumerate(names)})
    use = [(s.years("tokens_served", i + 1)[2028], s.years("inference_share", i + 1)[2028], s.years("idle_share", i + 1)[2028], s.years("h100_rent", i + 1)[2028]) for i in range(4)]
    return (f"Ten times the tokens from each accelerator by 2027 give {use[1][0] / use[0][0]:.1f} times the tokens in 2028, and inference takes {100 * use[1][1]:.0f} instead of {100 * use[0][1]:.0f} % of the fleet: at the measured"
            f" elasticity of 1.11 cheaper tokens are asked for in more than proportion. A tenth of the training work leaves {100 * use[2][2]:.0f} % of the fleet idle and the rent at {use[2][3]:.2f} instead of {use[0][3]:.2f} USD."
            f" With both, and demand half as elastic, {100 * use[3][2]:.0f} % is idle and the rent {use[3][3]:.2f} USD. Whether efficiency saves compute hangs on one number, the elasticity, more than on any chip.")


def own_silicon(run, picture):
    s = run("world-own-silicon.json")
    names = ["as it is", "own chips", "NVIDIA only"]
    both = [{y: (v + s.years("h100_equivalents_owned", i + 1, owner="amazon")[y]) / 1e6 for y, v in s.years("h100_equivalents_owned", i + 1, owner="google").items()} for i in range(3)]
    pictures.lines(picture, "Fleet of Google and Amazon", "M H100-equivalents", dict(zip(names, both)))
    nvidia = [sum(v for k, v in ((y, s.get("vendor_revenue", i + 1, default=0.0, vendor="nvidia", fiscal_year=y)) for y in range(2024, 2030))) for i in range(3)]
    other = [s.years("h100_equivalents_owned", i + 1, owner="microsoft")[2028] for i in range(3)]

    def fleets(year):
        return f"{both[0][year]:.1f} M H100-equivalents as it is, {both[1][year]:.1f} M with nearly all their money in TPU and Trainium, {both[2][year]:.1f} M with NVIDIA's chips alone"

    early = "Each does worse than both together: a second source is packaging that others do not ask for" if both[0][2026] > max(both[1][2026], both[2][2026]) else "One source is enough"
    late = "NVIDIA's" if both[2][2028] > both[1][2028] else "their own"
    return (f"At the end of 2026 Google and Amazon together own {fleets(2026)}. {early} while packages are scarce. At the end of 2028 they own {fleets(2028)}: where power binds, work a watt decides, and it favours {late} newest chips;"
            f" the catalog has Rubin, and no successor of TPU v7 and Trainium2. NVIDIA's datacentre revenue to 2028 changes by {change(nvidia[1], nvidia[0])} and {change(nvidia[2], nvidia[0])}, Microsoft's fleet by"
            f" {change(other[1], other[0])} and {change(other[2], other[0])}: what one customer leaves another takes. Maia is left out: nobody has reported its packaging.")


def taiwan(run, picture):
    p, t = run("compute-famine.json"), run("world-taiwan.json")
    pictures.lines(picture, "Fleet that is on", "M H100-equivalents", {n: {y: v / 1e6 for y, v in q.years("h100_equivalents_energised").items()} for n, q in (("as planned", p), ("half a year lost in 2027", t))})
    a, b = p.years("h100_equivalents_energised"), t.years("h100_equivalents_energised")
    rents = [p.years("h100_rent"), t.years("h100_rent")]
    waiting = [q.years("accelerators_awaiting_power")[2027] for q in (p, t)]
    return (f"The fleet at the end of 2027 is {change(b[2027], a[2027])}, at the end of 2028 {change(b[2028], a[2028])}; rents of 2028 are {rents[1][2028]:.2f} instead of {rents[0][2028]:.2f} USD an hour, and tokens of 2028"
            f" {change(t.years('tokens_served')[2028], p.years('tokens_served')[2028])}. The blow is softened by the queue for power: {compact(waiting[0])} accelerators would have waited at the end of 2027, {compact(waiting[1])} do.")


def cowos_late(run, picture):
    p, c = run("compute-famine.json"), run("world-cowos-late.json")
    pictures.lines(picture, "Fleet that is on", "M H100-equivalents", {n: {y: v / 1e6 for y, v in q.years("h100_equivalents_energised").items()} for n, q in (("as it came", p), ("two years late", c))})
    a, b = p.years("h100_equivalents_energised"), c.years("h100_equivalents_energised")
    rents = [p.years("h100_rent"), c.years("h100_rent")]
    return (f"The fleet at the end of 2025 would be {change(b[2025], a[2025])}, at the end of 2028 {change(b[2028], a[2028])}; an H100-equivalent hour would have rented for {rents[1][2025]:.2f} instead of {rents[0][2025]:.2f} USD in"
            f" 2025. What binds would have been {c.summary['headline'].split('what binds is ')[1].split('. ')[0]}.")


QUESTIONS = [
    ("compute-famine", "Compute famine, 2023 to 2028", ["compute-famine.json"], famine),
    ("chips-or-power", "Chips or power: when does which bind?", ["world-chips-or-power.json", "compute-famine.json"], chips_or_power),
    ("export-controls", "Export controls and two parallel stacks", ["world-export-controls.json"], export_controls),
    ("sovereign-europe", "Sovereign Europe", ["world-sovereign-europe.json"], sovereign),
    ("price-war", "Inference price war", ["world-price-war.json", "compute-famine.json"], price_war),
    ("energy-deals", "Energy-for-AI deals", ["world-energy-deals.json"], energy_deals),
    ("specialised-chips", "Specialised chips against GPUs for inference", ["serve-chips-llama3-8b-h100.json", "serve-chips-llama3-8b-tpu.json", "serve-chips-llama3-8b-groq.json", "serve-chips-llama3-8b-cerebras.json"], specialised),
    ("bubble", "Infrastructure bubble", ["world-bubble.json", "compute-famine.json"], bubble),
    ("consolidation", "Consolidation wave", ["world-consolidation.json", "world-bubble.json"], consolidation),
    ("ten-times-less", "Ten times less data or energy per model", ["world-ten-times-less.json"], ten_times),
    ("own-silicon", "Hyperscalers' own silicon against NVIDIA", ["world-own-silicon.json"], own_silicon),
    ("taiwan", "Taiwan disruption", ["world-taiwan.json", "compute-famine.json"], taiwan),
    ("cowos-late", "CoWoS expansion two years late", ["world-cowos-late.json", "compute-famine.json"], cowos_late),
]
