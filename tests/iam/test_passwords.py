"""Password hashes."""

from __future__ import annotations

import asyncio

import pytest
from tests.iam.house import CHEAP

from arkwright.errors import InvalidInput
from arkwright.iam.passwords import Parameters, Passwords, check_acceptable


def test_a_password_is_right_or_wrong() -> None:
    async def scenario() -> None:
        passwords = Passwords(CHEAP)
        stored = await passwords.hash("päss word")
        assert stored.startswith("$argon2id$")
        assert stored != await passwords.hash("päss word")
        assert (await passwords.verify(stored, "päss word")).correct
        assert not (await passwords.verify(stored, "päss word ")).correct
        assert not (await passwords.verify(stored, "")).correct

    asyncio.run(scenario())


@pytest.mark.parametrize("stored", [None, "", "not a hash", "$argon2id$broken"])
def test_without_a_usable_hash_nothing_is_right(stored: str | None) -> None:
    verdict = asyncio.run(Passwords(CHEAP).verify(stored, "anything"))
    assert not verdict.correct
    assert verdict.new_hash is None


def test_an_unknown_user_costs_a_hash_too() -> None:
    hashed = []

    class Counting(Passwords):
        def _hash(self, password: str) -> str:
            hashed.append(password)
            return super()._hash(password)

    asyncio.run(Counting(CHEAP).verify(None, "guess"))
    assert hashed == ["guess"]


def test_other_parameters_bring_a_new_hash_once() -> None:
    async def scenario() -> None:
        old = await Passwords(CHEAP).hash("password")
        passwords = Passwords(Parameters(passes=2, memory_kib=16))
        verdict = await passwords.verify(old, "password")
        assert verdict.correct
        assert verdict.new_hash is not None
        again = await passwords.verify(verdict.new_hash, "password")
        assert again.correct
        assert again.new_hash is None
        assert (await passwords.verify(old, "wrong")).new_hash is None

    asyncio.run(scenario())


def test_what_is_no_text_at_all_can_be_checked() -> None:
    async def scenario() -> None:
        passwords = Passwords(CHEAP)
        assert not (await passwords.verify(await passwords.hash("x"), "\ud800")).correct

    asyncio.run(scenario())


@pytest.mark.parametrize("password", ["", "1234567", "x" * 1025])
def test_passwords_nobody_should_be_given_are_refused(password: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        check_acceptable(password)
    assert caught.value.field == "password"
