"""What the doctor found, and how it is told. Used by lesson 00 (start_here)."""

from dataclasses import dataclass

INSTALLS = "python course.py lab (installs it)"


@dataclass(frozen=True)
class Finding:
    """One line of the table: what was looked at, what was found, whether it is fine, what to do."""

    what: str
    value: str
    ok: bool = True
    to_do: str = ""


def report(findings: list[Finding]) -> str:
    """Findings as a table, each warning with what to do below it, and one closing line."""
    width = max(len(finding.what) for finding in findings)
    lines = []
    for finding in findings:
        lines.append(f"{'ok  ' if finding.ok else 'look'}  {finding.what:<{width}}  {finding.value}")
        if finding.to_do:
            lines.append(f"      {'':<{width}}  → {finding.to_do}")
    warnings = sum(not finding.ok for finding in findings)
    lines.append(f"{warnings} to look at: lines with → say how." if warnings else "Everything is there.")
    return "\n".join(lines)
