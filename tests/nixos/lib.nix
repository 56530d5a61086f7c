# As much of nixpkgs' lib as heald's files use, for machines without a nixpkgs. Written for the tests.
let
  inherit (builtins) all any attrNames concatLists concatMap elem elemAt filter genList head isAttrs isBool isFloat isInt
    isList isString length listToAttrs map match stringLength substring tail;
in
rec {
  inherit all any attrNames concatMap elem elemAt filter head length tail;
  inherit (builtins) mapAttrs concatStringsSep;

  hasPrefix = prefix: text: substring 0 (stringLength prefix) text == prefix;
  hasSuffix = ending: text:
    stringLength text >= stringLength ending
    && substring (stringLength text - stringLength ending) (-1) text == ending;
  removePrefix = prefix: text:
    if hasPrefix prefix text then substring (stringLength prefix) (-1) text else text;
  removeSuffix = ending: text:
    if hasSuffix ending text then substring 0 (stringLength text - stringLength ending) text else text;
  splitString = separator: text: filter isString (builtins.split "[${separator}]" text);
  concatMapStringsSep = separator: change: list: builtins.concatStringsSep separator (map change list);
  nameValuePair = name: value: { inherit name value; };
  genAttrs = names: value: listToAttrs (map (name: nameValuePair name (value name)) names);
  optionals = wanted: list: if wanted then list else [ ];
  optionalAttrs = wanted: set: if wanted then set else { };
  unique = builtins.foldl' (found: one: if elem one found then found else found ++ [ one ]) [ ];
  filterAttrs = keep: set: removeAttrs set (filter (name: !keep name set.${name}) (attrNames set));
  filterAttrsRecursive = keep: set:
    builtins.mapAttrs (_: value: if isAttrs value then filterAttrsRecursive keep value else value) (filterAttrs keep set);
  literalExpression = text: { _type = "literalExpression"; inherit text; };
  licenses.mit = "MIT";
  platforms.linux = [ "x86_64-linux" "aarch64-linux" ];

  mkOption = arguments: { _type = "option"; } // arguments;
  mkEnableOption = what: mkOption { type = types.bool; default = false; description = "Whether to enable ${what}."; };
  mkIf = condition: content: { _type = "if"; inherit condition content; };
  mkMerge = contents: { _type = "merge"; inherit contents; };
  mkOverride = priority: content: { _type = "override"; inherit priority content; };
  mkForce = mkOverride 50;

  # A type: its name, what it takes, and what several definitions of it make together.
  type = name: check: rec {
    inherit name check;
    merge = where: values:
      if all (value: value == head values) values then head values
      else throw "The option `${where}' is defined twice with different values";
  };
  types = rec {
    bool = type "boolean" isBool;
    str = type "string" isString;
    number = type "number" (value: isInt value || isFloat value);
    package = type "package" (value: isAttrs value && value ? outPath);
    anything = type "anything" (_: true);
    strMatching = pattern: type "string matching ${pattern}" (value: isString value && match pattern value != null);
    enum = values: type "one of ${builtins.toJSON values}" (value: elem value values);
    ints = {
      positive = type "positive integer" (value: isInt value && value > 0);
      between = least: most: type "integer between ${toString least} and ${toString most}"
        (value: isInt value && value >= least && value <= most);
    };
    nullOr = inner: inner // {
      name = "null or ${inner.name}";
      check = value: value == null || inner.check value;
      merge = where: values: if all (value: value == null) values then null else inner.merge where values;
    };
    either = one: other: {
      name = "${one.name} or ${other.name}";
      options = other.options or { };
      check = value: one.check value || other.check value;
      merge = where: values: (if all one.check values then one else other).merge where values;
    };
    listOf = inner: {
      name = "list of ${inner.name}";
      options = inner.options or { };
      check = isList;
      merge = where: values: map (value: evaluated where inner [ value ]) (concatLists values);
    };
    attrsOf = inner: {
      name = "attribute set of ${inner.name}";
      check = isAttrs;
      merge = where: values: builtins.mapAttrs
        (name: found: evaluated "${where}.${name}" inner (concatMap discharged found))
        (builtins.zipAttrsWith (_: found: found) (concatMap pushed values));
    };
    submodule = { options, freeformType ? null }: {
      inherit options;
      name = "submodule";
      check = isAttrs;
      merge = where: values: tree where options freeformType (concatMap pushed values);
    };
  };

  # Conditions go down to the leaves before they are looked at: they may ask for options of the same set.
  pushed = value:
    if value._type or "" == "if" then map (builtins.mapAttrs (_: mkIf value.condition)) (pushed value.content)
    else if value._type or "" == "merge" then concatMap pushed value.contents
    else [ value ];
  discharged = value:
    if value._type or "" == "if" then (if value.condition then discharged value.content else [ ])
    else if value._type or "" == "merge" then concatMap discharged value.contents
    else [ value ];

  priority = value: if value._type or "" == "override" then value.priority else 100;
  evaluated = where: kind: definitions:
    let
      best = builtins.foldl' (least: one: if priority one < least then priority one else least) 100 definitions;
      values = map (one: one.content or one) (filter (one: priority one == best) definitions);
      wrong = filter (value: !kind.check value) values;
    in
    if wrong == [ ] then kind.merge where values
    else throw "A definition for option `${where}' is not of type `${kind.name}'";

  option = where: declared: definitions:
    if definitions != [ ] then evaluated where declared.type definitions
    else if declared ? default then evaluated where declared.type [ declared.default ]
    else throw "The option `${where}' is used but not defined";

  tree = where: options: freeform: definitions:
    let
      of = name: concatMap (one: if one ? ${name} then [ one.${name} ] else [ ]) definitions;
      within = name: if where == "" then name else "${where}.${name}";
      known = builtins.mapAttrs
        (name: declared:
          if declared._type or "" == "option" then option (within name) declared (concatMap discharged (of name))
          else tree (within name) declared null (concatMap pushed (of name)))
        options;
      more = filter (name: !options ? ${name}) (concatMap attrNames definitions);
    in
    if freeform != null then freeform.merge where (map (one: removeAttrs one (attrNames options)) definitions) // known
    else if more == [ ] then known
    else throw "The option `${within (head more)}' does not exist";

  evalModules = { modules, specialArgs }:
    let
      found = concatMap module modules;
      module = one:
        if isAttrs one then concatMap module (one.imports or [ ]) ++ [ one ]
        else if builtins.isFunction one then module (one (specialArgs // { inherit config; }))
        else module (import one);
      content = one: if one ? options || one ? config || one ? imports then one.config or { } else one;
      merged = builtins.foldl' both { } (map (one: one.options or { }) found);
      config = tree "" merged null (concatMap (one: pushed (content one)) found);
    in
    { inherit config; options = merged; };
  both = one: other: one // builtins.mapAttrs
    (name: value: if one ? ${name} && !(value ? _type) then both one.${name} value else value)
    other;
}
