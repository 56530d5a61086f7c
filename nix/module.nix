# services.heald: one option switches heald on. docs/configuration.md describes what the values mean.
{ config, lib, pkgs, ... }:

let
  inherit (lib) mkEnableOption mkIf mkOption optionals types;
  cfg = config.services.heald;
  toml = pkgs.formats.toml { };

  # The units that the package brings. Listed from the checkout: evaluating must not build.
  brought = ending: lib.filter (name: lib.hasPrefix "heald" name && lib.hasSuffix ending name)
    (lib.attrNames (builtins.readDir ../systemd));
  withoutEnding = ending: map (lib.removeSuffix ending) (brought ending);
  hasSession = builtins.pathExists ../systemd/heald-session.service;
  rootServices = lib.filter (name: name != "heald" && name != "heald-session") (withoutEnding ".service");
  path = [ config.systemd.package config.nix.package pkgs.util-linux ];        # fstrim is util-linux'

  # What is not set is left out: heald has its own value.
  given = lib.filterAttrsRecursive (_: value: value != null && value != { });
  optional = type: description: mkOption {
    type = types.nullOr type;
    default = null;
    inherit description;
  };
  optionsOf = lib.mapAttrs (_: { type, description }: optional type description);
  freeform = options: types.submodule { freeformType = toml.type; inherit options; };
  table = description: options: mkOption {
    type = freeform options;
    default = { };
    inherit description;
  };

  span = types.strMatching "[ 0-9a-z.]+";
  mode = types.enum [ "observe" "ask" "auto" ];
  severity = types.enum [ "low" "medium" "high" "critical" ];

  # A kind's values; a bare number is the first of them.
  threshold = keys: optional (types.either types.number (freeform (lib.genAttrs keys
    (key: optional (if key == "free" then types.str else types.number) "See docs/issues.md."))))
    "From where on it is wrong: ${lib.concatStringsSep ", " keys}.";

  rule = freeform (optionsOf {
    name = { type = types.str; description = "Unique; `healctl rules` shows it."; };
    kind = { type = types.str; description = "A kind of issue, or a glob."; };
    subject = { type = types.str; description = "A glob on the unit, mount point or path; everything where it is left out."; };
    severity = { type = severity; description = "At least so severe."; };
    for = { type = span; description = "Must be wrong so long, instead of the kind's own time."; };
    mode = { type = mode; description = "observe, ask or auto."; };
    settle = { type = span; description = "How long `healctl heal` watches what it repaired."; };
    ladder = { type = types.listOf (types.either types.str (types.attrsOf types.str)); description = "Operations, tried in this order."; };
  });
  ways = [ "http" "tcp" "unix" ];
  probe = freeform (optionsOf {
    unit = { type = types.str; description = "The unit that is asked, by its full name."; };
    http = { type = types.str; description = "A URL that answers 200 to 399."; };
    tcp = { type = types.str; description = "ADDRESS:PORT that takes a connection."; };
    unix = { type = types.str; description = "A socket file that takes a connection."; };
    every = { type = span; description = "Between two questions."; };
    timeout = { type = span; description = "For an answer."; };
  });

  # What heald itself would refuse at its start, said before anything is built.
  loopback = lib.hasPrefix "127." cfg.metrics.address || cfg.metrics.address == "::1";
  names = map (one: one.name) cfg.rules;
  unit = glob: builtins.match ".*(\\*|\\.(service|socket|timer|path|mount))" glob != null;
  halfNamed = lib.filter (glob: !unit glob);
  asked = one: lib.filter (way: one.${way} != null) ways;
  quoted = lib.concatMapStringsSep ", " (word: "\"${toString word}\"");

  controllerFile = toml.generate "heald.toml" (given (cfg.settings // {
    metrics = cfg.settings.metrics // { inherit (cfg.metrics) enable address port; };
  }) // lib.optionalAttrs (cfg.rules != [ ]) { rule = map given cfg.rules; }
  // lib.optionalAttrs (cfg.probes != [ ]) { probe = map given cfg.probes; });
  rootFile = toml.generate "helper.toml" (cfg.rootSettings // {
    protected = cfg.protectedUnits;
    may_restart = cfg.mayRestart;
    auto_rollback = cfg.autoRollback;
    keep_generations = cfg.keepGenerations;
  });
in
{
  options.services.heald = {
    enable = mkEnableOption "heald, which heals this machine: failed units, full disks, lost permissions";

    package = mkOption {
      type = types.package;
      default = pkgs.heald or (pkgs.callPackage ./package.nix { });
      defaultText = lib.literalExpression "pkgs.heald";
      description = "The heald to use.";
    };

    settings = mkOption {
      default = { };
      description = "/etc/heald/heald.toml; `rules`, `probes` and `metrics` have options of their own.";
      type = freeform {
        mode = optional mode "Caps every rule. Try `observe` for a week.";
        sense = table "What has no event." {
          interval = optional span "Between two looks at it.";
        };
        thresholds = table "From where on something is wrong, by its kind." (lib.mapAttrs (_: threshold) {
          disk-full = [ "percent" "free" ];
          inodes-full = [ "percent" ];
          memory-low = [ "available" "full" ];
          pressure-memory = [ "full" ];
          swap-full = [ "percent" "full" ];
          pressure-io = [ "full" ];
          pressure-cpu = [ "some" ];
          cpu-busy = [ "percent" ];
          load-high = [ "per_core" ];
          temperature-high = [ "below" ];
        });
        limits = table "What the controller holds itself to." {
          incidents_per_hour = optional types.ints.positive "That are worked on at most.";
          rollbacks_per_day = optional types.ints.positive "Of generations; not counted yet: root allows one a day.";
          pacing = optional (types.listOf span) "Between the repairs of one incident; the last repeats.";
        };
        metrics = table "More of it is in `services.heald.metrics`." {
          hosts = optional (types.listOf types.str) "Names by which it may be asked, besides loopback's and the address.";
        };
        backup = table "For `healctl backup` of whoever has no file of their own." {
          paths = optional (types.listOf types.str) "Absolute, or from home: `~/letters`.";
          target = optional types.str "A folder that is there, and belongs to whoever makes the backup.";
          keep = optional types.ints.positive "Snapshots.";
        };
        history = table "What is remembered of the past." {
          keep = optional span "After an incident was closed.";
          size = optional types.str "Of the file, such as `256MiB`.";
        };
        fleet = table "For a thousand machines: docs/fleet.md. It needs `services.heald.metrics.enable`." {
          prometheus = optional types.str "Its URL, with an address. Without it nobody is asked.";
          max_unhealthy = optional types.str "Such as \"30%\".";
          unreachable = optional (types.enum [ "act" "stand-back" ]) "While Prometheus does not answer.";
          settle = optional span "How old an issue is when it is asked about.";
          labels = optional (types.attrsOf types.str) "Only machines that have these in Prometheus count.";
        };
      };
    };

    rules = mkOption {
      type = types.listOf rule;
      default = [ ];
      description = "Tried in this order, before the built-in ones; the first that matches decides.";
      example = [{ name = "search"; kind = "unit-failed"; subject = "opensearch*.service"; ladder = [ "service/start" ]; }];
    };

    probes = mkOption {
      type = types.listOf probe;
      default = [ ];
      description = "Questions that a running unit must answer.";
      example = [{ unit = "nginx.service"; http = "http://127.0.0.1/health"; }];
    };

    autoRollback = mkOption {
      type = types.bool;
      default = false;
      description = "Whether heald itself may go back to a generation that was well. A person always may.";
    };

    metrics = {
      enable = mkEnableOption "metrics for Prometheus and a status page";
      address = mkOption {
        type = types.str;
        default = "127.0.0.1";
        description = ''
          An address, never a name. Beyond loopback heald.service may talk to every address; to narrow that, set
          systemd.services.heald.serviceConfig.IPAddressAllow with lib.mkForce.
        '';
      };
      port = mkOption {
        type = types.ints.between 1024 65535;
        default = 9753;
        description = "A TCP port that needs no privilege.";
      };
      openFirewall = mkOption {
        type = types.bool;
        default = false;
        description = "Whether the firewall lets others through to the port. There is no password and no TLS.";
      };
    };

    session.enable = mkEnableOption "heald in everyone's desktop session: notifications, and people's own units";

    protectedUnits = mkOption {
      type = types.listOf types.str;
      default = [ ];
      description = "Globs of units that are never touched, besides the built-in ones.";
      example = [ "postgresql*.service" ];
    };

    mayRestart = mkOption {
      type = types.listOf types.str;
      default = [ ];
      description = "Globs of active units that may be restarted or reloaded.";
      example = [ "nginx.service" ];
    };

    keepGenerations = mkOption {
      type = types.ints.positive;
      default = 5;
      description = "So many of the newest stay when old generations are removed from a full disk.";
    };

    rootSettings = mkOption {
      type = toml.type;
      default = { };
      description = "More of /etc/heald/helper.toml, which only root writes: `run`, `keep_days`, `marks`, `limits`.";
    };
  };

  config = mkIf cfg.enable {
    assertions = [
      {
        assertion = lib.all (one: one.name != null && one.kind != null) cfg.rules;
        message = "services.heald.rules: each needs a name and a kind of issue.";
      }
      {
        assertion = lib.unique names == names;
        message = "services.heald.rules: each name only once; given are ${quoted names}.";
      }
      {
        assertion = lib.all (one: one.unit != null && lib.length (asked one) == 1) cfg.probes;
        message = "services.heald.probes: each needs a unit, and one of ${quoted ways}.";
      }
      {
        assertion = !(cfg.settings ? rule || cfg.settings ? probe);
        message = "services.heald.settings: write services.heald.rules and services.heald.probes instead.";
      }
      {
        assertion = halfNamed (cfg.mayRestart ++ cfg.protectedUnits) == [ ];
        message = "services.heald: ${quoted (halfNamed (cfg.mayRestart ++ cfg.protectedUnits))} match no unit; "
          + "write full names such as \"nginx.service\", or globs.";
      }
      {
        assertion = cfg.metrics.openFirewall -> cfg.metrics.enable && !loopback;
        message = "services.heald.metrics.openFirewall: nobody can get there; set metrics.enable, and an address of this "
          + "machine instead of ${cfg.metrics.address}.";
      }
      {
        assertion = builtins.match "[0-9.]+|[0-9a-f:.]*:[0-9a-f:.]*" cfg.metrics.address != null;
        message = "services.heald.metrics.address: \"${cfg.metrics.address}\" is no address; a name could come to mean "
          + "another machine.";
      }
      {
        assertion = cfg.autoRollback -> !config.boot.isContainer;
        message = "services.heald.autoRollback: a container has no generations of its own to go back to.";
      }
      {
        assertion = cfg.session.enable -> hasSession;
        message = "services.heald.session.enable: this heald has no part for desktop sessions.";
      }
    ];

    users.users = lib.genAttrs [ "_heald" "_heald-helper" ] (name: {
      isSystemUser = true;
      group = name;
      description = "heald";
    });
    users.groups = { _heald = { }; _heald-helper = { }; };

    environment.systemPackages = [ cfg.package ];       # polkit finds actions and rules here alone
    environment.etc."heald/heald.toml".source = controllerFile;
    environment.etc."heald/helper.toml".source = rootFile;
    security.polkit.enable = true;
    services.dbus.packages = [ cfg.package ];
    networking.firewall.allowedTCPPorts = optionals cfg.metrics.openFirewall [ cfg.metrics.port ];

    # NixOS ignores [Install] of what a package brings, and gives a service a PATH only where it is named here.
    systemd.packages = [ cfg.package ];
    systemd.services = lib.genAttrs rootServices (_: {
      inherit path;
      # A repair that is under way goes on while the machine is switched; the next one is done by the new helper.
      restartIfChanged = false;
    }) // {
      heald = {
        inherit path;
        wantedBy = [ "multi-user.target" ];
        reloadTriggers = [ controllerFile ];
        serviceConfig = mkIf (cfg.metrics.enable && !loopback) { IPAddressAllow = [ "any" ]; };
      };
    };
    # A template is started by its instance alone.
    systemd.timers = lib.genAttrs (lib.filter (name: !lib.hasSuffix "@" name) (withoutEnding ".timer"))
      (_: { wantedBy = [ "timers.target" ]; });
    systemd.user.services = mkIf cfg.session.enable {
      heald-session.wantedBy = [ "graphical-session.target" ];
    };
  };
}
