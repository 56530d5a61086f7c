"""nix/: parsed, evaluated and built with a Nix that has no nixpkgs, on stand-ins for what of it is used."""
