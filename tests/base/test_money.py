"""Money adds up exactly and only with its own kind."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepwell.base.money import Money, MoneyError

amounts = st.decimals(min_value=-(10**15), max_value=10**15, places=2, allow_nan=False, allow_infinity=False)


def monthly(amount: Decimal | str, currency: str = "EUR") -> Money:
    return Money(Decimal(amount), currency, "month")


@given(amounts, amounts)
def test_twelve_months_make_a_year_before_and_after_adding(one: Decimal, other: Decimal) -> None:
    together = (monthly(one) + monthly(other)).per_year()
    assert together == monthly(one).per_year() + monthly(other).per_year()
    assert together.amount == (one + other) * 12
    assert together.period == "year"


@given(amounts, amounts)
def test_taking_away_undoes_adding(one: Decimal, other: Decimal) -> None:
    assert (monthly(one) + monthly(other)) - monthly(other) == monthly(one)


@given(amounts)
def test_a_year_is_a_year_already(amount: Decimal) -> None:
    once_more = monthly(amount).per_year()
    assert once_more.per_year() == once_more


def test_what_is_paid_once_has_no_amount_per_year() -> None:
    with pytest.raises(MoneyError, match="100 EUR once is paid once"):
        Money(Decimal(100), "EUR", "once").per_year()


def test_two_currencies_are_not_added() -> None:
    with pytest.raises(MoneyError, match="5 EUR per month and 5 USD per month are in two currencies"):
        monthly("5") + monthly("5", "USD")
    with pytest.raises(MoneyError, match="two currencies"):
        monthly("5") - monthly("5", "USD")


def test_two_periods_are_not_added() -> None:
    with pytest.raises(MoneyError, match="different periods"):
        monthly("5") + monthly("5").per_year()


@pytest.mark.parametrize("amount", ["NaN", "Infinity", "-Infinity"])
def test_an_amount_is_a_number(amount: str) -> None:
    with pytest.raises(MoneyError, match="is not an amount of money"):
        monthly(amount)


@pytest.mark.parametrize("currency", ["", "eur", "EURO", "€", "EU1"])
def test_a_currency_is_three_capital_letters(currency: str) -> None:
    with pytest.raises(MoneyError, match="is not a currency"):
        monthly("1", currency)
