"""Writes completions/ from healctl's own commands: `PYTHONPATH=controller python tests/completions.py`.

Static files: no shell starts Python for a Tab. What is not known before is asked of systemctl and busctl, 10 ms each.
"""

from pathlib import Path

from command_tree import Command, Parameter, commands
from heald.kinds import TABLE
from heald.model import Severity

FOLDER = Path(__file__).resolve().parents[1] / "completions"
MADE = "Made by tests/completions.py from healctl's own commands."
SEVERITIES = " ".join(level.label for level in Severity)
WORDS = {"severity": SEVERITIES, "kind": " ".join(TABLE), "span": "30min 1h 2h 1d", "since": "12h 7d 30d",
         "count": "5 20 100"}
"""What a parameter may be, by its name, where that is known before."""

ASKED = {("heal", "number"): "issues", ("why", "number"): "incidents", ("pause", "subject"): "units",
         ("resume", "subject"): "paused", ("test", "subject"): "units"}
"""What it is asked for, by the last word of the command."""

FILES_OF = {"bash": '$(compgen -f -- "$current")', "zsh": "_files", "fish": "(__fish_complete_path (commandline -ct))"}
"""What completes an argument that is a file, in each shell's own terms."""

UNITS = "systemctl list-units --all --full --plain --no-legend --type=service,socket,timer,path,mount 2>/dev/null"
PUBLISHED = ("busctl --json=short get-property org.heald.Controller1 /org/heald/Controller1 org.heald.Controller1 {} "
             "2>/dev/null")
VALUES = """grep -o '"{key}":{{"type":"s","data":"[^"]*"' | cut -d'"' -f10"""
SOURCES = {
    "units": f"{UNITS} | cut -d' ' -f1",
    "issues": f"{PUBLISHED.format('Issues')} | {VALUES.format(key='id')}",
    "incidents": f"{PUBLISHED.format('Incidents')} | {VALUES.format(key='id')}",
    "paused": f"{PUBLISHED.format('Paused')} | {VALUES.format(key='subject')}",
}
"""The command behind each; it prints one a line, and nothing where nobody answers."""


def source(command: Command, one: Parameter) -> tuple[str, str]:
    """Words that are known before, and the name of what is asked; each "" where there is none."""
    last = command.words[-1] if command.words else ""
    return WORDS.get(one.name, ""), ASKED.get((last, one.name), "")


def flags(command: Command) -> list[str]:
    return [flag for option in command.options for flag in option.flags]


def bash() -> str:
    """In the terms of bash's own completion, without the package bash-completion's functions."""
    known = list(commands())
    begins = 'command="${command:+$command }$word" place=0'
    step = [f"            {'|'.join(f'{_path(c)}:{word}' for word in c.below)}) {begins} ;;" for c in known if c.below]
    valued = [f"{_path(c)}:{flag}" for c in known for option in c.options if option.metavar for flag in option.flags]
    step.append(f"            {'|'.join(valued)}) value=\"$command:$word\" ;;")
    cases = []
    for command in known:
        for option in command.options:
            if option.metavar:
                where = "|".join(f'"{" ".join(command.words)}:{flag}":*' for flag in option.flags)
                cases.append(f"        {where}) {_bash_words(command, option)} ;;")
    for command in known:
        path = " ".join(command.words)
        cases.append(f"        :\"{path}\":*:-*) words=\"{' '.join(flags(command))}\" ;;")
        for place, argument in enumerate(command.arguments):
            cases.append(f"        :\"{path}\":{place}:*) {_bash_words(command, argument)} ;;")
        if command.below:
            cases.append(f"        :\"{path}\":0:*) words=\"{' '.join(command.below)}\" ;;")
    sources = "\n".join(f"_healctl_{name}() {{\n    {line}\n}}" for name, line in SOURCES.items())
    return f"""\
# {MADE}
{sources}
_healctl() {{
    local current="${{COMP_WORDS[COMP_CWORD]}}" command="" place=0 value="" word words="" at
    for ((at = 1; at < COMP_CWORD; at++)); do
        word="${{COMP_WORDS[at]}}"
        if [ -n "$value" ]; then value=""; continue; fi
        case "$command:$word" in
{chr(10).join(step)}
            *:-*) ;;
            *) place=$((place + 1)) ;;
        esac
    done
    case "$value:$command:$place:$current" in
{chr(10).join(cases)}
    esac
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}}
complete -F _healctl healctl
"""


def _path(command: Command) -> str:
    return "\\ ".join(command.words)


def _bash_words(command: Command, one: Parameter) -> str:
    words, asked = source(command, one)
    if one.name == "file":
        return f'words="{FILES_OF["bash"]}"'
    return f'words="$(_healctl_{asked})"' if asked else f'words="{words}"'


def zsh() -> str:
    """One function for each command; _arguments does the rest."""
    sources = "\n".join(f"_healctl_{name}() {{\n    compadd -- ${{(f)\"$({line})\"}}\n}}"
                        for name, line in SOURCES.items())
    functions = "\n".join(_zsh_function(command) for command in reversed(list(commands())))
    return f"#compdef healctl\n# {MADE}\n{sources}\n{functions}\n_healctl \"$@\"\n"


def _zsh_function(command: Command) -> str:
    lines = []
    for option in command.options:
        value = f":{option.metavar}:{_zsh_words(command, option)}" if option.metavar else ""
        several = len(option.flags) > 1
        names = f"'({' '.join(option.flags)})'{{{','.join(option.flags)}}}" if several else f"'{option.flags[0]}'"
        lines.append(f"{names}'[{_zsh(option.help)}]{value}'")
    lines += [f"'{place}:{argument.metavar}:{_zsh_words(command, argument)}'"
              for place, argument in enumerate(command.arguments, 1)]
    name = "_".join(("_healctl", *command.words))
    if not command.below:
        return f"{name}() {{\n    _arguments {(' ' + chr(92) + chr(10) + '        ').join(lines)}\n}}"
    lines += ["'1:command:->command'", "'*::argument:->argument'"]
    about = {one.words[-1]: one.about for one in commands() if one.words[:-1] == command.words and one.words}
    rows = "\n".join(f"            '{word}:{_zsh(about[word])}'" for word in command.below)
    cases = "\n".join(f"        {word}) {name}_{word} ;;" for word in command.below)
    return f"""\
{name}() {{
    local curcontext="$curcontext" state line
    local -a found=(
{rows}
    )
    _arguments -C {(' ' + chr(92) + chr(10) + '        ').join(lines)}
    case "$state" in
        command) _describe command found ;;
        argument) case "$line[1]" in
{cases}
        esac ;;
    esac
}}"""


def _zsh_words(command: Command, one: Parameter) -> str:
    words, asked = source(command, one)
    if one.name == "file":
        return FILES_OF["zsh"]
    return f"_healctl_{asked}" if asked else f"({words})" if words else ""


def _zsh(text: str) -> str:
    """Within single quotes, where brackets and colons mean something."""
    return text.replace("'", "'\\''").replace("[", "\\[").replace("]", "\\]").replace(":", "\\:")


def fish() -> str:
    """A line for each thing that can be typed."""
    lines = [f"# {MADE}", "complete --command healctl --no-files"]
    for command in commands():
        seen = "; and ".join(f"__fish_seen_subcommand_from {word}" for word in command.words)
        if command.below:
            seen += f"{'; and ' if seen else ''}not __fish_seen_subcommand_from {' '.join(command.below)}"
        head = f"complete --command healctl --condition '{seen}'"
        about = {one.words[-1]: one.about for one in commands() if one.words[:-1] == command.words and one.words}
        lines += [f"{head} --arguments {word} --description {_fish(about[word])}" for word in command.below]
        for option in command.options:
            names = " ".join(f"--long-option {flag[2:]}" if flag.startswith("--") else f"--short-option {flag[1:]}"
                             for flag in option.flags)
            takes = f" --exclusive --arguments {_fish_words(command, option)}" if option.metavar else ""
            lines.append(f"{head} {names}{takes} --description {_fish(option.help)}")
        for place, one in enumerate(command.arguments, len(command.words) + 1):
            here = f"{seen}; and test (count (string match --invert -- \\'-*\\' (commandline -opc))) -eq {place}"
            lines.append(f"complete --command healctl --condition '{here}' --arguments {_fish_words(command, one)}"
                         f" --description {_fish(one.help)}")
    return "\n".join(lines) + "\n"


def _fish_words(command: Command, one: Parameter) -> str:
    words, asked = source(command, one)
    if one.name == "file":
        return _fish(FILES_OF["fish"])
    return _fish(f"({SOURCES[asked]})" if asked else words)


def _fish(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


FILES = {"bash/healctl": bash, "zsh/_healctl": zsh, "fish/healctl.fish": fish}
"""Each under the name by which its shell looks for it."""


if __name__ == "__main__":
    for name, made in FILES.items():
        (FOLDER / name).parent.mkdir(parents=True, exist_ok=True)
        (FOLDER / name).write_text(made())
