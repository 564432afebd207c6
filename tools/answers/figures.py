# SPDX-License-Identifier: Apache-2.0
"""Figures in circulation beside what simulation and better sources say."""


def rows(run):
    p = run("compute-famine.json")
    revenue = {y: p.get("vendor_revenue", vendor="nvidia", fiscal_year=y) for y in (2024, 2025, 2026, 2028)}
    price = p.years("token_price", tier="mid")
    fall = 100 * (1 - price[2026] / price[2024])
    energy, carbon = p.years("energy"), p.years("carbon")
    gpt4 = run("train-experts-gpt-4-estimate.json")
    wafers = p.years("packaging_wafers_started")
    claim = run("power-claim-500t.json")

    def hours(year):
        """BUSD that the fleet's hours would fetch."""
        weeks = sum(float(row["h100e_weeks"]) for row in p.table("owners") if int(row["year"]) == year)
        return 168e-9 * weeks * p.years("h100_rent")[year]

    yield "AI chips: 45 BUSD in 2023, 110 in 2027 (25 % a year)", f"NVIDIA's datacentre sales alone: {revenue[2024]:.0f} BUSD in its fiscal 2024, {revenue[2026]:.0f} in 2026, {revenue[2028]:.0f} in 2028", \
        "NVIDIA's datacentre revenue was 47.5, 115.3 and 193.7 BUSD in fiscal 2024 to 2026", "too low: one firm passed the figure for 2027 in 2024"
    yield "AI cloud: 50 BUSD growing to 150 (32 % a year)", f"all hours of the simulated fleet are worth {hours(2023):.0f} BUSD in 2023, {hours(2025):.0f} in 2025 and {hours(2027):.0f} in 2027 at the rent of the day, owners' own use included; tokens sold are {p.years('token_revenue')[2025]:.0f} BUSD in 2025", \
        "capital spending of four firms was 410 BUSD in 2025", "no definition was found; not verified"
    yield "Advanced packaging: 12 BUSD in 2023, 35 in 2027 (31 % a year)", f"{wafers[2023] / 1e3:.0f} k wafers in 2023, {wafers[2025] / 1e3:.0f} k in 2025 and {wafers[2027] / 1e3:.0f} k in 2027: {7e-6 * wafers[2023]:.1f}, {11e-6 * wafers[2025]:.1f} and {11e-6 * wafers[2027]:.0f} BUSD at 7 and 11 kUSD", \
        "120 to 135 k wafers x 6 to 8 kUSD is 0.9 BUSD in 2023; 2.7 M x 10 to 12 kUSD is 27 to 32 BUSD in 2027", "the base is wrong about tenfold, the end plausible; growth is nearer 140 % a year"
    yield "TSMC's capital spending of 28 to 32 BUSD (2024)", "an input", "guidance of that year; spent 29.8; 40.9 in 2025, 52 to 56 guided for 2026", "right, and two years old"
    yield "New fabs take 2 to 3 years", "an input of expansions", "TSMC says 2 to 3 years; 19 months in Taiwan, 38 in the United States", "right"
    yield "GPT-4: 1.8 T parameters, 220 B active", f"the estimate in the catalog takes {gpt4.get('accelerator_hours') / 1e6:.1f} M hours of H100 for 15 T tokens (`scenarios/train-experts-gpt-4-estimate.json`)", \
        "the leak of 2023 says 280 B active; 220 B is one of eight experts of another rumour", "total as leaked, active wrong; never confirmed"
    yield "Mixtral 8x22B: 141 B, 39 B active; DeepSeek-V2: 236 B, 21 B active; Llama 3: 70 B", "computed from the shapes of the catalog's models, within the rounding", "model cards", "right"
    yield "Training a frontier model can emit more than 500 t CO2", f"{claim.summary['headline']}", "GPT-3: 552 t; Llama 3.1: 11,390 t; GPT-4: 9 to 20 kt", "true of a model of 2020; off by 20 to 40 times for one of 2023"
    yield "Cost of a million tokens to fall by 70 to 80 %", f"{fall:.0f} % from 2024 to 2026 at the quality of a 70-billion model", "90 to 99 % a year at fixed quality; list prices of the best models have no trend", "says nothing without \"at which quality\""
    yield "First large nuclear contract: Microsoft and Constellation, September 2024", "`scenarios/power-nuclear-gas-grid.json`", "Amazon and Talen were earlier, March 2024", "not the first"
    yield "Electricity of AI", f"accelerators take {energy[2024]:.0f} TWh in 2024, {energy[2025]:.0f} in 2025 and {energy[2028]:.0f} in 2028, {carbon[2025]:.0f} Mt CO2e in 2025", "IEA: all datacentres 415 TWh in 2024, about 485 in 2025", "compare with `waferwatt validate world`"


def page(run, note):
    text = "# Circulated figures, checked\n\n" + note
    text += "Figures as they go round in articles on the compute shortage, beside what the simulation of `scenarios/compute-famine.json` says, what better sources say, and a verdict.\n\n"
    text += "| circulated | simulated here | better sources | verdict |\n| --- | --- | --- | --- |\n"
    for cells in rows(run):
        text += "| " + " | ".join(cell.replace("|", "/") for cell in cells) + " |\n"
    return text
