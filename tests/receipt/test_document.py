"""The receipt's JSON against its published schema."""

from __future__ import annotations

import json

import jsonschema
import pydantic
import pytest
from tests.receipt.evidence import evidence, multilabel_evidence, regression_evidence, repository

from headstart.receipt.assemble import prove
from headstart.receipt.document import Receipt, schema


def test_the_published_schema_is_the_one_in_force() -> None:
    published = json.loads((repository() / "docs" / "receipt.schema.json").read_text(encoding="utf-8"))
    assert published == schema(), "write `headstart.receipt.document.schema()` to docs/receipt.schema.json"


@pytest.mark.parametrize("make", [evidence, regression_evidence, multilabel_evidence])
def test_receipts_are_valid_and_come_back_the_same(make: type) -> None:
    receipt = prove(make()).receipt
    text = receipt.model_dump_json()
    jsonschema.Draft202012Validator.check_schema(schema())
    jsonschema.validate(json.loads(text, parse_constant=pytest.fail), schema())
    assert Receipt.model_validate_json(text) == receipt


def test_fields_that_are_not_known_are_refused() -> None:
    document = json.loads(prove(evidence()).receipt.model_dump_json())
    with pytest.raises(pydantic.ValidationError):
        Receipt.model_validate({**document, "extra": 1})
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**document, "extra": 1}, schema())


def test_the_same_evidence_gives_the_same_receipt() -> None:
    first, second = (prove(evidence()).receipt.model_dump(exclude={"created"}) for _ in range(2))
    assert first == second
