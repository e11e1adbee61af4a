"""The small services that roles lean on: Secrets Manager, IAM, KMS and CloudWatch Logs, as strict as AWS's."""
