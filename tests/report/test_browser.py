# SPDX-License-Identifier: Apache-2.0
"""The pages as a person has them: in headless Chromium, with keyboard, on a phone, in the dark, on paper."""
import subprocess

import pytest
from results import ROOT, SCENARIOS

OPENS_WITHIN_S = 2.0
# Headline numbers that no link leads from, to words that say what they are.
CARDS_WITHOUT_DEFINITION = """[...document.querySelectorAll('.cards li')].filter((card) => {
    const link = card.querySelector('a[href^="#def-"]'), term = link && document.querySelector(link.getAttribute('href'));
    return !(term && term.nextElementSibling.textContent.trim().length > 3);
}).map((card) => card.textContent)"""
LARGEST_PAGE = 6e6


@pytest.fixture
def opened(browser):
    """Opens a file; what the console says of warnings and errors, and what is asked of a network, is in page.said."""
    pages = []

    def open_file(file, **options):
        page = browser.new_page(**{"viewport": {"width": 1280, "height": 900}, **options})
        page.said = []
        page.on("console", lambda message: page.said.append(message.text) if message.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: page.said.append(str(error)))
        page.on("request", lambda request: page.said.append(request.url) if request.url.startswith("http") else None)
        page.goto(f"file://{file}")
        pages.append(page)
        return page

    yield open_file
    for page in pages:
        page.close()


def is_ready(page):
    return page.evaluate("document.documentElement.dataset.ready") == "yes"


def sideways(page):
    return page.evaluate("document.documentElement.scrollWidth - innerWidth")


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_report_renders_with_data_in_every_picture(name, runs, opened):
    run = runs[name]
    assert run.page.stat().st_size <= LARGEST_PAGE
    page = opened(run.page)
    assert page.said == [] and is_ready(page)
    figures = page.evaluate("[...document.querySelectorAll('figure')].map((f) => [f.id, Number(f.dataset.points)])")
    assert figures and all(points > 0 for _, points in figures), figures
    assert page.inner_text("h1") == run.summary["question"]
    assert run.summary["headline"] in page.inner_text(".answer")
    assert page.evaluate(CARDS_WITHOUT_DEFINITION) == [] and page.locator(".cards li").count() > 0
    assert "not defined yet" not in page.inner_text("#definitions")


def test_the_map_shows_places_on_land(runs, opened):
    page = opened(runs["compute-famine"].page)
    assert page.evaluate("""(() => {
        const land = document.querySelector('#chart-sites .land'), svg = land.ownerSVGElement, inside = (mark) => {
            const at = svg.createSVGPoint();
            at.x = mark.cx.baseVal.value, at.y = mark.cy.baseVal.value;
            return land.isPointInFill(at);
        };
        return [...svg.querySelectorAll('circle')].map(inside);
    })()""") == [True] * int(page.get_attribute("#chart-sites", "data-points"))
    assert "Natural Earth" in page.inner_text("#chart-sites")


def test_the_world_report_opens_at_once(runs, opened):
    """Processor time of the page, which other work on the machine does not change."""
    page = opened(runs["compute-famine"].page)
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    metrics = {m["name"]: m["value"] for m in session.send("Performance.getMetrics")["metrics"]}
    assert metrics["ProcessTime"] < OPENS_WITHIN_S


@pytest.mark.parametrize("name", ["compute-famine", "fleet-shared-site", "serve-llama3-70b-azure-like"])
def test_a_phone_shows_it_without_scrolling_sideways(name, runs, opened):
    page = opened(runs[name].page, viewport={"width": 360, "height": 740}, color_scheme="dark")
    assert page.said == [] and sideways(page) <= 0
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"


def test_keys_walk_over_a_picture_and_say_what_is_there(runs, opened):
    page = opened(runs["compute-famine"].page)
    page.focus("#chart-power canvas")
    page.keyboard.press("ArrowRight")
    first = page.inner_text("#told")
    page.keyboard.press("ArrowRight")
    assert first and page.inner_text("#told") != first


def test_theme_tables_and_choices_work(runs, opened):
    page = opened(runs["compute-famine"].page)
    page.click("#theme")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    page.click("#tables details >> nth=0")
    with page.expect_download() as download:
        page.click("#tables button >> nth=0")
    assert download.value.suggested_filename.endswith(".csv")
    page.select_option("#chart-metric-years select", "tokens_served")
    assert int(page.get_attribute("#chart-metric-years", "data-points")) > 0
    assert page.said == []


def test_paper_is_light_and_has_all_pictures(runs, opened, tmp_path):
    page = opened(runs["train-llama3-70b-h100"].page, color_scheme="dark")
    page.pdf(path=tmp_path / "page.pdf")
    assert (tmp_path / "page.pdf").stat().st_size > 20_000
    assert page.said == []


def test_a_screen_reader_can_use_it(runs, opened):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    for name in ("compute-famine", "train-llama3-70b-h100"):
        for scheme in ("light", "dark"):
            found = axe.run(opened(runs[name].page, color_scheme=scheme)).response["violations"]
            serious = [f"{v['id']}: {v['nodes'][0]['html'][:120]}" for v in found if v["impact"] in ("serious", "critical")]
            assert serious == []


def test_a_comparison_renders(program, runs, opened, tmp_path):
    other, page_file = tmp_path / "other", tmp_path / "difference.html"
    subprocess.run([program, "run", "scenarios/train-llama3-70b-h100.json", "-o", other, "--set", "global_batch=1024"], cwd=ROOT, check=True, capture_output=True)
    told = subprocess.run([program, "compare", runs["train-llama3-70b-h100"].folder, other, "-o", page_file], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    assert "global_batch" in told
    page = opened(page_file)
    assert page.said == [] and is_ready(page)
    assert "global_batch" in page.inner_text("#inputs_changed")
    assert "changes most" in page.inner_text(".answer") and "pipeline bubble" in page.inner_text(".answer"), "half the micro-batches, the same bubble: its share doubles"
    assert "pipeline bubble" in page.inner_text("#charges_changed")
    assert "iteration_time" in page.inner_text("#results_changed") or "iteration time" in page.inner_text("#results_changed")
    assert all(int(n) > 0 for n in page.evaluate("[...document.querySelectorAll('figure')].map((f) => f.dataset.points)"))
    phone = opened(page_file, viewport={"width": 360, "height": 740})
    assert sideways(phone) <= 0


@pytest.mark.parametrize("scenario, pictures", [("train-llama3-70b-h100", {"chart-pareto", "chart-pareto-energy"}), ("serve-llama3-70b-azure-like", {"chart-deployments"})])
def test_what_a_search_found_is_a_page(scenario, pictures, program, opened, tmp_path):
    told = subprocess.run([program, "plan", f"scenarios/{scenario}.json", "-o", tmp_path / "plans"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    assert str(tmp_path / "plans/report.html") in told
    page = opened(tmp_path / "plans/report.html")
    assert page.said == [] and is_ready(page)
    shown = dict(page.evaluate("[...document.querySelectorAll('figure')].map((f) => [f.id, Number(f.dataset.points)])"))
    assert pictures <= shown.keys() and all(points > 0 for points in shown.values())
    assert page.locator("#ranked tbody tr").count() > 0 and page.locator("#absent").count() == 0
    assert page.evaluate(CARDS_WITHOUT_DEFINITION) == []
    assert sideways(opened(tmp_path / "plans/report.html", viewport={"width": 360, "height": 740})) <= 0


def test_no_picture_has_labels_on_top_of_each_other(runs, opened):
    """Of the axes of drawn charts: what is written beneath one point ends before the next begins."""
    for name in ("fleet-shared-site", "compute-famine", "serve-llama3-70b-azure-like"):
        for width in (1280, 360):
            page = opened(runs[name].page, viewport={"width": width, "height": 900})
            crossing = page.evaluate("""Object.values(Chart.instances).flatMap((chart) => {
                const axis = Object.values(chart.scales).find((s) => s.isHorizontal()), ends = [];
                if (axis.labelRotation) return [];
                axis.ctx.font = Chart.helpers.toFont(axis.options.ticks.font).string;
                axis.ticks.forEach((tick, i) => { const half = axis.ctx.measureText(tick.label || '').width / 2, x = axis.getPixelForTick(i); if (tick.label) ends.push([x - half, x + half]); });
                return ends.some((e, i) => i > 0 && e[0] < ends[i - 1][1] - 1) ? [chart.canvas.getAttribute('aria-label').slice(0, 60)] : [];
            })""")
            assert crossing == [], f"{name} at {width} px"


def test_the_documentation_shows_on_screen_and_phone(opened, served, tmp_path):
    pytest.importorskip("mkdocs")
    import sys
    subprocess.run([sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", tmp_path / "site"], cwd=ROOT, check=True, capture_output=True)
    for name in ("index.html", "validation/index.html", "reference/metrics.html"):
        page = opened(tmp_path / "site" / name, viewport={"width": 360, "height": 740})
        assert page.said == [] and sideways(page) <= 0, name
    page = opened(tmp_path / "site/validation/index.html", viewport={"width": 1440, "height": 900})
    tabs = page.locator(".md-tabs__link").all_inner_texts()
    assert len(tabs) == len(set(tabs)) > 5
    assert page.evaluate("[...document.querySelectorAll('.md-typeset__scrollwrap')].filter((t) => t.scrollWidth > t.clientWidth + 1).length") == 0, "a table is wider than its column"
    with served(tmp_path / "site") as address:
        page.goto(f"{address}/index.html")
        page.keyboard.press("s")
        page.keyboard.type("checkpoint interval", delay=20)
        page.wait_for_selector(".md-search-result__item")
        assert any("Training" in text for text in page.locator(".md-search-result__item").all_inner_texts())
