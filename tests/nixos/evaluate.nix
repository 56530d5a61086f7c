# nix/module.nix with one configuration, as NixOS would evaluate it: what it makes of it, and what it refuses.
# `lib` may be the real one of nixpkgs: --arg lib 'import <nixpkgs/lib>'.
{ configuration ? { }, lib ? import ./lib.nix }:

let
  package = name: { type = "derivation"; outPath = "/nix/store/${name}"; inherit name; };
  pkgs = {
    heald = package "heald";
    nix = package "nix";
    systemd = package "systemd";
    util-linux = package "util-linux";
    formats.toml = _: {
      type = lib.types.attrsOf lib.types.anything;
      generate = _: value: toml value;
    };
  };

  # TOML with all tables inline: as JSON, but for the "=" and what has no value.
  toml = value: lib.concatStringsSep "" (map (name: "${builtins.toJSON name} = ${inline value.${name}}\n") (lib.attrNames value));
  inline = value:
    if builtins.isAttrs value
    then "{${lib.concatMapStringsSep ", " (name: "${builtins.toJSON name} = ${inline value.${name}}") (lib.attrNames value)}}"
    else if builtins.isList value then "[${lib.concatMapStringsSep ", " inline value}]"
    else if value == null then throw "TOML has no null"
    else builtins.toJSON value;

  # The tree of what can be set, down to { } for what is no table.
  names = builtins.mapAttrs (_: one: if one._type or "" == "option" then names (one.type.options or { }) else names one);

  system = lib.evalModules {
    modules = [ ./nixos.nix ../../nix/module.nix configuration ];
    specialArgs = { inherit lib pkgs; };
  };
in
{
  inherit (system.config) environment networking security systemd users;
  dbus = system.config.services.dbus.packages;
  refused = map (one: one.message) (lib.filter (one: !one.assertion) system.config.assertions);
  holds = map (one: one.assertion) system.config.assertions;
  controller = system.config.environment.etc."heald/heald.toml".source;
  root = system.config.environment.etc."heald/helper.toml".source;
  options = names system.options.services.heald;
}
