"""Bootstraps pip for ansible-test from the interpreter's own ensurepip.

ansible-test runs the file get_pip_<version>.py of its cache, which it would otherwise fetch from a host of the
Ansible project. With this file in that place the sanity tests need nothing but the package index that pip uses
anyway, and no code is downloaded to be run.
"""

import ensurepip
import runpy
import ssl
import sys

# What get-pip.py understands and pip does not.
ONLY_GET_PIP = {"--no-setuptools", "--no-wheel"}

ensurepip.bootstrap(upgrade=True)
arguments = [argument for argument in sys.argv[1:] if argument not in ONLY_GET_PIP]
# The pip of ensurepip may be too old to use the system's trust store by itself, and ansible-test hides the
# environment variables that would point to it.
bundle = ssl.get_default_verify_paths().cafile
sys.argv = ["pip", "install", *(["--cert", bundle] if bundle else []), *arguments]
runpy.run_module("pip", run_name="__main__", alter_sys=True)
