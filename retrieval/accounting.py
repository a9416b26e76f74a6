"""What measures of a company are made of: line items, and the statements in which they stand.

Who asks for a quick ratio wants the balance sheet, which does not say "quick ratio" anywhere. The
words are those of the statements that listed companies file, as accounting textbooks define the
measures. What companies report by its own name, such as EBITDA, is not among them. Pure.
"""

from __future__ import annotations

import re

INCOME = "consolidated statements of income operations earnings"
BALANCE = "consolidated balance sheets"
CASH = "consolidated statements of cash flows"
_REVENUE = "total net revenue sales"
_COST = "cost of sales revenue goods sold"
_EQUIPMENT = "property plant and equipment net"
_SPENT_ON_EQUIPMENT = "purchases of property plant and equipment capital expenditures"
_OPERATING_CASH = "net cash provided by operating activities"

# How people call it, and what stands in its place in a report.
_TERMS: tuple[tuple[str, str], ...] = (
    (
        r"income statements?|statements? of (?:income|operations|earnings)"
        r"|profit (?:and|&) loss|p ?& ?l",
        INCOME,
    ),
    (r"balance sheets?|statements? of financial position", BALANCE),
    (r"cash ?flow statements?|statements? of cash ?flows?", CASH),
    (
        r"operating (?:profit |income )?margins?",
        f"{INCOME} operating income {_REVENUE}",
    ),
    (r"gross (?:profit )?margins?", f"{INCOME} gross profit {_COST} {_REVENUE}"),
    (r"(?:net )?(?:profit|income) margins?|net margins?", f"{INCOME} net income {_REVENUE}"),
    (r"interest coverage", f"{INCOME} operating income interest expense"),
    (r"cogs|costs? of goods sold", f"{INCOME} {_COST}"),
    (r"sg ?& ?a", f"{INCOME} selling general and administrative"),
    (r"r ?& ?d", f"{INCOME} research and development"),
    (
        r"quick ratios?|acid[- ]test",
        f"{BALANCE} cash receivables inventories total current assets total current liabilities",
    ),
    (
        r"current ratios?|working capital",
        f"{BALANCE} total current assets total current liabilities",
    ),
    (
        r"days payables?(?: outstanding)?|dpo|payables? turnover",
        f"{BALANCE} accounts payable inventories {INCOME} {_COST}",
    ),
    (
        r"days (?:sales|receivables?) outstanding|dso|receivables? turnover",
        f"{BALANCE} accounts receivable {INCOME} {_REVENUE}",
    ),
    (
        r"days (?:of )?inventory(?: outstanding)?|dio|inventory turnover",
        f"{BALANCE} inventories {INCOME} {_COST}",
    ),
    (
        r"cash conversion cycle",
        f"{BALANCE} accounts payable accounts receivable inventories {INCOME} {_COST} {_REVENUE}",
    ),
    (r"fixed[- ]assets? turnover", f"{BALANCE} {_EQUIPMENT} {INCOME} {_REVENUE}"),
    (r"(?<!fixed )(?<!fixed-)assets? turnover", f"{BALANCE} total assets {INCOME} {_REVENUE}"),
    (r"return on (?:total )?assets|roa", f"{BALANCE} total assets {INCOME} net income"),
    (
        r"return on (?:shareholders['’]? |common )?equity|roe",
        f"{BALANCE} total shareholders equity {INCOME} net income",
    ),
    (
        r"debt[- ]to[- ](?:equity|assets?)|d/e ratio",
        f"{BALANCE} long-term debt total liabilities total shareholders equity",
    ),
    (r"pp ?& ?e|ppne", f"{BALANCE} {_EQUIPMENT}"),
    (
        r"capital[- ]inten(?:sive|sity)",
        f"{BALANCE} {_EQUIPMENT} total assets {CASH} {_SPENT_ON_EQUIPMENT}",
    ),
    (r"(?:operating cash ?flows?|cash ?flows? from operations|cash from operations)",
     f"{CASH} {_OPERATING_CASH}"),
    (r"free cash ?flows?|fcf", f"{CASH} {_OPERATING_CASH} {_SPENT_ON_EQUIPMENT}"),
    (r"capex|capital expenditures?", f"{CASH} {_SPENT_ON_EQUIPMENT}"),
    (r"(?:dividend )?payout ratios?|retention ratios?", f"{CASH} dividends paid net income"),
    (r"d ?& ?a", f"{CASH} depreciation and amortization"),
)  # fmt: skip
_FOUND_BY = tuple(
    (re.compile(rf"(?<![\w&])(?:{names})(?![\w&])", re.IGNORECASE), words)
    for names, words in _TERMS
)


def words_for(question: str) -> str:
    """Return the words of the statements that hold what a question names; each once."""
    found: dict[str, None] = {}
    for names, words in _FOUND_BY:
        if names.search(question):
            found.update(dict.fromkeys(words.split()))
    return " ".join(found)
