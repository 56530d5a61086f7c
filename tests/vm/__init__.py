"""The fourth level: a virtual machine with a kernel of its own, for what a container cannot show (memory, CPU, PSI)."""
