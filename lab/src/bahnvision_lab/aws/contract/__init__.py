"""The contract of an AWS API: botocore's models, which clients are made from. Requests and answers are held to it."""
