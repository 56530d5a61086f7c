# The options of NixOS that nix/module.nix sets or reads, by their names and types there.
{ lib, pkgs, ... }:

let
  inherit (lib) mkOption types;
  list = inner: mkOption { type = types.listOf inner; default = [ ]; };
  every = options: mkOption { type = types.attrsOf (types.submodule { inherit options; }); default = { }; };
  flag = default: mkOption { type = types.bool; inherit default; };
  unit = {
    wantedBy = list types.str;
    path = list types.package;
    reloadTriggers = list types.anything;
    restartIfChanged = flag true;
    serviceConfig = mkOption { type = types.attrsOf types.anything; default = { }; };
  };
in
{
  options = {
    assertions = list types.anything;
    boot.isContainer = flag false;
    environment.etc = every { source = mkOption { type = types.anything; }; };
    environment.systemPackages = list types.package;
    networking.firewall.allowedTCPPorts = list (types.ints.between 0 65535);
    nix.package = mkOption { type = types.package; default = pkgs.nix; };
    security.polkit.enable = flag false;
    services.dbus.packages = list types.package;
    systemd.package = mkOption { type = types.package; default = pkgs.systemd; };
    systemd.packages = list types.package;
    systemd.services = every unit;
    systemd.timers = every { wantedBy = list types.str; };
    systemd.user.services = every { wantedBy = list types.str; };
    users.groups = every { };
    users.users = every {
      isSystemUser = flag false;
      group = mkOption { type = types.str; };
      description = mkOption { type = types.str; default = ""; };
    };
  };
}
