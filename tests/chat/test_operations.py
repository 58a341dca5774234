"""What the command line does, with nobody serving the folder."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chatbox.data_folder import DATABASE_FILE
from chatbox.errors import Conflict, Invalid, NotFound
from chatbox.instance import close_instance, open_instance
from chatbox.operations import OPERATIONS, run_offline
from chatbox.settings import Settings
from tests.chat.support import PASSWORD, World, error_of, in_world

Run = Callable[..., dict[str, Any]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    def operate(operation: str, **values: Any) -> dict[str, Any]:
        return run_offline(Settings(), tmp_path, operation, values)

    return operate


def test_accounts_are_made_listed_and_disabled_without_a_server(run: Run) -> None:
    run("user_add", name="ada", full_name="Ada Lindqvist", password=PASSWORD, admin=True)
    run("user_add", name="ben", password=PASSWORD)
    run("user_disable", name="BEN")
    people = run("user_list")["people"]
    assert [(person["name"], person["role"], person["state"]) for person in people] == [
        ("ada", "admin", "active"),
        ("ben", "member", "disabled"),
    ]


def test_who_was_disabled_is_enabled_again_and_signs_in_anew(run: Run) -> None:
    run("user_add", name="ada", password=PASSWORD, admin=True)
    run("user_add", name="ben", password=PASSWORD)
    run("user_token", name="ben", label="bot")
    run("user_disable", name="ben")
    for _ in range(2):
        run("user_enable", name="BEN")
        ben = run("user_list")["people"][1]
        assert (ben["name"], ben["state"], ben["sessions"]) == ("ben", "active", 0)


def test_what_is_refused_says_why(run: Run) -> None:
    run("user_add", name="ada", password=PASSWORD, admin=True)
    for error, operation, values in (
        (Conflict, "user_add", {"name": "Ada", "password": PASSWORD}),
        (Invalid, "user_add", {"name": "eve", "password": "short"}),
        (Conflict, "user_disable", {"name": "ada"}),
        (NotFound, "user_enable", {"name": "eve"}),
        (NotFound, "user_token", {"name": "eve", "label": "bot"}),
        (Invalid, "user_token", {"name": "ada", "label": " "}),
    ):
        with pytest.raises(error):
            run(operation, **values)


def test_setup_is_over_for_the_next_start_once_there_is_an_admin(run: Run, tmp_path: Path) -> None:
    async def start() -> list[str]:
        codes: list[str] = []
        await close_instance(await open_instance(Settings(), tmp_path, tell=codes.append))
        return codes

    assert len(asyncio.run(start())) == 1
    run("user_add", name="ada", password=PASSWORD, admin=True)
    assert asyncio.run(start()) == []


def test_a_message_and_an_upload_that_changed_on_disk_are_found(run: Run, tmp_path: Path) -> None:
    run("user_add", name="ada", password=PASSWORD, admin=True)
    assert run("check")["problems"] == []
    database = sqlite3.connect(tmp_path / DATABASE_FILE)
    with database:
        database.execute(
            "INSERT INTO files (id, hash, name, size, type, user, created_at)"
            " VALUES ('x', ?, 'a', 1, 't', 1, 0)",
            ("ab" * 32,),
        )
        database.execute("UPDATE rooms SET posts = 7")
    database.close()
    problems = run("check")["problems"]
    assert len(problems) == 2
    assert "abababababab" in problems[1]


@in_world
async def test_a_new_password_from_the_command_line_ends_all_sessions(world: World) -> None:
    ada = await world.set_up()
    await OPERATIONS["user_password"](world.ctx, {"name": "ada", "password": "walnut-harbour-kettle-4"})
    assert (f"user:{ada.user}", (-1,)) in world.ended
    assert (await error_of(world.sign_in("ada"))).code == "forbidden"
    await world.sign_in("ada", "walnut-harbour-kettle-4")
