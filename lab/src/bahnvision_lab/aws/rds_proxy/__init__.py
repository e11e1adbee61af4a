"""RDS Proxy: what AWS keeps on a proxy and refuses, and a real pooler behind every one."""
