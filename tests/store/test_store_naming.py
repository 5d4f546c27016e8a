from __future__ import annotations

from prefect_lineage.model.reference import Reference
from prefect_lineage.store.store import Store


def names(store: Store) -> dict[str, list[str]]:
    """Artifact name -> digests of its versions, oldest first."""
    found: dict[str, list[str]] = {artifact.name: [] for artifact in store.artifacts()}
    for version in sorted(store.versions(), key=lambda item: item.number):
        found[version.name].append(version.digest.removeprefix("blake3:"))
    return found


def test_an_artifact_is_called_by_its_uri_until_somebody_names_it(store: Store, make) -> None:
    store.apply([make.run("a", make.write("/x", "aa"))])
    assert names(store) == {"file:///x": ["aa"]}


def test_naming_a_location_claims_it_with_its_history(store: Store, make) -> None:
    store.apply([make.run("a", make.write("/x", "aa"))])
    store.apply([make.run("b", make.write("/x", "bb", name="split"))])
    store.apply([make.run("c", make.write("/x", "cc"))])
    assert names(store) == {"split": ["aa", "bb", "cc"]}
    assert store.stats()["history"] == 1


def test_the_same_within_one_batch(store: Store, make) -> None:
    store.apply(
        [
            make.run("a", make.write("/x", "aa")),
            make.run("b", make.write("/x", "bb", name="split")),
            make.run("c", make.write("/x", "cc"), make.write("/y", "dd", name="split")),
        ]
    )
    assert names(store) == {"split": ["aa", "bb", "cc", "dd"]}


def test_a_name_that_exists_takes_the_location_over_for_what_comes_after(store: Store, make) -> None:
    store.apply([make.run("a", make.write("/x", "aa")), make.run("b", make.write("/y", "bb", name="split"))])
    store.apply([make.run("c", make.write("/x", "cc", name="split"))])
    store.apply([make.run("d", make.write("/x", "dd"))])
    assert names(store) == {"file:///x": ["aa"], "split": ["bb", "cc", "dd"]}


def test_a_named_location_that_gets_another_name_changes_hands(store: Store, make) -> None:
    store.apply([make.run("a", make.write("/x", "aa", name="one"))])
    store.apply([make.run("b", make.write("/x", "bb", name="two"))])
    assert names(store) == {"one": ["aa"], "two": ["bb"]}
    store.apply([make.run("c", make.write("/x", "cc", name="one"))])
    assert names(store) == {"one": ["aa", "cc"], "two": ["bb"]}


def test_one_name_over_many_locations_is_one_artifact(store: Store, make) -> None:
    store.apply(
        [
            make.run(f"r{n}", make.write(f"/run-{n}/data", "aa", name="split", type="dataset"))
            for n in range(3)
        ]
    )
    (only,) = store.versions()
    assert (only.name, only.type, only.producer_ids) == ("split", "dataset", ("r0", "r1", "r2"))
    assert only.uri == "file:///run-2/data"


def test_an_artifact_may_have_a_name_only(store: Store, make) -> None:
    store.apply([make.run("a", make.write("answer", "aa", namespace="name://"))])
    store.apply([make.run("b", make.read("/x", "aa", name="answer"))])
    assert names(store) == {"answer": ["aa"]}
    assert store.version(Reference.parse("answer")).consumer_ids == ("b",)


def test_local_files_below_the_root_are_shown_by_their_path_from_there(url: str, make) -> None:
    with Store.open(url, root="/work/project") as store:
        store.apply(
            [
                make.run("a", make.write("/work/project/data/x.csv", "aa")),
                make.run("b", make.write("/work/projects/x.csv", "bb")),
                make.run("c", make.write("data/x.csv", "cc", namespace="s3://bucket")),
            ]
        )
        assert {item.name for item in store.versions()} == {
            "data/x.csv",
            "file:///work/projects/x.csv",
            "s3://bucket/data/x.csv",
        }
    with Store.open(url) as store:
        assert "file:///work/project/data/x.csv" in {item.name for item in store.versions()}
