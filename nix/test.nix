# nix-build nix/test.nix: a NixOS machine on which the demo's three things break, and one generation is a bad one.
{ pkgs ? import <nixpkgs> { } }:

pkgs.testers.runNixOSTest {
  name = "heald";

  nodes.machine = { pkgs, ... }: {
    imports = [ ./module.nix ];
    services.heald = {
      enable = true;
      settings.sense.interval = "5s";
    };
    environment.systemPackages = [ pkgs.jq ];
    system.switch.enable = true;
    # A small disk of its own for the journal, whose own limits would stop it at a tenth of that.
    virtualisation.fileSystems."/var/log/journal" = { fsType = "tmpfs"; device = "journal"; options = [ "size=300m" ]; };
    services.journald.extraConfig = "Storage=persistent\nSystemMaxUse=100G\nSystemKeepFree=1\nSystemMaxFiles=1000\n"
      + "RateLimitIntervalSec=0\nCompress=no\n";
    systemd.services.shop = {
      wantedBy = [ "multi-user.target" ];
      serviceConfig.ExecStart = "${pkgs.coreutils}/bin/sleep infinity";
    };
    specialisation.bad.configuration.systemd.services.shop.serviceConfig.ExecStart =
      pkgs.lib.mkForce "${pkgs.coreutils}/bin/false";
  };

  testScript = ''
    PROFILE = "/nix/var/nix/profiles/system"
    HEALER = "org.heald.Helper1 /org/heald/Helper1 org.heald.Helper1"

    machine.wait_for_unit("heald.service")
    machine.succeed("healctl check")
    machine.succeed("busctl get-property org.heald.Helper1 /org/heald/Helper1 org.heald.Helper1 Operations")

    def healed(kind, subject):
        """Waits until history says so."""
        wanted = f'.incidents[] | select(.kind == "{kind}" and .subject == "{subject}" and .outcome == "healed")'
        machine.wait_until_succeeds(f"healctl history --json | jq --exit-status '{wanted}'")

    with subtest("a killed service is started"):
        machine.wait_for_unit("shop.service")
        machine.succeed("systemctl kill --signal=KILL shop.service")
        healed("unit-failed", "shop.service")
        machine.wait_for_unit("shop.service")

    with subtest("the journal fills its disk and is cut"):
        machine.succeed("journalctl --flush")
        machine.succeed("while test $(df --output=pcent /var/log/journal | tail --lines=1 | tr --delete ' %') -lt 98; do "
                        "head --bytes=4M /dev/urandom | base64 | systemd-cat --identifier=chatty; done")
        healed("disk-full", "/var/log/journal")

    with subtest("/tmp gets its permissions back"):
        machine.succeed("chmod 755 /tmp")
        healed("permissions-wrong", "/tmp")
        assert machine.succeed("stat --format=%a /tmp").strip() == "1777"

    with subtest("a bad generation is gone back from, by a person's word"):
        machine.succeed(f"nix-env --profile {PROFILE} --set /run/current-system")
        good = machine.succeed(f"readlink {PROFILE}").strip().split("-")[1]
        machine.succeed(f"nix-env --profile {PROFILE} --set /run/current-system/specialisation/bad")
        bad = machine.succeed(f"readlink {PROFILE}").strip().split("-")[1]
        machine.execute(f"{PROFILE}/bin/switch-to-configuration switch")
        machine.wait_until_succeeds("systemctl is-failed shop.service")
        machine.succeed(f"busctl call --timeout=300 {HEALER} HealSystem 'ssa{{sv}}' rollback ''' 3 "
                        f"current u {bad} target u {good} wait u 240")
        machine.wait_for_unit("shop.service")
        assert machine.succeed(f"readlink {PROFILE}").strip().split("-")[1] == good
  '';
}
