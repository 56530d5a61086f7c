# Without inputs: nothing is fetched. The package is built with the nixpkgs of whoever takes the overlay or the module.
{
  description = "heald: a self-healing service for Linux machines that run systemd";

  outputs = { self }: {
    overlays.default = final: _: { heald = final.callPackage ./nix/package.nix { }; };

    nixosModules.default = { imports = [ ./nix/module.nix ]; };

    # What can be checked without a nixpkgs: that the module makes a machine of the tests' stand-in for NixOS.
    # The test in a real one, nix/test.nix, needs a nixpkgs: nix-build nix/test.nix
    checks = builtins.listToAttrs (map
      (system: {
        name = system;
        value.module =
          let machine = import ./tests/nixos/evaluate.nix { configuration.services.heald.enable = true; };
          in assert machine.refused == [ ]; derivation {
            name = "heald-module";
            inherit system;
            inherit (machine) controller root;
            builder = "/bin/sh";
            args = [ "-c" "echo \"$controller$root\" > $out" ];
          };
      }) [ "x86_64-linux" "aarch64-linux" ]);
  };
}
