"""Operator tasks: backup and restore, changed secrets, summaries, imports by script."""

import json
import re
import shutil


def test_a_backup_is_restored_into_an_empty_stack(stack, tmp_path, show):
    stack.run("deploy/etl", "--dataset", "people", str(stack.folder / "fixtures_src" / "people" / "people.csv"))
    backup = tmp_path / "backup"
    stack.run("deploy/backup", str(backup))
    before, uploads = stack.tables(), _uploads(stack)
    show(f"{len(before)} tables, {sum(rows for rows, _ in before.values())} rows, {len(uploads.splitlines())} uploads;",
        {file.name: file.stat().st_size for file in backup.iterdir()})  # fmt: skip
    refused = stack.run("deploy/restore", str(backup), check=False)
    assert refused.returncode == 1 and "To replace them with the backup, run" in refused.stderr
    assert stack.tables() == before

    stack.run("docker", "compose", "down", "--volumes")
    stack.run("deploy/restore", str(backup))
    after = stack.tables()
    show(f"wiped and restored: {sum(after.get(name) == result for name, result in before.items())} tables equal")
    assert after == before
    assert _uploads(stack) == uploads and uploads
    assert stack.api("/api/people/births-by-country/")["results"]  # the token is valid again
    role = stack.sql("SELECT has_parameter_privilege('session_replication_role', 'SET'), tableowner = current_user "
                     "FROM pg_tables WHERE tablename = 'people'").strip()  # fmt: skip
    assert role == "t|t"

    stack.sql("DROP TABLE people CASCADE")
    stack.run("deploy/restore", "--replace", str(backup))
    assert stack.tables() == before


def test_a_damaged_backup_is_not_restored(stack, tmp_path):
    backup = tmp_path / "backup"
    stack.run("deploy/backup", str(backup))
    with open(backup / "database.dump", "r+b") as file:
        file.truncate(1000)
    before = stack.tables()
    refused = stack.run("deploy/restore", "--replace", str(backup), check=False)
    assert refused.returncode == 1 and "not a complete backup" in refused.stderr
    assert stack.tables() == before


def test_users_stay_signed_in_after_a_change_of_secrets(stack, curator, show):
    read = ["docker", "compose", "exec", "-T", "web", "cat", "/secrets/site/secret_key", "/secrets/site/pgpass"]
    old = stack.run(*read).stdout
    stack.run("deploy/rotate", "database-password")
    stack.run("deploy/rotate", "secret-key")  # by new replicas, which use the new database password
    new = stack.run(*read).stdout
    show("secret key and database password are others:", not set(old.split(":")) & set(new.split(":")) - {"*"})
    assert not {word for word in re.split(r"[*:\n]+", old) if word} & {
        word for word in re.split(r"[*:\n]+", new) if word
    }
    assert curator.open(f"http://localhost:{stack.port}/admin/").url == f"http://localhost:{stack.port}/admin/"
    assert not stack.run("docker", "compose", "logs", "web", "migrate", "db").stdout.count(old.split(":")[-1].strip())


def test_the_summary_is_written_to_this_machine(stack, show):
    ran = stack.run("deploy/summary")
    summary = json.loads((stack.folder / "data" / "summary_output.json").read_text())
    show(ran.stdout.strip().replace(str(stack.folder), "."), summary)
    assert summary == {"Averland": 7079, "Estermark": 1918, "Kolvaria": 1003}


def test_a_script_starts_and_follows_an_import(stack, show):
    ran = stack.run("deploy/etl")
    report = json.loads(ran.stdout)
    show(ran.stderr.splitlines()[-1], {source["source"]: source["read"] for source in report["sources"]})
    assert report["status"] == "applied" and report["dataset"] == "experiments"
    assert "etl" not in re.sub(r"revoked", "", _good_tokens(stack))  # the token of the script is revoked


def test_every_script_explains_itself(stack, show):
    scripts = [
        path for path in sorted((stack.folder / "deploy").iterdir()) if path.stat().st_mode & 0o100 and path.is_file()
    ]
    for script in scripts:
        assert stack.run(str(script), "--help").stdout.startswith(f"Usage: {script.name}")
        assert "set -euo pipefail" in script.read_text()
    show([script.name for script in scripts])
    if shellcheck := shutil.which("shellcheck"):
        stack.run(
            shellcheck,
            *map(str, scripts),
            "deploy/database/init.sh",
            "deploy/database/with-memory",
            "deploy/database/standby",
        )


def _uploads(stack) -> str:
    inside = 'cd "$MEDIA_ROOT" && find . -type f -exec sha256sum {} + | sort'
    return stack.run("docker", "compose", "exec", "-T", "worker", "sh", "-c", inside).stdout


def _good_tokens(stack) -> str:
    return "\n".join(line for line in stack.manage("api_token", "--list").splitlines() if "revoked" not in line)
