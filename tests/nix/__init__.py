"""What NixOS does, done with Debian's nix in a booted machine: real profiles, real generations, real collection."""
