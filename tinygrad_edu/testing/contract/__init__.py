"""The contract of a backward: what it must keep to beside giving the right numbers."""

from tinygrad_edu.testing.contract.check import MILD, Contract, Finding, check_contract

__all__ = ["MILD", "Contract", "Finding", "check_contract"]
