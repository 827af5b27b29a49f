"""Rules about what a text must not give away: addresses, numbers of people and accounts, keys.

Decides: what has the form of an e-mail address, a phone, card, account or identity number, or a
key. Numbers with check digits are checked. Does not know: whether they belong to anybody.
"""

import re
from typing import Literal

from selfinstruct.rules.base import FieldRule, shortened

Kind = Literal["email", "phone", "card", "iban", "identity", "key"]

EVERY: tuple[Kind, ...] = ("email", "phone", "card", "iban", "identity", "key")

_EMAIL = re.compile(r"\b[\w.+-]+@(?:[\w-]+\.)+[^\W\d_]{2,}\b")
_RESERVED = re.compile(
    r"@(?:[\w-]+\.)*(?:example\.(?:com|org|net|edu)|(?:example|test|invalid|localhost))$"
)
"""Domains that belong to nobody (RFC 2606)."""

_PHONES = (
    re.compile(r"(?<![\w+])\+\d{1,3}[ .-]?(?:\(\d{1,4}\)|\d{1,4})(?:[ .-]?\d{2,4}){2,4}(?!\d)"),
    re.compile(r"(?<![\w.-])(?:1[ .-])?(?:\([2-9]\d\d\) ?|[2-9]\d\d[.-])[2-9]\d\d[ .-]\d{4}(?!\d)"),
    re.compile(r"(?<!\d)1[3-9]\d(?!\d*0{6}(?!\d))\d{8}(?!\d)"),  # a mobile phone in China
)
_FICTION = re.compile(
    r"555[ .-]?\d{4}$|555\D*01\d\d$"
    r"|^\+44\D*(?:0\D*)?(?:20\D*7946\D*0\d{3}|1632\D*960\d{3}|7700\D*900\d{3})$"
)
"""Numbers that North America, and Ofcom in Britain, keep for films."""

_CARD = re.compile(
    r"(?<![\d.,-])(?:[2-6]\d{3}(?:[ -]?\d{4}){2}[ -]?\d{1,7}|3[47]\d\d[ -]\d{6}[ -]\d{5})"
    r"(?![\d-]|[.,]\d)"
)
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b")
_SOCIAL = re.compile(r"(?<![\d-])(?!000|666|9\d\d)\d{3}-(?!00)\d\d-(?!0000)\d{4}(?![\d-])")
_CHINESE_ID = re.compile(r"(?<!\d)[1-9]\d{5}(?:19|20)\d{9}[\dXx](?!\d)")
_KEY = re.compile(
    r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----"
    r"|\b(?:sk|pk|rk)[-_](?:[a-z]+[-_])?[A-Za-z0-9]{20,}"
    r"|\bgh[pousr]_[A-Za-z0-9]{36,}|\bgithub_pat_\w{22,}|\bglpat-[\w-]{20,}"
    r"|\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\bAIza[\w-]{35}\b|\bhf_[A-Za-z0-9]{30,}"
    r"|\bxox[baprs]-[\w-]{10,}|\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,}"
)


class PersonalData(FieldRule, frozen=True, tag="personal_data", kw_only=True):
    """Refuse e-mail addresses, phone, card, account and identity numbers, and keys.

    `kinds` chooses among them. Addresses at domains that belong to nobody ("example.com"),
    numbers kept for fiction, and numbers whose check digits are wrong are passed over.
    """

    kinds: tuple[Kind, ...] = EVERY

    def fault_in(self, text: str) -> str:
        """Search for each kind."""
        for kind in self.kinds:
            if found := _FINDERS[kind](text):
                return f"contains what looks like {_NAMES[kind]}: {shortened(found, 24)!r}"
        return ""


def _email(text: str) -> str:
    found = (match.group() for match in _EMAIL.finditer(text))
    return next((one for one in found if not _RESERVED.search(one.casefold())), "")


def _phone(text: str) -> str:
    found = (match.group() for pattern in _PHONES for match in pattern.finditer(text))
    return next((one for one in found if not _FICTION.search(one)), "")


def _card(text: str) -> str:
    found = (match.group() for match in _CARD.finditer(text))
    return next((one for one in found if luhn(re.sub(r"\D", "", one))), "")


def _iban(text: str) -> str:
    found = (match.group() for match in _IBAN.finditer(text))
    return next((one for one in found if mod_97(one.replace(" ", ""))), "")


def _identity(text: str) -> str:
    social = _SOCIAL.search(text)
    chinese = (match.group() for match in _CHINESE_ID.finditer(text))
    return social.group() if social else next((one for one in chinese if mod_11(one)), "")


def _key(text: str) -> str:
    found = _KEY.search(text)
    return found.group() if found else ""


_FINDERS = {
    "email": _email,
    "phone": _phone,
    "card": _card,
    "iban": _iban,
    "identity": _identity,
    "key": _key,
}
_NAMES = {
    "email": "an e-mail address",
    "phone": "a phone number",
    "card": "a card number",
    "iban": "an account number (IBAN)",
    "identity": "an identity number",
    "key": "a key",
}


def luhn(number: str) -> bool:
    """Check the last digit of a card number of 13 to 19 digits (ISO/IEC 7812, Luhn)."""
    if not 13 <= len(number) <= 19 or len(set(number)) < 3:
        return False
    doubled = [int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(number))]
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0


def mod_97(account: str) -> bool:
    """Check the two check digits of an IBAN (ISO 13616)."""
    if not 15 <= len(account) <= 34:
        return False
    turned = account[4:] + account[:4]
    return int("".join(str(int(char, 36)) for char in turned)) % 97 == 1


def mod_11(number: str) -> bool:
    """Check the last character of a Chinese identity number (GB 11643, ISO 7064 MOD 11-2)."""
    total = sum(int(digit) * pow(2, 17 - place, 11) for place, digit in enumerate(number[:17]))
    return "10X98765432"[total % 11] == number[17].upper()
