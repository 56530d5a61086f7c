# heald in two derivations: what root runs has nothing but Python, dbus-next and itself in its closure.
{ lib
, python3Packages
, coreutils
, bash
}:

let
  inherit (python3Packages) python buildPythonApplication makePythonPath;
  inherit ((builtins.fromTOML (builtins.readFile ../pyproject.toml)).project) version;

  # What install/layout.py lays out, and that itself: a change of a test or of the docs builds nothing anew.
  parts = [ "LICENSE" "completions" "controller" "dbus" "fleet" "helper" "install" "man" "polkit" "systemd" ];
  src = builtins.path {
    name = "heald-source";
    path = ../.;
    filter = path: _:
      let inside = lib.removePrefix "${toString ../.}/" (toString path);
      in lib.elem (lib.head (lib.splitString "/" inside)) parts
        && !lib.hasSuffix ".pyc" inside && !lib.hasSuffix "__pycache__" inside;
  };

  # pyproject = false: install/layout.py knows what goes where, for `make install` and for us.
  part = name: { pname, dependencies, words ? "", ... }@arguments: buildPythonApplication ({
    inherit pname version src dependencies;
    pyproject = false;
    dontBuild = true;
    doCheck = false;
    # The programs say for themselves, after -IS, where they import from.
    dontWrapPythonPrograms = true;
    installPhase = ''
      runHook preInstall
      ${python.interpreter} install/store.py ${name} $out --python ${python.interpreter} \
        --site ${makePythonPath dependencies} ${words}
      runHook postInstall
    '';
  } // removeAttrs arguments [ "pname" "dependencies" "words" ]);

  helper = part "helper" {
    pname = "heald-helper";
    dependencies = [ python3Packages.dbus-next ];
    meta.description = "The root half of heald: the standard library, dbus-next and itself";
  };
in
part "controller" {
  pname = "heald";
  dependencies = with python3Packages; [ dbus-next prometheus-client psutil rich typer ];
  words = "--helper ${helper} --shell ${bash}/bin/sh --kill ${coreutils}/bin/kill";
  passthru = { inherit helper; };
  meta = {
    description = "A self-healing service for Linux machines that run systemd";
    license = lib.licenses.mit;
    mainProgram = "healctl";
    platforms = lib.platforms.linux;
  };
}
