# nix-build: the package, with the nixpkgs of this machine.
{ pkgs ? import <nixpkgs> { } }:

pkgs.callPackage ./nix/package.nix { }
