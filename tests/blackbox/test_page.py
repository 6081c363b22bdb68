"""The page in a real browser (Chromium, headless): photos dropped, boxes and names seen, a face given a name.
Set FACEFLEET_SCREENSHOTS to a folder to keep what it looked like."""

import os
from pathlib import Path

import pytest
from browsers import open_browser
from system import PHOTOS, wait_until
from playwright.sync_api import expect

PATIENCE_MS = 30_000


@pytest.fixture(scope="module")
def browser():
    with open_browser() as browser:
        yield browser


@pytest.fixture
def page(browser, shared_system):
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    complaints = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: "Content Security Policy" in message.text and complaints.append(message.text))
    page.goto(shared_system.url)
    yield page
    if folder := os.environ.get("FACEFLEET_SCREENSHOTS"):
        name = os.environ["PYTEST_CURRENT_TEST"].split("::")[1].split(" ")[0]
        page.screenshot(path=Path(folder) / f"{name}.png")
    page.close()
    assert complaints == []


def card(page, name: str):
    return page.locator("#cards > li", has=page.get_by_text(name, exact=True))


def test_many_photos_each_get_their_boxes_and_names(page):
    probes = sorted((PHOTOS / "probes").iterdir())
    page.set_input_files("#files", [*probes, PHOTOS / "more/solvay_1927.jpg"])
    for probe in probes:
        shown = card(page, probe.name)
        expect(shown.locator(".label")).to_have_text(probe.name.split(".")[0])
        expect(shown.locator(".face.main")).to_have_count(1)
    many = card(page, "solvay_1927.jpg")
    expect(many.locator(".face.main")).to_have_count(1)
    assert many.locator(".face").count() > 15
    photo, face = card(page, probes[0].name).locator("img").bounding_box(), card(page, probes[0].name).locator(
        ".face.main").bounding_box()
    assert photo["x"] - 3 <= face["x"] and face["x"] + face["width"] <= photo["x"] + photo["width"] + 3
    assert photo["y"] - 3 <= face["y"] and face["y"] + face["height"] <= photo["y"] + photo["height"] + 3
    expect(page.locator("#worker-count")).to_contain_text(" of ")


def test_an_error_stands_on_its_card(page):
    page.set_input_files("#files", {"name": "notes.jpg", "mimeType": "image/jpeg", "buffer": b"these are notes"})
    shown = card(page, "notes.jpg")
    expect(shown).to_have_class("card wrong")
    expect(shown.locator(".detail")).to_have_text("not_an_image")


def test_a_stranger_is_given_a_name(page, shared_system):
    page.set_input_files("#files", PHOTOS / "probes/unknown.jpg")
    shown = card(page, "unknown.jpg")
    shown.locator(".face.unknown.main").click()
    page.keyboard.type("Alex Test")
    page.keyboard.press("Enter")
    expect(shown.locator(".label")).to_have_text("Alex Test")
    assert shared_system.request("DELETE", "/v1/galleries/default/persons/Alex%20Test").status == 200


def test_a_burst_is_watched_from_pending_to_gone(browser, start_system):
    system = start_system("--workers-max", "4", "--set", "lesson.start_s=2", "--set", "lesson.service_s=0.3", "--set",
                          "autoscaler.idle_hold_s=1", "--set", "worker.prefetch=0")
    wait_until(lambda: system.pids()["workers"] == [], 30, "no worker is left")
    watched = browser.new_page(viewport={"width": 1280, "height": 900})
    watched.goto(system.url)
    state = "#states li[data-state={}][data-count='{}']".format
    expect(watched.locator("#worker-count")).to_have_text("0 of 4")
    watched.set_input_files("#files", [*(PHOTOS / "probes").iterdir()] * 6)
    expect(watched.locator(state("pending", 4))).to_be_visible()
    expect(watched.locator("#reason b")).to_contain_text("wants 4")
    status = system.run("status", "--url", system.url).stdout
    assert "workers, at most 4: 4 pending" in status and "wants 4: " in status
    expect(watched.locator(state("busy", 4))).to_be_visible()
    expect(watched.locator("#workers i.busy")).to_have_count(4)
    if folder := os.environ.get("FACEFLEET_SCREENSHOTS"):
        watched.screenshot(path=Path(folder) / "burst.png")
    expect(watched.locator(".card.done")).to_have_count(24)
    expect(watched.locator("#worker-count")).to_have_text("0 of 4")
    assert watched.locator("#history path").count() == 3
    watched.close()


def test_the_keyboard_reaches_the_picker(page):
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "files"


def test_a_key_is_asked_for_only_where_one_is_needed(page, browser, start_system):
    assert not page.locator("#key-form").is_visible()
    locked = start_system(start=False)
    key = locked.run("key", "--data", locked.data, "add", "all", "--scopes", "read,recognise").stdout.strip()
    locked.start(ready=False)
    page.goto(locked.url)
    page.locator("#key").fill(key)
    page.keyboard.press("Enter")
    expect(page.locator("#worker-count")).to_contain_text(" of ")
    assert not page.locator("#key-form").is_visible()
