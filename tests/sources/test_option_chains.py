"""Both forms of a chain file, and every fault by its line."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from regime.errors import InvalidDataError, MissingDataError
from regime.sources.option_chains import PAGE_HEADER, parse_chain, read_chain

PLAIN = """date,underlying,spot,expiry,strike,type,symbol,\
last,bid,ask,volume,iv,delta,gamma,open_interest
2023-09-14,SPX,4505.1,2023-09-15,4500.0,C,SPXW230915C04500000,1,12.1,12.5,0,0.11,0.5,0.01,120
2023-09-14,SPX,4505.1,2023-09-15,4500.0,P,SPXW230915P04500000,1,6.9,7.2,0,,0.5,0.01,80
2023-09-14,SPX,4505.1,2023-12-15,4400.0,P,SPX231215P04400000,1,,60.1,0,0.15,0.5,0.01,0
"""
PAGE = f"""
Standard & Poors 500 Index,Last: 4505.1001,Change:  37.6601
"Date: September 14, 2023 at 4:31 PM EDT",Bid: 4483.25,Ask: 4526.27,Size: 1*1,Volume: 0
{PAGE_HEADER}
Fri Sep 15 2023,SPXW230915C04500000,1,0,12.1,12.5,7,0.11,0.5,0.01,120,\
4500.00,SPXW230915P04500000,1,0,6.9,7.2,9,0,0,0,80
Fri Dec 15 2023,SPX231215C04400000,1,0,190,191,7,0.16,0.5,0.01,33,\
4400.00,SPX231215P04400000,1,0,60,60.1,9,0.15,0,0,0
"""


def parsed(text):
    return parse_chain(text.encode(), "chain.csv")


def refusal(text):
    with pytest.raises(InvalidDataError) as caught:
        parsed(text)
    return str(caught.value)


def test_the_plain_form():
    chain = parsed(PLAIN)
    assert list(chain.columns) == [
        "date",
        "quoted",
        "released",
        "underlying",
        "symbol",
        "spot",
        "expiry",
        "strike",
        "type",
        "bid",
        "ask",
        "iv",
        "open_interest",
    ]
    assert chain["open_interest"].tolist() == [120, 80, 0] and chain["type"].tolist() == [
        "C",
        "P",
        "P",
    ]
    np.testing.assert_array_equal(chain["iv"], [0.11, np.nan, 0.15])
    np.testing.assert_array_equal(chain["bid"], [12.1, 6.9, np.nan])
    assert chain["expiry"].iloc[2] == pd.Timestamp("2023-12-15") and chain["quoted"].isna().all()
    assert (chain["released"] == pd.Timestamp("2023-09-14 20:00", tz="UTC")).all()
    assert chain["underlying"].iloc[0] == "SPX" and chain["symbol"].iloc[2] == "SPX231215P04400000"


def test_the_form_of_the_exchange():
    chain = parsed(PAGE)
    assert (
        len(chain) == 4
        and (chain["spot"] == 4505.1001).all()
        and (chain["underlying"] == "SPX").all()
    )
    assert (chain["date"] == pd.Timestamp("2023-09-14")).all()
    assert (chain["quoted"] == pd.Timestamp("2023-09-14 16:31")).all()
    assert (chain["released"] == pd.Timestamp("2023-09-14 20:31", tz="UTC")).all()
    put = chain[chain["symbol"] == "SPX231215P04400000"].iloc[0]
    assert (put["type"], put["strike"], put["bid"], put["iv"], put["open_interest"]) == (
        "P",
        4400,
        60,
        0.15,
        0,
    )
    assert put["expiry"] == pd.Timestamp("2023-12-15")


def test_both_forms_hold_the_same_options():
    plain, page = parsed(PLAIN).set_index("symbol"), parsed(PAGE).set_index("symbol")
    same = ["expiry", "strike", "type", "open_interest", "ask"]
    pd.testing.assert_frame_equal(plain[same], page.loc[plain.index, same])


def test_the_least_that_the_plain_form_needs():
    few = (
        "date,spot,expiry,strike,type,iv,open_interest\n"
        "2024-01-02,5000,2024-02-01,5000,call,0.2,1000\n"
    )
    chain = parsed(few)
    assert (
        chain["type"].tolist() == ["C"]
        and chain["underlying"].tolist() == [""]
        and chain["bid"].isna().all()
    )
    assert parsed(few.replace("call", " puts ")).loc[0, "type"] == "P"
    assert parsed(few.replace(",iv", ",bid,ask").replace(",0.2", ",1,2"))["iv"].isna().all()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("strike", "stryke", "no column `strike` (is it `stryke`?)"),
        (",open_interest", ",oi", "no column `open_interest`"),
        ("12.1,12.5", "12.1,x", "chain.csv: line 2: column `ask`: `x` is no number"),
        ("6.9,7.2", "-6.9,7.2", "chain.csv: line 3: column `bid`: -6.9; it must be at least 0"),
        (
            ",80\n",
            ",\n",
            "chain.csv: line 3: column `open_interest`: nothing; it must be at least 0",
        ),
        (",4400.0,P,", ",0,P,", "chain.csv: line 4: column `strike`: 0; it must be above 0"),
        (",4400.0,P,", ",4400.0,X,", "chain.csv: line 4: column `type`: `X` is neither C nor P"),
        (
            "2023-12-15",
            "12/15/2023",
            "chain.csv: line 4: expiry `12/15/2023` is not of the form YYYY-MM-DD",
        ),
        (
            "2023-09-14,SPX,4505.1,2023-12-15",
            "14.9.2023,SPX,4505.1,2023-12-15",
            "chain.csv: line 4: date `14.9.2023`",
        ),
        (
            "0.11,0.5,0.01,120",
            "0.11,0.5,0.01",
            "chain.csv: line 2: 14 fields where the header has 15",
        ),
        ("4505.1,2023-12-15", "-1,2023-12-15", "column `spot`: -1; it must be above 0"),
        ("0.11,", "-0.11,", "column `iv`: -0.11"),
    ],
)
def test_a_fault_of_the_plain_form_names_its_line(old, new, message):
    assert message in refusal(PLAIN.replace(old, new))


def test_faults_of_several_columns_are_reported_together():
    message = refusal(PLAIN.replace("12.1,12.5", "x,12.5").replace(",4400.0,P,", ",-4400.0,Q,"))
    assert message.startswith("3 faults:") and "line 2" in message and "line 4" in message


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("Last: 4505.1001", "4505.1001", "no `Last: PRICE` above the header"),
        ("Last: 4505.1001", "Last: 0", "the last price of the underlying is 0, must be above 0"),
        (
            "September 14, 2023",
            "14.9.2023",
            "no `Date: September 14, 2023 at 4:31 PM EDT` above the header",
        ),
        (
            "Fri Dec 15 2023",
            "2023-12-15",
            "chain.csv: line 6: expiry `2023-12-15` is not of the form Thu Sep 14 2023",
        ),
        ("Fri Dec 15 2023", "Fri Dec 35 2023", "chain.csv: line 6: expiry `Fri Dec 35 2023`"),
        (",4400.00,", ",n/a,", "chain.csv: line 6: column `strike`: `n/a` is no number"),
        (
            ",6.9,7.2,",
            ",6.9,-7.2,",
            "chain.csv: line 5: column `put_ask`: -7.2; it must be at least 0",
        ),
        (",0.01,120,", ",0.01,,", "chain.csv: line 5: column `call_open_interest`: nothing"),
        (",0,0,0\n", ",0,0\n", "chain.csv: line 6: 21 fields where the header has 22"),
        (
            "Strike,Puts",
            "Level,Puts",
            "chain.csv: line 4: the header is not Cboe's: column `Strike` missing",
        ),
        ("Gamma,Open Interest,Strike", "Gamma,Strike", "column `Open Interest` missing"),
        (
            "Bid,Ask,Volume,IV,Delta,Gamma,Open Interest,Strike",
            "Ask,Bid,Volume,IV,Delta,Gamma,Open Interest,Strike",
            "the header is not Cboe's in its order",
        ),
        ("Expiration Date,", "Expires,", "no line begins with `Expiration Date`"),
    ],
)
def test_a_fault_of_the_exchanges_form_names_its_line(old, new, message):
    assert message in refusal(PAGE.replace(old, new))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty"),
        ("\n \n", "the file is empty"),
        (PLAIN.splitlines()[0] + "\n", "a header and no rows"),
        ("<html>limit</html>", "a page of HTML"),
        ("\n".join(PAGE.splitlines()[:4]), "a header and no options"),
        (
            "date,spot,expiry,strike,type,bid,open_interest\n2024-01-02,1,2024-02-01,1,C,1,1\n",
            "neither column `iv` nor both",
        ),
    ],
)
def test_what_is_no_chain_is_refused(text, message):
    assert message in refusal(text)


def test_a_file_is_read_and_an_absent_one_is_missing(tmp_path):
    (tmp_path / "chain.csv").write_bytes(b"\xef\xbb\xbf" + PAGE.replace("\n", "\r\n").encode())
    pd.testing.assert_frame_equal(read_chain(tmp_path / "chain.csv"), parsed(PAGE))
    with pytest.raises(
        MissingDataError, match="no such file; give an option chain with --chain FILE"
    ):
        read_chain(Path("no/such/chain.csv"))
