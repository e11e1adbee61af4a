"""The lab's AWS API: moto in this process, with what moto lacks or accepts too readily put right."""
