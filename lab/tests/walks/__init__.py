"""One module per room: real objects are made, changed, read and removed with plain boto3.

`walk(lab)` calls every operation of its services that the collection uses, so that each answer of the lab passes
botocore's model once. A new operation in the collection needs a line here: test_contract.py says which.
"""
