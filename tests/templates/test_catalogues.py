"""Test that everything that we say is said in every language, and that what is built is current."""

import re
from pathlib import Path

import pytest
from jinja2 import ModuleLoader

from chalicelib.adapters.templates.engine import environment
from chalicelib.domain.sms import septets
from infra import build

LANGUAGES = ("es", "pt")
PLACES = re.compile(r"%\(\w+\)s|%%")


def test_every_sentence_is_translated() -> None:
    assert list(build.untranslated()) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_translation_is_left_over(language: str) -> None:
    assert set(build.translations(language)) - build.extracted() == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_translation_has_the_same_facts_as_its_sentence(language: str) -> None:
    for key, said in build.translations(language).items():
        keys, texts = ([each] if isinstance(each, str) else list(each) for each in (key, said))
        facts = [set(PLACES.findall(each)) for each in keys]
        assert [set(PLACES.findall(text)) for text in texts] == facts, key


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_text_messages_say_is_in_the_gsm_alphabet(language: str) -> None:
    sentences = [key for key in build.translations(language) if isinstance(key, str) and "? %(url)s" in key]
    assert len(sentences) == 4
    for key in [*sentences, "STOP to end"]:
        said = build.translations(language)[key]
        assert isinstance(said, str)
        assert septets(said) is not None, said


def test_built_files_are_current() -> None:
    stale = [path.name for path, content in build.outputs().items() if path.read_bytes() != content]
    assert stale == [], "run `make build`"


def test_the_same_sources_build_the_same_bytes() -> None:
    assert build.outputs() == build.outputs()


def test_check_says_what_is_not_current(capsys: pytest.CaptureFixture[str]) -> None:
    assert build.main(["--check"]) == 0
    assert capsys.readouterr().out == ""


def test_templates_compiled_for_packaging_render_alike(tmp_path: Path) -> None:
    build.precompile(tmp_path)
    spanish = environment("es")
    compiled = spanish.overlay(loader=ModuleLoader(tmp_path))
    facts = {"subject": "a", "preheader": "b", "company": "c", "url": "d"}
    for name in ("mail/sign_in.html", "mail/sign_in.txt"):
        assert compiled.get_template(name).render(facts) == spanish.get_template(name).render(facts)
    for name in spanish.list_templates(extensions=["html", "txt"]):
        assert compiled.get_template(name).blocks.keys() == spanish.get_template(name).blocks.keys()
