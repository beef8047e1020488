"""A virtual machine that has the files of this one, and cgroups of version 2."""
