"""Standards as named sets of checks (specification 4.1, `ComplianceStandard`)."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

Standard = Literal["gdpr", "soc2"]
CheckName = Literal[
    "encryption", "key-rotation", "audit-chain", "audit-level", "retention", "transport", "file-modes",
    "inactive-accounts", "old-credentials", "threats", "erasure",
]  # fmt: skip

STANDARDS: Mapping[Standard, Mapping[CheckName, str]] = MappingProxyType(
    {
        "gdpr": {
            "encryption": "Art. 32(1)(a), encryption of personal data",
            "key-rotation": "Art. 32(1)(d), effectiveness of measures over time",
            "audit-chain": "Art. 5(2), accountability",
            "audit-level": "Art. 15(1)(c) and 30, who received personal data",
            "retention": "Art. 5(1)(e), storage limitation",
            "transport": "Art. 32(1)(b), confidentiality of processing",
            "file-modes": "Art. 32(1)(b), confidentiality of processing",
            "inactive-accounts": "Art. 25(2), access by default",
            "erasure": "Art. 17, right to erasure",
        },
        "soc2": {
            "encryption": "CC6.1, protection of information assets",
            "key-rotation": "CC6.1, management of keys",
            "audit-chain": "CC7.2, monitoring that can be relied on",
            "audit-level": "CC7.2, monitoring of access",
            "retention": "CC6.5, disposal of data",
            "transport": "CC6.7, transmission of information",
            "file-modes": "CC6.1, access to credentials",
            "inactive-accounts": "CC6.2 and CC6.3, removal of access",
            "old-credentials": "CC6.1, lifetime of credentials",
            "threats": "CC7.3, detection and containment",
        },
    }
)
"""Of each standard the checks, each with the control that it speaks to."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a check saw: whether it is as it should be, and why in words, with the next step where it is not."""

    passed: bool
    detail: str


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One check of a report. `control` is the standard's."""

    name: CheckName
    control: str
    passed: bool
    detail: str
