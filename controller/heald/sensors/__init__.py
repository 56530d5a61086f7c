"""One file for each thing that is read. A sensor fills its part of one Snapshot and has no opinion."""
