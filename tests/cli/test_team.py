"""Every command with the records in PostgreSQL and the bytes in S3."""

import pytest
from toyframework import digest


@pytest.mark.parametrize("output", ["packs", "plain"])
def test_every_command(autolog, lab, tmp_path, monkeypatch, postgres, s3, output):
    settings = {"AUTOLOG_STORE": postgres.url, "AUTOLOG_OUTPUT_URI": f"{s3.url}/plain"}
    if output == "packs":
        settings |= {"AUTOLOG_OUTPUT_URI": "true", "AUTOLOG_CONTENT_STORE": f"{s3.url}/packs"}
    done = lab.run(
        """
        from toyframework import save_folder
        for number in range(3):
            save(Model([float(number)] * 20_000), "m.toy")
            print(digest("m.toy"))
        save_folder(Model([1.0] * 1000), "folder")
        """,
        **settings,
    )
    lab.quiet()
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    # another machine: nothing local is left
    monkeypatch.setenv("AUTOLOG_HOME", str(tmp_path / "second"))
    answer = autolog("show", "m", "--json")
    assert answer.err == ""
    assert [each["keeping"] for each in answer.json["snapshots"]] == ["kept"] * 3
    assert all(each["kept_at"][0].startswith(s3.url) for each in answer.json["snapshots"])
    for number, expected in enumerate(done.lines, 1):
        assert autolog("restore", f"m:v{number}", str(tmp_path / f"m{number}")).status == 0
        assert digest(tmp_path / f"m{number}") == expected
    assert autolog("verify", "--deep").status == 0
    kept = autolog("doctor", "--json").json["kept"]
    assert kept["destination"]["writable"] is True
    assert [each["problem"] for each in kept["places"]] == [None]
    assert autolog("export", "m", "folder", str(tmp_path / "b")).status == 0
    forecast = autolog("gc", "--keep-last", "1", "--dry-run", "--json").json
    found = autolog("gc", "--keep-last", "1", "--yes", "--json").json
    assert [each["version"] for each in found["dropped"]] == [1, 2]
    assert found["freed"] > 0
    assert {**forecast, "dry_run": False} == found
    assert autolog("verify", "--deep").status == 0
    assert autolog("import", str(tmp_path / "b"), "--json").json["kept"] == 2
    assert autolog("verify", "--deep").status == 0
    assert autolog("restore", "m:v1", str(tmp_path / "again")).status == 0
    assert digest(tmp_path / "again") == done.lines[0]
    assert autolog("rm", "m", "folder", "--yes").status == 0
    assert autolog("models", "--json").json == []
    import fsspec

    assert fsspec.filesystem("s3", use_listings_cache=False).find(s3.url) == []
