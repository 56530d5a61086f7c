# As much of nixpkgs as nix/package.nix asks for, made of this machine's own Python and shell and of wheels: so heald is
# built and its closure looked at where there is no nixpkgs. Written for the tests.
{ wheels, system ? builtins.currentSystem }:

let
  lib = import ./lib.nix;
  sitePackages = "lib/python/site-packages";

  build = name: script: more: derivation ({
    inherit name system;
    builder = "/bin/sh";
    args = [ "-euc" script ];
    PATH = "/usr/bin:/bin";
  } // more) // more;

  # What a program of the machine is in the store: a name that starts it.
  stand-in = name: build name ''mkdir -p "$out/bin"
    for program in $programs; do
      printf '#!/bin/sh\nexec %s "$@"\n' "$(command -v $program)" > "$out/bin/$program"
      chmod +x "$out/bin/$program"
    done'';

  python = stand-in "python3" { programs = "python3"; } // { inherit sitePackages; interpreter = "${python}/bin/python3"; };

  wheel = name: needs:
    let
      start = builtins.replaceStrings [ "-" ] [ "_" ] name;
      file = lib.head (lib.filter (lib.hasPrefix "${start}-") (lib.attrNames (builtins.readDir wheels)));
    in
    build name ''mkdir -p "$out/${sitePackages}"; exec python3 -m zipfile -e "$wheel" "$out/${sitePackages}"'' {
      wheel = builtins.path { path = "${wheels}/${file}"; name = file; };
    } // { needs = map (one: pythonPackages.${one}) needs; };

  pythonPackages = lib.mapAttrs wheel {
    annotated-doc = [ ];
    dbus-next = [ ];
    markdown-it-py = [ "mdurl" ];
    mdurl = [ ];
    prometheus-client = [ ];
    psutil = [ ];
    pygments = [ ];
    rich = [ "markdown-it-py" "pygments" ];
    shellingham = [ ];
    typer = [ "annotated-doc" "rich" "shellingham" ];
  };
  all = packages: lib.unique (lib.concatMap (one: [ one ] ++ all one.needs) packages);

  python3Packages = pythonPackages // {
    inherit python;
    makePythonPath = packages: lib.concatMapStringsSep ":" (one: "${one}/${sitePackages}") (all packages);
    buildPythonApplication = { pname, version, src, dependencies, installPhase, passthru ? { }, meta ? { }, ... }:
      build "${pname}-${version}" ''
        runHook() { :; }
        cp -r "$src" source
        chmod -R u+w source
        cd source
        eval "$installPhase"
      '' { inherit src installPhase; } // passthru // { inherit meta; };
  };

  pkgs = {
    inherit lib python3Packages;
    coreutils = stand-in "coreutils" { programs = "kill"; };
    bash = stand-in "bash" { programs = "sh"; };
    callPackage = file: more:
      let function = import file;
      in function (builtins.intersectAttrs (builtins.functionArgs function) pkgs // more);
  };
in
pkgs
