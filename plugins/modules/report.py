#!/usr/bin/python
# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: report
version_added: 0.1.0
short_description: Write the report of a run as one HTML page and as JSON
description:
  - Writes a single HTML page that loads nothing from anywhere, and a JSON file with the same facts, into O(path).
  - The page can be read on a phone, in dark or light surroundings and on paper, and can be shown to an auditor.
  - Writes C(index.html) as well, which leads to all reports of the folder.
  - A report is the record of one run. Each call writes a new one and so always reports C(changed). The one it replaces
    stays in the folder under its time, see O(keep).
  - A report is made to be shown around. Values that look like secrets (passwords, private keys, access keys, connection
    strings with a password) are refused before anything is written.
author:
  - The bahnvision.aws team (@bahnvision)
attributes:
  check_mode:
    description: Checks the input and returns the paths, writes nothing.
    support: full
  diff_mode:
    description: Does not show differences, since each report is a record of its own.
    support: none
options:
  path:
    description: Folder of the reports; made when it is missing.
    type: path
    required: true
  name:
    description:
      - Name of the files without suffix, such as V(migration).
      - Lower-case letters, digits, V(-) and V(_). V(index) is taken.
    type: str
    required: true
  title:
    description: Heading of the page.
    type: str
    required: true
  subtitle:
    description: One line below the heading, such as what was moved where.
    type: str
    default: ""
  verdict:
    description: The outcome.
    type: dict
    required: true
    suboptions:
      result:
        description: The outcome in one word.
        type: str
        choices: [pass, fail, warn, info]
        required: true
      sentence:
        description: The outcome in one sentence for a person.
        type: str
        required: true
  facts:
    description: The most important facts, shown at the top, in this order. Keys are shown as they are.
    type: dict
    default: {}
  sections:
    description: What follows, in this order.
    type: list
    elements: dict
    default: []
    suboptions:
      title:
        description: Heading of the section.
        type: str
        required: true
      kind:
        description: What the section shows; each kind needs its own content.
        type: str
        choices: [facts, table, checks, rules, timeline, lanes, text]
        required: true
      note:
        description: One or two sentences below the heading.
        type: str
      facts:
        description: Content of kind V(facts), keys and values.
        type: dict
      columns:
        description: Columns of kind V(table). The first one names the row.
        type: list
        elements: dict
        suboptions:
          key:
            description: Key of the value in each of the rows.
            type: str
            required: true
          title:
            description: Heading of the column. Defaults to the key.
            type: str
          kind:
            description: How values are shown. V(result) is one of V(pass), V(fail), V(warn), V(skip), V(info).
            type: str
            choices: [text, count, bytes, seconds, result]
            default: text
          total:
            description: Whether the last line shows the sum.
            type: bool
            default: false
      rows:
        description: Rows of kind V(table). Keys without a column are left off the page and kept in the JSON.
        type: list
        elements: dict
      checks:
        description: Content of kind V(checks).
        type: list
        elements: dict
        suboptions:
          name:
            description: What was checked.
            type: str
            required: true
          result:
            description: The outcome.
            type: str
            choices: [pass, fail, warn, skip, info]
            required: true
          detail:
            description: What was seen.
            type: raw
      rules:
        description: Content of kind V(rules), as C(rules) of M(bahnvision.aws.pg_migrate_preflight). What was found is
          shown open, what passed is folded up.
        type: list
        elements: dict
      steps:
        description: Content of kind V(timeline), drawn as bars on one scale.
        type: list
        elements: dict
        suboptions:
          name:
            description: Name of the step.
            type: str
            required: true
          seconds:
            description: How long it took.
            type: float
            required: true
          start:
            description: Seconds after the first step's beginning. Defaults to the end of the step before.
            type: float
          result:
            description: The outcome, shown as the colour of the bar.
            type: str
            choices: [pass, fail, warn, skip, info]
          note:
            description: A remark in small letters.
            type: str
      spans:
        description: Content of kind V(lanes), as C(timeline) of M(bahnvision.aws.pg_migrate). Each has C(name),
          C(kind) (V(copy), V(index) or V(finish)), C(lane), C(start) and C(seconds), perhaps C(rows) and C(bytes).
        type: list
        elements: dict
      text:
        description: Content of kind V(text), plain text. Empty lines part paragraphs.
        type: str
  keep:
    description: How many earlier reports of this name stay in the folder.
    type: int
    default: 20
"""

EXAMPLES = r"""
- name: Record what the migration did
  bahnvision.aws.report:
    path: "{{ reports_dir }}"
    name: migration
    title: Database migration
    subtitle: bahnvision from docker compose to RDS
    verdict:
      result: pass
      sentence: All 17 tables hold the same rows on both sides.
    facts:
      Instance: bahnvision-production
      Engine: PostgreSQL 17.6
    sections:
      - title: Tables
        kind: table
        columns:
          - {key: name, title: Table}
          - {key: rows, title: Rows, kind: count, total: true}
          - {key: bytes, title: Size, kind: bytes, total: true}
          - {key: seconds, title: Duration, kind: seconds}
        rows: "{{ migration.tables }}"
      - title: Checks
        kind: checks
        checks:
          - name: Rows are equal
            result: pass
            detail: 17 tables compared
      - title: Where the time went
        kind: timeline
        steps:
          - {name: schema, seconds: 0.4}
          - {name: data, seconds: 12.9}
"""

RETURN = r"""
html:
  description: Path of the page.
  returned: success
  type: str
  sample: build/reports/production/migration.html
json:
  description: Path of the facts.
  returned: success
  type: str
  sample: build/reports/production/migration.json
index:
  description: Path of the page that leads to all reports of the folder.
  returned: success
  type: str
  sample: build/reports/production/index.html
report:
  description: The facts as they are in the JSON.
  returned: success
  type: dict
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.bahnvision.aws.plugins.module_utils._report.arguments import ARGUMENTS
from ansible_collections.bahnvision.aws.plugins.module_utils._report.document import INDEX, ReportError, build
from ansible_collections.bahnvision.aws.plugins.module_utils._report.store import write


def ensure_report(params: dict[str, Any], check_mode: bool, now: datetime) -> dict[str, Any]:
    """Check, then write. Knows neither AnsibleModule nor the clock."""
    document = build(params, now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
    folder = Path(params["path"])
    paths = {"json": f"{params['name']}.json", "html": f"{params['name']}.html", "index": f"{INDEX}.html"}
    result = {kind: str(folder / name) for kind, name in paths.items()}
    if not check_mode:
        write(folder, document, params["keep"])
    return {"changed": True, "report": document, **result}


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    try:
        result = ensure_report(module.params, module.check_mode, datetime.now(UTC))
    except ReportError as problem:
        module.fail_json(msg=str(problem))
    except OSError as problem:
        module.fail_json(msg=f"report {module.params['name']!r} could not be written: {problem}")
    module.exit_json(**result)


if __name__ == "__main__":
    main()
