"""Undo of a run at the command line: preview, effect and refusal."""

import pytest
from django.core.management import CommandError, call_command

from imports.models import ImportRun
from people.models import Person, Place

PLACES = "city,county,country\nKelso,Roxburghshire,Scotland\nDerry,Derry,Ulster\n"
PEOPLE = "given_name,family_name,date_of_birth,place_of_birth\nAnn,Mac,1901-02-03,Kelso\n"


def test_the_command_restores_the_tables_and_reports_the_effect(importing, write, capsys):
    importing("people", write("places.csv", PLACES))
    before = list(Place.objects.order_by("pk").values())
    importing("people", write("places.csv", PLACES.replace("Derry,Derry", "Derry,Doire") + "Cork,Cork,Munster\n"))
    run = ImportRun.objects.latest("pk")
    call_command("undo_import", run.pk, dry_run=True)
    output = capsys.readouterr().out
    assert f"Preview: undoing run {run.pk} of people will:" in output
    assert "delete 1 place" in output and "restore 1 place" in output
    run.refresh_from_db()
    assert run.status == "applied" and Place.objects.count() == 3
    call_command("undo_import", run.pk)
    assert f"Run {run.pk} of people undone." in capsys.readouterr().out
    run.refresh_from_db()
    assert run.status == "undone" and list(Place.objects.order_by("pk").values()) == before


def test_the_command_lists_the_conflicts(importing, write, capsys):
    importing("people", write("places.csv", PLACES))
    run = ImportRun.objects.latest("pk")
    importing("people", write("people.csv", PEOPLE))
    with pytest.raises(CommandError, match=f"Run {run.pk} of people cannot be undone. Nothing was changed."):
        call_command("undo_import", run.pk)
    assert "Created places are used by 1 person" in capsys.readouterr().err
    assert Person.objects.exists() and Place.objects.count() == 2


def test_an_unknown_or_unapplied_run_is_refused(importing, write, transactional_db, capsys):
    with pytest.raises(CommandError, match=r"There is no run 4711\. The last applied runs: none\."):
        call_command("undo_import", 4711)
    importing("people", write("places.csv", PLACES), "--dry-run")
    with pytest.raises(CommandError, match="cannot be undone"):
        call_command("undo_import", ImportRun.objects.latest("pk").pk)
    assert "Only an applied run can be undone." in capsys.readouterr().err
