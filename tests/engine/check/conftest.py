"""The project to edit of tests/unit/check, for the cases on the real stack."""

from tests.unit.check.conftest import shop_of

__all__ = ["shop_of"]
