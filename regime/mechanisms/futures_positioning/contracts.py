"""Futures contracts of the weekly reports of positions.

Which series of the catalogue hold which group's position.
"""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["CONTRACTS", "GROUPS", "POSITION_INPUTS", "Contract", "Group"]

# Groups of traders in the order in which they are reported, and what people call them.
GROUPS = {
    "leveraged_funds": "leveraged funds",
    "speculators": "large speculators",
    "asset_managers": "asset managers",
    "dealers": "dealers",
}


@dataclass(frozen=True, kw_only=True)
class Group:
    """Where the net position of one group of traders stands.

    Parameters
    ----------
    plus, minus : tuple of str
        Series whose sum less whose sum is the net position, in contracts.
    interest : tuple of str
        Series whose sum is the open interest.
    """

    plus: tuple[str, ...] = ()
    minus: tuple[str, ...] = ()
    interest: tuple[str, ...]

    @property
    def inputs(self) -> tuple[str, ...]:
        """Every series read."""
        return (*self.plus, *self.minus, *self.interest)


@dataclass(frozen=True, kw_only=True)
class Contract:
    """One market, and the groups that are reported for it.

    Parameters
    ----------
    title : str
    price : str
        Series that moves as the contract does.
    over_cash : bool
        Whether it is a fund with all that it pays: a futures position earns what that earns beyond
        cash.
    groups : dict of str to Group
        By the keys of `GROUPS`. The legacy report's speculators stand in where leveraged funds are
        not reported.
    """

    title: str
    price: str
    over_cash: bool = True
    groups: dict[str, Group] = field(default_factory=dict)


def _sides(stem: str, group: str, interest: str) -> Group:
    return Group(
        plus=(f"{stem}_{group}_long",), minus=(f"{stem}_{group}_short",), interest=(interest,)
    )


def _net(stem: str, group: str, interest: str) -> Group:
    return Group(plus=(f"{stem}_{group}_net",), interest=(interest,))


def _legacy(name: str) -> Group:
    """The legacy report: open interest is the sum of longs, which leaves out spread positions."""
    stem = f"cot_{name}"
    return Group(
        plus=(f"{stem}_spec_long",),
        minus=(f"{stem}_spec_short",),
        interest=(f"{stem}_spec_long", f"{stem}_comm_long", f"{stem}_small_long"),
    )


def _yen(group: str) -> Group:
    """Reported in the direction of dollar against yen; a position in yen is its opposite."""
    return Group(minus=(f"cot_tff_usdjpy_{group}_net",), interest=("cot_tff_usdjpy_open_interest",))


_SP500, _NASDAQ, _NOTE, _YEN, _VIX = (
    f"cot_tff_{name}_open_interest" for name in ("sp500", "nq", "ust10", "usdjpy", "vix")
)
CONTRACTS: dict[str, Contract] = {
    "sp500": Contract(
        title="S&P 500",
        price="spy",
        groups={
            "leveraged_funds": _net("cot_tff_sp500", "lev", _SP500),
            "speculators": _legacy("sp500"),
            "asset_managers": _net("cot_tff_sp500", "am", _SP500),
            "dealers": _sides("cot_tff_sp500", "dealer", _SP500),
        },
    ),
    "nasdaq": Contract(
        title="Nasdaq-100",
        price="qqq",
        groups={
            "leveraged_funds": _sides("cot_tff_nq", "lev", _NASDAQ),
            "speculators": _legacy("nasdaq"),
            "asset_managers": _sides("cot_tff_nq", "am", _NASDAQ),
            "dealers": _sides("cot_tff_nq", "dealer", _NASDAQ),
        },
    ),
    "ust2": Contract(
        title="2-year notes",
        price="shy",
        groups={
            "leveraged_funds": _sides("cot_tff_ust2", "lev", "cot_tff_ust2_open_interest"),
            "speculators": _legacy("ust2"),
        },
    ),
    "ust10": Contract(
        title="10-year notes",
        price="ief",
        groups={
            "leveraged_funds": _net("cot_tff_ust10", "lev", _NOTE),
            "speculators": _legacy("ust10"),
            "asset_managers": _net("cot_tff_ust10", "am", _NOTE),
            "dealers": _sides("cot_tff_ust10", "dealer", _NOTE),
        },
    ),
    "ust30": Contract(
        title="30-year bonds",
        price="tlt",
        groups={
            "leveraged_funds": _sides("cot_tff_ust30", "lev", "cot_tff_ust30_open_interest"),
            "speculators": _legacy("ust30"),
        },
    ),
    "jpy": Contract(
        title="Yen",
        price="fxy",
        groups={
            "leveraged_funds": _yen("lev"),
            "speculators": _legacy("jpy"),
            "asset_managers": _yen("am"),
            "dealers": _sides("cot_tff_jpy", "dealer", _YEN),
        },
    ),
    # The price of volatility itself stands in for a futures price that rolls.
    "vix": Contract(
        title="VIX",
        price="vix",
        over_cash=False,
        groups={
            "leveraged_funds": _sides("cot_tff_vix", "lev", _VIX),
            "asset_managers": _sides("cot_tff_vix", "am", _VIX),
            "dealers": _sides("cot_tff_vix", "dealer", _VIX),
        },
    ),
}

# Every series that positions are read from: reports, prices, and the yield of cash.
POSITION_INPUTS = tuple(
    dict.fromkeys(
        (
            *(
                name
                for contract in CONTRACTS.values()
                for group in contract.groups.values()
                for name in group.inputs
            ),
            *(contract.price for contract in CONTRACTS.values()),
            "dgs3mo",
        )
    )
)
